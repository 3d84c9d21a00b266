//! The names of volumes (spec: runtime, part 10.3).
//!
//! A name that was read here is one word of letters, digits and `-_.` that begins with a letter: it names something
//! in the folder, volume group or pool that it is looked up in and nowhere else, and no program takes it for an option.

use std::{ops::Range, path::Path};

use super::StorageError;
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
    /// The word of the original, which is the end of a file's name, too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Subvol => "subvol",
        }
    }

    fn prefix(self) -> Prefix {
        match self {
            Self::Raw => Prefix::Vm,
            Self::Subvol => Prefix::Subvol,
        }
    }
}

/// What the name of a volume begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Vm,
    Base,
    Subvol,
    Basevol,
}

impl Prefix {
    const ALL: [Self; 4] = [Self::Vm, Self::Base, Self::Subvol, Self::Basevol];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Base => "base",
            Self::Subvol => "subvol",
            Self::Basevol => "basevol",
        }
    }

    pub(super) fn is_base(self) -> bool {
        matches!(self, Self::Base | Self::Basevol)
    }
}

/// `<prefix>-<owner>-<rest>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) prefix: Prefix,
    pub(super) owner: Vmid,
    /// All of it.
    pub(super) word: &'a str,
    rest: &'a str,
}

impl<'a> Name<'a> {
    pub(super) fn parse(word: &'a str) -> Option<Self> {
        let (prefix, tail) = word.split_once('-')?;
        let prefix = Prefix::ALL.into_iter().find(|known| known.word() == prefix)?;
        let (owner, rest) = tail.split_once('-')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let sound = !rest.is_empty() && rest.bytes().all(plain);
        sound.then_some(Self { prefix, owner: owner.parse().ok()?, word, rest })
    }

    /// The same name with another beginning.
    pub(super) fn with(&self, prefix: Prefix) -> String {
        format!("{}-{}-{}", prefix.word(), self.owner, self.rest)
    }
}

/// A volume of a storage that is a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub(super) name: Name<'a>,
    pub(super) format: Format,
    /// The name with its end.
    pub(super) file: &'a str,
}

impl<'a> FileName<'a> {
    /// A name within the folder of its container.
    pub(super) fn parse(file: &'a str) -> Option<Self> {
        let (stem, end) = file.rsplit_once('.')?;
        let format = [Format::Raw, Format::Subvol].into_iter().find(|format| format.word() == end)?;
        let name = Name::parse(stem).filter(|name| name.prefix != Prefix::Basevol)?;
        Some(Self { name, format, file })
    }

    /// `<owner>/<file>`, where both must speak of the same container.
    pub(super) fn of_volume(volume: &'a str) -> Result<Self, StorageError> {
        let parsed = volume.split_once('/').and_then(|(folder, file)| {
            let owner: Vmid = folder.parse().ok()?;
            Self::parse(file).filter(|parsed| parsed.name.owner == owner)
        });
        parsed.ok_or_else(|| bad(volume))
    }
}

/// `[<base>/]<name>`, as volumes that share a base's content are called on zfspool and rbd: the base, and the name.
pub(super) fn split_linked(volume: &str) -> Result<(Option<Name<'_>>, Name<'_>), StorageError> {
    let (base, word) = match volume.split_once('/') {
        Some((base, word)) => {
            let base = Name::parse(base).filter(|base| base.prefix.is_base()).ok_or_else(|| bad(volume))?;
            (Some(base), word)
        }
        None => (None, volume),
    };
    Ok((base, Name::parse(word).ok_or_else(|| bad(volume))?))
}

/// Checks the name of a snapshot, which becomes a part of a file's name or an argument.
pub(super) fn snapshot_name(snapshot: &str) -> Result<&str, StorageError> {
    let begins = snapshot.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if begins && snapshot.bytes().all(plain) { Ok(snapshot) } else { Err(bad(snapshot)) }
}

/// What a volume is called by itself, without the folder of its container or the base whose content it shares.
pub(crate) fn own_word(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

pub(super) fn bad(name: &str) -> StorageError {
    StorageError::BadName { name: name.to_owned() }
}

/// The volume numbers that the original gives out, too.
const DISK_NUMBERS: Range<u32> = 0..1024;

/// The numbers that no volume of a container has, in ascending order. Whatever its prefix and its end, a name takes
/// its number.
pub(super) fn free_numbers<'n>(
    owner: Vmid,
    names: impl IntoIterator<Item = &'n str>,
) -> impl Iterator<Item = u32> {
    let taken: Vec<u32> = names.into_iter().filter_map(|name| disk_number(owner, name)).collect();
    DISK_NUMBERS.filter(move |number| !taken.contains(number))
}

