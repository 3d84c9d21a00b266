//! Mounts in a running container. They need a folder that both sides share: `lxc.mount.auto = shmounts:`.

use std::ffi::{CString, c_ulong};
use std::path::Path;

use lxc_sys::lxc_mount;

use super::args::{Oversized, pointer};
use super::config::text;
use super::container::{check_path, clear_errno, method};
use super::{Container, Error, Result, threads};

/// What is mounted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mount<'a> {
    /// A file, folder or block device of the host, or a word for file systems that have none.
    pub source: Option<&'a Path>,
    /// The type of the file system; none is needed for `MS_BIND`.
    pub fs_type: Option<&'a str>,
    /// `MS_*`.
    pub flags: c_ulong,
    /// Options of the file system.
    pub data: Option<&'a str>,
}

impl Container {
    /// Mounts inside the running container, at an absolute path there. What is at that path, a file or an empty folder, is
    /// *removed* first: liblxc makes a new one.
    ///
    /// This process must be in the mount namespace that the container was started from.
    pub fn mount(&mut self, mount: &Mount<'_>, target: &Path) -> Result<()> {
        const WHAT: &str = "mount in";
        threads::refuse(WHAT, self.name())?;
        let call = method!(self, mount)?;
        let source = mount.source.map(check_path).transpose()?;
        let target = check_path(target)?;
        let fs_type = mount.fs_type.map(|kind| text("file system", kind)).transpose()?;
        let data: Option<CString> = mount.data.map(|data| text("mount options", data)).transpose()?;
        let mut version = version();
        clear_errno();
        // SAFETY: our reference; NULL or C strings and the struct outlive the call.
        let code = unsafe {
            call(
                self.raw(),
                pointer(&source),
                target.as_ptr(),
                pointer(&fs_type),
                mount.flags,
                pointer(&data).cast(),
                version.as_mut_ptr(),
            )
        };
        if code == 0 { Ok(()) } else { Err(Error::call(WHAT, self.name(), code.into())) }
    }

    /// Unmounts what is at an absolute path inside; `flags` are those of umount2(2).
    pub fn unmount(&mut self, target: &Path, flags: c_ulong) -> Result<()> {
        const WHAT: &str = "unmount in";
        threads::refuse(WHAT, self.name())?;
        let umount = method!(self, umount)?;
        let target = check_path(target)?;
        let mut version = version();
        clear_errno();
        // SAFETY: our reference; a C string and the struct outlive the call.
        let code = unsafe { umount(self.raw(), target.as_ptr(), flags, version.as_mut_ptr()) };
        // A failure is 1 here.
        if code == 0 { Ok(()) } else { Err(Error::call(WHAT, self.name(), code.into())) }
    }
}

fn version() -> Oversized<lxc_mount> {
    Oversized::new(lxc_mount { version: lxc_sys::LXC_MOUNT_API_V1.cast_signed() })
}
