//! Making archives by hand, also such as no archiver would make.

use std::io::Write;
use std::path::Path;

use tar::{Builder, EntryType, Header};

/// The forms a template may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// `.tar`
    None,
    /// `.tar.gz`
    Gzip,
    /// `.tar.xz`
    Xz,
    /// `.tar.zst`
    Zstd,
    /// `.tar.bz2`
    Bzip2,
}

impl Compression {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Xz, Self::Zstd, Self::Bzip2];

    /// The file name's end, with the leading `.tar`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => ".tar",
            Self::Gzip => ".tar.gz",
            Self::Xz => ".tar.xz",
            Self::Zstd => ".tar.zst",
            Self::Bzip2 => ".tar.bz2",
        }
    }

    /// Compresses, fast rather than small.
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        match self {
            Self::None => packed.extend_from_slice(bytes),
            Self::Gzip => {
                let mut to = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
                to.write_all(bytes).and_then(|()| to.try_finish()).expect("gzip");
            }
            Self::Xz => {
                let mut to = liblzma::write::XzEncoder::new(&mut packed, 0);
                to.write_all(bytes).and_then(|()| to.try_finish()).expect("xz");
            }
            Self::Zstd => packed = zstd::encode_all(bytes, 1).expect("zstd"),
            Self::Bzip2 => {
                let mut to = bzip2::write::BzEncoder::new(&mut packed, bzip2::Compression::fast());
                to.write_all(bytes).and_then(|()| to.try_finish()).expect("bzip2");
            }
        }
        packed
    }
}

/// One member of an archive. Names are written as they are, without a check.
#[derive(Debug, Clone)]
pub struct Member {
    path: String,
    kind: EntryType,
    link: String,
    data: Vec<u8>,
    mode: u32,
    owner: (u64, u64),
    device: (u32, u32),
    pax: Vec<(String, Vec<u8>)>,
}

impl Member {
    fn new(path: &str, kind: EntryType, mode: u32) -> Self {
        let (link, data, pax) = (String::new(), Vec::new(), Vec::new());
        Self { path: path.to_owned(), kind, link, data, mode, owner: (0, 0), device: (0, 0), pax }
    }

    /// A folder, 0755.
    pub fn dir(path: &str) -> Self {
        Self::new(path, EntryType::Directory, 0o755)
    }

    /// A file, 0644.
    pub fn file(path: &str, data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), ..Self::new(path, EntryType::Regular, 0o644) }
    }

    /// A symbolic link.
    pub fn symlink(path: &str, to: &str) -> Self {
        Self { link: to.to_owned(), ..Self::new(path, EntryType::Symlink, 0o777) }
    }

    /// A hard link to an earlier member.
    pub fn hardlink(path: &str, to: &str) -> Self {
        Self { link: to.to_owned(), ..Self::new(path, EntryType::Link, 0o644) }
    }

    /// A FIFO, 0644.
    pub fn fifo(path: &str) -> Self {
        Self::new(path, EntryType::Fifo, 0o644)
    }

    /// A character device, 0666.
    pub fn char_device(path: &str, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..Self::new(path, EntryType::Char, 0o666) }
    }

    /// Another mode.
    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// Another owner than root.
    pub fn owner(self, uid: u64, gid: u64) -> Self {
        Self { owner: (uid, gid), ..self }
    }

    /// A PAX record as it stands, for example `SCHILY.acl.access`.
    pub fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// An extended attribute.
    pub fn xattr(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax(&format!("SCHILY.xattr.{name}"), value)
    }
}

/// An uncompressed archive under construction.
pub struct Archive {
    builder: Builder<Vec<u8>>,
}

impl Default for Archive {
    fn default() -> Self {
        Self { builder: Builder::new(Vec::new()) }
    }
}

impl Archive {
    /// Appends a member.
    pub fn add(&mut self, member: Member) -> &mut Self {
        let mut pax = member.pax;
        if member.path.len() > 100 {
            pax.push(("path".to_owned(), member.path.clone().into_bytes()));
        }
        if member.link.len() > 100 {
            pax.push(("linkpath".to_owned(), member.link.clone().into_bytes()));
        }
        if !pax.is_empty() {
            let records = pax.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(records).expect("write a PAX header");
        }
        let mut header = Header::new_ustar();
        // The setters refuse names that leave the root: just what we need.
        let fill = |field: &mut [u8; 100], text: &str| {
            let bytes = &text.as_bytes()[..text.len().min(100)];
            field[..bytes.len()].copy_from_slice(bytes);
        };
        fill(&mut header.as_old_mut().name, &member.path);
        fill(&mut header.as_old_mut().linkname, &member.link);
        header.set_entry_type(member.kind);
        header.set_size(member.data.len() as u64);
        header.set_mode(member.mode);
        header.set_uid(member.owner.0);
        header.set_gid(member.owner.1);
        header.set_mtime(1_700_000_000);
        header.set_device_major(member.device.0).expect("ustar has device numbers");
        header.set_device_minor(member.device.1).expect("ustar has device numbers");
        header.set_cksum();
        self.builder.append(&header, member.data.as_slice()).expect("write a member");
        self
    }

    /// The finished archive.
    pub fn into_bytes(self) -> Vec<u8> {
        self.builder.into_inner().expect("end the archive")
    }

    /// Writes the finished archive; the name's end tells how to compress.
    pub fn write(self, path: &Path) {
        let name = path.to_string_lossy();
        let compression = Compression::ALL.into_iter().rev().find(|c| name.ends_with(c.suffix()));
        let packed = compression.expect("the name of a template").pack(&self.into_bytes());
        std::fs::write(path, packed).expect("write an archive");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gnu_tar_reads_what_we_make_in_every_form() {
        for compression in Compression::ALL {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join(format!("a{}", compression.suffix()));
            let mut archive = Archive::default();
            let long = format!("./{}", "long/".repeat(40));
            archive.add(Member::dir("./a")).add(Member::file("./a/b", "hello")).add(Member::dir(&long));
            archive.add(Member::symlink("../up", "/etc"));
            archive.write(&path);
            let list = crate::Run::new("/bin/tar").args(["tPf"]).args([&path]).ok().out();
            assert_eq!(
                list,
                format!("./a/\n./a/b\n{long}\n../up\n").replace("./a/\n", "./a\n"),
                "{compression:?}"
            );
        }
    }
}
