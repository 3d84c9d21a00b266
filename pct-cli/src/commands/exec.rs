//! `pct exec`

use super::{Verb, become_attached, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
};

/// Shared by `exec` and `enter`.
pub(super) const KEEP_ENV: Param =
    Param::new("keep-env", Kind::Bool, "Hand the environment of this process on to the one inside.")
        .default("1");

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "exec",
        group: Group::Access,
        about: "Run a command in a running container. A -- keeps the command's options from being taken for ours.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[KEEP_ENV],
        config_options: false,
        extra_args: true,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let attach = open()?.container(args.vmid()?).exec(&args.extra).keep_env(keeps_env(args)).attach()?;
    become_attached(attach)
}

pub(super) fn keeps_env(args: &Args) -> bool {
    args.flag("keep-env").unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    #[test]
    fn the_command_is_what_stands_after_the_number() {
        let command = |words| {
            let command = args(&VERB.spec, words).extra;
            command.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        for (words, expected) in [
            ("100 ip a s dev eth0", "ip a s dev eth0"),
            ("100 hostname", "hostname"),
            ("100 -- ls -l", "ls -l"),
            ("100 -- sh -c true -- -x", "sh -c true -- -x"),
            ("100 -- [ -e /path ]", "[ -e /path ]"),
            ("100 --keep-env 0 -- env K=V bash -c x", "env K=V bash -c x"),
            ("100 df /boot --keep-env=0", "df /boot"),
            ("100", ""),
        ] {
            assert_eq!(command(words), expected, "{words}");
        }
    }

    #[test]
    fn the_environment_is_kept_unless_refused() {
        let keeps = |words| keeps_env(&args(&VERB.spec, words));
        assert!(keeps("100 -- true"));
        assert!(keeps("100 --keep-env -- true"));
        assert!(!keeps("--keep-env 0 100 true"));
        assert!(!keeps("-k=off 100 true"));
    }
}
