//! What the config file itself says.

use super::{Patient, Symptom, info, warning};
use crate::{
    config::{Finding, pending_keys},
    error::Error,
};

/// A start passes over what it cannot read, and so may do something else than was meant.
pub(super) fn lint(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    Ok(patient.lint.iter().map(symptom).collect())
}

fn symptom(finding: &Finding) -> Symptom {
    let text = format!("line {}: {}", finding.line, finding.message);
    Symptom { remedy: finding.remedy.clone(), ..warning("config", finding.key.as_deref(), text) }
}

/// What keeps the container from being started, where lint has `words` about that key in the words of lint: they say
/// in which line, and which part is wrong.
pub(super) fn described(patient: &Patient<'_>, known: Symptom, words: &str) -> Vec<Symptom> {
    let key = known.key.as_deref().unwrap_or_default();
    let about = |finding: &&Finding| {
        let name = finding.key.as_deref().and_then(|name| name.split('.').next());
        name == Some(key) && finding.message.contains(words)
    };
    let graver = |finding| Symptom { gravity: known.gravity, code: known.code, ..symptom(finding) };
    let found: Vec<_> = patient.lint.iter().filter(about).map(graver).collect();
    if found.is_empty() { vec![known] } else { found }
}

pub(super) fn pending(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let waiting = pending_keys(&patient.loaded.config).into_iter().filter_map(|found| {
        let text = match (found.pending, found.deletion) {
            (_, Some(_)) => format!("the next start removes '{}'", found.key),
            (Some(value), None) => format!("the next start sets '{}' to '{value}'", found.key),
            (None, None) => return None,
        };
        Some(info("pending", Some(found.key), text))
    });
    let failing = patient.not_applied.iter().map(|(key, reason)| {
        warning("pending-fails", Some(key), format!("unable to apply pending change {key} : {reason}"))
            .help(format!("pct set {} --revert {key}", patient.vmid))
    });
    Ok(waiting.chain(failing).collect())
}
