//! create, destroy, config, list, status.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pct_tests::archive::Compression;
use pct_tests::{Host, Run, bins, busybox, require_root};

#[test]
fn create_writes_a_configuration_and_destroy_removes_everything() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let out = ct.create(&template, &["--rootfs", "local:0", "--hostname", "one", "--memory", "64"]).ok();
    assert!(out.out().contains(&format!("extracting archive '{}'", template.display())), "{}", out.both());

    let conf = std::fs::read_to_string(ct.conf()).unwrap();
    for line in
        ["arch: amd64", "hostname: one", "memory: 64", "ostype: alpine", "swap: 512", "unprivileged: 1"]
    {
        assert!(conf.lines().any(|l| l == line), "no {line:?} in\n{conf}");
    }
    assert!(!conf.contains("lock:"), "the lock of create stays:\n{conf}");
    assert!(conf.contains(&format!("rootfs: local:{}/subvol-{}-disk-0.subvol", ct.id, ct.id)), "{conf}");
    assert!(ct.subvol().join("bin/busybox").is_file());

    ct.pct("destroy", &[]).ok();
    assert!(!ct.conf().exists(), "the configuration stays");
    assert!(!ct.subvol().exists(), "the volume stays");
    assert!(!host.lxcpath().join(&ct.id).exists(), "liblxc's folder stays");
    assert_eq!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.len(), 0);
}

#[test]
fn create_without_a_root_file_system_makes_an_image_of_4_gib() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    ct.create(&busybox::template(Compression::Zstd), &[]).ok();
    assert_eq!(std::fs::metadata(ct.image()).unwrap().len(), 4 << 30);
    let config = ct.pct("config", &[]).ok().out();
    assert!(
        config.contains(&format!("rootfs: local:{}/vm-{}-disk-0.raw,size=4G\n", ct.id, ct.id)),
        "{config}"
    );
    assert!(config.contains(&format!("hostname: CT{}\n", ct.id)), "{config}");
    assert!(config.contains("memory: 512\n"), "{config}");
}

#[test]
fn an_id_in_use_is_refused_and_the_container_left_alone() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--hostname", "first"]);
    let before = (std::fs::read(ct.conf()).unwrap(), host.state());
    let template = busybox::template(Compression::Zstd);
    // --force alone never overwrites: it needs a restore.
    for extra in [&["--rootfs", "local:0"][..], &["--rootfs", "local:0", "--force"][..], &[][..]] {
        ct.create(&template, extra).fails().says("already exists");
    }
    assert_eq!(std::fs::read(ct.conf()).unwrap(), before.0);
    before.1.assert_same(&host.state(), "after a refused create");
    ct.start();
    assert_eq!(ct.sh("hostname"), "first\n");
}

#[test]
fn options_may_be_written_in_every_way_and_place() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Gzip);
    let args = [
        "create",
        "-hostname",
        "mixed",
        &ct.id,
        "--memory=128",
        template.to_str().unwrap(),
        "-rootfs=local:0",
        "--core",
        "1",
        "-SWAP",
        "32",
        "-unprivileged",
        "0",
    ];
    host.pct(&args).ok();
    let config = ct.pct("config", &[]).ok().out();
    for line in ["hostname: mixed", "memory: 128", "cores: 1", "swap: 32"] {
        assert!(config.lines().any(|l| l == line), "no {line:?} in\n{config}");
    }
    // -f is how scripts spell --force.
    ct.start();
    host.pct(&["destroy", &ct.id, "-f"]).ok();
}

#[test]
fn a_running_container_is_destroyed_only_by_force() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let refused = format!("unable to destroy CT {} - container is running", ct.id);
    ct.pct("destroy", &[]).output().fails().says(&refused);
    assert_eq!(ct.status(), "running");
    let out = ct.pct("destroy", &["--force"]).ok();
    let warned = format!("forced to stop CT {} before destroying!", ct.id);
    assert!(out.out().contains(&warned) || out.err().contains(&warned), "{}", out.both());
    assert!(!ct.conf().exists());
    assert_eq!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.len(), 0);
}

