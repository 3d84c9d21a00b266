//! The hook script, without which there is no start.

use super::{super::set, Patient, Symptom, error};
use crate::{changes::Script, config::VolumeId, error::Error};

pub(super) fn script(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Some(script) = patient.section().hookscript() else { return Ok(Vec::new()) };
    let found = match script.parse::<VolumeId>() {
        Ok(volume) => set::script(&patient.storages, &volume),
        Err(error) => return Ok(vec![symptom(error.to_string(), REMOVE)]),
    };
    Ok(match found {
        Ok(Script::Executable) => Vec::new(),
        Ok(Script::NotExecutable) => {
            vec![symptom(format!("script '{script}' is not executable"), "make it executable (chmod +x)")]
        }
        Ok(Script::Missing) => vec![symptom(format!("script '{script}' does not exist"), REMOVE)],
        Ok(Script::NoSnippet) => {
            vec![symptom(format!("'{script}' is not in the snippets directory"), REMOVE)]
        }
        Err(error) => vec![symptom(format!("script '{script}': {}", error.full_message()), REMOVE)],
    })
}

const REMOVE: &str = "put the script there, or remove 'hookscript' from the config";

fn symptom(message: String, remedy: &str) -> Symptom {
    error("hookscript", Some("hookscript"), message).help(remedy)
}
