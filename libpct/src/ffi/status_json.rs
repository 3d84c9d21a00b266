//! A container's state by the names of the REST interface (spec: cli, part A.2).

use serde_json::{Map, Value};

use crate::{Listing, Status, Usage, Vmid};

/// The fields of one container.
pub(super) fn fields(status: &Status, usage: Option<&Usage>) -> Value {
    let idle = Usage::default();
    let used = usage.unwrap_or(&idle);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("vmid", status.vmid.get().into());
    put("type", "lxc".into());
    put("status", if status.running { "running" } else { "stopped" }.into());
    put("name", status.name.as_str().into());
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
        ("lock", status.lock.as_deref().map(Value::from)),
        ("tags", status.tags.as_deref().map(Value::from)),
        ("template", status.template.then(|| 1.into())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            put(name, value);
        }
    }
    Value::Object(fields)
}

/// All containers, also those that cannot be read, ascending by number.
pub(super) fn listing(listing: &Listing, usage: impl Fn(Vmid) -> Option<Usage>) -> Value {
    let read = listing.containers.iter().map(|status| {
        let usage = if status.running { usage(status.vmid) } else { None };
        (status.vmid, fields(status, usage.as_ref()))
    });
    let unread = listing.errors.iter().map(|(vmid, error)| {
        let fields = serde_json::json!({ "vmid": vmid.get(), "type": "lxc", "error": error.full_message() });
        (*vmid, fields)
    });
    let mut all: Vec<_> = read.chain(unread).collect();
    all.sort_by_key(|(vmid, _)| *vmid);
    all.into_iter().map(|(_, fields)| fields).collect()
}

/// A count of processors is whole unless a limit made it a fraction.
fn number(value: f64) -> Value {
    match format!("{value:.0}").parse::<i64>() {
        Ok(whole) if value.fract() == 0.0 => whole.into(),
        _ => value.into(),
    }
}
