//! The run-time version and its gates.
// Calls raw bindings.
#![allow(unsafe_code)]

use lxc_sys::version::{self, Version};

#[test]
fn versions_are_read_with_their_suffixes() {
    assert_eq!(Version::parse("7.0.0"), Some(Version::new(7, 0, 0)));
    assert_eq!(Version::parse("6.0"), Some(Version::new(6, 0, 0)));
    assert_eq!(Version::parse("6.0.1-devel"), Some(Version::new(6, 0, 1)));
    assert_eq!(Version::parse("5.0.0~rc2"), Some(Version::new(5, 0, 0)));
    for bad in ["", "devel", "-1.2", ".", "99999999999.0.0"] {
        assert_eq!(Version::parse(bad), None, "{bad:?}");
    }
    assert!(Version::new(4, 0, 12) > version::OLDEST);
    assert!(Version::new(4, 0, 4) < version::OLDEST);
}

#[test]
fn the_loaded_library_names_a_supported_version() {
    let loaded = version::loaded().expect("liblxc has a version");
    assert!(version::text().starts_with(&format!("{}.{}", loaded.major, loaded.minor)));
    assert_eq!(version::supported(), Some(loaded));
}

#[test]
fn set_timeout_is_offered_by_version_and_never_read_beyond_an_older_struct() {
    // SAFETY: the strings are constants; the container is put below.
    let c = unsafe { lxc_sys::lxc_container_new(c"9000".as_ptr(), c"/nonexistent-lxcpath".as_ptr()) };
    assert!(!c.is_null());
    // SAFETY: just made by the loaded library.
    let found = unsafe { version::set_timeout(c) }.is_some();
    assert_eq!(found, version::loaded() >= Some(version::SET_TIMEOUT) && cfg!(lxc_set_timeout));
    // SAFETY: our only reference; 1 means that it was the last.
    assert_eq!(unsafe { lxc_sys::lxc_container_put(c) }, 1);
}
