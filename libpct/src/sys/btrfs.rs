//! Subvolumes of btrfs by the kernel's requests (`linux/btrfs.h`): a folder's descriptor and a name in it, so that no
//! path is resolved twice.

use std::{
    ffi::{CStr, CString, OsStr},
    io,
    marker::PhantomData,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::PathBuf,
};

use rustix::ioctl::opcode;

use super::check;

/// `BTRFS_IOCTL_MAGIC`.
const GROUP: u8 = 0x94;
/// `statfs` type (statfs(2)).
const BTRFS_SUPER_MAGIC: u64 = 0x9123_683e;
/// The inode number of every subvolume's top folder.
const FIRST_FREE_OBJECTID: u64 = 256;
const ROOT_TREE: u64 = 1;
const ROOT_REF_KEY: u32 = 156;
const RDONLY: u64 = 1 << 1;
/// `FILEID_BTRFS_WITHOUT_PARENT` of `linux/exportfs.h`.
const FILE_ID: i32 = 0x4d;

/// The number of a request with the structure that it takes.
struct Request<T> {
    code: rustix::ioctl::Opcode,
    takes: PhantomData<T>,
}

impl<T> Request<T> {
    const fn new(code: rustix::ioctl::Opcode) -> Self {
        Self { code, takes: PhantomData }
    }
}

/// `struct btrfs_ioctl_vol_args_v2`.
#[repr(C)]
struct VolArgs {
    fd: i64,
    transid: u64,
    flags: u64,
    unused: [u64; 4],
    name: [u8; 4040],
}

/// `struct btrfs_ioctl_search_args` with its key.
#[repr(C)]
struct SearchArgs {
    tree_id: u64,
    min_objectid: u64,
    max_objectid: u64,
    min_offset: u64,
    max_offset: u64,
    min_transid: u64,
    max_transid: u64,
    min_type: u32,
    max_type: u32,
    nr_items: u32,
    unused: u32,
    unused64: [u64; 4],
    buf: [u8; 3992],
}

/// `struct btrfs_ioctl_ino_lookup_args`.
#[repr(C)]
struct LookupArgs {
    treeid: u64,
    objectid: u64,
    name: [u8; 4080],
}

/// `struct btrfs_ioctl_send_args`.
#[repr(C)]
struct SendArgs {
    send_fd: i64,
    clone_sources_count: u64,
    clone_sources: *const u64,
    parent_root: u64,
    flags: u64,
    version: u32,
    reserved: [u8; 28],
}

/// `struct btrfs_ioctl_get_subvol_info_args`.
#[repr(C)]
struct InfoArgs {
    treeid: u64,
    name: [u8; 256],
    parent_id: u64,
    dirid: u64,
    generation: u64,
    flags: u64,
    uuid: [u8; 16],
    parent_uuid: [u8; 16],
    received_uuid: [u8; 16],
    ctransid: u64,
    otransid: u64,
    stransid: u64,
    rtransid: u64,
    times: [[u64; 2]; 4],
    reserved: [u64; 8],
}

const TREE_SEARCH: Request<SearchArgs> = Request::new(opcode::read_write::<SearchArgs>(GROUP, 17));
const INO_LOOKUP: Request<LookupArgs> = Request::new(opcode::read_write::<LookupArgs>(GROUP, 18));
const SNAP_CREATE: Request<VolArgs> = Request::new(opcode::write::<VolArgs>(GROUP, 23));
const SUBVOL_CREATE: Request<VolArgs> = Request::new(opcode::write::<VolArgs>(GROUP, 24));
const GETFLAGS: Request<u64> = Request::new(opcode::read::<u64>(GROUP, 25));
const SETFLAGS: Request<u64> = Request::new(opcode::write::<u64>(GROUP, 26));
const SEND: Request<SendArgs> = Request::new(opcode::write::<SendArgs>(GROUP, 38));
const GET_SUBVOL_INFO: Request<InfoArgs> = Request::new(opcode::read::<InfoArgs>(GROUP, 60));
const SNAP_DESTROY: Request<VolArgs> = Request::new(opcode::write::<VolArgs>(GROUP, 63));

fn call<T>(fd: impl AsFd, request: &Request<T>, args: &mut T) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the number was made for `T`, the kernel's structure of the request, whose size is a part of it; `args`
    // is one, and outlives the call.
    let ret = unsafe { libc::ioctl(fd, libc::Ioctl::from(request.code), std::ptr::from_mut(args)) };
    check(ret.into()).map(drop)
}

impl VolArgs {
    fn new(name: &CStr) -> io::Result<Self> {
        let bytes = name.to_bytes_with_nul();
        let mut args = Self { fd: 0, transid: 0, flags: 0, unused: [0; 4], name: [0; 4040] };
        let place = args.name.get_mut(..bytes.len()).ok_or(rustix::io::Errno::NAMETOOLONG)?;
        place.copy_from_slice(bytes);
        Ok(args)
    }
}

