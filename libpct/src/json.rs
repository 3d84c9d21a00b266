//! Results as JSON, by the names of the original's REST interface (spec: cli, appendix A).

mod model;

use std::collections::BTreeSet;

pub use model::{model, properties};
use serde_json::{Map, Value};

use crate::{
    config::{
        Config, Finding, PendingKey, Section, SnapshotNode, Type, Vmid, digest, keys, lint, pending_keys,
        snapshot_tree, text::to_bytes,
    },
    error::Error,
    ops::{
        Checkup, ConfigState, GuestSetup, Interface, InterfaceAddress, Leftover, Listing, RepairOutcome,
        Status, Symptom, Usage, VolumeUsage,
    },
    storage::{StorageStatus, StorageVolume},
    store::Loaded,
};

/// Storages and their room, in bytes.
#[must_use]
pub fn storage_status(found: &[StorageStatus]) -> Value {
    let one = |storage: &StorageStatus| {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("storage", storage.id.as_str().into());
        put("type", storage.kind.as_str().into());
        put("content", storage.content.join(",").into());
        for (name, flag) in
            [("active", storage.is_active()), ("enabled", storage.enabled), ("shared", storage.shared)]
        {
            put(name, u8::from(flag).into());
        }
        for (name, bytes) in [("total", storage.total), ("used", storage.used), ("avail", storage.available)]
        {
            put(name, bytes.into());
        }
        if let Some(problem) = &storage.problem {
            put("error", problem.as_str().into());
        }
        Value::Object(fields)
    };
    found.iter().map(one).collect()
}

/// What is on a storage; `content` says what each is, by the words of `storage.cfg`.
#[must_use]
pub fn storage_contents(found: &[StorageVolume], content: impl Fn(&StorageVolume) -> &'static str) -> Value {
    let one = |volume: &StorageVolume| {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("volid", volume.volume.to_string().into());
        put("format", volume.format.as_str().into());
        put("content", content(volume).into());
        put("size", volume.size.into());
        if let Some(owner) = volume.owner {
            put("vmid", owner.get().into());
        }
        if let Some(parent) = &volume.parent {
            put("parent", parent.as_str().into());
        }
        Value::Object(fields)
    };
    found.iter().map(one).collect()
}

/// One container; without usage it is shown as idle.
#[must_use]
pub fn status(status: &Status, usage: Option<&Usage>) -> Value {
    let idle = Usage::default();
    let used = usage.unwrap_or(&idle);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("vmid", status.vmid.get().into());
    put("type", "lxc".into());
    put("status", if status.running { "running" } else { "stopped" }.into());
    put("name", text(&status.name));
    put("cpus", number(status.cpus));
    for (name, bytes_or_seconds) in [
        ("mem", used.memory),
        ("maxmem", status.max_memory),
        ("swap", used.swap),
        ("maxswap", status.max_swap),
        ("disk", used.disk),
        ("maxdisk", usage.map_or(status.max_disk, |usage| usage.max_disk)),
        ("diskread", used.disk_read),
        ("diskwrite", used.disk_write),
        ("netin", used.net_in),
        ("netout", used.net_out),
        ("uptime", used.uptime),
    ] {
        put(name, bytes_or_seconds.into());
    }
    let optional = [
        ("pid", usage.map(|usage| usage.pid.into())),
        ("lock", status.lock.as_deref().map(text)),
        ("tags", status.tags.as_deref().map(text)),
        ("template", status.template.then(|| 1.into())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            put(name, value);
        }
    }
    Value::Object(fields)
}

/// All containers ascending by number; one that cannot be read has its number and the `error`. Of one that runs
/// `usage` is asked for, and its `interfaces`: where there are some, `ips` has the addresses by which it can be reached.
#[must_use]
pub fn listing(
    listing: &Listing,
    usage: impl Fn(Vmid) -> Option<Usage>,
    mut interfaces: impl FnMut(Vmid) -> Option<Vec<Interface>>,
) -> Value {
    let read = listing.containers.iter().map(|entry| {
        let running = entry.running.then_some(entry.vmid);
        let mut fields = status(entry, running.and_then(&usage).as_ref());
        if let Some(interfaces) = running.and_then(&mut interfaces) {
            let all = interfaces.iter().flat_map(|interface| &interface.addresses);
            let reachable = all.filter(|address| address.global).map(ToString::to_string);
            fields["ips"] = reachable.collect();
        }
        (entry.vmid, fields)
    });
    let unread = listing.errors.iter().map(|(vmid, error)| (*vmid, failure(*vmid, error)));
    let mut all: Vec<_> = read.chain(unread).collect();
    all.sort_by_key(|(vmid, _)| *vmid);
    all.into_iter().map(|(_, fields)| fields).collect()
}

