//! Everything that the standalone home does differently. On a Proxmox VE host
//! none of this applies: there the file is what the original writes.
//!
//! - **Paths** come from the host's facts: the container's folder is
//!   `<lxc path>/<vmid>`, with `rootfs` and `rules.seccomp` in it.
//! - **Includes**: a missing `common.conf` or `userns.conf` is refused, because without
//!   it the container would keep all capabilities.
//! - **Network**: liblxc plugs the interface itself (`lxc.net.N.link = <bridge>`) where the
//!   original lets a script do it. What liblxc cannot do is done by the helper
//!   (`lxc.net.N.script.up = <helper> plug <port>`): `tag`, `trunks`, `rate`, `firewall`, a cable that is pulled
//!   (`link_down`), any port of a bridge that tells VLANs apart, and an MTU below the bridge's, which is for the inside only, while a bridge takes over the MTU of a
//!   smaller port.
//! - **Hook**: `lxc.hook.post-stop = <helper> hook`, after the raw lines, so that a raw line
//!   which empties the list of hooks does not take it away. The hooks of the includes are
//!   emptied first: lxcfs has one that sleeps for half a second, because liblxc reboots in place;
//!   here a reboot is a new start.
//! - **DHCP** by the host, for `host-managed=1`: `lxc.hook.start-host = <helper> dhcp-hook <4|6> <interface>`. The
//!   original starts its clients after the container; a guest that reboots by itself has them, too, here.
//! - **Limits on cgroup v1**: where a controller only exists in version 1, its old
//!   names are used, as the original did before 6.1.6 (spec: config, part 5.9). liblxc 7 knows
//!   no version 1 any more; then there is a warning and no line. The same holds for the
//!   devices controller, without warning: liblxc 7 filters devices by BPF.
//! - **Devices of an unprivileged container** on cgroup v2: `lxc.cgroup2.devices.allow = a`. The original has the line in an include
//!   (spec: runtime, part 1). Without it the first rule of the config makes liblxc deny all others, `/dev/null` too.
//! - **Swap** is not limited where the kernel can't.
//! - **Device nodes** (`devN`, block devices of volumes with quotas) are mounted by liblxc: `lxc.mount.entry = <nodes>/dev0
//!   dev/fuse none bind,create=file 0 0`. The original has a hook for them. Where `lxc.autodev` is 0 there are none, as with
//!   the original: `/dev` is the guest's own folder then.
//! - **AppArmor** lines are left out on a host without AppArmor, where liblxc would
//!   refuse to start, and its rules `mqueue` and `userns` where the parser is older than 4.0 and would not take the profile.
//! - **Environment**: `lxc.environment.runtime` came with liblxc 7; before that it is
//!   `lxc.environment`, which hooks see as well, after the raw lines, for it comes last in liblxc 7, too.
//! - **Architecture**: `riscv32`, which no liblxc knows, is `linux32`: to liblxc all of 32 bit are one.
//! - **Feature `mknod`** is refused when no daemon is there to make the nodes.
//! - **liblxc** must be 5.0 or newer, and every line is one that it loads: a value that it would not take (`tty: abc`)
//!   is refused by the name of its key in the config. A value that begins and ends with quotes or blanks goes out in quotes,
//!   for liblxc takes one pair away.
//! - **Raw lines** have rules of their own, in [`raw`](super::raw).

use super::{
    Input, Lines, TranslateError,
    cgroup::cpu_quota,
    devices::Passed,
    liblxc::{LIBLXC_7, OLDEST, as_read},
    number,
};
use crate::{
    config::{Port, text::numeric_prefix},
    facts::HostFacts,
};

/// Whether this host is one that the lines are made for.
pub(super) fn check(facts: &HostFacts) -> Result<(), TranslateError> {
    if facts.liblxc < OLDEST { Err(TranslateError::LiblxcTooOld(facts.liblxc)) } else { Ok(()) }
}

/// The name that liblxc has for an architecture.
pub(super) fn arch(name: &str) -> &str {
    if name == "riscv32" { "linux32" } else { name }
}

/// Whether the environment of the first process shares a key with raw lines, which may empty it.
pub(super) fn environment_is_late(input: &Input<'_>) -> bool {
    input.is_standalone() && environment_key(input.facts) == "lxc.environment"
}

pub(super) fn environment_key(facts: &HostFacts) -> &'static str {
    if facts.liblxc >= LIBLXC_7 { "lxc.environment.runtime" } else { "lxc.environment" }
}

/// Whether device rules go to the version 1 controller.
pub(crate) fn devices_on_v1(facts: &HostFacts) -> bool {
    facts.has_v1("devices") && facts.liblxc < LIBLXC_7
}

