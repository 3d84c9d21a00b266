//! Small rules about text that the whole language shares.

use std::borrow::Cow;

/// First of the code points that stand for a byte which is not part of valid UTF-8.
///
/// A config file is a byte stream; values are `str` inside. Every byte `b` that
/// does not decode becomes the code point `ESCAPE + b`, and [`to_bytes`] turns
/// it back, so that no byte sequence is lost. The files' own characters from
/// this range are escaped byte by byte, which keeps the mapping one to one.
const ESCAPE: u32 = 0x10_FF00;

/// The first byte of every escape in UTF-8: a text without it has none.
const ESCAPE_LEAD: u8 = 0xF4;

/// Decodes the bytes of a config file without losing any.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if !may_have_escapes(text) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(bytes)),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_escape(c) {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| push_escaped(&mut out, b));
            } else {
                out.push(c);
            }
        }
        chunk.invalid().iter().for_each(|&b| push_escaped(&mut out, b));
    }
    out
}

/// The bytes that [`from_bytes`] made this text from.
#[must_use]
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    if !may_have_escapes(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        if is_escape(c) {
            // The low eight bits are the byte.
            out.push((c as u32 & 0xFF) as u8);
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Cow::Owned(out)
}

/// The byte of the file's line, from 1, that this place of its text stands for.
pub(crate) fn column(line: &str, at: usize) -> usize {
    to_bytes(line.get(..at).unwrap_or(line)).len() + 1
}

fn may_have_escapes(text: &str) -> bool {
    memchr::memchr(ESCAPE_LEAD, text.as_bytes()).is_some()
}

fn is_escape(c: char) -> bool {
    (ESCAPE + 0x80..=ESCAPE + 0xFF).contains(&(c as u32))
}

fn push_escaped(out: &mut String, byte: u8) {
    out.extend(char::from_u32(ESCAPE + u32::from(byte)));
}

/// White space as the language understands it: ASCII, with the vertical tab.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Cuts white space (see [`is_space`]) off both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// A letter, digit, or underscore of ASCII.
pub(crate) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Non-empty and digits only.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Splits a list value: at NUL when there is one, else at runs of `,`, `;`, and
/// white space (spec: config, part 1.3).
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let at_nul = text.contains('\0');
    text.split(move |c| if at_nul { c == '\0' } else { c == ',' || c == ';' || is_space(c) })
        .filter(move |item| at_nul || !item.is_empty())
}

/// Reads the spellings of a boolean: `1 on yes true`, `0 off no false` in any letter case.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if is(["on", "yes", "true"]) => Some(true),
        _ if is(["off", "no", "false"]) => Some(false),
        _ => None,
    }
}

/// Whether a kept text counts as true: all do except the empty one and `0`
/// (spec: config, part 2, "Kept bad values in use").
#[must_use]
pub fn is_truthy(text: &str) -> bool {
    !text.is_empty() && text != "0"
}

/// The number that a kept text counts as: its longest numeric prefix, else 0.
#[must_use]
pub fn numeric_prefix(text: &str) -> f64 {
    let text = text.trim_start_matches(is_space);
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0.0;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    text[..end].parse().unwrap_or(0.0)
}

/// Undoes percent encoding in a description line; bytes that are no UTF-8
/// become U+FFFD (spec: config, part 2.1).
pub(crate) fn percent_decode(bytes: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'%', bytes).is_none() {
        return String::from_utf8_lossy(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// Encodes a description for a `#` line or for one line of output: control
/// characters, `%`, `:`, DEL, and all that is not ASCII become `%XX`.
#[must_use]
pub fn percent_encode(text: &str) -> Cow<'_, str> {
    use std::fmt::Write;
    let plain = |byte| matches!(byte, 0x20..=0x24 | 0x26..=0x39 | 0x3B..=0x7E);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// A name that a stranger chose, in quotes for a human: nothing a terminal would obey, and of at most `longest` bytes
/// of the name.
pub(crate) fn printable(name: &[u8], longest: usize) -> String {
    let cut = &name[..name.len().min(longest)];
    let mut text = String::with_capacity(cut.len() + 2);
    text.push('\'');
    for part in cut.utf8_chunks() {
        for c in part.valid().chars() {
            if c.is_control() || c == '\\' {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        text.push_str(&part.invalid().escape_ascii().to_string());
    }
    text.push_str(if cut.len() < name.len() { "...'" } else { "'" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_sequence_survives() {
        for bytes in [&b"a\xffb"[..], b"\xc3\xa9", b"\xf4\x8f\xbf\xbf", b"\xf4\x8f\xbe", b"", b"\xc3("] {
            assert_eq!(to_bytes(&from_bytes(bytes)), bytes);
        }
        assert_eq!(from_bytes("é".as_bytes()), "é");
    }

    #[test]
    fn lists_split_at_every_separator() {
        let list = |text| split_list(text).collect::<Vec<_>>();
        assert_eq!(list(" a, b;c  d\t"), ["a", "b", "c", "d"]);
        assert_eq!(list("a b\0c"), ["a b", "c"]);
        assert!(list(";; ,").is_empty());
    }

    #[test]
    fn numbers_count_as_their_longest_prefix() {
        for (text, number) in [
            ("1.5", 1.5),
            ("1G", 1.0),
            ("abc", 0.0),
            ("-1", -1.0),
            (" 7x", 7.0),
            (".5e1z", 5.0),
            ("1e", 1.0),
            ("0x200", 0.0),
            (".", 0.0),
            ("5.", 5.0),
            ("", 0.0),
        ] {
            assert!((numeric_prefix(text) - number).abs() < f64::EPSILON, "{text:?}");
        }
    }

    #[test]
    fn descriptions_are_percent_encoded() {
        assert_eq!(percent_encode("Grüße: 50% off"), "Gr%C3%BC%C3%9Fe%3A 50%25 off");
        assert_eq!(percent_decode(b"Gr%C3%bc%C3%9Fe%3A 50%25 off%"), "Grüße: 50% off%");
        assert_eq!(percent_decode(b"%C3%28 %zz"), "\u{FFFD}( %zz");
    }
}
