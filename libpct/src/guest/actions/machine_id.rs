//! The machine id (spec: guest set-up, part 7.8; machine-id(5)).

use crate::{
    guest::{Setup, error::Result, systemd, text::first_line},
    rootfs::Attributes,
};

const ID: &str = "/etc/machine-id";
const DBUS_ID: &str = "/var/lib/dbus/machine-id";

/// A new container: no id at all, so that systemd takes the first boot for what it is.
pub(crate) fn clear(setup: &mut Setup<'_>) -> Result<()> {
    clear_dbus(setup)?;
    if setup.root.exists(ID)? {
        setup.root.unlink(ID)?;
    }
    Ok(())
}

/// A copy: an empty id, so that systemd makes a new one, but does not run what belongs to a first boot.
pub(crate) fn renew(setup: &mut Setup<'_>) -> Result<()> {
    clear_dbus(setup)?;
    let root = setup.root;
    if let Some(id) = root.read(ID)?
        && systemd::is_installed(root)?
        && first_line(&id) != "uninitialized"
    {
        root.replace(ID, b"\n", Attributes::CONFIG)?;
    }
    Ok(())
}

fn clear_dbus(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    if root.exists(DBUS_ID)? && !root.is_link(DBUS_ID)? && systemd::is_installed(root)? {
        root.unlink(DBUS_ID)?;
    }
    Ok(())
}
