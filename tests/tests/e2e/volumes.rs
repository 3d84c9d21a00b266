//! `mount`, `unmount`, `df`, `fsck`, `fstrim` and `resize`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use pct_tests::{Ct, Host, Output, Run, bins, require_root, root, wait};

/// A container with an image for its root, and one for `/data`.
const TWO: [&str; 4] = ["--rootfs", "local:0.1", "--mp0", "local:0.1,mp=/data"];

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

fn rootfs(ct: &Ct<'_>) -> PathBuf {
    ct.host().lxcpath().join(&ct.id).join("rootfs")
}

/// The image of a volume.
fn image(ct: &Ct<'_>, number: u32) -> PathBuf {
    ct.host().storage().join(format!("images/{0}/vm-{0}-disk-{number}.raw", ct.id))
}

/// Nothing of the container's is in use on the host. Where the host's mounts are not passed on, containers of other tests
/// that were started while it had some keep those as long as they run.
#[track_caller]
fn assert_free(host: &Host) {
    assert!(host.state().only(&["mount"]).found.is_empty());
    wait::until_true("no loop device is in use", || host.state().only(&["loop"]).found.is_empty());
}

#[track_caller]
fn mount(ct: &Ct<'_>) -> PathBuf {
    let out = ct.pct("mount", &[]).ok().quiet().out();
    assert_eq!(out, format!("mounted CT {} in '{}'\n", ct.id, rootfs(ct).display()));
    rootfs(ct)
}

#[track_caller]
fn unmount(ct: &Ct<'_>) {
    assert_eq!(ct.pct("unmount", &[]).ok().quiet().out(), "");
}

/// The size that the guest sees, in KiB.
fn size_inside(ct: &Ct<'_>, path: &str) -> u64 {
    ct.sh(&format!("df -k {path} | tail -1 | awk '{{print $2}}'")).trim().parse().unwrap()
}

/// How much of an image is on the disk.
fn taken(ct: &Ct<'_>, number: u32) -> u64 {
    fs::metadata(image(ct, number)).unwrap().blocks() * 512
}

#[test]
fn volumes_are_mounted_for_the_host_and_unmounted_again() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&TWO);
    let before = conf(&ct);
    let folder = mount(&ct);
    assert!(folder.join("bin/busybox").is_file() && folder.join("data/lost+found").is_dir());
    assert_eq!(conf(&ct), before.replace("memory:", "lock: mounted\nmemory:"));
    fs::write(folder.join("data/by-host"), "here").unwrap();
    let options = host.state().only(&["mount"]).found;
    assert!(options.len() == 2 && options.iter().all(|line| line.contains("/dev/loop")), "{options:?}");

    // Only start and stop are possible meanwhile.
    for (verb, words) in [("mount", &[][..]), ("set", &["--memory", "99"]), ("destroy", &[]), ("fstrim", &[])]
    {
        ct.pct(verb, words).output().fails().says("CT is locked (mounted)");
    }
    ct.pct("resize", &["rootfs", "1G"]).output().fails().says("CT is locked (mounted)");
    ct.pct("fsck", &[]).output().fails().says("it is in use");

    // Whoever uses a volume keeps it, and the mark.
    let busy = fs::File::open(folder.join("data/by-host")).unwrap();
    let shown = folder.join("data").display().to_string();
    ct.pct("unmount", &[]).output().status(255).says(&format!("cannot unmount '{shown}'"));
    assert!(conf(&ct).contains("lock: mounted") && folder.join("bin").exists());
    drop(busy);
    unmount(&ct);
    assert_eq!(conf(&ct), before);
    assert_free(&host);
    ct.pct("unmount", &[]).output().fails().says("no lock found trying to remove 'mounted'  lock");
    ct.append_conf("lock: backup");
    ct.pct("unmount", &[]).output().fails().says("found lock 'backup' trying to remove 'mounted' lock");
    ct.pct("unlock", &[]).ok();
    ct.start();
    assert_eq!(ct.sh("cat /data/by-host"), "here");
    let missing = host.ct();
    for verb in ["mount", "unmount", "df", "fsck", "fstrim"] {
        missing.pct(verb, &[]).output().fails().says("does not exist");
    }
}

