//! `create` (spec: cli, part 6.4).

use std::{path::PathBuf, time::Duration};

use super::{
    Env, destroy, disks, facts, mark, mounts, pause,
    protocol::{Event, Job, Populate},
    setters::setters,
    start::{StartOptions, start_locked},
    undo::Undo,
    work::{self, Record, Work},
};
use crate::{
    changes,
    config::{Config, MountPoint, Section, Vmid, VolumeId, VolumeRef},
    error::Error,
    image::Compression,
    ops::helper::Working,
    progress::Progress,
    storage::{Flow, Storages},
    store::{CREATE_LOCK_TIMEOUT, ConfigLock},
};

/// What [`Container::create`](crate::Container::create) makes.
///
/// ```
/// use pct::CreateOptions;
///
/// let options = CreateOptions::new("local:vztmpl/debian.tar.zst")
///     .config("hostname", "web1")
///     .config("rootfs", "8")
///     .storage("local")
///     .start(true);
/// # assert_eq!((options.config.len(), options.start), (2, true));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct CreateOptions {
    /// The template: a path, or a volume id such as `local:vztmpl/name.tar.zst`.
    pub template: String,
    /// Keys and values of the config, as they would be given to `pct create`.
    pub config: Vec<(String, String)>,
    /// Where volumes go whose value names no storage; `local` where none is given.
    pub storage: Option<String>,
    /// The password of root, or its hash; without one root cannot log in by password.
    pub password: Option<String>,
    /// Lines for root's `authorized_keys`.
    pub ssh_public_keys: Option<String>,
    /// Go on when an entry of the template cannot be unpacked.
    pub ignore_unpack_errors: bool,
    /// How fast the template may be read, in KiB a second; 0 is no limit. Where none is given the limits of the storages
    /// count on which volumes are made.
    pub bandwidth: Option<u64>,
    /// Start the container afterwards.
    pub start: bool,
}

impl CreateOptions {
    /// A container from this template, with the defaults of `pct create`.
    #[must_use]
    pub fn new(template: impl Into<String>) -> Self {
        Self { template: template.into(), ..Self::default() }
    }

    /// One more key of the [`config`](#structfield.config), and its value.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }
}

setters! { CreateOptions { ignore_unpack_errors: bool, bandwidth: Option<u64>, start: bool } texts { storage, password, ssh_public_keys } }

impl std::fmt::Debug for CreateOptions {
    /// Without the password: options end up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateOptions")
            .field("template", &self.template)
            .field("config", &self.config)
            .field("storage", &self.storage)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// The size of a root file system where none is given, in GiB.
const DEFAULT_ROOTFS: &str = "4";
const DEFAULT_STORAGE: &str = "local";
const MIN_PASSWORD: usize = 5;

pub(crate) fn create(
    env: &Env,
    vmid: Vmid,
    options: &CreateOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require_free(vmid)?;
    let storages = env.storages()?;
    storages.warnings.iter().for_each(|warning| progress.warning(warning));
    let request = prepare(env, vmid, options, &storages)?;

    let failed = |source| Error::Create { vmid, source: Box::new(source) };
    let lock = env.store().lock_within(vmid, CREATE_LOCK_TIMEOUT, progress).map_err(|e| failed(e.into()))?;
    env.store().require_free(vmid).map_err(|e| failed(e.into()))?;
    let mut undo = Undo::default();
    let made = build(env, vmid, options, &request, &storages, &lock, &mut undo, progress);
    match made {
        Ok(()) => undo.keep(),
        Err(error) => {
            for problem in undo.roll_back() {
                progress.warning(&problem);
            }
            return Err(failed(error));
        }
    }
    if options.start {
        // The container is there and whole: that it does not start is another matter.
        if let Err(error) = start_locked(env, vmid, &StartOptions::default(), &lock, progress) {
            progress.warning(&error.full_message());
        }
    }
    Ok(())
}

/// What was asked for, checked as far as that is possible without changing anything.
struct Prepared {
    template: PathBuf,
    section: Section,
    /// `rootfs` and `mp<n>`, in the order in which they are made.
    disks: Vec<(String, MountPoint)>,
}

fn prepare(env: &Env, vmid: Vmid, options: &CreateOptions, storages: &Storages) -> Result<Prepared, Error> {
    let default_storage = options.storage.as_deref().unwrap_or(DEFAULT_STORAGE);
    let is_disk = |key: &str| key == "rootfs" || key.starts_with("mp") || key.starts_with("unused");
    let (mut disk_values, values): (Vec<_>, Vec<_>) =
        options.config.iter().cloned().partition(|(key, _)| is_disk(key));
    disk_values.retain(|(key, _)| !key.starts_with("unused"));
    for (_, value) in &mut disk_values {
        // A number alone is a size on the default storage.
        if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            *value = format!("{default_storage}:{value}");
        }
    }
    changes::check_values(&values)?;
    changes::check_values(&disk_values)?;
    check_secrets(options)?;
    let template = template_file(&options.template, storages)?;

