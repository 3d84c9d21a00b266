//! What guest set-up writes, seen in containers that run.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use pct_tests::archive::{Compression, Member};
use pct_tests::busybox::Busybox;
use pct_tests::{Ct, Host, Run, busybox, debian, require_root};

fn key(host: &Host) -> (String, String) {
    let path = host.scratch().join("id");
    Run::new("/usr/bin/ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "me@here", "-f"])
        .args([&path])
        .ok();
    let public = path.with_extension("pub");
    (public.to_str().unwrap().to_owned(), fs::read_to_string(public).unwrap())
}

fn shadow(ct: &Ct<'_>) -> String {
    let text = fs::read_to_string(ct.subvol().join("etc/shadow")).unwrap();
    text.lines().find(|l| l.starts_with("root:")).unwrap().split(':').nth(1).unwrap().to_owned()
}

fn is_set_up(template: &Path, ostype: &str) {
    let host = Host::new();
    let (file, public) = key(&host);
    let ct = host.ct();
    let options = [
        "--rootfs",
        "local:0",
        "--hostname",
        "web7.example.net",
        "--nameserver",
        "192.0.2.53 2001:db8::53",
        "--searchdomain",
        "example.net",
        "--password",
        "sesame-3",
        "--ssh-public-keys",
        &file,
        "--net0",
        "name=eth0,bridge=pctbrnone,ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/64",
    ];
    let out = ct.create(template, &options).ok();
    assert!(!out.both().contains("sesame-3"), "the password is shown");
    let root = ct.subvol();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let config = ct.pct("config", &[]).ok().out();
    assert!(config.contains(&format!("ostype: {ostype}\n")), "{config}");
    assert!(!config.contains("sesame-3"));

    assert_eq!(read("etc/hostname"), "web7\n");
    assert!(read("etc/hosts").contains("192.0.2.5 web7.example.net web7\n"), "{}", read("etc/hosts"));
    let resolv = "# --- BEGIN PVE ---\nsearch example.net\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n# --- END PVE ---\n";
    assert_eq!(read("etc/resolv.conf"), resolv);
    let interfaces = read("etc/network/interfaces");
    assert!(
        interfaces
            .contains("auto eth0\niface eth0 inet static\n\taddress 192.0.2.5/24\n\tgateway 192.0.2.1\n"),
        "{interfaces}"
    );
    assert!(interfaces.contains("iface eth0 inet6 static\n\taddress 2001:db8::5/64\n"), "{interfaces}");

    assert!(shadow(&ct).starts_with("$6$"), "{}", shadow(&ct));
    assert!(read("root/.ssh/authorized_keys").contains(public.trim()));
    assert_eq!(fs::metadata(root.join("root/.ssh")).unwrap().permissions().mode() & 0o777, 0o700);
    for path in [
        "etc/hostname",
        "etc/hosts",
        "etc/resolv.conf",
        "etc/network/interfaces",
        "root/.ssh/authorized_keys",
    ] {
        assert_eq!(fs::metadata(root.join(path)).unwrap().uid(), 100_000, "owner of {path}");
    }
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let private = root.join(format!("etc/ssh/ssh_host_{kind}_key"));
        assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600, "{kind}");
        let public = read(&format!("etc/ssh/ssh_host_{kind}_key.pub"));
        assert!(public.trim_end().ends_with("root@web7"), "{public}");
        assert!(
            out.out().contains(&format!("Creating SSH host key 'ssh_host_{kind}_key'")),
            "{}",
            out.both()
        );
    }
}

#[test]
fn alpine_is_set_up() {
    require_root!("ssh-keygen");
    is_set_up(&busybox::template(Compression::Zstd), "alpine");
}

#[test]
fn debian_is_set_up() {
    require_root!("ssh-keygen", "mmdebstrap");
    is_set_up(&debian::template(), "debian");
}

#[test]
fn every_create_makes_host_keys_of_its_own() {
    require_root!("ssh-keygen");
    let host = Host::new();
    let old = "ssh-ed25519 AAAA the-template-s\n";
    let extra = vec![
        Member::file("./etc/ssh/ssh_host_ed25519_key.pub", old),
        Member::file("./etc/ssh/ssh_host_ed25519_key", "old"),
    ];
    let template = host.scratch().join("keys.tar");
    Busybox { extra, ..Busybox::default() }.archive().write(&template);
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let ct = host.ct();
            ct.create(&template, &["--rootfs", "local:0"]).ok();
            fs::read_to_string(ct.subvol().join("etc/ssh/ssh_host_ed25519_key.pub")).unwrap()
        })
        .collect();
    assert_ne!(keys[0], keys[1]);
    assert!(keys.iter().all(|k| k != old));
}

