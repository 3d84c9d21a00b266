//! `pct help`

use super::{Verb, visible};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    help, output,
    resolve::{self, Word},
    spec::{Group, Kind, Param, VerbSpec},
    usage::UsageError,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "help",
        group: Group::Help,
        about: "Explain a command, or all of them.",
        positionals: &[],
        options: &[Param::new(
            "verbose",
            Kind::Bool,
            "Explain everything; with 0, only show how it is written.",
        )],
        config_options: false,
        extra_args: true,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let words: Vec<_> = args.extra.iter().map(|word| word.to_string_lossy()).collect();
    output::print(&text(&words.join(" "), args.flag("verbose").unwrap_or(true))?)?;
    Ok(Exit::SUCCESS)
}

/// The help on a command word; an empty one asks for everything.
fn text(word: &str, verbose: bool) -> Result<String, UsageError> {
    if word.is_empty() {
        return Ok(if verbose { help::full_of(visible()) } else { help::lines_of(visible()) });
    }
    match resolve::word(word) {
        Word::Verb(verb) if verbose => Ok(help::full(&verb.spec)),
        Word::Verb(verb) => Ok(help::lines_of(std::iter::once(verb))),
        Word::ToCome(name) => Err(UsageError::new(format!("command '{name}' is not implemented yet"))),
        Word::Unknown => Err(UsageError::new(format!("unknown command '{word}'"))),
        Word::Ambiguous(names) => {
            let verbs = visible().filter(|verb| names.contains(&verb.spec.name));
            Ok(if verbose { help::full_of(verbs) } else { help::lines_of(verbs) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_on_everything_is_alphabetical() {
        let all = text("", true).unwrap();
        assert!(all.starts_with("USAGE: pct clone <vmid> <newid> [OPTIONS]\n\n  Make a new"), "{all}");
        let usages: Vec<_> = all.lines().filter(|line| line.starts_with("USAGE: ")).collect();
        assert_eq!(usages.len(), visible().count());
        assert!(usages.is_sorted(), "{usages:?}");
        assert!(all.ends_with("\n\n\n\n"), "an empty line after the last command's two");
    }

    #[test]
    fn the_short_form_has_one_line_a_command() {
        let lines = text("", false).unwrap();
        assert!(
            lines.starts_with(
                "USAGE: pct clone <vmid> <newid> [OPTIONS]\n       pct config <vmid> [OPTIONS]\n"
            )
        );
        assert!(lines.ends_with("       pct wait <vmid> <condition> [OPTIONS]\n\n"), "{lines}");
        assert_eq!(text("status", false).unwrap(), "USAGE: pct status <vmid> [OPTIONS]\n\n");
    }

    #[test]
    fn words_may_be_abbreviated_and_must_be_known() {
        assert_eq!(text("stat", true).unwrap(), text("status", true).unwrap());
        let several = text("sta", true).unwrap();
        assert!(several.contains("USAGE: pct start") && several.contains("USAGE: pct status"), "{several}");
        let error = |word| text(word, true).unwrap_err().render().lines().next().map(str::to_owned);
        assert_eq!(error("foo").as_deref(), Some("ERROR: unknown command 'foo'"));
        assert_eq!(error("status 100").as_deref(), Some("ERROR: unknown command 'status 100'"));
        assert_eq!(error("migrate").as_deref(), Some("ERROR: command 'migrate' is not implemented yet"));
    }
}