fn disk_number(owner: Vmid, name: &str) -> Option<u32> {
    let (prefix, tail) = name.split_once('-')?;
    Prefix::ALL.into_iter().find(|known| known.word() == prefix)?;
    let tail = tail.strip_prefix(&format!("{owner}-disk-"))?;
    let digits = tail.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The first free name of a container's volume, without an end.
pub(super) fn free_name<'n>(
    owner: Vmid,
    format: Format,
    names: impl IntoIterator<Item = &'n str>,
    shown: &str,
) -> Result<String, StorageError> {
    let number = free_numbers(owner, names).next();
    let number = number.ok_or_else(|| no_free_name(owner, Path::new(shown)))?;
    Ok(disk_name(owner, format, number))
}

pub(super) fn no_free_name(owner: Vmid, place: &Path) -> StorageError {
    StorageError::NoFreeName { owner: owner.get(), folder: place.to_owned() }
}

/// The name of the `number`-th disk of a container, without an end.
pub(super) fn disk_name(owner: Vmid, format: Format, number: u32) -> String {
    format!("{}-{owner}-disk-{number}", format.prefix().word())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vmid() -> Vmid {
        Vmid::new(9001).unwrap()
    }

    #[test]
    fn a_name_says_its_owner_and_format() {
        let raw = FileName::of_volume("9001/vm-9001-disk-3.raw").unwrap();
        assert_eq!((raw.name.owner, raw.format, raw.name.word), (vmid(), Format::Raw, "vm-9001-disk-3"));
        assert_eq!(raw.name.with(Prefix::Base), "base-9001-disk-3");
        assert_eq!(FileName::of_volume("9001/subvol-9001-data.subvol").unwrap().format, Format::Subvol);
        assert_eq!(disk_name(vmid(), Format::Subvol, 0), "subvol-9001-disk-0");
        let (base, name) = split_linked("basevol-9000-disk-0/subvol-9001-disk-0").unwrap();
        assert_eq!((base.unwrap().owner.get(), name.owner), (9000, vmid()));
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
            assert!(FileName::of_volume(bad).is_err(), "{bad}");
        }
        for bad in ["vm-9000-disk-0/vm-9001-disk-0", "base-9000-disk-0/../x", "a/b/c", "vm-9001-a@s", "-n"] {
            assert!(split_linked(bad).is_err(), "{bad}");
        }
        for bad in ["", "-r", "a/b", "..", "a b", "1", "a@b", "a\n"] {
            assert!(snapshot_name(bad).is_err(), "{bad:?}");
        }
        assert!(snapshot_name("s1").is_ok() && snapshot_name("__base__").is_ok());
    }

    #[test]
    fn every_name_of_a_container_takes_its_number() {
        let names =
            ["vm-9001-disk-0.qcow2", "base-9001-disk-1", "subvol-9001-disk-2.subvol", "vm-9001-disk-4@s"];
        let others = ["vm-9002-disk-3.raw", "vm-9001-disk-.raw", "vm-90011-disk-5", "other-9001-disk-3"];
        let mut free = free_numbers(vmid(), names.into_iter().chain(others));
        assert_eq!((free.next(), free.next()), (Some(3), Some(5)));
        let all: Vec<String> = (0..1024).map(|n| format!("vm-9001-disk-{n}")).collect();
        let full = free_name(vmid(), Format::Raw, all.iter().map(String::as_str), "pool");
        assert!(matches!(full, Err(StorageError::NoFreeName { .. })));
    }

    /// Texts of the pieces that names are made of, and of those that would lead out.
    fn near_names() -> impl Strategy<Value = String> {
        let pieces = [
            "vm", "base", "subvol", "basevol", "-", "-9001-", "9001", "/", "disk-0", ".raw", ".subvol", ".",
            "..", "@", " ", "\n", "\0", "ö", "--", "x",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..9).prop_map(|p| p.concat())
    }

    fn stays(word: &str) {
        assert!(word.starts_with(|c: char| c.is_ascii_lowercase()), "{word:?}");
        assert!(word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{word:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_taken_as_a_name_stays_in_its_place(text in near_names()) {
            if let Ok(parsed) = FileName::of_volume(&text) {
                stays(parsed.file);
                stays(parsed.name.word);
                prop_assert_eq!(format!("{}/{}", parsed.name.owner, parsed.file), text.clone());
            }
            if let Ok((base, name)) = split_linked(&text) {
                stays(name.word);
                stays(&name.with(Prefix::Base));
                if let Some(base) = base {
                    stays(base.word);
                }
            }
            if let Ok(name) = snapshot_name(&text) {
                prop_assert!(!name.starts_with('-') && !name.contains(['/', '@', '.', ' ', '\n', '\0']));
            }
        }
    }
}
