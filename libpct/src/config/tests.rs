//! The language as a whole: the documented example, and what must hold for any file.

use proptest::prelude::*;

use super::*;

fn vmid() -> Vmid {
    Vmid::new(900).unwrap()
}

fn parse(text: &str) -> Parsed {
    Config::parse(text.as_bytes(), vmid())
}

fn written(config: &Config) -> String {
    String::from_utf8(config.to_bytes().unwrap()).unwrap()
}

/// Example 14 (spec: config, part 9).
const EXAMPLE: &str = "\
# hello
#Gr%C3%BC%C3%9Fe%3A 50%25 off

onboot: YES
swap: 0064
net10: name=a,bridge=b
net2: name=c
zzz: keep me
ostype: bogus
console: maybe
#late
cores : 3
Tags: x
lxc.include = /etc/x
lxc.environment.runtime: Z=1
lxc.environment.runtime=Y=2
lxc.limit.nofile: 3
rootfs: local:900/vm-900-disk-0.raw,size=1.5G
unused0: local:900/vm-900-disk-0.raw
unused1: local:900/x.raw
net3: nam=x
features: nesting=On, fuse=1
delete: foo
snapstate: delete
tags: a;B
tags: A
[PVE:Pending]
memory: 99
delete: mp0,!swap
#pend
[zsnap]
memory: 7
snapstate: prepare
#c1
#
#c2
#
[asnap]
snaptime: 12
[b]
";

const REWRITTEN: &str = "\
# hello
#Gr%C3%BC%C3%9Fe%3A 50%25 off
#late
console: maybe
features: nesting=On, fuse=1
net10: name=a,bridge=b
net2: name=c
net3: nam=x
onboot: 1
ostype: bogus
rootfs: local:900/vm-900-disk-0.raw,size=1.5G
swap: 64
tags: A
unused1: local:900/x.raw
zzz: keep me
lxc.environment.runtime: Z=1
lxc.environment.runtime: Y=2
lxc.include: /etc/x
lxc.limit.nofile: 3

[pve:pending]
#pend
delete: mp0,!swap
memory: 99

[asnap]
snaptime: 12

[zsnap]
#c1
#
#c2
memory: 7
snapstate: prepare
";

#[test]
fn the_documented_example_is_read_and_rewritten() {
    let Parsed { config, diagnostics } = parse(EXAMPLE);
    assert_eq!(written(&config), REWRITTEN);
    let found: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            (d.line, d.column, d.key.as_deref(), d.is_error(), d.message.lines().next().unwrap_or_default())
        })
        .collect();
    let format_error = |key| format!("unable to parse value of '{key}' - format error");
    assert_eq!(
        found,
        [
            (8, 1, Some("zzz"), true, "unable to parse value of 'zzz' - unknown setting 'zzz'"),
            (
                10,
                10,
                Some("console"),
                true,
                "unable to parse value of 'console' - type check ('boolean') failed - got 'maybe'"
            ),
            (12, 1, None, true, "unable to parse config: cores : 3"),
            (13, 1, None, true, "unable to parse config: Tags: x"),
            (
                17,
                1,
                Some("lxc.limit.nofile"),
                false,
                "lxc.limit.nofile: lxc.limit.* was renamed to lxc.prlimit.*"
            ),
            (21, 7, Some("net3"), true, format_error("net3").as_str()),
            (22, 22, Some("features"), true, format_error("features").as_str()),
            (23, 1, Some("delete"), true, "property 'delete' is only allowed in [pve:pending]"),
            (40, 1, None, true, "unable to parse config: [b]"),
        ]
    );
    assert_eq!(
        diagnostics[5].to_string(),
        "vm 900 - unable to parse value of 'net3' - format error\n\
         nam: property is not defined in schema and the schema does not allow additional properties\n\
         name: property is missing and it is not optional"
    );
    assert_eq!(Config::parse_strict(EXAMPLE.as_bytes(), vmid()).unwrap_err(), diagnostics[0]);
}

#[test]
fn sections_keep_what_belongs_to_them() {
    let config = parse(EXAMPLE).config;
    let main = config.main();
    assert_eq!(main.description(), Some(" hello\nGrüße: 50% off\nlate\n"));
    assert_eq!(main.env(), ["Z=1", "Y=2"]);
    assert_eq!(main.get("env"), Some("Z=1\0Y=2"));
    assert_eq!(main.get("snapstate"), None);
    let pending = config.pending().unwrap();
    assert_eq!(pending_deletions(pending), [("mp0", false), ("swap", true)].into());
    assert_eq!(config.snapshots()["zsnap"].get("snapstate"), Some("prepare"));
    assert_eq!(config.snapshots()["zsnap"].description(), Some("c1\n\nc2\n\n"));
}

