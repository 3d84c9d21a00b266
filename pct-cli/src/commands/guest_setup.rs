//! `pct guest-setup`

use std::path::Path;

use super::{Verb, host};
use crate::{
    check::Args,
    door::{GuestEvent, GuestSetup, GuestSetupOptions, set_up_guest},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, HOST, Kind, Param, VMID, VerbSpec},
    task::Warnings,
};

/// The words of the option, and what they mean.
const EVENTS: [(&str, GuestEvent); 5] = GuestEvent::NAMED;

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "guest-setup",
        group: Group::Config,
        about: "Set up a directory tree as the root of a container, without the container, and show which distribution and \
                architecture it holds. Nothing of the tree is run.",
        positionals: &[Param::new(
            "rootfs",
            Kind::Text,
            "The directory. Its files belong to the host's ids of the container, as an unprivileged one has them mapped.",
        )
        .required()
        .ours()],
        options: &[
            Param::new("config", Kind::Text, "The container's config file (- for standard input).")
                .required()
                .ours(),
            Param::new(
                "event",
                Kind::Enum(&[EVENTS[0].0, EVENTS[1].0, EVENTS[2].0, EVENTS[3].0, EVENTS[4].0]),
                "What happens to the container: each event has steps of its own. 'net' writes the network alone.",
            )
            .required()
            .ours(),
            Param {
                about: "Set up for the host that this JSON file describes instead of for this one.",
                ..HOST
            },
            Param::new(
                "password",
                Kind::Password,
                "For 'create': the password of root, or its crypt(3) hash. Without a value it is asked for; without the \
                 option root has none and cannot log in with one.",
            )
            .min_len(5)
            .ours(),
            Param::new("ssh-public-keys", Kind::File, "For 'create': a file of public keys that may log in as root.")
                .ours(),
            VMID,
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = options(args)?;
    let root = Path::new(args.text("rootfs").unwrap_or_default());
    let GuestSetup { ostype, arch, .. } = set_up_guest(root, args.vmid()?, &options, &mut Warnings)?;
    output::print(&format!("ostype: {ostype}\narch: {arch}\n"))?;
    Ok(Exit::SUCCESS)
}

fn options(args: &Args) -> Result<GuestSetupOptions, Failure> {
    let event = args.text("event").and_then(GuestEvent::named);
    let mut options = GuestSetupOptions::default()
        .config(super::config_file(args.text("config").unwrap_or_default())?)
        .event(event.unwrap_or_default())
        .host(args.text("host").map(host).transpose()?);
    options.password = args.text("password").map(str::to_owned);
    options.ssh_public_keys = args.text("ssh-public-keys").map(str::to_owned);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    #[test]
    fn every_event_has_its_word() {
        for (word, event) in EVENTS {
            let given = args(&VERB.spec, &format!("/x --config /dev/null --event {word} --vmid 100"));
            assert_eq!(options(&given).unwrap().event, event);
        }
    }
}
