//! Network interfaces and addresses inside a running container. liblxc forks to look.

use std::ffi::{CStr, c_char};
use std::net::IpAddr;

use lxc_sys::lxc_container;

use super::args::pointer;
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
    ///
    /// `scope` chooses among those of IPv6: 0 are the global ones, the number of an interface inside those that are
    /// valid on its link only.
    pub fn addresses(
        &self,
        interface: Option<&str>,
        family: Option<Family>,
        scope: u32,
    ) -> Result<Vec<IpAddr>> {
        threads::refuse("list the addresses of", self.name())?;
        let get = method!(self, get_ips)?;
        let interface = interface.map(|name| text("interface name", name)).transpose()?;
        let family = family.map_or(std::ptr::null(), |family| family.name().as_ptr());
        // SAFETY: our reference, NULL or C strings that outlive the call; the array is as above.
        let ips = unsafe {
            let array = get(self.raw(), pointer(&interface), family, scope.cast_signed());
            cbox::strings(array, cbox::length(array))
        };
        Ok(ips.iter().filter_map(|ip| std::str::from_utf8(ip).ok()?.parse().ok()).collect())
    }

    /// Moves an interface of the host into the running container, under another name if one is given.
    pub fn attach_interface(&mut self, interface: &str, inside: Option<&str>) -> Result<()> {
        let call = method!(self, attach_interface)?;
        self.move_interface("move an interface into", call, interface, inside)
    }

    /// Moves an interface of the running container to the host, under another name if one is given.
    pub fn detach_interface(&mut self, interface: &str, outside: Option<&str>) -> Result<()> {
        let call = method!(self, detach_interface)?;
        self.move_interface("move an interface out of", call, interface, outside)
    }

    fn move_interface(
        &mut self,
        operation: &'static str,
        call: MoveFn,
        interface: &str,
        name: Option<&str>,
    ) -> Result<()> {
        threads::refuse(operation, self.name())?;
        let interface = text("interface name", interface)?;
        let name = name.map(|name| text("interface name", name)).transpose()?;
        // SAFETY: our reference, NULL or C strings that outlive the call.
        self.done(operation, || unsafe { call(self.raw(), interface.as_ptr(), pointer(&name)) })
    }
}

type MoveFn = unsafe extern "C" fn(*mut lxc_container, *const c_char, *const c_char) -> bool;

/// A kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    fn name(self) -> &'static CStr {
        match self {
            Self::Inet => c"inet",
            Self::Inet6 => c"inet6",
        }
    }
}
