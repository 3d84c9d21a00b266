//! Sparse files: which parts of a file the archive holds; the rest are holes
//! (GNU tar manual, "Storing Sparse Files").

use super::{
    header::{BadNumber, number},
    input::BLOCK,
};

/// A stretch of a sparse file whose bytes are in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// How many bytes.
    pub(super) len: u64,
}

/// A map of more chunks than this is refused: it is held in memory (16 MiB).
pub(super) const MOST_CHUNKS: usize = 1 << 20;

/// Adds old GNU descriptors to the map. `false`: the map ends here.
pub(super) fn add_slots(map: &mut Vec<Chunk>, slots: &[u8]) -> Result<bool, BadNumber> {
    for slot in slots.chunks_exact(24) {
        let (offset, len) = slot.split_at(12);
        if len[0] == 0 {
            return Ok(false);
        }
        let unsigned = |field| number(field).and_then(|n| u64::try_from(n).map_err(|_| BadNumber));
        map.push(Chunk { offset: unsigned(offset)?, len: unsigned(len)? });
    }
    Ok(true)
}

/// Descriptors in a continuation block, and whether another one follows.
pub(super) fn continuation(block: &[u8; BLOCK]) -> (&[u8], bool) {
    (&block[..504], block[504] != 0)
}

/// The map in front of the data of format 1.0: decimal numbers, each in a line, first how many chunks.
#[derive(Default)]
pub(super) struct MapText {
    number: Option<u64>,
    count: Option<u64>,
    offset: Option<u64>,
    map: Vec<Chunk>,
}

impl MapText {
    /// Takes one block. `Some` when the map is complete; the rest of that block is padding.
    pub(super) fn block(&mut self, block: &[u8; BLOCK]) -> Result<Option<Vec<Chunk>>, &'static str> {
        const BAD: &str = "a malformed sparse map";
        for &byte in block {
            match byte {
                b'0'..=b'9' => {
                    let n = self.number.unwrap_or(0).checked_mul(10);
                    self.number = Some(n.and_then(|n| n.checked_add(u64::from(byte - b'0'))).ok_or(BAD)?);
                }
                b'\n' => self.line().ok_or(BAD)?,
                _ => return Err(BAD),
            }
            if self.count.is_some_and(|count| self.map.len() as u64 == count) {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
            if self.map.len() > MOST_CHUNKS {
                return Err("a sparse map with too many chunks");
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> Option<()> {
        let number = self.number.take()?;
        if self.count.is_none() {
            self.count = Some(number);
        } else if let Some(offset) = self.offset.take() {
            self.map.push(Chunk { offset, len: number });
        } else {
            self.offset = Some(number);
        }
        Some(())
    }
}

/// Checks a map against the size of the file and the bytes the archive holds for it: in order, without
/// overlap, inside the file, and neither more nor less than is there. Only the last chunk may end within a
/// block: GNU tar pads others to blocks, which its sizes do not count, where other programs do not.
pub(super) fn check(map: &[Chunk], real_size: u64, stored: u64) -> Result<(), &'static str> {
    let mut end = 0_u64;
    let mut sum = 0_u64;
    for chunk in map {
        if !sum.is_multiple_of(BLOCK as u64) && chunk.len > 0 {
            return Err("a sparse map with a chunk of odd size before another");
        }
        if chunk.offset < end {
            return Err("a sparse map whose chunks overlap or are out of order");
        }
        end = chunk.offset.checked_add(chunk.len).ok_or("a sparse map beyond all sizes")?;
        sum = sum.checked_add(chunk.len).ok_or("a sparse map beyond all sizes")?;
    }
    if end > real_size {
        return Err("a sparse map beyond the end of its file");
    }
    if sum != stored {
        return Err("a sparse map that does not fit the stored bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(offset: u64, len: u64) -> Chunk {
        Chunk { offset, len }
    }

    #[test]
    fn maps_are_checked() {
        assert_eq!(check(&[chunk(0, 512), chunk(512, 5), chunk(1000, 0)], 1000, 517), Ok(()));
        assert_eq!(check(&[], 1 << 40, 0), Ok(()));
        for (map, size, stored) in [
            (vec![chunk(0, 512), chunk(511, 1)], 1000, 513),
            (vec![chunk(600, 512), chunk(0, 5)], 2000, 517),
            (vec![chunk(0, 513), chunk(513, 5)], 1000, 518),
            (vec![chunk(96, 5)], 100, 5),
            (vec![chunk(0, 5)], 100, 6),
            (vec![chunk(u64::MAX, 2)], 100, 2),
            (vec![chunk(0, u64::MAX), chunk(u64::MAX, 0)], u64::MAX, 3),
        ] {
            assert!(check(&map, size, stored).is_err(), "{map:?}");
        }
    }

    #[test]
    fn a_map_as_text_may_run_over_blocks() {
        let mut text = String::from("100\n");
        for i in 0..100 {
            text += &format!("{}\n512\n", i * 1024);
        }
        let mut bytes = text.into_bytes();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        let mut map = MapText::default();
        let mut blocks = bytes.as_chunks::<BLOCK>().0.iter();
        let done = loop {
            if let Some(done) = map.block(blocks.next().unwrap()).unwrap() {
                break done;
            }
        };
        assert_eq!(blocks.len(), 0);
        assert_eq!((done.len(), done[99]), (100, chunk(99 * 1024, 512)));
        for bad in [&b"1\n\n"[..], b"x", b"99999999999999999999999\n", b"\0", b"1 2"] {
            let mut block = [0; BLOCK];
            block[..bad.len()].copy_from_slice(bad);
            assert!(MapText::default().block(&block).is_err(), "{}", bad.escape_ascii());
        }
        let mut none = [0; BLOCK];
        none[..2].copy_from_slice(b"0\n");
        assert_eq!(MapText::default().block(&none), Ok(Some(vec![])));
    }
}
