//! `push`: a file of the host into a running container (spec: cli, part 5.22).
//!
//! The caller opens the file, the container's root directory and its user namespace; `pct-helper` gets the three
//! descriptors, becomes root of the container and writes. It stays in the host's mount namespace, so that nothing of
//! the guest can be loaded into it, and resolves every path below the container's root with `openat2`.

use std::{
    cell::RefCell,
    fs::File,
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
};

use rustix::process::Signal;

use super::{
    Env,
    copy::{CopyOptions, HostFile, copy, failed, inside, size_of},
    helper::{Events, Received, Working},
    inside::Init,
    protocol::{Event, Job, Push},
    tree::{self, Count, Writer, receive, send, walk},
};
use crate::{
    config::Vmid,
    error::{Error, Failure},
    progress::Progress,
    rootfs::Rootfs,
    sys::{process, userns},
};

pub(crate) fn push(
    env: &Env,
    vmid: Vmid,
    from: HostFile<'_>,
    destination: &str,
    options: &CopyOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    options.check(from, false)?;
    let lock = env.store().lock(vmid, progress)?;
    env.store().require(vmid)?;
    let stopped = || Error::NotRunningToCopy("can only push files to a running CT");
    let init = Init::of(env, vmid)?.ok_or_else(stopped)?;
    let source = open_source(from, options.recursive)?;
    // A folder's files are opened here, one by one: the root of the container may not read those of the host.
    let line = match source.metadata() {
        Ok(data) if data.is_dir() => Some(tree::line().map_err(failed("failed to reach the helper"))?),
        _ => None,
    };
    let root = init.root()?;
    let namespace = init.user_namespace()?;
    let job = Job::Push(Push {
        destination: destination.to_owned(),
        options: options.clone(),
        total: size_of(&source),
        unprivileged: namespace.is_some(),
        tree: line.is_some(),
    });
    let read = line.as_ref().map_or(source.as_fd(), |(_, theirs)| theirs.as_fd());
    let mut descriptors = vec![read, root.as_fd()];
    descriptors.extend(namespace.as_ref().map(AsFd::as_fd));
    let mut helper = Working::spawn(env, vmid, job, &lock, &descriptors)?;
    if let Some((ours, theirs)) = line {
        drop(theirs);
        push_tree(source.into(), ours, progress)?;
    }
    match helper.next(progress)? {
        Event::Done => Ok(()),
        other => Err(Error::unexpected(&other)),
    }
}

/// Sends all that is in a folder. The helper says nothing before the end, so neither waits for the other; when it
/// does not take any more it has failed, and says why.
fn push_tree(from: OwnedFd, line: OwnedFd, progress: &mut dyn Progress) -> Result<(), Error> {
    let mut count = Count::new();
    let progress = RefCell::new(progress);
    let mut is_taken = true;
    let walked = walk(
        from,
        &mut |step, file| {
            is_taken = send(&line, step, file.as_ref()).map_err(failed("failed to reach the helper"))?;
            if !is_taken {
                return Err(Error::Interrupted);
            }
            count.add(file.as_ref().and_then(size_of), *progress.borrow_mut());
            Ok(())
        },
        &mut |what| progress.borrow_mut().warning(what),
    );
    if is_taken { walked } else { Ok(()) }
}

fn open_source(from: HostFile<'_>, folders: bool) -> Result<File, Error> {
    match from {
        HostFile::Path(path) => {
            let attempt = format!("failed to open {} for reading", path.display());
            let file = File::open(path).map_err(failed(attempt.clone()))?;
            // Said before a file is made inside.
            match file.metadata() {
                Ok(data) if data.is_dir() && !folders => Err(failed(attempt)(rustix::io::Errno::ISDIR)),
                _ => Ok(file),
            }
        }
        HostFile::Open(fd) => {
            fd.try_clone_to_owned().map(File::from).map_err(failed("failed to read the stream"))
        }
    }
}

/// The helper's end.
pub(super) fn serve(job: &Push, mut received: Received, events: Events) -> ExitCode {
    match write(job, &mut received, events) {
        Ok(()) => {
            events.send(&Event::Done);
            ExitCode::SUCCESS
        }
        Err(error) => {
            events.send(&Event::Failed(Failure { message: error.full_message(), ..Failure::default() }));
            ExitCode::FAILURE
        }
    }
}

fn write(job: &Push, received: &mut Received, mut events: Events) -> Result<(), Error> {
    let caller = rustix::process::getppid().ok_or(Error::Interrupted)?;
    let mut next = || -> Result<OwnedFd, Error> { received.next().ok_or(Error::Interrupted) };
    let (source, root) = (File::from(next()?), next()?);
    if job.unprivileged {
        userns::enter(next()?)?;
    }
    // Only now: the kernel forgets it when a process changes its user.
    process::set_death_signal(Signal::KILL, caller)?;
    let root = Rootfs::new(root, (0, 0));
    let in_file = |file: &'static str| {
        let root = &root;
        move |name: &str| Ok(named(&root.read(file)?.unwrap_or_default(), name))
    };
    let attributes = job.options.attributes(&in_file("/etc/passwd"), &in_file("/etc/group"))?;
    let destination = &job.destination;
    let create = failed(format!("failed to create file: {destination}"));
    if job.tree {
        let (folder, is_new) = root.make_folder(&inside(destination), 0o777).map_err(create)?;
        if is_new {
            attributes.apply(folder.as_fd())?;
        }
        let (mut writer, line) = (Writer::new(folder, attributes), OwnedFd::from(source));
        while let Some((step, file)) = receive(&line).map_err(failed("failed to read the next file"))? {
            writer.step(&step, file)?;
        }
        return Ok(());
    }
    let target = root.open_to_write(&inside(destination), attributes.initial_mode()).map_err(create)?;
    copy(&source, &target, u64::MAX, job.total, &mut events)
        .map_err(failed(format!("failed to copy to {destination}")))?;
    attributes.apply(target.as_fd())
}

/// The number of a name in a file in the form of passwd(5) or group(5), the guest's: what does not fit is not there.
fn named(file: &[u8], name: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(file);
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn names_are_found_in_the_guest_s_own_files() {
        let file = b"root:x:0:0:root:/root:/bin/sh\nbad\nodd:x:y:\nwww:x:33:33::/:/bin/false\n\xff:x:9:9\n";
        assert_eq!(named(file, "www"), Some(33));
        assert_eq!(named(file, "root"), Some(0));
        for none in ["bad", "odd", "", "x", "www:x"] {
            assert_eq!(named(file, none), None, "{none}");
        }
    }
}