/// The containers with which something failed, each as [`listing`] shows one that cannot be read.
#[must_use]
pub fn failures(errors: &[(Vmid, Error)]) -> Value {
    errors.iter().map(|(vmid, error)| failure(*vmid, error)).collect()
}

fn failure(vmid: Vmid, error: &Error) -> Value {
    serde_json::json!({ "vmid": vmid.get(), "type": "lxc", "error": error.full_message() })
}

/// A count of processors is whole unless a limit made it a fraction.
fn number(value: f64) -> Value {
    match format!("{value:.0}").parse::<i64>() {
        Ok(whole) if value.fract() == 0.0 => whole.into(),
        _ => value.into(),
    }
}

/// The interfaces of a container, `[{name, hwaddr, hardware-address, inet?, inet6?, ip-addresses: [{ip-address, prefix,
/// ip-address-type}]}]`, where `inet` and `inet6` are the last of their kind; null for a container that is stopped.
#[must_use]
pub fn interfaces(interfaces: Option<&[Interface]>) -> Value {
    let entry = |interface: &Interface| {
        let bytes: Vec<_> = interface.hardware_address.iter().map(|byte| format!("{byte:02x}")).collect();
        let hardware = bytes.join(":");
        let family = |address: &InterfaceAddress| if address.address.is_ipv6() { "inet6" } else { "inet" };
        let last = |wanted| {
            let found = interface.addresses.iter().rfind(|address| family(address) == wanted);
            found.map(|address| address.to_string().into())
        };
        let addresses = interface.addresses.iter().map(|address| {
            serde_json::json!({
                "ip-address": address.address.to_string(),
                "ip-address-type": family(address),
                "prefix": address.prefix,
            })
        });
        object([
            ("name", Some(interface.name.as_str().into())),
            ("hwaddr", Some(hardware.as_str().into())),
            ("hardware-address", Some(hardware.as_str().into())),
            ("inet", last("inet")),
            ("inet6", last("inet6")),
            ("ip-addresses", Some(addresses.collect())),
        ])
    };
    interfaces.map_or(Value::Null, |all| all.iter().map(entry).collect())
}

/// What was found in containers: an array of `{vmid, severity, code, key, message, help}`, where `severity` is `error`,
/// `warning` or `info`, and `key` and `help` may be null.
#[must_use]
pub fn symptoms<'a>(found: impl IntoIterator<Item = (Vmid, &'a Symptom)>) -> Value {
    found.into_iter().map(symptom).collect()
}

fn symptom((vmid, symptom): (Vmid, &Symptom)) -> Value {
    serde_json::json!({
        "vmid": vmid.get(),
        "severity": symptom.gravity.as_str(),
        "code": symptom.code,
        "key": symptom.key.as_deref().map(text),
        "message": text(&symptom.message),
        "help": symptom.remedy.as_deref().map(text),
    })
}

/// As [`symptoms`], and behind them the [`failures`].
#[must_use]
pub fn checkup(found: &Checkup) -> Value {
    let all = found.containers.iter().flat_map(|(vmid, found)| found.iter().map(|symptom| (*vmid, symptom)));
    let failed = found.errors.iter().map(|(vmid, error)| failure(*vmid, error));
    all.map(symptom).chain(failed).collect()
}

/// What operations have left of a container: an array of `{vmid, kind, found, action, outcome, error}`, where `outcome` is
/// `found`, `repaired`, `failed` or `yours`, and `error` is null but for one that failed.
#[must_use]
pub fn leftovers(vmid: Vmid, leftovers: &[Leftover]) -> Value {
    let entry = |leftover: &Leftover| {
        let (outcome, error) = match &leftover.outcome {
            RepairOutcome::Found => ("found", None),
            RepairOutcome::Repaired => ("repaired", None),
            RepairOutcome::Failed(error) => ("failed", Some(text(error))),
            RepairOutcome::Yours => ("yours", None),
        };
        serde_json::json!({
            "vmid": vmid.get(),
            "kind": leftover.kind.as_str(),
            "found": text(&leftover.found),
            "action": text(&leftover.action),
            "outcome": outcome,
            "error": error,
        })
    };
    leftovers.iter().map(entry).collect()
}

