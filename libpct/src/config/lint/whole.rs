//! What no single line shows.

use std::{collections::HashMap, fmt::Display};

use super::{Finding, Places};
use crate::config::{MountIdMap, Severity, Vmid, model::Config, parse_new_volume};

pub(super) fn check(config: &Config, vmid: Vmid, places: &Places, findings: &mut Vec<Finding>) {
    let main = config.main();
    let mut warn = |key: &str, message: String, remedy: &str| {
        findings.push(Finding {
            line: places.of(key),
            column: 1,
            severity: Severity::Warning,
            key: Some(key.to_owned()),
            part: main.get(key).map_or_else(String::new, |value| format!("{key}: {value}")),
            message,
            remedy: Some(remedy.to_owned()),
        });
    };
    for key in ["arch", "ostype", "rootfs"] {
        if main.get(key).is_none() {
            warn(
                key,
                format!("no '{key}': CT {vmid} can't be started"),
                &format!("add a line '{key}: <value>'"),
            );
        }
    }
    if let Some(parent) = main.get("parent").filter(|parent| !config.snapshots().contains_key(*parent)) {
        warn("parent", format!("there is no snapshot '{parent}'"), "remove the line");
    }
    let used = main.used_volumes();
    for (key, value) in main.entries_from("unused").filter(|(_, value)| used.iter().any(|id| id == value)) {
        warn(key, format!("'{value}' is in use; the line goes at the next write"), "remove the line");
    }
    if let Err(error) =
        main.id_map().map_err(|e| e.to_string()).and_then(|map| map.validate().map_err(|e| e.to_string()))
    {
        warn("lxc.idmap", error, "mend the lxc.idmap lines");
    }
    let rootfs = main.rootfs().ok().flatten();
    let mounts: Vec<_> =
        main.mount_points().into_iter().map(|(index, mp)| (format!("mp{index}"), mp)).collect();
    for (key, point) in &mounts {
        let map = point.idmap.as_deref().and_then(|text| text.parse::<MountIdMap>().ok());
        if let Some(overlap) = map.and_then(|map| map.validate().err()) {
            warn(key, format!("idmap: {overlap}"), "map each id once");
        }
    }
    for (key, point) in
        rootfs.iter().map(|point| ("rootfs", point)).chain(mounts.iter().map(|(key, point)| (&**key, point)))
    {
        if parse_new_volume(&point.volume.to_string()).is_some() {
            let message = format!(
                "'{}' asks for a new volume, which only `pct create` and `pct set` make",
                point.volume
            );
            warn(key, message, "name the volume");
        }
    }
    let paths =
        mounts.iter().map(|(key, point)| (key.clone(), point.path().trim_end_matches('/').to_owned()));
    for (key, earlier, path) in twice(paths) {
        warn(&key, format!("'{path}' is mounted over what {earlier} mounts there"), "give it another path");
    }
    let nets = main.family("net").into_iter();
    let names = nets.filter_map(|(index, text)| {
        Some((format!("net{index}"), text.parse::<crate::config::NetIf>().ok()?.name))
    });
    for (key, earlier, name) in twice(names) {
        warn(&key, format!("the name '{name}' is taken by {earlier}"), "give it another name");
    }
}

/// Values that come again: the key, the key that had the value first, the value.
fn twice<T: Display>(values: impl Iterator<Item = (String, T)>) -> Vec<(String, String, String)> {
    let mut first: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    for (key, value) in values {
        let value = value.to_string();
        match first.get(&value) {
            Some(earlier) => found.push((key, earlier.clone(), value)),
            None => drop(first.insert(value, key)),
        }
    }
    found
}
