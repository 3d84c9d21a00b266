//! What unpacking must keep, and what it must refuse.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pct_tests::archive::{Archive, Compression, Member};
use pct_tests::busybox::Busybox;
use pct_tests::{Ct, Host, Run, busybox, require_root};

/// Where the ids of an unprivileged container begin.
const SHIFT: u32 = 100_000;

fn with(host: &Host, name: &str, extra: Vec<Member>) -> PathBuf {
    let path = host.scratch().join(name);
    Busybox { extra, ..Busybox::default() }.archive().write(&path);
    path
}

fn names(dir: &Path) -> BTreeSet<String> {
    let list = Run::new("/usr/bin/find").args([dir]).args(["-printf", "%P %y %m %U %G %l %n\n"]).ok().out();
    list.lines().map(str::to_owned).collect()
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let len = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}

#[test]
fn all_five_forms_give_the_same_tree() {
    require_root!();
    let host = Host::new();
    let trees: Vec<_> = Compression::ALL
        .into_iter()
        .map(|compression| {
            let ct = host.ct();
            ct.create(&busybox::template(compression), &["--rootfs", "local:0", "--hostname", "same"]).ok();
            names(&ct.subvol())
        })
        .collect();
    assert!(trees[0].len() > 300, "{:?}", trees[0]);
    for (tree, compression) in trees.iter().zip(Compression::ALL) {
        assert_eq!(tree, &trees[0], "{compression:?}");
    }
}

#[test]
fn owners_modes_and_links_are_kept_and_mapped() {
    require_root!();
    let host = Host::new();
    let extra = vec![
        Member::dir("./srv").mode(0o2775).owner(1000, 1001),
        Member::file("./srv/suid", "x").mode(0o4755).owner(1000, 1001),
        Member::file("./srv/secret", "y").mode(0o600).owner(65534, 65534),
        Member::file("./srv/none", "").mode(0),
        Member::hardlink("./srv/hard", "./srv/suid"),
        Member::symlink("./srv/relative", "../etc/passwd"),
        Member::symlink("./srv/absolute", "/etc/passwd").owner(1000, 1001),
        Member::symlink("./srv/dangling", "/no/where"),
        Member::fifo("./srv/fifo").mode(0o640),
        Member::file(&format!("./srv/{}", "n".repeat(200)), "long name"),
        Member::file("./srv/caf\u{e9}", "utf-8"),
    ];
    let template = with(&host, "tree.tar.zst", extra);
    for (unprivileged, shift) in [("1", SHIFT), ("0", 0)] {
        let ct = host.ct();
        ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged]).ok();
        let of = |name: &str| fs::symlink_metadata(ct.subvol().join("srv").join(name)).unwrap();
        let owner = |name: &str| (of(name).uid() - shift, of(name).gid() - shift);
        let mode = |name: &str| of(name).permissions().mode() & 0o7777;
        assert_eq!((owner(""), mode("")), ((1000, 1001), 0o2775));
        assert_eq!((owner("suid"), mode("suid")), ((1000, 1001), 0o4755));
        assert_eq!((owner("secret"), mode("secret")), ((65534, 65534), 0o600));
        assert_eq!((owner("none"), mode("none")), ((0, 0), 0));
        assert_eq!(of("hard").ino(), of("suid").ino());
        assert_eq!(of("suid").nlink(), 2);
        let link = |name: &str| fs::read_link(ct.subvol().join("srv").join(name)).unwrap();
        assert_eq!(link("relative"), Path::new("../etc/passwd"));
        assert_eq!(link("absolute"), Path::new("/etc/passwd"));
        assert_eq!(link("dangling"), Path::new("/no/where"));
        assert_eq!(owner("absolute"), (1000, 1001), "a link has an owner too");
        assert!(of("fifo").file_type().is_fifo());
        assert_eq!(of(&"n".repeat(200)).len(), 9);
        assert_eq!(of("caf\u{e9}").len(), 5);
        assert_eq!(of("suid").mtime(), 1_700_000_000);
        let top = fs::metadata(ct.subvol()).unwrap();
        assert_eq!((top.uid(), top.permissions().mode() & 0o777), (shift, 0o755));
    }
}

