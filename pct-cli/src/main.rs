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
    let mut words = std::env::args_os();
    let name = words.next();
    let mut words: Vec<std::ffi::OsString> = words.collect();
    // The name by which scripts know this verb.
    if name.is_some_and(|name| std::path::Path::new(&name).file_name() == Some("pvesm".as_ref())) {
        // All of its actions are on one page.
        match words.first() {
            Some(first) if first == "help" => words = vec!["help".into(), "storage".into()],
            _ => words.insert(0, "storage".into()),
        }
    }
    dispatch::run(&words).into()
}