    if disk_values.is_empty() {
        disk_values.push(("rootfs".to_owned(), format!("{default_storage}:{DEFAULT_ROOTFS}")));
    } else if !disk_values.iter().any(|(key, _)| key == "rootfs") {
        let text = "mount points configured, but 'rootfs' not set - aborting".to_owned();
        return Err(Error::Parameters(vec![("rootfs".to_owned(), text)]));
    }
    let mut disks = Vec::new();
    for (key, value) in disk_values {
        let point = changes::mount_point(&key, &value)?;
        if let VolumeRef::Volume(volume) = &point.volume {
            storages
                .for_containers(&volume.storage)
                .map_err(|e| Error::Parameters(vec![("storage".to_owned(), e.to_string())]))?;
        }
        disks.push((key, point));
    }
    // `rootfs` first, then the mount points by number.
    disks.sort_by_key(|(key, _)| key.strip_prefix("mp").map_or(0, |n| 1 + n.parse::<u32>().unwrap_or(0)));

    let mut section = Section::default();
    values.iter().for_each(|(key, value)| section.set(key, value.as_str()));
    let host = facts::for_values(env, &section)?;
    section.set("unprivileged", "1");
    for (key, value) in &values {
        let value = changes::stored(key, &changes::accepted(key, value, &host)?, vmid, &host)?;
        // An empty text says the same as no value, and a line without one would not be read again.
        if value.is_empty() {
            section.remove(key);
        } else {
            section.set(key, value);
        }
    }
    if !section.is_unprivileged_flag() {
        section.remove("unprivileged");
    }
    Ok(Prepared { template, section, disks })
}

fn check_secrets(options: &CreateOptions) -> Result<(), Error> {
    let mut faults = Vec::new();
    if options.password.as_ref().is_some_and(|p| p.chars().count() < MIN_PASSWORD) {
        faults
            .push(("password".to_owned(), format!("value must be at least {MIN_PASSWORD} characters long")));
    }
    let keys = options.ssh_public_keys.as_deref().unwrap_or_default();
    if !keys.lines().all(is_public_key) {
        faults.push(("ssh-public-keys".to_owned(), "SSH public key validation error".to_owned()));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Parameters(faults)) }
}

/// Whether a line could be read by sshd as `[options] type base64 [comment]`; blank lines and comments
/// pass (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
fn is_public_key(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return true;
    }
    let words: Vec<_> = line.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let known = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|p| pair[0].starts_with(p));
        // Every key begins with the length of its type's name, which is below 2^16: base64 `AAAA`.
        let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
        known && pair[1].len() >= 32 && pair[1].starts_with("AAAA") && pair[1].bytes().all(base64)
    })
}

fn template_file(text: &str, storages: &Storages) -> Result<PathBuf, Error> {
    let refused = |text: String| Error::Parameters(vec![("ostemplate".to_owned(), text)]);
    if text == "-" {
        return Err(refused("pipe can only be used with restore tasks".to_owned()));
    }
    let path = match text.parse::<VolumeId>() {
        Ok(volume) if !text.starts_with('/') => storages.template(&volume)?,
        _ => std::path::absolute(text).map_err(|e| Error::io("cannot find", text, e))?,
    };
    Compression::from_name(&super::shown(&path))?;
    std::fs::File::open(&path).map_err(|e| refused(format!("unable to open '{}' - {e}", path.display())))?;
    Ok(path)
}

