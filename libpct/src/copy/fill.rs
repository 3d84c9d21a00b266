//! The bytes of a stream into a file or device.

use std::{
    io::{ErrorKind, Read},
    os::fd::BorrowedFd,
    path::Path,
};

use rustix::{fs, io::Errno};

use super::{
    Error, Step, Watch,
    content::{BUFFER, write_all, write_data},
    error::shown,
    pace::Pace,
};

/// Fills the first `length` bytes of a file or block device from a stream, and makes sure that they are on the disk. One that is
/// `blank` holds nothing but zeros, and keeps them where the stream has some, as holes. Returns how many bytes there were: fewer
/// when the stream has ended before.
///
/// # Errors
/// When the stream or the kernel refuses, or when `watch` asks to stop. `name` is how an error calls the target.
pub fn fill(
    stream: &mut dyn Read,
    target: BorrowedFd<'_>,
    name: &Path,
    length: u64,
    blank: bool,
    watch: Watch<'_>,
) -> Result<u64, Error> {
    use std::os::unix::ffi::OsStrExt;
    let failed = |step, source| Error::Io { step, path: shown(name.as_os_str().as_bytes()), source };
    let mut pace = Pace::new(None, length, watch);
    let mut buffer = vec![0; BUFFER];
    let mut at = 0;
    while at < length {
        let most = usize::try_from(length - at).unwrap_or(BUFFER).min(BUFFER);
        let read = match stream.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(failed(Step::Read, e)),
        };
        let write = if blank { write_data } else { write_all };
        write(target, &buffer[..read], at).map_err(|errno| failed(Step::Write, errno.into()))?;
        at += read as u64;
        pace.moved(read as u64).map_err(|_| Error::Cancelled)?;
    }
    match fs::fsync(target) {
        // Of what has no disk.
        Ok(()) | Err(Errno::INVAL) => Ok(pace.end()),
        Err(errno) => Err(failed(Step::Sync, errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::{io, ops::ControlFlow, os::fd::AsFd, os::unix::fs::MetadataExt};

    use super::*;

    /// Gives a few bytes at a time, as pipes do.
    struct Slow<R>(R);

    impl<R: Read> Read for Slow<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(5000);
            self.0.read(&mut buffer[..most])
        }
    }

    fn go(_: u64, _: Option<u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn zeros_stay_holes_in_what_is_blank_and_are_written_elsewhere() {
        let mut data = vec![0; 4 << 20];
        data[1_000_000..1_010_000].fill(7);
        for blank in [true, false] {
            let file = tempfile::tempfile_in("/var/tmp").unwrap();
            if blank {
                file.set_len(data.len() as u64).unwrap();
            } else {
                io::copy(&mut io::repeat(9).take(data.len() as u64), &mut &file).unwrap();
            }
            let mut stream = Slow(&data[..]);
            let length = data.len() as u64;
            let filled = fill(&mut stream, file.as_fd(), Path::new("disk"), length, blank, &mut go);
            assert_eq!(filled.unwrap(), length);
            let mut found = vec![1; data.len()];
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut found, 0).unwrap();
            assert!(found == data);
            let used = file.metadata().unwrap().blocks() * 512;
            assert_eq!(used < 1 << 20, blank, "{used}");
        }
    }

    #[test]
    fn no_more_than_the_length_is_taken_and_less_is_told() {
        let file = tempfile::tempfile().unwrap();
        let mut stream = &b"0123456789"[..];
        let mut fill = |length| fill(&mut stream, file.as_fd(), Path::new("disk"), length, true, &mut go);
        assert_eq!(fill(4).unwrap(), 4);
        assert_eq!(fill(10).unwrap(), 6);
    }
}
