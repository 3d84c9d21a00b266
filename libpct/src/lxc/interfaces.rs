//! Network interfaces and addresses inside a running container. liblxc forks to look.

use std::ffi::c_int;
use std::net::IpAddr;

use super::config::text;
use super::container::method;
use super::{Container, Result, cbox, threads};

impl Container {
    /// The names of the interfaces; none also when the container does not run.
    pub fn interfaces(&self) -> Result<Vec<String>> {
        threads::refuse("list the interfaces of", self.name())?;
        let get = method!(self, get_interfaces)?;
        // SAFETY: our reference; the array is malloc'ed for us and ends in NULL.
        let names = unsafe {
            let array = get(self.raw());
            cbox::strings(array, cbox::length(array))
        };
        Ok(names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect())
    }

    /// The addresses, of one interface or of all but the loopback; none also when the container does not run.
    pub fn addresses(&self, interface: Option<&str>) -> Result<Vec<IpAddr>> {
        threads::refuse("list the addresses of", self.name())?;
        let get = method!(self, get_ips)?;
        let interface = interface.map(|name| text("interface name", name)).transpose()?;
        let pointer = interface.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
        let scope: c_int = 0;
        // SAFETY: our reference, NULL or C strings that outlive the call; the array is as above.
        let ips = unsafe {
            let array = get(self.raw(), pointer, std::ptr::null(), scope);
            cbox::strings(array, cbox::length(array))
        };
        Ok(ips.iter().filter_map(|ip| std::str::from_utf8(ip).ok()?.parse().ok()).collect())
    }
}
