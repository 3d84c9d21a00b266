//! `doctor`: what would make the next start of a container fail, or go otherwise than its administrator expects.
//! Nothing is started, changed, activated, or mounted where anybody could see it. A root file system in an image is
//! looked into under the container's lock: a start at the same moment would find the image in use.
//!
//! A check is a function in one of the files here and a line in [`CHECKS`]; what it can find has a code in `codes.rs`.
//! Where a start has a check, that one is called.

mod codes;
mod config;
mod guest;
mod hookscript;
mod host;
mod idmap;
mod network;
mod patient;
mod state;
mod targets;
mod translation;
mod volumes;

use std::cell::OnceCell;

use super::Env;
use crate::{config::Vmid, error::Error, store::StoreError};
pub use codes::SYMPTOM_CODES;
use patient::Patient;
use volumes::Uses;

/// How much a [`Symptom`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Worth knowing.
    Info,
    /// The start works, but something will not be as the config says.
    Warning,
    /// The start fails.
    Error,
}

impl Gravity {
    /// `error`, `warning` or `info`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that stands between a container and its next start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Symptom {
    /// How much it matters.
    pub gravity: Gravity,
    /// What kind of thing it is: one of [`SYMPTOM_CODES`].
    pub code: &'static str,
    /// The key of the config that it is about.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Symptom {
    fn new(gravity: Gravity, code: &'static str, key: Option<&str>, message: impl Into<String>) -> Self {
        debug_assert!(SYMPTOM_CODES.iter().any(|(known, _)| *known == code), "{code}");
        let key = key.map(str::to_owned);
        Self { gravity, code, key, message: message.into(), remedy: None }
    }

    fn help(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

fn error(code: &'static str, key: Option<&str>, message: impl Into<String>) -> Symptom {
    Symptom::new(Gravity::Error, code, key, message)
}

fn warning(code: &'static str, key: Option<&str>, message: impl Into<String>) -> Symptom {
    Symptom::new(Gravity::Warning, code, key, message)
}

fn info(code: &'static str, key: Option<&str>, message: impl Into<String>) -> Symptom {
    Symptom::new(Gravity::Info, code, key, message)
}

/// What was found in several containers.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Checkup {
    /// In the order in which they were asked for, or ascending.
    pub containers: Vec<(Vmid, Vec<Symptom>)>,
    /// Those whose config cannot be read, and why.
    pub errors: Vec<(Vmid, Error)>,
}

type Check = fn(&Patient<'_>) -> Result<Vec<Symptom>, Error>;

const CHECKS: &[Check] = &[
    state::running,
    state::lock,
    state::start_rules,
    state::leftovers,
    state::suspended,
    config::lint,
    config::pending,
    host::helper,
    host::apparmor,
    host::controllers,
    host::fuse,
    translation::lines,
    network::bridges,
    network::names,
    idmap::overlaps,
    idmap::allowed,
    volumes::there,
    volumes::used_twice,
    targets::hidden,
    targets::in_the_way,
    guest::seen,
    guest::set_up,
    guest::systemd,
    guest::init,
    hookscript::script,
];

/// Of one container; the gravest first.
pub(crate) fn doctor(env: &Env, vmid: Vmid) -> Result<Vec<Symptom>, Error> {
    examine(env, vmid, &OnceCell::new())
}

/// Of these containers, or of all where none are named.
pub(crate) fn doctor_of(env: &Env, vmids: &[Vmid]) -> Result<Checkup, Error> {
    let all = vmids.is_empty();
    let vmids = if all { &env.store().vmids()? } else { vmids };
    let uses = OnceCell::new();
    let mut checkup = Checkup::default();
    for &vmid in vmids {
        match examine(env, vmid, &uses) {
            Ok(symptoms) => checkup.containers.push((vmid, symptoms)),
            // Removed since the folder was read.
            Err(Error::Store(StoreError::Missing { .. })) if all => {}
            Err(error) => checkup.errors.push((vmid, error)),
        }
    }
    Ok(checkup)
}

fn examine(env: &Env, vmid: Vmid, uses: &OnceCell<Uses>) -> Result<Vec<Symptom>, Error> {
    let patient = Patient::admit(env, vmid, uses)?;
    let mut found: Vec<Symptom> = Vec::new();
    for check in CHECKS {
        let symptoms = check(&patient).unwrap_or_else(|failure| {
            vec![warning(
                "not-checked",
                None,
                format!("not everything was checked: {}", failure.full_message()),
            )]
        });
        symptoms.into_iter().for_each(|symptom| note(&mut found, symptom));
    }
    found.sort_by_key(|symptom| std::cmp::Reverse(symptom.gravity));
    Ok(found)
}

/// What two checks say in the same words is said once, and as grave as the graver of them has it.
fn note(found: &mut Vec<Symptom>, new: Symptom) {
    match found.iter_mut().find(|known| known.key == new.key && known.message == new.message) {
        Some(known) if known.gravity >= new.gravity => {}
        Some(known) => *known = new,
        None => found.push(new),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn codes_are_sorted_and_each_is_found_by_a_check() {
        assert!(SYMPTOM_CODES.is_sorted());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops/doctor");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let texts =
            files.filter(|path| !path.ends_with("codes.rs")).map(|path| fs::read_to_string(path).unwrap());
        let text: String = texts.collect();
        for (code, _) in SYMPTOM_CODES {
            assert!(text.contains(&format!("\"{code}\"")), "{code}");
        }
    }

    #[test]
    fn the_same_words_are_said_once_and_as_grave_as_they_are() {
        let mut found = Vec::new();
        for symptom in [
            warning("config", Some("net0"), "a"),
            error("interface-name", Some("net0"), "a"),
            info("running", None, "a"),
            warning("config", Some("net0"), "a"),
        ] {
            note(&mut found, symptom);
        }
        assert_eq!(found, [error("interface-name", Some("net0"), "a"), info("running", None, "a")]);
    }
}
