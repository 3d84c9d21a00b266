//! From the words of a command line to an exit status.

use std::{
    ffi::{OsStr, OsString},
    io::{self, IsTerminal as _},
};

use crate::{
    argv::{self, Dialect},
    check,
    commands::{self, Verb},
    exit::Exit,
    failure::Failure,
    help, input, output, resolve,
};

/// Runs one command line, without the program's name.
pub(crate) fn run(words: &[OsString]) -> Exit {
    let (first, rest) = match words.split_first() {
        Some((first, rest)) => (Some(first.to_string_lossy()), rest),
        None => (None, words),
    };
    let (result, verb) = match first.as_deref().and_then(commands::hidden) {
        Some(hidden) => ((hidden.run)(rest), None),
        None => match resolve::verb(first.as_deref()) {
            Ok(verb) => (run_verb(verb, rest), Some(verb)),
            Err(error) => (Err(error.into()), None),
        },
    };
    result.unwrap_or_else(|failure| tell(&failure, verb))
}

fn run_verb(verb: &Verb, words: &[OsString]) -> Result<Exit, Failure> {
    let scan = argv::scan(&verb.spec, words, Dialect::of_environment());
    if scan.help {
        output::print(&help::full(&verb.spec))?;
        return Ok(Exit::SUCCESS);
    }
    if verb.spec.needs_root && !rustix::process::geteuid().is_root() {
        return Err(Failure::Message("please run as root".to_owned()));
    }
    let mut parsed = argv::bind(&verb.spec, scan)?;
    input::read_files(&verb.spec, &mut parsed)?;
    let for_people = io::stderr().is_terminal();
    let mut args = check::check(&verb.spec, parsed)
        .map_err(|errors| if for_people { errors } else { errors.without_hints() })?;
    input::ask_passwords(&verb.spec, &mut args)?;
    (verb.run)(&args)
}

fn tell(failure: &Failure, verb: Option<&Verb>) -> Exit {
    let (text, exit) = failure.tell(verb.map(|verb| &verb.spec));
    output::error(OsStr::new(&text));
    exit
}
