//! The names of volumes (spec: runtime, part 10.3).

use crate::config::Vmid;

/// How a volume holds its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A file system in a file or on a block device.
    Raw,
    /// A directory tree or a file system of the storage itself.
    Subvol,
}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Subvol => "subvol",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Raw => "vm",
            Self::Subvol => "subvol",
        }
    }
}

/// The parts of `vm-<owner>-<rest>[.<format>]` and its relatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) owner: Vmid,
    pub(crate) format: Format,
    pub(crate) is_base: bool,
    rest: &'a str,
}

impl<'a> Name<'a> {
    /// Reads a single file name of a path-based storage. It has no `/` and does not begin with a dot: it
    /// can only ever name something in the folder it is looked up in.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let format = match extension {
            "raw" => Format::Raw,
            "subvol" => Format::Subvol,
            _ => return None,
        };
        let (prefix, tail) = stem.split_once('-')?;
        let (owner, rest) = tail.split_once('-')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let known = matches!(prefix, "vm" | "base" | "subvol");
        (known && !rest.is_empty() && rest.bytes().all(plain)).then_some(Self {
            owner: owner.parse().ok()?,
            format,
            is_base: prefix == "base",
            rest,
        })
    }

    /// The number of a `disk-<n>` volume.
    pub(crate) fn disk_number(&self) -> Option<u32> {
        self.rest.strip_prefix("disk-")?.parse().ok()
    }
}

/// Splits `<owner>/<file>` of a path-based storage, checking that both speak of the same container.
pub(crate) fn split_path_based(name: &str) -> Option<(Vmid, Name<'_>)> {
    let (folder, file) = name.split_once('/')?;
    let owner: Vmid = folder.parse().ok()?;
    let parsed = Name::parse(file)?;
    (parsed.owner == owner).then_some((owner, parsed))
}

/// The name of the `number`-th disk of a container.
pub(crate) fn disk_file(owner: Vmid, format: Format, number: u32) -> String {
    format!("{}-{owner}-disk-{number}.{}", format.prefix(), format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_owner_and_format() {
        let (owner, name) = split_path_based("9001/vm-9001-disk-3.raw").unwrap();
        assert_eq!((owner.get(), name.format, name.disk_number()), (9001, Format::Raw, Some(3)));
        assert_eq!(owner_of("9001/subvol-9001-data.subvol"), Some(9001));
        assert_eq!(disk_file(Vmid::new(9001).unwrap(), Format::Subvol, 0), "subvol-9001-disk-0.subvol");
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for bad in [
            "9001/../9002/vm-9001-disk-0.raw",
            "9001/vm-9002-disk-0.raw",
            "../vm-9001-disk-0.raw",
            "9001/vm-9001-../x.raw",
            "9001/vm-9001-disk-0.qcow2",
            "9001/.raw",
            "vm-9001-disk-0.raw",
            "/9001/vm-9001-disk-0.raw",
        ] {
            assert_eq!(owner_of(bad), None, "{bad}");
        }
    }

    fn owner_of(name: &str) -> Option<u32> {
        split_path_based(name).map(|(owner, _)| owner.get())
    }
}
