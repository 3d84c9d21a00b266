//! The changes become pending (spec: config, part 8.1, steps 2 to 6).

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeError, Changes, Volumes, pending::Pending, values};
use crate::{
    config::{
        Config, Section, Vmid,
        keys::{self, Hotplug},
    },
    facts::HostFacts,
};

/// What was staged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// The keys that the changes set or remove: only these may be applied.
    pub keys: BTreeSet<String>,
    /// What was asked for and means nothing.
    pub warnings: Vec<String>,
}

/// Makes changes pending. The values must have passed [`Changes::check`].
///
/// # Errors
/// The first rule that is broken; the config is then of no use any more.
pub fn stage(
    config: &mut Config,
    changes: &Changes,
    vmid: Vmid,
    host: &HostFacts,
    volumes: &mut dyn Volumes,
) -> Result<Staged, ChangeError> {
    let set: BTreeMap<&str, &str> = changes.set.iter().map(|(key, value)| (&**key, &**value)).collect();
    check_keys(&set, &changes.delete, &changes.revert)?;
    let mut staged = Staged::default();
    let mut pending = Pending::take(config);
    let main = config.main();
    for key in &changes.revert {
        pending.values.remove(key);
        pending.deletions.remove(key);
    }
    for key in &changes.delete {
        if main.get(key).is_none() && pending.values.get(key).is_none() {
            staged.warnings.push(format!("cannot delete '{key}' - not set in current configuration!"));
            continue;
        }
        check_deletion(key, main, vmid)?;
        staged.keys.insert(key.clone());
        remove(&mut pending, key);
    }
    for (key, value) in set {
        let value = checked(key, value, main, vmid, host, volumes)?;
        staged.keys.insert(key.to_owned());
        // An empty text says the same as no value, and a line without one would not be read again.
        if value.is_empty() {
            remove(&mut pending, key);
        } else {
            pending.values.set(key, value);
            pending.deletions.remove(key);
        }
    }
    pending.clean(main);
    pending.put_back(config);
    Ok(staged)
}

/// A pending value of the key does not outlive its removal.
fn remove(pending: &mut Pending, key: &str) {
    pending.values.remove(key);
    pending.deletions.insert(key.to_owned(), false);
}

/// Every key is known, and asked for one thing only. The quotes are the original's.
fn check_keys(set: &BTreeMap<&str, &str>, delete: &[String], revert: &[String]) -> Result<(), ChangeError> {
    let known = |list, key: &str| match keys::lookup(key) {
        Some(_) => Ok(()),
        None => Err(ChangeError::parameter(list, format!("unknown option '{key}'"))),
    };
    for key in revert {
        known("revert", key)?;
        if set.contains_key(&**key) {
            let text = format!("you can't use '-{key}' and '-revert {key}' at the same time");
            return Err(ChangeError::parameter("revert", text));
        }
    }
    for key in delete {
        known("delete", key)?;
        if set.contains_key(&**key) {
            let text = format!("you can't use '-{key}' and -delete {key}' at the same time");
            return Err(ChangeError::parameter("delete", text));
        }
        if revert.contains(key) {
            let text = format!("you can't use '-delete {key}' and '-revert {key}' at the same time");
            return Err(ChangeError::parameter("delete", text));
        }
    }
    Ok(())
}

fn check_deletion(key: &str, main: &Section, vmid: Vmid) -> Result<(), ChangeError> {
    let family = keys::lookup(key).map(|(known, _)| (known.name, known.hotplug));
    match family {
        Some(("memory" | "rootfs" | "ostype", _)) => Err(ChangeError::Required(key.to_owned())),
        Some(("mp" | "unused", _)) if main.is_protected() => {
            Err(ChangeError::Protected { verb: "remove", vmid, key: key.to_owned() })
        }
        Some((_, Hotplug::ReadOnly)) => Err(ChangeError::ReadOnly { verb: "delete", key: key.to_owned() }),
        _ => Ok(()),
    }
}

/// Checks a value by all the rules, and gives the text that becomes pending.
fn checked(
    key: &str,
    value: &str,
    main: &Section,
    vmid: Vmid,
    host: &HostFacts,
    volumes: &mut dyn Volumes,
) -> Result<String, ChangeError> {
    match keys::lookup(key).map(|(known, _)| (known.name, known.hotplug)) {
        Some((_, Hotplug::ReadOnly)) => {
            return Err(ChangeError::ReadOnly { verb: "modify", key: key.to_owned() });
        }
        Some(("rootfs" | "mp", _)) => values::check_mount_point(key, value, main, vmid, volumes)?,
        Some(("hookscript", _)) => values::check_hookscript(value, volumes)?,
        _ => {}
    }
    values::accepted(key, value, host)
}
