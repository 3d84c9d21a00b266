//! push and pull: bytes, owners, modes, and what a hostile guest puts in the way.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use pct_tests::{Ct, Host, Run, bins, require_root, wait};

/// Where the uid and gid 0 of a container are on the host.
const KINDS: [(&str, u32); 2] = [("0", 0), ("1", 100_000)];

fn running<'h>(host: &'h Host, unprivileged: &str) -> Ct<'h> {
    host.running(&["--unprivileged", unprivileged])
}

fn bytes(length: usize) -> Vec<u8> {
    (0..=255).cycle().take(length).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn owner(path: &Path) -> (u32, u32) {
    let data = fs::symlink_metadata(path).unwrap();
    (data.uid(), data.gid())
}

/// `pct` below a umask.
fn with_umask(ct: &Ct<'_>, umask: &str, words: &str) {
    let script = format!("umask {umask}; exec '{}' {words}", bins::pct().display());
    Run::new("/bin/sh").args(["-c", &script]).env("PCT_ROOT", ct.host().root()).ok().quiet();
}

#[test]
fn a_file_goes_in_and_comes_back_byte_for_byte() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    let data = bytes(20 * 1024 * 1024 + 13);
    fs::write(dir.join("from"), &data).unwrap();
    fs::write(dir.join("empty"), "").unwrap();
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (unprivileged, root) in KINDS {
        let ct = running(&host, unprivileged);
        let out = ct.pct("push", &[&at("from"), "/root/there"]).ok().quiet();
        assert!(out.stdout.is_empty(), "{}", out.out());
        assert!(fs::read(ct.subvol().join("root/there")).unwrap() == data);
        assert_eq!(owner(&ct.subvol().join("root/there")), (root, root));
        let out = ct.pct("pull", &["/root/there", &at("back")]).ok().quiet();
        assert!(out.stdout.is_empty(), "{}", out.out());
        assert!(fs::read(dir.join("back")).unwrap() == data);
        // A shorter file over a longer one; relative destinations begin at the container's root.
        ct.pct("push", &[&at("empty"), "root/there"]).ok().quiet();
        assert_eq!(fs::metadata(ct.subvol().join("root/there")).unwrap().len(), 0);
        ct.host().pct(&["pull", &ct.id, "root/there", "back"]).dir(&dir).ok().quiet();
        assert_eq!(fs::metadata(dir.join("back")).unwrap().len(), 0);
        // As scripts have it, with the end of options in front of the files.
        ct.pct("push", &["--", &at("from"), "/tmp/x"]).ok();
    }
}

#[test]
fn owner_and_mode_are_as_asked_for_in_the_terms_of_the_side_where_the_file_is() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::write(dir.join("from"), "x").unwrap();
    let from = dir.join("from").to_str().unwrap().to_owned();
    for (unprivileged, root) in KINDS {
        let ct = running(&host, unprivileged);
        let inside = |name: &str| ct.subvol().join("tmp").join(name);
        // The umask decides where nothing else does, and --perms stands above it.
        for (umask, perms, want) in [
            ("022", "", 0o644),
            ("077", "", 0o600),
            ("077", "--perms 4755", 0o4755),
            ("022", "--perms 0x1ff", 0o777),
        ] {
            let name = format!("{umask}{}", perms.len());
            with_umask(&ct, umask, &format!("push {} {from} /tmp/{name} {perms}", ct.id));
            assert_eq!(mode(&inside(&name)), want, "{umask} {perms}");
            let back = dir.join(format!("{unprivileged}{name}"));
            with_umask(&ct, umask, &format!("pull {} /tmp/{name} {} {perms}", ct.id, back.display()));
            assert_eq!(mode(&back), want, "{umask} {perms}");
        }
        // Names are those of the container, which has a group of that number alone.
        ct.sh("echo guest:x:1234:77::/: >> /etc/passwd; echo guests:x:77: >> /etc/group");
        ct.pct("push", &[&from, "/tmp/a", "--user", "guest", "--group", "guests"]).ok();
        assert_eq!(owner(&inside("a")), (root + 1234, root + 77));
        ct.pct("push", &[&from, "/tmp/b", "--group", "5"]).ok();
        assert_eq!(owner(&inside("b")), (root, root + 5));
        // What is there keeps what is not asked for.
        ct.sh("chmod 0640 /tmp/a");
        ct.pct("push", &[&from, "/tmp/a"]).ok();
        assert_eq!((owner(&inside("a")), mode(&inside("a"))), ((root + 1234, root + 77), 0o640));
        ct.pct("push", &[&from, "/tmp/c", "--user", "no-one"])
            .output()
            .fails()
            .says("failed to get uid for: no-one");
        assert!(!inside("c").exists());
        // And on the host the host's.
        let back = dir.join(format!("owned{unprivileged}"));
        let back = back.to_str().unwrap();
        ct.pct("pull", &["/tmp/a", back, "--user", "daemon", "--group", "12"]).ok();
        assert_eq!(owner(Path::new(back)), (1, 12));
        ct.pct("pull", &["/tmp/a", back, "--group", "guests"])
            .output()
            .fails()
            .says("failed to get gid for: guests");
        ct.pct("push", &[&from, "/tmp/d", "--perms", "u+x"]).output().status(255).says("invalid mode: 'u+x'");
    }
}

