//! `pct set` on real containers: at once where the kernel takes it, at the next start else.

use std::fs;
use std::path::PathBuf;

use pct_tests::{
    Ct, Host, Run, bins,
    limits::{is_v2, memory, quota, units, with_swap},
    require_root, wait,
};

/// `pct set`, which must succeed without a word.
#[track_caller]
fn set(ct: &Ct<'_>, words: &[&str]) {
    let out = ct.pct("set", words).ok();
    assert!(out.stdout.is_empty() && out.stderr.is_empty(), "{}", out.both());
}

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

#[track_caller]
fn pending(ct: &Ct<'_>) -> Vec<String> {
    let lines = ct.pct("pending", &[]).ok().out();
    lines.lines().filter(|line| !line.starts_with("cur ")).map(str::to_owned).collect()
}

#[test]
fn limits_of_a_running_container_change_at_once() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--memory", "128", "--swap", "64"]);
    const MIB: u64 = 1 << 20;
    for (memory_mib, swap_mib) in [(256, 0), (64, 512), (96, 32)] {
        set(&ct, &["--memory", &memory_mib.to_string(), "--swap", &swap_mib.to_string()]);
        assert_eq!(memory(&ct), memory_mib * MIB);
        assert!(with_swap(&ct).is_none_or(|sum| sum == (memory_mib + swap_mib) * MIB));
    }
    set(&ct, &["--delete", "swap"]);
    assert!(with_swap(&ct).is_none_or(|sum| sum == 96 * MIB));
    // Who takes more is killed.
    ct.exec(&["dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"]).output().status(128 + 9);

    set(&ct, &["--cpulimit", "0.5", "--cpuunits", "512", "--cores", "1"]);
    assert_eq!((quota(&ct).as_str(), units(&ct).as_str()), ("50000", "512"));
    assert_eq!(ct.sh("nproc"), "1\n");
    let all = std::thread::available_parallelism().unwrap().to_string();
    set(&ct, &["--cores", &all, "--cpulimit", "0"]);
    assert_eq!((quota(&ct).as_str(), ct.sh("nproc").trim()), ("-1", all.as_str()));
    set(&ct, &["--cores", "1", "--cpulimit", "1.5"]);
    set(&ct, &["--delete", "cores,cpulimit,cpuunits"]);
    assert_eq!((quota(&ct).as_str(), ct.sh("nproc").trim()), ("-1", all.as_str()));
    assert_eq!(units(&ct), if is_v2("cpu") { "100" } else { "1024" });
    assert!(pending(&ct).is_empty());
    let conf = conf(&ct);
    assert!(conf.contains("memory: 96\n") && !conf.contains("cpu") && !conf.contains("swap"), "{conf}");
}

#[test]
fn the_rest_waits_for_a_start_or_a_reboot() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--hostname", "old", "--mp0", "local:0,mp=/data"]);
    ct.wait_booted();
    let volume = format!("local:{0}/subvol-{0}-disk-1.subvol", ct.id);
    set(&ct, &["--hostname", "new", "--tty", "4", "--mp0", &format!("{volume},mp=/other")]);
    assert!(conf(&ct).contains("hostname: new\n"), "known at once, seen at the next start");
    let moved = [
        format!("cur mp0: {volume},mp=/data,size=0T"),
        format!("new mp0: {volume},mp=/other"),
        "new tty: 4".to_owned(),
    ];
    assert_eq!(pending(&ct), &moved[1..]);
    set(&ct, &["--revert", "tty", "--onboot", "1"]);
    assert_eq!(pending(&ct), &moved[1..2]);
    assert!(ct.pct("pending", &[]).ok().out().contains(&moved[0]));

    ct.exec(&["reboot", "-f"]).output();
    wait::until_true("the mount point is elsewhere after a reboot from inside", || {
        ct.exec(&["grep", "-q", " /other ", "/proc/mounts"]).output().status == 0
    });
    assert_eq!(ct.sh("hostname"), "new\n");
    assert!(pending(&ct).is_empty());
    assert!(conf(&ct).contains(&format!("mp0: {volume},mp=/other,size=0T\n")), "{}", conf(&ct));

    set(&ct, &["--cmode", "shell", "--delete", "hostname"]);
    assert_eq!(pending(&ct), ["new cmode: shell"]);
    ct.pct("reboot", &[]).ok();
    assert!(pending(&ct).is_empty() && conf(&ct).contains("cmode: shell\n"));
}

