//! Which raw `lxc.*` keys a config may hold (spec: config, part 4).

/// What becomes of a raw line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawKey {
    /// Kept in silence.
    Accepted,
    /// Kept, with this warning.
    Warned(String),
    /// Dropped, with this error.
    Refused(String),
    /// Dropped: no known key.
    Unknown,
}

/// Decides by the key alone; values are liblxc's business.
pub(crate) fn classify(key: &str) -> RawKey {
    if key.starts_with("lxc.limit.") {
        return RawKey::Warned(format!("{key}: lxc.limit.* was renamed to lxc.prlimit.*"));
    }
    if let Some(name) = renamed(key) {
        return RawKey::Warned(format!("{key} is deprecated and was renamed to {name}"));
    }
    match key {
        "lxc.rootfs.path" => RawKey::Refused(format!("{key}: {key} is auto generated from rootfs")),
        "lxc.rootfs.options" => RawKey::Refused(format!(
            "{key}: {key} is not supported, please use mount point options in the \"rootfs\" key"
        )),
        _ if ACCEPTED.binary_search(&key).is_ok() => RawKey::Accepted,
        _ if key.starts_with("lxc.cgroup.") => {
            RawKey::Warned(format!("{key} is deprecated, this will be a hard error in the future!"))
        }
        _ if ["lxc.cgroup2.", "lxc.prlimit.", "lxc.net."].iter().any(|p| key.starts_with(p)) => {
            RawKey::Accepted
        }
        _ => RawKey::Unknown,
    }
}

/// Today's name of an old key.
pub(crate) fn renamed(key: &str) -> Option<String> {
    if let Some(limit) = key.strip_prefix("lxc.limit.") {
        return Some(format!("lxc.prlimit.{limit}"));
    }
    let at = RENAMED.binary_search_by_key(&key, |(old, _)| old).ok()?;
    Some(RENAMED[at].1.to_owned())
}

/// Sorted.
pub(crate) static ACCEPTED: &[&str] = &[
    "lxc.apparmor.allow_incomplete",
    "lxc.apparmor.allow_nesting",
    "lxc.apparmor.profile",
    "lxc.apparmor.raw",
    "lxc.arch",
    "lxc.autodev",
    "lxc.cap.drop",
    "lxc.cap.keep",
    "lxc.console.logfile",
    "lxc.console.path",
    "lxc.devtty.dir",
    "lxc.environment",
    "lxc.environment.hooks",
    "lxc.environment.runtime",
    "lxc.group",
    "lxc.hook.autodev",
    "lxc.hook.clone",
    "lxc.hook.destroy",
    "lxc.hook.mount",
    "lxc.hook.post-stop",
    "lxc.hook.pre-mount",
    "lxc.hook.pre-start",
    "lxc.hook.start",
    "lxc.hook.stop",
    "lxc.hook.version",
    "lxc.idmap",
    "lxc.include",
    "lxc.init.cmd",
    "lxc.init.cwd",
    "lxc.init.gid",
    "lxc.init.groups",
    "lxc.init.uid",
    "lxc.kmsg",
    "lxc.log.file",
    "lxc.log.level",
    "lxc.mount.auto",
    "lxc.mount.entry",
    "lxc.mount.fstab",
    "lxc.pty.max",
    "lxc.rootfs.mount",
    "lxc.seccomp.notify.cookie",
    "lxc.seccomp.notify.proxy",
    "lxc.seccomp.profile",
    "lxc.selinux.context",
    "lxc.signal.halt",
    "lxc.signal.reboot",
    "lxc.signal.stop",
    "lxc.start.auto",
    "lxc.start.delay",
    "lxc.start.order",
    "lxc.sysctl.fs.mqueue",
    "lxc.sysctl.kernel.msgmax",
    "lxc.sysctl.kernel.msgmnb",
    "lxc.sysctl.kernel.msgmni",
    "lxc.sysctl.kernel.sem",
    "lxc.sysctl.kernel.shm_rmid_forced",
    "lxc.sysctl.kernel.shmall",
    "lxc.sysctl.kernel.shmmax",
    "lxc.sysctl.kernel.shmmni",
    "lxc.tty.max",
    "lxc.uts.name",
];

/// Old names and what they are called today, sorted.
pub(crate) static RENAMED: &[(&str, &str)] = &[
    ("lxc.aa_allow_incomplete", "lxc.apparmor.allow_incomplete"),
    ("lxc.aa_profile", "lxc.apparmor.profile"),
    ("lxc.console", "lxc.console.path"),
    ("lxc.devttydir", "lxc.tty.dir"),
    ("lxc.haltsignal", "lxc.signal.halt"),
    ("lxc.id_map", "lxc.idmap"),
    ("lxc.init_cmd", "lxc.init.cmd"),
    ("lxc.logfile", "lxc.log.file"),
    ("lxc.loglevel", "lxc.log.level"),
    ("lxc.mount", "lxc.mount.fstab"),
    ("lxc.network.flags", "lxc.net.INDEX.flags"),
    ("lxc.network.hwaddr", "lxc.net.INDEX.hwaddr"),
    ("lxc.network.ipv4", "lxc.net.INDEX.ipv4.address"),
    ("lxc.network.ipv4.gateway", "lxc.net.INDEX.ipv4.gateway"),
    ("lxc.network.ipv6", "lxc.net.INDEX.ipv6.address"),
    ("lxc.network.ipv6.gateway", "lxc.net.INDEX.ipv6.gateway"),
    ("lxc.network.link", "lxc.net.INDEX.link"),
    ("lxc.network.mtu", "lxc.net.INDEX.mtu"),
    ("lxc.network.name", "lxc.net.INDEX.name"),
    ("lxc.network.script.down", "lxc.net.INDEX.script.down"),
    ("lxc.network.script.up", "lxc.net.INDEX.script.up"),
    ("lxc.network.type", "lxc.net.INDEX.type"),
    ("lxc.pts", "lxc.pty.max"),
    ("lxc.rebootsignal", "lxc.signal.reboot"),
    ("lxc.se_context", "lxc.selinux.context"),
    ("lxc.seccomp", "lxc.seccomp.profile"),
    ("lxc.stopsignal", "lxc.signal.stop"),
    ("lxc.tty", "lxc.tty.max"),
    ("lxc.utsname", "lxc.uts.name"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        assert!(ACCEPTED.is_sorted());
        assert!(RENAMED.is_sorted_by_key(|(old, _)| *old));
    }

    #[test]
    fn raw_keys_are_classified_in_order() {
        assert_eq!(classify("lxc.uts.name"), RawKey::Accepted);
        assert_eq!(classify("lxc.net.0.veth.mode"), RawKey::Accepted);
        assert!(matches!(classify("lxc.utsname"), RawKey::Warned(text) if text.contains("lxc.uts.name")));
        assert!(matches!(classify("lxc.cgroup.dir.monitor"), RawKey::Warned(_)));
        assert!(matches!(classify("lxc.rootfs.path"), RawKey::Refused(_)));
        for unknown in ["lxc.tty.dir", "lxc.sysctl.fs.mqueue.msg_max", "lxc.net", "lxc.cgroup2"] {
            assert_eq!(classify(unknown), RawKey::Unknown, "{unknown}");
        }
    }
}
