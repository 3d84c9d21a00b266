//! PAX extended headers: the records that override or add to the fixed header fields
//! (POSIX pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files"; star(5) for `SCHILY.*`).

use super::sparse::Chunk;

/// A moment: seconds since 1970 and nanoseconds (0 to 999 999 999).
pub(super) type Moment = (i64, u32);

/// What the extended headers of one member say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<i64>,
    pub(super) gid: Option<i64>,
    pub(super) mtime: Option<Moment>,
    pub(super) device_major: Option<u32>,
    pub(super) device_minor: Option<u32>,
    /// Only the names that are restored, each once.
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Text form.
    pub(super) acl_access: Option<Vec<u8>>,
    pub(super) acl_default: Option<Vec<u8>>,
    pub(super) sparse: SparseRecords,
}

/// The records of GNU's three sparse formats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SparseRecords {
    pub(super) version: Option<(u64, u64)>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    /// Formats 0.0 and 0.1; 1.0 has its map before the data.
    pub(super) map: Option<Vec<Chunk>>,
    /// Format 0.0: the offset whose length has yet to come.
    open_offset: Option<u64>,
}

type Outcome = Result<(), &'static str>;

impl Pax {
    /// Adds the records of one header of type `x`; later records win over earlier ones.
    pub(super) fn add(&mut self, records: &[u8]) -> Outcome {
        for_each(records, |key, value| self.record(key, value))
    }

    /// Adds a global header (type `g`). It sets defaults for all members that follow. What can only be
    /// true of one member is refused there: programs disagree about what it means, and the difference
    /// has been used to hide members.
    pub(super) fn add_global(&mut self, records: &[u8]) -> Outcome {
        for_each(records, |key, value| match key {
            b"uid" | b"gid" | b"mtime" => self.record(key, value),
            b"path" | b"linkpath" | b"size" => Err("a global header sets a property of a single member"),
            _ if key.starts_with(b"GNU.sparse.") || key.starts_with(b"SCHILY.") => {
                Err("a global header sets a property of a single member")
            }
            _ => Ok(()),
        })
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Outcome {
        // An empty value takes a record back.
        let text = || (!value.is_empty()).then(|| value.to_vec());
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.link = text(),
            b"size" => self.size = optional(value, unsigned)?,
            b"uid" => self.uid = optional(value, signed)?,
            b"gid" => self.gid = optional(value, signed)?,
            b"mtime" => self.mtime = optional(value, moment)?,
            b"SCHILY.devmajor" => self.device_major = optional(value, device)?,
            b"SCHILY.devminor" => self.device_minor = optional(value, device)?,
            b"SCHILY.acl.access" => self.acl_access = text(),
            b"SCHILY.acl.default" => self.acl_default = text(),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattr(&decode_name(name), value);
                } else if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    return self.sparse.record(key, value);
                }
            }
        }
        Ok(())
    }

    fn xattr(&mut self, name: &[u8], value: &[u8]) {
        if name != b"security.capability" && !name.starts_with(b"user.") {
            return;
        }
        match self.xattrs.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value.to_vec(),
            None => self.xattrs.push((name.to_vec(), value.to_vec())),
        }
    }
}

impl SparseRecords {
    fn record(&mut self, key: &[u8], value: &[u8]) -> Outcome {
        match key {
            b"major" => self.version = Some((unsigned(value)?, self.version.map_or(0, |v| v.1))),
            b"minor" => self.version = Some((self.version.map_or(0, |v| v.0), unsigned(value)?)),
            b"name" => self.name = (!value.is_empty()).then(|| value.to_vec()),
            b"size" | b"realsize" => self.real_size = Some(unsigned(value)?),
            b"map" => {
                let mut numbers = value.split(|&b| b == b',').filter(|n| !n.is_empty());
                let mut map = Vec::new();
                while let Some(offset) = numbers.next() {
                    let len = numbers.next().ok_or("a sparse map with an odd count of numbers")?;
                    map.push(Chunk { offset: unsigned(offset)?, len: unsigned(len)? });
                }
                self.map = Some(map);
            }
            b"numblocks" => self.map = Some(self.map.take().unwrap_or_default()),
            b"offset" => self.open_offset = Some(unsigned(value)?),
            b"numbytes" => {
                let offset = self.open_offset.take().ok_or("a sparse length without its offset")?;
                let len = unsigned(value)?;
                self.map.get_or_insert_default().push(Chunk { offset, len });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Cuts `length SP key=value LF` records.
fn for_each(mut records: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Outcome) -> Outcome {
    const BAD: &str = "an extended header with a malformed record";
    while !records.is_empty() {
        // Some writers pad with NULs.
        if records.iter().all(|&b| b == 0) {
            break;
        }
        let space = records.iter().take(20).position(|&b| b == b' ').ok_or(BAD)?;
        let len = usize::try_from(unsigned(&records[..space]).map_err(|_| BAD)?).map_err(|_| BAD)?;
        if len <= space + 1 || len > records.len() || records[len - 1] != b'\n' {
            return Err(BAD);
        }
        let body = &records[space + 1..len - 1];
        let equals = body.iter().position(|&b| b == b'=').ok_or(BAD)?;
        each(&body[..equals], &body[equals + 1..])?;
        records = &records[len..];
    }
    Ok(())
}

fn optional<T>(value: &[u8], parse: fn(&[u8]) -> Result<T, &'static str>) -> Result<Option<T>, &'static str> {
    if value.is_empty() { Ok(None) } else { parse(value).map(Some) }
}

/// Decimal digits only: no sign, no blanks.
pub(super) fn unsigned(value: &[u8]) -> Result<u64, &'static str> {
    const BAD: &str = "an extended header with a malformed number";
    if value.is_empty() {
        return Err(BAD);
    }
    value.iter().try_fold(0_u64, |n, &b| match b {
        b'0'..=b'9' => n.checked_mul(10).and_then(|n| n.checked_add(u64::from(b - b'0'))).ok_or(BAD),
        _ => Err(BAD),
    })
}

fn signed(value: &[u8]) -> Result<i64, &'static str> {
    const BAD: &str = "an extended header with a number that is too large";
    match value.strip_prefix(b"-") {
        Some(digits) => {
            i64::try_from(unsigned(digits)?).map_err(|_| BAD).and_then(|n| n.checked_neg().ok_or(BAD))
        }
        None => i64::try_from(unsigned(value)?).map_err(|_| BAD),
    }
}

fn device(value: &[u8]) -> Result<u32, &'static str> {
    u32::try_from(unsigned(value)?).map_err(|_| "an extended header with a bad device number")
}

/// `[-]seconds[.fraction]`, of any precision.
fn moment(value: &[u8]) -> Result<Moment, &'static str> {
    const BAD: &str = "an extended header with a malformed time";
    let (whole, fraction) = match value.iter().position(|&b| b == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &[][..]),
    };
    let seconds = signed(whole).map_err(|_| BAD)?;
    let mut nanos = 0_u32;
    for i in 0..9 {
        let digit = match fraction.get(i) {
            Some(b @ b'0'..=b'9') => u32::from(b - b'0'),
            Some(_) => return Err(BAD),
            None => 0,
        };
        nanos = nanos * 10 + digit;
    }
    if whole.starts_with(b"-") && nanos > 0 {
        return Ok((seconds.checked_sub(1).ok_or(BAD)?, 1_000_000_000 - nanos));
    }
    Ok((seconds, nanos))
}

