//! Any bytes as a config file: everything that reads them returns, what is written stays as it is, and no value
//! becomes a line of its own.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pct::{
    config::{
        Config, Section, View, Vmid, check_section, pct_config_lines, pct_listsnapshot_lines,
        pct_pending_lines, pending_keys, text, view,
    },
    facts::{CgroupLayout, HomeKind, HostFacts, Version},
    translate::translate,
};

/// One host of each home; what differs in the translation differs between them.
static HOSTS: LazyLock<[HostFacts; 2]> = LazyLock::new(|| {
    let pve = include_str!("../../tests/conformance/config/host.json");
    let pve: HostFacts = serde_json::from_str(pve).expect("the host of the conformance cases");
    let standalone = HostFacts {
        home: HomeKind::Standalone,
        liblxc: Version(5, 0),
        cgroup: CgroupLayout::Hybrid,
        controllers: Vec::new(),
        controllers_v1: ["cpu", "cpuset", "devices", "memory"].map(str::to_owned).to_vec(),
        apparmor: Some(true),
        helper: Some("/usr/libexec/pct/pct-helper".to_owned()),
        ..pve.clone()
    };
    [pve, standalone]
});

fuzz_target!(|bytes: &[u8]| {
    let vmid = Vmid::new(100).expect("a valid number");
    let mut config = Config::parse(bytes, vmid).config;
    displays(&config);
    for section in [config.main()].into_iter().chain(config.pending()).chain(config.snapshots().values()) {
        views(section);
        translates(vmid, section);
    }
    // Its header is written, and goes when the file is written again.
    if config.pending().is_some_and(is_only_a_header) {
        config.clear_pending();
    }
    let once = config.to_bytes().expect("what was read can be written");
    let twice = Config::parse(&once, vmid).config.to_bytes().expect("what was written can be written again");
    assert!(once == twice, "{:?}\nbecomes\n{:?}", text::from_bytes(&once), text::from_bytes(&twice));
});

fn displays(config: &Config) {
    let shown = [View::Current, View::WithPending].map(|which| view(config, which).expect("it is there"));
    let sections = shown.iter().map(AsRef::as_ref).chain(config.snapshots().values());
    let lines = sections.flat_map(pct_config_lines).chain(pct_pending_lines(config));
    let lines = lines.chain(pct_listsnapshot_lines(config, |time| time.to_string()));
    lines.for_each(|line| assert!(!line.contains('\n'), "{line:?}"));
    let _ = pending_keys(config);
}

fn views(section: &Section) {
    let _ = (section.rootfs(), section.nets(), section.devs(), section.features(), section.id_map());
    let _ = (section.mount_points(), section.unused(), section.used_volumes(), section.startup());
    let _ = (section.tty_count(), section.cores(), section.cpulimit(), section.cpuunits());
    let _ = (section.memory_mib(), section.swap_mib(), check_section(section));
}

fn translates(vmid: Vmid, section: &Section) {
    for host in HOSTS.iter() {
        let Ok(config) = translate(vmid, section, host) else { continue };
        let lines = config.to_bytes().split(|&byte| byte == b'\n').count() - 1;
        assert_eq!(lines, config.lines.len(), "{:?}", config.lines);
        assert!(!config.to_bytes().contains(&0), "{:?}", config.lines);
    }
}

/// Whether nothing of a section of pending changes is written, as when it is an empty comment.
fn is_only_a_header(pending: &Section) -> bool {
    let mut alone = Config::default();
    *alone.pending_mut() = pending.clone();
    alone.to_bytes().is_ok_and(|bytes| bytes == b"\n[pve:pending]\n")
}
