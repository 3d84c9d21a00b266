//! Changes of `storage.cfg`. What nobody asked to change stays to the byte.

use std::collections::BTreeMap;

use super::{Kind, Part, Role, Section, StorageCfg, Written, is_storage_id, kind};
use crate::storage::StorageError;

impl StorageCfg {
    /// Adds a storage behind all others.
    pub(crate) fn add(
        &mut self,
        kind_name: &str,
        id: &str,
        values: &[(String, String)],
    ) -> Result<(), StorageError> {
        let invalid = |reason: String| StorageError::Invalid { storage: id.to_owned(), reason };
        if !is_storage_id(id) {
            return Err(invalid(
                "it is no id of a storage: letters, digits, '-', '_' and '.', a letter first".to_owned(),
            ));
        }
        if self.sections().any(|section| section.id == id) {
            return Err(StorageError::Exists { storage: id.to_owned() });
        }
        let known = kind(kind_name).ok_or_else(|| invalid(format!("there is no type '{kind_name}'")))?;
        let mut section =
            Section { kind: known.name.to_owned(), id: id.to_owned(), properties: BTreeMap::new() };
        change(&mut section, values, &[])?;
        // The last line, or section, may have no end.
        let text = self.text();
        if !text.is_empty() && !text.ends_with('\n') {
            self.push_end("\n");
        }
        if matches!(self.parts.last(), Some(Part::Section(last)) if !matches!(last.lines.last(), Some((_, Role::End))))
        {
            self.push_end("\n");
        }
        let lines = written(&section, Vec::new(), Vec::new());
        self.parts.push(Part::Section(Written { section, lines }));
        Ok(())
    }

    /// Sets and deletes options of a storage.
    pub(crate) fn set(
        &mut self,
        id: &str,
        values: &[(String, String)],
        deleted: &[String],
    ) -> Result<(), StorageError> {
        let written_section = self.find(id)?;
        let mut section = written_section.section.clone();
        change(&mut section, values, deleted)?;
        let (mut notes, mut ignored, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (line, role) in &written_section.lines {
            let line = if line.ends_with('\n') { line.clone() } else { format!("{line}\n") };
            let changed = |key: &String| values.iter().any(|(k, _)| k == key) || deleted.contains(key);
            match role {
                Role::Other => notes.push((line, Role::Other)),
                Role::Ignored(key) if !changed(key) => ignored.push((line, role.clone())),
                Role::End => ends.push((line, Role::End)),
                Role::Header | Role::Property | Role::Ignored(_) => {}
            }
        }
        let mut lines = written(&section, notes, ignored);
        if !ends.is_empty() {
            lines.pop();
            lines.append(&mut ends);
        }
        *written_section = Written { section, lines };
        Ok(())
    }

    /// Removes a storage from the file; what is on it stays.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), StorageError> {
        self.find(id)?;
        self.parts.retain(|part| !matches!(part, Part::Section(written) if written.section.id == id));
        Ok(())
    }

    fn find(&mut self, id: &str) -> Result<&mut Written, StorageError> {
        let found = self.parts.iter_mut().find_map(|part| match part {
            Part::Section(written) if written.section.id == id => Some(written),
            _ => None,
        });
        found.ok_or_else(|| StorageError::Missing { storage: id.to_owned() })
    }

    /// Ends what is at the end of the file.
    fn push_end(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Section(written)) => match written.lines.last_mut() {
                Some((line, _)) if !line.ends_with('\n') => line.push_str(text),
                _ => written.lines.push((text.to_owned(), Role::End)),
            },
            Some(Part::Text(lines)) => lines.push_str(text),
            None => {}
        }
    }
}

/// Takes new values into a section, each checked, and looks that nothing is missing then.
fn change(
    section: &mut Section,
    values: &[(String, String)],
    deleted: &[String],
) -> Result<(), StorageError> {
    let id = section.id.clone();
    let invalid = |reason: String| StorageError::Invalid { storage: id.clone(), reason };
    let known = kind(&section.kind);
    for key in deleted {
        if section.properties.remove(key).is_none() {
            knows(known, key).map_err(invalid)?;
        }
    }
    for (key, value) in values {
        let fault = |reason: String| invalid(format!("option '{key}': {reason}"));
        knows(known, key).map_err(invalid)?;
        if ["keyring", "password"].contains(&key.as_str()) {
            return Err(fault("it stays in a file of its own, see docs/storages.md".to_owned()));
        }
        let checked = match known {
            Some(known) => known.check(key, Some(value)).map_err(fault)?,
            None if value.contains(['\n', '\r']) => {
                return Err(fault("it has control characters".to_owned()));
            }
            None => (value.clone(), None),
        };
        match checked {
            (value, None) if !value.trim().is_empty() => section.properties.insert(key.clone(), value),
            (_, None) => return Err(fault("it has no value".to_owned())),
            (_, Some(reason)) => return Err(fault(reason)),
        };
    }
    for key in known.map_or(&[][..], |known| known.required()) {
        section.need(key).map_err(invalid)?;
    }
    Ok(())
}

/// Refuses an option that a storage of this type cannot have.
fn knows(kind: Option<&Kind>, key: &str) -> Result<(), String> {
    match kind {
        Some(kind) if !kind.knows(key) => {
            Err(format!("a storage of type '{}' has no option '{key}'", kind.name))
        }
        _ => Ok(()),
    }
}

/// The lines of a section in the original's form, with what it would drop: comments behind the header, what is ignored
/// behind the options, where it stays so.
fn written(
    section: &Section,
    notes: Vec<(String, Role)>,
    ignored: Vec<(String, Role)>,
) -> Vec<(String, Role)> {
    let required = kind(&section.kind).map_or(&[][..], |known| known.required());
    let mut lines = vec![(format!("{}: {}\n", section.kind, section.id), Role::Header)];
    lines.extend(notes);
    let is_required = |key: &&String| required.contains(&key.as_str());
    let keys = section.properties.keys().filter(|key| *key != "disable");
    let (first, then): (Vec<_>, Vec<_>) = keys.partition(is_required);
    if section.flag("disable") {
        lines.push(("\tdisable\n".to_owned(), Role::Property));
    }
    for key in first.into_iter().chain(then) {
        let value = section.get(key).unwrap_or_default();
        lines.push((format!("\t{key} {value}\n"), Role::Property));
    }
    lines.extend(ignored);
    lines.push(("\n".to_owned(), Role::End));
    lines
}
