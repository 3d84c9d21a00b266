//! Raw images.

use super::*;

fn image(folder: &Path, name: &str) -> fs::File {
    fs::File::options().read(true).write(true).create(true).truncate(false).open(folder.join(name)).unwrap()
}

fn blocks(file: &fs::File) -> u64 {
    file.metadata().unwrap().blocks() * 512
}

#[test]
fn an_image_keeps_its_bytes_its_length_and_its_holes() {
    if !needs_root() {
        return;
    }
    let data = noise(5 << 20);
    for (from, to) in [("ext4", "ext4"), ("ext4", "btrfs"), ("xfs", "ext4"), ("tmpfs", "xfs")] {
        let (source, target) = (Volume::new(from), Volume::new(to));
        for same in [false, true] {
            let target = if same { &source } else { &target };
            let (old, new) = (image(&source.path(), "old"), image(&target.path(), "new"));
            old.set_len((64 << 20) + 1).unwrap();
            rustix::io::pwrite(&old, &data, 4096).unwrap();
            rustix::io::pwrite(&old, b"end", (64 << 20) - 2).unwrap();
            // Allocated, and nothing in it.
            rustix::io::pwrite(&old, &[0; 1 << 20], 32 << 20).unwrap();
            // All of this must be gone.
            rustix::io::pwrite(&new, &data, 0).unwrap();
            let copied = copy_file(&old, &new).unwrap();
            assert!((5 << 20..8 << 20).contains(&copied), "{copied}");
            assert_eq!(new.metadata().unwrap().len(), (64 << 20) + 1);
            assert!(
                fs::read(source.path().join("old")).unwrap() == fs::read(target.path().join("new")).unwrap()
            );
            // XFS may have reserved more for what could have come.
            assert!(blocks(&new) < 16 << 20, "{from} {to}: {}", blocks(&new));
        }
    }
}

#[test]
fn a_target_that_is_longer_stays_so_and_has_zeros_there() {
    if !needs_root() {
        return;
    }
    for fstype in ["tmpfs", "btrfs"] {
        let volume = Volume::new(fstype);
        let (old, new) = (image(&volume.path(), "old"), image(&volume.path(), "new"));
        rustix::io::pwrite(&old, b"data", 0).unwrap();
        rustix::io::pwrite(&new, &noise(10_000), 0).unwrap();
        copy_file(&old, &new).unwrap();
        let mut wanted = b"data".to_vec();
        wanted.resize(10_000, 0);
        assert!(fs::read(volume.path().join("new")).unwrap() == wanted, "{fstype}");
    }
}

#[test]
fn shared_data_takes_no_room() {
    if !needs_root() {
        return;
    }
    for fstype in ["btrfs", "xfs"] {
        let volume = Volume::new(fstype);
        let (old, new) = (image(&volume.path(), "old"), image(&volume.path(), "new"));
        rustix::io::pwrite(&old, &noise(8 << 20), 0).unwrap();
        let before = volume.used();
        assert_eq!(copy_file(&old, &new).unwrap(), 8 << 20);
        assert!(volume.used() < before + (4 << 20), "{fstype}");
        // From now on each has its own.
        rustix::io::pwrite(&old, b"changed", 0).unwrap();
        assert!(fs::read(volume.path().join("new")).unwrap() == noise(8 << 20));
    }
}

#[test]
fn only_files_are_images() {
    let folder = tempfile::tempdir().unwrap();
    let file = image(folder.path(), "file");
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    for (source, target) in [(&null, &file), (&file, &null)] {
        let error = copy_file(source, target).unwrap_err();
        assert_eq!(error.to_string(), "cannot copy 'disk.raw': it is no regular file");
    }
}

#[test]
fn a_full_disk_is_told_and_a_caller_can_stop() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::small());
    let (old, new) = (image(&source.path(), "old"), image(&target.path(), "new"));
    rustix::io::pwrite(&old, &noise(2 << 20), 0).unwrap();
    let error = copy_file(&old, &new).unwrap_err().to_string();
    assert_eq!(error, "cannot write the copy of 'disk.raw' (make the target volume larger)");
    let slow = NonZeroU64::new(64);
    let mut watch = |done, total| {
        assert_eq!(total, Some(2 << 20));
        if done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = file(old.as_fd(), new.as_fd(), Path::new("disk.raw"), slow, &mut watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
}
