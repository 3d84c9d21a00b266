//! `/etc/locale.conf` (spec: guest set-up, part 9).

use crate::{
    guest::{Setup, error::Result},
    rootfs::Attributes,
};

const PATH: &str = "/etc/locale.conf";

/// Gives a guest without a locale the plain one.
pub(crate) fn set_default(setup: &mut Setup<'_>) -> Result<()> {
    if !setup.root.exists(PATH)? {
        setup.root.replace(PATH, b"LANG=C.utf8", Attributes::CONFIG)?;
    }
    Ok(())
}
