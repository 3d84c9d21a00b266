//! `pull`: a file of a running container to the host (spec: cli, part 5.22).
//!
//! No namespace is entered and no process is started: the container's root directory is opened through its init, and
//! the path is resolved below it with `openat2`, as the container would resolve it.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::{
    Env,
    copy::{CopyOptions, HostFile, copy, create_on_host, failed, inside, size_of},
    inside::Init,
    tree::{Count, Writer, walk},
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
    options.check(to, true)?;
    let _lock = env.store().lock(vmid, progress)?;
    env.store().require(vmid)?;
    let stopped = || Error::NotRunningToCopy("can only pull files from a running VM");
    let init = Init::of(env, vmid)?.ok_or_else(stopped)?;
    let attributes =
        options.attributes(&|name| Ok(accounts::user_id(name)?), &|name| Ok(accounts::group_id(name)?))?;
    let root = init.root()?;
    let create = |to: &Path| failed(format!("failed to create file: {}", to.display()));
    let (path_inside, open) = (inside(path), || failed(format!("failed to open {path}")));
    if let (true, HostFile::Path(to)) = (options.recursive, to) {
        match root.open_folder(&path_inside) {
            Ok(folder) => {
                let (target, is_new) = make_on_host(to).map_err(create(to))?;
                if is_new {
                    attributes.apply(target.as_fd())?;
                }
                return pull_tree(folder, Writer::new(target, attributes), progress);
            }
            // Copied as what it is.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(open()(error)),
        }
    }
    let source = root.open_to_read(&path_inside).map_err(open())?;
    let target = match to {
        HostFile::Path(to) => create_on_host(to, attributes.initial_mode()).map_err(create(to))?,
        HostFile::Open(fd) => {
            fd.try_clone_to_owned().map(File::from).map_err(failed("failed to write to the stream"))?
        }
    };
    // No further than it was long when it was opened: a guest that writes on and on would keep us for ever.
    let size = size_of(&source).unwrap_or(0);
    copy(&source, &target, size, Some(size), progress).map_err(failed(format!("failed to copy {path}")))?;
    attributes.apply(target.as_fd())
}

/// The host's folder, and whether it is new.
fn make_on_host(path: &Path) -> io::Result<(OwnedFd, bool)> {
    let is_new = match fs::create_dir(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((rustix::fs::open(path, flags, Mode::empty())?, is_new))
}

fn pull_tree(from: OwnedFd, mut to: Writer, progress: &mut dyn Progress) -> Result<(), Error> {
    let mut count = Count::new();
    let progress = RefCell::new(progress);
    walk(
        from,
        &mut |step, file| {
            let size = file.as_ref().and_then(size_of);
            to.step(step, file)?;
            count.add(size, *progress.borrow_mut());
            Ok(())
        },
        &mut |what| progress.borrow_mut().warning(what),
    )
}
