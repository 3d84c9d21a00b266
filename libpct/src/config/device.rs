use super::{
    keys::{self, SubKey},
    props::{Printed, Properties},
    schema::CheckError,
    spelling::{Collector, Reader, Spelling, Typed, property_string},
};

/// The value of `devN` (spec: config, part 3.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Path on the host, below `/dev/`; also the path inside.
    pub path: String,
    /// Mode of the node, 0 to 0o777; 0o660 when `None`.
    pub mode: Option<u32>,
    /// Owner as an id of the container; 0 when `None`.
    pub uid: Option<u32>,
    /// Group as an id of the container; 0 when `None`.
    pub gid: Option<u32>,
    /// Do not let the container write to it.
    pub deny_write: bool,
    /// How it was written.
    pub spelling: Spelling,
}

/// The value of `features` (spec: config, part 3.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// AppArmor lets containers run inside.
    pub nesting: bool,
    /// keyctl(2) works in an unprivileged container.
    pub keyctl: bool,
    /// FUSE file systems.
    pub fuse: bool,
    /// Some device nodes can be made in an unprivileged container.
    pub mknod: bool,
    /// `/sys` is writable in an unprivileged container.
    pub force_rw_sys: bool,
    /// File system types that may be mounted, in order.
    pub mount: Vec<String>,
    /// How it was written.
    pub spelling: Spelling,
}

/// The schema lets a device without path pass.
pub(crate) const NO_PATH: &str = "Path has to be defined";

property_string!(Device, keys::DEVICE);
property_string!(Features, keys::FEATURES);

impl Typed for Device {
    fn keys(&self) -> &'static [SubKey] {
        keys::DEVICE
    }

    fn from_properties(values: &Properties<'_>) -> Result<Self, CheckError> {
        let get = Reader(values);
        Ok(Self {
            path: get.text("path").ok_or(NO_PATH)?.to_owned(),
            mode: get.text("mode").and_then(|mode| u32::from_str_radix(mode, 8).ok()),
            uid: get.some("uid")?,
            gid: get.some("gid")?,
            deny_write: get.flag("deny-write"),
            spelling: Spelling::default(),
        })
    }

    fn properties(&self) -> Printed {
        let mut out = Collector::default();
        out.some("path", Some(&self.path));
        out.some("mode", self.mode.map(|mode| format!("{mode:04o}")).as_ref());
        out.some("uid", self.uid.as_ref());
        out.some("gid", self.gid.as_ref());
        out.flag("deny-write", self.deny_write);
        out.0
    }

    fn spelling_mut(&mut self) -> &mut Spelling {
        &mut self.spelling
    }

    fn spelling(&self) -> &Spelling {
        &self.spelling
    }
}

impl Typed for Features {
    fn keys(&self) -> &'static [SubKey] {
        keys::FEATURES
    }

    fn from_properties(values: &Properties<'_>) -> Result<Self, CheckError> {
        let get = Reader(values);
        let types = get.text("mount").unwrap_or_default().split([';', ' ']);
        Ok(Self {
            nesting: get.flag("nesting"),
            keyctl: get.flag("keyctl"),
            fuse: get.flag("fuse"),
            mknod: get.flag("mknod"),
            force_rw_sys: get.flag("force_rw_sys"),
            mount: types.filter(|fs| !fs.is_empty()).map(str::to_owned).collect(),
            spelling: Spelling::default(),
        })
    }

    fn properties(&self) -> Printed {
        let mut out = Collector::default();
        out.flag("nesting", self.nesting);
        out.flag("keyctl", self.keyctl);
        out.flag("fuse", self.fuse);
        out.flag("mknod", self.mknod);
        out.flag("force_rw_sys", self.force_rw_sys);
        out.list("mount", &self.mount);
        out.0
    }

    fn spelling_mut(&mut self) -> &mut Spelling {
        &mut self.spelling
    }

    fn spelling(&self) -> &Spelling {
        &self.spelling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_need_a_path() {
        let device: Device = "gid=20,deny-write=yes,/dev/ttyUSB0,mode=0640".parse().unwrap();
        assert_eq!(device.mode, Some(0o640));
        assert_eq!(device.to_string(), "/dev/ttyUSB0,deny-write=1,gid=20,mode=0640");
        assert_eq!("mode=0660".parse::<Device>().unwrap_err().to_string(), "Path has to be defined");
    }

    #[test]
    fn features_keep_what_was_written() {
        let features: Features = "nesting=On,mount=nfs; cifs,keyctl=0".parse().unwrap();
        assert_eq!(features.mount, ["nfs", "cifs"]);
        assert_eq!(features.to_string(), "keyctl=0,mount=nfs; cifs,nesting=1");
        assert!("nesting".parse::<Features>().is_err());
    }
}
