//! The lines of `storage.cfg` (spec: runtime, part 10.1). Each kind is one nom parser for a whole line without its
//! newline, and [`line()`] takes the first that fits.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{take_while, take_while1},
    character::complete::char,
    combinator::{all_consuming, map, map_opt, opt, rest},
    sequence::{preceded, terminated},
};

/// What one line says; borrowed texts are as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing but white space: the end of a section.
    Blank,
    Comment,
    /// Type and id of the section that begins.
    Header(&'a str, &'a str),
    /// A key with its value, or without one.
    Property(&'a str, Option<&'a str>),
    /// None of these.
    Unknown,
}

pub(super) fn line(text: &str) -> Line<'_> {
    let parsed = alt((blank, comment, property, header)).parse(text);
    parsed.map_or(Line::Unknown, |(_, line)| line)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c')
}

fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(is_blank).parse(input)
}

fn word(input: &str) -> IResult<&str, &str> {
    take_while1(|c| !is_blank(c)).parse(input)
}

fn blank(input: &str) -> IResult<&str, Line<'_>> {
    map(all_consuming(blanks), |_| Line::Blank).parse(input)
}

fn comment(input: &str) -> IResult<&str, Line<'_>> {
    map((blanks, char('#'), rest), |_| Line::Comment).parse(input)
}

fn property(input: &str) -> IResult<&str, Line<'_>> {
    let value =
        map(rest, |value: &str| Some(value.trim_end_matches(is_blank)).filter(|value| !value.is_empty()));
    let key = preceded(take_while1(is_blank), word);
    map((key, blanks, value), |(key, _, value)| Line::Property(key, value)).parse(input)
}

/// `type: id`. Where there is no blank between them, the last colon that has something on both sides divides the two.
fn header(input: &str) -> IResult<&str, Line<'_>> {
    let id = opt(preceded(take_while1(is_blank), word));
    let words = all_consuming(terminated((word, id), blanks));
    map_opt(words, |(first, second): (&str, Option<&str>)| {
        let (kind, id) = match second {
            Some(id) => (first.strip_suffix(':')?, id),
            None => {
                let at = first.strip_suffix(':').unwrap_or(first).rfind(':')?;
                (&first[..at], &first[at + 1..])
            }
        };
        (!kind.is_empty()).then_some(Line::Header(kind, id))
    })
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_the_first_rule_says() {
        for (text, expected) in [
            ("", Line::Blank),
            (" \t\r", Line::Blank),
            ("# a", Line::Comment),
            ("\t # a", Line::Comment),
            ("dir: local", Line::Header("dir", "local")),
            ("dir:local \r", Line::Header("dir", "local")),
            ("a:b:c", Line::Header("a:b", "c")),
            ("a:b:", Line::Header("a", "b:")),
            ("nfs: a:b", Line::Header("nfs", "a:b")),
            ("dir : a", Line::Unknown),
            ("dir: a b", Line::Unknown),
            ("dir:", Line::Unknown),
            (": a", Line::Unknown),
            ("junk", Line::Unknown),
            ("\tpath /a b ", Line::Property("path", Some("/a b"))),
            ("  disable\r", Line::Property("disable", None)),
            ("\tdir: x", Line::Property("dir:", Some("x"))),
        ] {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }
}
