//! The raw lines of a config in the standalone home. On a Proxmox VE host they go out as they are.
//!
//! The text in the config is never changed; what follows is done for the generated file only, so that it loads in
//! the liblxc that is installed:
//!
//! - **Old names** are expressed by today's (`lxc.utsname` by `lxc.uts.name`, `lxc.limit.*` by `lxc.prlimit.*`, …), and so is
//!   `lxc.devtty.dir`, which never was one, by `lxc.tty.dir`.
//! - **`lxc.id_map`** is refused: nothing that prepares the container's files counts it as an id map. **`lxc.network.*`** is
//!   refused: it does not say which interface it means. Both errors say what to write.
//! - **`lxc.environment.hooks`** came with liblxc 7; before that it is `lxc.environment`, with a warning, because the
//!   container sees it as well.
//! - **`lxc.cgroup.<controller>`** went with liblxc 7: left out with a warning.
//! - **`lxc.cgroup.*` and `lxc.cgroup2.*`** for a controller that this host has in the other version go out with a warning: liblxc
//!   passes over them.
//! - **`lxc.kmsg`** is known to none: left out with a warning.
//! - **`lxc.apparmor.*` and `lxc.selinux.*`** are left out with a warning on a host without: not every liblxc is built with them.
//! - **An include** that does not exist is refused.
//! - All other keys and all values must be what liblxc loads (see [`liblxc`](super::liblxc)).

use super::{Input, Lines, TranslateError, liblxc, standalone};
use crate::{
    config::{RawLine, Section, renamed_raw_key},
    facts::HostFacts,
};

pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let raw = input.section.raw();
    if !input.is_standalone() {
        return raw.iter().try_for_each(|line| lines.push(&line.key, &line.value));
    }
    raw.iter().enumerate().try_for_each(|(at, line)| express(input, lines, line, &raw[at + 1..]))
}

/// Puts one line into words of the installed liblxc; `later` are the lines after it.
fn express(
    input: &Input<'_>,
    lines: &mut Lines,
    line: &RawLine,
    later: &[RawLine],
) -> Result<(), TranslateError> {
    let facts = input.facts;
    let written = line.key.as_str();
    let renamed = renamed_raw_key(written);
    if let Some(today) = &renamed
        && (written == "lxc.id_map" || written.starts_with("lxc.network."))
    {
        return Err(TranslateError::OldRawKey { key: written.to_owned(), today: today.clone() });
    }
    let key = match written {
        "lxc.devtty.dir" => "lxc.tty.dir",
        _ => renamed.as_deref().unwrap_or(written),
    };
    let without = |what: &str| format!("'{written}' has no effect: {what}");
    match key {
        "lxc.kmsg" => lines.warn(without("liblxc does not make /dev/kmsg any more")),
        _ if key.starts_with("lxc.apparmor.") && !facts.has_apparmor() => {
            // Without AppArmor everything is unconfined.
            if key != "lxc.apparmor.profile" || liblxc::as_read(&line.value) != "unconfined" {
                lines.warn(without("this host has no AppArmor"));
            }
        }
        _ if key.starts_with("lxc.selinux.") && facts.selinux == Some(false) => {
            lines.warn(without("this host has no SELinux"));
        }
        "lxc.environment.hooks" if facts.liblxc < liblxc::LIBLXC_7 => {
            let cleared = later.iter().any(|line| line.key == written && line.value.is_empty());
            if !cleared && !line.value.is_empty() {
                lines.warn(format!(
                    "'{written}' is seen by the container as well: liblxc {} can't tell them apart",
                    facts.liblxc
                ));
                lines.push_raw(written, "lxc.environment", &line.value)?;
            }
        }
        _ if is_v1_controller(key) && facts.liblxc >= liblxc::LIBLXC_7 => {
            lines.warn(standalone::without_v1(written, facts));
        }
        "lxc.include" if is_missing(facts, liblxc::as_read(&line.value)) => {
            return Err(TranslateError::NoSuchInclude(liblxc::as_read(&line.value).to_owned()));
        }
        "lxc.arch" => lines.push_raw(written, key, standalone::arch(&line.value))?,
        _ => {
            if let Some(other) = of_the_other_version(key, facts) {
                lines.warn(without(&other));
            }
            lines.push_raw(written, key, &line.value)?;
        }
    }
    Ok(())
}

