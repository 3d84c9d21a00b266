//! The reading verbs (spec: cli, parts 5.1 to 5.3, 5.12, 5.20 and A.2), and what there is to choose from when a
//! command is written.
//!
//! They read files and `/proc`: no lock, no fork, no call into liblxc, and no need to be root where the
//! files can be read.

use std::cell::LazyCell;

use super::Env;
use crate::{
    cgroup,
    config::{
        self, Schema, Section, Type, View, Vmid, VolumeId,
        text::{is_space, is_truthy},
    },
    error::Error,
    lxc::command,
    storage::Content,
    store::Loaded,
    sys::filesystem,
};

/// A container as `list` and `status` show it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// Its number.
    pub vmid: Vmid,
    /// Its host name without blanks, or `CT<vmid>`.
    pub name: String,
    /// Whether its monitor lives.
    pub running: bool,
    /// The value of its `lock` key.
    pub lock: Option<String>,
    /// Its tags, as the config has them.
    pub tags: Option<String>,
    /// Whether it is a template.
    pub template: bool,
    /// CPUs that it may use: `cores`, else `cpulimit`, else those of the host.
    pub cpus: f64,
    /// Its memory limit in bytes.
    pub max_memory: u64,
    /// Its swap limit in bytes.
    pub max_swap: u64,
    /// The size of its root file system in bytes.
    pub max_disk: u64,
}

/// What a running container uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Its init, as the host numbers it.
    pub pid: u32,
    /// Seconds since its init was started.
    pub uptime: u64,
    /// Memory in bytes, without the page cache.
    pub memory: u64,
    /// Swap in bytes.
    pub swap: u64,
    /// Bytes used of the root file system.
    pub disk: u64,
    /// The size of the root file system as mounted.
    pub max_disk: u64,
    /// Bytes received by the container.
    pub net_in: u64,
    /// Bytes sent by the container.
    pub net_out: u64,
    /// Bytes read from block devices.
    pub disk_read: u64,
    /// Bytes written to block devices.
    pub disk_write: u64,
}

/// Containers; one that cannot be read never hides the others.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// Ascending by number, or as they were asked for.
    pub containers: Vec<Status>,
    /// What could not be read, and why.
    pub errors: Vec<(Vmid, Error)>,
}

/// One state of a container, as a [`ConfigView`] asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigState {
    /// Keys and raw lines.
    pub section: Section,
    /// The digest of the whole file, which tells whether it has changed since (see [`config::digest`]).
    pub digest: String,
}

/// Which values of a config to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConfigView {
    /// The current values with the pending changes over them.
    #[default]
    Pending,
    /// The current values only.
    Current,
    /// The values of a snapshot.
    Snapshot(String),
}

const MIB: u64 = 1024 * 1024;
const DEFAULT_DISK: u64 = 4 << 30;

/// All containers of this node.
pub(crate) fn list(env: &Env) -> Result<Listing, Error> {
    let mut listing = list_of(env, &env.store().vmids()?)?;
    // Those are not errors that were removed since the folder was read.
    listing.errors.retain(|(vmid, _)| env.store().exists(*vmid));
    Ok(listing)
}

/// Some containers.
pub(crate) fn list_of(env: &Env, vmids: &[Vmid]) -> Result<Listing, Error> {
    let names: Vec<_> = vmids.iter().map(ToString::to_string).collect();
    let running = command::running_names(&env.home.lxcpath(), names.iter().map(String::as_str))?;
    let host = LazyCell::new(host_cpus);
    let mut listing = Listing::default();
    for (&vmid, name) in vmids.iter().zip(&names) {
        let listed = || {
            let loaded = load(env, vmid)?;
            check_cpus(loaded.config.main())?;
            shown(vmid, loaded.config.main(), running.contains(name.as_str()), || *host)
        };
        match listed() {
            Ok(status) => listing.containers.push(status),
            Err(error) => listing.errors.push((vmid, error)),
        }
    }
    Ok(listing)
}

pub(crate) fn status(env: &Env, vmid: Vmid) -> Result<Status, Error> {
    shown(vmid, load(env, vmid)?.config.main(), env.is_running(vmid)?, host_cpus)
}

fn shown(
    vmid: Vmid,
    section: &Section,
    running: bool,
    host_cpus: impl FnOnce() -> f64,
) -> Result<Status, Error> {
    let max_disk = if running { section.rootfs().ok().flatten() } else { section.rootfs()? };
    let host_name: String = section.name_or_default(vmid).split(is_space).collect();
    Ok(Status {
        vmid,
        name: host_name,
        running,
        lock: section.lock().map(str::to_owned),
        tags: section.get("tags").map(str::to_owned),
        template: section.is_template(),
        cpus: cpus(section).unwrap_or_else(host_cpus),
        max_memory: section.memory_mib() * MIB,
        max_swap: section.swap_mib() * MIB,
        max_disk: max_disk.and_then(|point| point.size).map_or(DEFAULT_DISK, |size| size.bytes()),
    })
}

