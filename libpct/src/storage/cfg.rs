//! The grammar of `storage.cfg` (spec: runtime, part 10.1).

use std::collections::BTreeMap;

/// One section: a storage as it is written, not yet interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: String,
    pub(crate) id: String,
    /// A flag without a value is `1`.
    pub(crate) properties: BTreeMap<String, String>,
}

impl Section {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    /// A boolean property: unset, `0`, `off`, `no` and `false` are false.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|v| !matches!(v.to_ascii_lowercase().as_str(), "0" | "off" | "no" | "false"))
    }

    /// A list property, split at commas, semicolons and blanks.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<&str>> {
        let split = |c: char| c == ',' || c == ';' || c.is_whitespace();
        self.get(key).map(|v| v.split(split).filter(|word| !word.is_empty()).collect())
    }
}

/// Sections in file order, and what had to be passed over. Nothing makes the whole file unreadable:
/// one bad line must not take every storage away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) sections: Vec<Section>,
    pub(crate) warnings: Vec<String>,
}

/// Whether a text can name a storage: two or more characters, letters first.
pub(crate) fn is_storage_id(id: &str) -> bool {
    let bytes = id.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    bytes.len() >= 2
        && bytes[0].is_ascii_alphabetic()
        && bytes[bytes.len() - 1].is_ascii_alphanumeric()
        && bytes.iter().all(inner)
}

pub(crate) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    // Properties of a skipped section are skipped with it.
    let mut skipping = false;
    let mut open = false;
    for line in text.lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            open = false;
        } else if open && line.starts_with(char::is_whitespace) {
            if !skipping {
                property(line, &mut parsed);
            }
        } else if let Some((kind, id)) = header(line) {
            open = true;
            skipping = !is_storage_id(id) || parsed.sections.iter().any(|s| s.id == id);
            if skipping {
                parsed
                    .warnings
                    .push(format!("storage '{id}' has an illegal or repeated id: section skipped"));
            } else {
                let (kind, id) = (kind.to_ascii_lowercase(), id.to_owned());
                parsed.sections.push(Section { kind, id, properties: BTreeMap::new() });
            }
        } else {
            parsed.warnings.push(format!("ignore config line: {line}"));
        }
    }
    parsed
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (kind, id) = line.split_once(':')?;
    let id = id.trim();
    let word = |w: &str| !w.is_empty() && !w.contains(char::is_whitespace);
    (word(kind) && word(id)).then_some((kind, id))
}

fn property(line: &str, parsed: &mut Parsed) {
    let Some(section) = parsed.sections.last_mut() else { return };
    let line = line.trim();
    let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, "1"));
    if section.properties.contains_key(key) {
        parsed.warnings.push(format!("storage '{}': duplicate property '{key}' dropped", section.id));
    } else {
        section.properties.insert(key.to_owned(), value.trim_start().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# a comment
dir: local
\tpath /var/lib/vz
\tcontent rootdir,vztmpl
\t# a comment between
\tdisable

LVMThin:  fast
\tvgname pve
\tvgname other
junk line
dir: 1x
\tpath /nowhere
";

    #[test]
    fn sections_keep_their_order_and_faults_only_warn() {
        let parsed = parse(FILE);
        let ids: Vec<_> = parsed.sections.iter().map(|s| (s.kind.as_str(), s.id.as_str())).collect();
        assert_eq!(ids, [("dir", "local"), ("lvmthin", "fast")]);
        assert_eq!(parsed.sections[0].list("content"), Some(vec!["rootdir", "vztmpl"]));
        assert!(parsed.sections[0].flag("disable"));
        assert_eq!(parsed.sections[1].get("vgname"), Some("pve"));
        assert_eq!(parsed.warnings.len(), 3, "{:?}", parsed.warnings);
    }

    #[test]
    fn a_storage_id_has_two_characters_and_begins_with_a_letter() {
        assert!(is_storage_id("local-lvm") && is_storage_id("a1") && is_storage_id("a.b_c"));
        for bad in ["a", "", "1a", "a-", "a/b", "a b", "ab\n"] {
            assert!(!is_storage_id(bad), "{bad:?}");
        }
    }
}
