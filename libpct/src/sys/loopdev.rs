//! Loop devices: a file as a block device (loop(4)).

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{Error, Result, check};

const LOOP_CLR_FD: libc::Ioctl = 0x4c01;
const LOOP_GET_STATUS64: libc::Ioctl = 0x4c05;
const LOOP_SET_CAPACITY: libc::Ioctl = 0x4c07;
const LOOP_CONFIGURE: libc::Ioctl = 0x4c0a;
const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4c82;

const LO_FLAGS_READ_ONLY: u32 = 1;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// How often a device that was offered as free may be taken by someone else before we give up.
const TRIES: u32 = 200;

/// `struct loop_info64` of `linux/loop.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct LoopInfo {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    sizelimit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config` of `linux/loop.h`.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// Device and inode number: which file a loop device shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    /// (major, minor) of the file system's device.
    pub device: (u32, u32),
    /// Inode number.
    pub inode: u64,
}

impl FileId {
    /// Of an open file.
    pub(crate) fn of(file: BorrowedFd<'_>) -> Result<Self> {
        let stat = rustix::fs::fstat(file).map_err(|e| Error::os("stat the backing file", e))?;
        let device = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
        Ok(Self { device, inode: stat.st_ino })
    }

    /// The kernel's encoding of a device number in `lo_device`: minor bits 0-7 and 20-31, major 8-19.
    fn of_info(info: &LoopInfo) -> Self {
        let raw = info.device;
        let major = ((raw >> 8) & 0xfff) as u32;
        let minor = ((raw & 0xff) | ((raw >> 12) & 0xf_ff00)) as u32;
        Self { device: (major, minor), inode: info.inode }
    }
}

/// An open loop device. When it was attached by [`attach`], the kernel detaches the file by itself when the
/// last user goes: this descriptor, a mount, another process.
#[derive(Debug)]
pub(crate) struct LoopDevice {
    fd: OwnedFd,
    path: PathBuf,
}

impl LoopDevice {
    /// `/dev/loop<n>`.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Has the kernel look at the backing file's size again, after it has grown.
    pub(crate) fn update_capacity(&self) -> Result<()> {
        let attempt = || format!("update the size of '{}'", self.path.display());
        // SAFETY: this request takes no argument.
        let ret = unsafe { libc::ioctl(self.fd.as_raw_fd(), LOOP_SET_CAPACITY) };
        check(ret.into()).map(drop).map_err(|e| Error::os(attempt(), e))
    }

    /// Detaches the file now, or, while others use the device, when the last of them goes.
    pub(crate) fn detach(self) -> Result<()> {
        // SAFETY: this request takes no argument.
        let ret = unsafe { libc::ioctl(self.fd.as_raw_fd(), LOOP_CLR_FD) };
        match check(ret.into()) {
            Err(e) if e.raw_os_error() != Some(libc::ENXIO) => {
                Err(Error::os(format!("detach '{}'", self.path.display()), e))
            }
            _ => Ok(()),
        }
    }
}

impl AsFd for LoopDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Shows a file as a loop device that goes by itself with its last user.
///
/// The file must be open for writing unless `read_only`. `name` is what `losetup` shall show.
pub(crate) fn attach(backing: BorrowedFd<'_>, name: &Path, read_only: bool) -> Result<LoopDevice> {
    let control = "/dev/loop-control";
    let control = rustix::fs::open(control, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| Error::os(format!("open '{control}' (is the kernel module 'loop' there?)"), e))?;
    for _ in 0..TRIES {
        // SAFETY: this request takes no argument.
        let number = check(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) }.into())
            .map_err(|e| Error::os("get a free loop device", e))?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let access = if read_only { OFlags::RDONLY } else { OFlags::RDWR };
        let fd = match rustix::fs::open(&path, access | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => fd,
            // Made a moment ago and not there yet, or removed again.
            Err(Errno::NXIO | Errno::NOENT | Errno::NODEV) => {
                std::thread::sleep(std::time::Duration::from_millis(2));
                continue;
            }
            Err(e) => return Err(Error::os(format!("open '{}'", path.display()), e)),
        };
        match configure(fd.as_fd(), backing, name, read_only) {
            Ok(()) => return Ok(LoopDevice { fd, path }),
            Err(e) if matches!(e.raw_os_error(), Some(libc::EBUSY | libc::EAGAIN)) => {}
            Err(e) => {
                let attempt = format!("attach '{}' to '{}'", name.display(), path.display());
                return Err(Error::os(attempt, e));
            }
        }
    }
    Err(Error::LoopBusy { file: name.display().to_string(), tries: TRIES })
}

fn configure(
    device: BorrowedFd<'_>,
    backing: BorrowedFd<'_>,
    name: &Path,
    read_only: bool,
) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let mut info = empty_info();
    info.flags = LO_FLAGS_AUTOCLEAR | if read_only { LO_FLAGS_READ_ONLY } else { 0 };
    // The last byte stays NUL.
    for (to, from) in info.file_name.iter_mut().take(63).zip(name.as_os_str().as_bytes()) {
        *to = *from;
    }
    let fd = u32::try_from(backing.as_raw_fd()).unwrap_or(u32::MAX);
    let config = LoopConfig { fd, block_size: 0, info, reserved: [0; 8] };
    // SAFETY: the request reads a `struct loop_config`, which `config` is.
    check(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) }.into()).map(drop)
}