/// liblxc passes over keys for a controller that is mounted in the other version of control groups.
fn of_the_other_version(key: &str, facts: &HostFacts) -> Option<String> {
    let controller = |prefix: &str| key.strip_prefix(prefix).and_then(|rest| rest.split('.').next());
    let (name, version, prefix) = match (controller("lxc.cgroup2."), controller("lxc.cgroup.")) {
        (Some(name), _) if facts.has_v1(name) => (name, 1, "lxc.cgroup"),
        (_, Some(name)) if facts.has_v2(name) => (name, 2, "lxc.cgroup2"),
        _ => return None,
    };
    Some(format!(
        "the controller '{name}' is one of cgroup v{version} on this host, write '{prefix}.{name}.…'"
    ))
}

/// The files and folders that raw lines include.
pub(crate) fn includes(section: &Section) -> impl Iterator<Item = &str> {
    section.raw_values("lxc.include").map(liblxc::as_read).filter(|path| !path.is_empty())
}

fn is_missing(facts: &HostFacts, path: &str) -> bool {
    let found = facts.raw_includes.as_ref();
    !path.is_empty() && found.is_some_and(|found| found.iter().all(|known| known != path))
}

/// A key for a controller of version 1; the names of the folders belong to both versions.
fn is_v1_controller(key: &str) -> bool {
    key.strip_prefix("lxc.cgroup.")
        .is_some_and(|rest| rest != "relative" && rest != "dir" && !rest.starts_with("dir."))
}

#[cfg(test)]
mod tests {
    use crate::{
        facts::{HomeKind, Version},
        translate::{
            LxcConfig, TranslateError,
            tests::{BASE, run, standalone},
        },
    };

    fn with(liblxc: u32, more: &str) -> Result<LxcConfig, TranslateError> {
        let mut host = standalone();
        host.liblxc = Version(liblxc, 0);
        host.selinux = Some(false);
        run(&format!("{BASE}{more}"), &host)
    }

    /// What raw lines become, and the warnings.
    fn expressed(liblxc: u32, more: &str) -> (String, Vec<String>) {
        let (plain, config) = (with(liblxc, "").unwrap(), with(liblxc, more).unwrap());
        let lines = config.lines.iter().filter(|line| !plain.lines.contains(line));
        let told = config.warnings.iter().filter(|warning| !plain.warnings.contains(warning)).cloned();
        (lines.map(|(key, value)| format!("{key} = {value}\n")).collect(), told.collect())
    }

    #[test]
    fn old_names_are_expressed_by_todays() {
        for liblxc in [5, 6, 7] {
            let (lines, told) = expressed(
                liblxc,
                "lxc.utsname: a\nlxc.limit.nofile: 1\nlxc.devttydir: b\nlxc.devtty.dir: c\nlxc.pts: 3\nlxc.tty: 1\n\
                 lxc.loglevel: 2\nlxc.console: none\nlxc.seccomp: /x\nlxc.stopsignal: SIGKILL\nlxc.init_cmd: /i\n",
            );
            let expected = "\
lxc.uts.name = a
lxc.prlimit.nofile = 1
lxc.tty.dir = b
lxc.tty.dir = c
lxc.pty.max = 3
lxc.tty.max = 1
lxc.log.level = 2
lxc.console.path = none
lxc.seccomp.profile = /x
lxc.signal.stop = SIGKILL
lxc.init.cmd = /i
";
            assert_eq!((lines.as_str(), told.len()), (expected, 0));
        }
    }

    #[test]
    fn environments_of_hooks_and_init_are_told_apart_from_liblxc_7_on() {
        let more = "lxc.environment.runtime: A=1\nlxc.environment.hooks: B=1\nlxc.environment: C=1\n";
        let (lines, told) = expressed(7, more);
        assert_eq!(
            lines,
            "lxc.environment.runtime = A=1\nlxc.environment.hooks = B=1\nlxc.environment = C=1\n"
        );
        assert!(told.is_empty());
        let (lines, told) = expressed(6, more);
        // What is for init alone comes last: it wins, and a raw line cannot empty it.
        assert_eq!(lines, "lxc.environment = B=1\nlxc.environment = C=1\nlxc.environment = A=1\n");
        assert_eq!(
            told,
            ["'lxc.environment.hooks' is seen by the container as well: liblxc 6.0 can't tell them apart"]
        );
        let cleared = "lxc.environment.hooks: B=1\nlxc.environment.hooks:\nlxc.environment.hooks: D=1\n";
        assert_eq!(expressed(6, cleared).0, "lxc.environment = D=1\n");
    }

