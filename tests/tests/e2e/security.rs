//! Attacks from inside, each by the name under which it became known.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pct_tests::archive::Member;
use pct_tests::busybox::Busybox;
use pct_tests::pty::Pty;
use pct_tests::run::signal_pid;
use pct_tests::{Ct, Host, Run, bins, require_root, wait};

fn digests() -> Vec<String> {
    [bins::pct(), bins::helper()]
        .iter()
        .map(|path| Run::new("/usr/bin/sha256sum").args([path]).ok().out())
        .collect()
}

fn running_with<'h>(host: &'h Host, options: &[&str], extra: Vec<Member>) -> Ct<'h> {
    let template = host.scratch().join("attack.tar");
    Busybox { extra, ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &[&["--rootfs", "local:0"], options].concat()).ok();
    ct.start();
    ct
}

/// A static program from C source.
fn compile(host: &Host, name: &str, source: &str) -> Vec<u8> {
    let (c, exe) = (host.scratch().join(format!("{name}.c")), host.scratch().join(name));
    fs::write(&c, source).unwrap();
    Run::new("/usr/bin/cc").args(["-static", "-O1", "-o"]).args([&exe, &c]).ok();
    fs::read(exe).unwrap()
}

#[test]
fn cve_2019_5736_a_script_that_names_our_binary_as_its_interpreter() {
    require_root!();
    let host = Host::new();
    let before = digests();
    let evil = Member::file("./bin/evil", "#!/proc/self/exe\n").mode(0o755);
    for unprivileged in ["0", "1"] {
        let ct = running_with(&host, &["--unprivileged", unprivileged], vec![evil.clone()]);
        // What runs, if anything, is a copy that cannot be written.
        for _ in 0..3 {
            let run = ct.exec(&["/bin/evil"]).limit(std::time::Duration::from_secs(20));
            run.output();
        }
        ct.stop();
    }
    assert_eq!(digests(), before);
}

#[test]
fn cve_2019_5736_a_guest_that_writes_to_every_program_it_sees() {
    require_root!("cc");
    let host = Host::new();
    let before = digests();
    let source = include_str!("attacks/overwrite.c");
    let attack = Member::file("./bin/attack", compile(&host, "attack", source)).mode(0o755);
    for unprivileged in ["0", "1"] {
        let ct = running_with(&host, &["--unprivileged", unprivileged], vec![attack.clone()]);
        ct.sh("(/bin/attack 2>/root/attack.log </dev/null >/dev/null &)");
        for _ in 0..40 {
            ct.sh("true");
        }
        let log = fs::read_to_string(ct.subvol().join("root/attack.log")).unwrap_or_default();
        eprintln!("the attacker saw: {log}");
        assert!(!log.contains("WROTE"), "{log}");
        ct.stop();
    }
    assert_eq!(digests(), before);
}

#[test]
fn our_binaries_are_not_the_program_that_enters_the_container() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "0"]);
    // Neither the monitor nor what runs inside hold the files themselves.
    let files = [bins::pct(), bins::helper()].map(|p| fs::canonicalize(p).unwrap());
    let exe = fs::read_link(format!("/proc/{}/exe", ct.monitor_pid())).unwrap();
    assert!(!files.contains(&exe), "the monitor runs from {}", exe.display());
}

#[test]
fn tiocsti_pushes_nothing_into_the_terminal_of_the_host() {
    require_root!("cc");
    let host = Host::new();
    let source = include_str!("attacks/tiocsti.c");
    let push = Member::file("./bin/push", compile(&host, "push", source)).mode(0o755);
    let ct = running_with(&host, &["--unprivileged", "0"], vec![push]);
    let root = host.root().to_str().unwrap();
    let mut pty =
        Pty::spawn(Path::new("/bin/bash"), &["--norc", "-i"], &[("PCT_ROOT", root), ("PS1", "host> ")]);
    for verb in ["exec", "enter"] {
        let pct = bins::pct();
        pty.expect("host> ");
        if verb == "exec" {
            pty.type_(format!("{} exec {} -- /bin/push\n", pct.display(), ct.id));
            pty.expect("pushed");
        } else {
            pty.type_(format!("{} enter {}\n", pct.display(), ct.id));
            // The guest's shell inherits the prompt.
            pty.expect("host> ");
            pty.type_("exec /bin/push\n");
            pty.expect("pushed");
        }
        pty.expect("host> ");
        pty.type_("echo ba''ck\n");
        pty.expect("back");
    }
    assert!(!pty.screen().contains("pwned-by-tiocsti"), "{}", pty.screen());
}

