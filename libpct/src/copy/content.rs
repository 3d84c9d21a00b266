//! The bytes of one open file into another.

use std::os::fd::BorrowedFd;

use rustix::{
    fs::{self, SeekFrom, Stat},
    io::{self, Errno},
};

use super::{Step, pace::Pace};

/// What is read at once.
pub(super) const BUFFER: usize = 256 << 10;
/// A run of zeros becomes a hole in whole blocks of the usual size.
const BLOCK: usize = 4 << 10;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Why copying goes no further.
#[derive(Debug)]
pub(super) enum Stopped {
    Cancelled,
    Failed(Step, Errno),
}

/// Copies bytes in the best way that the two file systems know.
pub(super) struct Contents<'a> {
    pub(super) pace: Pace<'a>,
    buffer: Box<[u8]>,
    /// Whether a file may share the data of another, as far as has turned out.
    can_clone: bool,
    /// Whether the kernel copies from one to the other.
    can_copy: bool,
}

impl<'a> Contents<'a> {
    pub(super) fn new(pace: Pace<'a>) -> Self {
        Self { pace, buffer: vec![0; BUFFER].into(), can_clone: true, can_copy: true }
    }

    /// Fills an empty file. When the source grows meanwhile the copy has the length of the beginning; when it shrinks, that of then.
    pub(super) fn copy(
        &mut self,
        source: BorrowedFd<'_>,
        target: BorrowedFd<'_>,
        stat: &Stat,
    ) -> Result<(), Stopped> {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size == 0 {
            return Ok(());
        }
        if self.can_clone && self.clone_all(source, target)? {
            return self.pace.shared(allocated(stat));
        }
        let sparse = allocated(stat) < size;
        let (mut at, mut length) = (0, size);
        while at < length {
            let Some((from, to)) = (if sparse { data_after(source, at, size)? } else { Some((at, size)) })
            else {
                break;
            };
            if let Some(end) = self.range(source, target, from, to)? {
                length = end;
            }
            at = to;
        }
        fs::ftruncate(target, length).map_err(|e| Stopped::Failed(Step::Write, e))
    }

    /// Lets the target share all of the source's data; `false` where that is not possible.
    fn clone_all(&mut self, source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<bool, Stopped> {
        match fs::ioctl_ficlone(target, source) {
            Ok(()) => return Ok(true),
            Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::IO)) => return Err(Stopped::Failed(Step::Copy, e)),
            Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::NOTTY) => self.can_clone = false,
            // Only these two cannot: one may have checksums and the other none.
            Err(_) => {}
        }
        Ok(false)
    }

    /// Copies what is from `from` to `to`; if the file ends before, where that is.
    fn range(
        &mut self,
        source: BorrowedFd<'_>,
        target: BorrowedFd<'_>,
        mut from: u64,
        to: u64,
    ) -> Result<Option<u64>, Stopped> {
        let mut by_kernel = self.can_copy;
        while from < to {
            let piece = usize::try_from(to - from).unwrap_or(usize::MAX).min(self.pace.piece());
            if by_kernel {
                let (mut read_at, mut write_at) = (from, from);
                match fs::copy_file_range(source, Some(&mut read_at), target, Some(&mut write_at), piece) {
                    // Perhaps the end; reading will tell.
                    Ok(0) => by_kernel = false,
                    Ok(n) => {
                        from += n as u64;
                        self.pace.moved(n as u64)?;
                        continue;
                    }
                    Err(Errno::INTR | Errno::AGAIN) => continue,
                    Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOSYS) => {
                        self.can_copy = false;
                        by_kernel = false;
                    }
                    Err(Errno::INVAL | Errno::PERM) => by_kernel = false,
                    Err(e) => return Err(Stopped::Failed(Step::Copy, e)),
                }
            }
            let buffer = &mut self.buffer[..piece.min(BUFFER)];
            let n = match io::pread(source, &mut *buffer, from) {
                Ok(0) => return Ok(Some(from)),
                Ok(n) => n,
                Err(Errno::INTR) => continue,
                Err(e) => return Err(Stopped::Failed(Step::Read, e)),
            };
            write_data(target, &buffer[..n], from).map_err(|e| Stopped::Failed(Step::Write, e))?;
            from += n as u64;
            self.pace.moved(n as u64)?;
        }
        Ok(None)
    }
}

/// How many bytes of a file are data, about; a file of which more is allocated has no holes.
pub(super) fn allocated(stat: &Stat) -> u64 {
    let [blocks, size] = [stat.st_blocks, stat.st_size].map(|n| u64::try_from(n).unwrap_or(0));
    blocks.saturating_mul(512).min(size)
}

/// The next piece of data at or behind `at`; `None` when nothing but a hole is left.
fn data_after(file: BorrowedFd<'_>, at: u64, end: u64) -> Result<Option<(u64, u64)>, Stopped> {
    let from = match fs::seek(file, SeekFrom::Data(at)) {
        Ok(from) => from,
        Err(Errno::NXIO) => return Ok(None),
        // This file system does not know holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
        Err(e) => return Err(Stopped::Failed(Step::Read, e)),
    };
    if from >= end {
        return Ok(None);
    }
    match fs::seek(file, SeekFrom::Hole(from)) {
        // It can be a hole by now; go on all the same.
        Ok(to) => Ok(Some((from, to.max(from + BLOCK as u64).min(end)))),
        Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some((from, end))),
        Err(e) => Err(Stopped::Failed(Step::Read, e)),
    }
}

/// Writes all blocks that are not only zeros.
pub(super) fn write_data(target: BorrowedFd<'_>, data: &[u8], at: u64) -> rustix::io::Result<()> {
    let is_hole = |block: &[u8]| block == &ZEROS[..block.len()];
    let mut blocks = data.chunks(BLOCK).enumerate().peekable();
    while let Some((first, block)) = blocks.next() {
        if is_hole(block) {
            continue;
        }
        let start = first * BLOCK;
        let mut end = start + block.len();
        while let Some((_, block)) = blocks.next_if(|(_, block)| !is_hole(block)) {
            end += block.len();
        }
        write_all(target, &data[start..end], at + start as u64)?;
    }
    Ok(())
}

/// Writes all of it.
pub(super) fn write_all(target: BorrowedFd<'_>, mut data: &[u8], mut at: u64) -> rustix::io::Result<()> {
    while !data.is_empty() {
        match io::pwrite(target, data, at) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(n) => {
                data = &data[n..];
                at += n as u64;
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
