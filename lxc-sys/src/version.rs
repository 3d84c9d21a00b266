//! Which liblxc is loaded. It need not be the one whose header was compiled against.

use core::ffi::{CStr, c_char, c_int};
use core::fmt;

use crate::{bdev_specs, lxc_container};

/// A release of liblxc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub micro: u32,
}

/// Older releases are refused: 4.0.5 moved a member of `struct lxc_container`
/// (spec: liblxc-api, part 1.2).
pub const OLDEST: Version = Version::new(4, 0, 5);

/// The first release with `set_timeout`.
pub const SET_TIMEOUT: Version = Version::new(6, 0, 0);

/// The release whose header was bound.
pub const HEADER: Version =
    Version::new(crate::LXC_VERSION_MAJOR, crate::LXC_VERSION_MINOR, crate::LXC_VERSION_MICRO);

impl Version {
    /// Version `major.minor.micro`.
    #[must_use]
    pub const fn new(major: u32, minor: u32, micro: u32) -> Self {
        Self { major, minor, micro }
    }

    /// Reads `7.0.0`, `7.0`, `6.0.0-devel` or `5.0.0~rc1`; what follows the numbers is dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
        let mut parts = text[..end].trim_end_matches('.').split('.').map(str::parse);
        let major = parts.next()?.ok()?;
        let minor = parts.next().unwrap_or(Ok(0)).ok()?;
        let micro = parts.next().unwrap_or(Ok(0)).ok()?;
        Some(Self { major, minor, micro })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// The version of the loaded liblxc as it calls itself.
#[must_use]
pub fn text() -> &'static str {
    // SAFETY: returns a string constant of the library, which is never unloaded.
    unsafe {
        let text = crate::lxc_get_version();
        if text.is_null() { "" } else { CStr::from_ptr(text).to_str().unwrap_or("") }
    }
}

/// The version of the loaded liblxc; `None` when it does not name one. Parsed once.
#[must_use]
pub fn loaded() -> Option<Version> {
    extern crate std;
    static LOADED: std::sync::OnceLock<Option<Version>> = std::sync::OnceLock::new();
    *LOADED.get_or_init(|| Version::parse(text()))
}

/// The loaded version if this crate's `lxc_container` describes it: [`OLDEST`] or newer.
#[must_use]
pub fn supported() -> Option<Version> {
    loaded().filter(|version| *version >= OLDEST)
}

/// The member `set_timeout`: `None` when the loaded liblxc, or the header that was bound, is too old.
///
/// # Safety
/// `c` must come from the loaded liblxc and not have been put.
#[must_use]
pub unsafe fn set_timeout(
    c: *const lxc_container,
) -> Option<unsafe extern "C" fn(c: *mut lxc_container, timeout: c_int) -> bool> {
    if loaded().is_none_or(|version| version < SET_TIMEOUT) {
        return None;
    }
    #[cfg(lxc_set_timeout)]
    // SAFETY: the caller vouches for `c`, and the version says that the struct has the member.
    unsafe {
        core::ptr::addr_of!((*c).set_timeout).read()
    }
    #[cfg(not(lxc_set_timeout))]
    {
        let _ = c;
        None
    }
}

/// Sets the member `rbd.rbduser`; nothing where the header that was bound has none.
pub fn set_rbduser(specs: &mut bdev_specs, user: *mut c_char) {
    #[cfg(lxc_rbduser)]
    {
        specs.rbd.rbduser = user;
    }
    #[cfg(not(lxc_rbduser))]
    let _ = (specs, user);
}
