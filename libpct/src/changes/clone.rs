//! What a clone has of the container that it is made of (spec: cli, part 6.6).

use super::{ChangeError, values};
use crate::{
    config::{MountPoint, NetIf, PropertyError, Section, Vmid, VolumeId, VolumeRef, keys},
    facts::HostFacts,
};

/// What a clone has not of its origin, beside volumes: each state of a container has these of its own.
const OWN: [&str; 7] = ["lock", "parent", "snapname", "snapstate", "snaptime", "template", "vmstate"];

/// Why a container cannot be cloned. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloneError {
    /// It has something of the host's, and the host has that once.
    #[error("unable to clone mountpoint '{key}' (type {kind})")]
    NoVolume {
        /// `mp<n>`.
        key: String,
        /// `bind` or `device`.
        kind: &'static str,
    },
    /// Its content changes while it would be read.
    #[error("Full clone of a running container is only possible from a snapshot")]
    Running,
    /// The storage cannot share the volume's content.
    #[error("Linked clone feature for '{0}' is not available")]
    NoLinked(VolumeId),
    /// A linked clone is where its base is.
    #[error("parameter 'storage' not allowed for linked clones")]
    Storage,
    /// Somebody has taken the new container away while it was being made.
    #[error("Lost 'create' config lock, aborting.")]
    Lost,
}

/// A volume to be cloned, and the mount point that has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    /// `rootfs` or `mp<n>`.
    pub(crate) key: String,
    pub(crate) point: MountPoint,
    pub(crate) volume: VolumeId,
}

/// The volumes of a container in the order in which they are cloned.
pub(crate) fn volumes(section: &Section) -> Result<Vec<Origin>, CloneError> {
    let origin = |(key, point): (String, MountPoint)| match &point.volume {
        VolumeRef::Volume(volume) => Ok(Origin { key, volume: volume.clone(), point }),
        VolumeRef::Bind(_) => Err(CloneError::NoVolume { key, kind: "bind" }),
        VolumeRef::Device(_) => Err(CloneError::NoVolume { key, kind: "device" }),
    };
    section.points().into_iter().map(origin).collect()
}

/// The clone's config, still without volumes: interfaces get new hardware addresses, everything else is as it was.
pub(crate) fn section(origin: &Section, vmid: Vmid, host: &HostFacts) -> Result<Section, ChangeError> {
    let mut clone = origin.clone();
    let volume =
        |key: &str| keys::lookup(key).is_some_and(|(family, _)| matches!(family.name, "mp" | "unused"));
    let gone = origin.entries().map(|(key, _)| key);
    let gone = gone.filter(|key| OWN.contains(key) || *key == "rootfs" || volume(key));
    gone.for_each(|key| drop(clone.remove(key)));
    for (index, text) in origin.family("net") {
        let key = format!("net{index}");
        let net: NetIf = text.parse().map_err(|source| PropertyError { key: key.clone(), source })?;
        let net = NetIf { hwaddr: None, ..net };
        clone.set(&key, values::stored(&key, &net.to_string(), vmid, host)?);
    }
    clone.set("lock", "create");
    Ok(clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const ORIGIN: &str = "\
#notes
hostname: web
lock: disk
memory: 64
mp0: local:9001/vm-9001-disk-1.raw,mp=/data
net0: name=eth0,bridge=br0,hwaddr=BC:24:11:00:00:01,ip=192.0.2.5/24
parent: s1
rootfs: local:9001/vm-9001-disk-0.raw,size=1G
template: 1
unused0: local:9001/vm-9001-disk-2.raw
lxc.environment: A=1
";

    fn origin(text: &str) -> Section {
        Config::parse(text.as_bytes(), Vmid::new(9001).unwrap()).config.main().clone()
    }

    fn host() -> HostFacts {
        serde_json::from_str(r#"{"home":"pve","liblxc":"6.0","cgroup":"v2","seed":7}"#).unwrap()
    }

    #[test]
    fn a_clone_has_all_but_volumes_and_what_is_each_container_s_own() {
        let origin = origin(ORIGIN);
        let clone = section(&origin, Vmid::new(9002).unwrap(), &host()).unwrap();
        let keys: Vec<_> = clone.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["description", "hostname", "lock", "memory", "net0"]);
        assert_eq!(clone.raw(), origin.raw());
        assert_eq!(clone.lock(), Some("create"));
        let (_, net) = &clone.nets().unwrap()[0];
        let (_, old) = &origin.nets().unwrap()[0];
        assert!(net.hwaddr.is_some() && net.hwaddr != old.hwaddr);
        assert_eq!(
            NetIf { hwaddr: None, ..net.clone() }.to_string(),
            NetIf { hwaddr: None, ..old.clone() }.to_string()
        );
    }

    #[test]
    fn volumes_are_cloned_in_order_and_what_is_the_host_s_is_not() {
        let keys: Vec<_> = volumes(&origin(ORIGIN)).unwrap().into_iter().map(|origin| origin.key).collect();
        assert_eq!(keys, ["rootfs", "mp0"]);
        let bound = origin("rootfs: local:9001/vm-9001-disk-0.raw\nmp3: /srv,mp=/srv\n");
        let refused = volumes(&bound).unwrap_err().to_string();
        assert_eq!(refused, "unable to clone mountpoint 'mp3' (type bind)");
        let device = origin("rootfs: /dev/sda\n");
        assert!(volumes(&device).unwrap_err().to_string().ends_with("(type device)"));
    }
}