#[test]
fn extended_attributes_capabilities_and_acls_are_kept_and_mapped() {
    require_root!();
    let host = Host::new();
    // struct vfs_cap_data, revision 2: cap_net_raw (bit 13) permitted, effective.
    let cap: Vec<u8> = [0x0200_0001u32, 1 << 13, 0, 0, 0].iter().flat_map(|w| w.to_le_bytes()).collect();
    let acl = "user::rw-\nuser:1000:rwx\ngroup::r--\nmask::rwx\nother::r--\n";
    let extra = vec![
        Member::dir("./srv"),
        Member::file("./srv/user", "x").xattr("user.note", b"a\0b\xff"),
        Member::file("./srv/cap", "x").mode(0o755).xattr("security.capability", &cap),
        Member::file("./srv/acl", "x").mode(0o674).pax("SCHILY.acl.access", acl),
        Member::dir("./srv/default").pax("SCHILY.acl.default", acl),
        // An archive has no business with these.
        Member::file("./srv/trusted", "x").xattr("trusted.evil", "1"),
    ];
    let template = with(&host, "attributes.tar", extra);
    for (unprivileged, shift) in [("1", SHIFT), ("0", 0)] {
        let ct = host.ct();
        ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged]).ok();
        let at = |name: &str| ct.subvol().join("srv").join(name);
        assert_eq!(xattr(&at("user"), "user.note").unwrap(), b"a\0b\xff");
        assert_eq!(xattr(&at("trusted"), "trusted.evil"), None);

        let found = xattr(&at("cap"), "security.capability").unwrap();
        assert_eq!(&found[4..20], &cap[4..20]);
        if shift == 0 {
            assert_eq!(found, cap);
        } else {
            // Revision 3 carries the host id of the namespace's root.
            assert_eq!((found[3], found.len()), (3, 24));
            assert_eq!(found[20..24], shift.to_le_bytes());
        }

        for (name, kind) in [("acl", "access"), ("default", "default")] {
            let found = xattr(&at(name), &format!("system.posix_acl_{kind}"))
                .unwrap_or_else(|| panic!("no ACL on {name}"));
            let entries: Vec<_> = found[4..].chunks(8).collect();
            let user = entries.iter().find(|e| e[0] == 2).expect("an entry for a user");
            let id = u32::from_le_bytes(user[4..8].try_into().unwrap());
            assert_eq!((user[2], id), (7, 1000 + shift));
        }
        assert_eq!(fs::metadata(at("acl")).unwrap().permissions().mode() & 0o777, 0o674);
    }
}

#[test]
fn sparse_files_stay_sparse() {
    require_root!();
    let host = Host::new();
    let dir = host.scratch().join("sparse");
    fs::create_dir_all(dir.join("srv")).unwrap();
    let file = fs::File::create(dir.join("srv/holes")).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"start", 0).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"middle", 20 << 20).unwrap();
    file.set_len(64 << 20).unwrap();
    // The two ways in which GNU tar writes them.
    for format in ["gnu", "posix"] {
        let part = host.scratch().join(format!("part-{format}.tar"));
        let tar = Run::new("/bin/tar").args(["--create", "--sparse", &format!("--format={format}")]);
        tar.args(["--owner=0", "--group=0", "-f"])
            .args([&part])
            .args(["-C"])
            .args([&dir])
            .args(["./srv"])
            .ok();
        assert!(fs::metadata(&part).unwrap().len() < 1 << 20, "{format}: tar saw no holes");
        let plain = Busybox::default().archive().into_bytes();
        // An archive ends with two empty blocks; drop those of the first.
        let template = host.scratch().join(format!("sparse-{format}.tar"));
        fs::write(&template, [&plain[..plain.len() - 1024], &fs::read(&part).unwrap()].concat()).unwrap();
        let ct = host.ct();
        ct.create(&template, &["--rootfs", "local:0"]).ok();
        let out = ct.subvol().join("srv/holes");
        let meta = fs::metadata(&out).unwrap();
        assert_eq!(meta.len(), 64 << 20, "{format}");
        assert!(meta.blocks() * 512 < 1 << 20, "{format}: {} blocks are in use", meta.blocks());
        assert!(
            fs::read(&out).unwrap() == fs::read(dir.join("srv/holes")).unwrap(),
            "{format}: other content"
        );
    }
}

