//! The private key of the certificate that Debian's `ssl-cert` makes at installation: in a template it is
//! known to everybody (spec: guest set-up, part 9.1).

use crate::{
    guest::{Setup, error::Result, systemd},
    rootfs::Attributes,
};

const KEY: &str = "/etc/ssl/private/ssl-cert-snakeoil.key";
const UNIT: &str = "proxmox-regenerate-snakeoil.service";
const UNITS: &str = "/etc/systemd/system";
const CONTENT: &str = "\
[Unit]
Description=Make a snakeoil certificate of this container's own
ConditionFirstBoot=yes
ConditionPathExists=/etc/ssl/certs/ssl-cert-snakeoil.pem
Before=first-boot-complete.target
Wants=first-boot-complete.target

[Service]
Type=oneshot
ExecStart=make-ssl-cert -f generate-default-snakeoil
";

/// Removes the key, and has the guest make a new one at its first boot.
pub(crate) fn replace_key(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    if !root.exists(KEY)? {
        return Ok(());
    }
    if systemd::is_init(root)? {
        setup.info(format!("Setting up '{UNIT}' to regenerate snakeoil certificate.."));
        let unit = format!("{UNITS}/{UNIT}");
        let wants = format!("{UNITS}/first-boot-complete.target.wants");
        root.make_path(&wants, 0o755)?;
        root.replace(&unit, CONTENT.as_bytes(), Attributes::CONFIG)?;
        root.symlink(&unit, &format!("{wants}/{UNIT}"))?;
    } else {
        setup.warn(
            "template contains a pre-generated snakeoil certificate whose key was removed; \
             run 'make-ssl-cert generate-default-snakeoil --force-overwrite' in the container to make a new one",
        );
    }
    root.unlink(KEY)?;
    Ok(())
}
