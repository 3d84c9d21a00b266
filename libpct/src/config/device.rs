use super::{
    keys::{self, SubKey},
    props::{Printed, Properties},
    schema::CheckError,
    spelling::{Collector, Spelling, Typed, is_on, property_string, read},
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
        let path = values.get("path").ok_or(NO_PATH)?.to_owned();
        let mut device = Self { path, ..Self::default() };
        for (key, text) in values.iter() {
            match key {
                "deny-write" => device.deny_write = is_on(text),
                "gid" => device.gid = read(key, text)?,
                "mode" => device.mode = u32::from_str_radix(text, 8).ok(),
                "uid" => device.uid = read(key, text)?,
                _ => {}
            }
        }
        Ok(device)
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
        let mut features = Self::default();
        for (key, text) in values.iter() {
            match key {
                "force_rw_sys" => features.force_rw_sys = is_on(text),
                "fuse" => features.fuse = is_on(text),
                "keyctl" => features.keyctl = is_on(text),
                "mknod" => features.mknod = is_on(text),
                "mount" => {
                    let types = text.split([';', ' ']).filter(|fs| !fs.is_empty());
                    features.mount = types.map(str::to_owned).collect();
                }
                "nesting" => features.nesting = is_on(text),
                _ => {}
            }
        }
        Ok(features)
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