/// Which file an open loop device shows; `None` if it is free.
pub(crate) fn backing_of(device: BorrowedFd<'_>) -> Result<Option<FileId>> {
    let mut info = empty_info();
    // SAFETY: the request fills a `struct loop_info64`, which `info` is.
    match check(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_GET_STATUS64, &raw mut info) }.into()) {
        Ok(_) => Ok(Some(FileId::of_info(&info))),
        Err(e) if e.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(e) => Err(Error::os("ask for the file of a loop device", e)),
    }
}

/// The loop devices that show this very file (not a file of the same name), in order of their number.
///
/// Names as in `/sys/block/loop<n>/loop/backing_file` are not compared: they may belong to another mount
/// namespace.
pub(crate) fn find(file: FileId) -> Result<Vec<LoopDevice>> {
    let dir = "/sys/block";
    let entries = fs::read_dir(dir).map_err(|e| Error::os(format!("read '{dir}'"), e))?;
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("loop")?.parse().ok())
        // Only a device that shows a file has this directory. The others must not even be opened.
        .filter(|n| Path::new(&format!("{dir}/loop{n}/loop")).is_dir())
        .collect();
    numbers.sort_unstable();
    let mut found = Vec::new();
    for number in numbers {
        let path = PathBuf::from(format!("/dev/loop{number}"));
        // It may be gone by now.
        let Ok(fd) = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else {
            continue;
        };
        if backing_of(fd.as_fd())? == Some(file) {
            found.push(LoopDevice { fd, path });
        }
    }
    Ok(found)
}

fn empty_info() -> LoopInfo {
    LoopInfo {
        device: 0,
        inode: 0,
        rdevice: 0,
        offset: 0,
        sizelimit: 0,
        number: 0,
        encrypt_type: 0,
        encrypt_key_size: 0,
        flags: 0,
        file_name: [0; 64],
        crypt_name: [0; 64],
        encrypt_key: [0; 32],
        init: [0; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::needs_root;
    use std::fs::File;

    fn image(size: u64) -> (tempfile::NamedTempFile, FileId) {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(size).unwrap();
        let id = FileId::of(file.as_fd()).unwrap();
        (file, id)
    }

    fn sysfs(device: &LoopDevice, name: &str) -> PathBuf {
        Path::new("/sys/block").join(device.path().file_name().unwrap()).join(name)
    }

    /// Another test may have forked just now and hold copies of our descriptors for a moment.
    fn is_gone(id: FileId) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            find(id).unwrap().is_empty()
        })
    }

    fn capacity(device: &LoopDevice) -> u64 {
        rustix::fs::seek(device, rustix::fs::SeekFrom::End(0)).unwrap()
    }

    #[test]
    fn a_device_shows_the_file_and_goes_with_its_descriptor() {
        if !needs_root() {
            return;
        }
        let (file, id) = image(1 << 20);
        let device = attach(file.as_fd(), file.path(), false).unwrap();
        assert_eq!(capacity(&device), 1 << 20);
        rustix::io::pwrite(&device, b"hello", 4096).unwrap();
        rustix::fs::fsync(&device).unwrap();
        let mut back = [0; 5];
        rustix::io::pread(file.as_file(), &mut back, 4096).unwrap();
        assert_eq!(&back, b"hello");

        assert_eq!(backing_of(device.as_fd()).unwrap(), Some(id));
        let found = find(id).unwrap();
        assert_eq!(found.iter().map(LoopDevice::path).collect::<Vec<_>>(), [device.path()]);
        file.as_file().set_len(2 << 20).unwrap();
        assert_eq!(capacity(&found[0]), 1 << 20);
        found[0].update_capacity().unwrap();
        assert_eq!(capacity(&device), 2 << 20);
        drop(found);
        drop(device);
        assert!(is_gone(id), "autoclear");
    }

    #[test]
    fn read_only_and_early_detach() {
        if !needs_root() {
            return;
        }
        let (file, id) = image(1 << 20);
        let read = File::open(file.path()).unwrap();
        let device = attach(read.as_fd(), file.path(), true).unwrap();
        // Whether the open or the write is refused depends on the kernel.
        let again = File::options().write(true).open(device.path());
        assert!(again.map_or(true, |file| rustix::io::pwrite(&file, b"x", 0).is_err()));
        assert_eq!(fs::read_to_string(sysfs(&device, "ro")).unwrap(), "1\n");
        device.detach().unwrap();
        assert!(is_gone(id));
    }

    #[test]
    fn many_attach_in_parallel() {
        if !needs_root() {
            return;
        }
        let ids = std::thread::scope(|s| {
            let work = || {
                let (file, id) = image(1 << 20);
                let device = attach(file.as_fd(), file.path(), false).unwrap();
                assert_eq!(backing_of(device.as_fd()).unwrap(), Some(id));
                std::thread::sleep(std::time::Duration::from_millis(20));
                id
            };
            let all: Vec<_> = (0..12).map(|_| s.spawn(work)).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
        });
        for id in ids {
            assert!(is_gone(id));
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        if !needs_root() {
            return;
        }
        let dir = File::open("/").unwrap();
        let error = attach(dir.as_fd(), Path::new("/"), true).unwrap_err();
        assert!(error.to_string().starts_with("cannot attach '/' to '/dev/loop"), "{error}");
    }
}
