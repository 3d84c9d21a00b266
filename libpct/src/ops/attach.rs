//! `exec`, `enter` and `console` (spec: cli, part 5.13): the library's side.
//!
//! What comes back is a program ready to run: the command line becomes it, other programs spawn it. It
//! inherits standard streams, so no byte of a pipe passes through us.

use std::{
    ffi::{CString, OsStr, OsString},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    process::{Child, Command, ExitCode, Stdio},
};

use super::{Env, helper, protocol::VERSION};
use crate::{
    config::Vmid,
    error::{Error, HelperError},
    lxc::TtyLease,
    sys::process,
};

/// The helper's exit code when it could not do what it was asked for.
pub(crate) const FAILED: ExitCode = ExitCode::FAILURE;
/// `lxc-attach` ends with this when it cannot get into the container.
pub(crate) const CANNOT_ATTACH: u8 = 255;

/// What the original gives to every command inside.
const PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";

/// Variables that say where the host's certificates are: they mislead programs inside.
const HOST_ONLY: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A program that is inside, or talks to, a running container; not started yet.
#[derive(Debug)]
pub struct Attach {
    program: OwnedFd,
    arguments: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Attach {
    fn new(env: &Env, arguments: Vec<OsString>, keep_env: bool) -> Result<Self, Error> {
        let kept = std::env::vars_os().filter(|(name, _)| keep_env || name == "TERM");
        let mut variables: Vec<_> =
            kept.filter(|(name, _)| name != "PATH" && !HOST_ONLY.iter().any(|n| name == n)).collect();
        variables.push(("PATH".into(), PATH.into()));
        Ok(Self { program: helper::sealed(&env.helper)?, arguments, env: variables })
    }

    /// Becomes the program: returns only if that fails. The exit status is the command's, 128 + n when
    /// signal n has ended it, 126 or 127 when it could not be executed, 255 when there is no way in.
    #[must_use]
    pub fn replace_process(self) -> Error {
        let c_string = |text: Vec<u8>| CString::new(text).ok();
        let arguments = self.arguments.into_iter().map(OsString::into_vec);
        let argv: Option<Vec<_>> =
            std::iter::once(b"pct-helper".to_vec()).chain(arguments).map(c_string).collect();
        let joined = |(name, value): (OsString, OsString)| [name.as_bytes(), b"=", value.as_bytes()].concat();
        let env: Option<Vec<_>> = self.env.into_iter().map(|pair| c_string(joined(pair))).collect();
        match (argv, env) {
            (Some(argv), Some(env)) => process::replace(self.program.as_fd(), &argv, &env).into(),
            _ => Error::Parameters(vec![("extra-args".into(), "a command cannot hold a NUL byte".into())]),
        }
    }

    /// Starts the program as a child with the given streams. Its exit status is as that of
    /// [`Attach::replace_process`].
    ///
    /// # Errors
    /// When the helper cannot be executed.
    pub fn spawn(self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Child, Error> {
        let path = helper::exec_path(&self.program);
        Command::new(&path)
            .args(&self.arguments)
            .env_clear()
            .envs(self.env)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .map_err(|source| HelperError::Spawn { path, source }.into())
    }
}

pub(crate) fn exec(env: &Env, vmid: Vmid, keep_env: bool, command: &[OsString]) -> Result<Attach, Error> {
    require_running(env, vmid)?;
    if command.is_empty() {
        return Err(Error::MissingCommand);
    }
    attach(env, vmid, keep_env, command)
}

pub(crate) fn enter(env: &Env, vmid: Vmid, keep_env: bool) -> Result<Attach, Error> {
    require_running(env, vmid)?;
    attach(env, vmid, keep_env, &[])
}

fn require_running(env: &Env, vmid: Vmid) -> Result<(), Error> {
    env.store().require(vmid)?;
    if env.is_running(vmid)? { Ok(()) } else { Err(Error::NotRunningInside { vmid }) }
}

fn attach(env: &Env, vmid: Vmid, keep_env: bool, command: &[OsString]) -> Result<Attach, Error> {
    let policy = if keep_env { "keep" } else { "clear" };
    let mut arguments = arguments("attach", env, vmid);
    arguments.push(policy.into());
    arguments.extend_from_slice(command);
    Attach::new(env, arguments, keep_env)
}

pub(crate) fn lease_tty(env: &Env, vmid: Vmid, number: Option<u32>) -> Result<TtyLease, Error> {
    require_running(env, vmid)?;
    let socket = env.connect(vmid)?.ok_or(Error::NotRunningInside { vmid })?;
    Ok(socket.lease_tty(number)?)
}

/// `console`: a terminal of the container, or a shell where its config asks for that.
pub(crate) fn console(env: &Env, vmid: Vmid, escape: Option<char>) -> Result<Attach, Error> {
    let loaded = env.store().load(vmid)?;
    let tty = match loaded.config.main().cmode() {
        Some("shell") => return attach(env, vmid, false, &[]),
        Some("console") => "0",
        _ => "any",
    };
    let mut arguments = arguments("console", env, vmid);
    arguments.push(tty.into());
    arguments.push(escape.unwrap_or('a').to_string().into());
    Attach::new(env, arguments, true)
}

fn arguments(verb: &str, env: &Env, vmid: Vmid) -> Vec<OsString> {
    let lxcpath = env.home.lxcpath();
    let words: [&OsStr; 4] =
        [verb.as_ref(), VERSION.as_ref(), lxcpath.as_os_str(), &OsString::from(vmid.to_string())];
    words.map(OsStr::to_owned).into()
}