/// What is no number of processors keeps a container out of a list, though nothing else minds it
/// (spec: cli, part 1.6).
fn check_cpus(section: &Section) -> Result<(), Error> {
    let given = |key| section.get(key).filter(|value| is_truthy(value)).map(|value| (key, value));
    let Some((key, value)) = given("cores").or_else(|| given("cpulimit")) else { return Ok(()) };
    let number = Schema::new(Type::Number, "");
    number.check(value).map_err(|error| Error::InvalidConfig(vec![(key.to_owned(), error.to_string())]))
}

fn cpus(section: &Section) -> Option<f64> {
    let cores = section.cores().filter(|n| *n > 0).map(f64::from);
    cores.or_else(|| section.cpulimit().filter(|n| *n > 0.0))
}

/// The processors of the host. It takes a walk through the control groups: once is enough for a list.
fn host_cpus() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64)
}

/// What a container uses now; `None` when it does not run.
pub(crate) fn usage(env: &Env, vmid: Vmid) -> Result<Option<Usage>, Error> {
    let Some(socket) = env.connect(vmid)? else { return Ok(None) };
    let pid = socket.init_pid()?.as_raw_nonzero().get();
    let group = cgroup::Usage::read(&cgroup::Layout::detect()?, vmid);
    let disk = filesystem::space_at(format!("/proc/{pid}/root/")).ok();
    let traffic = traffic_of(vmid);
    Ok(Some(Usage {
        pid: pid.unsigned_abs(),
        uptime: uptime(pid).unwrap_or(0),
        memory: group.memory.unwrap_or(0),
        swap: group.swap.unwrap_or(0),
        disk: disk.map_or(0, |disk| disk.used),
        max_disk: disk.map_or(0, |disk| disk.total),
        // What the host's end receives is what the container sends.
        net_in: traffic.sent,
        net_out: traffic.received,
        disk_read: group.disk.map_or(0, |disk| disk.read),
        disk_write: group.disk.map_or(0, |disk| disk.written),
    }))
}

#[derive(Default)]
struct Traffic {
    received: u64,
    sent: u64,
}

/// What the host's ends of the container's links have counted; all zero when there is none.
fn traffic_of(vmid: Vmid) -> Traffic {
    let prefix = format!("veth{vmid}i");
    let table = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let mut traffic = Traffic::default();
    for line in table.lines() {
        let Some((_, counters)) = line.split_once(':').filter(|(name, _)| name.trim().starts_with(&prefix))
        else {
            continue;
        };
        let number =
            |at| counters.split_whitespace().nth(at).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        traffic.received += number(0);
        traffic.sent += number(8);
    }
    traffic
}

/// Linux reports times to programs in hundredths of a second, whatever it counts in (proc(5)).
const CLOCK_TICKS: u64 = 100;

/// Seconds since a process was started (proc_pid_stat(5), field 22).
fn uptime(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let started: u64 = after_name.split_whitespace().nth(19)?.parse().ok()?;
    let now = std::fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = now.split_whitespace().next()?.parse().ok()?;
    Some((now as u64).saturating_sub(started / CLOCK_TICKS))
}

/// The config as its file has it, nothing checked.
pub(crate) fn load(env: &Env, vmid: Vmid) -> Result<Loaded, Error> {
    Ok(env.store().load(vmid)?)
}

/// One state of a container, checked in full: what `pct config` shows.
pub(crate) fn config(env: &Env, vmid: Vmid, view: &ConfigView) -> Result<ConfigState, Error> {
    let loaded = load(env, vmid)?;
    let config = &loaded.config;
    let section = match view {
        ConfigView::Pending => config::view(config, View::WithPending),
        ConfigView::Current => config::view(config, View::Current),
        ConfigView::Snapshot(name) => match config::view(config, View::Snapshot(name)) {
            None => return Err(Error::NoSnapshot(name.clone())),
            found => found,
        },
    }
    .unwrap_or_default()
    .into_owned();
    let faults = config::check_section(&section);
    if !faults.is_empty() {
        let told = |(key, error): (String, config::CheckError)| {
            let text = error.parameter_text(&key);
            (key, text)
        };
        return Err(Error::InvalidConfig(faults.into_iter().map(told).collect()));
    }
    Ok(ConfigState { section, digest: loaded.digest() })
}

/// The names of a container's snapshots, sorted.
pub(crate) fn snapshot_names(env: &Env, vmid: Vmid) -> Result<Vec<String>, Error> {
    Ok(env.store().load(vmid)?.config.snapshots().keys().cloned().collect())
}

/// The lowest number that is free; `None` when all are taken.
pub(crate) fn free_vmid(env: &Env) -> Option<Vmid> {
    let is_free = |vmid: &Vmid| env.store().require_free(*vmid).is_ok();
    (Vmid::MIN..=Vmid::MAX).filter_map(|id| Vmid::new(id).ok()).find(is_free)
}

/// The storages for a content.
pub(crate) fn storages_with(env: &Env, content: Content) -> Result<Vec<String>, Error> {
    Ok(env.storages()?.with_content(content))
}

/// The templates of a storage.
pub(crate) fn templates(env: &Env, storage: &str) -> Result<Vec<VolumeId>, Error> {
    Ok(env.storages()?.templates(storage)?)
}
