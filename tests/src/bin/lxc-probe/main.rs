//! Calls of `pct::lxc` that make liblxc fork: they need a process with one thread, which a test has not. So they can be made
//! in a process that is looked at, too: see `tests/memory/`.
//!
//! ```text
//! lxc-probe VERB LXCPATH NAME [OPTION[=VALUE]]... [-- PROGRAM [ARGUMENT]...]
//! ```
//! It prints what the call returned; on failure the error and what liblxc's log says, and fails.
// It speaks to the test through its output, and by a panic where the test itself is wrong.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, clippy::panic)]

mod copies;
mod criu;
mod inside;
mod nothing;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use pct::lxc::{
    AttachCommand, AttachOptions, Container, Error, KeepEnv, Level, LogCapture, Result, StartOptions,
    StartOutcome, log,
};

/// What stands behind the name.
struct Options<'a> {
    settings: Vec<(&'a str, &'a str)>,
    command: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(words: &[&'a str]) -> Self {
        let split = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let settings = words[..split].iter().map(|word| word.split_once('=').unwrap_or((*word, "")));
        let command = words.get(split + 1..).unwrap_or_default();
        Self { settings: settings.collect(), command: command.to_vec() }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn path(&self, key: &str) -> Option<&'a Path> {
        self.get(key).map(Path::new)
    }

    fn number(&self, key: &str) -> u64 {
        self.get(key).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn arguments(&self) -> Vec<OsString> {
        self.command.iter().map(Into::into).collect()
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [verb, lxcpath, name, ref rest @ ..] = words[..] else { return ExitCode::from(2) };
    let options = Options::parse(rest);
    let capture = match options.path("log") {
        Some(file) => LogCapture::to_file(file, Level::Debug),
        None => LogCapture::to_memory(Level::Debug),
    };
    let log = capture.expect("a log");
    assert!(matches!(LogCapture::to_memory(Level::Debug), Err(Error::LogTaken { .. })), "a second capture");
    match Container::open(name, Path::new(lxcpath)).and_then(|container| run(verb, container, &options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            for cause in log::causes(&log.since(0).unwrap_or_default()) {
                println!("cause: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &str, mut container: Container, options: &Options<'_>) -> Result<()> {
    match verb {
        "start" => start(&mut container, options),
        "daemonize" => container.start_daemonized(&start_options(options)),
        "attach" => attach(&mut container, options),
        "create" | "copy" | "rename" | "destroy" | "snapshot" | "restore-snapshot" | "destroy-snapshot" => {
            copies::run(verb, container, options)
        }
        "pre-dump" | "checkpoint" | "restore" | "features" => criu::run(verb, &mut container, options),
        "nothing" => nothing::run(container),
        "ask" => {
            nothing::questions(&mut container);
            Ok(())
        }
        // As if somebody forgot to put the reference.
        "leak" => {
            std::mem::forget(container);
            Ok(())
        }
        _ => inside::run(verb, &mut container, options),
    }
}

fn start_options(options: &Options<'_>) -> StartOptions {
    let words = options.command.iter().filter_map(|word| CString::new(*word).ok()).collect::<Vec<_>>();
    StartOptions { argv: (!words.is_empty()).then_some(words), own_init: options.has("own-init") }
}

fn start(container: &mut Container, options: &Options<'_>) -> Result<()> {
    let mark = LogCapture::current().map_or(Ok(0), LogCapture::mark)?;
    let outcome = container.start_foreground(&start_options(options))?;
    println!("outcome: {outcome:?}");
    if matches!(outcome, StartOutcome::Ended(_)) {
        return Ok(());
    }
    let text = LogCapture::current().map_or(Ok(String::new()), |log| log.since(mark))?;
    log::causes(&text).iter().for_each(|cause| println!("cause: {cause}"));
    Ok(())
}

fn attach(container: &mut Container, options: &Options<'_>) -> Result<()> {
    let Some((program, rest)) = options.command.split_first() else { return Ok(()) };
    let mut command = AttachCommand::new(*program, rest.iter().map(OsString::from));
    let stderr = io::stderr();
    let mut attach = AttachOptions::default();
    for (key, value) in &options.settings {
        let number = || value.parse().ok();
        match *key {
            "env" => attach.env.extend(value.split_once('=').map(|(k, v)| (k.into(), v.into()))),
            "keep" if *value == "all" => attach.keep_env = KeepEnv::All,
            "keep" => attach.keep_env = KeepEnv::Only(value.split(',').map(Into::into).collect()),
            "cwd" => attach.cwd = Some(value.into()),
            "uid" => attach.uid = number(),
            "gid" => attach.gid = number(),
            "groups" => attach.groups = value.split(',').filter_map(|id| id.parse().ok()).collect(),
            "nnp" => attach.no_new_privs = true,
            "prefix" => command.failure_prefix = Some(value.into()),
            "stdout" => attach.stdout = Some(stderr.as_fd()),
            _ => {}
        }
    }
    let before = ignored_signals();
    let mut child = container.attach(&command, &attach)?;
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