#[allow(clippy::too_many_arguments, reason = "the steps of one operation on what it has prepared")]
fn build<'a>(
    env: &'a Env,
    vmid: Vmid,
    options: &CreateOptions,
    request: &Prepared,
    storages: &'a Storages,
    lock: &'a ConfigLock,
    undo: &mut Undo<'a>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let work = Work::begin(env, vmid, Record::of("create", mark::CREATE))?;
    undo.push(move || work::forget(env, vmid).map_err(|e| e.full_message()));
    let mut config = Config::default();
    *config.main_mut() = request.section.clone();
    config.main_mut().set("lock", mark::CREATE);
    undo.push(move || env.store().remove(lock).map_err(|e| e.to_string()));
    env.store().write(lock, &config)?;

    let id_map = config.main().id_map()?;
    let (new, present): (Vec<_>, Vec<_>) =
        request.disks.iter().partition(|(_, asked)| disks::asked_for(asked).is_some());
    for (key, asked) in new {
        let mut note = |point: &MountPoint| {
            config.main_mut().set(key, point.to_string());
            Ok(env.store().write(lock, &config)?)
        };
        disks::allocate(asked, vmid, id_map.root(), storages, undo, &mut note, progress)?;
    }
    // Who finds this half-done may remove what the file names: what was there before is named when all is done.
    for (key, point) in present {
        config.main_mut().set(key, point.to_string());
    }

    undo.push(move || destroy::remove_folder(env, vmid).map_err(|e| e.full_message()));
    let (ostype, arch) = populate(env, vmid, options, request, &config, storages, lock, progress)?;
    let section = config.main_mut();
    for (key, value) in [("ostype", ostype), ("arch", arch)] {
        section.set(key, value);
    }
    for (key, default) in
        [("hostname", format!("CT{vmid}")), ("memory", "512".into()), ("swap", "512".into())]
    {
        if section.get(key).is_none() {
            section.set(key, default);
        }
    }
    // The last moment at which all can be taken back.
    pause(progress, Duration::ZERO)?;
    section.remove("lock");
    env.store().write(lock, &config)?;
    work.end(progress);
    if !options.start {
        disks::close_all(config.main(), storages, progress);
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the steps of one operation on what it has prepared")]
/// Lets the helper unpack the template and set the guest up; returns the guest's `ostype` and `arch`.
fn populate(
    env: &Env,
    vmid: Vmid,
    options: &CreateOptions,
    request: &Prepared,
    config: &Config,
    storages: &Storages,
    lock: &ConfigLock,
    progress: &mut dyn Progress,
) -> Result<(String, String), Error> {
    let written = config.to_bytes().map_err(|source| crate::store::StoreError::Write { vmid, source })?;
    let disks = request.disks.iter().filter_map(|(_, point)| match &point.volume {
        VolumeRef::Volume(volume) => Some(&*volume.storage),
        VolumeRef::Bind(_) | VolumeRef::Device(_) => None,
    });
    let job = Populate {
        config: String::from_utf8_lossy(&written).into_owned(),
        template: request.template.clone(),
        mounts: mounts::plan(config.main(), storages)?,
        password: options.password.clone(),
        ssh_public_keys: options.ssh_public_keys.clone(),
        ignore_unpack_errors: options.ignore_unpack_errors,
        bandwidth: storages.bandwidth(options.bandwidth, Flow::Restore, disks),
    };
    let mut helper = Working::spawn(env, vmid, Job::Populate(Box::new(job)), lock, &[])?;
    let mut detected = None;
    loop {
        match helper.next(progress)? {
            Event::Detected { ostype, arch } => detected = Some((ostype, arch)),
            Event::Done => break,
            other => return Err(Error::unexpected(&other)),
        }
    }
    detected.ok_or_else(|| Error::unexpected(&Event::Done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_told_from_other_lines() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIJ4T0m5m2v1Z2m3kq2N8yVYbU0L8m0f4VZV4yq1p2x3y";
        assert!(is_public_key(&format!("ssh-ed25519 {key} root@host")));
        assert!(is_public_key(&format!("command=\"/bin/x y\",no-pty ssh-ed25519 {key}")));
        assert!(is_public_key("") && is_public_key("# a comment"));
        for bad in ["ssh-ed25519", "ssh-ed25519 short", "hello world", "-----BEGIN OPENSSH PRIVATE KEY-----"]
        {
            assert!(!is_public_key(bad), "{bad}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let options = CreateOptions::new("t").password("hunter2");
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
