use std::{fmt, str::FromStr};

use super::{
    keys::{self, SubKey},
    props::{Printed, Properties},
    schema::CheckError,
    size::Size,
    spelling::{self, Collector, Spelling, Typed, is_on, list, read},
    volume::{InvalidVolumeId, VolumeRef},
};

/// An additional option of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MountOption {
    /// Pass deletions on to the storage.
    Discard,
    /// Write time stamps late.
    Lazytime,
    /// Do not keep access times.
    Noatime,
    /// No device nodes.
    Nodev,
    /// No programs.
    Noexec,
    /// No set-user-id programs.
    Nosuid,
}

impl MountOption {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Discard, "discard"),
        (Self::Lazytime, "lazytime"),
        (Self::Noatime, "noatime"),
        (Self::Nodev, "nodev"),
        (Self::Noexec, "noexec"),
        (Self::Nosuid, "nosuid"),
    ];
}

impl FromStr for MountOption {
    type Err = CheckError;

    fn from_str(text: &str) -> Result<Self, CheckError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(option, _)| *option).ok_or_else(|| format!("unknown mount option '{text}'").into())
    }
}

impl fmt::Display for MountOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(option, _)| option == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// The value of `rootfs` or `mpN` (spec: config, part 3.4).
///
/// `Display` prints it canonically; what it does not say is not printed.
#[derive(Clone, Debug, PartialEq)]
pub struct MountPoint {
    /// What is mounted.
    pub volume: VolumeRef,
    /// Where, as a path inside; `None` for `rootfs`, which is always `/`.
    pub mp: Option<String>,
    /// The size that was noted down; the storage knows better.
    pub size: Option<Size>,
    /// Mount it read-only.
    pub ro: bool,
    /// User quotas.
    pub quota: bool,
    /// Access control lists on or off; the file system's default else.
    pub acl: Option<bool>,
    /// Include it in backups; `None` is no. Not for `rootfs`.
    pub backup: Option<bool>,
    /// Take part in replication; `None` is yes.
    pub replicate: Option<bool>,
    /// Every node has it already.
    pub shared: bool,
    /// Leave owner and mode of the mounted-over directory on the mounted root. Not for `rootfs`.
    pub keepattrs: bool,
    /// Additional options, in order.
    pub mountoptions: Vec<MountOption>,
    /// Own id map of the volume: `passthrough`, or `<u|g>:<container>:<disk>:<count>` separated by `;`.
    pub idmap: Option<String>,
    /// How it was written.
    pub spelling: Spelling,
}

impl MountPoint {
    /// A mount with nothing but the volume and, except for `rootfs`, its path.
    #[must_use]
    pub fn new(volume: VolumeRef, mp: Option<String>) -> Self {
        Self {
            volume,
            mp,
            size: None,
            ro: false,
            quota: false,
            acl: None,
            backup: None,
            replicate: None,
            shared: false,
            keepattrs: false,
            mountoptions: Vec::new(),
            idmap: None,
            spelling: Spelling::default(),
        }
    }

    /// Parses the value of `rootfs`.
    ///
    /// # Errors
    /// What the schema refuses, and a volume that is neither a path nor a volume id.
    pub fn parse_rootfs(text: &str) -> Result<Self, CheckError> {
        spelling::parse(keys::ROOTFS, text)
    }

    /// Parses the value of `mpN`.
    ///
    /// # Errors
    /// As [`parse_rootfs`](Self::parse_rootfs).
    pub fn parse_mp(text: &str) -> Result<Self, CheckError> {
        spelling::parse(keys::MOUNT_POINT, text)
    }

    /// The path inside the container.
    #[must_use]
    pub fn path(&self) -> &str {
        self.mp.as_deref().unwrap_or("/")
    }

    /// Whether backups include it, `rootfs` always.
    #[must_use]
    pub fn in_backup(&self) -> bool {
        self.mp.is_none() || self.backup == Some(true)
    }
}

impl Typed for MountPoint {
    fn keys(&self) -> &'static [SubKey] {
        if self.mp.is_some() { keys::MOUNT_POINT } else { keys::ROOTFS }
    }

    fn from_properties(values: &Properties<'_>) -> Result<Self, CheckError> {
        let invalid = |e: InvalidVolumeId| CheckError::from(e.to_string());
        let volume = values.get("volume").unwrap_or_default().parse().map_err(invalid)?;
        let mut point = Self::new(volume, None);
        for (key, text) in values.iter() {
            match key {
                "mp" => point.mp = Some(text.to_owned()),
                "acl" => point.acl = Some(is_on(text)),
                "backup" => point.backup = Some(is_on(text)),
                "idmap" => point.idmap = Some(text.to_owned()),
                "keepattrs" => point.keepattrs = is_on(text),
                "mountoptions" => point.mountoptions = list(text),
                "quota" => point.quota = is_on(text),
                "replicate" => point.replicate = Some(is_on(text)),
                "ro" => point.ro = is_on(text),
                "shared" => point.shared = is_on(text),
                "size" => point.size = read(key, text)?,
                _ => {}
            }
        }
        Ok(point)
    }

    fn properties(&self) -> Printed {
        let mut out = Collector::default();
        out.some("volume", Some(&self.volume));
        out.some("mp", self.mp.as_ref());
        out.some("size", self.size.as_ref());
        out.flag("ro", self.ro);
        out.flag("quota", self.quota);
        out.choice("acl", self.acl);
        out.choice("backup", self.backup);
        out.choice("replicate", self.replicate);
        out.flag("shared", self.shared);
        out.flag("keepattrs", self.keepattrs);
        out.list("mountoptions", &self.mountoptions);
        out.some("idmap", self.idmap.as_ref());
        out.0
    }

    fn spelling_mut(&mut self) -> &mut Spelling {
        &mut self.spelling
    }

    fn spelling(&self) -> &Spelling {
        &self.spelling
    }
}

impl fmt::Display for MountPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spelling::print(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_print_in_canonical_order() {
        let text = "size=8GiB,ro=yes,mp=/b,local:100/x.raw,acl=0,backup=0,mountoptions=nosuid;discard";
        let mut mp = MountPoint::parse_mp(text).unwrap();
        assert_eq!(
            mp.to_string(),
            "local:100/x.raw,mp=/b,acl=0,backup=0,mountoptions=nosuid;discard,ro=1,size=8G"
        );
        mp.ro = false;
        mp.size = Some(Size::from_bytes(3 << 30));
        mp.mountoptions.clear();
        assert_eq!(mp.to_string(), "local:100/x.raw,mp=/b,acl=0,backup=0,size=3G");
        assert_eq!(
            MountPoint::parse_mp("/srv/b,mp=/b,ro=1,backup=0").unwrap().to_string(),
            "/srv/b,mp=/b,backup=0,ro=1"
        );
        let text = "volume=/srv/a=b,mp=/b";
        assert_eq!(MountPoint::parse_mp(text).unwrap().to_string(), text);
    }

    #[test]
    fn rootfs_has_no_path_and_no_backup() {
        let rootfs = MountPoint::parse_rootfs("tank:subvol-1,size=0").unwrap();
        assert_eq!((rootfs.path(), rootfs.to_string().as_str()), ("/", "tank:subvol-1,size=0T"));
        let error = MountPoint::parse_rootfs("tank:subvol-1,mp=/,backup=1").unwrap_err();
        assert_eq!(error.details().len(), 2);
        assert!(MountPoint::parse_rootfs("size=8G").is_err());
    }
}
