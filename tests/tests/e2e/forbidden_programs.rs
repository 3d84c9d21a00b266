//! Which programs the main job runs.

use std::fs;

use pct_tests::archive::Member;
use pct_tests::busybox::Busybox;
use pct_tests::{Bridge, Host, Run, bins, require_root};

/// What a library has to do itself. Not a shell: liblxc runs newuidmap and the
/// hooks of its includes through one.
fn is_forbidden(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    ["tar", "ip", "brctl", "bridge", "tc", "rsync", "cp"].contains(&name) || name.starts_with("lxc-")
}

/// The programs that a trace shows, with the arguments.
fn programs(trace: &str) -> Vec<(String, String)> {
    trace
        .lines()
        .filter(|line| !line.contains("resumed>"))
        .filter_map(|line| {
            let call = &line[line.find("execve")?..];
            let path = call.split('"').nth(1)?;
            Some((path.to_owned(), call.to_owned()))
        })
        .collect()
}

#[test]
fn the_trace_reader_finds_a_forbidden_program() {
    let trace = "12 execve(\"/usr/bin/lxc-start\", [\"lxc-start\"], 0x7) = 0\n13 execve(\"/sbin/mkfs.ext4\", [\"mkfs.ext4\"], 0x7 <unfinished ...>\n";
    let found = programs(trace);
    assert_eq!(found.len(), 2);
    assert!(is_forbidden(&found[0].0) && !is_forbidden(&found[1].0));
    assert!(is_forbidden("/sbin/ip") && is_forbidden("tar") && !is_forbidden("/usr/bin/newuidmap"));
}

#[test]
fn the_main_job_runs_none_of_the_programs_that_it_replaces() {
    require_root!("strace", "ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    // The guest is traced too: it must not run them for reasons of its own.
    let init = Member::file("./sbin/init", "#!/bin/busybox ash\nexec /bin/busybox sleep 1000\n").mode(0o755);
    let template = host.scratch().join("quiet.tar.xz");
    Busybox { without_init: true, extra: vec![init], ..Busybox::default() }.archive().write(&template);
    let trace = host.scratch().join("trace");
    let net = format!("name=eth0,bridge={},ip={}/24,rate=9,firewall=1", bridge.name, bridge.addr4(2));
    for (unprivileged, rootfs) in [("1", "local:1"), ("0", "local:0")] {
        let ct = host.ct();
        let (pct, id) = (bins::pct(), &ct.id);
        let pct = pct.display();
        let script = format!(
            "set -e; {pct} create {id} {} -rootfs {rootfs} -unprivileged {unprivileged} -net0 {net} -memory 64 -cores 1 \
             -password sesame-6; {pct} start {id}; {pct} list; {pct} status {id}; {pct} config {id}; \
             {pct} exec {id} -- /bin/true; {pct} wait {id} running; {pct} ip {id}; \
             {pct} push {id} {file} /x; {pct} pull {id} /x /dev/null; {pct} cpusets; echo /bin/true | {pct} enter {id}; {pct} reboot {id} --timeout 1; \
             {pct} stop {id}; {pct} destroy {id} --purge; echo all-done",
            template.display(),
            file = template.display()
        );
        let run = Run::new("/usr/bin/strace").args([
            "-f",
            "-qq",
            "-s",
            "300",
            "-e",
            "trace=execve,execveat",
            "-e",
            "signal=none",
            "-o",
        ]);
        let out = run.args([&trace]).args(["/bin/sh", "-c", &script]).env("PCT_ROOT", host.root()).ok();
        assert!(out.out().ends_with("all-done\n"), "{}", out.both());
        let text = fs::read_to_string(&trace).unwrap();
        let found = programs(&text);
        assert!(found.len() > 10, "too few programs for a main job:\n{text}");
        let bad: Vec<_> = found.iter().filter(|(program, _)| is_forbidden(program)).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}
