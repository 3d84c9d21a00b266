//! Why a container did not start, and what can be done: from liblxc's log and the container's config.

use crate::{
    config::{IdKind, Section},
    error::Error,
    translate::TranslateError,
};

/// What the container looked like when its start failed.
pub(crate) struct Situation<'a> {
    pub(crate) section: &'a Section,
    /// This host's architecture, in the words of the config.
    pub(crate) host_arch: &'a str,
    /// The lines of the log that report errors, oldest first.
    pub(crate) log: &'a [String],
}

/// A cause that we know by its words in the log, and its remedy.
struct Known {
    /// All of them must be in one line.
    words: &'static [&'static str],
    remedy: fn(&Situation<'_>) -> String,
}

const KNOWN: &[Known] = &[
    Known { words: &["not allowed", "newuidmap"], remedy: |s| subid_remedy(s.section, IdKind::Uid) },
    Known { words: &["not allowed", "newgidmap"], remedy: |s| subid_remedy(s.section, IdKind::Gid) },
    Known { words: &["Exec format error"], remedy: exec_format_remedy },
    Known { words: &["No such file or directory", "Failed to exec"], remedy: |s| no_init_remedy(s.section) },
    Known { words: &["Permission denied", "Failed to exec"], remedy: |s| init_mode_remedy(s.section) },
    Known { words: &["Failed to attach", "bridge"], remedy: bridge_remedy },
    Known {
        words: &["no physical interface on bridge"],
        remedy: |_| format!("make a physical interface a port of the bridge, or {VLAN_AWARE}"),
    },
    Known { words: &["vlan aware feature need to be enabled"], remedy: |_| VLAN_AWARE.into() },
    Known { words: &["Failed to parse config"], remedy: |_| RAW_LINE.into() },
    Known { words: &["Failed to load config"], remedy: |_| RAW_LINE.into() },
    Known {
        words: &["seccomp"],
        remedy: |_| "look at the seccomp profile and the 'features' of the container".into(),
    },
    Known { words: &["apparmor_parser not available"], remedy: |_| NO_APPARMOR_PARSER.into() },
    Known {
        words: &["apparmor"],
        remedy: |_| {
            "look at the AppArmor profile of the container, and at the kernel's log for denials".into()
        },
    },
    Known {
        words: &["cgroup", "No space left on device"],
        remedy: |_| {
            "the cgroup hierarchy takes no more folders: stop containers, or raise cgroup.max.descendants"
                .into()
        },
    },
];

pub(super) const VLAN_AWARE: &str =
    "let the bridge tell VLANs apart: ip link set dev NAME type bridge vlan_filtering 1";

pub(super) const NO_APPARMOR_PARSER: &str = "install the package apparmor";

const RAW_LINE: &str = "liblxc does not accept a line of the configuration that it was given: look at the 'lxc.' lines of the config";

/// What to do about a start that failed inside liblxc.
pub(crate) fn remedy(situation: &Situation<'_>) -> Option<String> {
    let matches = |known: &&Known| {
        let one_line = |line: &String| known.words.iter().all(|word| line.contains(word));
        situation.log.iter().any(one_line)
    };
    KNOWN.iter().find(matches).map(|known| (known.remedy)(situation))
}

/// What to do about a start that failed before liblxc was called.
pub(crate) fn remedy_for_error(error: &Error, section: Option<&Section>) -> Option<String> {
    let message = error.full_message();
    if let (Error::Translate(_), Some(section)) = (error, section) {
        let devices = section.devs().unwrap_or_default();
        let culprit = devices.iter().find(|(_, device)| message.contains(&device.path));
        if let Some((number, _)) = culprit {
            return Some(format!("connect the device, or remove 'dev{number}' from the config"));
        }
    }
    let known: &[(&str, &str)] = &[
        (
            "bridge '",
            "make the bridge (ip link add NAME type bridge), or name an existing one in the 'net' key",
        ),
        (
            "bad superblock",
            "the volume holds no readable file system: check it with 'fsck.ext4', or restore it",
        ),
        (
            "no file system found",
            "the volume holds no file system that is known: restore it, or make a new one",
        ),
        ("volume '", "the volume is gone: restore it, or remove its key from the config"),
    ];
    if let Error::Translate(TranslateError::Unreadable { .. } | TranslateError::UnknownKey { .. }) = error {
        return Some("correct that line of the config, or remove it".to_owned());
    }
    if let Error::Volume { source, .. } = error
        && matches!(**source, Error::Mount(_))
    {
        return Some(known[1].1.to_owned());
    }
    known.iter().find(|(words, _)| message.contains(words)).map(|(_, remedy)| (*remedy).to_owned())
}

