//! The helper's part of `create`: volumes mounted where nobody else sees them, the template unpacked inside
//! the container's user namespace, the guest set up.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    process::ExitCode,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::Signal,
};
use serde::{Deserialize, Serialize};

use super::{
    Env, guest_setup,
    helper::Events,
    host_keys::SshKeygen,
    mounts,
    protocol::{Event, Populate},
};
use crate::{
    config::{Config, IdMap, Vmid},
    copy::Limited,
    error::{Error, Failure, reasons},
    guest,
    image::{self, Compression},
    mount,
    progress::Progress,
    rootfs::Rootfs,
    sys::{self, folder, process, signal::SignalFd, userns},
};

pub(crate) fn serve(env: &Env, vmid: Vmid, job: &Populate, events: Events) -> ExitCode {
    match populate(env, vmid, job, events) {
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

fn populate(env: &Env, vmid: Vmid, job: &Populate, mut events: Events) -> Result<(), Error> {
    let parsed = Config::parse(job.config.as_bytes(), vmid);
    let section = parsed.config.main();
    let id_map = section.id_map()?;

    // Without the caller nobody would take back what is done here.
    let caller = rustix::process::getppid().ok_or(Error::Interrupted)?;
    process::set_death_signal(Signal::KILL, caller)?;
    // From a caller that has changed its mind.
    let stop = SignalFd::block(&[libc::SIGTERM])?;
    // All mounts live in this namespace, and end with this process.
    mount::enter_private_namespace()?;
    let folder = env.home.rootfs(vmid);
    folder::make(&folder, 0o755).map_err(|e| Error::io("cannot make", &folder, e))?;
    let root = mounts::mount_all(&job.mounts, &folder, &id_map, true)?.root;

    events.message(&format!("extracting archive '{}'", job.template.display()));
    unpack(job, root.as_fd(), &id_map, &stop, events)?;

    let root = Rootfs::new(root, id_map.root());
    let settings = guest_setup::settings(section)?;
    let detected = guest_setup::detect(&root, &settings, &mut events)?;
    let arch = detected.arch.map(str::to_owned).or_else(|| section.arch().map(str::to_owned));
    let arch = arch.unwrap_or_else(|| "amd64".to_owned());
    events.send(&Event::Detected { ostype: detected.ostype.to_owned(), arch });
    let keygen = SshKeygen::new(&env.home.run_dir(), vmid);
    let create = guest::Create {
        password: job.password.as_deref(),
        ssh_public_keys: job.ssh_public_keys.as_deref(),
        host_keys: Some(&keygen),
    };
    let mut report = guest_setup::report(&mut events);
    let event = guest::Event::Create(create);
    guest::run(&root, &detected, &settings, &guest_setup::host(), event, &mut report)?;
    job.mounts.iter().try_for_each(mounts::write_out)
}

/// What the unpacking child has to say at its end.
#[derive(Serialize, Deserialize)]
struct Unpacked {
    error: Option<String>,
    warnings: Vec<String>,
    skipped_devices: u64,
}

/// Unpacks in a child that has given up every right outside the container's user namespace: what escapes
/// from the root is nobody.
fn unpack(
    job: &Populate,
    root: BorrowedFd<'_>,
    id_map: &IdMap,
    stop: &SignalFd,
    mut events: Events,
) -> Result<(), Error> {
    let namespace = if id_map.is_empty() { None } else { Some(userns::create(id_map)?) };
    let archive = File::open(&job.template).map_err(|e| Error::io("cannot open", &job.template, e))?;
    let total = archive.metadata().map_err(|e| Error::io("cannot read", &job.template, e))?.len();
    let (mut ours, theirs) = UnixStream::pair().map_err(|e| Error::io("cannot talk to", "a child", e))?;
    let parent = rustix::process::getpid();
    let child = process::spawn(|| {
        let privileged = namespace.is_none();
        let entered = namespace.map_or(Ok(()), userns::enter).map_err(|e| chain(&e));
        // Not before: the change of ids would clear it.
        let bound =
            entered.and_then(|()| process::set_death_signal(Signal::KILL, parent).map_err(|e| chain(&e)));
        let result = bound.and_then(|()| extract(job, archive, root, privileged, total, events));
        let report = match result {
            Ok(summary) => {
                Unpacked { error: None, warnings: summary.warnings, skipped_devices: summary.skipped_devices }
            }
            Err(error) => Unpacked { error: Some(error), warnings: Vec::new(), skipped_devices: 0 },
        };
        let sent = serde_json::to_vec(&report).map_err(io::Error::from).and_then(|t| (&theirs).write_all(&t));
        i32::from(sent.is_err())
    })?;
    // The child has its own copy: the end of the stream is its end.
    drop(theirs);
    // When this process has ended, nothing may be in use any more: it outlives the child.
    if is_stopped(&ours, stop)? {
        child.pidfd().send(libc::SIGKILL)?;
        child.wait()?;
        return Err(Error::Interrupted);
    }
    let mut text = Vec::new();
    ours.read_to_end(&mut text).map_err(|e| Error::io("cannot hear from", "the unpacking child", e))?;
    let exit = child.wait()?;
    let unpacked: Unpacked = serde_json::from_slice(&text).map_err(|_| {
        let message = format!("unpacking broke off ({exit:?})");
        Error::Helper(Failure { message, ..Failure::default() })
    })?;
    for warning in &unpacked.warnings {
        events.warning(warning);
    }
    if unpacked.skipped_devices > 0 {
        let count = unpacked.skipped_devices;
        events.warning(&format!(
            "{count} device nodes of the template were left out: the container is unprivileged"
        ));
    }
    match unpacked.error {
        Some(message) => Err(Error::Helper(Failure { message, ..Failure::default() })),
        None => Ok(()),
    }
}

/// Waits for the child's report; `true` when the caller does not.
fn is_stopped(report: &UnixStream, stop: &SignalFd) -> Result<bool, Error> {
    let mut fds = [PollFd::new(report, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Ok(_) => return Ok(!fds[1].revents().is_empty()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(sys::Error::os("wait for the unpacking child", errno).into()),
        }
    }
}

fn extract(
    job: &Populate,
    archive: File,
    root: BorrowedFd<'_>,
    privileged: bool,
    total: u64,
    mut events: Events,
) -> Result<image::Summary, String> {
    let name = job.template.display().to_string();
    let compression = Compression::from_name(&name).map_err(|e| chain(&e))?;
    let options = image::Options {
        devices: privileged,
        ignore_errors: job.ignore_unpack_errors,
        ..image::Options::default()
    };
    // One event a hundredth, not one a block.
    let step = (total / 100).max(1 << 16);
    let mut next = 0;
    let mut progress = |done: u64| {
        if done >= next {
            next = done + step;
            events.bytes(done, Some(total));
        }
    };
    let archive = Limited::new(archive, job.bandwidth);
    image::unpack(archive, compression, root, &options, &mut progress).map_err(|e| chain(&e))
}

fn chain(error: &dyn std::error::Error) -> String {
    format!("{error}{}", reasons(error))
}