#[test]
fn device_nodes_are_left_out_of_an_unprivileged_container() {
    require_root!();
    let host = Host::new();
    let extra = vec![
        Member::char_device("./dev/null", 1, 3),
        Member::char_device("./mnt/null", 1, 3),
        Member::file("./mnt/after", "x"),
    ];
    let template = with(&host, "devices.tar", extra);
    for (unprivileged, there) in [("1", false), ("0", true)] {
        let ct = host.ct();
        ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged]).ok();
        assert!(!ct.subvol().join("dev/null").exists(), "/dev is the container's own at run time");
        assert_eq!(fs::symlink_metadata(ct.subvol().join("mnt/null")).is_ok(), there);
        assert!(ct.subvol().join("mnt/after").exists());
    }
}

/// Refused outright: what remains is nothing.
fn refused(members: Vec<Member>, names: &str) {
    let host = Host::new();
    // The second time all folders and lock files are there already.
    let ct = host.busybox(&[]);
    ct.pct("destroy", &[]).ok();
    let template = with(&host, "hostile.tar", members);
    let before = host.state();
    for unprivileged in ["1", "0"] {
        let out = ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged]).fails();
        out.says(&format!("unable to create CT {}", ct.id)).says(names);
        before.assert_same(&host.state(), "after a refused template");
    }
}

#[test]
fn an_entry_above_the_root_is_refused() {
    require_root!();
    refused(vec![Member::file("../escaped", "x")], "../escaped");
}

#[test]
fn an_entry_that_climbs_in_its_middle_is_refused() {
    require_root!();
    refused(vec![Member::file("./etc/../../escaped", "x")], "./etc/../../escaped");
}

#[test]
fn a_hard_link_to_a_file_outside_is_refused() {
    require_root!();
    refused(vec![Member::hardlink("./etc/stolen", "../../../../../../../etc/shadow")], "etc/stolen");
}

/// Either refused, or resolved inside; the outside is untouched in any case.
fn harmless(members: impl Fn(&Path) -> Vec<Member>) {
    let host = Host::new();
    // Open to everyone: only path resolution protects it, not its mode.
    let canary = host.scratch().join("canary");
    fs::create_dir(&canary).unwrap();
    fs::write(canary.join("file"), "untouched").unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(canary.join("file"), fs::Permissions::from_mode(0o666)).unwrap();
    let before = names(&canary);
    let template = with(&host, "hostile.tar", members(&canary));
    for unprivileged in ["1", "0"] {
        let ct = host.ct();
        let out = ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged]);
        assert_eq!(names(&canary), before, "{}", out.both());
        assert_eq!(fs::read_to_string(canary.join("file")).unwrap(), "untouched", "{}", out.both());
        if out.status != 0 {
            assert!(
                !ct.conf().exists() && !ct.subvol().exists(),
                "a failed create leaves something\n{}",
                out.both()
            );
        }
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_link_to_a_folder_outside_is_no_way_out() {
    require_root!();
    harmless(|canary| vec![Member::symlink("./out", &text(canary)), Member::file("./out/pwned", "x")]);
}

#[test]
fn a_relative_link_that_climbs_is_no_way_out() {
    require_root!();
    harmless(|canary| {
        let climb = format!("{}{}", "../".repeat(20), text(canary).trim_start_matches('/'));
        vec![
            Member::symlink("./out", &climb),
            Member::file("./out/file", "pwned"),
            Member::dir("./out/pwned"),
        ]
    });
}