#[test]
fn a_protected_container_is_not_destroyed() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--protection", "1"]);
    let refused = format!("can't remove CT {} - protection mode enabled", ct.id);
    ct.pct("destroy", &["--force"]).output().fails().says(&refused);
    assert!(ct.subvol().exists() && ct.conf().exists());
    ct.edit_conf("protection: 1", "protection: 0");
}

#[test]
fn destroy_leaves_a_volume_of_another_container_alone() {
    require_root!();
    let host = Host::new();
    let (mine, other) = (host.busybox(&[]), host.busybox(&[]));
    mine.append_conf(&format!("mp0: local:{}/subvol-{}-disk-0.subvol,mp=/mnt", other.id, other.id));
    mine.pct("destroy", &[]).ok();
    assert!(other.subvol().join("bin/busybox").is_file());
}

#[test]
fn a_template_may_be_named_by_its_volume() {
    require_root!();
    let host = Host::new();
    let cache = host.storage().join("template/cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::copy(busybox::template(Compression::Xz), cache.join("alpine-1.tar.xz")).unwrap();
    let ct = host.ct();
    host.pct(&["create", &ct.id, "local:vztmpl/alpine-1.tar.xz", "--rootfs", "local:0", "--start", "1"]).ok();
    assert_eq!(ct.status(), "running");
    let missing = host.pct(&["create", &host.ct().id, "local:vztmpl/none-1.tar.xz", "--rootfs", "local:0"]);
    missing.output().fails().says("none-1.tar.xz");
}

#[test]
fn list_shows_every_container_in_order_and_in_columns() {
    require_root!();
    let host = Host::new();
    host.pct(&["list"]).ok().quiet();
    assert_eq!(host.pct(&["list"]).ok().out(), "", "nothing at all is printed when there is none");
    let (a, b) = (host.busybox(&["--hostname", "aa"]), host.running(&["--hostname", "bb"]));
    b.append_conf("lock: backup");
    let mut rows = [
        (a.vmid, format!("{:<10} {:<10} {:<12} {:<20}\n", a.id, "stopped", "", "aa")),
        (b.vmid, format!("{:<10} {:<10} {:<12} {:<20}\n", b.id, "running", "backup", "bb")),
    ];
    rows.sort();
    let header = format!("{:<10} {:<10} {:<12} {:<20}\n", "VMID", "Status", "Lock", "Name");
    assert_eq!(host.pct(&["list"]).ok().quiet().out(), format!("{header}{}{}", rows[0].1, rows[1].1));
    b.edit_conf("lock: backup\n", "");
}

#[test]
fn a_container_that_does_not_exist_is_named_in_the_error() {
    require_root!();
    let host = Host::new();
    host.busybox(&[]);
    let none = host.ct();
    for verb in ["status", "config", "start", "destroy", "enter", "console"] {
        none.pct(verb, &[]).output().fails().says(&format!("lxc/{}.conf' does not exist", none.id));
    }
}

#[test]
fn a_verbose_status_of_a_running_container_has_its_figures() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--memory", "64", "--hostname", "fig"]);
    let out = ct.pct("status", &["--verbose"]).ok().out();
    let value = |key: &str| {
        let line = out.lines().find_map(|l| l.strip_prefix(&format!("{key}: ")));
        line.unwrap_or_else(|| panic!("no {key} in\n{out}")).to_owned()
    };
    assert_eq!(value("status"), "running");
    assert_eq!(value("name"), "fig");
    assert_eq!(value("maxmem"), (64u64 << 20).to_string());
    assert_eq!(value("pid"), ct.init_pid().to_string());
    assert_eq!(value("vmid"), ct.id);
    assert!(value("mem").parse::<u64>().unwrap() > 0);
    let keys: Vec<&str> = out.lines().map(|l| l.split(':').next().unwrap()).collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

#[test]
fn a_strict_umask_of_the_caller_changes_nothing() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let (pct, id) = (bins::pct(), &ct.id);
    let script = format!(
        "umask 077; {0} create {id} {1} --rootfs local:0 && {0} start {id}",
        pct.display(),
        template.display()
    );
    Run::new("/bin/sh").args(["-c", &script]).env("PCT_ROOT", host.root()).ok();
    assert_eq!(ct.sh("stat -c %a / /etc /etc/hostname"), "755\n755\n644\n");
    let mode = fs::metadata(ct.conf()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "the config is for everybody to read");
}
