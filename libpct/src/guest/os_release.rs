//! os-release(5), as far as the reference reads it (spec: guest set-up, part 5.1).

use crate::rootfs::Rootfs;

use super::{error::Result, text::lines};

/// What a guest's os-release says about which distribution it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OsRelease {
    /// `ID`.
    pub id: Option<String>,
    /// `VERSION_ID`.
    pub version_id: Option<String>,
}

impl OsRelease {
    /// Reads the first of the two files that exists.
    pub(crate) fn read(root: &Rootfs) -> Result<Self> {
        for path in ["/etc/os-release", "/usr/lib/os-release"] {
            if let Some(data) = root.read(path)? {
                return Ok(Self::parse(&data));
            }
        }
        Ok(Self::default())
    }

    fn parse(data: &[u8]) -> Self {
        let mut found = Self::default();
        for line in lines(data) {
            let line = String::from_utf8_lossy(line);
            match line.trim_start().split_once('=') {
                Some(("ID", value)) => found.id = Some(decode(value)),
                Some(("VERSION_ID", value)) => found.version_id = Some(decode(value)),
                _ => {}
            }
        }
        found
    }
}

fn decode(value: &str) -> String {
    if let Some(literal) = value.strip_prefix('\'') {
        return literal.split('\'').next().unwrap_or_default().to_owned();
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return value.chars().take_while(char::is_ascii_alphanumeric).collect();
    };
    let mut out = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(escaped @ ('"' | '\'' | '`' | '$' | '\\')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_decide_how_much_of_a_value_counts() {
        let parse = |text: &str| OsRelease::parse(text.as_bytes());
        let parsed = parse("NAME=x\n ID=\"opensuse-leap\"\nVERSION_ID=15.6\n# ID=no\n");
        assert_eq!(parsed.id.as_deref(), Some("opensuse-leap"));
        assert_eq!(parsed.version_id.as_deref(), Some("15"));
        assert_eq!(parse("ID=opensuse-leap").id.as_deref(), Some("opensuse"));
        assert_eq!(parse("ID='a b' c").id.as_deref(), Some("a b"));
        assert_eq!(parse(r#"ID="a\"\$\n\q" c"#).id.as_deref(), Some("a\"$\n\\q"));
        assert_eq!(parse("MY_ID=x").id, None);
    }
}