#[test]
fn cve_2024_21626_no_folder_of_the_host_is_reachable() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "0"]);
    // From a folder that only the host has, with a descriptor on it open.
    let script = format!(
        "exec 8<.; '{}' exec {} -- sh -c 'pwd; readlink /proc/self/cwd; ls /proc/$$/fd; true'",
        bins::pct().display(),
        ct.id
    );
    let out = Run::new("/bin/sh").args(["-c", &script]).env("PCT_ROOT", host.root()).dir(host.scratch()).ok();
    let lines: Vec<String> = out.out().lines().map(str::to_owned).collect();
    assert_eq!(lines, ["/", "/", "0", "1", "2"]);
    // The descriptors of init and of the monitor's other children too.
    let fds = ct.sh("ls -l /proc/1/fd 2>/dev/null");
    assert!(!fds.contains("/var/tmp") && !fds.contains("cgroup"), "{fds}");
    for n in 3..20 {
        let seen =
            ct.exec(&["sh", "-c", &format!("ls /proc/self/fd/{n}/../../../../etc 2>&1; true")]).ok().out();
        assert!(!seen.contains("shadow-"), "fd {n} leads to the host: {seen}");
    }
}

#[test]
fn cve_2022_29162_no_capability_is_inheritable_and_no_more_than_init_has() {
    require_root!();
    let host = Host::new();
    for unprivileged in ["0", "1"] {
        let ct = host.running(&["--unprivileged", unprivileged]);
        let of = |pid: &str, key: &str| {
            ct.sh(&format!("grep {key}: /proc/{pid}/status")).split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(of("self", "CapInh"), "0".repeat(16));
        assert_eq!(of("self", "CapBnd"), of("1", "CapBnd"));
        assert_eq!(of("self", "Seccomp"), of("1", "Seccomp"));
        assert_eq!(of("self", "Seccomp"), "2");
        assert_eq!(of("self", "NoNewPrivs"), of("1", "NoNewPrivs"));
    }
}

#[test]
fn a_command_joins_the_cgroup_of_the_container() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--memory", "64"]);
    let running = ct.exec(&["sleep", "1000"]).start();
    let find = || pct_tests::state::processes(Path::new("/nonexistent"), &[ct.vmid]);
    let is_sleep = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().starts_with("sleep\x001000")
    };
    let pid = wait::until("the command runs in a cgroup of the container", wait::LIMIT, || {
        find().into_iter().find(is_sleep)
    });
    let memory = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        text.lines().find(|l| l.contains("memory") || l.starts_with("0::")).unwrap().to_owned()
    };
    assert_eq!(memory(pid), memory(ct.init_pid()));
    signal_pid(pid, rustix::process::Signal::TERM);
    running.finish().status(128 + 15);
}

#[test]
fn a_value_cannot_smuggle_a_line_into_the_lxc_configuration() {
    require_root!();
    let host = Host::new();
    let template = pct_tests::busybox::template(pct_tests::archive::Compression::Zstd);
    let hook = "lxc.hook.pre-start = /bin/false";
    for option in [
        "--hostname",
        "--description",
        "--tags",
        "--nameserver",
        "--searchdomain",
        "--entrypoint",
        "--timezone",
    ] {
        let ct = host.ct();
        for newline in ["\n", "\r", "\r\n", "\u{2028}"] {
            let out = ct.create(&template, &["--rootfs", "local:0", option, &format!("x{newline}{hook}")]);
            let path: PathBuf = host.lxcpath().join(&ct.id).join("config");
            if out.status == 0 {
                drop(ct.pct("start", &[]).output());
                let config = fs::read_to_string(&path).unwrap_or_default();
                assert!(
                    !config.lines().any(|l| l.trim_start().starts_with("lxc.hook.pre-start = /bin/false")),
                    "{option}\n{config}"
                );
                let conf = fs::read_to_string(ct.conf()).unwrap();
                assert!(!conf.lines().any(|l| l.starts_with("lxc.")), "{option}\n{conf}");
                drop(ct.pct("destroy", &["--force"]).output());
            }
        }
    }
}

#[test]
fn a_set_user_id_program_of_a_guest_is_out_of_reach_of_the_host_s_users() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "0"]);
    ct.sh("cp /bin/busybox /busybox; chmod 4755 /busybox");
    let evil = ct.subvol().join("busybox");
    assert_eq!(fs::metadata(&evil).unwrap().mode() & 0o7777, 0o4755);
    let open = |folder: &Path, mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    open(host.root(), 0o755);
    // Capabilities are gone only with the next program.
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "env"];
    let run = || Run::new("/usr/bin/setpriv").args(nobody).args([&evil]).args(["true"]).output();
    run().fails().says("Permission denied");
    // It is the folders that keep them out.
    for folder in ct.subvol().ancestors().skip(1).take(2) {
        open(folder, 0o711);
    }
    run().ok();
}
