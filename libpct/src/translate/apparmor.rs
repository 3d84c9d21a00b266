//! Confinement by AppArmor (spec: config, part 5.4), and the device of FUSE.

use super::{Input, Lines, TranslateError};
use crate::facts::Version;

pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let features = &input.features;
    let confined = !input.is_standalone() || input.facts.has_apparmor();
    if input.section.has_raw("lxc.apparmor.profile") {
        let set = [
            ("features:fuse", features.fuse),
            ("features:nesting", features.nesting),
            ("features:mount", !features.mount.is_empty()),
        ];
        warn_overridden(lines, "lxc.apparmor.profile", &set);
    } else if confined {
        profile(input, lines)?;
    }
    if features.fuse {
        if confined {
            lines.push("lxc.apparmor.raw", "mount fstype=fuse,")?;
        }
        lines.push("lxc.mount.entry", "/dev/fuse dev/fuse none bind,create=file 0 0")?;
    }
    Ok(())
}

/// The first AppArmor that confines message queues and user namespaces. To an older parser the words are errors.
const WITH_MQUEUE: Version = Version(4, 0);

fn profile(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let confines_more = !input.is_standalone() || input.facts.has_apparmor_abi(WITH_MQUEUE);
    lines.push("lxc.apparmor.profile", "generated")?;
    if confines_more {
        lines.push("lxc.apparmor.raw", "allow mqueue,")?;
    }
    if input.features.nesting {
        lines.push("lxc.apparmor.allow_nesting", 1)?;
        if confines_more {
            lines.push("lxc.apparmor.raw", "allow userns,")?;
        }
    } else {
        lines.push("lxc.apparmor.raw", "deny mount -> /proc/,")?;
        lines.push("lxc.apparmor.raw", "deny mount -> /sys/,")?;
    }
    let mut types = input.features.mount.iter();
    types.try_for_each(|fs| lines.push("lxc.apparmor.raw", format!("mount fstype={fs},")))
}

/// Says which settings a raw line makes ineffective.
pub(super) fn warn_overridden(lines: &mut Lines, raw: &str, settings: &[(&str, bool)]) {
    let set: Vec<_> = settings.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    if !set.is_empty() {
        let set = set.join(", ");
        lines.warn(format!("explicitly configured {raw} overrides the following settings: {set}"));
    }
}