#[test]
fn a_section_that_comes_again_replaces_the_first() {
    let config =
        parse("[aa]\nmemory: 1\n[pve:pending]\ntty: 1\n[aa]\nswap: 2\n[pve:pending]\ntty: 3\n").config;
    assert_eq!(written(&config), "\n[pve:pending]\ntty: 3\n\n[aa]\nswap: 2\n");
    assert_eq!(written(&parse("").config), "");
    assert_eq!(written(&parse("[pve:pending]\n").config), "");
    assert_eq!(written(&parse("[pending]").config), "\n[pending]\n");
}

#[test]
fn lines_that_belong_to_the_model_are_dropped() {
    let Parsed { config, diagnostics } = parse("digest: x\npending: x\nsnapshots: x\nmemory: 16\n");
    assert_eq!(diagnostics.len(), 3);
    assert_eq!(written(&config), "memory: 16\n");
}

#[test]
fn a_newline_can_not_be_written() {
    let mut config = Config::default();
    config.main_mut().set("hostname", "a\nlock: backup");
    let newline = |key: &str| Err(WriteError::Newline { key: key.to_owned() });
    assert_eq!(config.to_bytes(), newline("hostname"));
    config.main_mut().remove("hostname");
    config.main_mut().raw_mut().push(RawLine::new("lxc.include", "a\nb"));
    assert_eq!(config.to_bytes(), newline("lxc.include"));
    config.main_mut().raw_mut().clear();
    config.main_mut().set("env", "A=1\0B=2\n");
    assert_eq!(config.to_bytes(), newline("lxc.environment.runtime"));
}

#[test]
fn entries_of_the_environment_have_no_blanks_at_their_ends() {
    let config = parse("env: A=1 \0\x0b B=2\0 \0C=3\n").config;
    let expected =
        "lxc.environment.runtime: A=1\nlxc.environment.runtime: B=2\nlxc.environment.runtime: C=3\n";
    assert_eq!(written(&config), expected);
    assert_eq!(parse(expected).config.main().env(), config.main().env());
}

#[test]
fn bytes_that_are_no_utf8_are_kept() {
    let bytes = b"hostname: h\xffst\nzzz: \xc3\xa9\xc3\nlxc.include: /\xfe\n";
    let config = Config::parse(bytes, vmid()).config;
    assert_eq!(config.to_bytes().unwrap(), b"hostname: h\xffst\nzzz: \xc3\xa9\xc3\nlxc.include: /\xfe\n");
}

