//! The manual pages `man/pct*.8`: here is how they are made out of the tables of the verbs, and the test that nobody
//! has forgotten to. `PCT_UPDATE=1` (`make man`) writes them anew. That of the configuration is made by
//! `tests/tests/reference.rs`.

use std::{collections::BTreeSet, fs};

use pct_tests::{generated::repository, man::Page};

use crate::{
    commands::visible,
    help::type_text,
    spec::{Group, Kind, Param, VerbSpec},
};

const ABOUT: &str = "\
## Description

`pct` creates, configures, starts, enters and removes system containers. Its syntax, its output and its files are those of \
the Proxmox Container Toolkit, of which it is an independent implementation. It needs no cluster, no daemon and no \
database: a Linux host with liblxc is enough.

A container has a number, the *vmid*, and a file that says what it is; see *pct.conf*(5).

`pct help <command>` and `pct <command> --help` show what a command takes, and each has a manual page of its own.
";

const OPTIONS: &str = "\
## Options

Options may stand before, between and after the other words, with one dash or two, and in capitals or small letters. `--` \
ends them: what follows is taken as it is. A value is the next word, or follows after a `=`. The value of a switch may be \
left out, which means 1; it is consumed, however, when the next word does not begin with a dash.

The names of commands and options can be shortened, as long as one only begins like that: `pct stat 100`. Those that the \
original does not have can not.

An option of an array, such as `--net[n]`, is written with a number: `--net0`.
";

const AFTER: &str = "\
## Exit status

`0`
: It worked.

`1`
: It worked, and the answer is no: `pct lint` has found errors, or what was waited for has not come about in time.

`2`
: There is no such container (commands that change nothing).

`141`
: Nobody reads the output any more.

`255`
: It failed; the error says what was attempted, why it failed, and what can be done.

`pct exec` ends with the status of the command. As with a shell, 126 and 127 tell that it could not be executed or was not found.

## Environment

`PCT_ROOT`
: A folder below which all files of pct are looked for, those in `/etc`, `/var` and `/run`. The numbers of containers are unique \
on a machine all the same.

`POSIXLY_CORRECT`
: When it is set, the first word that is no option ends the options.

`TZ`
: The time zone in which times are shown.

## Files

`/etc/pct/lxc/<vmid>.conf`
: The configuration of a container; see *pct.conf*(5).

`/etc/pct/storage.cfg`
: The storages. Without it there is one, `local`, a directory.

`/var/lib/pct/storage`
: The directory of `local`: volumes in `images`, templates in `template/cache`.

`/var/lib/pct/lxc/<vmid>/config`
: What liblxc has been told at the last start. It is made anew at each.

`/run/pct/<vmid>.log`
: What liblxc had to say at the last start.

`/etc/subuid`, `/etc/subgid`
: Where newuidmap is installed, unprivileged containers need a line `root:100000:65536` in both.

On a Proxmox VE host, the files in `/etc/pve`, `/var/lib/vz` and `/var/lib/lxc` are used instead.

## Examples

Make a container from a template, start it, wait until it can be reached, run a command in it:

    # pct create 101 local:vztmpl/debian.tar.zst -hostname web \\
        -memory 512 -rootfs local:8 -net0 name=eth0,bridge=br0,ip=dhcp
    # pct start 101 --wait ipv4
    # pct exec 101 -- hostname
    web

Give it more memory, at once if it runs:

    # pct set 101 -memory 1024

Find what is wrong with a file that was edited by hand:

    $ pct lint /etc/pct/lxc/101.conf

Shut it down, and remove it with its volumes:

    # pct shutdown 101 --timeout 60
    # pct destroy 101 --purge

Try something on another, empty host:

    # PCT_ROOT=/tmp/try pct list
";

/// The heading of a group of verbs.
fn title(group: Group) -> &'static str {
    match group {
        Group::Existence => "Making and removing containers",
        Group::Config => "Their configuration",
        Group::Snapshot => "Their snapshots",
        Group::Power => "Starting and stopping",
        Group::Access => "Looking at and into them",
        Group::Help => "About this program",
    }
}

/// The page of the program.
fn program() -> Page {
    let mut page = Page::new("pct", 8, "manage system containers");
    page.text("## Synopsis\n\n`pct <command>` [*argument*...] [*option*...]");
    page.text(ABOUT);
    page.text("## Commands");
    for group in visible().map(|verb| verb.spec.group).collect::<BTreeSet<_>>() {
        page.text(&format!("### {}", title(group)));
        for verb in visible().filter(|verb| verb.spec.group == group) {
            page.item(&synopsis(&verb.spec), verb.spec.about);
        }
    }
    page.text(OPTIONS);
    page.text(AFTER);
    let verbs = visible().map(|verb| reference(verb.spec.name)).collect::<Vec<_>>().join(", ");
    page.text(&format!("## See also\n\n{verbs}, *pct.conf*(5), *lxc.container.conf*(5)"));
    page
}

