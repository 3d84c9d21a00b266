use super::*;
use crate::commands::{create, list, start, status};

const USAGES: &[(&str, &str)] = &[
    ("clone", "pct clone <vmid> <newid> [OPTIONS]"),
    ("config", "pct config <vmid> [OPTIONS]"),
    ("console", "pct console <vmid> [OPTIONS]"),
    ("cpusets", "pct cpusets "),
    ("create", "pct create <vmid> <ostemplate> [OPTIONS]"),
    ("delsnapshot", "pct delsnapshot <vmid> <snapname> [OPTIONS]"),
    ("destroy", "pct destroy <vmid> [OPTIONS]"),
    ("df", "pct df <vmid>"),
    ("doctor", "pct doctor [<vmid>] [OPTIONS]"),
    ("enter", "pct enter <vmid> [OPTIONS]"),
    ("exec", "pct exec <vmid> [<extra-args>] [OPTIONS]"),
    ("fsck", "pct fsck <vmid> [OPTIONS]"),
    ("fstrim", "pct fstrim <vmid> [OPTIONS]"),
    (
        "guest-setup",
        "pct guest-setup <rootfs> --config <string> --event <clone | create | net | restore | start> --vmid <integer> \
         (100 - 999999999) [OPTIONS]",
    ),
    ("help", "pct help [<extra-args>] [OPTIONS]"),
    ("ip", "pct ip <vmid> [OPTIONS]"),
    ("lint", "pct lint <file> [OPTIONS]"),
    ("list", "pct list "),
    ("listsnapshot", "pct listsnapshot <vmid>"),
    ("lxc-config", "pct lxc-config [<vmid>] [OPTIONS]"),
    ("mount", "pct mount <vmid>"),
    (
        "move-volume",
        "pct move-volume <vmid> <volume> [<storage>] [<target-vmid>] [<target-volume>] [OPTIONS]",
    ),
    ("pending", "pct pending <vmid>"),
    ("pull", "pct pull <vmid> <path> <destination> [OPTIONS]"),
    ("push", "pct push <vmid> <file> <destination> [OPTIONS]"),
    ("reboot", "pct reboot <vmid> [OPTIONS]"),
    ("repair", "pct repair <vmid> [OPTIONS]"),
    ("rescan", "pct rescan  [OPTIONS]"),
    ("resize", "pct resize <vmid> <disk> <size> [OPTIONS]"),
    ("resume", "pct resume <vmid>"),
    ("rollback", "pct rollback <vmid> <snapname> [OPTIONS]"),
    ("schema", "pct schema [<key>] [OPTIONS]"),
    ("set", "pct set <vmid> [OPTIONS]"),
    ("shutdown", "pct shutdown <vmid> [OPTIONS]"),
    ("snapshot", "pct snapshot <vmid> <snapname> [OPTIONS]"),
    ("start", "pct start <vmid> [OPTIONS]"),
    ("startall", "pct startall  [OPTIONS]"),
    ("status", "pct status <vmid> [OPTIONS]"),
    ("stop", "pct stop <vmid> [OPTIONS]"),
    ("stopall", "pct stopall  [OPTIONS]"),
    ("storage", "pct storage <action> [<argument>] [OPTIONS]"),
    ("suspend", "pct suspend <vmid>"),
    ("template", "pct template <vmid>"),
    ("unlock", "pct unlock <vmid>"),
    ("unmount", "pct unmount <vmid>"),
    ("wait", "pct wait <vmid> <condition> [OPTIONS]"),
];

#[test]
fn usage_lines_are_those_of_the_original() {
    let ours: Vec<_> = crate::commands::all().map(|verb| (verb.spec.name, usage_line(&verb.spec))).collect();
    let ours: Vec<_> = ours.iter().map(|(name, line)| (*name, line.as_str())).collect();
    assert_eq!(ours, USAGES);
}