#[test]
fn what_waits_is_current_when_the_container_has_stopped() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    set(&ct, &["--tty", "4"]);
    assert_eq!(pending(&ct), ["new tty: 4"]);
    ct.pct("stop", &[]).ok();
    assert!(conf(&ct).contains("tty: 4\n") && pending(&ct).is_empty(), "{}", conf(&ct));

    // With nobody who asks for it, too.
    ct.start();
    ct.wait_booted();
    set(&ct, &["--delete", "tty"]);
    assert_eq!(pending(&ct), ["del tty: 4"]);
    ct.exec(&["poweroff", "-f"]).output();
    wait::until_true("the change is made after a halt from inside", || pending(&ct).is_empty());
    assert!(!conf(&ct).contains("tty"), "{}", conf(&ct));
    wait::until_true("its monitor is gone", || !host.run_dir().join(format!("{}.monitor", ct.id)).exists());
}

#[test]
fn a_change_that_cannot_be_applied_does_not_keep_a_container_from_starting() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("\n[pve:pending]\nmp0: nowhere:1,mp=/data\ntty: 4");
    let out = ct.start();
    let told = out.both();
    assert!(told.contains("unable to apply pending change mp0 : storage 'nowhere' does not exist"), "{told}");
    assert_eq!(pending(&ct), ["new mp0: nowhere:1,mp=/data"]);
    assert!(conf(&ct).contains("tty: 4\n"));
}

/// The files of the container's volumes.
fn volumes(ct: &Ct<'_>) -> Vec<String> {
    let folder = ct.host().storage().join(format!("images/{}", ct.id));
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn volumes_of_a_stopped_container_are_made_kept_and_freed() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let out = ct.pct("set", &["--mp0", "local:1,mp=/data,backup=1"]).ok();
    assert!(out.out().contains("Creating filesystem"), "{}", out.both());
    let volume = format!("local:{0}/vm-{0}-disk-1.raw", ct.id);
    assert!(conf(&ct).contains(&format!("mp0: {volume},mp=/data,backup=1,size=1G\n")), "{}", conf(&ct));
    ct.start();
    ct.sh("echo here > /data/file; sync");
    ct.stop();

    set(&ct, &["--mp0", "/usr,mp=/data,ro=1"]);
    assert!(conf(&ct).contains(&format!("unused0: {volume}\n")), "{}", conf(&ct));
    // It comes back with its real size, and is unused no more.
    set(&ct, &["--mp1", &format!("{volume},mp=/again,size=5G"), "--delete", "mp0"]);
    let now = conf(&ct);
    assert!(now.contains(&format!("mp1: {volume},mp=/again,size=1G\n")) && !now.contains("unused"), "{now}");
    ct.start();
    assert_eq!(ct.sh("cat /again/file"), "here\n");
    ct.stop();
    set(&ct, &["--delete", "mp1"]);
    set(&ct, &["--delete", "unused0"]);
    assert_eq!(volumes(&ct), [format!("subvol-{}-disk-0.subvol", ct.id)]);
}

/// `pct set` whose rename of the new config file fails.
fn set_without_rename(ct: &Ct<'_>, words: &[&str]) -> pct_tests::Output {
    set_with_fault(ct, "/^rename", "error=EIO", words)
}

/// `pct set` with something that happens at its calls of one kind (strace(1), `inject`).
fn set_with_fault(ct: &Ct<'_>, call: &str, fault: &str, words: &[&str]) -> pct_tests::Output {
    let pct: PathBuf = bins::pct();
    Run::new("strace")
        .args(["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={call}:{fault}")])
        .args([pct.to_str().unwrap(), "set", &ct.id])
        .args(words)
        .env("PCT_ROOT", ct.host().root())
        .output()
}

