//! One header block: the fixed fields of v7, ustar, GNU and star archives
//! (POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").

use super::input::BLOCK;

/// Which dialect a header is written in; they differ behind byte 345.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    V7,
    Posix,
    Gnu,
    Star,
}

/// A header block whose checksum is right.
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

/// A number that is neither octal text nor base-256.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadNumber;

impl<'a> Header<'a> {
    /// Checks the checksum. Old programs summed signed bytes: that is right as well.
    pub(super) fn new(block: &'a [u8; BLOCK]) -> Option<Self> {
        let stored = number(&block[148..156]).ok()?;
        let byte = |(i, &b): (usize, &u8)| if (148..156).contains(&i) { b' ' } else { b };
        let unsigned: i64 = block.iter().enumerate().map(|x| i64::from(byte(x))).sum();
        let signed: i64 = block.iter().enumerate().map(|x| i64::from(byte(x).cast_signed())).sum();
        (stored == unsigned || stored == signed).then_some(Self(block))
    }

    fn dialect(&self) -> Dialect {
        match (&self.0[257..263], &self.0[508..512]) {
            (b"ustar\0", b"tar\0") => Dialect::Star,
            (b"ustar\0", _) => Dialect::Posix,
            (b"ustar ", _) => Dialect::Gnu,
            _ => Dialect::V7,
        }
    }

    /// The type flag.
    pub(super) fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The whole name, prefix included.
    pub(super) fn path(&self) -> Vec<u8> {
        let prefix = match self.dialect() {
            Dialect::Posix => text(&self.0[345..500]),
            Dialect::Star => text(&self.0[345..476]),
            Dialect::Gnu | Dialect::V7 => &[],
        };
        let name = text(&self.0[..100]);
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// The target of a link.
    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    pub(super) fn mode(&self) -> Result<i64, BadNumber> {
        number(&self.0[100..108])
    }

    pub(super) fn uid(&self) -> Result<i64, BadNumber> {
        number(&self.0[108..116])
    }

    pub(super) fn gid(&self) -> Result<i64, BadNumber> {
        number(&self.0[116..124])
    }

    /// Bytes of data behind the header.
    pub(super) fn size(&self) -> Result<u64, BadNumber> {
        number(&self.0[124..136]).and_then(|n| u64::try_from(n).map_err(|_| BadNumber))
    }

    /// Seconds since 1970.
    pub(super) fn mtime(&self) -> Result<i64, BadNumber> {
        number(&self.0[136..148])
    }

    /// Major and minor number of a device; version 7 has none.
    pub(super) fn device(&self) -> Result<(u32, u32), BadNumber> {
        if self.dialect() == Dialect::V7 {
            return Ok((0, 0));
        }
        let part = |field| number(field).and_then(|n| u32::try_from(n).map_err(|_| BadNumber));
        Ok((part(&self.0[329..337])?, part(&self.0[337..345])?))
    }

    /// The four sparse descriptors of GNU's old sparse format, 24 bytes each.
    pub(super) fn sparse_slots(&self) -> &'a [u8] {
        &self.0[386..482]
    }

    /// Whether blocks with more descriptors follow.
    pub(super) fn sparse_continues(&self) -> bool {
        self.0[482] != 0
    }

    /// The real size of an old GNU sparse file.
    pub(super) fn sparse_size(&self) -> Result<u64, BadNumber> {
        number(&self.0[483..495]).and_then(|n| u64::try_from(n).map_err(|_| BadNumber))
    }
}

/// A text field: up to the first NUL, or all of it.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or_default()
}

/// A numeric field: octal text up to a blank or NUL (empty is 0; old programs left rubbish behind it), or
/// base-256 in two's complement when the top bit is set.
pub(super) fn number(field: &[u8]) -> Result<i64, BadNumber> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        // The first byte is 0x80 or 0xff; its lower seven bits belong to the number.
        let negative = field[0] & 0x40 != 0;
        let start = if negative { -1_i128 } else { 0 };
        let mut value = (start << 7) | i128::from(field[0] & 0x7f);
        for &byte in &field[1..] {
            value = (value << 8) | i128::from(byte);
            if i64::try_from(value).is_err() {
                return Err(BadNumber);
            }
        }
        return i64::try_from(value).map_err(|_| BadNumber);
    }
    let blank = |b: &u8| *b == b' ' || *b == 0;
    let start = field.iter().position(|b| !blank(b)).unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    // At most twelve octal digits: no overflow.
    digits[..end].iter().try_fold(0_i64, |value, &b| match b {
        b'0'..=b'7' => value.checked_mul(8).and_then(|v| v.checked_add(i64::from(b - b'0'))).ok_or(BadNumber),
        _ => Err(BadNumber),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0"), Ok(0o644));
        assert_eq!(number(b"   644 \0"), Ok(0o644));
        assert_eq!(number(b"77777777777\0"), Ok(0o777_7777_7777));
        assert_eq!(number(b"777777777777"), Ok(0o7777_7777_7777));
        assert_eq!(number(b"12\x0034 \0 "), Ok(0o12));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Ok(0));
        assert_eq!(number(b"\x80\0\0\0\0\x01\x86\xa0"), Ok(100_000));
        assert_eq!(number(b"\x80\0\0\0\xff\xff\xff\xff"), Ok(0xffff_ffff));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), Ok(-2));
        assert_eq!(number(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(i64::MAX));
        for bad in [&b"\x80\0\0\0\x80\0\0\0\0\0\0\0"[..], b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(number(bad), Err(BadNumber), "{bad:?}");
        }
        for bad in [&b"000064x\0"[..], b"0009\0\0\0\0", b"-1\0"] {
            assert_eq!(number(bad), Err(BadNumber), "{bad:?}");
        }
    }
}
