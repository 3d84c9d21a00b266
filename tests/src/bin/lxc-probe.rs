//! Calls of `pct::lxc` that make liblxc fork: they need a process with one thread, which a test has not.
//!
//! ```text
//! lxc-probe start   LXCPATH NAME LOG            start in the foreground, print the outcome and the causes
//! lxc-probe attach  LXCPATH NAME [OPTION=VALUE]... -- PROGRAM [ARGUMENT]...
//! lxc-probe look    LXCPATH NAME                print interfaces and addresses
//! ```
// It speaks to the test through its output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use pct::lxc::{
    AttachCommand, AttachOptions, Container, KeepEnv, Level, LogCapture, Result, StartOptions, StartOutcome,
    log,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["start", lxcpath, name, file] => start(lxcpath, name, file),
        ["attach", lxcpath, name, ref rest @ ..] => attach(lxcpath, name, rest),
        ["look", lxcpath, name] => look(lxcpath, name),
        _ => return ExitCode::from(2),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn start(lxcpath: &str, name: &str, file: &str) -> Result<()> {
    let capture = LogCapture::to_file(Path::new(file), Level::Debug)?;
    assert!(LogCapture::to_memory(Level::Debug).is_err(), "a second capture must be refused");
    let mut container = Container::open(name, Path::new(lxcpath))?;
    let mark = capture.mark()?;
    let outcome = container.start_foreground(&StartOptions::default())?;
    println!("outcome: {outcome:?}");
    if matches!(outcome, StartOutcome::Ended(_)) {
        return Ok(());
    }
    for cause in log::causes(&capture.since(mark)?) {
        println!("cause: {cause}");
    }
    Ok(())
}

fn attach(lxcpath: &str, name: &str, words: &[&str]) -> Result<()> {
    let split = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    let (settings, command) = (&words[..split], words.get(split + 1..).unwrap_or_default());
    let Some((program, rest)) = command.split_first() else { return Ok(()) };
    let mut command = AttachCommand::new(*program, rest.iter().map(|word| OsString::from(*word)));
    let stderr = io::stderr();
    let mut options = AttachOptions::default();
    for (key, value) in settings.iter().filter_map(|setting| setting.split_once('=')) {
        let number = || value.parse().ok();
        match key {
            "env" => options.env.extend(value.split_once('=').map(|(k, v)| (k.into(), v.into()))),
            "keep" if value == "all" => options.keep_env = KeepEnv::All,
            "keep" => options.keep_env = KeepEnv::Only(value.split(',').map(Into::into).collect()),
            "cwd" => options.cwd = Some(value.into()),
            "uid" => options.uid = number(),
            "gid" => options.gid = number(),
            "groups" => options.groups = value.split(',').filter_map(|id| id.parse().ok()).collect(),
            "nnp" => options.no_new_privs = true,
            "prefix" => command.failure_prefix = Some(value.into()),
            "stdout" => options.stdout = Some(stderr.as_fd()),
            _ => {}
        }
    }
    let log = LogCapture::to_memory(Level::Error)?;
    let mut container = Container::open(name, Path::new(lxcpath))?;
    let before = ignored_signals();
    let mut child = match container.attach(&command, &options) {
        Ok(child) => child,
        Err(error) => {
            println!("error: {error}; {:?}", log::causes(&log.since(0)?));
            return Ok(());
        }
    };
    match child.wait() {
        Ok(exit) => println!("exit: {exit:?}"),
        Err(error) => println!("error: {error}"),
    }
    println!("signals kept: {}", ignored_signals() == before);
    Ok(())
}

fn ignored_signals() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("SigIgn:")).map(str::to_owned)
}

fn look(lxcpath: &str, name: &str) -> Result<()> {
    let container = Container::open(name, Path::new(lxcpath))?;
    println!("interfaces: {:?}", container.interfaces()?);
    println!("addresses: {:?}", container.addresses(None, None, 0)?);
    Ok(())
}
