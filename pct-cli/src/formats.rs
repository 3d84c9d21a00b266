//! Named formats of parameters (spec: cli, part 1.5). Each check answers with the format's own error text.

use crate::door;

/// A VMID.
pub(crate) fn vmid(value: &str) -> Result<(), String> {
    value.parse::<door::Vmid>().map(drop).map_err(|error| error.to_string())
}

/// A storage: two or more characters, a letter first, a letter or digit last.
pub(crate) fn storage_id(value: &str) -> Result<(), String> {
    if value.chars().count() < 2 {
        return Err(format!("storage ID '{value}' cannot be shorter than 2 characters"));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let sound = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.ends_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(inner);
    if sound { Ok(()) } else { Err(format!("storage ID '{value}' contains illegal characters")) }
}

/// A snapshot's name: two or more characters, a letter first.
pub(crate) fn config_id(value: &str) -> Result<(), String> {
    if door::is_config_id(value) { Ok(()) } else { Err(format!("invalid configuration ID '{value}'")) }
}

/// A name of the DNS: labels of letters, digits and hyphens.
pub(crate) fn dns_name(value: &str) -> Result<(), String> {
    if door::is_dns_name(value) {
        Ok(())
    } else {
        Err("value does not look like a valid DNS name".to_owned())
    }
}

/// A key that has a volume.
pub(crate) fn is_volume_key(value: &str) -> bool {
    let index = value.strip_prefix("mp").or_else(|| value.strip_prefix("unused"));
    let canonical = |index: &str| index == "0" || !index.starts_with('0');
    value == "rootfs"
        || index
            .is_some_and(|i| canonical(i) && i.bytes().all(|b| b.is_ascii_digit()) && i.parse::<u8>().is_ok())
}

/// A resource pool: up to three names joined by slashes.
pub(crate) fn pool_id(value: &str) -> Result<(), String> {
    let is_name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    if value.split('/').count() <= 3 && value.split('/').all(is_name) {
        Ok(())
    } else {
        Err(format!("invalid pool ID '{value}'"))
    }
}

/// `--escape`: a lower-case letter, perhaps after a caret.
pub(crate) fn is_escape(value: &str) -> bool {
    let letter = value.strip_prefix('^').unwrap_or(value);
    letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_accepts_and_refuses_as_specified() {
        type Row<'a> = (crate::spec::FormatCheck, &'a [&'a str], &'a [&'a str], &'a str);
        let rows: &[Row<'_>] = &[
            (
                vmid,
                &["100", "999999999"],
                &["99", "0100", "1000000000", "+100"],
                "value does not look like a valid VM ID",
            ),
            (storage_id, &["local", "Zfs-1.a", "ab"], &["1ab", "a b", "ab-"], "contains illegal characters"),
            (storage_id, &[], &["", "a"], "cannot be shorter than 2 characters"),
            (config_id, &["s1", "Snap-1_x"], &["s", "1s", "a.b", ""], "invalid configuration ID"),
            (pool_id, &["a", "a/b/c", "x.y-z_1"], &["", "a//b", "a/b/c/d", "a b"], "invalid pool ID"),
        ];
        for (check, good, bad, text) in rows {
            for value in *good {
                assert_eq!(check(value), Ok(()), "{value:?}");
            }
            for value in *bad {
                let error = check(value).unwrap_err();
                assert!(error.contains(text), "{value:?}: {error}");
            }
        }
    }

    #[test]
    fn an_escape_is_a_letter_with_or_without_caret() {
        for (value, sound) in [
            ("a", true),
            ("^b", true),
            ("", false),
            ("^", false),
            ("A", false),
            ("ab", false),
            ("^^a", false),
        ] {
            assert_eq!(is_escape(value), sound, "{value:?}");
        }
    }
}
