//! Mount points and devices of a running container: `pct set` at once, and back.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use pct_tests::run::signal_pid;
use pct_tests::state::State;
use pct_tests::{Ct, Host, Output, debian, require_root, wait};

const KINDS: [&str; 2] = ["0", "1"];

/// `pct set`, which must succeed without a warning.
#[track_caller]
fn set(ct: &Ct<'_>, words: &[&str]) -> Output {
    let out = ct.pct("set", words).ok();
    assert!(out.stderr.is_empty(), "{}", out.both());
    out
}

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

/// The value of a key, without what stands behind the volume and the path.
fn volume(ct: &Ct<'_>, key: &str) -> String {
    let conf = conf(ct);
    let value = conf.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
    value.unwrap_or_else(|| panic!("no {key} in:\n{conf}")).split(',').next().unwrap().to_owned()
}

#[track_caller]
fn pending(ct: &Ct<'_>) -> Vec<String> {
    let lines = ct.pct("pending", &[]).ok().out();
    lines.lines().filter(|line| !line.starts_with("cur ")).map(str::to_owned).collect()
}

fn is_mounted(ct: &Ct<'_>, path: &str) -> bool {
    let line = format!(" {path} ");
    ct.sh("cat /proc/mounts").lines().any(|mount| mount.contains(&line))
}

/// What of the host a hotplug could leave behind.
fn host_state(ct: &Ct<'_>) -> State {
    ct.host().state().only(&["mount", "loop"])
}

/// Leaves a process inside that keeps a folder busy.
fn keep_busy(ct: &Ct<'_>, folder: &str) {
    ct.sh(&format!("cd {folder} && (sleep 600 </dev/null >/dev/null 2>&1 &)"));
}

/// The files of the container's volumes.
fn volumes(ct: &Ct<'_>) -> Vec<String> {
    let folder = ct.host().storage().join(format!("images/{}", ct.id));
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn node(ct: &Ct<'_>, path: &str) -> String {
    ct.sh(&format!("stat -c '%F %t:%T %a %u %g' {path}")).trim_end().to_owned()
}

#[test]
fn a_new_volume_comes_and_goes_while_the_container_runs() {
    require_root!();
    let host = Host::new();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged]);
        let before = host_state(&ct);
        let out = set(&ct, &["--mp0", "local:0.1,mp=/srv//new/data/,backup=1"]);
        assert!(out.out().contains("Creating filesystem"), "{}", out.both());
        assert!(pending(&ct).is_empty());
        let new = volume(&ct, "mp0");
        assert!(conf(&ct).contains(&format!("mp0: {new},mp=/srv//new/data/,backup=1,size=102M\n")));
        assert!(is_mounted(&ct, "/srv/new/data"));
        assert_eq!(ct.sh("stat -c '%a %u %g' /srv/new /srv/new/data"), "755 0 0\n755 0 0\n");
        ct.sh("echo here > /srv/new/data/file; sync");
        assert_eq!(host.state().only(&["loop"]).found.len(), 1);

        set(&ct, &["--delete", "mp0"]);
        assert!(!is_mounted(&ct, "/srv/new/data") && pending(&ct).is_empty());
        assert!(conf(&ct).contains(&format!("unused0: {new}\n")));
        before.assert_same(&host_state(&ct), "after a mount point has gone");

        // A volume that is there, and through its life: with the end of the container all goes, and comes again.
        set(&ct, &["--mp7", &format!("{new},mp=/again,mountoptions=noatime;nosuid")]);
        assert!(ct.sh("grep ' /again ' /proc/mounts").contains("rw,nosuid,noatime"));
        assert_eq!(ct.sh("cat /again/file"), "here\n");
        ct.stop();
        before.assert_same(&host_state(&ct), "after the container has stopped");
        ct.start();
        assert_eq!(ct.sh("cat /again/file"), "here\n");
        // One that has come with the start goes as well.
        set(&ct, &["--delete", "mp7"]);
        assert!(!is_mounted(&ct, "/again") && conf(&ct).contains(&format!("unused0: {new}\n")));
        before.assert_same(&host_state(&ct), "after a mount point of the start has gone");
        set(&ct, &["--delete", "unused0"]);
        assert_eq!(volumes(&ct), [format!("subvol-{}-disk-0.subvol", ct.id)]);
        ct.stop();
    }
}

