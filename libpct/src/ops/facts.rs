//! Looks at this host: everything that the translation of one container's config may ask for.

use std::fs;

use super::Env;
use crate::{
    cgroup::{self, Mode},
    config::{Device, NetIf, Section},
    error::Error,
    facts::{CgroupLayout, DeviceKind, DeviceNode, HostFacts, QuotaDevice, Version},
    net::Netlink,
    translate,
};

const LXC_CONFIG_DIR: &str = "/usr/share/lxc/config";
const MEMSW: &str = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";

/// `liblxc` is for whoever has it loaded to say: this function must not need it.
pub(crate) fn gather(env: &Env, section: &Section, liblxc: Version) -> Result<HostFacts, Error> {
    let layout = cgroup::Layout::detect()?;
    let mut facts = of_values(env, section, &layout)?;
    facts.liblxc = liblxc;
    facts.kernel = kernel();
    facts.cpus = layout.effective_cpus()?.map(|cpus| cpus.to_string()).unwrap_or_default();
    facts.controllers = layout.controllers(cgroup::Version::V2).into_iter().collect();
    facts.controllers_v1 = layout.controllers(cgroup::Version::V1).into_iter().collect();
    facts.swap_limit = !facts.has_v1("memory") || fs::exists(MEMSW).unwrap_or(false);
    facts.apparmor = Some(has_apparmor());
    facts.apparmor_abi = Some(apparmor_abi());
    facts.selinux = Some(fs::exists("/sys/fs/selinux/enforce").unwrap_or(false));
    facts.raw_includes = Some(raw_includes(section));
    facts.lxc_includes = includes();
    facts.common_seccomp = fs::read_to_string(format!("{LXC_CONFIG_DIR}/common.seccomp")).ok();
    facts.lxc_path = Some(super::shown(&env.home.lxcpath()));
    facts.helper = Some(super::shown(&env.helper));
    Ok(facts)
}

/// Only what the checks of values ask for (`changes`): of liblxc nothing is known, its version is 0.0.
pub(crate) fn for_values(env: &Env, section: &Section) -> Result<HostFacts, Error> {
    of_values(env, section, &cgroup::Layout::detect()?)
}

fn of_values(env: &Env, section: &Section, layout: &cgroup::Layout) -> Result<HostFacts, Error> {
    let kind = match layout.mode {
        Mode::Unified => CgroupLayout::V2,
        Mode::Hybrid if layout.unified().is_some() => CgroupLayout::Hybrid,
        Mode::Hybrid => CgroupLayout::V1,
    };
    let mut facts = HostFacts::new(env.home.kind(), Version(0, 0), kind);
    facts.node = env.home.node().to_owned();
    facts.seed = seed()?;
    add_bridges(&mut facts, section)?;
    add_devices(&mut facts, section);
    Ok(facts)
}

fn kernel() -> Version {
    let uname = rustix::system::uname();
    uname.release().to_string_lossy().parse().unwrap_or(Version(0, 0))
}

/// Whether the kernel confines by AppArmor (kernel: Documentation/admin-guide/LSM/apparmor.rst).
fn has_apparmor() -> bool {
    fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.trim() == "Y")
}

/// What is installed with the parser. AppArmor 3.0 was the first to have an ABI in files.
fn apparmor_abi() -> Version {
    let files = fs::read_dir("/etc/apparmor.d/abi").into_iter().flatten().flatten();
    let versions = files.filter_map(|file| file.file_name().to_str()?.parse().ok());
    versions.max().unwrap_or(Version(2, 0))
}

/// Those that are there; of a folder, named by a slash at its end, liblxc does not ask that.
fn raw_includes(section: &Section) -> Vec<String> {
    let found = |path: &&str| path.ends_with('/') || fs::exists(path).unwrap_or(false);
    translate::raw_includes(section).filter(found).map(str::to_owned).collect()
}

fn includes() -> Vec<String> {
    let entries = fs::read_dir(LXC_CONFIG_DIR).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn seed() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|e| Error::io("cannot read", "/dev/urandom", e))?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The bridges that the config names. What does not parse names none, and is told by whoever uses it.
fn bridges(section: &Section) -> Vec<String> {
    let nets = section.family("net").into_iter().filter_map(|(_, text)| text.parse::<NetIf>().ok());
    nets.filter_map(|net| net.bridge).collect()
}

/// One that is not there, or that nothing can be plugged into, stays out.
fn add_bridges(facts: &mut HostFacts, section: &Section) -> Result<(), Error> {
    let bridges = bridges(section);
    if bridges.is_empty() {
        return Ok(());
    }
    let mut netlink = Netlink::open()?;
    for bridge in bridges {
        let link = match netlink.bridge(&bridge) {
            Ok(link) => link,
            Err(error) if error.is_of_bridge() => continue,
            Err(error) => return Err(error.into()),
        };
        if link.is_vlan_aware() {
            facts.vlan_aware.insert(bridge.clone());
        }
        facts.bridges.insert(bridge, link.mtu);
    }
    Ok(())
}

/// Says why one stayed out. A start needs them all; a config may be written before they are there.
pub(super) fn check_bridges(facts: &HostFacts, section: &Section) -> Result<(), Error> {
    for bridge in bridges(section) {
        if !facts.bridges.contains_key(&bridge) {
            Netlink::open()?.bridge(&bridge)?;
        }
    }
    Ok(())
}

/// Block devices by all of their names below `/dev`; a device that has none stays out.
pub(super) fn add_quota_devices(facts: &mut HostFacts, devices: &[(u32, u32)]) {
    for &(major, minor) in devices {
        let folder = format!("/sys/dev/block/{major}:{minor}");
        // The kernel's name has no slash.
        let link = fs::read_link(&folder).ok();
        let own = link.and_then(|link| Some(link.file_name()?.to_str()?.replace('!', "/")));
        let mapped = fs::read_to_string(format!("{folder}/dm/name")).ok();
        let names = own.into_iter().chain(mapped.map(|name| format!("mapper/{}", name.trim_end())));
        facts.quota_devices.extend(names.map(|name| QuotaDevice { name, major, minor }));
    }
}

/// The device nodes that the config names; one that is not there stays out.
fn add_devices(facts: &mut HostFacts, section: &Section) {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let devices = section.family("dev").into_iter().filter_map(|(_, text)| text.parse::<Device>().ok());
    for device in devices {
        let Ok(found) = fs::metadata(&device.path) else { continue };
        let kind = match found.file_type() {
            kind if kind.is_char_device() => DeviceKind::Char,
            kind if kind.is_block_device() => DeviceKind::Block,
            _ => DeviceKind::Other,
        };
        let (major, minor) = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
        facts.devices.insert(device.path, DeviceNode { kind, major, minor });
    }
}
