//! `pct clone`

use super::{Verb, open};
use crate::{
    check::Args,
    door::CloneOptions,
    exit::Exit,
    failure::{Failure, ParamErrors},
    formats,
    spec::{BWLIMIT, Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "clone",
        group: Group::Existence,
        about: "Make a new container that is as another one: with copies of its volumes, or, of a template, with volumes \
                that share their content.",
        positionals: &[
            VMID,
            Param { name: "newid", about: "The number of the clone.", ..VMID }
                .candidates(Candidates::FreeVmid),
        ],
        options: &[
            BWLIMIT,
            Param::new("description", Kind::Text, "Notes on the clone."),
            Param::new("full", Kind::Bool, "Copy the volumes of a template, too."),
            Param::new("hostname", Kind::Text, "The host name of the clone.")
                .format(formats::dns_name)
                .max_len(255),
            Param::new("pool", Kind::Text, "Add the clone to this resource pool.").format(formats::pool_id),
            Param::new("snapname", Kind::Text, "Clone this snapshot.")
                .format(formats::config_id)
                .candidates(Candidates::Snapshots)
                .max_len(40),
            Param::new("storage", Kind::Text, "The storage for the volumes of a full clone.")
                .format(formats::storage_id)
                .candidates(Candidates::Storages),
            Param::new("target", Kind::Text, "The node of the cluster for the clone."),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    refuse_what_is_not_here(args)?;
    let owned = |name| args.text(name).map(str::to_owned);
    let mut options = CloneOptions::default().full(args.flag("full")).bandwidth(args.bandwidth());
    options.snapshot = owned("snapname");
    options.storage = owned("storage");
    options.hostname = owned("hostname");
    options.description = owned("description");
    let (vmid, clone) = (args.vmid()?, args.vmid_named("newid")?);
    let pct = open()?;
    task::run_interruptible(|progress| pct.container(vmid).clone_to(clone, &options, progress))
}

/// Options that are known, so that abbreviations mean what they always meant, but that nothing can fulfil here.
fn refuse_what_is_not_here(args: &Args) -> Result<(), ParamErrors> {
    let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
    if args.text("pool").is_some() {
        errors.add("pool", "there are no resource pools here");
    }
    if args.text("target").is_some_and(|node| node != "localhost") {
        errors.add("target", "there are no other nodes here");
    }
    if errors.params.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    #[test]
    fn what_nothing_can_fulfil_is_refused() {
        let errors = |words: &str| refuse_what_is_not_here(&args(&VERB.spec, words)).err();
        assert!(errors("100 101 --full --target localhost").is_none());
        let both = errors("100 101 --pool p --target n2").unwrap();
        assert_eq!(both.params.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["pool", "target"]);
    }
}
