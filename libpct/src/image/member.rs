//! What an archive says about one file, all dialects and extensions put together.

use super::{
    Error,
    header::{BadNumber, Header},
    pax::{Moment, Pax},
    sparse::Chunk,
};

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    CharDevice,
    BlockDevice,
    /// Nothing to make: a volume label and the like.
    Nothing,
}

/// One member of an archive. Names are as they stand there.
#[derive(Debug)]
pub(super) struct Member {
    /// Position of its header in the uncompressed archive.
    pub(super) offset: u64,
    pub(super) kind: Kind,
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Permission bits, at most 0o7777.
    pub(super) mode: u16,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) mtime: Moment,
    pub(super) device: (u32, u32),
    /// Bytes of data in the archive.
    pub(super) stored: u64,
    /// Size of the file.
    pub(super) size: u64,
    /// Where in the file the stored bytes belong; `None`: from the beginning on.
    pub(super) sparse: Option<Vec<Chunk>>,
    /// Extended attributes, those that are restored.
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Access control lists as text.
    pub(super) acl_access: Option<Vec<u8>>,
    pub(super) acl_default: Option<Vec<u8>>,
    /// Its type is one that we do not know; the data is treated as a file's.
    pub(super) unknown_type: bool,
}

/// GNU's long names: members of types `L` and `K` before the one they belong to.
#[derive(Default)]
pub(super) struct LongNames {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
}

impl Member {
    /// Joins a header with its extensions. A PAX record wins over a GNU long name, that one over the
    /// header's field, wherever they stand. The sparse map is left for the reader, who has the data.
    pub(super) fn new(offset: u64, header: &Header<'_>, long: LongNames, pax: Pax) -> Result<Self, Error> {
        let malformed = |what| Error::Malformed { offset, what };
        let bad = |what| move |_: BadNumber| malformed(what);
        let path = pax.sparse.name.or(pax.path).or(long.path).unwrap_or_else(|| header.path());
        let link = pax.link.or(long.link).unwrap_or_else(|| header.link());
        // Old archives mark directories by a slash only.
        let slash = path.ends_with(b"/");
        let (kind, unknown_type) = match header.kind() {
            0 | b'0' | b'7' if slash => (Kind::Directory, false),
            0 | b'0' | b'7' | b'S' => (Kind::File, false),
            b'1' => (Kind::HardLink, false),
            b'2' => (Kind::Symlink, false),
            b'3' => (Kind::CharDevice, false),
            b'4' => (Kind::BlockDevice, false),
            b'5' | b'D' => (Kind::Directory, false),
            b'6' => (Kind::Fifo, false),
            b'V' => (Kind::Nothing, false),
            b'M' => return Err(malformed("a part of a file that began in another volume")),
            b'N' => return Err(malformed("long names in a format that went out of use")),
            _ => (Kind::File, true),
        };
        // Links, devices, fifos and plain directories have no data, whatever their size field says: for
        // hard links it is often the size of the target (POSIX pax, "size").
        let has_data = matches!(header.kind(), 0 | b'0' | b'7' | b'S' | b'D') || unknown_type;
        let stored = match pax.size {
            Some(size) => size,
            None => header.size().map_err(bad("a bad size"))?,
        };
        let stored = if has_data { stored } else { 0 };
        if i64::try_from(stored).is_err() {
            return Err(malformed("a bad size"));
        }
        if slash && stored > 0 && kind == Kind::Directory && header.kind() != b'D' {
            return Err(malformed("a directory with contents"));
        }
        let device = match (kind, pax.device_major, pax.device_minor) {
            (Kind::CharDevice | Kind::BlockDevice, Some(major), Some(minor)) => (major, minor),
            (Kind::CharDevice | Kind::BlockDevice, ..) => {
                header.device().map_err(bad("a bad device number"))?
            }
            _ => (0, 0),
        };
        let mode = header.mode().map_err(bad("a bad mode"))?;
        Ok(Self {
            offset,
            kind,
            path,
            link,
            // The upper bits are the file type, which the type flag says as well.
            mode: u16::try_from(mode & 0o7777).unwrap_or_default(),
            uid: pax.uid.map_or_else(|| header.uid(), Ok).map_err(bad("a bad user id"))?,
            gid: pax.gid.map_or_else(|| header.gid(), Ok).map_err(bad("a bad group id"))?,
            mtime: match pax.mtime {
                Some(moment) => moment,
                None => (header.mtime().map_err(bad("a bad time"))?, 0),
            },
            device,
            stored,
            size: stored,
            sparse: None,
            xattrs: pax.xattrs,
            acl_access: pax.acl_access,
            acl_default: pax.acl_default,
            unknown_type,
        })
    }
}