#[test]
fn a_link_to_a_file_outside_is_replaced_not_followed() {
    require_root!();
    harmless(|canary| {
        let file = text(&canary.join("file"));
        vec![Member::symlink("./etc/motd", &file), Member::file("./etc/motd", "pwned").mode(0o600)]
    });
}

#[test]
fn a_folder_entry_does_not_change_the_mode_of_a_folder_behind_a_link() {
    require_root!();
    harmless(|canary| {
        vec![Member::symlink("./out", &text(canary)), Member::dir("./out").mode(0o700).owner(7, 7)]
    });
}

#[test]
fn the_same_name_as_folder_then_link_then_parent_is_no_way_out() {
    require_root!();
    harmless(|canary| {
        vec![Member::dir("./srv"), Member::symlink("./srv", &text(canary)), Member::file("./srv/pwned", "x")]
    });
}

#[test]
fn a_hard_link_through_a_link_is_no_way_out() {
    require_root!();
    harmless(|canary| {
        vec![
            Member::symlink("./out", &text(canary)),
            Member::hardlink("./etc/hard", "./out/file"),
            Member::file("./etc/hard", "pwned"),
        ]
    });
}

#[test]
fn an_absolute_name_is_no_way_out() {
    require_root!();
    harmless(|canary| vec![Member::file(&text(&canary.join("pwned")), "x")]);
}

#[test]
fn a_link_in_place_of_the_root_is_no_way_out() {
    require_root!();
    harmless(|canary| vec![Member::symlink("./", &text(canary)), Member::file("./pwned", "x")]);
}

/// Creates that fail in the middle leave nothing, in a folder or on an image.
fn leaves_nothing(template: &Path, host: &Host, ct: &Ct<'_>) {
    for rootfs in ["local:0", "local:1"] {
        let before = host.state();
        ct.create(template, &["--rootfs", rootfs]).fails().says(&format!("unable to create CT {}", ct.id));
        before.assert_same(&host.state(), &format!("after a failed create on {rootfs}"));
    }
}

#[test]
fn a_truncated_archive_leaves_nothing() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct("destroy", &[]).ok();
    for compression in Compression::ALL {
        let whole = fs::read(busybox::template(compression)).unwrap();
        let half = host.scratch().join(format!("half{}", compression.suffix()));
        fs::write(&half, &whole[..whole.len() / 2]).unwrap();
        leaves_nothing(&half, &host, &ct);
    }
}

#[test]
fn what_is_no_archive_leaves_nothing() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct("destroy", &[]).ok();
    let junk = host.scratch().join("junk.tar.gz");
    fs::write(&junk, vec![0x5a; 100_000]).unwrap();
    leaves_nothing(&junk, &host, &ct);
    let odd = host.scratch().join("odd.zip");
    fs::write(&odd, "x").unwrap();
    let before = host.state();
    ct.create(&odd, &["--rootfs", "local:0"]).fails().says("file does not look like a template archive");
    before.assert_same(&host.state(), "after a file that is no template");
    ct.create(&host.scratch().join("none.tar"), &["--rootfs", "local:0"]).fails().says("none.tar");
    before.assert_same(&host.state(), "after a missing file");
}

#[test]
fn a_full_disk_leaves_nothing_and_says_so() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct("destroy", &[]).ok();
    let mut archive: Archive = Busybox::default().archive();
    // 48 MB of noise into an image of 32 MB.
    let noise: Vec<u8> = (0..48u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    archive.add(Member::file("./root/noise", noise));
    let template = host.scratch().join("big.tar");
    archive.write(&template);
    let before = host.state();
    let out = ct.create(&template, &["--rootfs", "local:0.03125"]).fails();
    out.says("No space left on device");
    before.assert_same(&host.state(), "after a full disk");
}