#[test]
fn standard_streams_stand_for_the_file_of_the_host() {
    require_root!();
    let host = Host::new();
    let data = bytes(3 * 1024 * 1024 + 1);
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        ct.pct("push", &["-", "/root/in", "--perms", "600"]).stdin(data.clone()).ok().quiet();
        assert_eq!(mode(&ct.subvol().join("root/in")), 0o600);
        let out = ct.pct("pull", &["/root/in", "-"]).ok().quiet();
        assert!(out.stdout == data, "{} bytes came back", out.stdout.len());
        ct.pct("pull", &["/root/in", "-", "--perms", "600"]).output().status(255).says("perms: ");
        // Nobody reads on: as any other program that prints.
        let script =
            format!("'{}' pull {} /root/in - | true; exit ${{PIPESTATUS[0]}}", bins::pct().display(), ct.id);
        let run = Run::new("/bin/bash").args(["-c", &script]).env("PCT_ROOT", host.root());
        run.output().status(128 + 13).quiet();
    }
}

#[test]
fn what_cannot_be_copied_is_said_in_the_words_of_the_original() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::write(dir.join("from"), "x").unwrap();
    let from = dir.join("from").to_str().unwrap().to_owned();
    let to = dir.join("to").to_str().unwrap().to_owned();
    let ct = host.busybox(&[]);
    ct.pct("push", &[&from, "/x"]).output().status(255).says("can only push files to a running CT");
    ct.pct("pull", &["/x", &to]).output().status(255).says("can only pull files from a running VM");
    host.pct(&["push", "9999", &from, "/x"]).output().fails().says("does not exist");
    ct.start();
    ct.pct("push", &["/no/such", "/x"])
        .output()
        .fails()
        .says("failed to open /no/such for reading: No such file");
    ct.pct("push", &["/etc", "/x"]).output().fails().says("failed to open /etc for reading: Is a directory");
    ct.pct("push", &[&from, "/no/x"]).output().fails().says("failed to create file: /no/x: No such file");
    ct.pct("push", &[&from, "/etc"]).output().fails().says("failed to create file: /etc: Is a directory");
    ct.pct("pull", &["/no", &to]).output().fails().says("failed to open /no: No such file");
    assert!(!Path::new(&to).exists(), "nothing was opened, and nothing is made");
    ct.pct("pull", &["/etc/hosts", "/etc"])
        .output()
        .fails()
        .says("failed to create file: /etc: Is a directory");
    ct.pct("push", &[&from]).output().status(255).says("400 not enough arguments");
}

