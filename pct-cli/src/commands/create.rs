//! `pct create`

use super::{Verb, open};
use crate::{
    check::Args,
    door::CreateOptions,
    exit::Exit,
    failure::{Failure, ParamErrors},
    formats,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "create",
        group: Group::Existence,
        about: "Create a container from a template.",
        positionals: &[
            VMID.candidates(Candidates::FreeVmid),
            Param::new("ostemplate", Kind::Text, "The template: an archive in a storage, or the path of one.")
                .max_len(255)
                .candidates(Candidates::Templates)
                .required(),
        ],
        options: &[
            Param::new(
                "bwlimit",
                Kind::Number { min: Some(0), max: None },
                "Read the template no faster than so many KiB per second; 0 is without limit.",
            )
            .default("the limits of the storages"),
            Param::new("force", Kind::Bool, "With --restore: overwrite an existing container.").default("0"),
            Param::new("ha-managed", Kind::Bool, "Let the cluster's high availability manager look after it.")
                .default("0"),
            Param::new("ignore-unpack-errors", Kind::Bool, "Go on when the template does not unpack cleanly.")
                .default("0"),
            Param::new(
                "password",
                Kind::Password,
                "Password of root inside, or its crypt(3) hash. Without a value it is asked for; without the option \
                 root has none and cannot log in with one.",
            )
            .min_len(5),
            Param::new("pool", Kind::Text, "Add the container to this resource pool.").format(formats::pool_id),
            Param::new("restore", Kind::Bool, "The template is a backup.").default("0"),
            Param::new(
                "ssh-public-keys",
                Kind::File,
                "A file of public keys, one a line, that may log in as root with SSH.",
            ),
            Param::new("start", Kind::Bool, "Start the container when it is made.").default("0"),
            Param::new("storage", Kind::Text, "Where volumes are made when their option names no storage.")
                .format(formats::storage_id)
                .candidates(Candidates::Storages)
                .default("local"),
            Param::new("unique", Kind::Bool, "Give the network interfaces new random addresses.")
                .requires("restore"),
        ],
        config_options: true,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = options(args)?;
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run_interruptible(|progress| pct.container(vmid).create(&options, progress))
}

fn options(args: &Args) -> Result<CreateOptions, Failure> {
    refuse_what_is_not_here(args)?;
    let template = args.text("ostemplate").unwrap_or_default();
    if template == "-" {
        return Err(Failure::Message("pipe can only be used with restore tasks".to_owned()));
    }
    let text = |name| args.text(name).map(str::to_owned);
    let mut options = CreateOptions::new(template)
        .bandwidth(args.bandwidth())
        .start(args.is_set("start"))
        .ignore_unpack_errors(args.is_set("ignore-unpack-errors"));
    options.config = args.config();
    options.storage = text("storage");
    options.password = text("password");
    options.ssh_public_keys = text("ssh-public-keys");
    Ok(options)
}

/// Options that are known, so that abbreviations mean what they always meant, but that nothing can fulfil here.
fn refuse_what_is_not_here(args: &Args) -> Result<(), ParamErrors> {
    let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
    if args.is_set("ha-managed") {
        errors.add("ha-managed", "there is no high availability manager here");
    }
    if args.text("pool").is_some() {
        errors.add("pool", "there are no resource pools here");
    }
    if args.is_set("restore") {
        errors.add("restore", "backups cannot be restored yet");
    }
    if errors.params.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests;