#[test]
fn the_digest_is_sha1() {
    assert_eq!(digest(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_eq!(digest(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#[test]
fn a_large_file_takes_linear_time() {
    // A hundred times the work of a parser that copies what it has for each line
    // would take minutes here.
    let mut text = String::new();
    for n in 0..20_000 {
        text.push_str(&format!("lxc.environment.runtime: A{n}=1\n#line {n}\nzz{n}: x\nlxc.include: /x\n"));
    }
    let Parsed { config, diagnostics } = parse(&text);
    assert_eq!((config.main().env().len(), diagnostics.len()), (20_000, 20_000));
    assert_eq!(parse(&written(&config)).config, config);
    let value = format!("net0: {}\n", "a=b,".repeat(100_000));
    assert_eq!(parse(&value).diagnostics.len(), 1);
    let value = format!("net0: {}name=x\n", ",".repeat(200_000));
    assert_eq!(parse(&value).diagnostics.len(), 0);
}

/// Lines like those of real files, sound and damaged.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "memory",
        "swap",
        "onboot",
        "net0",
        "net10",
        "mp0",
        "rootfs",
        "hostname",
        "features",
        "zzz",
        "env",
        "description",
        "delete",
        "snapstate",
        "unused0",
        "tags",
        "dev3",
        "lxc.include",
        "lxc.idmap",
        "lxc.environment.runtime",
        "lxc.foo",
        "startup",
        "timezone",
        "parent",
        "digest",
        "Memory",
    ]);
    let value = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        Just("512".to_owned()),
        Just("yes".to_owned()),
        Just("name=eth0,bridge=vmbr0".to_owned()),
        Just("local:100/x.raw,mp=/x,size=8G".to_owned()),
    ];
    prop_oneof![
        8 => (key, prop::sample::select(vec![": ", ":", " = ", "=", ":\t"]), value)
            .prop_map(|(key, separator, value)| format!("{key}{separator}{value}")),
        2 => "#\\PC{0,12}".prop_map(|line| line),
        1 => Just("[pve:pending]".to_owned()),
        1 => "\\[[a-z]{2}[a-z0-9]\\]".prop_map(|line| line),
        1 => "[ \\t]{0,3}".prop_map(|line| line),
    ]
}

/// Values that a program may set.
fn section() -> impl Strategy<Value = Section> {
    let values = prop::collection::btree_map(
        prop::sample::select(vec!["hostname", "zzz", "a_b", "tags", "description", "memory", "onboot"]),
        "[!-~]([ -~]{0,20}[!-~])?",
        0..6,
    );
    let env = prop::collection::vec("[A-Z]{1,3}=[!-~]{0,5}", 0..3);
    let raw = prop::collection::vec(("lxc\\.(net|cgroup2)\\.[a-z0-9.]{1,8}", "([!-~]{1,9})?"), 0..3);
    (values, env, raw).prop_map(|(values, env, raw)| {
        let mut section = Section::default();
        for (key, value) in values {
            match key {
                // Ends in a newline once it has been in a file.
                "description" => section.set(key, format!("{value}\n")),
                // Stored in the form that loading gives.
                "onboot" => section.set(key, "1"),
                "memory" => section.set(key, value.len().to_string()),
                _ => section.set(key, value),
            }
        }
        if !env.is_empty() {
            section.set("env", env.join("\0"));
        }
        section.raw_mut().extend(raw.into_iter().map(|(key, value)| RawLine::new(key, value)));
        section
    })
}

/// Writing what was written changes nothing. One thing goes the second time only:
/// the header of a pending section whose only content is an empty comment.
fn rewritten_twice(bytes: &[u8]) -> Result<(), (String, String)> {
    let rewrite = |bytes: &[u8]| Config::parse(bytes, vmid()).config.to_bytes().unwrap();
    let once = rewrite(bytes);
    let twice = rewrite(&once);
    let text = |bytes: &[u8]| text::from_bytes(bytes).replace("\n[pve:pending]\n\n[", "\n[");
    let without_header =
        text(&once).strip_suffix("\n[pve:pending]\n").map_or_else(|| text(&once), str::to_owned);
    if without_header == text(&twice) { Ok(()) } else { Err((text(&once), text(&twice))) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_parse_and_stay(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(rewritten_twice(&bytes), Ok(()));
    }

    #[test]
    fn real_looking_files_are_stable(lines in prop::collection::vec(line(), 0..30)) {
        prop_assert_eq!(rewritten_twice(lines.join("\n").as_bytes()), Ok(()));
    }

    #[test]
    fn what_is_written_is_read_back(
        main in section(),
        pending in section(),
        snapshots in prop::collection::btree_map("[a-z][a-z0-9_]{1,5}", section(), 0..3),
    ) {
        let mut config = Config { main, pending: None, snapshots };
        if !pending.is_empty() {
            config.pending = Some(pending);
        }
        let bytes = config.to_bytes().unwrap();
        prop_assert_eq!(Config::parse(&bytes, vmid()).config, config);
    }

    #[test]
    fn views_and_displays_never_panic(lines in prop::collection::vec(line(), 0..20)) {
        let config = parse(&lines.join("\n")).config;
        let section = config.main();
        let _ = (section.rootfs(), section.nets(), section.devs(), section.features(), section.id_map());
        let _ = (section.mount_points(), section.unused(), section.used_volumes(), check_section(section));
        let _ = (pct_pending_lines(&config), view(&config, View::WithPending));
    }

    #[test]
    fn property_strings_print_canonically(
        name in "[a-z]{1,5}",
        mtu in prop::option::of(64u32..65536),
        tag in prop::option::of(1u16..4095),
        firewall in any::<bool>(),
        mac in prop::option::of(any::<[u8; 6]>()),
        trunks in prop::collection::vec(1u32..4095, 0..4),
    ) {
        let hwaddr = mac.and_then(MacAddr::from_bytes);
        let net = NetIf { name, mtu, tag, firewall, hwaddr, trunks, ..NetIf::default() };
        let text = net.to_string();
        let back: NetIf = text.parse().unwrap();
        prop_assert_eq!(back.to_string(), text);
        prop_assert_eq!(back, net);
    }

    #[test]
    fn sizes_survive(bytes in 0u64..1 << 50) {
        let size = Size::from_bytes(bytes);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }
}