#[test]
fn without_a_password_root_is_locked_and_a_hash_is_taken_as_it_is() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    assert_eq!(shadow(&ct), "*");
    let hash =
        "$6$saltsalt$abcdefghijklmnopqrstuvwxyz./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst";
    let ct = host.busybox(&["--password", hash]);
    assert_eq!(shadow(&ct), hash);
}

#[test]
fn a_start_writes_what_has_changed_since() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--hostname", "before"]);
    ct.stop();
    ct.edit_conf("hostname: before", "hostname: after");
    ct.start();
    assert_eq!(ct.sh("cat /etc/hostname"), "after\n");
    assert_eq!(ct.sh("hostname"), "after\n");
}

#[test]
fn an_unmanaged_container_is_left_as_it_is() {
    require_root!();
    let host = Host::new();
    let template = host.scratch().join("own.tar");
    let extra = vec![Member::file("./etc/hostname", "mine\n")];
    Busybox { extra, ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(
        &template,
        &["--rootfs", "local:0", "--ostype", "unmanaged", "--hostname", "other", "--password", "sesame-4"],
    )
    .ok();
    assert_eq!(fs::read_to_string(ct.subvol().join("etc/hostname")).unwrap(), "mine\n");
    assert!(!ct.subvol().join("etc/resolv.conf").exists());
    assert_eq!(shadow(&ct), "*");
}

#[test]
fn links_of_a_hostile_guest_lead_nowhere() {
    require_root!("ssh-keygen");
    let host = Host::new();
    let canary = host.scratch().join("canary");
    fs::create_dir(&canary).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o777)).unwrap();
    for name in ["hostname", "interfaces", "authorized_keys", "shadow"] {
        fs::write(canary.join(name), "untouched").unwrap();
        fs::set_permissions(canary.join(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let at = |name: &str| canary.join(name).to_str().unwrap().to_owned();
    let climb = |name: &str| format!("{}{}", "../".repeat(12), at(name).trim_start_matches('/'));
    let dir = canary.to_str().unwrap();
    let extra = vec![
        Member::symlink("./etc/hostname", &at("hostname")),
        Member::symlink("./etc/resolv.conf", &climb("hostname")),
        Member::symlink("./etc/ssh", dir),
        Member::symlink("./root/.ssh", dir),
        Member::symlink("./etc/cron.d", dir),
        Member::symlink("./etc/crontab", &climb("interfaces")),
        Member::symlink("./etc/machine-id", &at("shadow")),
        // A FIFO must not make us wait for a writer.
        Member::fifo("./etc/timezone"),
        Member::fifo("./etc/debian_version"),
    ];
    // These replace members of the plain tree, so they have to come first.
    let mut archive = pct_tests::archive::Archive::default();
    archive.add(Member::dir("./")).add(Member::dir("./etc")).add(Member::dir("./root"));
    for member in extra {
        archive.add(member);
    }
    let hostile = archive.into_bytes();
    let plain = Busybox::default().archive().into_bytes();
    // An archive ends with two empty blocks; drop those of the first.
    let end = hostile.len() - 1024;
    let template = host.scratch().join("links.tar");
    fs::write(&template, [&hostile[..end], &plain[..]].concat()).unwrap();

    let (file, _) = key(&host);
    let listing = || Run::new("/usr/bin/find").args([&canary]).args(["-printf", "%P %s %m %U\n"]).ok().out();
    let before = listing();
    for unprivileged in ["1", "0"] {
        let ct = host.ct();
        let options = [
            "--rootfs",
            "local:0",
            "--unprivileged",
            unprivileged,
            "--password",
            "sesame-5",
            "--ssh-public-keys",
            &file,
        ];
        let out = ct.create(&template, &options);
        if out.status == 0 {
            drop(ct.pct("start", &[]).output());
        }
        assert_eq!(listing(), before, "{}", out.both());
        assert_eq!(fs::read_to_string(canary.join("hostname")).unwrap(), "untouched");
    }
}
