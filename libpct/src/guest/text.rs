//! Lines of files that need not be UTF-8.

/// The lines without their line ends; a file that ends in a newline has no empty last line.
pub(crate) fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let data = data.strip_suffix(b"\n").unwrap_or(data);
    let empty = data.is_empty();
    data.split(|b| *b == b'\n').filter(move |_| !empty)
}

/// The first line, trimmed, as text; empty if there is none.
pub(crate) fn first_line(data: &[u8]) -> String {
    let line = data.split(|b| *b == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line.trim_ascii()).into_owned()
}

/// The words of a line.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The digits at the start, and the rest.
pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// Lines put together again, each with a newline.
pub(crate) fn unlines<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line.as_ref());
        out.push(b'\n');
    }
    out
}

/// The lines with the first one that `is_old` says is meant replaced, or `new` appended if there is none.
pub(crate) fn with_line(data: &[u8], is_old: impl Fn(&[u8]) -> bool, new: &[u8]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = lines(data).collect();
    match all.iter().position(|line| is_old(line)) {
        Some(at) => all[at] = new,
        None => all.push(new),
    }
    unlines(all)
}

/// Whether a byte string occurs in another.
pub(crate) fn contains(data: &[u8], needle: &[u8]) -> bool {
    data.windows(needle.len()).any(|window| window == needle)
}

/// A list value of the config: separated by NUL if there is one in it, else by blanks, commas and semicolons
/// (spec: guest set-up, part 7.3). What could not stand in a line of a file is left out.
pub(crate) fn split_list(value: &str) -> Vec<String> {
    let parts: Vec<&str> = if value.contains('\0') {
        value.split('\0').collect()
    } else {
        value.split(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | ';')).collect()
    };
    parts.into_iter().filter(|part| is_word(part)).map(str::to_owned).collect()
}

/// Whether a value can stand as one word in a line of a configuration file.
pub(crate) fn is_word(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were() {
        for text in ["", "a\n", "a\n\n", "a\n\nb\n", "\r\n"] {
            let joined = unlines(lines(text.as_bytes()));
            assert_eq!(String::from_utf8(joined).unwrap(), text);
        }
        assert_eq!(unlines(lines(b"a\nb")), b"a\nb\n");
    }

    #[test]
    fn lists_are_split_as_the_spec_says() {
        assert_eq!(split_list("  a, b;c\td "), ["a", "b", "c", "d"]);
        assert_eq!(split_list("a,b\0c"), ["a,b", "c"]);
        assert_eq!(split_list("a\0b\nnameserver x"), ["a"]);
    }
}
