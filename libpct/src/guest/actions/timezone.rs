//! The time zone (spec: guest set-up, part 7.5).

use crate::{
    guest::{Setup, error::Result, text::is_word},
    rootfs::Attributes,
};

const LOCALTIME: &str = "/etc/localtime";

/// Sets the configured time zone, if one is configured and the guest knows it.
pub(crate) fn set(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    let (target, name) = match setup.settings.timezone.as_deref() {
        None => return Ok(()),
        // Where the file is no link its path says nothing.
        Some("host") => match setup.host.localtime.clone().filter(|p| p.starts_with('/') && p != LOCALTIME) {
            Some(path) => (path, setup.host.timezone.clone()),
            None => {
                setup.warn("the host's time zone is unknown, timezone can not be modified");
                return Ok(());
            }
        },
        Some(zone) => (format!("/usr/share/zoneinfo/{zone}"), Some(zone.to_owned())),
    };
    if !is_word(&target) || !root.exists(&target)? {
        setup.warn(format!("container does not have {target}, timezone can not be modified"));
        return Ok(());
    }
    if root.resolve(LOCALTIME).ok().as_deref() != Some(&target) {
        root.replace_with_link(&target, LOCALTIME)?;
    }
    if let Some(name) = name
        && root.exists("/etc/timezone")?
    {
        root.replace("/etc/timezone", format!("{name}\n").as_bytes(), Attributes::CONFIG)?;
    }
    Ok(())
}