#[test]
fn what_is_in_use_stays_until_the_next_start() {
    require_root!();
    let host = Host::new();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged, "--mp0", "local:0.1,mp=/start"]);
        let before = host_state(&ct);
        ct.wait_booted();
        set(&ct, &["--mp1", "local:0,mp=/hot"]);
        for (key, folder) in [("mp0", "/start"), ("mp1", "/hot")] {
            keep_busy(&ct, folder);
            let volume = volume(&ct, key);
            let out = ct.pct("set", &["--delete", key]).ok();
            let told = format!("'{key}' is in use, it is removed at the next start");
            assert!(out.err().contains(&told), "{}", out.both());
            assert!(is_mounted(&ct, folder));
            assert!(pending(&ct).iter().any(|line| line.starts_with(&format!("del {key}: {volume},"))));
        }
        ct.pct("reboot", &[]).ok();
        assert!(!is_mounted(&ct, "/start") && !is_mounted(&ct, "/hot") && pending(&ct).is_empty());
        assert!(conf(&ct).contains("unused0: ") && conf(&ct).contains("unused1: "));
        // The volume of the start, which is not mounted any more, held a device.
        assert_eq!(host_state(&ct).diff(&before).lines().count(), 1);
        ct.stop();
    }
}

#[test]
fn what_the_guest_has_done_with_a_mount_point_is_respected() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "0", "--mp0", "local:0.1,mp=/start"]);
    set(&ct, &["--mp1", "local:0.1,mp=/hot", "--mp2", "local:0,mp=/covered"]);
    set(&ct, &["--mp3", "local:0,mp=/moved", "--mp4", "local:0.1,mp=/shown"]);
    ct.sh("umount /start; umount /hot");
    ct.sh("mount -t tmpfs guest /covered");
    // What is shared cannot be moved.
    ct.sh("mount --make-private / && mkdir /elsewhere && mount --move /moved /elsewhere");
    ct.sh("mkdir /shown/part /part && mount --bind /shown/part /part");
    set(&ct, &["--delete", "mp0,mp1"]);
    assert_eq!(host.state().only(&["loop"]).found.len(), 1);
    let out = ct.pct("set", &["--delete", "mp2,mp3,mp4"]).ok();
    let told = out.err();
    assert!(["mp2", "mp3", "mp4"].iter().all(|key| told.contains(&format!("'{key}' is in use"))), "{told}");
    assert!(is_mounted(&ct, "/elsewhere") && is_mounted(&ct, "/shown"));
    assert!(ct.sh("grep -c ' /covered ' /proc/mounts") == "2\n");
    ct.sh("umount /covered /part; mount --move /elsewhere /moved");
    set(&ct, &["--delete", "mp2,mp3,mp4"]);
    assert!(pending(&ct).is_empty() && host_state(&ct).found.is_empty());
    assert!(["/covered", "/moved", "/shown"].iter().all(|path| !is_mounted(&ct, path)));
}

