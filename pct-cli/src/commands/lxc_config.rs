//! `pct lxc-config`

use std::fs;

use super::{Verb, host, open};
use crate::{
    check::Args,
    door::{LxcConfigOptions, to_bytes},
    exit::Exit,
    failure::{Failure, ParamErrors},
    output,
    spec::{Group, HOST, Kind, Param, VMID, VerbSpec},
    task::{Warnings, warn},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "lxc-config",
        group: Group::Config,
        about: "Show the liblxc configuration that a start would generate. Nothing is changed.",
        positionals: &[Param { required: false, ..VMID }],
        options: &[
            Param::new(
                "file",
                Kind::Text,
                "Translate this file instead of a container's own (- for standard input); --vmid says for which number.",
            )
            .requires("vmid")
            .ours(),
            Param {
                about: "Translate for the host that this JSON file describes instead of for this one.",
                ..HOST
            },
            Param::new(
                "seccomp-out",
                Kind::Text,
                "Write the seccomp profile to this file, if the container has one of its own.",
            )
            .ours(),
        ],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let file = source(args)?;
    let options = LxcConfigOptions::default()
        .config(file.map(super::config_file).transpose()?)
        .host(args.text("host").map(host).transpose()?);
    let vmid = args.vmid()?;
    let config = open()?.container(vmid).lxc_config(&options, &mut Warnings)?;
    if config.removed {
        warn(&format!("CT {vmid} is a template: it has no liblxc configuration"));
    }
    if let Some(path) = args.text("seccomp-out") {
        match &config.seccomp {
            Some(profile) => fs::write(path, to_bytes(profile))
                .map_err(|error| Failure::Message(format!("can't write '{path}' - {error}")))?,
            None => warn(&format!("CT {vmid} has no seccomp profile of its own: '{path}' is not written")),
        }
    }
    output::bytes(&config.to_bytes())?;
    Ok(Exit::SUCCESS)
}

/// The file to translate; `None` for the container's own.
fn source(args: &Args) -> Result<Option<&str>, ParamErrors> {
    match (args.text("file"), args.positionals) {
        (Some(_), 1..) => {
            Err(ParamErrors::one("file", "cannot be used with a container: its number is given by --vmid"))
        }
        (None, _) if args.text("vmid").is_none() => {
            Err(ParamErrors::one("vmid", "a container is missing, or --file with --vmid"))
        }
        (file, _) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    #[test]
    fn a_container_or_a_file_never_both_and_never_neither() {
        let given = |words: &str| source(&args(&VERB.spec, words)).map(|file| file.map(str::to_owned));
        assert_eq!(given("100"), Ok(None));
        assert_eq!(given("--vmid 100"), Ok(None));
        assert_eq!(given("--file /x --vmid 100"), Ok(Some("/x".to_owned())));
        for (words, param) in [("100 --file /x", "file"), ("", "vmid"), ("--seccomp-out /x", "vmid")] {
            assert_eq!(given(words).unwrap_err().params[0].0, param, "{words}");
        }
    }

    #[test]
    fn a_host_needs_three_facts_only() {
        assert!(host(r#"{"home":"standalone","liblxc":"6.0","cgroup":"v2"}"#).is_ok());
        let error = host("{}").unwrap_err();
        assert!(error.params[0].1.starts_with("describes no host - missing field"), "{error:?}");
    }
}