/// Where the ids stand that root may give to containers (subuid(5)).
pub(super) fn subid_file(kind: IdKind) -> &'static str {
    match kind {
        IdKind::Uid => "/etc/subuid",
        IdKind::Gid => "/etc/subgid",
    }
}

pub(super) fn subid_remedy(section: &Section, kind: IdKind) -> String {
    let file = subid_file(kind);
    let map = section.id_map().unwrap_or_default();
    let lines: Vec<_> = map.of(kind).map(|range| format!("'root:{}:{}'", range.host, range.count)).collect();
    format!("allow root to use the ids, by lines in {file} such as {} (subuid(5))", lines.join(" and "))
}

pub(super) fn init_name(section: &Section) -> &str {
    section.entrypoint().unwrap_or("/sbin/init")
}

fn exec_format_remedy(situation: &Situation<'_>) -> String {
    let host = situation.host_arch;
    let init = init_name(situation.section);
    match situation.section.arch().filter(|arch| *arch != host) {
        Some(arch) => format!(
            "the container is for architecture '{arch}', this host is '{host}': use a template for '{host}'"
        ),
        None => format!("'{init}' is no program for this host ('{host}'): use a template for '{host}'"),
    }
}

pub(super) fn no_init_remedy(section: &Section) -> String {
    let init = init_name(section);
    format!(
        "there is no '{init}' in the container, or its interpreter is missing: \
         use a template of a whole system, or set 'entrypoint' to a program that exists"
    )
}

pub(super) fn init_mode_remedy(section: &Section) -> String {
    format!("'{}' is not executable for the container's root: look at its mode and owner", init_name(section))
}

fn bridge_remedy(situation: &Situation<'_>) -> String {
    let nets = situation.section.nets().unwrap_or_default();
    let bridges: Vec<_> = nets.iter().filter_map(|(_, net)| net.bridge.as_deref()).collect();
    format!("check that the bridge exists and is one: {}", bridges.join(", "))
}

/// Whether the kernel of this host executes programs of an architecture by itself.
pub(super) fn runs_natively(arch: &str) -> bool {
    let host = host_arch();
    arch == host || matches!((host, arch), ("amd64", "i386") | ("arm64", "armhf") | ("riscv64", "riscv32"))
}

/// Whether an emulator is registered for programs of an architecture (kernel: admin-guide/binfmt-misc.rst), by the names
/// that QEMU gives its own.
pub(super) fn is_emulated(arch: &str) -> bool {
    let name = match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armhf" => "arm",
        other => other,
    };
    let entry = std::fs::read_to_string(format!("/proc/sys/fs/binfmt_misc/qemu-{name}"));
    entry.is_ok_and(|text| text.starts_with("enabled"))
}

/// This host's architecture in the words of the config.
pub(crate) fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy_for(config: &[(&str, &str)], log: &str) -> Option<String> {
        let mut section = Section::default();
        for (key, value) in config {
            section.set(key, *value);
        }
        remedy(&Situation { section: &section, host_arch: "amd64", log: &[log.to_owned()] })
    }

    #[test]
    fn known_causes_have_a_remedy() {
        let ids = remedy_for(
            &[("unprivileged", "1")],
            "newuidmap: uid range [0-65536) -> [100000-165536) not allowed",
        )
        .unwrap();
        assert!(ids.contains("root:100000:65536") && ids.contains("/etc/subuid"), "{ids}");
        let arch =
            remedy_for(&[("arch", "arm64")], "Exec format error - Failed to exec \"/sbin/init\"").unwrap();
        assert!(arch.contains("'arm64'") && arch.contains("'amd64'"), "{arch}");
        let init = remedy_for(
            &[("entrypoint", "/opt/app")],
            "No such file or directory - Failed to exec \"/opt/app\"",
        );
        assert!(init.unwrap().contains("'/opt/app'"));
        let parser = "Cannot use generated profile: apparmor_parser not available";
        assert_eq!(remedy_for(&[], parser).unwrap(), NO_APPARMOR_PARSER);
        assert_eq!(remedy_for(&[], "something else"), None);
    }
}
