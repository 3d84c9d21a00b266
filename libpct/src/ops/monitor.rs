//! The helper as the monitor of a container: from its config to a running system, and what follows its end.

use std::{
    fs::{self, File},
    io::Write,
    os::fd::OwnedFd,
    path::Path,
    process::ExitCode,
};

use super::{
    Env, checkpoint, dhcp, diagnosis, disks, facts, guest_setup,
    helper::{self, Events},
    hookscript::{self, Phase},
    host_mount,
    leftovers::{self, MonitorFile},
    lxc_config, mounts, nodes,
    protocol::{Event, Run},
    resume, set,
};
use crate::{
    config::{Section, Vmid},
    error::{Error, Failure},
    lxc::{self, Container, LogCapture, StartOutcome},
    mount::{self, FolderApart, OuterNamespace},
    progress::{Progress, Silent},
    rootfs::Rootfs,
    store::ConfigLock,
    sys::{folder, process},
    translate::{self, translate},
};

fn plain(error: &Error) -> Failure {
    Failure { start: true, message: error.full_message(), ..Failure::default() }
}

/// How a run of the container has ended.
enum End {
    Halted,
    Reboot,
}

/// `lock` is a share in the container's lock, held until liblxc is called.
pub(crate) fn serve(env: &Env, vmid: Vmid, job: &Run, events: Events, lock: OwnedFd) -> ExitCode {
    // The caller's child ends here; what goes on belongs to nobody's terminal or session.
    if let Err(error) = process::detach().map_err(Error::from).and_then(|()| use_null_for_stdin()) {
        events.send(&Event::Failed(plain(&error)));
        return ExitCode::FAILURE;
    }
    let file = match MonitorFile::hold(env, vmid) {
        Ok(Some(file)) => file,
        Ok(None) => {
            events.send(&Event::Failed(plain(&Error::AlreadyRunning { vmid })));
            return ExitCode::FAILURE;
        }
        Err(error) => {
            events.send(&Event::Failed(plain(&error)));
            return ExitCode::FAILURE;
        }
    };
    let answer = match pre_start(env, vmid, events) {
        Ok(host) => {
            let answer = run(env, vmid, job, &host, events, lock);
            post_stop(env, vmid, &host, events);
            answer
        }
        Err(failure) => Event::Failed(*failure),
    };
    file.remove(env, vmid);
    events.send(&answer);
    ExitCode::SUCCESS
}

/// The phase of the hook script that can prevent the start, and the mount namespace that it was run in.
fn pre_start(env: &Env, vmid: Vmid, mut events: Events) -> Result<OuterNamespace, Box<Failure>> {
    let host = OuterNamespace::current().map_err(|e| failure_of(vmid, &e.into(), None))?;
    let loaded = env.store().load(vmid).map_err(|e| failure_of(vmid, &e.into(), None))?;
    hookscript::run(env, vmid, loaded.config.main(), Phase::PreStart, &mut events)
        .map_err(|error| Box::new(plain(&error)))?;
    Ok(host)
}

/// The phase that follows every successful [`pre_start`]. The config is read again: another script may have been set.
fn post_stop(env: &Env, vmid: Vmid, host: &OuterNamespace, mut events: Events) {
    let mut run = || -> Result<(), Error> {
        host.enter()?;
        let loaded = env.store().load(vmid)?;
        if loaded.config.main().lock() != Some(host_mount::MARK) {
            match env.storages() {
                Ok(storages) => disks::close_all(loaded.config.main(), &storages, &mut events),
                Err(error) => events.warning(&error.full_message()),
            }
        }
        // Who has the lock stops the container, and sees to it.
        if let Some(lock) = env.store().try_lock(vmid)? {
            set::apply_after_stop(env, vmid, &lock, || Ok(helper::loaded_liblxc()?), &mut events);
        }
        let loaded = env.store().load(vmid)?;
        hookscript::run(env, vmid, loaded.config.main(), Phase::PostStop, &mut events)
    };
    if let Err(error) = run() {
        let text = error.full_message();
        events.warning(&text);
        // For the most part nobody listens any more; where the log cannot be written there is no other place.
        let log = File::options().append(true).create(true).open(env.home.start_log(vmid));
        let _ = log.and_then(|mut log| writeln!(log, "{text}"));
    }
}