/// Whether an open file is on btrfs.
pub(crate) fn is_btrfs(fd: impl AsFd) -> io::Result<bool> {
    Ok(u64::try_from(rustix::fs::fstatfs(fd)?.f_type) == Ok(BTRFS_SUPER_MAGIC))
}

/// Whether an open folder is the top of a subvolume.
pub(crate) fn is_subvolume(fd: impl AsFd) -> io::Result<bool> {
    Ok(rustix::fs::fstat(&fd)?.st_ino == FIRST_FREE_OBJECTID && is_btrfs(fd)?)
}

/// Makes an empty subvolume in a folder.
pub(crate) fn create(folder: impl AsFd, name: &CStr) -> io::Result<()> {
    call(folder, &SUBVOL_CREATE, &mut VolArgs::new(name)?)
}

/// Makes a subvolume in a folder that shares the content of another one. What is nested in that is not in the new one.
pub(crate) fn snapshot(
    source: BorrowedFd<'_>,
    folder: impl AsFd,
    name: &CStr,
    read_only: bool,
) -> io::Result<()> {
    let mut args = VolArgs::new(name)?;
    args.fd = source.as_raw_fd().into();
    args.flags = if read_only { RDONLY } else { 0 };
    call(folder, &SNAP_CREATE, &mut args)
}

/// Removes a subvolume in a folder; one in which others are nested is refused as not empty.
pub(crate) fn destroy(folder: impl AsFd, name: &CStr) -> io::Result<()> {
    call(folder, &SNAP_DESTROY, &mut VolArgs::new(name)?)
}

/// Whether nothing in a subvolume can be changed.
pub(crate) fn is_read_only(subvolume: impl AsFd) -> io::Result<bool> {
    let mut flags = 0;
    call(subvolume, &GETFLAGS, &mut flags)?;
    Ok(flags & RDONLY != 0)
}

/// Lets a subvolume be changed, or not.
pub(crate) fn set_read_only(subvolume: impl AsFd, read_only: bool) -> io::Result<()> {
    let mut flags = 0;
    call(&subvolume, &GETFLAGS, &mut flags)?;
    flags = if read_only { flags | RDONLY } else { flags & !RDONLY };
    call(subvolume, &SETFLAGS, &mut flags)
}

/// What is known of a subvolume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Info {
    /// When it was made, in the count of the file system's transactions.
    pub(crate) made: u64,
    /// Its number.
    pub(crate) id: u64,
}

/// Which one an open top folder is of.
pub(crate) fn info(subvolume: impl AsFd) -> io::Result<Info> {
    // SAFETY: numbers only, all-zero is valid.
    let mut args: InfoArgs = unsafe { std::mem::zeroed() };
    call(subvolume, &GET_SUBVOL_INFO, &mut args)?;
    Ok(Info { made: args.otransid, id: args.treeid })
}

/// Where one of the subvolumes of a stream stands in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) first: bool,
    pub(crate) last: bool,
}

/// Writes a read-only subvolume as a stream, as far as it differs from one of those that the receiver has already, the last in
/// `known`. Waits as long as nobody reads. Without a reader the thread gets SIGPIPE.
pub(crate) fn send(subvolume: impl AsFd, to: impl AsFd, known: &[u64], place: Place) -> io::Result<()> {
    const OMIT_STREAM_HEADER: u64 = 1 << 1;
    const OMIT_END_CMD: u64 = 1 << 2;
    let mut args = SendArgs {
        send_fd: to.as_fd().as_raw_fd().into(),
        clone_sources_count: known.len() as u64,
        clone_sources: known.as_ptr(),
        parent_root: known.last().copied().unwrap_or(0),
        flags: if place.first { 0 } else { OMIT_STREAM_HEADER } | if place.last { 0 } else { OMIT_END_CMD },
        version: 0,
        reserved: [0; 28],
    };
    call(subvolume, &SEND, &mut args)
}

/// A subvolume that lies in another one.
#[derive(Debug)]
pub(crate) struct Nested {
    id: u64,
    /// The subvolume it lies in, the folder there, its name in that.
    tree: u64,
    folder: u64,
    name: CString,
}

/// The subvolumes that lie in a subvolume, at any depth, each behind the one it lies in. No path is followed for that
/// and none later: those on the way may be a stranger's, and longer than the kernel takes.
pub(crate) fn nested(subvolume: impl AsFd) -> io::Result<Vec<Nested>> {
    let fd = subvolume.as_fd();
    let mut found = children(fd, lookup(fd, 0, FIRST_FREE_OBJECTID)?.0)?;
    let mut next = 0;
    while let Some(Nested { id, .. }) = found.get(next) {
        found.extend(children(fd, *id)?);
        next += 1;
    }
    Ok(found)
}

impl Nested {
    /// Opens its top, with any open file of the file system.
    pub(crate) fn open(&self, file_system: impl AsFd) -> io::Result<OwnedFd> {
        open_by_id(file_system, self.id, FIRST_FREE_OBJECTID)
    }

