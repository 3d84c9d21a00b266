//! `pct move-volume`

use super::{Verb, open};
use crate::{
    check::Args,
    door::{MoveVolumeOptions, ReassignOptions},
    exit::Exit,
    failure::{Failure, ParamErrors},
    formats,
    spec::{BWLIMIT, Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "move-volume",
        group: Group::Existence,
        about: "Move a volume to another storage, or to another container.",
        positionals: &[
            VMID,
            Param::new("volume", Kind::Text, "The key that has the volume.")
                .pattern(formats::is_volume_key)
                .type_text(VOLUME_KEYS)
                .required(),
            Param::new("storage", Kind::Text, "The storage that the volume goes to.")
                .format(formats::storage_id)
                .candidates(Candidates::Storages),
            Param {
                name: "target-vmid",
                about: "The container that gets the volume.",
                required: false,
                ..VMID
            },
            Param::new(
                "target-volume",
                Kind::Text,
                "The key that gets it there; the same when none is given.",
            )
            .pattern(formats::is_volume_key)
            .type_text(VOLUME_KEYS),
        ],
        options: &[
            BWLIMIT,
            Param::new(
                "delete",
                Kind::Bool,
                "Remove the volume from where it was. Else it becomes an unused one.",
            )
            .default("0"),
            Param::new("digest", Kind::Text, "Do nothing if the configuration has another SHA1 digest.")
                .max_len(40),
            Param::new(
                "target-digest",
                Kind::Text,
                "The same for that of the container that gets the volume.",
            )
            .max_len(40),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

const VOLUME_KEYS: &str = "<rootfs | mp[n] | unused[n]>";

fn run(args: &Args) -> Result<Exit, Failure> {
    let (vmid, key) = (args.vmid()?, args.text("volume").unwrap_or_default());
    let owned = |name| args.text(name).map(str::to_owned);
    match (args.text("storage"), args.text("target-vmid")) {
        (Some(storage), None) => {
            let mut options =
                MoveVolumeOptions::default().delete(args.is_set("delete")).bandwidth(args.bandwidth());
            options.digest = owned("digest");
            let pct = open()?;
            task::run_interruptible(|progress| {
                pct.container(vmid).move_volume(key, storage, &options, progress)
            })
        }
        (None, Some(_)) => {
            let target = args.vmid_named("target-vmid")?;
            let mut options = ReassignOptions::default();
            options.key = owned("target-volume");
            options.digest = owned("digest");
            options.target_digest = owned("target-digest");
            let pct = open()?;
            task::run(|progress| pct.container(vmid).reassign_volume(key, target, &options, progress))
        }
        (Some(_), Some(_)) => {
            Err(Failure::Message("either set storage or target-vmid, but not both".to_owned()))
        }
        (None, None) => {
            let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
            for key in ["storage", "target-vmid"] {
                errors.add(key, "both 'storage' and 'target-vmid' missing, either needs to be set");
            }
            Err(errors.into())
        }
    }
}