#[test]
fn a_container_starts_runs_and_stops_while_it_is_mounted() {
    require_root!();
    let host = Host::new();
    // Under systemd the host's mounts are passed on to the namespaces of others, without they are not.
    for propagation in ["rshared", "rprivate"] {
        let (ct, other) = (host.busybox(&TWO), host.busybox(&[]));
        let script = format!(
            "set -e; mount --make-{propagation} /
             {pct} mount {id}; {pct} start {id}; {pct} start {other}; echo x > {root}/data/both
             {pct} exec {id} -- cat /data/both; {pct} unmount {id}
             if grep {root} /proc/self/mountinfo; then exit 7; fi
             {pct} exec {id} -- cat /data/both
             {pct} mount {id}; {pct} exec {id} -- sh -c 'echo y > /data/own'; cat {root}/data/own
             {pct} unmount {id}; {pct} exec {id} -- cat /data/own
             {pct} set {id} --delete mp0; {pct} exec {id} -- sh -c '! grep /data /proc/mounts'
             if {pct} pending {id} | grep -v ^cur; then exit 8; fi
             {pct} mount {id}; {pct} stop {id}; {pct} unmount {id}; {pct} status {other}",
            pct = bins::pct().display(),
            id = ct.id,
            other = other.id,
            root = rootfs(&ct).display(),
        );
        let out = Run::new("/usr/bin/unshare")
            .args(["-m", "/bin/sh", "-c", &script])
            .env("PCT_ROOT", host.root())
            .env("LC_ALL", "C")
            .ok();
        let mounted = format!("mounted CT {} in '{}'\n", ct.id, rootfs(&ct).display());
        let expected = format!("{mounted}x\nx\n{mounted}y\ny\n{mounted}status: running\n");
        assert_eq!(out.out(), expected, "{}", out.both());
        // The other one has come when the first was mounted, and keeps nothing of it in use.
        assert_free(&host);
        other.stop();
    }
}

#[test]
fn mounting_follows_the_config_and_no_link_of_the_guest() {
    require_root!();
    let host = Host::new();
    let bound = host.scratch().join("bound");
    fs::create_dir(&bound).unwrap();
    let ct = host.busybox(&["--rootfs", "local:0.1", "--mp0", "local:0.1,mp=/new/deep,ro=1"]);
    ct.pct("set", &["--mp1", &format!("{},mp=/new/deep/../x", bound.display())]).output().fails();
    ct.append_conf(&format!("mp1: {},mp=/srv,mountoptions=noexec", bound.display()));
    let folder = mount(&ct);
    assert_eq!(fs::write(folder.join("new/deep/x"), "").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    fs::write(folder.join("srv/by-host"), "").unwrap();
    assert!(bound.join("by-host").exists());
    let mounts = host.state().only(&["mount"]).found;
    let srv = mounts.iter().find(|line| line.contains("/rootfs/srv ")).unwrap();
    assert!(srv.contains(" ext4 ") || srv.contains("root="), "{srv}");
    let owner = fs::metadata(folder.join("new")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (100_000, 100_000));

    // What somebody else has mounted there is not ours to unmount.
    let own = folder.join("mnt");
    Run::new("/bin/mount").args(["-t", "tmpfs", "none", own.to_str().unwrap()]).ok();
    ct.pct("unmount", &[]).output().fails().says("cannot unmount");
    assert!(!folder.join("srv/by-host").exists(), "those before it are unmounted");
    Run::new("/bin/umount").args([own.to_str().unwrap()]).ok();
    unmount(&ct);

    // A link in the place of a mount point.
    let folder = mount(&ct);
    unmount_and_replace(&ct, &folder);
    let out = ct.pct("mount", &[]).output().status(255);
    assert_eq!(out.err(), "mounting container failed\nmp0: symlink encountered at: /new\n");
    assert_free(&host);
    assert!(!conf(&ct).contains("lock:"), "{}", conf(&ct));
}

/// Puts a link to the host's `/etc` in the place of `/new`.
fn unmount_and_replace(ct: &Ct<'_>, folder: &std::path::Path) {
    let all = conf(ct);
    let less: String =
        all.lines().filter(|line| !line.starts_with("mp")).map(|line| format!("{line}\n")).collect();
    unmount(ct);
    fs::write(ct.conf(), less.replace("lock: mounted\n", "")).unwrap();
    mount(ct);
    fs::remove_dir_all(folder.join("new")).unwrap();
    symlink("/etc", folder.join("new")).unwrap();
    unmount(ct);
    fs::write(ct.conf(), all.replace("lock: mounted\n", "")).unwrap();
}

#[test]
fn a_mount_that_was_unlocked_is_in_nobody_s_way() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&TWO);
    mount(&ct);
    ct.pct("unlock", &[]).ok();
    mount(&ct);
    assert_eq!(host.state().only(&["mount"]).found.len(), 2, "not mounted twice");
    ct.pct("unlock", &[]).ok();
    // A start that fails before it has mounted anything, and one that works.
    let before = host.state().only(&["mount"]);
    ct.append_conf("net0: name=eth0,bridge=nosuchbridge,hwaddr=BC:24:11:00:00:01,type=veth");
    ct.pct("start", &[]).output().fails().says("nosuchbridge");
    before.assert_same(&host.state().only(&["mount"]), "after a start that failed");
    ct.edit_conf("net0: name=eth0,bridge=nosuchbridge,hwaddr=BC:24:11:00:00:01,type=veth\n", "");
    ct.start();
    ct.stop();
    before.assert_same(&host.state().only(&["mount"]), "after a life");
    ct.pct("destroy", &[]).ok();
    assert_free(&host);
}