/// The processors that running containers may use: an array of `{vmid, cpus: [0, 1, ...]}`.
#[must_use]
pub fn cpusets(sets: &[(Vmid, BTreeSet<u32>)]) -> Value {
    sets.iter().map(|(vmid, cpus)| serde_json::json!({ "vmid": vmid.get(), "cpus": cpus })).collect()
}

/// How full the volumes of a container are: an array of `{mp, volume, path, size, used, avail}`, in bytes.
#[must_use]
pub fn volumes(usages: &[VolumeUsage]) -> Value {
    let entry = |usage: &VolumeUsage| {
        serde_json::json!({
            "mp": usage.key,
            "volume": text(&usage.volume),
            "path": text(&usage.path),
            "size": usage.total,
            "used": usage.used,
            "avail": usage.available,
        })
    };
    usages.iter().map(entry).collect()
}

/// One state of a container: numbers and switches (0 or 1) as numbers, all else as strings, raw lines as pairs in
/// `lxc`, the file's digest in `digest`.
#[must_use]
pub fn config(state: &ConfigState) -> Value {
    let mut all = fields(&state.section);
    all.insert("digest".to_owned(), state.digest.as_str().into());
    Value::Object(all)
}

fn fields(section: &Section) -> Map<String, Value> {
    let mut fields: Map<String, Value> =
        section.entries().map(|(key, value)| (key.to_owned(), typed(key, value))).collect();
    let raw = section.raw();
    if !raw.is_empty() {
        let pairs = raw.iter().map(|line| Value::from(vec![text(&line.key), text(&line.value)]));
        fields.insert("lxc".to_owned(), pairs.collect());
    }
    fields
}

/// A config file of the container `vmid`, wherever it is: its current state in `config` as [`config`] has it, what is
/// [`pending`], the `snapshots` by name, and the [`findings`].
#[must_use]
pub fn file(bytes: &[u8], vmid: Vmid) -> Value {
    let parsed = Config::parse(bytes, vmid).config;
    let snapshots = parsed.snapshots().iter();
    let snapshots: Map<_, _> =
        snapshots.map(|(name, section)| (name.clone(), fields(section).into())).collect();
    let state = ConfigState { section: parsed.main().clone(), digest: digest(bytes) };
    serde_json::json!({
        "config": config(&state),
        "pending": pending(&parsed),
        "snapshots": snapshots,
        "findings": findings(&lint(bytes, vmid)),
    })
}

/// What `pct lint` found in a file: an array of `{line, column, severity, key, part, message, help}`, where `severity` is
/// `error` or `warning`, and `key` and `help` may be null.
#[must_use]
pub fn findings(findings: &[Finding]) -> Value {
    let entry = |finding: &Finding| {
        serde_json::json!({
            "line": finding.line,
            "column": finding.column,
            "severity": finding.severity.as_str(),
            "key": finding.key.as_deref().map(text),
            "part": text(&finding.part),
            "message": text(&finding.message),
            "help": finding.remedy.as_deref().map(text),
        })
    };
    findings.iter().map(entry).collect()
}

/// The changes that wait: an array of `{key, value?, pending?, delete?}`; `delete` is 1, or 2 for one by force.
#[must_use]
pub fn pending(config: &Config) -> Value {
    let entry = |found: &PendingKey<'_>| {
        let fields = [
            ("key", Some(found.key.into())),
            ("value", found.current.map(|value| typed(found.key, value))),
            ("pending", found.pending.map(|value| typed(found.key, value))),
            ("delete", found.deletion.map(|forced| if forced { 2 } else { 1 }.into())),
        ];
        object(fields)
    };
    pending_keys(config).iter().map(entry).collect()
}

/// The snapshots in the order of their tree, `{name, description, snaptime?, parent?, snapstate?}`, and behind them
/// the current state, `{name: "current", description, digest, running, parent?}`.
#[must_use]
pub fn snapshots(loaded: &Loaded, running: bool) -> Value {
    let config = &loaded.config;
    let mut nodes = snapshot_tree(config);
    nodes.sort_by_key(|node| node.snapshot.is_none());
    let entry = |node: SnapshotNode<'_>| {
        let section = node.snapshot.unwrap_or(config.main());
        let of_section = |key| section.get(key).map(|value| typed(key, value));
        let of_snapshot = |key| node.snapshot.and_then(|_| of_section(key));
        let of_current = |value: Value| node.snapshot.is_none().then_some(value);
        object([
            ("name", Some(text(node.name))),
            ("description", Some(text(node.description().unwrap_or_default()))),
            ("snaptime", of_snapshot("snaptime")),
            ("parent", of_section("parent")),
            ("snapstate", of_snapshot("snapstate")),
            ("digest", of_current(loaded.digest().into())),
            ("running", of_current(i32::from(running).into())),
        ])
    };
    nodes.into_iter().map(entry).collect()
}

