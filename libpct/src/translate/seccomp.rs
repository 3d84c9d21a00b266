//! System calls that are blocked or answered by a daemon (spec: config, part 5.3).

use super::{Input, Lines, TranslateError};
use crate::facts::{HomeKind, Version};

/// Block and character devices, as the mode argument of mknod has them.
const DEVICE_TYPES: [u32; 2] = [0o020_000, 0o060_000];
const TYPE_MASK: u32 = 0o170_000;

/// Emits the lines; gives the text of the profile they point to.
pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<Option<String>, TranslateError> {
    let features = &input.features;
    if input.section.has_raw("lxc.seccomp.profile") {
        let set = [("keyctl", features.keyctl), ("mknod", features.mknod)];
        super::apparmor::warn_overridden(lines, "lxc.seccomp.profile", &set);
        return Ok(None);
    }
    if !input.unprivileged {
        return Ok(None);
    }
    if features.mknod {
        if input.facts.kernel < Version(5, 3) {
            return Err(TranslateError::KernelTooOld(input.facts.kernel));
        }
        let usual = (input.facts.home == HomeKind::Pve).then_some("/run/pve-lxc-syscalld/socket");
        let socket = input.facts.syscalld_socket.as_deref().or(usual).ok_or(TranslateError::NoSyscalld)?;
        lines.push("lxc.seccomp.notify.proxy", format!("unix:{socket}"))?;
        lines.push("lxc.seccomp.notify.cookie", input.vmid)?;
    }
    lines.push("lxc.seccomp.profile", format!("{}/rules.seccomp", input.folder()))?;
    let missing =
        || TranslateError::MissingInclude(format!("{}/common.seccomp", input.facts.lxc_config_dir()));
    let mut profile = input.facts.common_seccomp.clone().ok_or_else(missing)?;
    for rule in rules(features.keyctl, features.mknod) {
        profile.push_str(&rule);
        profile.push('\n');
    }
    Ok(Some(profile))
}

/// The rules beyond the common ones, sorted by system call.
fn rules(keyctl: bool, mknod: bool) -> Vec<String> {
    // The ioctls of btrfs reach beyond the container.
    let mut rules = vec!["ioctl errno 1 [1,0x9400,SCMP_CMP_MASKED_EQ,0xff00]".to_owned()];
    if !keyctl {
        // The keyring is not namespaced; ENOSYS makes programs do without.
        rules.push("keyctl errno 38".to_owned());
    }
    if mknod {
        for (call, argument) in [("mknod", 1), ("mknodat", 2)] {
            for kind in DEVICE_TYPES {
                rules.push(format!("{call} notify [{argument},{kind},SCMP_CMP_MASKED_EQ,{TYPE_MASK}]"));
            }
        }
    }
    // AF_ALG, the kernel's crypto sockets: EAFNOSUPPORT.
    rules.push("socket errno 97 [0,38,SCMP_CMP_EQ]".to_owned());
    rules
}