/// The columns of a row of `pct df`.
fn row(out: &Output, mp: &str) -> Vec<String> {
    let out = out.out();
    let row = out.lines().find(|line| line.starts_with(&format!("{mp} ")));
    row.unwrap_or_else(|| panic!("no {mp} in:\n{out}")).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn df_shows_each_volume_of_a_container_running_or_not() {
    require_root!();
    let host = Host::new();
    let bound = host.scratch();
    let ct = host.busybox(&[&TWO[..], &["--unprivileged", "0", "--dev0", "/dev/fuse"]].concat());
    ct.append_conf(&format!("mp2: {},mp=/a b", bound.display()));
    let stopped = ct.pct("df", &[]).ok().quiet();
    assert_free(&host);
    let text = stopped.out();
    let lines: Vec<_> = text.lines().collect();
    let id = &ct.id;
    let path = lines[0].find("Path").unwrap();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("MP     Volume ") && lines[0].ends_with(" Avail Use% Path"), "{text}");
    assert!(
        lines[1].starts_with(&format!("rootfs local:{id}/vm-{id}-disk-0.raw ")) && lines[1].ends_with(" /")
    );
    assert!(lines[2].starts_with(&format!("mp0    local:{id}/vm-{id}-disk-1.raw ")));
    let paths: Vec<_> = lines.iter().map(|line| &line[path..]).collect();
    assert_eq!(paths, ["Path", "/", "/data", "/a b"], "{text}");
    assert!(row(&stopped, "rootfs")[2].ends_with('M'), "{text}");

    // In use it is the same file system.
    ct.start();
    ct.sh("dd if=/dev/zero of=/data/file bs=1M count=30; sync");
    let running = ct.pct("df", &[]).ok().quiet();
    let (kib, part) = (size_inside(&ct, "/data"), &row(&running, "mp0")[5]);
    assert_eq!(row(&running, "mp0")[2], format!("{:.1}M", kib as f64 / 1024.0));
    assert!((28.0..40.0).contains(&part.parse::<f64>().unwrap()), "{part}");
    let json = ct.pct("df", &["--output-format", "json"]).ok().out();
    for field in ["\"mp\":\"mp0\"", "\"path\":\"/data\"", &format!("\"size\":{}", kib * 1024)] {
        assert!(json.contains(field), "{json}");
    }

    // A file system of the guest's own that never answers.
    let mount = "exec 3<>/dev/fuse; mount -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none /data; echo done; \
                 sleep 1000";
    let dead = ct.exec(&["sh", "-c", mount]).start();
    wait::until_true("the dead file system is mounted", || {
        ct.sh("cat /proc/mounts").contains("none /data fuse")
    });
    let out = ct.pct("df", &[]).limit(Duration::from_secs(20)).ok().quiet();
    assert_eq!(row(&out, "mp0"), row(&running, "mp0"));
    drop(dead);
    ct.stop();

    // A volume that is lost, and a container that is being worked on.
    fs::rename(image(&ct, 1), image(&ct, 7)).unwrap();
    let out = ct.pct("df", &[]).ok().says("mp0: volume");
    assert!(out.out().lines().count() == 3 && !out.out().contains("mp0"), "{}", out.both());
    ct.append_conf("lock: rollback");
    ct.pct("df", &[]).output().fails().says("CT is locked (rollback)");
}

