//! What an ELF file says about itself, read without running or trusting it (elf(5)).

use std::{fs::File, os::unix::fs::FileExt};

use crate::rootfs::Rootfs;

use super::error::{Error, Result};

const MAGIC: &[u8; 4] = b"\x7fELF";
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
/// Bounds on what is read of a file that may say anything: segments, dynamic entries, bytes of a name.
const MAX_SEGMENTS: u16 = 256;
const MAX_ENTRIES: u64 = 4096;
const MAX_NAME: usize = 256;

/// The architecture, in the config's words, that a program is made for (spec: guest set-up, part 6).
pub(crate) fn architecture(root: &Rootfs, path: &str) -> Result<&'static str> {
    let not_elf = || Error::NotElf { path: path.to_owned() };
    let file = root.open_regular(path)?.ok_or_else(not_elf)?;
    let mut head = [0; 20];
    file.read_exact_at(&mut head, 0).map_err(|_| not_elf())?;
    if !head.starts_with(MAGIC) {
        return Err(not_elf());
    }
    let class = head[4];
    match (u16::from_le_bytes([head[18], head[19]]), class) {
        (0x03, _) => Ok("i386"),
        (0x3e, _) => Ok("amd64"),
        (0x28, _) => Ok("armhf"),
        (0xb7, _) => Ok("arm64"),
        (0xf3, 1) => Ok("riscv32"),
        (0xf3, 2) => Ok("riscv64"),
        (0xf3, class) => Err(Error::InvalidClass { path: path.to_owned(), class }),
        (machine, _) => Err(Error::UnknownMachine { path: path.to_owned(), machine }),
    }
}

/// The names of the shared libraries a program asks for; none if the file is not what it should be.
pub(crate) fn needed(root: &Rootfs, path: &str) -> Result<Vec<String>> {
    Ok(root.open_regular(path)?.and_then(|file| Reader::new(file)?.needed()).unwrap_or_default())
}

struct Reader {
    file: File,
    wide: bool,
    big_endian: bool,
}

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl Reader {
    fn new(file: File) -> Option<Self> {
        let mut ident = [0; 6];
        file.read_exact_at(&mut ident, 0).ok()?;
        let known = ident.starts_with(MAGIC) && matches!(ident[4], 1 | 2) && matches!(ident[5], 1 | 2);
        known.then_some(Self { file, wide: ident[4] == 2, big_endian: ident[5] == 2 })
    }

    /// An unsigned number of `len` bytes.
    fn number(&self, offset: u64, len: usize) -> Option<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(bytes.get_mut(..len)?, offset).ok()?;
        if self.big_endian {
            bytes.get_mut(..len)?.reverse();
        }
        Some(u64::from_le_bytes(bytes))
    }

    /// A number as wide as an address, at the one or the other place depending on the class.
    fn word(&self, base: u64, wide: u64, narrow: u64) -> Option<u64> {
        let (at, len) = if self.wide { (wide, 8) } else { (narrow, 4) };
        self.number(base.checked_add(at)?, len)
    }

    fn segments(&self) -> Option<Vec<Segment>> {
        let table = self.word(0, 32, 28)?;
        let entry = self.number(if self.wide { 54 } else { 42 }, 2)?;
        let count = self.number(if self.wide { 56 } else { 44 }, 2)?.min(u64::from(MAX_SEGMENTS));
        (0..count)
            .map(|index| {
                let base = table.checked_add(index * entry)?;
                Some(Segment {
                    kind: u32::try_from(self.number(base, 4)?).ok()?,
                    offset: self.word(base, 8, 4)?,
                    address: self.word(base, 16, 8)?,
                    size: self.word(base, 32, 16)?,
                })
            })
            .collect()
    }

    fn needed(&self) -> Option<Vec<String>> {
        let segments = self.segments()?;
        let dynamic = segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let width = if self.wide { 16 } else { 8 };
        let (mut names, mut strings) = (Vec::new(), None);
        for index in 0..(dynamic.size / width).min(MAX_ENTRIES) {
            let base = dynamic.offset.checked_add(index * width)?;
            let value = self.word(base, 8, 4)?;
            match self.word(base, 0, 0)? {
                0 => break,
                DT_NEEDED => names.push(value),
                DT_STRTAB => strings = Some(value),
                _ => {}
            }
        }
        let address = strings?;
        let holds = |segment: &&Segment| {
            segment.kind == PT_LOAD
                && address.checked_sub(segment.address).is_some_and(|at| at < segment.size)
        };
        let load = segments.iter().find(holds)?;
        let table = load.offset.checked_add(address - load.address)?;
        names.into_iter().map(|name| self.string(table.checked_add(name)?)).collect()
    }

    fn string(&self, offset: u64) -> Option<String> {
        let mut bytes = [0; MAX_NAME];
        let read = self.file.read_at(&mut bytes, offset).ok()?;
        let name = bytes.get(..read)?.split(|b| *b == 0).next()?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root() -> (tempfile::TempDir, Rootfs) {
        let dir = tempfile::tempdir().unwrap();
        let root = Rootfs::open(dir.path(), (0, 0)).unwrap();
        (dir, root)
    }

    #[test]
    fn every_machine_has_its_name() {
        let (dir, root) = root();
        let shell = |machine: u8, class: u8| {
            let mut head = *b"\x7fELF\0\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\0\0";
            (head[4], head[18]) = (class, machine);
            fs::write(dir.path().join("sh"), head).unwrap();
            architecture(&root, "/sh")
        };
        for (machine, class, name) in [
            (0x03, 1, "i386"),
            (0x3e, 2, "amd64"),
            (0x28, 1, "armhf"),
            (0xb7, 2, "arm64"),
            (0xf3, 1, "riscv32"),
            (0xf3, 2, "riscv64"),
        ] {
            assert_eq!(shell(machine, class).unwrap(), name);
        }
        assert!(matches!(shell(0xf3, 3), Err(Error::InvalidClass { class: 3, .. })));
        assert!(matches!(shell(0x15, 2), Err(Error::UnknownMachine { machine: 0x15, .. })));
        fs::write(dir.path().join("sh"), "#!/bin/x, longer than a header").unwrap();
        assert!(matches!(architecture(&root, "/sh"), Err(Error::NotElf { .. })));
        assert!(matches!(architecture(&root, "/none"), Err(Error::NotElf { .. })));
    }

    #[test]
    fn our_own_libraries_are_found() {
        let (dir, root) = root();
        fs::copy("/proc/self/exe", dir.path().join("exe")).unwrap();
        assert!(needed(&root, "/exe").unwrap().iter().any(|name| name.starts_with("libc.so")));
    }

    #[test]
    fn a_damaged_file_is_just_no_program() {
        let (dir, root) = root();
        let whole = fs::read("/proc/self/exe").unwrap();
        let mut damaged = whole[..4096].to_vec();
        for at in 6..1024 {
            let kept = std::mem::replace(&mut damaged[at], 0xff);
            fs::write(dir.path().join("exe"), &damaged).unwrap();
            let _ = needed(&root, "/exe").unwrap();
            damaged[at] = kept;
        }
    }
}
