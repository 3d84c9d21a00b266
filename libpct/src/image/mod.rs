//! Turns a template archive into a root file system, inside the process that calls.
//!
//! The caller has already entered the container's user namespace, so that the ids in the archive are
//! applied as they are, or is plain root for a privileged container. The result is that of GNU tar with
//! `--numeric-owner --sparse --acls --xattrs --skip-old-files` (spec: cli, part 6.5b), with these
//! differences: a member that would leave the root is an error and not skipped; a device node without
//! the right to make it is counted and left out; a directory that had to be made before the archive
//! mentions it gets the owner, mode and time that the archive states later.
//!
//! From the bytes to the files: `compression` -> `input` -> `header`, `pax`, `sparse` -> `reader` (which
//! gives [`member::Member`]s) -> `extract` over `tree`.

mod acl;
mod compression;
mod error;
mod extract;
mod header;
mod input;
mod member;
mod names;
mod pax;
mod reader;
mod sparse;
mod tree;

#[cfg(test)]
mod tests;

use std::{
    io::{self, Read},
    os::fd::BorrowedFd,
    sync::{atomic::AtomicU64, mpsc},
    thread,
};

pub(crate) use compression::Compression;
pub(crate) use error::Error;
use extract::Unpacker;
use input::{AHEAD, Counted, Direct, Input, Piped, decode};
use reader::Reader;

/// How to unpack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Make device nodes, as only real root can. Without it they are counted and left out.
    pub devices: bool,
    /// Turn errors into warnings: a member that fails is passed over, a damaged archive ends where the
    /// damage begins.
    pub ignore_errors: bool,
    /// Leave out what is below `./dev`, which every container gets afresh. `./dev` itself is made.
    pub skip_dev: bool,
    /// Give the root what the archive says of it. Without it the root stays as it is, as everything that is there already.
    pub with_root: bool,
    /// How many bytes the archive may make the decompressor allocate. The default, 256 MiB, is enough for
    /// `xz -9` and for `zstd` without `--long`.
    pub decoder_memory: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            devices: false,
            ignore_errors: false,
            skip_dev: true,
            with_root: false,
            decoder_memory: 256 << 20,
        }
    }
}

/// What was unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct Summary {
    /// Members of the archive, those included that were left out.
    pub entries: u64,
    /// Bytes written into files; holes do not count.
    pub bytes: u64,
    /// Device nodes left out.
    pub skipped_devices: u64,
    /// What was not restored though it is no reason to stop: at most about a hundred sentences.
    pub warnings: Vec<String>,
}

/// Unpacks `archive` below the directory `root`. What is there already stays as it is, directories merge.
///
/// Nothing outside of `root` is read or written, whatever the archive says: names are resolved by
/// `openat2(2)` beneath it, links that lead out are errors. Mounts below the root are entered.
///
/// `progress` is told how many bytes of the compressed archive have been read, from time to time and at
/// the end. Compressed archives are decompressed in a second thread that has ended when this returns;
/// after an error that may last until the next bytes arrive, if `archive` is a pipe.
///
/// # Errors
/// At the first error, unless [`Options::ignore_errors`]; what was unpacked until then stays, and its
/// directories are not finished.
pub(crate) fn unpack(
    archive: impl Read + Send,
    compression: Compression,
    root: BorrowedFd<'_>,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, Error> {
    let count = AtomicU64::new(0);
    let counted = Counted { inner: archive, count: &count };
    if compression == Compression::None {
        let input = Input::new(Direct(counted), &count, progress);
        return Unpacker::new(Reader::new(input, false), root, options).run();
    }
    let decoder = compression.decoder(counted, options.decoder_memory).map_err(Error::Decoder)?;
    thread::scope(|scope| {
        let (full_sender, full) = mpsc::sync_channel(AHEAD);
        let (used, used_receiver) = mpsc::channel();
        let worker = thread::Builder::new()
            .name("decompress".to_owned())
            .spawn_scoped(scope, move || decode(decoder, &full_sender, &used_receiver))
            .map_err(Error::Decoder)?;
        let input = Input::new(Piped { full, used }, &count, progress);
        let result = Unpacker::new(Reader::new(input, true), root, options).run();
        // The unpacker is gone, and with it the other end: the worker stops.
        match worker.join() {
            Ok(()) => result,
            Err(_) => Err(Error::Decoder(io::Error::other("the decompressor failed unexpectedly"))),
        }
    })
}
