//! Whole archives against whole trees: with GNU tar as the yardstick, and with archives made to harm.

mod damaged;
mod golden;
mod hostile;
mod odd;
mod userns;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::{
        fd::AsFd,
        unix::{
            ffi::OsStrExt,
            fs::{FileTypeExt, MetadataExt},
        },
    },
    path::Path,
    process::Command,
};

use super::{Compression, Error, Options, Summary, error::Step, unpack};
use crate::sys::testing::needs_root;

/// Runs a program that must succeed.
fn run(program: &str, args: &[&str], dir: &Path) {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Unpacks bytes into a directory.
fn unpack_bytes(
    data: &[u8],
    compression: Compression,
    root: &Path,
    options: &Options,
) -> Result<Summary, Error> {
    let dir = fs::File::open(root).unwrap();
    let mut last = 0;
    let result = unpack(data, compression, dir.as_fd(), options, &mut |n| {
        assert!(n >= last && n <= data.len() as u64);
        last = n;
    });
    if result.as_ref().is_ok_and(|s| s.warnings.is_empty()) {
        assert_eq!(last, data.len() as u64, "progress reaches the end");
    }
    result
}

/// Everything that can be known about every file below a directory.
fn manifest(root: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut links = HashMap::new();
    walk(root, root, &mut links, &mut out);
    out
}

fn walk(root: &Path, dir: &Path, links: &mut HashMap<u64, String>, out: &mut BTreeMap<String, String>) {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().escape_ascii().to_string();
        let stat = fs::symlink_metadata(&path).unwrap();
        let kind = stat.file_type();
        let mut line = format!(
            "{:o} {}:{} mtime {}.{:09} rdev {:x}",
            stat.mode(),
            stat.uid(),
            stat.gid(),
            stat.mtime(),
            stat.mtime_nsec(),
            if kind.is_char_device() || kind.is_block_device() { stat.rdev() } else { 0 },
        );
        if !kind.is_dir() {
            let first = links.entry(stat.ino()).or_insert_with(|| name.clone());
            line += &format!(" size {} nlink {} first {first}", stat.size(), stat.nlink());
        }
        if kind.is_symlink() {
            line += &format!(" -> {}", fs::read_link(&path).unwrap().as_os_str().as_bytes().escape_ascii());
        }
        if kind.is_file() {
            let mut hasher = DefaultHasher::new();
            if stat.size() < 64 << 20 {
                fs::read(&path).unwrap().hash(&mut hasher);
            }
            line += &format!(" hash {:x} data {:?}", hasher.finish(), data_ranges(&path));
        }
        line += &xattrs(&path);
        out.insert(name, line);
        if kind.is_dir() {
            walk(root, &path, links, out);
        }
    }
}

/// Where a file has data and not holes.
fn data_ranges(path: &Path) -> Vec<(u64, u64)> {
    use rustix::fs::{SeekFrom, seek};
    let file = fs::File::open(path).unwrap();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Ok(start) = seek(&file, SeekFrom::Data(at)) {
        at = seek(&file, SeekFrom::Hole(start)).unwrap();
        ranges.push((start, at));
    }
    ranges
}

fn xattrs(path: &Path) -> String {
    let mut buf = vec![0_u8; 65536];
    let n = rustix::fs::llistxattr(path, buf.as_mut_slice()).unwrap_or(0);
    let mut names: Vec<Vec<u8>> =
        buf[..n].split(|&b| b == 0).filter(|n| !n.is_empty()).map(<[u8]>::to_vec).collect();
    names.sort();
    let mut out = String::new();
    for name in names {
        let mut value = vec![0_u8; 65536];
        let n = rustix::fs::lgetxattr(path, name.as_slice(), value.as_mut_slice()).unwrap();
        out += &format!(" {}={}", name.escape_ascii(), value[..n].escape_ascii());
    }
    out
}

fn assert_same(what: &str, ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) {
    for (name, line) in theirs {
        assert_eq!(ours.get(name), Some(line), "{what}: {name}");
    }
    for name in ours.keys() {
        assert!(theirs.contains_key(name), "{what}: {name} is too much");
    }
}

