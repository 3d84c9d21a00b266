//! Files that hold a file system.

use std::{fs::File, io, os::unix::fs::FileExt};

use rustix::fs::{
    AtFlags, FallocateFlags, IFlags, Mode, OFlags, fallocate, ioctl_getflags, ioctl_setflags, openat,
    unlinkat,
};
use std::os::fd::AsFd;

use super::cfg::Section;
use crate::config::Size;

/// Whether the room of a file is taken from the file system before it is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Preallocation {
    #[default]
    Off,
    /// Reserved, not written.
    Falloc,
    /// Written.
    Full,
}

impl Preallocation {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        match section.get("preallocation") {
            // There is nothing but data in a raw file.
            None | Some("off" | "metadata") => Ok(Self::Off),
            Some("falloc") => Ok(Self::Falloc),
            Some("full") => Ok(Self::Full),
            Some(other) => Err(format!("'preallocation' is off, metadata, falloc or full, not '{other}'")),
        }
    }
}

/// Makes a file that is not there yet.
pub(super) fn create(
    folder: impl AsFd,
    name: &str,
    no_copy_on_write: bool,
    size: Size,
    preallocation: Preallocation,
) -> io::Result<()> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(&folder, name, flags, Mode::from_raw_mode(0o640))?);
    let filled = (|| {
        // It has an effect only as long as the file is empty.
        if no_copy_on_write {
            ioctl_setflags(&file, ioctl_getflags(&file)? | IFlags::NOCOW)?;
        }
        grow(&file, size, preallocation)
    })();
    filled.inspect_err(|_| {
        let _ = unlinkat(&folder, name, AtFlags::empty());
    })
}

/// Makes a file larger; never smaller.
pub(super) fn grow(file: &File, size: Size, preallocation: Preallocation) -> io::Result<()> {
    let from = file.metadata()?.len();
    let Some(more) = size.bytes().checked_sub(from) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is larger already"));
    };
    if more == 0 {
        return Ok(());
    }
    if preallocation == Preallocation::Off {
        return file.set_len(size.bytes());
    }
    let grown =
        fallocate(file, FallocateFlags::empty(), from, more).map_err(io::Error::from).and_then(|()| {
            if preallocation == Preallocation::Full { write_zeros(file, from, size.bytes()) } else { Ok(()) }
        });
    grown.inspect_err(|_| drop(file.set_len(from)))
}

fn write_zeros(file: &File, mut from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    while from < to {
        let left = usize::try_from(to - from).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all_at(&zeros[..left], from)?;
        from += left as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::MetadataExt};

    #[test]
    fn a_file_has_its_room_as_asked_for() {
        let temp = tempfile::tempdir().unwrap();
        let folder = File::open(temp.path()).unwrap();
        let size = Size::from_bytes(3 << 20);
        for (preallocation, full) in
            [(Preallocation::Off, false), (Preallocation::Falloc, true), (Preallocation::Full, true)]
        {
            create(&folder, "a", false, size, preallocation).unwrap();
            let path = temp.path().join("a");
            let file = File::options().write(true).open(&path).unwrap();
            grow(&file, Size::from_bytes(4 << 20), preallocation).unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!(found.len(), 4 << 20);
            assert_eq!(found.blocks() * 512 >= 4 << 20, full, "{preallocation:?}");
            assert!(grow(&file, size, preallocation).is_err(), "it would be smaller");
            assert_eq!(
                create(&folder, "a", false, size, preallocation).unwrap_err().kind(),
                io::ErrorKind::AlreadyExists
            );
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_that_cannot_have_its_size_is_not_left() {
        let temp = tempfile::tempdir().unwrap();
        let folder = File::open(temp.path()).unwrap();
        for preallocation in [Preallocation::Off, Preallocation::Falloc] {
            assert!(create(&folder, "a", false, Size::from_bytes(1 << 62), preallocation).is_err());
            assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        }
    }
}
