//! `pull`: a file of a running container to the host (spec: cli, part 5.22).
//!
//! No namespace is entered and no process is started: the container's root directory is opened through its init, and
//! the path is resolved below it with `openat2`, as the container would resolve it.

use std::{fs::File, os::fd::BorrowedFd};

use super::{
    Env,
    copy::{CopyOptions, HostFile, copy, create_on_host, failed, inside, size_of},
    inside::Init,
};
use crate::{config::Vmid, error::Error, progress::Progress, sys::accounts};

pub(crate) fn pull(
    env: &Env,
    vmid: Vmid,
    path: &str,
    to: HostFile<'_>,
    options: &CopyOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let _lock = env.store().lock(vmid, progress)?;
    env.store().require(vmid)?;
    let stopped = || Error::NotRunningToCopy("can only pull files from a running VM");
    let init = Init::of(env, vmid)?.ok_or_else(stopped)?;
    let attributes =
        options.attributes(&|name| Ok(accounts::user_id(name)?), &|name| Ok(accounts::group_id(name)?))?;
    let source =
        init.root()?.open_to_read(&inside(path)).map_err(failed(format!("failed to open {path}")))?;
    let target = match to {
        HostFile::Path(to) => create_on_host(to, attributes.initial_mode())
            .map_err(failed(format!("failed to create file: {}", to.display())))?,
        HostFile::Open(fd) => open_stream(fd, options)?,
    };
    // No further than it was long when it was opened: a guest that writes on and on would keep us for ever.
    let size = size_of(&source).unwrap_or(0);
    copy(&source, &target, size, Some(size), progress).map_err(failed(format!("failed to copy {path}")))?;
    attributes.apply(&target)
}

/// Owner and mode are of files that we make: a stream is somebody else's.
fn open_stream(fd: BorrowedFd<'_>, options: &CopyOptions) -> Result<File, Error> {
    let given = [
        ("user", options.user.is_some()),
        ("group", options.group.is_some()),
        ("perms", options.mode.is_some()),
    ];
    let text = "cannot be used with a stream";
    let faults: Vec<_> = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| ((*name).to_owned(), text.to_owned()))
        .collect();
    if !faults.is_empty() {
        return Err(Error::Parameters(faults));
    }
    fd.try_clone_to_owned().map(File::from).map_err(failed("failed to write to the stream"))
}