#[test]
fn cve_2018_15664_a_link_inside_never_leads_to_a_file_of_the_host() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::write(dir.join("canary"), "canary").unwrap();
    fs::write(dir.join("from"), "pushed").unwrap();
    let canary = dir.join("canary");
    let (from, to) = (dir.join("from"), dir.join("to"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        let up = "../".repeat(20);
        let links = [canary.display().to_string(), format!("{up}{}", canary.display())];
        for link in &links {
            symlink(link, ct.subvol().join("tmp/evil")).unwrap();
            ct.pct("pull", &["/tmp/evil", to]).output().fails().says("failed to open /tmp/evil");
            ct.pct("push", &[from, "/tmp/evil"]).output().fails().says("failed to create file: /tmp/evil");
            fs::remove_file(ct.subvol().join("tmp/evil")).unwrap();
        }
        // A folder that leads out leads to the same folder inside.
        symlink(&dir, ct.subvol().join("tmp/out")).unwrap();
        ct.pct("push", &[from, "/tmp/out/canary"]).output().fails();
        // Magic links lead past every root.
        for magic in ["/proc/self/root", "/proc/self/cwd", "/proc/1/root", "/proc/self/fd/0"] {
            let path = format!("{magic}{}", canary.display());
            ct.pct("pull", &[&path, to]).output().fails();
            ct.pct("push", &[from, &path]).output().fails();
            ct.pct("push", &[from, &format!("/tmp/{up}{path}")]).output().fails();
        }
        assert_eq!(fs::read_to_string(&canary).unwrap(), "canary");
        assert!(!Path::new(to).exists());
        // Absolute links mean the container's own files.
        ct.sh("ln -s /etc/hostname /tmp/name; ln -s /root/made /tmp/dangling");
        ct.pct("pull", &["/tmp/name", to]).ok();
        assert_eq!(fs::read(to).unwrap(), fs::read(ct.subvol().join("etc/hostname")).unwrap());
        fs::remove_file(to).unwrap();
        ct.pct("push", &[from, "/tmp/dangling"]).output().fails();
        ct.pct("push", &[from, "/tmp/name"]).ok();
        assert_eq!(ct.sh("cat /etc/hostname"), "pushed");
    }
}

#[test]
fn pipes_devices_and_files_of_the_kernel_are_refused_and_nobody_waits() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::write(dir.join("from"), "x").unwrap();
    let (from, to) = (dir.join("from"), dir.join("to"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let short = Duration::from_secs(20);
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        ct.sh(
            "mkfifo /tmp/pipe; ln -s /dev/zero /tmp/zero; ln -s /proc/kmsg /tmp/kmsg; ln -s pipe /tmp/link",
        );
        let socket = ct.subvol().join("tmp/socket");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let paths = [
            "/tmp/pipe",
            "/tmp/link",
            "/tmp/zero",
            "/tmp/kmsg",
            "/tmp/socket",
            "/dev/tty",
            "/proc/sys/kernel/hostname",
        ];
        for path in paths {
            ct.pct("pull", &[path, to])
                .limit(short)
                .output()
                .fails()
                .says(&format!("failed to open {path}: it is"));
            let out = ct.pct("push", &[from, path]).limit(short).output().fails();
            out.says(&format!("failed to create file: {path}: it is"));
        }
        assert!(!Path::new(to).exists());
    }
}

#[test]
fn a_race_of_links_never_touches_the_host() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    let secret = dir.join("secret");
    fs::write(&secret, "secret-of-the-host").unwrap();
    fs::write(dir.join("from"), "pushed").unwrap();
    let (from, to) = (dir.join("from"), dir.join("to"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        // The folder of the path is now a folder, now a link to the root's host name of the canary's folder.
        let script = format!(
            "mkdir -p /tmp/a /tmp/b; echo mine > /tmp/a/secret; ln -s {0} /tmp/l; : > /tmp/up; \
             while :; do mv /tmp/a /tmp/s; mv /tmp/l /tmp/a; mv /tmp/a /tmp/l; mv /tmp/s /tmp/a; done",
            dir.display()
        );
        let attack = ct.exec(&["sh", "-c", &script]).limit(Duration::from_secs(120)).start();
        wait::until_true("the attack runs", || ct.subvol().join("tmp/up").exists());
        for _ in 0..25 {
            // Either may fail, as names come and go; a signal or a hang is no failure.
            if ct.pct("pull", &["/tmp/a/secret", to]).output().status == 0 {
                let got = fs::read_to_string(to).unwrap();
                assert!(got.is_empty() || got == "mine\n" || got == "pushed", "{got:?}");
            }
            drop(ct.pct("push", &[from, "/tmp/a/secret"]).output());
            assert_eq!(fs::read_to_string(&secret).unwrap(), "secret-of-the-host");
        }
        attack.signal(rustix::process::Signal::TERM);
        attack.finish();
    }
}

