//! Which containers there are under an lxcpath.

use std::ffi::{c_char, c_int};
use std::path::Path;

use lxc_sys::lxc_container;

use super::container::check_path;
use super::{Container, Error, Result, cbox};

type ListFn =
    unsafe extern "C" fn(*const c_char, *mut *mut *mut c_char, *mut *mut *mut lxc_container) -> c_int;

/// The names of the containers that have a config file.
pub fn defined_names(lxcpath: &Path) -> Result<Vec<String>> {
    names("list the defined containers, not", lxc_sys::list_defined_containers, lxcpath)
}

/// The names of the containers that run. [`super::command::running_names`] needs no liblxc.
pub fn active_names(lxcpath: &Path) -> Result<Vec<String>> {
    names("list the active containers, not", lxc_sys::list_active_containers, lxcpath)
}

/// The names of the containers that are defined or run, each once.
pub fn all_names(lxcpath: &Path) -> Result<Vec<String>> {
    names("list all containers, not", lxc_sys::list_all_containers, lxcpath)
}

/// A handle for each container that has a config file that parses.
pub fn defined(lxcpath: &Path) -> Result<Vec<Container>> {
    handles("list the defined containers, not", lxc_sys::list_defined_containers, lxcpath)
}

/// A handle for each container that runs.
pub fn active(lxcpath: &Path) -> Result<Vec<Container>> {
    handles("list the active containers, not", lxc_sys::list_active_containers, lxcpath)
}

/// A handle for each container that is defined or runs.
pub fn all(lxcpath: &Path) -> Result<Vec<Container>> {
    handles("list all containers, not", lxc_sys::list_all_containers, lxcpath)
}

fn handles(operation: &'static str, list: ListFn, lxcpath: &Path) -> Result<Vec<Container>> {
    let path = check_path(lxcpath)?;
    let mut array = std::ptr::null_mut();
    // SAFETY: a C string and a pointer that outlive the call; NULL asks for no names.
    let count = unsafe { list(path.as_ptr(), std::ptr::null_mut(), &raw mut array) };
    // SAFETY: malloc'ed for us, or still NULL.
    let array = unsafe { cbox::CBox::take(array) };
    let count = usize::try_from(count).map_err(|_| Error::call(operation, "(all)", count.into()))?;
    let Some(array) = array else { return Ok(Vec::new()) };
    // SAFETY: `count` members, each a reference that is ours.
    Ok((0..count).filter_map(|index| unsafe { Container::adopt(array.as_ptr().add(index).read()) }).collect())
}

fn names(operation: &'static str, list: ListFn, lxcpath: &Path) -> Result<Vec<String>> {
    let path = check_path(lxcpath)?;
    let mut array = std::ptr::null_mut();
    // SAFETY: a C string and a pointer that outlive the call; NULL asks for no handles.
    let count = unsafe { list(path.as_ptr(), &raw mut array, std::ptr::null_mut()) };
    let Ok(members) = usize::try_from(count) else {
        return Err(Error::call(operation, "(all)", count.into()));
    };
    // SAFETY: malloc'ed for us with `count` members (not NULL-terminated), or still NULL.
    let names = unsafe { cbox::strings(array, members) };
    Ok(names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect())
}
