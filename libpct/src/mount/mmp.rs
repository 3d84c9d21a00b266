//! Who else has a file system mounted (ext4(5), `mmp`).

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use super::{Error, Result};
use crate::exec::Command;

/// Of the superblock: where it is, its magic number, and which features a kernel must know to mount it (kernel:
/// Documentation/filesystems/ext4/super.rst).
const SUPERBLOCK: u64 = 1024;
const MAGIC: (u64, u16) = (0x38, 0xef53);
const INCOMPATIBLE: u64 = 0x60;
const MMP: u32 = 0x100;

/// Has a file system forget that it was mounted when it was snapshotted: the kernel would wait half a minute for whoever
/// had it. Only for a copy that nobody else has.
pub(crate) fn forget_holder(device: &Path) -> Result<()> {
    let failed = |error| Error::os(format!("read '{}'", device.display()), error);
    let file = File::open(device).map_err(failed)?;
    let (mut magic, mut features) = ([0; 2], [0; 4]);
    file.read_exact_at(&mut magic, SUPERBLOCK + MAGIC.0).map_err(failed)?;
    file.read_exact_at(&mut features, SUPERBLOCK + INCOMPATIBLE).map_err(failed)?;
    let is_protected = u16::from_le_bytes(magic) == MAGIC.1 && u32::from_le_bytes(features) & MMP != 0;
    if is_protected {
        let program = Command::new("tune2fs").package("e2fsprogs");
        program.args(["-f", "-E", "clear_mmp"]).arg(device).run()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_protected_file_system_is_written_to() {
        let temp = tempfile::tempdir().unwrap();
        let image = temp.path().join("image");
        let make = |features: &str| {
            let file = File::create(&image).unwrap();
            file.set_len(8 << 20).unwrap();
            Command::new("mkfs.ext4").args(["-q", "-O", features]).arg(&image).run().unwrap();
        };
        make("^mmp");
        let before = std::fs::read(&image).unwrap();
        forget_holder(&image).unwrap();
        assert!(std::fs::read(&image).unwrap() == before);
        make("mmp");
        forget_holder(&image).unwrap();
        std::fs::write(&image, vec![0; 8192]).unwrap();
        forget_holder(&image).unwrap();
        std::fs::write(&image, "short").unwrap();
        assert!(forget_holder(&image).is_err());
    }
}