const DRY: &[Param] = &[Param::new("dry", Kind::Bool, "")];
const TARGET: &[Param] = &[Param::new("target", Kind::Text, "Where to.").required()];
const TWO: &[Param] = &[Param::new("a", Kind::Text, "").required(), Param::new("b", Kind::Text, "")];

/// Shapes that only verbs to come have.
#[test]
fn usage_of_optional_words_of_required_options_and_of_options_alone() {
    let spec = |positionals, options| VerbSpec { positionals, options, ..BARE };
    assert_eq!(usage_line(&spec(&[], DRY)), "pct x  [OPTIONS]");
    assert_eq!(usage_line(&spec(TWO, TARGET)), "pct x <a> [<b>] --target <string> [OPTIONS]");
}

const BARE: VerbSpec = VerbSpec {
    name: "x",
    group: crate::spec::Group::Help,
    about: "About.",
    positionals: &[],
    options: &[],
    config_options: false,
    extra_args: false,
    needs_root: false,
    ours: false,
};

#[test]
fn the_full_help_has_the_layout_of_the_original() {
    let expected = "USAGE: pct start <vmid> [OPTIONS]\n\n  Start a container.\n\n\
                    \x20 <vmid>     <integer> (100 - 999999999)\n\
                    \t     The number of the container. It is unique on the machine, and\n\
                    \t     in a cluster.\n\n\
                    \x20 --debug    <boolean>\t (default=0)\n\
                    \t     Write a detailed log of the start.\n\n\
                    \x20 --skiplock <boolean>\n\
                    \t     Start even if the container is marked as being worked on.\n\n\
                    \x20 --timeout  <integer> (0 - N)\n\
                    \t     Give up after so many seconds, with exit status 1. Without it\n\
                    \t     the waiting has no end.\n\n\
                    \t     Requires option(s): wait\n\n\
                    \x20 --wait     <ipv4 | ipv6 | running | stopped | systemd>\n\
                    \t     Come back only when this has been reached.\n\n\n";
    assert_eq!(full(&start::VERB.spec), expected);
    assert_eq!(full(&BARE), "USAGE: pct x \n\n  About.\n\n\n");
}

#[test]
fn options_are_sorted_and_families_shown_once() {
    let text = full(&create::VERB.spec);
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  --"))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.contains("[n]")).count(), 4);
    assert!(names.contains(&"net[n]") && names.contains(&"ssh-public-keys"));
    assert!(text.contains("  --unique   <boolean>\n"), "{text}");
    assert!(text.contains("\n\n\t     Requires option(s): restore\n\n"), "{text}");
    assert!(text.contains("  --ssh-public-keys <filepath>\n"), "{text}");
    assert!(text.contains("  --password <password>\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 76), "{text}");
}

#[test]
fn every_kind_has_a_type_text() {
    let text = |kind| type_text(&Param::new("x", kind, ""));
    assert_eq!(text(Kind::Bool), "<boolean>");
    assert_eq!(text(Kind::Text), "<string>");
    assert_eq!(text(Kind::Int { min: None, max: None }), "<integer>");
    assert_eq!(text(Kind::Int { min: Some(1), max: Some(9) }), "<integer> (1 - 9)");
    assert_eq!(text(Kind::Int { min: Some(0), max: None }), "<integer> (0 - N)");
    assert_eq!(text(Kind::Number { min: None, max: Some(5) }), "<number> (-N - 5)");
    assert_eq!(text(Kind::Enum(&["tty", "console", "shell"])), "<console | shell | tty>");
    assert_eq!(text(Kind::Disk), "<rootfs | mp[n]>");
    assert_eq!(text(Kind::File), "<filepath>");
    assert_eq!(text(Kind::Password), "<password>");
    assert_eq!(type_text(&Param::new("x", Kind::Text, "").type_text("\\d+")), "\\d+");
}

#[test]
fn our_own_options_are_in_the_full_help() {
    for spec in [&list::VERB.spec, &status::VERB.spec] {
        assert!(
            full(spec).contains("  --output-format <json | json-pretty | text | yaml>   (default=text)\n"),
            "{}",
            full(spec)
        );
    }
}
