use std::{
    collections::VecDeque,
    fs::File,
    io::Read,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use rustix::{
    fs::{self, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{Error, Result, Rootfs, is_absent};

/// Names in one folder that are looked at; more than any sane folder of ours holds.
const LIST_LIMIT: usize = 65_536;
/// Symbolic links followed at the end of a path (spec: guest set-up, part 3), and in all (path_resolution(7)).
const LINK_LIMIT: usize = 10;
const LINK_LIMIT_TOTAL: usize = 40;

/// File systems whose files are windows into the kernel (statfs(2)). A link to one of them must not make us
/// copy what only the host's root may read into a file of the guest.
const KERNEL_FILE_SYSTEMS: [u64; 11] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0xde5e_81e4, // efivarfs
    0x6165_676c, // pstore
    0x6265_6570, // configfs
];

impl Rootfs {
    /// The bytes of a regular file, links followed; `None` if there is none: the path is missing, dangles,
    /// loops, or is a folder, a pipe, a device.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond [`Rootfs::READ_LIMIT`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open_regular(path)? else {
            return Ok(None);
        };
        read_limited(file, path).map(Some)
    }

    /// A regular file, opened for reading; `None` as for [`Rootfs::read`]. The caller bounds what it reads.
    pub fn open_regular(&self, path: &str) -> Result<Option<File>> {
        match self.look(path)? {
            Some((handle, stat)) if is_regular(&stat) => reopen(&handle, path).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether the path leads to a regular file.
    pub fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.look(path)?.is_some_and(|(_, stat)| is_regular(&stat)))
    }

    /// Whether the path leads to a folder.
    pub fn is_dir(&self, path: &str) -> Result<bool> {
        Ok(self.look(path)?.is_some_and(|(_, stat)| kind(&stat) == FileType::Directory))
    }

    /// Whether the path leads to a regular file that somebody may execute.
    pub fn is_executable(&self, path: &str) -> Result<bool> {
        Ok(self.look(path)?.is_some_and(|(_, stat)| is_regular(&stat) && stat.st_mode & 0o111 != 0))
    }

    /// Whether the path itself is a symbolic link.
    pub fn is_link(&self, path: &str) -> Result<bool> {
        Ok(self.readlink(path)?.is_some())
    }

    /// The target of a symbolic link as written in it; `None` if the path is none.
    pub fn readlink(&self, path: &str) -> Result<Option<String>> {
        let Some((dir, name)) = self.parent(path)? else {
            return Ok(None);
        };
        match fs::readlinkat(&dir, name, Vec::new()) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(errno) if is_absent(errno) || errno == Errno::INVAL => Ok(None),
            Err(errno) => Err(Error::io("read the link", path)(errno)),
        }
    }

    /// The path that is left when all symbolic links on the way are followed; its last name need not exist.
    /// Use it to see *where* something is; to open it, give the first path to the other methods.
    ///
    /// # Errors
    /// [`Error::LinkDepth`] after ten links at the end of the path, or forty in all.
    pub fn resolve(&self, path: &str) -> Result<String> {
        let mut ahead: VecDeque<String> = names(path).collect();
        let mut done = Vec::<String>::new();
        let (mut links, mut last_links) = (0, 0);
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                done.pop();
                continue;
            }
            done.push(name);
            let Some(target) = self.readlink(&joined(&done))? else {
                continue;
            };
            links += 1;
            last_links += usize::from(ahead.is_empty());
            if links > LINK_LIMIT_TOTAL || last_links > LINK_LIMIT {
                return Err(Error::LinkDepth { path: path.to_owned() });
            }
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(name);
            }
        }
        Ok(joined(&done))
    }

    /// The names in a folder, sorted; empty if there is no such folder. Names that are not UTF-8 are left out.
    pub fn list(&self, path: &str) -> Result<Vec<String>> {
        let fd = match self.resolve_open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK) {
            Ok(fd) => fd,
            Err(errno) if is_absent(errno) => return Ok(Vec::new()),
            Err(errno) => return Err(Error::io("open", path)(errno)),
        };
        let mut found = Vec::new();
        for entry in Dir::new(fd).map_err(Error::io("list", path))?.take(LIST_LIMIT) {
            let entry = entry.map_err(Error::io("list", path))?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                found.push(name.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Whether the guest's administrator has opted a file out: next to `NAME` stands `.pve-ignore.NAME`
    /// (spec: guest set-up, part 3).
    pub fn is_ignored(&self, path: &str) -> Result<bool> {
        let (dir, name) = super::split(path)?;
        self.exists(&format!("{}/.pve-ignore.{name}", dir.trim_end_matches('/')))
    }

    /// What a path leads to, without opening it for anything: opening a device or pipe may already do harm.
    pub(super) fn look(&self, path: &str) -> Result<Option<(OwnedFd, Stat)>> {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(Error::BadPath { path: path.to_owned() });
        }
        let handle = match self.resolve_open(path, OFlags::PATH) {
            Ok(handle) => handle,
            Err(errno) if is_absent(errno) => return Ok(None),
            Err(errno) => return Err(Error::io("open", path)(errno)),
        };
        let stat = fs::fstat(&handle).map_err(Error::io("look at", path))?;
        let is_kernels = is_of_the_kernel(&handle).map_err(Error::io("look at", path))?;
        Ok((!is_kernels).then_some((handle, stat)))
    }
}

/// Whether a file is a window into the kernel.
pub(crate) fn is_of_the_kernel(handle: &OwnedFd) -> rustix::io::Result<bool> {
    let system = fs::fstatfs(handle)?;
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // the width differs by architecture
    let magic = system.f_type as u64 & 0xffff_ffff;
    Ok(KERNEL_FILE_SYSTEMS.contains(&magic))
}

/// Opens what an `O_PATH` handle of a regular file stands for. It is the same inode, whatever happens to the
/// name meanwhile; `O_NONBLOCK` so that a lease held inside cannot make us wait.
pub(super) fn reopen(handle: &impl AsFd, path: &str) -> Result<File> {
    reopen_with(handle, OFlags::RDONLY).map_err(Error::io("read", path))
}

/// The same for another way of access: the handle of what was seen to be harmless.
pub(crate) fn reopen_with(handle: &impl AsFd, access: OFlags) -> rustix::io::Result<File> {
    let own = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    fs::open(own, flags, Mode::empty()).map(File::from)
}

pub(super) fn read_limited(file: File, path: &str) -> Result<Vec<u8>> {
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let size = file.metadata().map_err(failed)?.len();
    if size > Rootfs::READ_LIMIT {
        return Err(Error::TooLong { path: path.to_owned() });
    }
    let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(Rootfs::READ_LIMIT + 1).read_to_end(&mut data).map_err(failed)?;
    if data.len() as u64 > Rootfs::READ_LIMIT {
        return Err(Error::TooLong { path: path.to_owned() });
    }
    Ok(data)
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

pub(super) fn is_regular(stat: &Stat) -> bool {
    kind(stat) == FileType::RegularFile
}

fn names(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).map(str::to_owned)
}

fn joined(names: &[String]) -> String {
    if names.is_empty() { "/".to_owned() } else { names.iter().map(|name| format!("/{name}")).collect() }
}
