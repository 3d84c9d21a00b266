use super::{Attributes, Result, Rootfs};

const BEGIN: &str = "# --- BEGIN PVE ---";
const END: &str = "# --- END PVE ---";

/// Where a new managed section goes in a file that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Behind what is there.
    #[default]
    Append,
    /// Before what is there.
    Prepend,
    /// Instead of what is there.
    Replace,
}

/// How [`Rootfs::edit_section`] treats the file around the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionOptions {
    /// Where a new section goes.
    pub place: Place,
    /// Remove the file when the section becomes empty and nothing else is in it.
    pub delete_if_empty: bool,
    /// The mode of a file that is made.
    pub new_mode: u32,
}

impl Default for SectionOptions {
    fn default() -> Self {
        Self { place: Place::Append, delete_if_empty: false, new_mode: 0o644 }
    }
}

enum Edit {
    Nothing,
    Write(Vec<u8>),
    Delete,
}

impl Rootfs {
    /// Sets the part of a file between our two marker lines to `data` and leaves the rest to the guest
    /// (spec: guest set-up, part 4). Returns whether the file was changed.
    pub fn edit_section(&self, path: &str, data: &str, options: SectionOptions) -> Result<bool> {
        if self.is_ignored(path)? {
            return Ok(false);
        }
        match edit(self.read(path)?.as_deref(), data, options) {
            Edit::Nothing => Ok(false),
            Edit::Delete => self.unlink(path),
            Edit::Write(content) => self.replace(path, &content, Attributes::new_file(options.new_mode)),
        }
    }
}

fn edit(old: Option<&[u8]>, data: &str, options: SectionOptions) -> Edit {
    let mut section = format!("{BEGIN}\n{data}");
    if !section.ends_with('\n') {
        section.push('\n');
    }
    section.push_str(END);
    section.push('\n');
    let section = section.into_bytes();

    let Some(old) = old else {
        return if data.is_empty() { Edit::Nothing } else { Edit::Write(section) };
    };
    let mut lines: Vec<&[u8]> = old.split(|b| *b == b'\n').collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    match find(&lines) {
        Some((begin, end)) => {
            if data.is_empty() && begin == 0 && end + 1 == lines.len() {
                return if options.delete_if_empty { Edit::Delete } else { Edit::Nothing };
            }
            Edit::Write([&*join(&lines[..begin]), &section, &*join(&lines[end + 1..])].concat())
        }
        None if data.is_empty() => Edit::Nothing,
        None => Edit::Write(match options.place {
            Place::Replace => section,
            Place::Prepend => [&*section, &*join(&lines)].concat(),
            Place::Append => [&*join(&lines), &*section].concat(),
        }),
    }
}

fn join(lines: &[&[u8]]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect()
}

/// The first and the last line of the section, markers included. An opening marker that is followed by another
/// one is not ours but somebody's text: else what stands between them would be lost.
fn find(lines: &[&[u8]]) -> Option<(usize, usize)> {
    let is_begin = |line: &[u8]| is_marker(line, |word| word.starts_with(b"BEGIN"), 5);
    let is_end = |word: &[u8]| word.get(..3).is_some_and(|w| w.eq_ignore_ascii_case(b"end"));
    let first = lines.iter().position(|line| is_begin(line))?;
    let end = first + lines[first..].iter().position(|line| is_marker(line, is_end, 3))?;
    let begin = lines[..end].iter().rposition(|line| is_begin(line))?;
    Some((begin, end))
}

/// `# --- WORD PVE` at the start of a line, with any blanks between the parts. The word decides about case:
/// the closing marker is recognised in any, the opening one is not.
fn is_marker(line: &[u8], is_word: impl Fn(&[u8]) -> bool, word_len: usize) -> bool {
    let Some(rest) = line.strip_prefix(b"#") else {
        return false;
    };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"---") else {
        return false;
    };
    let rest = rest.trim_ascii_start();
    if !is_word(rest) {
        return false;
    }
    let name = rest.get(word_len..).unwrap_or_default().trim_ascii_start();
    let name = name.get(..3).unwrap_or_default();
    if word_len == 3 { name.eq_ignore_ascii_case(b"PVE") } else { name == b"PVE" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(old: Option<&str>, data: &str, options: SectionOptions) -> Option<String> {
        match edit(old.map(str::as_bytes), data, options) {
            Edit::Nothing => None,
            Edit::Delete => Some("(deleted)".to_owned()),
            Edit::Write(content) => Some(String::from_utf8(content).unwrap()),
        }
    }

    const DEFAULT: SectionOptions =
        SectionOptions { place: Place::Append, delete_if_empty: false, new_mode: 0o644 };

    #[test]
    fn a_missing_file_becomes_the_section() {
        assert_eq!(edited(None, "a", DEFAULT).unwrap(), format!("{BEGIN}\na\n{END}\n"));
        assert_eq!(edited(None, "", DEFAULT), None);
    }

    #[test]
    fn a_new_section_goes_where_it_should() {
        let at = |place| edited(Some("x\ny"), "a\n", SectionOptions { place, ..DEFAULT }).unwrap();
        assert_eq!(at(Place::Append), format!("x\ny\n{BEGIN}\na\n{END}\n"));
        assert_eq!(at(Place::Prepend), format!("{BEGIN}\na\n{END}\nx\ny\n"));
        assert_eq!(at(Place::Replace), format!("{BEGIN}\na\n{END}\n"));
        assert_eq!(edited(Some("x\n"), "", DEFAULT), None);
    }

    #[test]
    fn an_old_section_is_recognised_and_replaced_in_place() {
        let old = "x\n#---BEGIN PVE anything\nold\n#  --- end pve ---\ny\n\n\n";
        assert_eq!(edited(Some(old), "new", DEFAULT).unwrap(), format!("x\n{BEGIN}\nnew\n{END}\ny\n"));
        let emptied = format!("x\n{BEGIN}\n{END}\ny\n");
        assert_eq!(edited(Some(old), "", DEFAULT).unwrap(), emptied);
        assert_eq!(edited(Some(&emptied), "", DEFAULT).unwrap(), emptied, "must not grow");
    }

    #[test]
    fn a_file_that_is_only_the_section_is_deleted_if_asked() {
        let old = format!("{BEGIN}\na\n{END}\n");
        assert_eq!(edited(Some(&old), "", DEFAULT), None);
        let delete = SectionOptions { delete_if_empty: true, ..DEFAULT };
        assert_eq!(edited(Some(&old), "", delete).unwrap(), "(deleted)");
    }

    #[test]
    fn the_opening_marker_is_case_sensitive_and_stands_at_the_start() {
        for not in ["# --- begin PVE ---\n# --- END PVE ---\n", " # --- BEGIN PVE ---\n# --- END PVE ---\n"] {
            assert!(edited(Some(not), "a", DEFAULT).unwrap().starts_with(not));
        }
    }

    proptest::proptest! {
        #[test]
        fn editing_twice_is_editing_once(
            lines in proptest::collection::vec(proptest::sample::select(vec!["", "x", BEGIN, END, "#---begin PVE", " "]), 0..8),
            data in proptest::sample::select(vec!["", "a", "a\nb\n"]),
            place in proptest::sample::select(vec![Place::Append, Place::Prepend, Place::Replace]),
        ) {
            let options = SectionOptions { place, ..DEFAULT };
            let old = lines.join("\n");
            let once = edited(Some(&old), data, options).unwrap_or(old);
            let twice = edited(Some(&once), data, options).unwrap_or_else(|| once.clone());
            assert_eq!(once, twice);
        }
    }
}
