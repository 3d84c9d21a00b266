//! Cuts an archive into members. Written here and not taken from a crate because the `tar` crate reads
//! neither PAX sparse files nor says where a damaged header is, and because a reader of untrusted input
//! must be strict where programs disagree about what an archive holds (spec: users, part 3.5).

use super::{
    Error,
    header::Header,
    input::{BLOCK, Input},
    member::{Kind, LongNames, Member},
    pax::{Pax, SparseRecords},
    sparse::{self, Chunk, MapText},
};

/// All extended headers of one member together may have this many bytes.
const MOST_EXTENDED: u64 = 1 << 20;
/// The longest name (PATH_MAX, which counts the final NUL).
pub(super) const MOST_NAME: usize = 4096;

/// An archive on its way through.
pub(super) struct Reader<'a> {
    input: Input<'a>,
    /// Data of the current member not yet consumed, and the padding behind it.
    data: u64,
    padding: u64,
    /// What global extended headers said up to now.
    globals: Pax,
    /// The archive came through a decoder that tells a cut stream from a whole one.
    whole: bool,
    lone_zero_block: Option<u64>,
    marker_missing: bool,
}

impl<'a> Reader<'a> {
    /// `whole`: a cut archive is noticed below, so that one without an end marker may be believed.
    pub(super) fn new(input: Input<'a>, whole: bool) -> Self {
        let globals = Pax::default();
        Self { input, data: 0, padding: 0, globals, whole, lone_zero_block: None, marker_missing: false }
    }

    /// What was odd about the end of the archive, once it is reached.
    pub(super) fn oddity(&self) -> Option<String> {
        if self.marker_missing {
            return Some("the archive has no end marker".to_owned());
        }
        self.lone_zero_block.map(|at| format!("the archive has a lone zero block at byte {at}"))
    }

    /// The next member; what was left of the data of the one before is skipped. `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Member>, Error> {
        self.input.skip(self.data)?;
        self.data = 0;
        self.input.skip(self.padding)?;
        self.padding = 0;

