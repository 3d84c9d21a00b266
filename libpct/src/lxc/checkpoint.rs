//! The state of all processes, written to disk and made processes again by CRIU (criu(8)).
//!
//! liblxc searches the program `criu` in the `PATH` of this process, and passes its environment on. CRIU's own logs are
//! `dump.log` and `restore.log` in the directory of its images.

use std::path::Path;

use super::container::{check_path, method};
use super::{Container, Error, Result, threads};

impl Container {
    /// Writes the state of the running container to a directory, and ends all of its processes. On failure they go on.
    ///
    /// The directory may have no images yet; it is made where it is missing. CRIU looks for the container's mounts in
    /// the mount namespace of this process, which should be that of the monitor. `config` is a file of options for CRIU
    /// beyond those that liblxc gives.
    ///
    /// # Errors
    /// There is no CRIU that liblxc can use, or it cannot do it: the logs say why.
    pub fn checkpoint(&mut self, directory: &Path, config: &Path) -> Result<()> {
        threads::refuse("checkpoint", self.name())?;
        self.configure_criu("checkpoint", config)?;
        let checkpoint = method!(self, checkpoint)?;
        let directory = check_path(directory)?;
        // SAFETY: our reference, and a C string that outlives the call; liblxc does not write to it.
        self.done("checkpoint", || unsafe {
            checkpoint(self.raw(), directory.as_ptr().cast_mut(), true, false)
        })
    }

    /// Makes a running container of what [`Self::checkpoint`] has written. The root file system must be mounted as for a
    /// start.
    ///
    /// liblxc forks: when this returns, a child of this process is the monitor, and ends when the container has ended
    /// and the post-stop hook has run. The caller waits for it. That the guest reboots is an end, too.
    ///
    /// # Errors
    /// As [`Self::checkpoint`]; nothing runs then.
    pub fn restore(&mut self, directory: &Path, config: &Path) -> Result<()> {
        threads::refuse("restore", self.name())?;
        self.configure_criu("restore", config)?;
        let restore = method!(self, restore)?;
        let directory = check_path(directory)?;
        threads::keep_descriptors("restore", self.name())?;
        // SAFETY: as above.
        self.done("restore", || unsafe { restore(self.raw(), directory.as_ptr().cast_mut(), false) })
    }

    /// liblxc has no parameter for it, CRIU has a variable (criu(8), configuration files).
    fn configure_criu(&self, operation: &'static str, config: &Path) -> Result<()> {
        let config = check_path(config)?;
        // SAFETY: two C strings, which are copied; there is no other thread that could read the environment meanwhile.
        let set = unsafe { libc::setenv(c"CRIU_CONFIG_FILE".as_ptr(), config.as_ptr(), 1) };
        if set == 0 { Ok(()) } else { Err(Error::call(operation, self.name(), set.into())) }
    }
}