#[test]
fn fsck_checks_what_nobody_uses() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[&TWO[..], &["--mp1", "local:0,mp=/tree"]].concat());
    ct.append_conf("lock: backup");
    let out = ct.pct("fsck", &[]).ok().out();
    assert!(out.contains("fsck from util-linux") && out.contains(": clean, "), "{out}");
    let forced = ct.pct("fsck", &["--device", "mp0", "--force"]).ok().out();
    assert!(forced.contains("vm-") && !forced.contains(": clean, "), "{forced}");
    let tree = format!("local:{0}/subvol-{0}-disk-2.subvol", ct.id);
    let out = ct.pct("fsck", &["--device", "mp1"]).output().status(255);
    assert_eq!(out.err(), format!("unable to run fsck for '{tree}' (format == subvol)\n"));
    let out = ct.pct("fsck", &["--device", "mp2"]).output().status(255);
    assert_eq!(out.err(), "cannot run command on non-existing mount point mp2\n");
    ct.pct("fsck", &["--device", "mp256"])
        .output()
        .status(255)
        .says("in the enumeration 'rootfs, mp0, mp1, ");
    for (value, path) in
        [("/etc,mp=/x", "/etc"), ("/dev/null,mp=/x", "/dev/null"), ("/dev/no,mp=/x", "/dev/no")]
    {
        ct.append_conf(&format!("mp3: {value}"));
        let out = ct.pct("fsck", &["--device", "mp3"]).output().status(255);
        assert_eq!(out.err(), format!("path '{path}' does not point to a block device\n"));
        ct.edit_conf(&format!("mp3: {value}\n"), "");
    }

    // A wrong count of free blocks: corrected, and told by the status.
    let path = image(&ct, 1).display().to_string();
    Run::new(bins::tool("mkfs.ext4").unwrap()).args(["-q", "-F", &path]).ok();
    let wrong = ["-w", "-R", "set_super_value free_blocks_count 7", &path];
    Run::new(bins::tool("debugfs").unwrap()).args(wrong).ok();
    let words = ["--force", "--device", "mp0"];
    let out = ct.pct("fsck", &words).output().status(255);
    assert_eq!(out.err(), format!("command 'fsck -a -l -f {path}' failed: exit code 1\n"), "{}", out.both());
    ct.pct("fsck", &words).ok().quiet();

    ct.edit_conf("lock: backup\n", "");
    ct.start();
    let out = ct.pct("fsck", &["--force"]).output().status(255);
    assert_eq!(out.err(), "cannot run fsck when container is running\n");
}

#[test]
fn fstrim_gives_back_what_is_not_used() {
    require_root!();
    let host = Host::new();
    let ct =
        host.running(&[&TWO[..], &["--mp1", "local:0,mp=/tree", "--mp2", "local:0.1,mp=/ro,ro=1"]].concat());
    let fill = "dd if=/dev/zero of=$f/file bs=1M count=30; sync; rm $f/file; sync";
    ct.sh(&format!("for f in /root /data; do {fill}; done"));
    let before = [taken(&ct, 0), taken(&ct, 1)];
    assert!(before.iter().all(|bytes| *bytes > 30 << 20), "{before:?}");
    let root = rootfs(&ct).display().to_string();
    let trimmed = |out: &Output, paths: &[&str]| {
        let text = out.out();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), paths.len(), "{text}");
        for (line, path) in lines.iter().zip(paths) {
            let rest = line.strip_prefix(&format!("{root}{path}: ")).unwrap_or_else(|| panic!("{line}"));
            // What the kernel has given back already since the mount it does not once more.
            let size = rest.contains(" MiB (") || rest.contains(" KiB (") || rest.starts_with("0 B (");
            assert!(size && rest.ends_with(" bytes) trimmed"), "{line}");
        }
    };
    trimmed(&ct.pct("fstrim", &["--ignore-mountpoints"]).ok().quiet(), &["/"]);
    assert!(taken(&ct, 0) + (25 << 20) < before[0] && taken(&ct, 1) == before[1]);
    trimmed(&ct.pct("fstrim", &[]).ok().quiet(), &["/", "/data"]);
    assert!(taken(&ct, 1) + (25 << 20) < before[1]);
    assert!(!conf(&ct).contains("lock"), "{}", conf(&ct));
    ct.stop();
    assert_free(&host);
    trimmed(&ct.pct("fstrim", &[]).ok().quiet(), &["/", "/data"]);
    assert_free(&host);

    // One that cannot be had keeps none of the others from it.
    fs::rename(image(&ct, 0), image(&ct, 9)).unwrap();
    let out = ct.pct("fstrim", &[]).ok().says("rootfs: volume");
    trimmed(&out, &["/data"]);
    assert!(!conf(&ct).contains("lock"));
}