/// Has the device nodes, which lie in the container's folder, mounted on files below the container's `/dev`.
pub(super) fn mount_nodes(
    input: &Input<'_>,
    lines: &mut Lines,
    nodes: &[Passed],
) -> Result<(), TranslateError> {
    let autodev = input.section.raw_values("lxc.autodev").last().map(as_read);
    if autodev == Some("0") {
        nodes.iter().for_each(|node| lines.warn(format!("'{}' is not made: lxc.autodev is 0", node.path)));
        return Ok(());
    }
    nodes.iter().try_for_each(|Passed { name, path, .. }| {
        let node = in_fstab(&format!("{}/devices/{name}", input.folder()));
        let path = in_fstab(path.trim_start_matches('/'));
        lines.push("lxc.mount.entry", format!("{node} {path} none bind,create=file 0 0"))
    })
}

/// As fstab(5) has a path with blanks in it.
fn in_fstab(path: &str) -> String {
    let plain = |c: char| !matches!(c, ' ' | '\t' | '\n' | '\\');
    path.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{:03o}", u32::from(c)) }).collect()
}

/// How the host's end of an interface comes to its bridge: a key and its value. Without a helper liblxc does what it
/// can.
pub(super) fn plug(
    input: &Input<'_>,
    port: &Port,
    mtu: &str,
) -> Result<Option<(&'static str, String)>, TranslateError> {
    let bridge_mtu = input.facts.bridges.get(&port.bridge).map(ToString::to_string);
    // liblxc lets only one VLAN pass to a port where others let all of them.
    let is_plain = port.is_plain()
        && !input.facts.vlan_aware.contains(&port.bridge)
        && bridge_mtu.is_none_or(|bridge_mtu| bridge_mtu == mtu);
    match input.facts.helper.as_deref() {
        Some(helper) if !is_plain => Ok(Some(("script.up", format!("{} plug {port}", plain(helper)?)))),
        _ if port.link_down => Ok(None),
        _ => Ok(Some(("link", port.bridge.clone()))),
    }
}

/// liblxc gives hooks and scripts to a shell, which would run whatever a path spells there.
fn plain(helper: &str) -> Result<&str, TranslateError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._+-".contains(&b);
    if helper.starts_with('/') && helper.bytes().all(plain) {
        Ok(helper)
    } else {
        Err(TranslateError::UnsafeHookPath(helper.to_owned()))
    }
}

/// Whether liblxc still takes limits for controllers of version 1; warns when it does not take one that is set.
pub(super) fn takes_v1(input: &Input<'_>, lines: &mut Lines, limit: Option<&str>) -> bool {
    let takes = input.facts.liblxc < LIBLXC_7;
    if let Some(limit) = limit.filter(|_| !takes) {
        lines.warn(without_v1(limit, input.facts));
    }
    takes
}

pub(super) fn without_v1(limit: &str, facts: &HostFacts) -> String {
    format!(
        "'{limit}' has no effect: liblxc {} can't use cgroup v1, boot with the unified hierarchy \
         (systemd.unified_cgroup_hierarchy=1)",
        facts.liblxc
    )
}

/// Limits of memory and CPU for controllers of version 1.
pub(super) fn limits(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.facts.has_v1("memory") && takes_v1(input, lines, Some("memory")) {
        memory(input, lines)?;
    }
    let limited = ["cpulimit", "cpuunits"].into_iter().find(|key| input.text(key).is_some());
    if input.facts.has_v1("cpu") && takes_v1(input, lines, limited) {
        if let Some(quota) = cpu_quota(input) {
            lines.push("lxc.cgroup.cpu.cfs_period_us", 100_000)?;
            lines.push("lxc.cgroup.cpu.cfs_quota_us", quota)?;
        }
        let units = input.text("cpuunits").map_or(1024.0, numeric_prefix);
        lines.push("lxc.cgroup.cpu.shares", number::print(units.max(2.0)))?;
    }
    Ok(())
}

fn memory(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    const MIB: f64 = 1_048_576.0;
    let memory = numeric_prefix(number::or_default(input.text("memory"), "512"));
    lines.push("lxc.cgroup.memory.limit_in_bytes", number::print(memory * MIB))?;
    if input.facts.swap_limit {
        // Memory and swap together.
        let swap = input.text("swap").map_or(0.0, numeric_prefix);
        lines.push("lxc.cgroup.memory.memsw.limit_in_bytes", number::print((memory + swap) * MIB))?;
    }
    Ok(())
}

/// Takes away the hooks that the includes have for the end of a container.
pub(super) fn clear_hooks(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.facts.helper.is_some() { lines.push("lxc.hook.post-stop", "") } else { Ok(()) }
}

/// The hook by which a reboot becomes a new start, and those that start DHCP clients.
pub(super) fn hooks(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let Some(helper) = input.facts.helper.as_deref() else { return Ok(()) };
    lines.push("lxc.hook.post-stop", format!("{} hook", plain(helper)?))?;
    for (_, net) in input.section.nets()? {
        for ip in net.leased() {
            // The name has been checked: it has no character that means anything to a shell.
            lines.push("lxc.hook.start-host", format!("{} dhcp-hook {ip} {}", plain(helper)?, net.name))?;
        }
    }
    Ok(())
}
