//! What the host lacks for this container.

use std::fs;

use super::{super::diagnosis, Patient, Symptom, error, info, warning};
use crate::{error::Error, exec};

pub(super) fn helper(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Err(failure) = &patient.facts else { return Ok(Vec::new()) };
    let symptom = error("helper", None, failure.full_message());
    Ok(vec![symptom.help("install pct-helper, and liblxc with it, in the release of this program")])
}

pub(super) fn apparmor(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Ok(facts) = &patient.facts else { return Ok(Vec::new()) };
    if facts.has_apparmor() {
        let own_profile = patient.section().has_raw("lxc.apparmor.profile");
        if own_profile || exec::find_program("apparmor_parser").is_some() {
            return Ok(Vec::new());
        }
        let text =
            "the kernel confines by AppArmor, and apparmor_parser, which loads profiles, is not installed";
        return Ok(vec![error("apparmor-parser", None, text).help(diagnosis::NO_APPARMOR_PARSER)]);
    }
    let text = "this host has no AppArmor: nothing but namespaces and capabilities confines the container";
    Ok(vec![match patient.section().is_unprivileged() {
        true => info("no-apparmor", None, text),
        false => warning("no-apparmor", None, format!("{text}, and its root is the host's"))
            .help("make it unprivileged, or boot the host with AppArmor"),
    }])
}

/// Limits that are set, and the controller that each needs.
const LIMITS: [(&str, &str); 5] =
    [("memory", "memory"), ("swap", "memory"), ("cpulimit", "cpu"), ("cpuunits", "cpu"), ("cores", "cpuset")];

pub(super) fn controllers(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Ok(facts) = &patient.facts else { return Ok(Vec::new()) };
    let section = patient.section();
    let is_set = |key: &str| section.get(key).is_some_and(|value| !matches!(value, "" | "0"));
    let symptom = |(key, controller): (&'static str, &str)| {
        let text = if !facts.has_v1(controller) && !facts.has_v2(controller) {
            format!("'{key}' has no effect: this host has no cgroup controller '{controller}'")
        } else if key == "swap" && !facts.swap_limit {
            "'swap' has no effect: the kernel does not count swap (swapaccount=1)".to_owned()
        } else {
            return None;
        };
        Some(warning("controller", Some(key), text))
    };
    Ok(LIMITS.into_iter().filter(|(key, _)| is_set(key)).filter_map(symptom).collect())
}

/// The device that the feature `fuse` mounts into the container.
pub(super) fn fuse(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let wanted = patient.section().features().is_ok_and(|features| features.fuse);
    if !wanted || fs::exists("/dev/fuse").unwrap_or(true) {
        return Ok(Vec::new());
    }
    let text = "the feature 'fuse' needs /dev/fuse, which this host has not";
    Ok(vec![error("device", Some("features"), text).help("load it: modprobe fuse; or drop the feature")])
}
