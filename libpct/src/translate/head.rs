//! The plain lines: names, includes, mounts, id map, environment.

use super::{Input, Lines, TranslateError, standalone};
use crate::config::{IdMap, PropertyError, keys, props};

/// Control group folders, architecture, includes.
pub(super) fn namespaces(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let vmid = input.vmid;
    if input.facts.liblxc.0 >= 4 {
        lines.push("lxc.cgroup.relative", 0)?;
        lines.push("lxc.cgroup.dir.monitor", format!("lxc.monitor/{vmid}"))?;
        lines.push("lxc.cgroup.dir.container", format!("lxc/{vmid}"))?;
        lines.push("lxc.cgroup.dir.container.inner", "ns")?;
    }
    let arch = input.text("arch").ok_or(TranslateError::MissingKey("arch"))?;
    lines.push("lxc.arch", if input.is_standalone() { standalone::arch(arch) } else { arch })?;
    let ostype = input.text("ostype").ok_or(TranslateError::MissingKey("ostype"))?;
    include(input, lines, ostype, "common.conf")?;
    if input.unprivileged {
        include(input, lines, ostype, "userns.conf")?;
    }
    Ok(())
}

/// The distribution's own include file where there is one, else the general one.
fn include(input: &Input<'_>, lines: &mut Lines, ostype: &str, name: &str) -> Result<(), TranslateError> {
    let exists = |name: &str| input.facts.lxc_includes.iter().any(|file| file == name);
    let own = format!("{ostype}.{name}");
    let dir = input.facts.lxc_config_dir();
    let path = if exists(&own) { format!("{dir}/{own}") } else { format!("{dir}/{name}") };
    if input.is_standalone() && !exists(&own) && !exists(name) {
        // Without it the container would run with all capabilities.
        return Err(TranslateError::MissingInclude(path));
    }
    lines.push("lxc.include", path)
}

/// What is mounted beyond the includes.
pub(super) fn mounts(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.unprivileged && !input.features.force_rw_sys {
        lines.push("lxc.mount.auto", "sys:mixed")?;
    }
    if input.text("entrypoint").is_some_and(|command| command != "/sbin/init") {
        // An init mounts it, an application expects it.
        lines.push("lxc.mount.entry", "shm dev/shm tmpfs rw,nosuid,nodev,create=dir 0 0")?;
    }
    Ok(())
}

/// The monitor's own mount namespace, and the default id map.
pub(super) fn monitor(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    lines.push("lxc.monitor.unshare", 1)?;
    if input.unprivileged && !input.section.has_raw("lxc.idmap") {
        for range in IdMap::unprivileged_default().0 {
            lines.push("lxc.idmap", range)?;
        }
    }
    Ok(())
}

/// Terminals, and the name.
pub(super) fn names(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    lines.push("lxc.tty.max", input.text("tty").unwrap_or("2"))?;
    lines.push("lxc.environment", "TERM=linux")?;
    let default = format!("CT{}", input.vmid);
    lines.push("lxc.uts.name", input.text("hostname").unwrap_or(&default))
}

/// The root file system, and what is run in it.
pub(super) fn root(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let rootfs = input.section.get("rootfs").ok_or(TranslateError::MissingRootfs)?;
    // Only the form matters: the volume is mounted by others.
    props::parse(keys::ROOTFS, rootfs)
        .map_err(|source| PropertyError { key: "rootfs".to_owned(), source })?;
    lines.push("lxc.rootfs.path", format!("{}/rootfs", input.folder()))?;
    match input.text("entrypoint") {
        Some(command) => lines.push("lxc.init.cmd", command),
        None => Ok(()),
    }
}

/// The environment of the first process.
pub(super) fn environment(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let key = match input.is_standalone() {
        true => standalone::environment_key(input.facts),
        false => "lxc.environment.runtime",
    };
    input.section.env().iter().try_for_each(|entry| lines.push(key, entry))
}
