//! `pct destroy`

use super::{Verb, open};
use crate::{
    check::Args,
    door::DestroyOptions,
    exit::Exit,
    failure::Failure,
    spec::{Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "destroy",
        group: Group::Existence,
        about: "Remove a container with all of its volumes.",
        positionals: &[VMID],
        options: &[
            Param::new(
                "destroy-unreferenced-disks",
                Kind::Bool,
                "Also remove volumes in enabled storages that bear its number and are in no configuration.",
            ),
            Param::new("force", Kind::Bool, "Remove it even if it runs.").default("0"),
            Param::new("purge", Kind::Bool, "Also remove it from jobs that name it.").default("0"),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = options(args);
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| pct.container(vmid).destroy(&options, progress))
}

fn options(args: &Args) -> DestroyOptions {
    DestroyOptions::default()
        .force(args.is_set("force"))
        .purge(args.is_set("purge"))
        .destroy_unreferenced_disks(args.is_set("destroy-unreferenced-disks"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    fn read(words: &str) -> (bool, bool, bool) {
        let options = options(&args(&VERB.spec, words));
        (options.force, options.purge, options.destroy_unreferenced_disks)
    }

    #[test]
    fn one_letter_is_enough_for_force() {
        for words in ["100 -f", "-f 1 100", "100 --force=1", "--forc yes 100"] {
            assert_eq!(read(words), (true, false, false), "{words}");
        }
        assert_eq!(read("100 --purge --force --destroy-unreferenced-disks"), (true, true, true));
        assert_eq!(read("100"), (false, false, false));
    }
}