        let mut long = LongNames::default();
        let mut pax = self.globals.clone();
        let mut extended = 0_u64;
        loop {
            let offset = self.input.offset();
            let malformed = |what| Error::Malformed { offset, what };
            let Some(block) = self.input.block()? else {
                if self.whole && extended == 0 && offset > 0 {
                    self.marker_missing = true;
                    return Ok(None);
                }
                return Err(Error::UnexpectedEnd { offset });
            };
            if block == [0; BLOCK] {
                if extended > 0 {
                    return Err(malformed("an extended header at the end of the archive"));
                }
                if self.input.block()?.is_some_and(|second| second != [0; BLOCK]) {
                    self.lone_zero_block = Some(offset);
                }
                self.input.drain()?;
                return Ok(None);
            }
            let header = Header::new(&block).ok_or(Error::Checksum { offset })?;
            let kind = header.kind();
            if !matches!(kind, b'L' | b'K' | b'x' | b'X' | b'g') {
                return self.member(offset, &header, long, pax).map(Some);
            }
            // The size is the header's own: a PAX size belongs to the member, not to what stands between.
            let size = header.size().map_err(|_| malformed("a bad size"))?;
            extended = extended.saturating_add(size.max(1));
            if extended > MOST_EXTENDED {
                return Err(malformed("an extended header that is too large"));
            }
            let mut bytes = Vec::new();
            self.input.append(usize::try_from(size).unwrap_or(usize::MAX), &mut bytes)?;
            self.input.skip(padding(size))?;
            match kind {
                b'L' => long.path = Some(long_name(bytes, offset)?),
                b'K' => long.link = Some(long_name(bytes, offset)?),
                b'g' => {
                    self.globals.add_global(&bytes).map_err(malformed)?;
                    pax.add_global(&bytes).map_err(malformed)?;
                }
                _ => pax.add(&bytes).map_err(malformed)?,
            }
        }
    }

    fn member(
        &mut self,
        offset: u64,
        header: &Header<'_>,
        long: LongNames,
        mut pax: Pax,
    ) -> Result<Member, Error> {
        let records = std::mem::take(&mut pax.sparse);
        pax.sparse.name.clone_from(&records.name);
        let mut member = Member::new(offset, header, long, pax)?;
        self.data = member.stored;
        self.padding = padding(member.stored);
        if member.kind != Kind::File && records != SparseRecords::default() {
            // GNU tar would take it for a file all the same.
            return Err(Error::Malformed { offset, what: "a sparse map of something that is no file" });
        }
        if member.kind == Kind::File {
            if header.kind() == b'S' {
                self.old_gnu_map(header, &mut member)?;
            } else if records != SparseRecords::default() {
                self.pax_map(records, &mut member)?;
            }
            if let Some(map) = &member.sparse {
                let fits = i64::try_from(member.size).is_ok();
                let checked =
                    if fits { sparse::check(map, member.size, self.data) } else { Err("a bad size") };
                checked.map_err(|what| Error::Malformed { offset, what })?;
            }
        }
        Ok(member)
    }

    /// Descriptors in the header, then in blocks between it and the data, which the size does not count.
    fn old_gnu_map(&mut self, header: &Header<'_>, member: &mut Member) -> Result<(), Error> {
        let offset = member.offset;
        let malformed = |what| Error::Malformed { offset, what };
        let mut map = Vec::new();
        let mut open = sparse::add_slots(&mut map, header.sparse_slots())
            .map_err(|_| malformed("a malformed sparse map"))?;
        let mut more = header.sparse_continues();
        while more {
            let Some(block) = self.input.block()? else {
                return Err(Error::UnexpectedEnd { offset: self.input.offset() });
            };
            let (slots, next) = sparse::continuation(&block);
            if open {
                open = sparse::add_slots(&mut map, slots).map_err(|_| malformed("a malformed sparse map"))?;
            }
            if map.len() > sparse::MOST_CHUNKS {
                return Err(malformed("a sparse map with too many chunks"));
            }
            more = next;
        }
        member.size = header.sparse_size().map_err(|_| malformed("a bad size"))?;
        member.sparse = Some(map);
        Ok(())
    }

    fn pax_map(&mut self, records: SparseRecords, member: &mut Member) -> Result<(), Error> {
        let offset = member.offset;
        let malformed = |what| Error::Malformed { offset, what };
        let map: Vec<Chunk> = match (records.version.unwrap_or((0, 0)), records.map) {
            ((1, 0), _) => {
                let mut text = MapText::default();
                loop {
                    if self.data < BLOCK as u64 {
                        return Err(malformed("a sparse map that does not fit the stored bytes"));
                    }
                    let Some(block) = self.input.block()? else {
                        return Err(Error::UnexpectedEnd { offset: self.input.offset() });
                    };
                    self.data -= BLOCK as u64;
                    if let Some(map) = text.block(&block).map_err(malformed)? {
                        break map;
                    }
                }
            }
            ((0, _), Some(map)) => map,
            // The name or size alone do not make a file sparse.
            ((0, _), None) => return Ok(()),
            _ => return Err(malformed("a sparse format that is not known")),
        };
        member.size = records.real_size.ok_or(malformed("a sparse file without its size"))?;
        member.sparse = Some(map);
        Ok(())
    }

    /// The next piece of the member's data, at most `most` bytes; empty only if there is none left.
    pub(super) fn peek(&mut self, most: u64) -> Result<&[u8], Error> {
        let most = most.min(self.data);
        if most == 0 {
            return Ok(&[]);
        }
        let offset = self.input.offset();
        let there = self.input.peek()?;
        if there.is_empty() {
            return Err(Error::UnexpectedEnd { offset });
        }
        Ok(&there[..usize::try_from(most).map_or(there.len(), |most| most.min(there.len()))])
    }

    /// Consumes `n` bytes of what [`Reader::peek`] returned.
    pub(super) fn consume(&mut self, n: usize) {
        self.data = self.data.saturating_sub(n as u64);
        self.input.consume(n);
    }
}

/// Members are padded to whole blocks.
fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

fn long_name(mut bytes: Vec<u8>, offset: u64) -> Result<Vec<u8>, Error> {
    // All writers end it with a NUL; without one GNU tar reads on behind the data.
    let end = bytes.iter().position(|&b| b == 0);
    bytes.truncate(end.ok_or(Error::Malformed { offset, what: "a long name without its end" })?);
    if bytes.len() >= MOST_NAME {
        return Err(Error::Malformed { offset, what: "a name that is too long" });
    }
    Ok(bytes)
}
