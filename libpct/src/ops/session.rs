//! The helper inside a running container: `attach` (exec and enter) and `console`.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    process::ExitCode,
};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::fcntl_dupfd_cloexec,
};

use super::{
    attach::CANNOT_ATTACH,
    helper,
    protocol::VERSION,
    terminal::{self, End, Escape, HostTerminal, Pty, Relay},
};
use crate::{
    config::{IdMap, Vmid},
    error::reasons,
    lxc::{self, AttachCommand, AttachOptions, Container, KeepEnv},
    rootfs::Rootfs,
    sys::{
        process,
        signal::{self, SignalFd},
    },
};

type Outcome = Result<u8, Box<dyn std::error::Error>>;

/// What every verb of this file is told first.
struct Target {
    vmid: Vmid,
    container: Container,
}

pub(crate) fn serve_attach(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    finish("attach to", attach(arguments))
}

pub(crate) fn serve_console(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    finish("open a console of", console(arguments))
}

fn finish(what: &str, outcome: Outcome) -> ExitCode {
    let code = outcome.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "cannot {what} the container: {error}{}", reasons(&*error));
        CANNOT_ATTACH
    });
    ExitCode::from(code)
}

fn target(arguments: &mut impl Iterator<Item = OsString>) -> Result<Target, Box<dyn std::error::Error>> {
    let mut next = || arguments.next().ok_or("too few arguments");
    let version = next()?;
    if version != VERSION {
        return Err(helper::other_release(&version.to_string_lossy()).into());
    }
    let lxcpath = PathBuf::from(next()?);
    let vmid: Vmid = next()?.to_string_lossy().parse()?;
    // Nothing of the host's goes inside: whoever is there could use an open file or folder to get out.
    process::close_on_exec_from(3)?;
    Ok(Target { vmid, container: Container::open(&vmid.to_string(), &lxcpath)? })
}

fn attach(mut arguments: impl Iterator<Item = OsString>) -> Outcome {
    let Target { vmid, mut container } = target(&mut arguments)?;
    let keep_env = arguments.next().is_some_and(|policy| policy == "keep");
    let command: Vec<OsString> = arguments.collect();
    let command = if command.is_empty() { vec![login_shell(&container)?] } else { command };

    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let keyboard = terminal::is_terminal(streams[0]);
    let screen = streams[1..].iter().find(|fd| terminal::is_terminal(fd)).copied();
    let pty = match (keyboard, screen) {
        (false, None) => None,
        _ => Some(Pty::open(container.devpts_fd()?.as_fd())?),
    };
    let mut host = keyboard.then_some(streams[0]).or(screen).map(HostTerminal::new);
    if let (Some(host), Some(pty)) = (&host, &pty) {
        host.copy_size(pty.theirs.as_fd());
        if !keyboard {
            terminal::disable_output_processing(pty.theirs.as_fd());
        }
    }

    if pty.is_some() {
        // On a terminal of its own a command is in the foreground, wherever we are.
        signal::reset_for_exec(false);
    }
    let signals = SignalFd::block(&signal::FORWARDED)?;
    let theirs = pty.as_ref().map(|pty| pty.theirs.as_fd());
    // Never the caller's terminal; and never a descriptor below 3, for which liblxc would ignore signals
    // in this process from then on.
    let copies = streams.map(|fd| fcntl_dupfd_cloexec(fd, 3));
    let [stdin, stdout, stderr] = streams;
    let pick = |fd: BorrowedFd<'static>, copy: usize| -> Result<BorrowedFd<'_>, rustix::io::Errno> {
        match theirs {
            Some(theirs) if terminal::is_terminal(fd) => Ok(theirs),
            _ => copies[copy].as_ref().map(AsFd::as_fd).map_err(|errno| *errno),
        }
    };
    let options = AttachOptions {
        keep_env: if keep_env { KeepEnv::All } else { KeepEnv::Only(vec!["TERM".into()]) },
        stdin: Some(pick(stdin, 0)?),
        stdout: Some(pick(stdout, 1)?),
        stderr: Some(pick(stderr, 2)?),
        ..AttachOptions::default()
    };
    let mut words = command.into_iter();
    let mut request = AttachCommand::new(words.next().unwrap_or_default(), words);
    request.failure_prefix = Some(format!("cannot run in CT {vmid}: ").into());
    let mut child = container.attach(&request, &options)?;
    let (ours, theirs) = pty.map_or((None, None), |pty| (Some(pty.ours), Some(pty.theirs)));
    drop(theirs);

    let input = host.as_mut().filter(|host| keyboard && host.in_foreground()).map(|host| {
        host.make_raw();
        streams[0]
    });
    let relay = Relay {
        signals: &signals,
        child: Some(&mut child),
        terminal: ours.as_ref().map(AsFd::as_fd),
        sized: ours.as_ref().map(AsFd::as_fd),
        input,
        output: screen.unwrap_or(streams[1]),
        host: host.as_mut(),
        escape: None,
    };
    match relay.run()? {
        End::Exit(exit) => Ok(u8::try_from(exit.shell_code()).unwrap_or(CANNOT_ATTACH)),
        other => Err(format!("the session ended unexpectedly ({other:?})").into()),
    }
}