#[test]
fn options_of_a_mount_point_hold_and_cannot_be_taken_away() {
    require_root!();
    let host = Host::new();
    let share = host.scratch().join("share");
    fs::create_dir(&share).unwrap();
    fs::write(share.join("file"), "shared\n").unwrap();
    chown(&share, Some(100_000), Some(100_000)).unwrap();
    fs::set_permissions(&share, fs::Permissions::from_mode(0o777)).unwrap();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged]);
        let bind = format!("{},mp=/ro,ro=1,mountoptions=nodev;noexec;nosuid", share.display());
        set(&ct, &["--mp0", &bind, "--mp1", &format!("{},mp=/rw", share.display())]);
        assert!(ct.sh("grep ' /ro ' /proc/mounts").contains("ro,nosuid,nodev,noexec"));
        assert_eq!(ct.sh("cat /ro/file /rw/file"), "shared\nshared\n");
        ct.exec(&["touch", "/ro/x"]).output().fails().says("Read-only");
        ct.sh(&format!("touch /rw/by-{unprivileged}"));
        if unprivileged == "1" {
            // As if it had come with the start.
            ct.exec(&["mount", "-o", "remount,bind,rw", "/ro"]).output().fails();
            ct.exec(&["mount", "-o", "remount,bind,ro,exec", "/ro"]).output().fails();
            ct.exec(&["touch", "/ro/x"]).output().fails();
        }
        // The same is mounted at a second place, which is no reason to stay.
        set(&ct, &["--delete", "mp0"]);
        assert!(!is_mounted(&ct, "/ro") && is_mounted(&ct, "/rw"));

        ct.sh("mkdir /mine && chown 33:44 /mine && chmod 2750 /mine");
        set(&ct, &["--mp2", "local:0.1,mp=/mine,keepattrs=1", "--mp3", "local:0.1,mp=/new,keepattrs=1"]);
        assert_eq!(ct.sh("stat -c '%a %u %g' /mine /new"), "2750 33 44\n755 0 0\n");
        ct.sh("touch /mine/file");
        ct.stop();
    }
    // Ids of the disk are those inside.
    let ct = host.running(&[]);
    set(&ct, &["--mp0", &format!("{},mp=/mapped,idmap=passthrough", share.display())]);
    assert_eq!(ct.sh("stat -c %u /mapped/by-0"), "0\n");
    let told = ct.pct("set", &["--mp1", "local:0.1,mp=/q,quota=1"]).output().fails();
    assert!(told.err().contains("Quotas are not supported by unprivileged containers."), "{}", told.both());
    assert_eq!(volumes(&ct).len(), 1);
}

#[test]
fn links_that_the_guest_has_planted_lead_nowhere() {
    require_root!();
    let host = Host::new();
    let outside = host.scratch().join("outside");
    fs::create_dir(&outside).unwrap();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged]);
        let before = (host_state(&ct), conf(&ct), volumes(&ct));
        ct.sh(&format!("ln -s {} /evil; mkdir /d; ln -s ../.. /d/up; touch /file", outside.display()));
        ct.sh(&format!("ln -s {} /dev/net; ln -s ../etc/passwd /dev/fuse", outside.display()));
        for (path, at) in
            [("/evil", "/evil"), ("/evil/x/y", "/evil"), ("/d/up/x", "/d/up"), ("/file/x", "/file")]
        {
            let out = ct.pct("set", &["--mp0", &format!("local:0.1,mp={path}")]).output().fails();
            let told = format!("unable to hotplug mp0: symlink encountered at: {at}\n");
            assert!(out.err().contains(&told), "{}", out.both());
        }
        for device in ["/dev/net/tun", "/dev/fuse"] {
            ct.pct("set", &["--dev0", device]).output().fails().says("symlink encountered at: /dev/");
        }
        assert_eq!((&host_state(&ct), conf(&ct), volumes(&ct)), (&before.0, before.1, before.2));
        assert!(fs::read_dir(&outside).unwrap().next().is_none());
        assert_eq!(ct.sh("ls /d; ls -l /etc/passwd | cut -c 1"), "up\n-\n");
        ct.stop();
    }
}

#[test]
fn a_change_that_fails_leaves_nothing_mounted_and_nothing_unmounted() {
    require_root!();
    let host = Host::new();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged, "--mp0", "local:0.1,mp=/start"]);
        set(&ct, &["--mp1", "local:0.1,mp=/hot", "--dev0", "/dev/net/tun,mode=0640,gid=5"]);
        ct.sh("echo 1 > /start/file; echo 2 > /hot/file; ln -s /etc /evil");
        let seen = || {
            let files = ct.sh("cat /start/file /hot/file; ls / | grep new; ls /dev");
            // Devices may have changed their numbers.
            let state = host_state(&ct).found.into_iter();
            let state: BTreeSet<_> = state.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
            (conf(&ct), volumes(&ct), files, node(&ct, "/dev/net/tun"), state)
        };
        let before = seen();
        let fails = |words: &[&str]| {
            let words = [words, &["--mp9", "local:0.1,mp=/evil/x"]].concat();
            let out = ct.pct("set", &words).output().fails();
            assert!(out.err().contains("unable to hotplug mp9: symlink encountered"), "{}", out.both());
            assert!(!out.err().contains("WARN"), "{}", out.both());
            assert_eq!(seen(), before, "{words:?}");
        };
        fails(&["--mp2", "local:0.1,mp=/new/a", "--mp3", "local:0,mp=/new/b", "--dev1", "/dev/fuse"]);
        fails(&["--delete", "mp0,mp1,dev0", "--memory", "300"]);
        fails(&["--delete", "dev0", "--dev1", "/dev/net/tun,deny-write=1"]);
        // What was put back is as it was: it can go.
        set(&ct, &["--delete", "mp0,mp1,dev0"]);
        assert!(!is_mounted(&ct, "/start") && !is_mounted(&ct, "/hot"));
        assert!(host.state().only(&["loop"]).found.is_empty());
        ct.stop();
    }
}

