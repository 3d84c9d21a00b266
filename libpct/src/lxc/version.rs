//! The loaded liblxc and what it can do.

use std::ffi::{CStr, CString};

pub use lxc_sys::version::Version;

use super::{Error, Result};

/// The loaded version; an error when it is too old, or names none.
pub fn loaded() -> Result<Version> {
    lxc_sys::version::supported().ok_or_else(|| Error::Version {
        found: lxc_sys::version::text().to_owned(),
        needed: lxc_sys::version::OLDEST.to_string(),
    })
}

/// Whether liblxc names this API extension (spec: liblxc-api, part 1.6).
#[must_use]
pub fn has_extension(name: &str) -> bool {
    // SAFETY: a C string that outlives the call.
    CString::new(name).is_ok_and(|name| unsafe { lxc_sys::lxc_has_api_extension(name.as_ptr()) })
}

/// Whether liblxc knows the config key.
///
/// liblxc's table has the *base* keys only: ask for `lxc.net`, `lxc.cgroup2`, `lxc.prlimit`,
/// not for `lxc.net.0.type` and so on.
#[must_use]
pub fn has_config_key(key: &str) -> bool {
    // SAFETY: a C string that outlives the call.
    CString::new(key).is_ok_and(|key| unsafe { lxc_sys::lxc_config_item_is_supported(key.as_ptr()) })
}

/// The names of the states that [`super::Container::wait`] can be asked for, as the loaded liblxc has them.
#[must_use]
pub fn wait_states() -> Vec<String> {
    // SAFETY: NULL asks for the number only.
    let count = unsafe { lxc_sys::lxc_get_wait_states(std::ptr::null_mut()) };
    let mut names = vec![std::ptr::null(); usize::try_from(count).unwrap_or(0)];
    // SAFETY: room for as many as there are; they are constants of the library.
    unsafe {
        lxc_sys::lxc_get_wait_states(names.as_mut_ptr());
        names.into_iter().map(|name| CStr::from_ptr(name).to_string_lossy().into_owned()).collect()
    }
}

/// A value of the system-wide liblxc config, e.g. `lxc.lxcpath`.
#[must_use]
pub fn global_config(key: &str) -> Option<String> {
    let key = CString::new(key).ok()?;
    // SAFETY: a C string that outlives the call; the answer belongs to a cache of this thread and is
    // copied at once.
    unsafe {
        let value = lxc_sys::lxc_get_global_config_item(key.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_are_those_of_the_loaded_library() {
        assert_eq!(wait_states(), super::super::State::ALL.map(super::super::State::as_str));
    }

    #[test]
    fn the_loaded_library_is_usable_and_says_what_it_can() {
        assert!(loaded().unwrap() >= lxc_sys::version::OLDEST);
        assert!(has_extension("pidfd"));
        assert!(!has_extension("no-such-thing") && !has_extension("a\0b"));
        assert!(has_config_key("lxc.net") && has_config_key("lxc.rootfs.path"));
        assert!(!has_config_key("lxc.no.such") && !has_config_key(""));
        assert!(global_config("lxc.lxcpath").is_some_and(|path| path.starts_with('/')));
        assert_eq!(global_config("lxc.no.such"), None);
    }
}