    #[test]
    fn keys_of_cgroup_version_1_end_with_liblxc_6() {
        let more = "lxc.cgroup.devices.allow: a\nlxc.cgroup.dir.monitor: x\nlxc.cgroup.relative: 1\n";
        let folders = "lxc.cgroup.dir.monitor = x\nlxc.cgroup.relative = 1\n";
        assert_eq!(expressed(6, more), (format!("lxc.cgroup.devices.allow = a\n{folders}"), Vec::new()));
        let (lines, told) = expressed(7, more);
        assert_eq!(lines, folders);
        let says = "'lxc.cgroup.devices.allow' has no effect: liblxc 7.0 can't use cgroup v1";
        assert!(told[0].starts_with(says), "{told:?}");
    }

    #[test]
    fn what_this_host_has_not_is_left_out_and_told() {
        let (lines, told) = expressed(
            6,
            "lxc.kmsg: 0\nlxc.apparmor.profile: own\nlxc.aa_profile: unconfined\nlxc.selinux.context: a:b:c:d\n\
             lxc.se_context: x\n",
        );
        assert_eq!(lines, "");
        assert_eq!(
            told,
            [
                "'lxc.kmsg' has no effect: liblxc does not make /dev/kmsg any more",
                "'lxc.apparmor.profile' has no effect: this host has no AppArmor",
                "'lxc.selinux.context' has no effect: this host has no SELinux",
                "'lxc.se_context' has no effect: this host has no SELinux",
            ]
        );
        let mut host = standalone();
        host.apparmor = Some(true);
        let text = format!("{BASE}lxc.aa_profile: unconfined\nlxc.selinux.context: a:b:c:d\n");
        let lines = run(&text, &host).unwrap().to_string();
        let both = "lxc.apparmor.profile = unconfined\nlxc.selinux.context = a:b:c:d\n";
        assert!(lines.contains(both), "{lines}");
    }

    #[test]
    fn what_cannot_be_expressed_is_refused() {
        let error = |more: &str| with(6, more).unwrap_err().to_string();
        assert_eq!(
            error("lxc.network.ipv4: 10.0.0.1\n"),
            "lxc.network.ipv4: liblxc does not know it any more, write 'lxc.net.INDEX.ipv4.address' instead"
        );
        assert_eq!(
            error("lxc.id_map: u 0 1 2\n"),
            "lxc.id_map: liblxc does not know it any more, write 'lxc.idmap' instead"
        );
        assert_eq!(error("lxc.cgroup2.: 1\n"), "lxc.cgroup2.: liblxc 6.0 has no such key");
        assert_eq!(error("lxc.haltsignal: x\n"), "lxc.haltsignal: 'x' is no signal");
        assert_eq!(error("tty: abc\n"), "tty (lxc.tty.max): 'abc' is no number");
        assert_eq!(with(4, "").unwrap_err().to_string(), "liblxc 4.0 is too old: 5.0 or newer is needed");
    }

    #[test]
    fn includes_must_exist_where_that_is_known() {
        let more =
            "lxc.include: /etc/x.conf\nlxc.include: \"/etc/y.conf\"\nlxc.include:\nlxc.cap.keep: kill\n";
        let text = format!("{BASE}{more}");
        let mut host = standalone();
        assert!(run(&text, &host).is_ok());
        host.raw_includes = Some(vec!["/etc/x.conf".to_owned()]);
        let error = run(&text, &host).unwrap_err().to_string();
        assert_eq!(error, "lxc.include: '/etc/y.conf' does not exist");
        host.raw_includes = Some(vec!["/etc/x.conf".to_owned(), "/etc/y.conf".to_owned()]);
        assert!(run(&text, &host).is_ok());
    }

    #[test]
    fn on_a_proxmox_ve_host_raw_lines_go_out_as_they_are() {
        let mut host = standalone();
        host.home = HomeKind::Pve;
        let lines = "lxc.utsname: a\nlxc.network.ipv4: x\nlxc.kmsg: 1\nlxc.tty.max: \"abc\nlxc.cgroup2.: y\n";
        let config = run(&format!("{BASE}tty: abc\narch: riscv32\n{lines}"), &host).unwrap();
        assert!(config.to_string().ends_with(&lines.replace(": ", " = ")), "{config}");
        assert!(config.to_string().contains("lxc.tty.max = abc\n") && config.warnings.is_empty());
    }
}