/// Whether a process inside can open a node, by the node that the host has made in a folder of the guest: for reading,
/// for writing.
fn can_open(ct: &Ct<'_>, path: &str) -> (bool, bool) {
    let done = |script: String| ct.exec(&["/bin/sh", "-c", &script]).output().status == 0;
    (done(format!("exec 3<{path}")), done(format!("exec 3>{path}")))
}

fn make_node(path: &Path, minor: u32) {
    let device = rustix::fs::makedev(10, minor);
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::CharacterDevice, mode, device).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

#[test]
fn devices_come_and_go_while_the_container_runs_and_are_there_after_a_start() {
    require_root!();
    let host = Host::new();
    for unprivileged in KINDS {
        let ct = host.running(&["--unprivileged", unprivileged]);
        // Whether the controller lets a process open it, whatever node it has.
        let (tun, control) = (ct.subvol().join("root/tun"), ct.subvol().join("root/control"));
        make_node(&tun, 200);
        make_node(&control, 237);
        let all = unprivileged == "1";
        assert_eq!(can_open(&ct, "/root/tun"), (all, all));

        let words = ["--dev0", "/dev/net/tun,mode=0640,uid=33,gid=44", "--dev1", "/dev/zero,mode=0600"];
        set(&ct, &words);
        set(&ct, &["--dev12", "/dev/loop-control,deny-write=1,mode=0666"]);
        let check = || {
            assert_eq!(node(&ct, "/dev/net/tun"), "character special file a:c8 640 33 44");
            assert_eq!(node(&ct, "/dev/zero"), "character special file 1:5 600 0 0");
            assert_eq!(node(&ct, "/dev/loop-control"), "character special file a:ed 666 0 0");
            assert_eq!(can_open(&ct, "/dev/net/tun"), (true, true));
            assert_eq!(can_open(&ct, "/root/tun"), (true, true));
            assert_eq!(can_open(&ct, "/dev/loop-control"), (true, false));
            assert_eq!(can_open(&ct, "/root/control"), (true, false));
            assert_eq!(ct.sh("head -c 3 /dev/zero | wc -c").trim(), "3");
        };
        check();
        assert!(pending(&ct).is_empty());
        ct.stop();
        assert!(host_state(&ct).found.is_empty());
        ct.start();
        check();

        // In use or not: what is open stays open.
        ct.sh("(exec 3</dev/net/tun; sleep 600 </dev/null >/dev/null 2>&1 &)");
        set(&ct, &["--delete", "dev0,dev1,dev12"]);
        ct.exec(&["test", "-e", "/dev/net/tun"]).output().status(1);
        ct.exec(&["test", "-e", "/dev/loop-control"]).output().status(1);
        assert!(node(&ct, "/dev/zero").starts_with("character special file 1:5 666 "));
        assert_eq!(can_open(&ct, "/dev/zero"), (true, true));
        assert_eq!(can_open(&ct, "/root/tun"), (all, all));
        assert_eq!(can_open(&ct, "/root/control"), (all, all));
        // And again, onto what is left of the first.
        set(&ct, &["--dev3", "/dev/net/tun"]);
        assert_eq!(node(&ct, "/dev/net/tun"), "character special file a:c8 660 0 0");
        // A node that the guest has taken away itself is no reason to fail.
        ct.sh("umount /dev/net/tun && rm /dev/net/tun");
        set(&ct, &["--delete", "dev3"]);
        assert_eq!(can_open(&ct, "/root/tun"), (all, all));
        ct.stop();
    }
}

