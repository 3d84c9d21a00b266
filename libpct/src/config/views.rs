//! Typed views of a section. They are as lenient as the language asks for: a
//! text that failed its check still counts (spec: config, part 2, "Kept bad
//! values in use"); only property strings must parse.

use super::{
    IdMap, Vmid,
    device::{Device, Features},
    idmap::InvalidIdMap,
    keys::split_index,
    mountpoint::MountPoint,
    netif::NetIf,
    schema::CheckError,
    section::Section,
    startup::Startup,
    text::{is_truthy, numeric_prefix},
    volume::VolumeId,
};

/// A property string that does not parse, with its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse value of '{key}'")]
pub struct PropertyError {
    /// The key, for instance `net0`.
    pub key: String,
    /// What is wrong with the text.
    pub source: CheckError,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $key:ident)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $key(&self) -> Option<&str> {
            self.get(stringify!($key))
        })*
    };
}

impl Section {
    texts! {
        /// Processor architecture.
        arch
        /// What `pct console` connects to; `tty` when absent.
        cmode
        /// Command line of the first process; `/sbin/init` when absent.
        entrypoint
        /// Volume id of the hook script.
        hookscript
        /// Host name.
        hostname
        /// The operation that has the container locked.
        lock
        /// List of DNS servers.
        nameserver
        /// Distribution inside.
        ostype
        /// List of DNS search domains.
        searchdomain
        /// Time zone.
        timezone
    }

    /// The host name, else `CT<vmid>`.
    #[must_use]
    pub fn name_or_default(&self, vmid: Vmid) -> String {
        self.hostname().map_or_else(|| format!("CT{vmid}"), str::to_owned)
    }

    fn is_on(&self, key: &str) -> bool {
        self.get(key).is_some_and(is_truthy)
    }

    /// `template` is on.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.is_on("template")
    }

    /// `protection` is on.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.is_on("protection")
    }

    /// The key `unprivileged` is on. Own id maps make a container unprivileged
    /// without it, see [`is_unprivileged`](Self::is_unprivileged).
    #[must_use]
    pub fn is_unprivileged_flag(&self) -> bool {
        self.is_on("unprivileged")
    }

    /// The container has an id map, by the key or by raw lines.
    #[must_use]
    pub fn is_unprivileged(&self) -> bool {
        self.is_unprivileged_flag() || self.has_raw("lxc.idmap")
    }

    /// `onboot` is on.
    #[must_use]
    pub fn onboot(&self) -> bool {
        self.is_on("onboot")
    }

    /// `debug` is on.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.is_on("debug")
    }

    /// There is a console device; on when absent.
    #[must_use]
    pub fn console(&self) -> bool {
        self.get("console").is_none_or(is_truthy)
    }

    /// A number as the lenient rules read it; `None` when absent.
    fn number(&self, key: &str) -> Option<f64> {
        self.get(key).map(numeric_prefix)
    }

    /// When it starts with the host; `None` when absent or not to be understood.
    #[must_use]
    pub fn startup(&self) -> Option<Startup> {
        self.get("startup").and_then(|text| text.parse().ok())
    }

    /// Number of terminals; 2 when absent.
    #[must_use]
    pub fn tty_count(&self) -> u32 {
        self.number("tty").map_or(2, whole)
    }

    /// Number of CPUs; `None` means all.
    #[must_use]
    pub fn cores(&self) -> Option<u32> {
        self.number("cores").map(whole).filter(|&cores| cores > 0)
    }

    /// CPU time in CPUs; `None` means no limit.
    #[must_use]
    pub fn cpulimit(&self) -> Option<f64> {
        self.number("cpulimit").filter(|&limit| limit > 0.0)
    }

    /// Weight for the scheduler.
    #[must_use]
    pub fn cpuunits(&self) -> Option<u32> {
        self.number("cpuunits").map(whole)
    }

    /// Memory in MiB; 512 when absent or 0.
    #[must_use]
    pub fn memory_mib(&self) -> u64 {
        self.number("memory").map(whole_u64).filter(|&mib| mib > 0).unwrap_or(512)
    }

    /// Swap space in MiB; 0 when absent.
    #[must_use]
    pub fn swap_mib(&self) -> u64 {
        self.number("swap").map_or(0, whole_u64)
    }

    /// The id map: of the raw `lxc.idmap` lines if there are any, else the
    /// default one of an unprivileged container, else none.
    ///
    /// # Errors
    /// A raw line that does not parse.
    pub fn id_map(&self) -> Result<IdMap, InvalidIdMap> {
        if self.has_raw("lxc.idmap") {
            return IdMap::parse(self.raw_values("lxc.idmap"));
        }
        let default = self.is_unprivileged_flag().then(IdMap::unprivileged_default);
        Ok(default.unwrap_or_default())
    }

    /// All keys of a family by index, whatever the index: `net2` before `net10`.
    pub fn family(&self, name: &str) -> Vec<(u16, &str)> {
        let member = |(key, value)| {
            split_index(key).filter(|(family, _)| *family == name).map(|(_, index)| (index, value))
        };
        let mut found: Vec<_> = self.entries_from(name).filter_map(member).collect();
        found.sort_unstable_by_key(|(index, _)| *index);
        found
    }

    fn parse_family<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, CheckError>,
    ) -> Result<Vec<(u16, T)>, PropertyError> {
        let parse = |(index, value): (u16, &str)| match parse(value) {
            Ok(value) => Ok((index, value)),
            Err(source) => Err(PropertyError { key: format!("{name}{index}"), source }),
        };
        self.family(name).into_iter().map(parse).collect()
    }

    /// The root file system; `None` when the key is absent.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn rootfs(&self) -> Result<Option<MountPoint>, PropertyError> {
        let parse = |text| {
            MountPoint::parse_rootfs(text).map_err(|source| PropertyError { key: "rootfs".into(), source })
        };
        self.get("rootfs").map(parse).transpose()
    }

    /// The mount points by index; those that do not parse are left out.
    #[must_use]
    pub fn mount_points(&self) -> Vec<(u16, MountPoint)> {
        let parse = |(index, value)| MountPoint::parse_mp(value).ok().map(|mp| (index, mp));
        self.family("mp").into_iter().filter_map(parse).collect()
    }

    /// `rootfs` and the mount points by index, each with its key, in the order in which they are mounted; those that do
    /// not parse are left out.
    #[must_use]
    pub fn points(&self) -> Vec<(String, MountPoint)> {
        let rootfs = self.rootfs().ok().flatten().map(|point| ("rootfs".to_owned(), point));
        let points = self.mount_points().into_iter().map(|(index, point)| (format!("mp{index}"), point));
        rootfs.into_iter().chain(points).collect()
    }

    /// The unused volumes by index; those that do not parse are left out.
    #[must_use]
    pub fn unused(&self) -> Vec<(u16, VolumeId)> {
        let bare = |value: &str| value.strip_prefix("volume=").unwrap_or(value).parse().ok();
        self.family("unused").into_iter().filter_map(|(index, value)| Some((index, bare(value)?))).collect()
    }

    /// The network interfaces by index.
    ///
    /// # Errors
    /// The first value that does not parse.
    pub fn nets(&self) -> Result<Vec<(u16, NetIf)>, PropertyError> {
        self.parse_family("net", str::parse)
    }

    /// The devices by index.
    ///
    /// # Errors
    /// The first value that does not parse.
    pub fn devs(&self) -> Result<Vec<(u16, Device)>, PropertyError> {
        self.parse_family("dev", str::parse)
    }

    /// The features, all off when the key is absent.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn features(&self) -> Result<Features, PropertyError> {
        let parse =
            |text: &str| text.parse().map_err(|source| PropertyError { key: "features".into(), source });
        self.get("features").map_or_else(|| Ok(Features::default()), parse)
    }

    /// Every volume that the section names: in `rootfs`, the mount points, and the unused ones. What does not parse is
    /// left out.
    #[must_use]
    pub fn volumes(&self) -> Vec<VolumeId> {
        self.mounted_volumes().chain(self.unused().into_iter().map(|(_, volume)| volume)).collect()
    }

    /// The ids of the volumes that `rootfs` and the mount points use.
    #[must_use]
    pub fn used_volumes(&self) -> Vec<String> {
        self.mounted_volumes().map(|volume| volume.to_string()).collect()
    }

    fn mounted_volumes(&self) -> impl Iterator<Item = VolumeId> {
        let points = self.mount_points().into_iter().map(|(_, point)| point);
        let all = self.rootfs().ok().flatten().into_iter().chain(points);
        all.filter_map(|point| point.volume.volume().cloned())
    }
}

