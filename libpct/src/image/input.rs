//! The uncompressed bytes of an archive, in large pieces, with the position in them.

use std::{
    io::{self, Read},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, SyncSender},
    },
};

use super::Error;

/// Size of the pieces. Large enough that most files of a distribution are one `write`.
const PIECE: usize = 256 * 1024;
/// How many pieces the decoder may be ahead.
pub(super) const AHEAD: usize = 4;
/// The unit of a tar archive.
pub(super) const BLOCK: usize = 512;

/// Counts what is taken from the compressed file, for the progress.
pub(super) struct Counted<'a, R> {
    pub(super) inner: R,
    pub(super) count: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Where the pieces come from.
pub(super) trait Pieces {
    /// Replaces `piece` by the next one; an empty one is the end.
    fn next(&mut self, piece: &mut Vec<u8>) -> io::Result<()>;
}

/// Pieces read in the calling thread.
pub(super) struct Direct<R>(pub(super) R);

impl<R: Read> Pieces for Direct<R> {
    fn next(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        piece.resize(PIECE, 0);
        let mut filled = 0;
        // Decoders like to return little: fill up.
        while filled < PIECE {
            match self.0.read(&mut piece[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    piece.clear();
                    return Err(e);
                }
            }
        }
        piece.truncate(filled);
        Ok(())
    }
}

/// Pieces that a decoder thread sends; it gets the used ones back.
pub(super) struct Piped {
    pub(super) full: Receiver<io::Result<Vec<u8>>>,
    pub(super) used: Sender<Vec<u8>>,
}

impl Pieces for Piped {
    fn next(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        // The sender may be gone already after its last piece.
        let _ = self.used.send(std::mem::take(piece));
        *piece = self.full.recv().unwrap_or_else(|_| Err(io::Error::other("the decompressor is gone")))?;
        Ok(())
    }
}

/// The body of the decoder thread: ends at the end, at an error, or when the other side is gone.
pub(super) fn decode(decoder: impl Read, full: &SyncSender<io::Result<Vec<u8>>>, used: &Receiver<Vec<u8>>) {
    let mut direct = Direct(decoder);
    loop {
        let mut piece = used.try_recv().unwrap_or_default();
        let result = direct.next(&mut piece).map(|()| piece);
        let last = !matches!(&result, Ok(piece) if !piece.is_empty());
        if full.send(result).is_err() || last {
            return;
        }
    }
}

/// The archive as a stream of bytes.
pub(super) struct Input<'a> {
    pieces: Box<dyn Pieces + 'a>,
    piece: Vec<u8>,
    pos: usize,
    offset: u64,
    ended: bool,
    count: &'a AtomicU64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Input<'a> {
    pub(super) fn new(
        pieces: impl Pieces + 'a,
        count: &'a AtomicU64,
        progress: &'a mut dyn FnMut(u64),
    ) -> Self {
        let pieces = Box::new(pieces);
        Self { pieces, piece: Vec::new(), pos: 0, offset: 0, ended: false, count, progress }
    }

    /// How many bytes were consumed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is there without consuming it; empty at the end only.
    pub(super) fn peek(&mut self) -> Result<&[u8], Error> {
        if self.pos == self.piece.len() && !self.ended {
            self.pos = 0;
            let result = self.pieces.next(&mut self.piece);
            self.ended = result.is_err() || self.piece.is_empty();
            (self.progress)(self.count.load(Ordering::Relaxed));
            if let Err(source) = result {
                self.piece.clear();
                let offset = self.offset;
                return Err(match source.kind() {
                    io::ErrorKind::UnexpectedEof => Error::UnexpectedEnd { offset },
                    _ => Error::Read { offset, source },
                });
            }
        }
        Ok(&self.piece[self.pos..])
    }

    /// Consumes `n` bytes of what [`Input::peek`] returned.
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(self.piece.len() - self.pos);
        self.pos += n;
        self.offset += n as u64;
    }

    /// Consumes `n` bytes unseen.
    pub(super) fn skip(&mut self, mut n: u64) -> Result<(), Error> {
        while n > 0 {
            let there = self.peek()?.len();
            if there == 0 {
                return Err(Error::UnexpectedEnd { offset: self.offset });
            }
            let step = usize::try_from(n).map_or(there, |n| n.min(there));
            self.consume(step);
            n -= step as u64;
        }
        Ok(())
    }

    /// Appends `n` bytes to `out`. What is allocated is what is really there.
    pub(super) fn append(&mut self, mut n: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        while n > 0 {
            let there = self.peek()?;
            if there.is_empty() {
                return Err(Error::UnexpectedEnd { offset: self.offset });
            }
            let step = n.min(there.len());
            out.extend_from_slice(&there[..step]);
            self.consume(step);
            n -= step;
        }
        Ok(())
    }

    /// The next block, `None` at the end.
    pub(super) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        if let Some(block) = self.peek()?.first_chunk::<BLOCK>() {
            let block = *block;
            self.consume(BLOCK);
            return Ok(Some(block));
        }
        if self.peek()?.is_empty() {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(BLOCK);
        self.append(BLOCK, &mut bytes)?;
        let mut block = [0; BLOCK];
        block.copy_from_slice(&bytes);
        Ok(Some(block))
    }

    /// Consumes everything up to the end: the checksum of a compressed stream is only looked at there,
    /// and a writer into our pipe is not killed.
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        loop {
            let there = self.peek()?.len();
            if there == 0 {
                return Ok(());
            }
            self.consume(there);
        }
    }
}