#[test]
fn a_volume_with_quotas_has_them_and_its_block_device_is_there() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "0", "--mp0", "local:0.1,mp=/q,quota=1"]);
    let mount = ct.sh("grep ' /q ' /proc/mounts");
    assert!(mount.contains("usrjquota=aquota.user,grpjquota=aquota.group"), "{mount}");
    let device = mount.split(' ').next().unwrap().to_owned();
    let minor: u32 = device.strip_prefix("/dev/loop").expect("a loop device").parse().unwrap();
    assert_eq!(node(&ct, &device), format!("block special file 7:{minor:x} 666 0 0"));
    assert_eq!(can_open(&ct, &device), (true, true));
    ct.stop();
    assert!(host_state(&ct).found.is_empty());
}

#[test]
fn nothing_of_a_hotplug_outlives_a_monitor_that_is_killed() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--mp0", "local:0.1,mp=/start", "--dev0", "/dev/fuse"]);
    set(&ct, &["--mp1", "local:0.1,mp=/hot", "--dev1", "/dev/net/tun"]);
    signal_pid(ct.monitor_pid(), rustix::process::Signal::KILL);
    wait::until_true("the container is gone", || ct.status() == "stopped");
    wait::until_true("its loop devices are gone", || host_state(&ct).found.is_empty());
    ct.start();
    assert!(is_mounted(&ct, "/start") && is_mounted(&ct, "/hot"));
    assert_eq!(node(&ct, "/dev/net/tun"), "character special file a:c8 660 0 0");
    ct.stop();
    ct.pct("destroy", &[]).ok();
    assert!(!host.lxcpath().join(&ct.id).exists());
}

#[test]
fn systemd_and_its_services_see_what_comes_and_goes() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let options = ["--rootfs", "local:0", "--unprivileged", "1", "--features", "nesting=1"];
    ct.create(&debian::template(), &options).ok();
    ct.pct("start", &["--wait", "systemd"]).ok();
    let before = host_state(&ct);
    // A service with mounts of its own.
    ct.sh("systemd-run --quiet --unit=own -p PrivateTmp=yes sleep 1000");
    let in_service = |path: &str| {
        let script = format!("grep -c ' {path} ' /proc/$(systemctl show -P MainPID own)/mountinfo");
        ct.exec(&["/bin/sh", "-c", &script]).output().out().trim() == "1"
    };
    set(&ct, &["--mp0", "local:0.1,mp=/srv/data", "--dev0", "/dev/net/tun,mode=0666"]);
    ct.sh("echo here > /srv/data/file");
    assert!(in_service("/srv/data") && in_service("/dev/net/tun"));
    ct.sh("systemd-run --quiet --wait --pipe -p PrivateTmp=yes cat /srv/data/file | grep -q here");
    set(&ct, &["--delete", "mp0,dev0"]);
    assert!(!in_service("/srv/data") && !in_service("/dev/net/tun"));
    before.assert_same(&host_state(&ct), "after a mount point has gone");

    // A file that the service has open.
    let volume = volume(&ct, "unused0");
    set(&ct, &["--mp0", &format!("{volume},mp=/srv/data")]);
    ct.sh("systemctl stop own; systemd-run --quiet --unit=own -p PrivateTmp=yes tail -f /srv/data/file");
    wait::until_true("the service has the file open", || {
        ct.exec(&[
            "/bin/sh",
            "-c",
            "ls -l /proc/$(systemctl show -P MainPID own)/fd | grep -q /srv/data/file",
        ])
        .output()
        .status
            == 0
    });
    let out = ct.pct("set", &["--delete", "mp0"]).ok();
    assert!(out.err().contains("'mp0' is in use"), "{}", out.both());
    ct.sh("systemctl stop own");
    set(&ct, &["--delete", "mp0"]);
    assert!(conf(&ct).contains(&format!("unused0: {volume}\n")));

    // Those of a start.
    set(&ct, &["--mp0", &format!("{volume},mp=/srv/data"), "--dev0", "/dev/fuse,uid=1000"]);
    ct.pct("reboot", &[]).ok();
    ct.pct("wait", &["systemd"]).ok();
    assert_eq!(ct.sh("cat /srv/data/file"), "here\n");
    assert_eq!(node(&ct, "/dev/fuse"), "character special file a:e5 660 1000 0");
    set(&ct, &["--delete", "mp0,dev0"]);
    assert!(!is_mounted(&ct, "/srv/data"));
    before.assert_same(&host_state(&ct), "after a mount point of the start has gone");
}