#[test]
fn the_root_of_an_unprivileged_container_gets_no_right_of_the_host_by_a_push() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    let shared = dir.join("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("file"), "of the host").unwrap();
    fs::set_permissions(shared.join("file"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(dir.join("from"), "x").unwrap();
    let from = dir.join("from").to_str().unwrap().to_owned();
    let mp = format!("{},mp=/mnt", shared.display());
    let ct = host.running(&["--unprivileged", "1", "--mp0", &mp]);
    ct.pct("push", &[&from, "/mnt/file"]).output().fails().says("Permission denied");
    ct.pct("push", &[&from, "/mnt/new"]).output().fails().says("Permission denied");
    assert_eq!(fs::read_to_string(shared.join("file")).unwrap(), "of the host");
    assert!(!shared.join("new").exists());
}

#[test]
fn a_copy_that_is_interrupted_leaves_no_helper_and_no_lock() {
    require_root!();
    let host = Host::new();
    let ct = running(&host, "1");
    let pipe = host.scratch().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let copy = ct.pct("push", &[pipe.to_str().unwrap(), "/root/x"]).start();
    let writer = File::options().write(true).open(&pipe).unwrap();
    wait::until_true("the file is being written", || ct.subvol().join("root/x").exists());
    copy.signal(rustix::process::Signal::KILL);
    assert_eq!(copy.finish().status, 128 + 9);
    // The lock is free as soon as nobody copies.
    ct.stop();
    drop(writer);
}

#[test]
fn cve_2019_14271_nothing_of_the_guest_is_loaded_or_run() {
    require_root!("strace");
    let host = Host::new();
    let dir = host.scratch();
    fs::write(dir.join("from"), "x").unwrap();
    let (from, back, log) = (dir.join("from"), dir.join("back"), dir.join("calls"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        // Where libraries would be looked for, and what a name would be looked up by.
        let names = "hosts: files evil\\npasswd: evil\\ngroup: evil\\n";
        ct.sh(&format!("mkdir -p /lib64 /usr/lib; printf '{names}' > /etc/nsswitch.conf"));
        for words in [
            ["push", &ct.id, &text(&from), "/root/x", "--user", "nobody"],
            ["pull", &ct.id, "/root/x", &text(&back), "--user", "nobody"],
        ] {
            let trace = "trace=openat,openat2,open,execve,execveat,setns,chroot,pivot_root,mmap";
            let run = Run::new("/usr/bin/strace").args(["-f", "-y", "-e", trace, "-o", &text(&log)]);
            run.args([bins::pct()]).args(words).env("PCT_ROOT", host.root()).ok();
            let calls = fs::read_to_string(&log).unwrap();
            // Of the namespaces only that of users is entered, and every file inside is found below its root.
            for line in calls.lines().filter(|line| line.contains("setns(")) {
                assert!(unprivileged == "1" && words[0] == "push" && line.contains("user:"), "{line}");
            }
            assert!(!calls.contains("chroot(") && !calls.contains("pivot_root("), "{calls}");
            let after = calls.split("setns(").nth(1).unwrap_or(&calls);
            let inside = after.lines().filter(|line| line.contains("openat2("));
            assert!(inside.clone().count() >= 1, "{calls}");
            for line in inside {
                assert!(line.contains("RESOLVE_NO_MAGICLINKS") && line.contains("RESOLVE_IN_ROOT"), "{line}");
            }
            if let Some((_, after)) = calls.split_once("setns(") {
                assert!(!after.contains("execve"), "{after}");
                assert!(!after.contains("PROT_EXEC"), "{after}");
            }
        }
        assert_eq!(owner(&back), (65_534, 0));
    }
}

/// Every name below a folder with its kind, mode, content or target, sorted.
fn tree(root: &Path) -> Vec<String> {
    let script = "find . -mindepth 1 \\( -type f -printf 'f %P %m ' -exec sha256sum {} \\; \\) \
                  -o \\( -type d -printf 'd %P %m\\n' \\) -o \\( -type l -printf 'l %P %l\\n' \\) -o -printf '%y %P\\n'";
    let out = Run::new("/bin/sh").args(["-c", script]).dir(root).ok().out();
    let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn make_tree(at: &Path) {
    let script = "mkdir -p a/b/c 'with blank' empty; chmod 750 a; echo one > a/one; echo two > a/b/two; chmod 600 a/b/two; \
                  : > 'with blank/x'; ln -s one a/link; ln -s /etc/shadow absolute; ln -s nowhere dangling; \
                  head -c 9000000 /dev/zero > a/b/c/big; printf x > \"$(printf 'odd\\377\\nname')\"; echo s > set; chmod 4755 set";
    fs::create_dir(at).unwrap();
    Run::new("/bin/sh").args(["-c", script]).dir(at).ok();
}

#[test]
fn a_folder_goes_in_and_comes_back_with_all_that_is_in_it() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    make_tree(&dir.join("from"));
    // No program of one side runs with the rights of a user of the other.
    let want: Vec<_> = tree(&dir.join("from")).iter().map(|l| l.replace("f set 4755", "f set 755")).collect();
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (unprivileged, root) in KINDS {
        let ct = running(&host, unprivileged);
        let inside = ct.subvol().join("root/there");
        ct.pct("push", &[&at("from"), "/root/there", "-r"]).ok().quiet();
        assert_eq!(tree(&inside), want);
        for name in ["", "a", "a/one", "a/link"] {
            assert_eq!(owner(&inside.join(name)), (root, root), "{name}");
        }
        // Into one that is there: what is of the same name is written anew, what is not stays.
        ct.sh("echo other > /root/there/other; echo longer than one > /root/there/a/one; ln -sf x /root/there/dangling");
        ct.pct("push", &[&at("from"), "root/there", "--recursive", "--user", "7"]).ok().quiet();
        assert_eq!(tree(&inside).len(), want.len() + 1);
        assert_eq!(
            ct.sh("cat /root/there/a/one /root/there/other; readlink /root/there/dangling"),
            "one\nother\nnowhere\n"
        );
        assert_eq!(owner(&inside.join("a/link")), (root + 7, root));
        ct.sh("rm /root/there/other; mkfifo /root/there/pipe");
        let back = at(&format!("back{unprivileged}"));
        let out = ct.pct("pull", &["/root/there", &back, "-r"]).ok();
        assert!(out.both().contains("'pipe' is left out"), "{}", out.both());
        assert_eq!(tree(Path::new(&back)), want);
        assert_eq!(owner(&Path::new(&back).join("a/one")), (0, 0));
        // A file is a file still, and a folder needs the word.
        ct.pct("push", &[&at("from/a/one"), "/root/one", "-r"]).ok();
        ct.pct("pull", &["/root/one", &at("one"), "-r"]).ok();
        assert_eq!(fs::read_to_string(dir.join("one")).unwrap(), "one\n");
        ct.pct("push", &[&at("from"), "/root/x"]).output().fails().says("Is a directory");
        ct.pct("pull", &["/root/there", &at("x")]).output().fails().says("Is a directory");
        ct.pct("push", &[&at("from"), "/root/x", "-r", "--perms", "600"]).output().fails().says("perms: ");
        ct.pct("push", &["-", "/root/x", "-r"]).output().fails().says("recursive: ");
        ct.pct("push", &[&at("from"), "/none/x", "-r"])
            .output()
            .fails()
            .says("failed to create file: /none/x");
        ct.pct("pull", &["/proc", &at("proc"), "-r"]).output().fails().says("of the kernel");
    }
}

#[test]
fn a_folder_of_the_guest_never_leads_a_copy_to_the_host() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::create_dir(dir.join("canary")).unwrap();
    fs::write(dir.join("canary/file"), "canary").unwrap();
    make_tree(&dir.join("from"));
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        // Links of the host's names in the place of folders and files.
        let canary = at("canary");
        for (name, target) in [("a", canary.clone()), ("set", format!("{canary}/file"))] {
            ct.sh(&format!("rm -rf /root/t; mkdir /root/t; ln -s {target} /root/t/{name}"));
            ct.pct("push", &[&at("from"), "/root/t", "-r"])
                .output()
                .fails()
                .says(&format!("failed to create '{name}'"));
        }
        ct.sh(&format!("ln -s {canary} /root/out"));
        ct.pct("push", &[&at("from"), "/root/out", "-r"]).output().fails();
        ct.pct("pull", &["/root/out", &at("back"), "-r"]).output().fails();
        assert!(!dir.join("back").exists());
        // A link that an earlier copy has brought is not followed by a later one.
        ct.sh(&format!("rm -rf /root/t; mkdir /root/t; ln -s {canary} /root/t/sub"));
        ct.pct("pull", &["/root/t", &at(&format!("twice{unprivileged}")), "-r"]).ok();
        ct.sh("rm /root/t/sub; mkdir /root/t/sub; echo evil > /root/t/sub/file");
        let out = ct.pct("pull", &["/root/t", &at(&format!("twice{unprivileged}")), "-r"]).output();
        out.fails().says("failed to create 'sub'");
        // Folders in each other without an end.
        ct.sh("cd /root/t; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done");
        ct.pct("pull", &["/root/t/d", &at(&format!("deep{unprivileged}")), "-r"])
            .output()
            .fails()
            .says("too many folders");
        assert_eq!(fs::read_to_string(dir.join("canary/file")).unwrap(), "canary");
        assert_eq!(fs::read_dir(dir.join("canary")).unwrap().count(), 1);
    }
}

#[test]
fn a_race_in_a_folder_that_is_copied_never_touches_the_host() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch();
    fs::create_dir(dir.join("canary")).unwrap();
    fs::write(dir.join("canary/secret"), "secret-of-the-host").unwrap();
    fs::create_dir_all(dir.join("from/a")).unwrap();
    fs::write(dir.join("from/a/secret"), "pushed").unwrap();
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (unprivileged, _) in KINDS {
        let ct = running(&host, unprivileged);
        let script = format!(
            "mkdir -p /tmp/t/a; echo mine > /tmp/t/a/secret; ln -s {0} /tmp/l; : > /tmp/up; \
             while :; do mv /tmp/t/a /tmp/s; mv /tmp/l /tmp/t/a; mv /tmp/t/a /tmp/l; mv /tmp/s /tmp/t/a; done",
            at("canary")
        );
        let attack = ct.exec(&["sh", "-c", &script]).limit(Duration::from_secs(120)).start();
        wait::until_true("the attack runs", || ct.subvol().join("tmp/up").exists());
        for n in 0..25 {
            let back = at(&format!("back{unprivileged}{n}"));
            drop(ct.pct("pull", &["/tmp/t", &back, "-r"]).output());
            drop(ct.pct("push", &[&at("from"), "/tmp/t", "-r"]).output());
            let folder = Path::new(&back).join("a");
            if folder.symlink_metadata().is_ok_and(|data| data.is_dir()) {
                let got = fs::read_to_string(folder.join("secret")).unwrap_or_default();
                assert!(["", "mine\n", "pushed"].contains(&got.as_str()), "{got:?}");
            }
            assert_eq!(fs::read_to_string(dir.join("canary/secret")).unwrap(), "secret-of-the-host");
        }
        attack.signal(rustix::process::Signal::TERM);
        attack.finish();
    }
}