/// Runs the container until it halts, and through every reboot.
fn run(env: &Env, vmid: Vmid, job: &Run, host: &OuterNamespace, events: Events, lock: OwnedFd) -> Event {
    let mut lock = Some(Lock::Shared(lock));
    loop {
        match run_once(env, vmid, job, events, lock.take()) {
            // From here on it is a start like any other: nobody may change the container meanwhile. Who holds
            // the lock now for long wants it stopped, as `pct stop` does.
            Ok(End::Reboot) => {
                let locked = env.store().lock(vmid, &mut Silent).map_err(Error::from);
                match locked.and_then(|own| host.enter().map(|()| own).map_err(Error::from)) {
                    Ok(own) => lock = Some(Lock::Own(own)),
                    Err(error) => return Event::Failed(plain(&error)),
                }
            }
            Ok(End::Halted) => return Event::Done,
            Err(failure) => return Event::Failed(*failure),
        }
    }
}

/// What keeps others from the container while it is being started; let go of by being dropped.
enum Lock {
    Shared(#[expect(dead_code, reason = "held, not used")] OwnedFd),
    Own(ConfigLock),
}

fn use_null_for_stdin() -> Result<(), Error> {
    // Writable, too: a container that is resumed has it for its output.
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(|e| Error::io("cannot open", "/dev/null", e))?;
    rustix::stdio::dup2_stdin(&null).map_err(|e| Error::io("cannot use", "/dev/null", e))
}

/// Starts the container, is its monitor, and leaves the host as it was before.
fn run_once(
    env: &Env,
    vmid: Vmid,
    job: &Run,
    events: Events,
    lock: Option<Lock>,
) -> Result<End, Box<Failure>> {
    let log = env.home.start_log(vmid);
    let ended = start_and_wait(env, vmid, job, events, lock, &log);
    let strays = || if job.resume { leftovers::clear_strays(vmid) } else { Ok(()) };
    let cleared = leftovers::clear_host(env, vmid).and_then(|()| strays());
    match (ended, cleared) {
        (Ok(_), Err(error)) => Err(failure_of(vmid, &error, None)),
        (ended, _) => ended,
    }
}

fn failure_of(vmid: Vmid, error: &Error, section: Option<&Section>) -> Box<Failure> {
    let message = format!("startup for container '{vmid}' failed: {}", error.full_message());
    let remedy = diagnosis::remedy_for_error(error, section);
    Box::new(Failure { start: true, message, remedy, ..Failure::default() })
}

fn start_and_wait(
    env: &Env,
    vmid: Vmid,
    job: &Run,
    mut events: Events,
    lock: Option<Lock>,
    log: &Path,
) -> Result<End, Box<Failure>> {
    let refused = |error: Error| failure_of(vmid, &error, None);
    let mut loaded = env.store().load(vmid).map_err(|e| refused(e.into()))?;
    if !job.skiplock {
        loaded.check_lock_but_mounted().map_err(|e| refused(e.into()))?;
    }
    // The caller has done so before a start; the start of a reboot has no caller.
    if let Some(Lock::Own(own)) = &lock {
        set::apply_pending(env, vmid, own, &mut loaded.config, &mut events).map_err(refused)?;
    }
    let section = loaded.config.main();
    let failed = |error: Error| failure_of(vmid, &error, Some(section));
    // liblxc goes into a namespace of its own, and the container into another one: both follow what happens in this one.
    let _mounts = prepare(env, vmid, section, job.resume, events).map_err(failed)?;
    let mut container = open(env, vmid, job, log).map_err(|e| explain(vmid, section, log, Some(&e)))?;
    events.send(&Event::Starting);
    // The monitor's file is held: whoever comes now waits until the container runs.
    drop(lock);
    if job.resume {
        return resume::run(env, vmid, &mut container, log, events).map(|()| End::Halted);
    }
    match container.start_foreground(&lxc::StartOptions::default()).map_err(|e| failed(e.into()))? {
        StartOutcome::Ended(exit) if exit.is_reboot() => Ok(End::Reboot),
        StartOutcome::Ended(_) => Ok(End::Halted),
        StartOutcome::Failed | StartOutcome::MonitorFailed(_) => Err(explain(vmid, section, log, None)),
    }
}

/// Everything before liblxc is called. With `resume` the guest's files are left as its processes know them. Returns what
/// holds the container's file systems.
fn prepare(
    env: &Env,
    vmid: Vmid,
    section: &Section,
    resume: bool,
    mut events: Events,
) -> Result<FolderApart, Error> {
    leftovers::clear_host(env, vmid)?;

    let mut facts = facts::gather(env, section, helper::loaded_liblxc()?)?;
    facts::check_bridges(&facts, section)?;
    let mut generated = translate(vmid, section, &facts)?;
    dhcp::warn_if_missing(section, &mut events)?;
    generated.warnings.iter().for_each(|warning| events.warning(warning));

    let folder = env.home.rootfs(vmid);
    folder::make(&folder, 0o755).map_err(|e| Error::io("cannot make", &folder, e))?;
    let id_map = section.id_map()?;
    // What a storage mounts to be usable is the host's: in a namespace of the container's nobody could unmount it.
    let plans = mounts::plan(section, &env.storages()?)?;
    let apart = FolderApart::enter(&env.home.container_dir(vmid), &host_mount::visible(env)?)?;
    mounts::warnings(&plans, &id_map).iter().for_each(|warning| events.warning(warning));
    let mounted = mounts::mount_all(&plans, &folder, &id_map, false)?;
    mount::share(&folder)?;
    facts::add_quota_devices(&mut facts, &mounted.quota_devices);
    if !facts.quota_devices.is_empty() {
        generated = translate(vmid, section, &facts)?;
    }
    nodes::make_all(env, vmid, &translate::nodes(section, &facts), &id_map)?;
    if !resume {
        checkpoint::outdate(env, vmid, &mut events)?;
        let root = Rootfs::new(mounted.root, id_map.root());
        guest_setup::at_start(&root, section, facts.cgroup, &mut events)?;
    }

    lxc_config::write(env, vmid, &generated)?;
    Ok(apart)
}

fn open(env: &Env, vmid: Vmid, job: &Run, log: &Path) -> Result<Container, lxc::Error> {
    let level = if job.debug { lxc::Level::Debug } else { lxc::Level::Info };
    // A reboot goes on in the same log; a start begins a new one.
    if LogCapture::current().is_none() {
        drop(fs::remove_file(log));
        LogCapture::to_file(log, level)?;
    }
    Container::open(&vmid.to_string(), &env.home.lxcpath())
}

/// Puts the lines of the log that say why beside what liblxc says, which is only 'failed'.
fn explain(vmid: Vmid, section: &Section, log: &Path, error: Option<&lxc::Error>) -> Box<Failure> {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let log_lines = lxc::log::causes(&text);
    let situation = diagnosis::Situation { section, host_arch: diagnosis::host_arch(), log: &log_lines };
    let remedy = diagnosis::remedy(&situation);
    let mut message = format!("startup for container '{vmid}' failed");
    if let Some(error) = error.filter(|_| log_lines.is_empty()) {
        message.push_str(&format!(": {error}"));
    }
    Box::new(Failure { start: true, message, log_lines, remedy, log: Some(log.to_owned()) })
}

/// liblxc's post-stop hook. By failing at a reboot it makes liblxc stop instead of starting the same config
/// again in place: the monitor then starts the container afresh, with what has changed since.
pub(crate) fn hook() -> ExitCode {
    let reboot = std::env::var_os("LXC_TARGET").is_some_and(|target| target == "reboot");
    if reboot { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