#[test]
fn resize_of_a_stopped_container_grows_volume_and_file_system() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[&TWO[..], &["--mp1", "local:0,mp=/tree"]].concat());
    let out = ct.pct("resize", &["rootfs", "+98M"]).ok().quiet();
    assert!(out.out().contains("Pass 1") && out.out().contains("resize2fs"), "{}", out.both());
    assert!(conf(&ct).contains("disk-0.raw,size=200M\n"), "{}", conf(&ct));
    assert_eq!(fs::metadata(image(&ct, 0)).unwrap().len(), 200 << 20);
    assert_free(&host);
    ct.pct("resize", &["mp0", "0.25G"]).ok();
    assert!(conf(&ct).contains("disk-1.raw,mp=/data,size=256M\n"), "{}", conf(&ct));
    ct.start();
    assert!((170_000..205_000).contains(&size_inside(&ct, "/")));
    assert!((220_000..262_145).contains(&size_inside(&ct, "/data")));
    ct.stop();

    let before = conf(&ct);
    let tree = format!("{0}/subvol-{0}-disk-2.subvol", ct.id);
    let other = host.busybox(&["--rootfs", "local:0.1"]);
    ct.append_conf(&format!("mp5: local:{0}/vm-{0}-disk-0.raw,mp=/o\nmp6: /etc,mp=/e", other.id));
    let text = conf(&ct);
    for (words, told) in [
        (["rootfs", "100M"], "unable to shrink disk size\n".to_owned()),
        (["rootfs", "200M"], "disk is already at specified size\n".to_owned()),
        (["mp0", "+0"], "disk is already at specified size\n".to_owned()),
        (["mp1", "1G"], format!("this volume has no size ('{tree}')\n")),
        (["mp4", "1G"], "cannot run command on non-existing mount point mp4\n".to_owned()),
        (["mp5", "1G"], format!("can't resize mount point owned by another container ({})\n", other.id)),
        (["mp6", "1G"], "can't resize 'mp6': '/etc' is no volume of a storage\n".to_owned()),
    ] {
        let out = ct.pct("resize", &words).output().status(255);
        assert_eq!(out.err(), told, "{words:?}");
    }
    for size in ["1", "1g", "1GiB", "1 G", "G"] {
        let out = ct.pct("resize", &["rootfs", size]).output().status(255);
        let is_number = size == "1";
        assert_eq!(
            out.err().contains("size: value does not match the regex pattern"),
            !is_number,
            "{}",
            out.both()
        );
    }
    ct.pct("resize", &["rootfs", "1G", "--digest", "0123"]).output().fails().says("modified");
    assert_eq!(conf(&ct), text);
    fs::write(ct.conf(), before).unwrap();

    // A volume that is lost, and a file system that is none: the volume has grown, and a warning says what has not.
    fs::rename(image(&ct, 1), image(&ct, 9)).unwrap();
    ct.pct("resize", &["mp0", "1G"])
        .output()
        .fails()
        .says("Could not determine current size of volume 'local:");
    fs::File::create(image(&ct, 1)).unwrap().set_len(1 << 20).unwrap();
    let out = ct.pct("resize", &["mp0", "2M"]).ok();
    assert!(out.out().contains("WARN: Failed to update the container's filesystem: no file system found on"));
    assert_eq!(out.err(), "Task finished with 1 warning(s)!\n");
    assert!(conf(&ct).contains("mp=/data,size=2M\n"), "{}", conf(&ct));
}