/// GNU tar writes `=` in the name of an attribute as `%3D`, and so `%` as `%25`.
fn decode_name(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, used) = match rest {
            [b'%', b'3', b'D', ..] => (b'=', 3),
            [b'%', b'2', b'5', ..] => (b'%', 3),
            _ => (first, 1),
        };
        out.push(byte);
        rest = if used == 1 { tail } else { &rest[used..] };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(records: &[u8]) -> Result<Pax, &'static str> {
        let mut pax = Pax::default();
        pax.add(records).map(|()| pax)
    }

    #[test]
    fn records_are_read() {
        let record = |key: &str, value: &[u8]| {
            let body = key.len() + value.len() + 3;
            let mut len = body + 1;
            while len != body + len.to_string().len() {
                len = body + len.to_string().len();
            }
            [len.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
        };
        let all = [
            record("path", b"a=b"),
            record("uid", b"100000"),
            record("mtime", b"1.5000000009"),
            record("SCHILY.xattr.user.a%3Db%25", b"\0\n"),
            record("SCHILY.xattr.trusted.x", b"1"),
            record("SCHILY.xattr.security.capability", b"cap"),
            record("SCHILY.xattr.user.e", b""),
            record("comment", b"nothing"),
        ]
        .concat();
        let pax = parse(&all).unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a=b"[..]));
        assert_eq!(pax.uid, Some(100_000));
        assert_eq!(pax.mtime, Some((1, 500_000_000)));
        assert_eq!(
            pax.xattrs,
            [
                (b"user.a=b%".to_vec(), b"\0\n".to_vec()),
                (b"security.capability".to_vec(), b"cap".to_vec()),
                (b"user.e".to_vec(), vec![])
            ]
        );
        let back = parse(&[record("path", b"x"), record("path", b""), record("size", b"")].concat()).unwrap();
        assert_eq!((back.path, back.size), (None, None));
    }

    #[test]
    fn malformed_records_are_errors() {
        for bad in [
            &b"7 a=b\n"[..],
            b"5 a=b\n",
            b"6 a b\n\n",
            b"99 a=b\n",
            b"99999999999999999999999 a=b\n",
            b"x a=b\n",
            b"-6 a=b\n",
            b"0 a=b\n",
            b"2 a=b\n",
            b"a=b\n",
            b"9 uid=x1\n",
            b"10 size=-1\n",
            b"29 size=99999999999999999999\n",
            b"12 mtime=1.x\n",
            b"24 GNU.sparse.map=1,2,3\n",
            b"25 GNU.sparse.numbytes=1\n",
        ] {
            assert!(parse(bad).is_err(), "{}", bad.escape_ascii());
        }
        assert_eq!(parse(b"6 a=b\n\0\0\0"), Ok(Pax::default()));
        assert!(Pax::default().add_global(b"10 path=a\n").is_err());
        assert!(Pax::default().add_global(b"10 size=5\n").is_err());
        assert!(Pax::default().add_global(b"14 comment=ab\n").is_ok());
    }

    #[test]
    fn times_before_1970_have_positive_nanoseconds() {
        assert_eq!(moment(b"-1.25"), Ok((-2, 750_000_000)));
        assert_eq!(moment(b"-0.5"), Ok((-1, 500_000_000)));
        assert_eq!(moment(b"-3"), Ok((-3, 0)));
        assert_eq!(moment(b"7."), Ok((7, 0)));
    }
}
