use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A volume on a storage, written `<storage>:<name>` (spec: config, part 1.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VolumeId {
    /// The id of the storage.
    pub storage: String,
    /// The name on that storage, for instance `100/vm-100-disk-0.raw`.
    pub name: String,
}

/// A text that is no volume id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse volume ID '{0}'")]
pub struct InvalidVolumeId(pub String);

/// Whether a text is a storage id: two or more of letters, digits, `-_.`, a
/// letter first and no punctuation last.
pub(crate) fn is_storage_id(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

impl VolumeId {
    /// The storage and the name of a sound id.
    pub(super) fn split(text: &str) -> Result<(&str, &str), InvalidVolumeId> {
        let parts = text.split_once(':');
        let sound = |&(storage, name): &(&str, &str)| {
            is_storage_id(storage) && !name.is_empty() && !name.contains('\n')
        };
        parts.filter(sound).ok_or_else(|| InvalidVolumeId(text.to_owned()))
    }
}

impl FromStr for VolumeId {
    type Err = InvalidVolumeId;

    fn from_str(text: &str) -> Result<Self, InvalidVolumeId> {
        let (storage, name) = Self::split(text)?;
        Ok(Self { storage: storage.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.storage, self.name)
    }
}

/// What a mount point mounts (spec: config, part 3.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VolumeRef {
    /// A volume of a storage.
    Volume(VolumeId),
    /// A block device of the host, a path below `/dev/`.
    Device(String),
    /// A directory of the host, any other absolute path.
    Bind(String),
}

impl VolumeRef {
    /// The volume id, if it is one.
    #[must_use]
    pub fn volume(&self) -> Option<&VolumeId> {
        match self {
            Self::Volume(volume) => Some(volume),
            Self::Device(_) | Self::Bind(_) => None,
        }
    }
}

impl FromStr for VolumeRef {
    type Err = InvalidVolumeId;

    fn from_str(text: &str) -> Result<Self, InvalidVolumeId> {
        if text.starts_with("/dev/") {
            Ok(Self::Device(text.to_owned()))
        } else if text.starts_with('/') {
            Ok(Self::Bind(text.to_owned()))
        } else {
            text.parse().map(Self::Volume)
        }
    }
}

impl fmt::Display for VolumeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(volume) => volume.fmt(f),
            Self::Device(path) | Self::Bind(path) => f.write_str(path),
        }
    }
}

/// Reads the syntax that asks for a new volume, `<storage>:<GiB>` (`local:8`, `zfs:0.5`),
/// into the storage's id and the size in GiB (spec: config, part 3.4).
#[must_use]
pub fn parse_new_volume(volume: &str) -> Option<(String, f64)> {
    let (storage, gib) = volume.split_once(':')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = gib.split_once('.').map_or(digits(gib), |(whole, part)| digits(whole) && digits(part));
    let named = !storage.is_empty() && !storage.contains(super::text::is_space);
    if named && number { Some((storage.to_owned(), gib.parse().ok()?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_classified_by_their_first_characters() {
        let volume: VolumeRef = "local:100/vm-100-disk-0.raw".parse().unwrap();
        assert_eq!(volume.volume().map(|v| v.storage.as_str()), Some("local"));
        assert_eq!("/dev/sda".parse(), Ok(VolumeRef::Device("/dev/sda".into())));
        assert_eq!("/srv/a b".parse(), Ok(VolumeRef::Bind("/srv/a b".into())));
        for bad in ["", "x", "l:x", "local:", ":x", "-l:x", "lo_:x"] {
            assert!(bad.parse::<VolumeId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn new_volumes_are_a_storage_and_a_number() {
        assert_eq!(parse_new_volume("local:8"), Some(("local".into(), 8.0)));
        assert_eq!(parse_new_volume("zfs:0.5"), Some(("zfs".into(), 0.5)));
        for other in ["local:8G", "local:", ":8", "8", "local:1.", "local:.5", "local:vm-1", "a b:8"] {
            assert_eq!(parse_new_volume(other), None, "{other:?}");
        }
    }
}