/// The kernel grows a mounted ext4 only for who has this capability.
fn can_grow_ext4() -> bool {
    const CAP_SYS_RESOURCE: u64 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim();
    let held = u64::from_str_radix(held, 16).unwrap();
    root::can(held >> CAP_SYS_RESOURCE & 1 == 1, "CAP_SYS_RESOURCE")
}

#[test]
fn resize_of_a_running_container_is_seen_inside() {
    require_root!("mkfs.xfs", "mkfs.btrfs");
    let host = Host::new();
    for unprivileged in ["1", "0"] {
        let ct = host.busybox(&[
            "--unprivileged",
            unprivileged,
            "--rootfs",
            "local:0.1",
            "--mp0",
            "local:0.35,mp=/xfs",
            "--mp1",
            "local:0.35,mp=/btrfs",
        ]);
        for (mkfs, number) in [("mkfs.xfs", 1), ("mkfs.btrfs", 2)] {
            let image = image(&ct, number);
            Run::new(bins::tool(mkfs).unwrap()).args(["-q", "-f", image.to_str().unwrap()]).ok();
        }
        ct.start();
        for (disk, path) in [("mp0", "/xfs"), ("mp1", "/btrfs")] {
            let before = size_inside(&ct, path);
            let out = ct.pct("resize", &[disk, "+100M"]).ok().quiet();
            assert_eq!(out.out(), "");
            let grown = size_inside(&ct, path) - before;
            assert!((95_000..=102_400).contains(&grown), "{path}: {grown} KiB");
        }
        assert_eq!(host.state().only(&["loop"]).found.len(), 3);
        ct.stop();
        assert_free(&host);
        // Stopped, too, the kernel does it for these.
        ct.pct("resize", &["mp0", "+100M"]).ok().quiet();
        ct.pct("resize", &["mp1", "+100M"]).ok().quiet();
        assert_free(&host);
        ct.start();
        assert!(size_inside(&ct, "/xfs") > 450_000 && size_inside(&ct, "/btrfs") > 500_000);
        ct.stop();
    }
}

#[test]
fn resize_of_a_running_container_grows_its_ext4() {
    require_root!();
    if !can_grow_ext4() {
        return;
    }
    let host = Host::new();
    for unprivileged in ["1", "0"] {
        let ct = host.running(&[&TWO[..], &["--unprivileged", unprivileged]].concat());
        for (disk, path) in [("rootfs", "/"), ("mp0", "/data")] {
            let before = size_inside(&ct, path);
            ct.pct("resize", &[disk, "1G"]).ok().quiet();
            assert!(size_inside(&ct, path) - before > 800_000, "{path}");
        }
        ct.sh("dd if=/dev/zero of=/root/file bs=1M count=300; sync");
        ct.stop();
        assert_free(&host);
        for device in ["rootfs", "mp0"] {
            ct.pct("fsck", &["--force", "--device", device]).ok();
        }
    }
}

#[test]
fn a_guest_that_has_frozen_its_files_can_be_stopped_during_a_resize() {
    require_root!("mkfs.xfs", "fsfreeze");
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:0.1", "--mp0", "local:0.35,mp=/data"]);
    Run::new(bins::tool("mkfs.xfs").unwrap()).args(["-q", "-f", image(&ct, 1).to_str().unwrap()]).ok();
    ct.start();
    let before = size_inside(&ct, "/data");
    let inside = format!("/proc/{}/root/data", ct.init_pid());
    Run::new(bins::tool("fsfreeze").unwrap()).args(["-f", &inside]).ok();
    let resize = ct.pct("resize", &["mp0", "+50M"]).start();
    wait::until_true("the volume has grown", || fs::metadata(image(&ct, 1)).unwrap().len() == 408 << 20);
    // The lock of the container is free.
    ct.pct("df", &[]).ok();
    Run::new(bins::tool("fsfreeze").unwrap()).args(["-u", &inside]).ok();
    resize.finish().ok().quiet();
    assert!(conf(&ct).contains("mp=/data,size=408M"), "{}", conf(&ct));
    assert!(size_inside(&ct, "/data") - before > 45_000);
}
