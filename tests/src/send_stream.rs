//! A stream as `btrfs send` writes it, of the first version, but with anything in it (Linux: `fs/btrfs/send.h`).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The commands.
const SUBVOL: u16 = 1;
const MKFILE: u16 = 3;
const SYMLINK: u16 = 8;
const WRITE: u16 = 15;
const END: u16 = 21;

/// Their attributes.
const UUID: u16 = 1;
const CTRANSID: u16 = 2;
const INO: u16 = 3;
const PATH: u16 = 15;
const PATH_LINK: u16 = 17;
const FILE_OFFSET: u16 = 18;
const DATA: u16 = 19;

/// One snapshot.
pub struct SendStream(Vec<u8>);

impl SendStream {
    /// An empty snapshot of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut bytes = b"btrfs-stream\0".to_vec();
        bytes.extend(1_u32.to_le_bytes());
        let number = 1_u64.to_le_bytes();
        Self(bytes).command(SUBVOL, &[(PATH, name.as_bytes()), (UUID, &[7; 16]), (CTRANSID, &number)])
    }

    /// Has it make a file of this content.
    #[must_use]
    pub fn file(self, path: &str, content: &str) -> Self {
        let made = self.command(MKFILE, &[(PATH, path.as_bytes()), (INO, &257_u64.to_le_bytes())]);
        let begin = 0_u64.to_le_bytes();
        made.command(WRITE, &[(PATH, path.as_bytes()), (FILE_OFFSET, &begin), (DATA, content.as_bytes())])
    }

    /// Has it make a link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &Path) -> Self {
        let target = target.as_os_str().as_bytes();
        let number = 258_u64.to_le_bytes();
        self.command(SYMLINK, &[(PATH, path.as_bytes()), (INO, &number), (PATH_LINK, target)])
    }

    /// The whole stream.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        self.command(END, &[]).0
    }

    fn command(mut self, command: u16, attributes: &[(u16, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (kind, value) in attributes {
            data.extend(kind.to_le_bytes());
            data.extend(u16::try_from(value.len()).expect("a short value").to_le_bytes());
            data.extend(*value);
        }
        let length = u32::try_from(data.len()).expect("a short command").to_le_bytes();
        let whole = |sum: u32| [&length[..], &command.to_le_bytes(), &sum.to_le_bytes(), &data].concat();
        self.0.extend(whole(crc32c(&whole(0))));
        self
    }
}

/// That of btrfs: nothing is inverted.
fn crc32c(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0x82F6_3B78 } else { 0 })
    })
}
