//! The linked clones of files: qcow2 overlays of virtual machines, which name the file whose content they share. We
//! make none, but a base must not be removed from under them.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use super::{StorageError, folders::Folders, volname::FileName};

/// Whether a file of the storage is an overlay of this base.
pub(super) fn is_backing(folders: &Folders, base: &FileName<'_>) -> Result<bool, StorageError> {
    let named = format!("../{}/{}", base.name.owner, base.file);
    for (owner, file) in folders.entries(None)? {
        if !file.ends_with(".qcow2") {
            continue;
        }
        let path = folders.images(owner).join(&file);
        match backing_file(&path) {
            Ok(backing) if backing.as_deref() == Some(named.as_bytes()) => return Ok(true),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(StorageError::io("cannot read", &path, e)),
        }
    }
    Ok(false)
}

/// The name of the backing file in the header of a qcow2 file: its offset in bytes 8 to 15, its length in 16 to 19, big
/// endian (QEMU: docs/interop/qcow2.rst).
fn backing_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let mut header = [0; 20];
    match file.read_exact_at(&mut header, 0) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [magic @ .., l0, l1, l2, l3] = header;
    let (Some(offset), true) =
        (magic.last_chunk().map(|o| u64::from_be_bytes(*o)), magic.starts_with(b"QFI\xfb"))
    else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([l0, l1, l2, l3]);
    // The format's own limit.
    if offset == 0 || length > 1023 {
        return Ok(None);
    }
    let mut name = vec![0; length as usize];
    match file.read_exact_at(&mut name, offset) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other.map(|()| Some(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::cfg;
    use std::fs;

    #[test]
    fn an_overlay_names_its_base() {
        let temp = tempfile::tempdir().unwrap();
        let text = format!("dir: some\n\tpath {}\n", temp.path().display());
        let folders = Folders::from_section(&cfg::section(&text)).unwrap();
        let clones = temp.path().join("images/9002");
        fs::create_dir_all(&clones).unwrap();
        let base = FileName::of_volume("9001/base-9001-disk-0.raw").unwrap();
        for junk in [&b""[..], b"QFI\xfb", &[0; 600], &[0xff; 600]] {
            fs::write(clones.join("vm-9002-disk-0.qcow2"), junk).unwrap();
            assert!(!is_backing(&folders, &base).unwrap());
        }
        let name = b"../9001/base-9001-disk-0.raw";
        let mut file = [b"QFI\xfb\0\0\0\x03".as_slice(), &64u64.to_be_bytes()].concat();
        file.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
        file.resize(64, 0);
        file.extend(name);
        fs::write(clones.join("vm-9002-disk-0.qcow2"), &file).unwrap();
        assert!(is_backing(&folders, &base).unwrap());
        let other = FileName::of_volume("9001/base-9001-disk-1.raw").unwrap();
        assert!(!is_backing(&folders, &other).unwrap());
        // Cut off in the name.
        file.truncate(70);
        fs::write(clones.join("vm-9002-disk-0.qcow2"), &file).unwrap();
        assert!(!is_backing(&folders, &base).unwrap());
    }
}