/// The shell of the container's root, from its own passwd file; read as the untrusted file that it is.
fn login_shell(container: &Container) -> Result<OsString, Box<dyn std::error::Error>> {
    let pid = container.init_pid()?.ok_or("it is not running")?.as_raw_nonzero();
    let root = Rootfs::open(format!("/proc/{pid}/root").as_ref(), IdMap::default().root())?;
    let passwd = root.read("/etc/passwd").ok().flatten().unwrap_or_default();
    let shell = String::from_utf8_lossy(&passwd)
        .lines()
        .find(|line| line.split(':').nth(2) == Some("0"))
        .and_then(|line| line.split(':').nth(6).map(str::to_owned))
        .filter(|shell| shell.starts_with('/') && root.is_executable(shell).unwrap_or(false));
    Ok(shell.unwrap_or_else(|| "/bin/sh".to_owned()).into())
}

fn console(mut arguments: impl Iterator<Item = OsString>) -> Outcome {
    let Target { vmid, container } = target(&mut arguments)?;
    let number = arguments.next().and_then(|tty| tty.to_str().and_then(|t| t.parse().ok()));
    let letter =
        arguments.next().and_then(|text| text.to_str().and_then(|t| t.chars().next())).unwrap_or('a');
    let lease = container.lease_tty(number)?;
    let stdin = rustix::stdio::stdin();
    let mut host = terminal::is_terminal(stdin).then(|| HostTerminal::new(stdin));
    let signals = SignalFd::block(&signal::FORWARDED)?;
    let _ = write!(
        io::stderr(),
        "Connected to tty {} of CT {vmid}. Ctrl+{letter} q leaves it, Ctrl+{letter} Ctrl+{letter} is Ctrl+{letter}.\r\n",
        lease.number()
    );
    // For the console liblxc puts a terminal in between that does not pass sizes on.
    let behind = if lease.number() == 0 { console_of(&container)? } else { None };
    let sized = behind.as_ref().map_or(lease.ptx(), AsFd::as_fd);
    if let Some(host) = &mut host {
        host.copy_size(sized);
        host.make_raw();
    }
    let relay = Relay {
        signals: &signals,
        child: None,
        terminal: Some(lease.ptx()),
        sized: Some(sized),
        input: Some(stdin),
        output: rustix::stdio::stdout(),
        host: host.as_mut(),
        escape: Some(Escape::new(letter)),
    };
    Ok(match relay.run()? {
        End::Signal(signal) => u8::try_from(128 + signal).unwrap_or(CANNOT_ATTACH),
        End::Exit(_) | End::HungUp | End::Escaped => 0,
    })
}

/// The container's console: the first terminal that liblxc makes in the container's devpts. `None` when it has
/// none of that name.
fn console_of(container: &Container) -> Result<Option<OwnedFd>, lxc::Error> {
    let devpts = container.devpts_fd()?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(openat(&devpts, "0", flags, Mode::empty()).ok().filter(|fd| terminal::is_terminal(fd)))
}
