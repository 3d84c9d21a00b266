//! Cgroup items of a running container.

use super::config::{read_all, text};
use super::container::{clear_errno, method};
use super::{Container, Error, Result};

impl Container {
    /// Reads a file of the container's cgroup, e.g. `memory.max`.
    pub fn cgroup_item(&self, item: &str) -> Result<String> {
        let get = method!(self, get_cgroup_item)?;
        let c_item = text("cgroup item", item)?;
        clear_errno();
        // SAFETY: our reference, a C string, and a buffer of the length that is told.
        read_all(|buffer, length| unsafe { get(self.raw(), c_item.as_ptr(), buffer, length) })
            .map_err(|code| Error::call("read a cgroup item of", self.name(), code.into()))
    }

    /// Writes a file of the container's cgroup.
    pub fn set_cgroup_item(&mut self, item: &str, value: &str) -> Result<()> {
        let set = method!(self, set_cgroup_item)?;
        let (c_item, c_value) = (text("cgroup item", item)?, text("cgroup value", value)?);
        clear_errno();
        // SAFETY: our reference and C strings that outlive the call.
        let done = unsafe { set(self.raw(), c_item.as_ptr(), c_value.as_ptr()) };
        if done { Ok(()) } else { Err(Error::call("write a cgroup item of", self.name(), 0)) }
    }
}
