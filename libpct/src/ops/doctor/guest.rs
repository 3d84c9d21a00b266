//! What is inside the root file system.

use super::{
    super::{diagnosis, guest_setup},
    Patient, Symptom, error, info,
    patient::Inside,
    warning,
};
use crate::{
    error::Error,
    guest::{self, Message, Settings},
    rootfs::Rootfs,
};

/// Whether it could be looked into.
pub(super) fn seen(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    Ok(match patient.inside() {
        Inside::Unseen(Some(why)) => vec![why.clone()],
        Inside::Unseen(None) | Inside::Seen(..) => Vec::new(),
    })
}

/// The root, and what the config says about it; `None` where that is told by another check.
fn looked_into<'a>(patient: &'a Patient<'_>) -> Option<(&'a Rootfs, Settings)> {
    Some((patient.root()?, guest_setup::settings(patient.section()).ok()?))
}

/// The start writes the guest's files, and fails where it does not know how.
pub(super) fn set_up(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Some((root, settings)) = looked_into(patient) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    if let Err(failure) = guest::check(&settings, &guest_setup::host()) {
        found.push(error("guest", None, Error::from(failure).full_message()));
    }
    match guest::detect(root, &settings) {
        Ok(detected) => {
            let told = detected.messages.into_iter().filter_map(|message| match message {
                Message::Warning(text) => Some(warning("guest", Some("ostype"), text)),
                Message::Info(_) => None,
            });
            found.extend(told);
        }
        Err(failure) => {
            let remedy = "set 'ostype' to 'unmanaged': then its files are left as they are";
            found.push(error("guest", Some("ostype"), Error::from(failure).full_message()).help(remedy));
        }
    }
    Ok(found)
}

pub(super) fn systemd(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Some((root, settings)) = looked_into(patient) else { return Ok(Vec::new()) };
    let nesting = guest::nesting_hint(root, &settings).map(|hint| {
        let remedy = format!("pct set {} --features nesting=1", patient.vmid);
        warning("nesting", Some("features"), hint).help(remedy)
    });
    let too_old = match (&patient.facts, guest::detect(root, &settings)) {
        (Ok(facts), Ok(guest)) => guest_setup::cgroup_v2_warning(root, &guest, facts.cgroup),
        _ => None,
    };
    let too_old = too_old.map(|text| warning("old-systemd", None, text));
    Ok(nesting.into_iter().chain(too_old).collect())
}

/// The first program: whether it is there, can be executed, and is one for this host.
pub(super) fn init(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let section = patient.section();
    let Some(root) = patient.root() else { return Ok(Vec::new()) };
    let command = diagnosis::init_name(section);
    let program = command.split_ascii_whitespace().next().unwrap_or_default();
    // What is named otherwise is searched, taken apart or replaced by liblxc.
    if !program.starts_with('/') || command.contains(['"', '\'', '\\']) || section.has_raw("lxc.init.cmd") {
        return Ok(Vec::new());
    }
    let path = root.resolve(program)?;
    let below = |target: &str| path.starts_with(&format!("{}/", target.trim_end_matches('/')));
    if patient.points().iter().skip(1).any(|(_, point)| below(point.path())) {
        return Ok(Vec::new());
    }
    let key = section.entrypoint().map(|_| "entrypoint");
    if !root.exists(program)? {
        let symptom = error("init", key, format!("there is no '{program}' in the container"));
        return Ok(vec![symptom.help(diagnosis::no_init_remedy(section))]);
    }
    if !root.is_executable(program)? {
        let symptom = error("init", key, format!("'{program}' is not executable"));
        return Ok(vec![symptom.help(diagnosis::init_mode_remedy(section))]);
    }
    Ok(architecture(patient, root, program))
}

fn architecture(patient: &Patient<'_>, root: &Rootfs, program: &str) -> Vec<Symptom> {
    let host = diagnosis::host_arch();
    let arch = match guest::architecture(root, program) {
        Ok(arch) => arch,
        // A script, whose interpreter decides.
        Err(guest::Error::NotElf { .. }) => return Vec::new(),
        Err(failure) => {
            return vec![error("architecture", Some("arch"), Error::from(failure).full_message())];
        }
    };
    let named = patient.section().arch().unwrap_or(arch);
    let differs = (named != arch).then(|| {
        let text = format!("the config says '{named}', but '{program}' is for '{arch}'");
        warning("architecture", Some("arch"), text).help(format!("pct set {} --arch {arch}", patient.vmid))
    });
    let foreign = (!diagnosis::runs_natively(arch)).then(|| {
        let text = format!("'{program}' is for architecture '{arch}', this host is '{host}'");
        match diagnosis::is_emulated(arch) {
            true => info("architecture", Some("arch"), format!("{text}: it runs under QEMU")),
            false => error("architecture", Some("arch"), text).help(format!("use a template for '{host}'")),
        }
    });
    foreign.into_iter().chain(differs).collect()
}