/// The page of a verb.
fn verb(spec: &VerbSpec) -> Page {
    let mut page = Page::new(&format!("pct-{}", spec.name), 8, &summary(spec.about));
    page.text(&format!("## Synopsis\n\n{}", synopsis(spec)));
    page.text(&format!("## Description\n\n{}", spec.about));
    page.text(if spec.needs_root { "It needs root." } else { "It needs no root." });
    if spec.ours {
        page.text("The original has no such command; its name cannot be shortened.");
    }
    if !spec.positionals.is_empty() {
        page.text("## Arguments");
    }
    for param in spec.positionals {
        item(&mut page, param, &format!("`<{}>`", param.name));
    }
    options(&mut page, "Options", spec.options);
    if spec.config_options {
        options(&mut page, "Settings", crate::keys::options());
        page.text("See *pct.conf*(5) for what each of them does, and for their sub-keys.");
    }
    let others = visible().filter(|other| other.spec.group == spec.group && other.spec.name != spec.name);
    let others: String = others.map(|other| reference(other.spec.name) + ", ").collect();
    let common = "The way in which options are written, the exit status, the environment and the files are those of *pct*(8).";
    page.text(&format!("## See also\n\n*pct*(8), {others}*pct.conf*(5)\n\n{common}"));
    page
}

fn options(page: &mut Page, heading: &str, params: &'static [Param]) {
    if params.is_empty() {
        return;
    }
    page.text(&format!("## {heading}"));
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort_by_key(|param| param.name);
    for param in sorted {
        let index = if param.family.is_some() { "[n]" } else { "" };
        item(page, param, &format!("`--{}{index}`", param.name));
    }
}

/// A parameter: its name and the type of its value, and below them what it is for.
fn item(page: &mut Page, param: &Param, name: &str) {
    let value = value(param);
    let mut text = param.about.to_owned();
    let beside = value.starts_with('`') && value.len() <= SHORT;
    let tag = if beside { format!("{name} {value}") } else { name.to_owned() };
    if !beside {
        text += &format!("\n\nValue: {value}");
    }
    if let Some(default) = param.default {
        text += &format!("\n\nDefault: {default}");
    }
    if let Some(other) = param.requires {
        text += &format!("\n\nOnly with `--{other}`.");
    }
    page.item(&tag, &text);
}

/// What fits beside the name of a parameter.
const SHORT: usize = 50;

/// What a parameter takes; where the help has a pattern, the words for it.
fn value(param: &Param) -> String {
    match param.kind {
        Kind::Config(key) if key.schema.pattern.is_some() => key.schema.allowed(),
        kind if !kind.is_bool() && !kind.values().is_empty() => {
            kind.values().iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" | ")
        }
        _ => format!("`{}`", type_text(param)),
    }
}

/// `pct status <vmid>...`: with what the usage lines keep quiet about.
fn synopsis(spec: &VerbSpec) -> String {
    let mut words = format!("`pct {}`", spec.name);
    for param in spec.positionals {
        let dots = if param.many { "..." } else { "" };
        words += &if param.required {
            format!(" *{}*{dots}", param.name)
        } else {
            format!(" [*{}*{dots}]", param.name)
        };
    }
    for param in spec.options().filter(|param| param.required) {
        words += &format!(" `--{} {}`", param.name, type_text(param));
    }
    if spec.options().next().is_some() {
        words += " [*option*...]";
    }
    words + if spec.extra_args { " [`--`] [*word*...]" } else { "" }
}

/// The first sentence, as the part of a line.
fn summary(about: &str) -> String {
    let sentence = about.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let (first, rest) = sentence.split_at(1);
    first.to_lowercase() + rest
}

fn reference(verb: &str) -> String {
    format!("*pct-{verb}*(8)")
}

#[test]
fn the_committed_pages_are_the_generated_ones() {
    let pages: Vec<Page> = visible().map(|found| verb(&found.spec)).chain([program()]).collect();
    for page in &pages {
        page.is_committed();
    }
    let made: BTreeSet<_> = pages.iter().map(Page::file).collect();
    let folder = fs::read_dir(repository().join("man")).unwrap();
    let there = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = there.filter(|name| name.ends_with(".8") && !made.contains(name)).collect();
    assert!(left.is_empty(), "pages of no verb, remove them: {left:?}");
}

#[test]
fn a_synopsis_shows_all_words() {
    const TARGET: &[Param] = &[Param::new("target", Kind::Bool, "").required()];
    let of = |name| synopsis(&visible().find(|verb| verb.spec.name == name).unwrap().spec);
    assert_eq!(of("list"), "`pct list` [*vmid*...] [*option*...]");
    assert_eq!(of("status"), "`pct status` *vmid*... [*option*...]");
    assert_eq!(of("exec"), "`pct exec` *vmid* [*option*...] [`--`] [*word*...]");
    let required = VerbSpec { options: TARGET, ..crate::commands::start::VERB.spec };
    assert_eq!(synopsis(&required), "`pct start` *vmid* `--target <boolean>` [*option*...]");
}

#[test]
fn a_summary_is_the_first_sentence() {
    assert_eq!(summary("Show it. And more."), "show it");
    assert_eq!(summary("Show it."), "show it");
}
