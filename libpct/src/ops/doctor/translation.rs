//! What cannot be expressed for liblxc: bridges, devices, and lines that it would not load.

use super::{super::diagnosis, Patient, Symptom, config::described, error, warning};
use crate::{
    config::{NetIf, Section},
    error::Error,
    net::Netlink,
    translate::{TranslateError, translate},
};

/// The translation ends with the first thing that it cannot do. So that all are told, the culprit is taken out of a
/// copy of the config, and the rest translated again.
pub(super) fn lines(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Ok(facts) = &patient.facts else { return Ok(Vec::new()) };
    let mut section = patient.section().clone();
    let mut found = Vec::new();
    loop {
        let error = match translate(patient.vmid, &section, facts) {
            Ok(generated) => {
                found.extend(
                    generated.warnings.iter().map(|text| warning("translation", None, text.as_str())),
                );
                return Ok(found);
            }
            Err(error) => error,
        };
        let culprit = Culprit::of(&error, &section);
        let symptom = symptom(error, &section, culprit.as_ref().and_then(Culprit::key))?;
        found.extend(if symptom.code == "config" { described(patient, symptom, "") } else { vec![symptom] });
        if !culprit.is_some_and(|culprit| culprit.take_out(&mut section)) {
            return Ok(found);
        }
    }
}

fn symptom(failure: TranslateError, section: &Section, key: Option<&str>) -> Result<Symptom, Error> {
    let code = match &failure {
        TranslateError::NoSuchBridge(_) => "bridge-missing",
        TranslateError::MtuTooBig { .. } => "mtu",
        TranslateError::NoSuchDevice(_) | TranslateError::NotADevice(_) => "device",
        TranslateError::KernelTooOld(_) | TranslateError::NoSyscalld | TranslateError::Slaac(_) => "feature",
        TranslateError::MissingInclude(_) | TranslateError::LiblxcTooOld(_) => "liblxc",
        TranslateError::UnsafeHookPath(_) => "helper",
        TranslateError::OldRawKey { .. }
        | TranslateError::UnknownKey { .. }
        | TranslateError::NoSuchInclude(_)
        | TranslateError::NoKey(_) => "raw-line",
        TranslateError::Unreadable { key, .. } if key.starts_with("lxc.") => "raw-line",
        _ => "config",
    };
    let said = failure.to_string();
    // The key stands for itself.
    let own = key.map(|key| format!("{key}: ")).unwrap_or_default();
    let mut message = said.strip_prefix(&*own).unwrap_or(&said).to_owned();
    if let TranslateError::NoSuchBridge(bridge) = &failure {
        if bridge.is_empty() {
            message = "the interface has no bridge".to_owned();
        } else if let Err(error) = Netlink::open()?.bridge(bridge) {
            // The translation knows bridges only.
            message = error.to_string();
        }
    }
    let failure = Error::from(failure);
    let named = key.unwrap_or("the key");
    let remedy = diagnosis::remedy_for_error(&failure, Some(section)).or_else(|| match code {
        "mtu" => {
            Some("make the 'mtu' smaller, or that of the bridge larger (ip link set NAME mtu MTU)".to_owned())
        }
        "device" => Some(format!("connect the device, or remove '{named}' from the config")),
        "raw-line" => Some("correct that line of the config, or remove it".to_owned()),
        _ => None,
    });
    Ok(Symptom { remedy, ..error(code, key, message) })
}

/// What of a config keeps it from being translated.
enum Culprit {
    Key(String),
    /// A line by its place among the raw ones.
    Raw(usize, String),
}

impl Culprit {
    fn of(error: &TranslateError, section: &Section) -> Option<Self> {
        let key = |key: &str| Some(Self::Key(key.to_owned()));
        let raw = |is_meant: &dyn Fn(&str, &str) -> bool| {
            let at = section.raw().iter().position(|line| is_meant(&line.key, &line.value))?;
            Some(Self::Raw(at, section.raw()[at].key.clone()))
        };
        let member = |family: &str, is_meant: &dyn Fn(&str) -> bool| {
            let found = section.family(family).into_iter().find(|(_, text)| is_meant(text));
            found.map(|(index, _)| Self::Key(format!("{family}{index}")))
        };
        match error {
            TranslateError::MissingKey(name) => key(name),
            TranslateError::MissingRootfs => key("rootfs"),
            TranslateError::Property(error) => key(&error.key),
            TranslateError::MissingPath(name) | TranslateError::Slaac(name) => key(name),
            TranslateError::MtuTooBig { key: name, .. } | TranslateError::Port { key: name, .. } => key(name),
            TranslateError::NoSuchDevice(path) | TranslateError::NotADevice(path) => {
                member("dev", &|text| text.split(',').any(|part| part.trim_start_matches("path=") == path))
            }
            TranslateError::NoSuchBridge(bridge) => member("net", &|text| {
                text.parse::<NetIf>().is_ok_and(|net| net.bridge.unwrap_or_default() == *bridge)
            }),
            TranslateError::KernelTooOld(_) | TranslateError::NoSyscalld => key("features"),
            TranslateError::OldRawKey { key: name, .. }
            | TranslateError::UnknownKey { key: name, .. }
            | TranslateError::NoKey(name)
            | TranslateError::LineBreak { key: name } => raw(&|key, _| key == name),
            TranslateError::NoSuchInclude(path) => {
                raw(&|key, value| key == "lxc.include" && value.contains(path))
            }
            TranslateError::Unreadable { key: name, value, .. } => {
                let own = name.split(" (").next().unwrap_or_default();
                let is_raw = |line: &str, text: &str| line == name && text.contains(value);
                raw(&is_raw).or_else(|| section.get(own).and_then(|_| key(own)))
            }
            TranslateError::MissingInclude(_)
            | TranslateError::UnsafeHookPath(_)
            | TranslateError::LiblxcTooOld(_) => None,
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) | Self::Raw(_, key) => Some(key),
        }
    }

    /// Takes it out, and puts something in its place that always passes where there must be one. `false`: it would
    /// not help.
    fn take_out(&self, section: &mut Section) -> bool {
        match self {
            Self::Raw(at, _) => {
                section.raw_mut().remove(*at);
                true
            }
            Self::Key(key) => {
                let stand_in = match key.as_str() {
                    "arch" => diagnosis::host_arch(),
                    "ostype" => "unmanaged",
                    "rootfs" => "/",
                    key => return section.remove(key).is_some(),
                };
                let helps = section.get(key) != Some(stand_in);
                section.set(key, stand_in);
                helps
            }
        }
    }
}