#[test]
fn a_change_that_fails_is_taken_back_as_a_whole() {
    require_root!("strace");
    let host = Host::new();
    let ct = host.busybox(&["--memory", "128", "--swap", "64"]);
    let before = conf(&ct);
    let made = ["--mp0", "local:1,mp=/a", "--mp1", "local:0,mp=/b"];
    let file = host.scratch().join("file");
    fs::write(&file, "").unwrap();
    let cfg = host.root().join("etc/pct/storage.cfg");
    fs::write(&cfg, format!("dir: broken\n\tpath {}/x\n\tcontent rootdir\n", file.display())).unwrap();
    let out = ct.pct("set", &[&made[..], &["--mp2", "broken:1,mp=/c"]].concat()).output().fails();
    assert!(out.err().contains("\nmp2: unable to apply pending change mp2 : "), "{}", out.both());
    set_without_rename(&ct, &made).fails().says("cannot write");
    assert_eq!(conf(&ct), before);
    assert_eq!(volumes(&ct), [format!("subvol-{}-disk-0.subvol", ct.id)]);

    ct.start();
    let now = || (memory(&ct), with_swap(&ct), quota(&ct), units(&ct), ct.sh("nproc"));
    let limits = now();
    let words = ["--memory", "64", "--swap", "0", "--cpulimit", "1", "--cpuunits", "50", "--cores", "1"];
    set_without_rename(&ct, &words).fails().says("cannot write");
    assert_eq!((conf(&ct), now()), (before, limits));
}

#[test]
fn a_change_that_is_interrupted_is_taken_back() {
    require_root!("strace");
    let host = Host::new();
    let ct = host.busybox(&[]);
    let before = conf(&ct);
    // The volume is being made.
    let words = ["--mp0", "local:1,mp=/a", "--memory", "64"];
    set_with_fault(&ct, "ftruncate", "signal=TERM", &words).fails().says("received interrupt");
    assert_eq!(conf(&ct), before);
    assert_eq!(volumes(&ct), [format!("subvol-{}-disk-0.subvol", ct.id)]);
}

#[test]
fn locked_and_changed_containers_are_left_alone() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let json = ct.pct("config", &["--output-format", "json"]).ok().out();
    let digest = json.split("\"digest\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    set(&ct, &["--digest", &digest, "--memory", "64"]);
    ct.pct("set", &["--digest", &digest, "--memory", "65"])
        .output()
        .fails()
        .says("detected modified configuration");
    set(&ct, &["--lock", "backup"]);
    ct.pct("set", &["--memory", "65"]).output().fails().says("CT is locked (backup)");
    ct.pct("unlock", &[]).ok();
    assert!(conf(&ct).contains("memory: 64\n"));
}

#[test]
fn a_person_is_told_what_is_allowed_and_a_script_reads_what_it_knows() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let words = ["set", &ct.id, "--memory", "15"];
    host.pty(&words).expect("memory takes a whole number of at least 16, in MiB\r\npct set <vmid> [OPTIONS]");
    assert_eq!(
        host.pct(&words).output().fails().err(),
        "400 Parameter verification failed.\nmemory: value must have a minimum value of 16\npct set <vmid> [OPTIONS]\n"
    );
}

#[test]
fn what_the_next_load_or_start_will_not_take_is_told_at_once_and_stays_written() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    // The command line takes a sign, the file does not.
    ct.pct("set", &["--memory", "+64"]).ok().says("unable to parse value of 'memory'");
    let net = "name=eth0,bridge=pctbrnone,hwaddr=02:00:00:00:00:01,type=veth";
    ct.pct("set", &["--net0", net]).output().fails().says("bridge 'pctbrnone' does not exist");
    assert!(
        conf(&ct).contains("memory: +64\n") && conf(&ct).contains(&format!("net0: {net}\n")),
        "{}",
        conf(&ct)
    );
}
