//! `pct`: manage LXC system containers.
//!
//! A door to the library: this program turns words into calls and results into text. The way of a command line:
//! [`resolve`] finds the verb, [`argv`] applies the option grammar, [`check`] the types and limits of the verb's
//! table ([`spec`]), the verb's file below [`commands`] makes the call, [`failure`] prints what went wrong.

mod argv;
mod check;
mod commands;
mod complete;
mod dispatch;
mod door;
mod exit;
mod failure;
mod formats;
mod help;
mod input;
mod keys;
#[cfg(test)]
mod manual;
mod output;
mod password;
mod progress;
mod resolve;
#[cfg(test)]
mod shell;
mod spec;
mod structured;
mod task;
mod usage;
mod wrap;

use std::sync::Arc;

fn main() -> std::process::ExitCode {
    // A parent that ignores SIGCHLD, as many a script does, hands that on, and no child could be waited for (wait(2)).
    // Any handler is the end of that; without one, the children that matter fail with the reason.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGCHLD, Arc::default());
    let words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    dispatch::run(&words).into()
}
