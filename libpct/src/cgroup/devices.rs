//! Which devices a running container may use, where the controller is version 1 (kernel:
//! Documentation/admin-guide/cgroup-v1/devices.rst).

use std::fs;
use std::io;
use std::path::Path;

use super::group::write_existing;
use super::limits::tree;
use super::{Error, Groups, Result};

const LIST: &str = "devices.list";

impl Groups<'_> {
    /// Writes a rule, such as `c 10:229 rw`, to `devices.allow`, or to `devices.deny`, of the container's groups.
    ///
    /// What is denied to a group the kernel denies to those below. What is allowed must be written to each, and is, but
    /// to those in which the guest allows its processes less than it may itself.
    pub(crate) fn write_device_rule(&self, file: &str, rule: &str) -> Result<()> {
        let Some(top) = self.limits("devices") else { return Ok(()) };
        let rights = list(&top)?;
        for folder in tree(&top)? {
            if folder != top && (file == "devices.deny" || list(&folder)? != rights) {
                continue;
            }
            let path = folder.join(file);
            match write_existing(&path, rule) {
                // A group of the guest's may go at any time.
                Err(e) if e.kind() == io::ErrorKind::NotFound && folder != top => {}
                written => written.map_err(|e| Error::io("write", &path, e))?,
            }
        }
        Ok(())
    }
}

/// The rights of a group; `None` when it is gone.
fn list(folder: &Path) -> Result<Option<String>> {
    let path = folder.join(LIST);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(None),
        Err(e) => Err(Error::io("read", &path, e)),
    }
}