/// A header written by hand. Fields are bytes, so that they can be as wrong as wanted.
#[derive(Clone)]
struct Head {
    name: Vec<u8>,
    kind: u8,
    link: Vec<u8>,
    mode: Vec<u8>,
    uid: Vec<u8>,
    size: Option<u64>,
    magic: &'static [u8; 8],
    device: (u32, u32),
}

impl Head {
    fn new(kind: u8, name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref().to_vec();
        let mode = if kind == b'5' { b"0000755".to_vec() } else { b"0000644".to_vec() };
        let (link, uid) = (Vec::new(), b"0000000".to_vec());
        Self { name, kind, link, mode, uid, size: None, magic: b"ustar\x0000", device: (0, 0) }
    }

    fn link(mut self, target: impl AsRef<[u8]>) -> Self {
        self.link = target.as_ref().to_vec();
        self
    }

    fn mode(mut self, mode: &str) -> Self {
        self.mode = mode.into();
        self
    }

    fn size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    fn block(&self, size: u64) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, &self.mode);
        put(108, &self.uid);
        put(116, b"0000000");
        let size = self.size.unwrap_or(size);
        if size < 1 << 33 {
            put(124, format!("{size:011o}").as_bytes());
        } else {
            put(124, &[0x80]);
            put(128, &size.to_be_bytes());
        }
        put(136, b"00000001750");
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, &self.link);
        put(257, self.magic);
        put(329, format!("{:07o}", self.device.0).as_bytes());
        put(337, format!("{:07o}", self.device.1).as_bytes());
        sign(&mut block);
        block
    }
}

/// Puts the checksum right.
fn sign(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// An archive written by hand.
#[derive(Clone, Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn add(mut self, head: &Head, data: &[u8]) -> Self {
        self.0.extend(head.block(data.len() as u64));
        self.raw(data)
    }

    /// Data padded to blocks.
    fn raw(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, data: &[u8]) -> Self {
        self.add(&Head::new(b'0', name), data)
    }

    fn dir(self, name: &str, mode: &str) -> Self {
        self.add(&Head::new(b'5', name).mode(mode), b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.add(&Head::new(b'2', name).link(target), b"")
    }

    fn hard_link(self, name: &str, target: &str) -> Self {
        self.add(&Head::new(b'1', name).link(target), b"")
    }

    fn long_name(self, name: &str) -> Self {
        let mut head = Head::new(b'L', "././@LongLink");
        head.magic = b"ustar  \0";
        self.add(&head, &[name.as_bytes(), b"\0"].concat())
    }

    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.add(&Head::new(b'x', "PaxHeaders/x"), &body)
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut len = body + 1;
    while len != body + len.to_string().len() {
        len = body + len.to_string().len();
    }
    [len.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
}

/// A root to unpack into, with something beside it that must not change.
struct Arena {
    dir: tempfile::TempDir,
    before: BTreeMap<String, String>,
}

impl Arena {
    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// In memory, for thousands of rounds.
    fn fast() -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn at(dir: tempfile::TempDir) -> Self {
        let canary = dir.path().join("canary");
        fs::create_dir_all(canary.join("sub")).unwrap();
        fs::write(canary.join("secret"), "secret").unwrap();
        let before = manifest(&canary);
        fs::create_dir(dir.path().join("root")).unwrap();
        Self { dir, before }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    fn canary(&self) -> String {
        self.dir.path().join("canary").to_str().unwrap().to_owned()
    }

    /// Unpacks, and sees whether anything happened outside.
    fn unpack(&self, data: &[u8], options: &Options) -> Result<Summary, Error> {
        let result = unpack_bytes(data, Compression::None, &self.root(), options);
        self.check();
        result
    }

    fn check(&self) {
        assert_same("outside of the root", &manifest(Path::new(&self.canary())), &self.before);
        let mut beside: Vec<_> =
            fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        beside.sort();
        assert_eq!(beside, ["canary", "root"]);
    }

    /// A fresh, empty root.
    fn reset(&self) {
        fs::remove_dir_all(self.root()).unwrap();
        fs::create_dir(self.root()).unwrap();
    }
}
