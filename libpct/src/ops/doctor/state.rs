//! What a start asks before it does anything.

use super::{
    super::{checkpoint, leftovers, start},
    Patient, Symptom, error, info,
};
use crate::error::Error;

pub(super) fn running(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let text = match (patient.running, patient.has_monitor) {
        (true, _) => "it is running: all this is about its next start",
        (false, true) => "it is being started or stopped at this moment",
        (false, false) => return Ok(Vec::new()),
    };
    Ok(vec![info("running", None, text)])
}

pub(super) fn lock(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let vmid = patient.vmid;
    let Err(locked) = patient.loaded.check_lock_but_mounted() else { return Ok(Vec::new()) };
    let remedy = format!(
        "wait for the operation that has locked it; if it broke off, 'pct repair {vmid}' brings the container back"
    );
    Ok(vec![error("locked", Some("lock"), locked.to_string()).help(remedy)])
}

pub(super) fn start_rules(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let section = patient.section();
    let mut found = Vec::new();
    if let Err(refused) = start::check_home(patient.env, "starting a container on a Proxmox VE host") {
        let remedy = format!("systemctl start pve-container@{}", patient.vmid);
        found.push(error("proxmox-ve", None, refused.to_string()).help(remedy));
    }
    if let Err(refused) = start::check_template(section, patient.vmid) {
        found.push(
            error("template", Some("template"), refused.to_string())
                .help("make a copy of it, and start that"),
        );
    }
    // An id map that cannot be read is told by another check.
    if let Err(refused @ Error::QuotaUnprivileged) = start::check_quota(section) {
        found.push(error("quota", None, refused.to_string()).help("remove 'quota' from the mount points"));
    }
    Ok(found)
}

pub(super) fn suspended(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    if patient.running || !checkpoint::is_suspended(patient.env, patient.vmid) {
        return Ok(Vec::new());
    }
    let text = "it is suspended: a start begins anew, and removes the suspended state";
    Ok(vec![info("suspended", None, text).help(format!("pct resume {}", patient.vmid))])
}

pub(super) fn leftovers(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    if patient.running || !leftovers::has_dead_monitor(patient.env, patient.vmid)? {
        return Ok(Vec::new());
    }
    let text =
        "its monitor was killed: the next start ends what is left of the container, and clears it away";
    Ok(vec![info("leftovers", None, text)])
}
