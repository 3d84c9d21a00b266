//! Sealed files in memory.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use super::{Error, Result};

/// Copies `file`, from its start, into an executable memory file that nobody can change any more.
///
/// A program that enters a container runs from such a copy: whoever is inside and reaches it through
/// `/proc/<pid>/exe` can neither overwrite the installed program nor the copy (CVE-2019-5736).
/// `name` shows in `/proc/<pid>/exe` as `/memfd:<name> (deleted)`. The descriptor is close-on-exec.
pub(crate) fn sealed_copy(file: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Since Linux 6.3 a program must say that it wants an executable file, before that it must not.
    let memfd = match rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        other => other,
    };
    let memfd = memfd.map_err(|e| Error::os("create a file in memory", e))?;
    copy(file, memfd.as_fd()).map_err(|e| Error::os(format!("copy {name} into memory"), e))?;
    seal(memfd.as_fd()).map_err(|e| Error::os(format!("seal the copy of {name}"), e))?;
    Ok(memfd)
}

/// A file with these bytes, to be read from its start, that nobody can change any more. Close-on-exec.
pub(crate) fn sealed_bytes(bytes: &[u8], name: &str) -> Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create(name, flags).map_err(|e| Error::os("create a file in memory", e))?;
    let mut file = File::from(memfd);
    let written = file.write_all(bytes).and_then(|()| file.rewind());
    written.map_err(|e| Error::os(format!("write {name} into memory"), e))?;
    seal(file.as_fd()).map_err(|e| Error::os(format!("seal {name}"), e))?;
    Ok(file)
}

/// The kernel refuses while it holds a page of the file for itself, for instance to move it (fcntl(2), EBUSY).
fn seal(memfd: BorrowedFd<'_>) -> std::result::Result<(), Errno> {
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    let mut pause = Duration::from_millis(1);
    loop {
        match rustix::fs::fcntl_add_seals(memfd, seals) {
            Err(Errno::BUSY) if pause < Duration::from_secs(1) => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            other => return other,
        }
    }
}

/// A sealed copy of the running program's own file.
pub(crate) fn sealed_self(name: &str) -> Result<OwnedFd> {
    let exe = File::open("/proc/self/exe").map_err(|e| Error::os("open '/proc/self/exe'", e))?;
    sealed_copy(exe.as_fd(), name)
}

/// Whether the running program is a sealed copy already.
#[must_use]
pub(crate) fn self_is_sealed() -> bool {
    let Ok(exe) = File::open("/proc/self/exe") else { return false };
    rustix::fs::fcntl_get_seals(&exe).is_ok_and(|seals| seals.contains(SealFlags::WRITE | SealFlags::SEAL))
}

fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> std::result::Result<(), Errno> {
    let mut offset = 0;
    loop {
        // The kernel moves at most 2 GiB less a page a call.
        match rustix::fs::sendfile(to, from, Some(&mut offset), 0x7fff_f000) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_sealed_copy_has_the_content_and_cannot_be_written() {
        let sleep = File::open("/bin/true").unwrap();
        let copy = sealed_copy(sleep.as_fd(), "pct-test").unwrap();
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read("/bin/true").unwrap());

        // Opened for writing by name or not: no byte can be changed, added or cut, and the seals stay.
        for options in [File::options().write(true), File::options().read(true).write(true)] {
            if let Ok(again) = options.open(&path) {
                assert_eq!(rustix::io::pwrite(&again, b"x", 0), Err(Errno::PERM));
                assert_eq!(rustix::fs::ftruncate(&again, 1), Err(Errno::PERM));
            }
        }
        assert!(File::options().write(true).truncate(true).open(&path).is_err());
        assert_eq!(rustix::io::pwrite(&copy, b"x", 0), Err(Errno::PERM));
        assert_eq!(rustix::fs::fcntl_add_seals(&copy, SealFlags::FUTURE_WRITE), Err(Errno::PERM));
        assert!(rustix::io::fcntl_getfd(&copy).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read("/bin/true").unwrap());
    }

    #[test]
    fn sealed_bytes_are_read_from_their_start_and_stay() {
        let file = sealed_bytes(b"text", "pct-test").unwrap();
        assert_eq!(std::io::read_to_string(&file).unwrap(), "text");
        assert_eq!(rustix::io::pwrite(&file, b"x", 0), Err(Errno::PERM));
    }

    #[test]
    fn a_running_copy_is_busy_and_sealed() {
        let sleep = File::open("/bin/sleep").unwrap();
        let copy = sealed_copy(sleep.as_fd(), "pct-test").unwrap();
        let mut child = std::process::Command::new(format!("/proc/self/fd/{}", copy.as_raw_fd()))
            .arg("60")
            .spawn()
            .unwrap();
        let exe = format!("/proc/{}/exe", child.id());
        let mut name = std::fs::read_link(&exe).unwrap().into_os_string().into_string().unwrap();
        for _ in 0..200 {
            if name.starts_with("/memfd:pct-test") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            name = std::fs::read_link(&exe).unwrap().into_os_string().into_string().unwrap();
        }
        let opened = File::options().write(true).open(&exe);
        let written = opened.as_ref().map(|f| rustix::io::pwrite(f, b"x", 0));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(name.starts_with("/memfd:pct-test"), "{name}");
        assert!(!matches!(written, Ok(Ok(_))), "the running program was overwritten");
    }

    #[test]
    fn the_test_program_is_no_copy_but_can_be_copied() {
        assert!(!self_is_sealed());
        let mut first = [0; 4];
        let copy = File::from(sealed_self("self").unwrap());
        rustix::io::pread(&copy, &mut first, 0).unwrap();
        assert_eq!(&first, b"\x7fELF");
    }
}
