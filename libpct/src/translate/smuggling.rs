//! No value of a config becomes another line, or a line of another key, for whoever reads the file.

use proptest::prelude::*;

use super::{liblxc::as_read, *};
use crate::{
    config::{Config, RawLine},
    facts::{CgroupLayout, Version},
};

fn facts(home: HomeKind) -> HostFacts {
    let mut facts = HostFacts::new(home, Version(6, 0), CgroupLayout::V2);
    facts.controllers = ["cpuset", "cpu", "memory"].map(str::to_owned).to_vec();
    facts.cpus = "0-7".into();
    facts.bridges = [("vmbr0".to_owned(), 1500)].into();
    facts.lxc_includes = ["common.conf", "userns.conf"].map(str::to_owned).to_vec();
    facts.common_seccomp = Some("2\n".into());
    facts
}

fn vmid() -> Vmid {
    Vmid::new(301).unwrap()
}

fn base() -> Section {
    let text = "arch: amd64\nostype: alpine\nrootfs: tank:subvol-301-disk-0,size=4G\n";
    Config::parse(text.as_bytes(), vmid()).config.main().clone()
}

/// The file as liblxc takes it apart.
fn read_back(file: &str) -> Vec<(String, String)> {
    let lines = file.split(['\n', '\r', '\0']).map(|line| line.trim_start_matches([' ', '\t']));
    let lines = lines.filter(|line| line.starts_with("lxc."));
    lines
        .map(|line| {
            let (key, value) = line.split_once('=').expect("a line with a sign");
            (key.trim_end_matches([' ', '\t']).to_owned(), as_read(value).to_owned())
        })
        .collect()
}

/// The file gives back the list, to a plain reader and to liblxc.
fn check(config: &LxcConfig) {
    let file = config.to_string();
    let plain: Vec<_> = file.lines().map(|line| line.split_once(" = ").expect("key and value")).collect();
    let ours: Vec<_> = config.lines.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(plain, ours);
    let expected: Vec<_> =
        config.lines.iter().map(|(key, value)| (key.clone(), as_read(value).to_owned())).collect();
    assert_eq!(read_back(&file), expected);
}

/// Texts with everything that a parser could stumble over.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\0"),
        Just("\u{2028}"),
        Just("\u{85}"),
        Just("\x0b"),
        Just("\x0c"),
        Just("\\"),
        Just("\\\n"),
        Just(" "),
        Just("\t"),
        Just("#"),
        Just("="),
        Just("\""),
        Just("'"),
        Just("lxc.hook.start = /evil"),
        Just("a"),
        Just("\u{10FFE9}"),
        Just("1"),
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_value_stays_in_its_line(
        key in prop_oneof![
            Just("arch"), Just("ostype"), Just("hostname"), Just("tty"), Just("entrypoint"), Just("env"), Just("memory"),
            Just("swap"), Just("cpulimit"), Just("cpuunits"), Just("cores"), Just("features"), Just("net0"), Just("dev0"),
            Just("rootfs"),
        ],
        value in nasty(),
        home in prop_oneof![Just(HomeKind::Pve), Just(HomeKind::Standalone)],
    ) {
        let mut section = base();
        section.set(key, value);
        if let Ok(config) = translate(vmid(), &section, &facts(home)) {
            check(&config);
        }
    }

    #[test]
    fn a_raw_line_stays_one(
        key in prop_oneof![Just("lxc.".to_owned()), Just("lxc.environment".to_owned()), Just("lxc.mount.entry".to_owned()), nasty(), nasty().prop_map(|end| format!("lxc.{end}"))],
        value in nasty(),
        home in prop_oneof![Just(HomeKind::Pve), Just(HomeKind::Standalone)],
    ) {
        let mut section = base();
        section.raw_mut().push(RawLine::new(key, value));
        if let Ok(config) = translate(vmid(), &section, &facts(home)) {
            check(&config);
        }
    }

    #[test]
    fn liblxc_reads_generated_values_as_they_are(value in nasty()) {
        let mut section = base();
        section.set("entrypoint", value.clone());
        if let Ok(config) = translate(vmid(), &section, &facts(HomeKind::Standalone)) {
            let read: Vec<_> = config.values("lxc.init.cmd").map(as_read).collect();
            let expected: Vec<_> = if value.is_empty() { Vec::new() } else { vec![value.as_str()] };
            prop_assert_eq!(read, expected);
        }
    }
}

#[test]
fn line_breaks_are_refused_wherever_they_stand() {
    for evil in ["a\nlxc.hook.start = /evil", "a\rb", "a\0b"] {
        for home in [HomeKind::Pve, HomeKind::Standalone] {
            for key in ["hostname", "arch", "entrypoint", "tty"] {
                let mut section = base();
                section.set(key, evil);
                let error = translate(vmid(), &section, &facts(home)).unwrap_err();
                assert!(matches!(error, TranslateError::LineBreak { .. }), "{key} {error}");
            }
            let raw = |key: &str, value: &str| {
                let mut section = base();
                section.raw_mut().push(RawLine::new(key, value));
                translate(vmid(), &section, &facts(home)).unwrap_err()
            };
            assert!(matches!(raw("lxc.uts.name", evil), TranslateError::LineBreak { .. }));
            assert!(matches!(raw(evil, "x"), TranslateError::NoKey(_)));
            assert!(matches!(raw("lxc.hook.start = /evil #", "x"), TranslateError::NoKey(_)));
        }
    }
    // Property strings have patterns of their own that come first.
    let mut section = base();
    section.set("net0", "name=eth0\nlxc.x=1,bridge=vmbr0");
    assert!(translate(vmid(), &section, &facts(HomeKind::Pve)).is_err());
}