/// Truncates; a saturated or negative number is as good as any for a text that
/// was never valid.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u32 {
    number as u32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole_u64(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Section {
        let vmid = Vmid::new(100).unwrap();
        crate::config::Config::parse(text.as_bytes(), vmid).config.main().clone()
    }

    #[test]
    fn kept_bad_values_still_count() {
        let s = section(
            "unprivileged: ja\ntemplate: x\nonboot: 0\nmemory: 1G\ncores: x\nconsole: maybe\ntty: abc\n",
        );
        assert!(s.is_unprivileged_flag() && s.is_template() && !s.onboot() && s.console());
        assert_eq!((s.memory_mib(), s.cores(), s.tty_count()), (1, None, 0));
        assert_eq!(section("").memory_mib(), 512);
        assert_eq!(section("").name_or_default(Vmid::new(100).unwrap()), "CT100");
    }

    #[test]
    fn families_are_in_numeric_order() {
        let s =
            section("net10: name=a\nnet2: name=b\nmp1: bad\nmp0: a1:x,mp=/x\nunused3: a1:y\nnet99: name=c\n");
        let nets: Vec<_> = s.nets().unwrap().into_iter().map(|(index, net)| (index, net.name)).collect();
        assert_eq!(nets, [(2, "b".to_owned()), (10, "a".to_owned()), (99, "c".to_owned())]);
        assert_eq!(s.mount_points().len(), 1);
        assert_eq!(s.unused()[0].1.to_string(), "a1:y");
        assert_eq!(section("net1: x").nets().unwrap_err().key, "net1");
    }

    #[test]
    fn raw_lines_replace_the_default_id_map() {
        assert!(section("").id_map().unwrap().is_empty());
        assert_eq!(section("unprivileged: 1").id_map().unwrap(), IdMap::unprivileged_default());
        let own = section("unprivileged: 1\nlxc.idmap: u 0 200000 1000\n");
        assert_eq!(own.id_map().unwrap().to_host(crate::config::IdKind::Uid, 5), 200_005);
        assert!(section("lxc.idmap: u 0 x").id_map().is_err());
    }
}