/// What was found in a directory tree, `{ostype, arch}`.
#[must_use]
pub fn guest(found: &GuestSetup) -> Value {
    serde_json::json!({ "ostype": text(&found.ostype), "arch": text(&found.arch) })
}

/// An object of the fields that there are.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(known.collect())
}

/// A number if the key is numeric and the file says a number there.
fn typed(key: &str, value: &str) -> Value {
    let numeric = keys::lookup(key).is_some_and(|(known, _)| known.schema.kind != Type::String);
    let whole = || value.parse::<i64>().ok().map(Value::from);
    let decimal = || value.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
    let number = if numeric { whole().or_else(decimal) } else { None };
    number.unwrap_or_else(|| text(value))
}

/// A text of a config file. JSON is UTF-8: for bytes that are not stands U+FFFD.
fn text(value: &str) -> Value {
    String::from_utf8_lossy(&to_bytes(value)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn loaded(file: &[u8]) -> Loaded {
        Loaded::of(file.to_vec(), Vmid::new(100).unwrap())
    }

    #[test]
    fn what_waits_has_the_fields_of_the_rest_interface() {
        let file =
            b"cores: 1\nhostname: old\nswap: 0\ntty: 2\n\n[pve:pending]\nhostname: 17\ncpulimit: 1.5\n\
                     delete: !tty,swap,onboot\n";
        assert_eq!(
            pending(&loaded(file).config),
            json!([
                { "key": "cores", "value": 1 },
                { "key": "cpulimit", "pending": 1.5 },
                { "key": "hostname", "value": "old", "pending": "17" },
                { "key": "swap", "value": 0, "delete": 1 },
                { "key": "tty", "value": 2, "delete": 2 },
            ])
        );
        assert_eq!(pending(&loaded(b"").config), json!([]));
    }

    #[test]
    fn a_list_has_the_addresses_of_what_runs() {
        let container = |vmid, running| Status {
            vmid: Vmid::new(vmid).unwrap(),
            name: "web".to_owned(),
            running,
            lock: None,
            tags: None,
            template: false,
            cpus: 1.0,
            max_memory: 0,
            max_swap: 0,
            max_disk: 0,
        };
        let all =
            Listing { containers: vec![container(100, true), container(101, false)], errors: Vec::new() };
        let address =
            |text: &str, global| InterfaceAddress { address: text.parse().unwrap(), prefix: 24, global };
        let interface = Interface {
            name: "eth0".to_owned(),
            hardware_address: Vec::new(),
            loopback: false,
            addresses: vec![address("10.0.0.2", true), address("fe80::1", false), address("fd00::2", true)],
        };
        let json = listing(&all, |_| None, |_| Some(vec![interface.clone()]));
        assert_eq!(json[0]["ips"], json!(["10.0.0.2/24", "fd00::2/24"]));
        assert_eq!(json[1].get("ips"), None);
        assert_eq!(listing(&all, |_| None, |_| None)[0].get("ips"), None);
    }

    #[test]
    fn snapshots_have_the_fields_of_the_rest_interface_and_the_current_state_is_last() {
        let file = b"#now\nparent: aa\nsnaptime: 3\n\n[bb]\nsnaptime: 9\nsnapstate: prepare\n\n\
                     [aa]\n#notes\nparent: gone\nsnaptime: 5\n";
        let loaded = loaded(file);
        assert_eq!(
            snapshots(&loaded, true),
            json!([
                { "name": "aa", "description": "notes\n", "parent": "gone", "snaptime": 5 },
                { "name": "bb", "description": "", "snaptime": 9, "snapstate": "prepare" },
                {
                    "name": "current", "description": "You are here!", "parent": "aa", "running": 1,
                    "digest": digest(file),
                },
            ])
        );
        assert_eq!(snapshots(&loaded, false)[2]["running"], 0);
    }
}
