//! Unpacking where it happens for an unprivileged container: as root of a user namespace.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Child, Stdio},
};

use super::*;

const INSIDE: &str = "PCT_IMAGE_TEST_ROOT";
const ME: &str = "image::tests::userns::ids_are_mapped_in_a_user_namespace";

/// A process that holds a user namespace.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the copy of the test program does that runs inside.
fn inside(root: &Path) {
    let mut big = Head::new(b'0', "big");
    big.uid = b"\x80\0\0\0\0\x01\x11\x70".to_vec(); // 70000
    let mut suid = Head::new(b'0', "suid").mode("0004755");
    suid.uid = b"0001750".to_vec();
    let cap = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let acl = b"user::rwx,user:1000:r--,group::r-x,mask::r-x,other::---";
    let mut device = Head::new(b'3', "var/null");
    device.device = (1, 3);
    let tar = Tar::default()
        .dir("ro", "0000555")
        .file("ro/file", b"x")
        .add(&suid, b"x")
        .symlink("link", "nowhere")
        .pax(&[("SCHILY.xattr.security.capability", cap), ("SCHILY.acl.access", acl)])
        .file("ping", b"x")
        .hard_link("ping-too", "ping")
        .add(&Head::new(b'6', "fifo").mode("0000622"), b"")
        .add(&device, b"");
    let summary = unpack_bytes(&tar.clone().end(), Compression::None, root, &Options::default()).unwrap();
    assert_eq!((summary.skipped_devices, summary.warnings), (1, vec![]));
    let error =
        unpack_bytes(&tar.add(&big, b"").end(), Compression::None, root, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("id map"), "{error}");
    println!("unpacked inside");
}

#[test]
fn ids_are_mapped_in_a_user_namespace() {
    if let Some(root) = std::env::var_os(INSIDE) {
        return inside(Path::new(&root));
    }
    if !needs_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = scratch.path().join("root");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::chown(&root, Some(100_000), Some(100_000)).unwrap();
    let program = scratch.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();

    // The holder says 'ready' when its namespace exists, and waits.
    let holder = Command::new("unshare")
        .args(["--user", "sh", "-c", "echo ready; read wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut holder = Holder(holder);
    let mut ready = [0; 6];
    std::io::Read::read_exact(holder.0.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let pid = holder.0.id();
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{map}"), "0 100000 65536\n").unwrap();
    }
    let output = Command::new("nsenter")
        .args(["--target", &pid.to_string(), "--user", "--setuid", "0", "--setgid", "0"])
        .arg(&program)
        .args(["--exact", ME, "--nocapture"])
        .env(INSIDE, &root)
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("unpacked inside"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let map = manifest(&root);
    for (name, start) in [
        ("ro", "40555 100000:100000 "),
        ("ro/file", "100644 100000:100000 "),
        ("suid", "104755 101000:100000 "),
        ("link", "120777 100000:100000 "),
        ("fifo", "10622 100000:100000 "),
        ("ping", "100750 100000:100000 "),
    ] {
        assert!(map[name].starts_with(start), "{name}: {}", map[name]);
    }
    assert!(!map.contains_key("var/null"));
    assert!(map["ping-too"].contains("nlink 2 first ping "));
    // The kernel made it a capability of that namespace's root: revision 3, with the id behind.
    assert!(map["ping"].contains("security.capability=\\x01\\x00\\x00\\x03"), "{}", map["ping"]);
    assert!(map["ping"].contains("\\xa0\\x86\\x01\\x00"), "{}", map["ping"]);
    // 101000 is 0x18a88.
    assert!(
        map["ping"].contains("posix_acl_access=") && map["ping"].contains("\\x88\\x8a\\x01\\x00"),
        "{}",
        map["ping"]
    );
}
