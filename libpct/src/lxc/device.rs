//! Device nodes of a running container.

use std::path::Path;

use super::container::{check_path, method};
use super::{Container, Result, threads};

impl Container {
    /// Makes a node inside, like the one that the host has at this path, at the same path, and lets the container use the
    /// device. Not for containers of a user namespace. What is at that path inside is replaced.
    pub fn add_device_node(&mut self, path: &Path) -> Result<()> {
        threads::refuse("add a device to", self.name())?;
        let add = method!(self, add_device_node)?;
        let path = check_path(path)?;
        // Given a second path, liblxc looks only at that one, on the host too.
        // SAFETY: our reference, and a C string that outlives the call.
        self.done("add a device to", || unsafe { add(self.raw(), path.as_ptr(), std::ptr::null()) })
    }

    /// Removes such a node, and the right to use the device.
    pub fn remove_device_node(&mut self, path: &Path) -> Result<()> {
        threads::refuse("remove a device from", self.name())?;
        let remove = method!(self, remove_device_node)?;
        let path = check_path(path)?;
        // SAFETY: as above.
        self.done("remove a device from", || unsafe { remove(self.raw(), path.as_ptr(), std::ptr::null()) })
    }
}
