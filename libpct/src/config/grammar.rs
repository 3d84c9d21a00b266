//! The lines of a config file. Each kind is one nom parser for a whole line
//! without its newline, and [`line()`] takes the first that fits (spec: config, part 2, table of rules).

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, tag_no_case, take_while, take_while1},
    character::complete::{char, satisfy},
    combinator::{all_consuming, map, recognize, rest, verify},
    sequence::{delimited, pair, preceded, terminated},
};

use super::text::{is_space, is_word, trim};

/// What one line says; borrowed texts are as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing but white space.
    Blank,
    /// Start of the pending section.
    Pending,
    /// Start of the section of a snapshot.
    Snapshot(&'a str),
    /// One encoded line of the description.
    Comment(&'a str),
    /// A raw liblxc line: key and value.
    Raw(&'a str, &'a str),
    /// Encoded text of the description, the old way.
    Description(&'a str),
    /// State of an unfinished snapshot: `prepare` or `delete`.
    SnapState(&'a str),
    /// Keys whose removal is pending.
    Delete(&'a str),
    /// Any other key with its value.
    Value(&'a str, &'a str),
    /// None of these.
    Unknown,
}

pub(super) fn line(text: &str) -> Line<'_> {
    // The first character leaves only these rules of the table.
    let parsed = match text.as_bytes().first() {
        Some(b'#') => map(preceded(char('#'), rest), Line::Comment).parse(text),
        Some(b'[') => alt((pending, snapshot)).parse(text),
        Some(b'a'..=b'z') => alt((raw, setting)).parse(text),
        _ => blank(text),
    };
    parsed.map_or(Line::Unknown, |(_, line)| line)
}

fn space0(input: &str) -> IResult<&str, &str> {
    take_while(is_space).parse(input)
}

fn blank(input: &str) -> IResult<&str, Line<'_>> {
    map(all_consuming(space0), |_| Line::Blank).parse(input)
}

fn pending(input: &str) -> IResult<&str, Line<'_>> {
    let header = terminated(tag_no_case("[pve:pending]"), space0);
    map(all_consuming(header), |_| Line::Pending).parse(input)
}

fn snapshot(input: &str) -> IResult<&str, Line<'_>> {
    let name = pair(satisfy(|c| c.is_ascii_alphabetic()), take_while1(|c| is_word(c) || c == '-'));
    let header = delimited(char('['), recognize(name), pair(char(']'), space0));
    map(all_consuming(header), Line::Snapshot).parse(input)
}

fn raw(input: &str) -> IResult<&str, Line<'_>> {
    let tail = take_while1(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c));
    let key = recognize(pair(tag("lxc."), tail));
    let separator = alt((tag(":"), preceded(space0, tag("="))));
    map((key, separator, rest), |(key, _, value)| Line::Raw(key, trim(value))).parse(input)
}

/// `key: value`; three keys have rules of their own, if their value is as these rules want it.
fn setting(input: &str) -> IResult<&str, Line<'_>> {
    let name = (
        satisfy(|c| c.is_ascii_lowercase()),
        take_while(|c: char| c.is_ascii_lowercase() || c == '_'),
        take_while(|c: char| c.is_ascii_digit()),
    );
    let (_, (key, _, value)) =
        (recognize(name), char(':'), verify(rest, |value: &str| !value.is_empty())).parse(input)?;
    Ok((
        "",
        match (key, trim(value)) {
            (_, "") => Line::Value(key, last_blank(value)),
            ("delete", list) => Line::Delete(list),
            ("description", encoded) => Line::Description(encoded),
            ("snapstate", state @ ("prepare" | "delete")) => Line::SnapState(state),
            (_, value) => Line::Value(key, value),
        },
    ))
}

/// A value of blanks only counts as its last blank. That is how files with such
/// lines have always been read.
fn last_blank(blanks: &str) -> &str {
    blanks.get(blanks.len().saturating_sub(1)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_the_first_rule_says() {
        for (text, expected) in [
            ("", Line::Blank),
            (" \t\r", Line::Blank),
            ("[PVE:Pending] ", Line::Pending),
            ("[pending]", Line::Snapshot("pending")),
            ("[A-b_1]\t", Line::Snapshot("A-b_1")),
            ("[b]", Line::Unknown),
            ("[pve:foo]", Line::Unknown),
            ("[bad section", Line::Unknown),
            ("[snap$]", Line::Unknown),
            ("# a\r", Line::Comment(" a\r")),
            ("lxc.idmap:u 0 1 2 ", Line::Raw("lxc.idmap", "u 0 1 2")),
            ("lxc.cap.drop =", Line::Raw("lxc.cap.drop", "")),
            ("lxc.a = b = c", Line::Raw("lxc.a", "b = c")),
            ("lxc.a : b", Line::Unknown),
            ("lxc.Foo: 1", Line::Unknown),
            ("lxc.: x", Line::Unknown),
            ("lxc: x", Line::Value("lxc", "x")),
            ("description:  a b ", Line::Description("a b")),
            ("description: ", Line::Value("description", " ")),
            ("description:", Line::Unknown),
            ("snapstate: delete ", Line::SnapState("delete")),
            ("snapstate: foo", Line::Value("snapstate", "foo")),
            ("xsnapstate: delete", Line::Value("xsnapstate", "delete")),
            ("delete: a,b", Line::Delete("a,b")),
            ("memory:\t512\r", Line::Value("memory", "512")),
            ("memory: ", Line::Value("memory", " ")),
            ("memory: \t", Line::Value("memory", "\t")),
            ("memory:", Line::Unknown),
            ("memory : 1", Line::Unknown),
            (" memory: 1", Line::Unknown),
            ("a_b: 1", Line::Value("a_b", "1")),
            ("a_1_b: 1", Line::Unknown),
            ("9x: 1", Line::Unknown),
            (": x", Line::Unknown),
            ("Memory: 1", Line::Unknown),
            ("x: 1: 2", Line::Value("x", "1: 2")),
            ("cpulimit:: 1", Line::Value("cpulimit", ": 1")),
        ] {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }
}