    /// Removes it; one in which others are nested is refused as not empty.
    pub(crate) fn destroy(&self, file_system: impl AsFd) -> io::Result<()> {
        destroy(open_by_id(file_system, self.tree, self.folder)?, &self.name)
    }

    /// Where it lies in the subvolume around it, as far as the kernel can say it.
    pub(crate) fn path(&self, file_system: impl AsFd) -> PathBuf {
        let folder = lookup(file_system.as_fd(), self.tree, self.folder).map(|(_, path)| path);
        folder.unwrap_or_default().join(OsStr::from_bytes(self.name.as_bytes()))
    }
}

/// Opens a folder by its number in a tree.
fn open_by_id(file_system: impl AsFd, tree: u64, folder: u64) -> io::Result<OwnedFd> {
    /// `struct file_handle` with the `struct btrfs_fid` of a file without its parent.
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        file: [u8; 8],
        tree: [u8; 8],
        // Any.
        generation: [u8; 4],
    }
    let mut handle = Handle {
        bytes: 20,
        kind: FILE_ID,
        file: folder.to_ne_bytes(),
        tree: tree.to_ne_bytes(),
        generation: [0; 4],
    };
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    let mount = file_system.as_fd().as_raw_fd();
    // SAFETY: `handle` has the layout of `struct file_handle` followed by as many bytes as it says, and outlives the call.
    let fd = unsafe { libc::open_by_handle_at(mount, std::ptr::from_mut(&mut handle).cast(), flags) };
    check(fd.into())?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The id of a tree (0: of the open file's own), and the path of a folder in it.
fn lookup(fd: BorrowedFd<'_>, tree: u64, dir: u64) -> io::Result<(u64, PathBuf)> {
    let mut args = LookupArgs { treeid: tree, objectid: dir, name: [0; 4080] };
    call(fd, &INO_LOOKUP, &mut args)?;
    let path = args.name.split(|b| *b == 0).next().unwrap_or_default();
    Ok((args.treeid, PathBuf::from(OsStr::from_bytes(path))))
}

/// The subvolumes directly in one.
fn children(fd: BorrowedFd<'_>, id: u64) -> io::Result<Vec<Nested>> {
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let mut args = SearchArgs {
            tree_id: ROOT_TREE,
            min_objectid: id,
            max_objectid: id,
            min_offset: from,
            max_offset: u64::MAX,
            min_transid: 0,
            max_transid: u64::MAX,
            min_type: ROOT_REF_KEY,
            max_type: ROOT_REF_KEY,
            nr_items: 4096,
            unused: 0,
            unused64: [0; 4],
            buf: [0; 3992],
        };
        call(fd, &TREE_SEARCH, &mut args)?;
        if args.nr_items == 0 {
            return Ok(found);
        }
        let mut rest = &args.buf[..];
        for _ in 0..args.nr_items {
            let (child, item, behind) = item(rest).ok_or(rustix::io::Errno::IO)?;
            let (folder, name) = root_ref(item).ok_or(rustix::io::Errno::IO)?;
            found.push(Nested { id: child, tree: id, folder, name });
            from = child.saturating_add(1);
            rest = behind;
        }
    }
}

/// Takes a `struct btrfs_ioctl_search_header` and what it announces: the offset of its key, the item, the rest.
fn item(buf: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (header, rest) = buf.split_at_checked(32)?;
    let offset = u64::from_ne_bytes(header.get(16..24)?.try_into().ok()?);
    let len = u32::from_ne_bytes(header.get(28..32)?.try_into().ok()?);
    let (item, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((offset, item, rest))
}

/// `struct btrfs_root_ref` and the name behind it.
fn root_ref(item: &[u8]) -> Option<(u64, CString)> {
    let dir = u64::from_le_bytes(item.get(..8)?.try_into().ok()?);
    let len = u16::from_le_bytes(item.get(16..18)?.try_into().ok()?);
    let name = item.get(18..18 + usize::from(len))?;
    Some((dir, CString::new(name).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_kernel() {
        assert_eq!(size_of::<VolArgs>(), 4096);
        assert_eq!(size_of::<SearchArgs>(), 4096);
        assert_eq!(size_of::<LookupArgs>(), 4096);
        assert_eq!((size_of::<SendArgs>(), size_of::<InfoArgs>()), (72, 504));
    }

    #[test]
    fn a_folder_elsewhere_is_no_subvolume() {
        let proc = std::fs::File::open("/proc").unwrap();
        assert!(!is_subvolume(&proc).unwrap() && !is_btrfs(&proc).unwrap());
        assert!(create(&proc, c"x").is_err());
        assert!(nested(&proc).is_err());
    }

    #[test]
    fn a_damaged_answer_is_no_panic() {
        assert_eq!(item(&[0; 31]), None);
        let mut long = [0; 40];
        long[28..32].copy_from_slice(&100u32.to_ne_bytes());
        assert_eq!(item(&long), None);
        assert_eq!(root_ref(&[0; 10]), None);
    }
}
