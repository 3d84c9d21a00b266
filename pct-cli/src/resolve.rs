//! From the command word to a verb (spec: cli, part 1.2).

use crate::{
    commands::{self, Verb},
    usage::UsageError,
};

/// Commands of the original that are not built yet. They take part in the matching, so that an abbreviation never
/// changes its meaning when one of them arrives: `pct d 100` must not destroy today what it refuses tomorrow.
const TO_COME: &[&str] = &["migrate", "remote-migrate", "restore"];

/// Second names; they never complete a prefix.
const ALIASES: &[(&str, &str)] = &[("move_volume", "move-volume")];

/// What a word stands for.
#[derive(Debug)]
pub(crate) enum Word {
    Verb(&'static Verb),
    /// One of [`TO_COME`].
    ToCome(&'static str),
    Unknown,
    /// A prefix of these, sorted.
    Ambiguous(Vec<&'static str>),
}

/// Matches a word: exactly, or as the prefix of one command only.
pub(crate) fn word(typed: &str) -> Word {
    let typed = ALIASES.iter().find(|(alias, _)| *alias == typed).map_or(typed, |(_, name)| name);
    if let Some(verb) = commands::all().find(|verb| verb.spec.name == typed) {
        return Word::Verb(verb);
    }
    let built = commands::originals().map(|verb| (verb.spec.name, Some(verb)));
    let to_come = TO_COME.iter().map(|&name| (name, None));
    let mut hits: Vec<_> = built.chain(to_come).filter(|(name, _)| name.starts_with(typed)).collect();
    if let Some(exact) = hits.iter().position(|(name, _)| *name == typed) {
        hits = vec![hits.swap_remove(exact)];
    }
    match hits.as_slice() {
        [] => Word::Unknown,
        [(_, Some(verb))] => Word::Verb(verb),
        [(name, None)] => Word::ToCome(name),
        _ => {
            let mut names: Vec<_> = hits.into_iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            Word::Ambiguous(names)
        }
    }
}

/// The verb of a command line.
pub(crate) fn verb(typed: Option<&str>) -> Result<&'static Verb, UsageError> {
    let Some(typed) = typed else {
        return Err(UsageError::new("no command specified"));
    };
    match word(typed) {
        Word::Verb(verb) => Ok(verb),
        Word::ToCome(name) => Err(UsageError::new(format!("command 'pct {name}' is not implemented yet"))),
        Word::Unknown => Err(UsageError::new(format!("unknown command 'pct {typed}'"))),
        Word::Ambiguous(_) => Err(UsageError::incomplete(typed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(typed: &str) -> String {
        match word(typed) {
            Word::Verb(verb) => verb.spec.name.to_owned(),
            Word::ToCome(name) => format!("({name})"),
            Word::Unknown => "unknown".to_owned(),
            Word::Ambiguous(names) => names.join("|"),
        }
    }

    #[test]
    fn words_match_exactly_or_as_a_unique_prefix() {
        for (typed, expected) in [
            ("status", "status"),
            ("stat", "status"),
            ("list", "list"),
            ("li", "list|listsnapshot"),
            ("lists", "listsnapshot"),
            ("r", "reboot|remote-migrate|rescan|resize|restore|resume|rollback"),
            ("reb", "reboot"),
            ("d", "delsnapshot|destroy|df"),
            ("de", "delsnapshot|destroy"),
            ("des", "destroy"),
            ("h", "help"),
            ("e", "enter|exec"),
            ("ex", "exec"),
            ("star", "start"),
            ("sto", "stop"),
            ("sh", "shutdown"),
            ("con", "config|console"),
            ("conf", "config"),
            ("cr", "create"),
            ("move", "move-volume"),
            ("move_volume", "move-volume"),
            ("move_vol", "unknown"),
            ("set", "set"),
            ("Status", "unknown"),
            ("stat.*", "unknown"),
            ("--help", "unknown"),
            ("statusx", "unknown"),
        ] {
            assert_eq!(name(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn built_and_coming_commands_together_are_those_of_the_original() {
        let mut names: Vec<_> = commands::originals().map(|verb| verb.spec.name).collect();
        names.extend(TO_COME);
        names.sort_unstable();
        let original = "clone config console cpusets create delsnapshot destroy df enter exec fsck fstrim help list \
                        listsnapshot migrate mount move-volume pending pull push reboot remote-migrate rescan resize \
                        restore resume rollback set shutdown snapshot start status stop suspend template unlock unmount";
        assert_eq!(names.join(" "), original);
    }

    #[test]
    fn the_reasons_are_those_of_the_original() {
        let reason = |typed| verb(typed).unwrap_err().render().lines().next().map(str::to_owned);
        assert_eq!(reason(None).as_deref(), Some("ERROR: no command specified"));
        assert_eq!(reason(Some("--help")).as_deref(), Some("ERROR: unknown command 'pct --help'"));
        assert_eq!(reason(Some("li")).as_deref(), Some("ERROR: incomplete command 'pct li'"));
        assert_eq!(
            reason(Some("migra")).as_deref(),
            Some("ERROR: command 'pct migrate' is not implemented yet")
        );
    }
}
