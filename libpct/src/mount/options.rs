//! Mount options, and where each of them belongs.

use rustix::mount::MountAttrFlags;

use super::block::FsType;

/// How to mount something (spec: runtime, part 4.2).
///
/// `nodev noexec nosuid noatime` and `read_only` are of the mount, so everything can have them. `discard
/// lazytime acl quota` are of the file system: for a directory (subvol, bind mount), whose file system others mounted,
/// they are without effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Nothing may be written. Of the options below, only `nodev noexec nosuid` are kept.
    pub read_only: bool,
    /// The volume is a snapshot or a base image: do not replay the journal. Implies `read_only`.
    pub frozen: bool,
    /// `discard`
    pub discard: bool,
    /// `lazytime`
    pub lazytime: bool,
    /// `noatime`
    pub noatime: bool,
    /// `nodev`
    pub nodev: bool,
    /// `noexec`
    pub noexec: bool,
    /// `nosuid`
    pub nosuid: bool,
    /// Have POSIX access control lists.
    pub acl: bool,
    /// Keep the quotas of users and groups in files of the file system. Only ext4 does it like that.
    pub quota: bool,
}

impl Options {
    /// Read-only or implied to be.
    #[must_use]
    pub(crate) fn is_read_only(self) -> bool {
        self.read_only || self.frozen
    }

    /// What of it is an attribute of the mount: to set and to clear.
    pub(super) fn attributes(self) -> (MountAttrFlags, MountAttrFlags) {
        let mut set = MountAttrFlags::empty();
        let mut clear = MountAttrFlags::empty();
        set.set(MountAttrFlags::MOUNT_ATTR_RDONLY, self.is_read_only());
        set.set(MountAttrFlags::MOUNT_ATTR_NODEV, self.nodev);
        set.set(MountAttrFlags::MOUNT_ATTR_NOEXEC, self.noexec);
        set.set(MountAttrFlags::MOUNT_ATTR_NOSUID, self.nosuid);
        if self.noatime && !self.is_read_only() {
            // Access-time modes are a number, not a flag each.
            set |= MountAttrFlags::MOUNT_ATTR_NOATIME;
            clear |= MountAttrFlags::MOUNT_ATTR__ATIME;
        }
        (set, clear)
    }

    /// What of it the file system itself is told, as flag parameters.
    pub(super) fn parameters(self, fstype: FsType) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        if self.is_read_only() || fstype.only_readable() {
            parameters.push(Parameter::Flag("ro"));
        }
        if self.frozen {
            parameters.extend(fstype.no_replay());
        }
        if !self.is_read_only() && !fstype.only_readable() {
            if self.discard {
                parameters.push(Parameter::Flag("discard"));
            }
            if self.lazytime {
                parameters.push(Parameter::Flag("lazytime"));
            }
            if self.quota && fstype == FsType::Ext4 {
                let files = [("usrjquota", "aquota.user"), ("grpjquota", "aquota.group"), ("jqfmt", "vfsv0")];
                parameters.extend(files.map(|(name, value)| Parameter::Value(name, value)));
            }
        }
        if self.acl && fstype.knows_acl_option() {
            parameters.push(Parameter::Flag("acl"));
        }
        parameters
    }
}

/// A parameter of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Flag(&'static str),
    Value(&'static str, &'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(read_only: bool) -> Options {
        Options {
            read_only,
            discard: true,
            lazytime: true,
            noatime: true,
            nodev: true,
            noexec: true,
            nosuid: true,
            acl: true,
            quota: false,
            frozen: false,
        }
    }

    #[test]
    fn each_option_goes_where_it_belongs() {
        let (set, clear) = all(false).attributes();
        assert!(set.contains(
            MountAttrFlags::MOUNT_ATTR_NOATIME
                | MountAttrFlags::MOUNT_ATTR_NODEV
                | MountAttrFlags::MOUNT_ATTR_NOEXEC
                | MountAttrFlags::MOUNT_ATTR_NOSUID
        ));
        assert!(!set.contains(MountAttrFlags::MOUNT_ATTR_RDONLY));
        assert_eq!(clear, MountAttrFlags::MOUNT_ATTR__ATIME);
        let flags = ["discard", "lazytime", "acl"].map(Parameter::Flag);
        assert_eq!(all(false).parameters(FsType::Ext4), flags);
        assert_eq!(all(false).parameters(FsType::Xfs), flags[..2]);
        let quota = Options { quota: true, ..Options::default() };
        assert_eq!(quota.parameters(FsType::Ext4).len(), 3);
        assert_eq!(quota.parameters(FsType::Xfs), []);
        assert_eq!(Options { read_only: true, ..quota }.parameters(FsType::Ext4), [Parameter::Flag("ro")]);
    }

    #[test]
    fn read_only_keeps_only_the_protecting_options() {
        let (set, clear) = all(true).attributes();
        let kept = MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC
            | MountAttrFlags::MOUNT_ATTR_NOSUID;
        assert_eq!((set, clear), (kept, MountAttrFlags::empty()));
        assert_eq!(all(true).parameters(FsType::Ext4), ["ro", "acl"].map(Parameter::Flag));
        let frozen = Options { frozen: true, ..Options::default() };
        assert!(frozen.is_read_only());
        assert_eq!(frozen.parameters(FsType::Ext4), ["ro", "noload"].map(Parameter::Flag));
    }
}
