//! Which distribution is in a root (spec: guest set-up, parts 1, 5 and 6).

use crate::rootfs::Rootfs;

use super::{
    Message, elf,
    error::{Error, Result},
    families,
    family::{Family, Probe, Shell, Trace, Version},
    os_release::OsRelease,
    settings::Settings,
    text::{contains, lines},
};

const UNMANAGED: &str = "unmanaged";
const FALLBACK_ARCH: &str = "amd64";

/// What is in a root file system.
#[derive(Clone, Debug)]
pub struct Detected {
    pub(crate) family: &'static Family,
    /// The name of the distribution's family in the config: `ostype`.
    pub ostype: &'static str,
    /// The release; 0.0 where it plays no role.
    pub version: Version,
    /// The architecture, if the settings had none: what the config has to say from now on.
    pub arch: Option<&'static str>,
    /// What the user should hear about it.
    pub messages: Vec<Message>,
}

/// Finds out which distribution a root holds, in which release, and, if the settings do not say it, for which
/// architecture. The caller stores `ostype` and `arch` in the config.
///
/// # Errors
/// When nothing fits though there is an os-release file, and when the release can not be set up.
pub fn detect(root: &Rootfs, settings: &Settings) -> Result<Detected> {
    let mut messages = Vec::new();
    let os_release = OsRelease::read(root)?;
    let family = if settings.ostype.as_deref() == Some(UNMANAGED) {
        &families::unmanaged::FAMILY
    } else {
        let found = find(root, &os_release, &mut messages)?;
        if let Some(configured) = settings.ostype.as_deref().filter(|ostype| *ostype != found.ostype) {
            if !root.is_dir("/etc")? {
                messages.push(Message::Warning("/etc not present in CT, is the rootfs mounted?".to_owned()));
            }
            let text = format!("got unexpected ostype ({} != {configured})", found.ostype);
            messages.push(Message::Warning(text));
        }
        found
    };
    let version = (family.version)(&Probe { root, os_release: &os_release }, &mut messages)?;
    let arch = settings.arch.is_none().then(|| architecture(root, family, &mut messages));
    Ok(Detected { family, ostype: family.ostype, version, arch, messages })
}

fn find(root: &Rootfs, os_release: &OsRelease, messages: &mut Vec<Message>) -> Result<&'static Family> {
    if let Some(id) = os_release.id.as_deref() {
        if let Some(family) = families::ALL.iter().find(|family| family.ids.contains(&id)) {
            return Ok(family);
        }
        let text = format!("unknown ID '{id}' in /etc/os-release file, trying fallback detection");
        messages.push(Message::Warning(text));
    }
    for family in families::ALL {
        for trace in family.traces {
            if is_there(root, *trace)? {
                return Ok(family);
            }
        }
    }
    if root.exists("/etc/os-release")? {
        return Err(Error::UnknownDistribution);
    }
    let text = "/etc/os-release file not found and autodetection failed, falling back to 'unmanaged'";
    messages.push(Message::Warning(text.to_owned()));
    Ok(&families::unmanaged::FAMILY)
}

fn is_there(root: &Rootfs, trace: Trace) -> Result<bool> {
    Ok(match trace {
        Trace::File(path) => root.exists(path)?,
        Trace::Folder(path) => root.is_dir(path)?,
        Trace::Line(path, line) => {
            let data = root.read(path)?.unwrap_or_default();
            lines(&data).any(|found| found.trim_ascii().eq_ignore_ascii_case(line.as_bytes()))
        }
    })
}

fn architecture(root: &Rootfs, family: &Family, messages: &mut Vec<Message>) -> &'static str {
    let shell = match family.shell {
        Shell::Unknown => None,
        Shell::BinSh => Some(Ok("/bin/sh".to_owned())),
        Shell::InitInterpreter => Some(interpreter(root)),
    };
    match shell.map(|shell| elf::architecture(root, &shell?)) {
        Some(Ok(arch)) => {
            messages.push(Message::Info(format!("Detected container architecture: {arch}")));
            return arch;
        }
        Some(Err(error)) => {
            messages.push(Message::Warning(format!("Architecture detection failed: {error}")));
        }
        None => {}
    }
    messages.push(Message::Info(format!("Falling back to {FALLBACK_ARCH}.")));
    messages.push(Message::Info("Use `pct set VMID --arch ARCH` to change.".to_owned()));
    FALLBACK_ARCH
}

/// The program that the first line of `/sbin/init` names. Before its first activation NixOS has no `/bin/sh`.
fn interpreter(root: &Rootfs) -> Result<String> {
    let data = root.read("/sbin/init")?.ok_or(Error::NoShell)?;
    let first = data.split(|b| *b == b'\n').next().unwrap_or_default();
    if !contains(first.get(..2).unwrap_or_default(), b"#!") {
        return Err(Error::NoShell);
    }
    let rest = String::from_utf8_lossy(&first[2..]).into_owned();
    let rest = rest.strip_prefix(' ').unwrap_or(&rest);
    Ok(rest.split_ascii_whitespace().next().unwrap_or_default().to_owned())
}
