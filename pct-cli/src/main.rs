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

fn main() -> std::process::ExitCode {
    pct::heed_children();
    let words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    dispatch::run(&words).into()
}
