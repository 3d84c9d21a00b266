//! `pct storage`, which `pvesm` is the original's name for

mod stream;

use std::fmt::Write as _;

use super::{Verb, open};
use crate::{
    check::Args,
    door::{
        Content, Pct, STORAGE_OPTIONS, StorageOption, StorageStatus, StorageValue, StorageVolume, Vmid,
        VolumeId, json, split_list,
    },
    exit::Exit,
    failure::{Failure, ParamErrors},
    output,
    spec::{Candidates, Group, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "storage",
        group: Group::Access,
        about: "Show the storages of this host and what is on them; make, find and remove single volumes, and carry them \
                from one host to another; write storages down in storage.cfg, change what stands there, and take them out.",
        positionals: &[
            Param::new(
                "action",
                Kind::Enum(&[
                    "status", "list", "alloc", "free", "path", "export", "import", "add", "set", "remove",
                ]),
                "What to do: 'status'; 'list <storage>'; 'alloc <storage> <vmid> <name> <size>' with a size in KiB, or with M \
                 or G behind it, and '' for the next free name; 'free <volume>'; 'path <volume>'; 'export <volume> <format> <file>' \
                 and 'import <volume> <format> <file>', where - is standard output and input, and the format is raw+size for an \
                 image, tar+size for a tree, or btrfs or zfs for snapshots on such a storage; 'add <type> <storage>', \
                 'set <storage>' and 'remove <storage>', which touch nothing but storage.cfg.",
            )
            .required()
            .ours(),
            Param::new("argument", Kind::Text, "What to do it with.")
                .many()
                .candidates(Candidates::StorageWords)
                .ours(),
        ],
        options: &OPTIONS,
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

/// The options that are not those of a storage.
const OWN: [Param; 9] = [
    stream::ALLOW_RENAME,
    Param::new("delete", Kind::List, "With 'set': the options that are taken out.").ours(),
    stream::DELETE_SNAPSHOT,
    Param::new("enabled", Kind::Bool, "With 'status': leave out storages that are switched off.")
        .default("0")
        .ours(),
    OUTPUT_FORMAT,
    stream::SNAPSHOT,
    Param::new("storage", Kind::Text, "With 'status': this storage only.")
        .candidates(Candidates::Storages)
        .ours(),
    Param { required: false, about: "With 'list': the volumes of this container only.", ..VMID.ours() },
    stream::WITH_SNAPSHOTS,
];

/// The options of storages that other actions take, too.
const CONTENT: &str = "content";
const FORMAT: &str = "format";

static OPTIONS: [Param; OWN.len() + STORAGE_OPTIONS.len()] = {
    let mut all = [OUTPUT_FORMAT; OWN.len() + STORAGE_OPTIONS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < OWN.len() { OWN[at] } else { written(&STORAGE_OPTIONS[at - OWN.len()]) };
        at += 1;
    }
    all
};

/// An option of a storage. What its value may be is the library's to say, where it is not one of a few words.
const fn written(option: &StorageOption) -> Param {
    let kind = match option.value {
        StorageValue::Flag => Kind::Bool,
        StorageValue::Choice(words) => Kind::Enum(words),
        StorageValue::List | StorageValue::Content => Kind::List,
        _ => Kind::Text,
    };
    let about = match option.name.as_bytes() {
        b"content" => {
            "What the storage may hold; with 'status' and 'list': show only what holds, or is, this."
        }
        b"format" => {
            "The format of new volumes of virtual machines; with 'alloc': of the volume, raw or subvol."
        }
        b"base" => {
            "The volume whose device it lies on; with 'export' and 'import': the snapshot that the receiver has already."
        }
        _ => option.about,
    };
    Param::new(option.name, kind, about).ours()
}

fn run(args: &Args) -> Result<Exit, Failure> {
    let extra = args.extra.iter().filter_map(|word| word.to_str());
    let words: Vec<&str> = args.text("argument").into_iter().chain(extra).collect();
    let action = args.text("action").unwrap_or_default();
    refuse_options_of_others(action, args)?;
    let pct = open()?;
    match (action, &words[..]) {
        ("status", []) => status(&pct, args),
        ("list", [storage]) => list(&pct, storage, args),
        ("alloc", [storage, vmid, name, size]) => allocate(&pct, [storage, vmid, name, size], args),
        ("free", [volume]) => {
            pct.remove_volume(&parse(volume)?)?;
            output::print(&format!("Removed volume '{volume}'\n"))?;
            Ok(Exit::SUCCESS)
        }
        ("path", [volume]) => {
            output::print(&format!("{}\n", pct.volume_path(&parse(volume)?)?.display()))?;
            Ok(Exit::SUCCESS)
        }
        ("export", [volume, format, file]) => stream::export(&pct, [volume, format, file], args),
        ("import", [volume, format, file]) => stream::import(&pct, [volume, format, file], args),
        ("add", [kind, storage]) => {
            pct.add_storage(kind, storage, &settings(args))?;
            Ok(Exit::SUCCESS)
        }
        ("set", [storage]) => {
            let deleted: Vec<_> =
                split_list(args.text("delete").unwrap_or_default()).map(str::to_owned).collect();
            let settings = settings(args);
            if settings.is_empty() && deleted.is_empty() {
                return Err(Failure::Message("no options specified".to_owned()));
            }
            pct.set_storage(storage, &settings, &deleted)?;
            Ok(Exit::SUCCESS)
        }
        ("remove", [storage]) => {
            pct.remove_storage(storage)?;
            Ok(Exit::SUCCESS)
        }
        (action, _) => {
            let takes = match action {
                "status" => "nothing",
                "add" => "<type> <storage>",
                "set" | "remove" => "<storage>",
                "list" => "<storage>",
                "alloc" => "<storage> <vmid> <name> <size>",
                "export" | "import" => "<volume> <format> <file>",
                _ => "<volume>",
            };
            Err(ParamErrors::one("argument", &format!("'{action}' takes {takes}")).into())
        }
    }
}

/// The options of a storage that were given, as they go to `storage.cfg`.
fn settings(args: &Args) -> Vec<(String, String)> {
    let given = |option: &StorageOption| Some((option.name.to_owned(), args.text(option.name)?.to_owned()));
    STORAGE_OPTIONS.iter().filter_map(given).collect()
}

fn refuse_options_of_others(action: &str, args: &Args) -> Result<(), ParamErrors> {
    let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
    let mut only = |name: &str, actions: &[&str]| {
        if args.text(name).is_some() && !actions.contains(&action) {
            errors.add(name, &format!("only with '{}'", actions.join("' and '")));
        }
    };
    for option in STORAGE_OPTIONS {
        match option.name {
            "base" => only("base", &["add", "set", "export", "import"]),
            CONTENT => only(CONTENT, &["add", "set", "list", "status"]),
            FORMAT => only(FORMAT, &["add", "set", "alloc"]),
            name => only(name, &["add", "set"]),
        }
    }
    only(stream::ALLOW_RENAME.name, &["import"]);
    only(stream::DELETE_SNAPSHOT.name, &["import"]);
    only(stream::SNAPSHOT.name, &["export", "import"]);
    only(stream::WITH_SNAPSHOTS.name, &["export", "import"]);
    only("delete", &["set"]);
    only("enabled", &["status"]);
    only("storage", &["status"]);
    only("vmid", &["list"]);
    only("output-format", &["list", "status"]);
    if errors.params.is_empty() { Ok(()) } else { Err(errors) }
}

/// The one content that is to be shown.
fn content(args: &Args) -> Result<Option<&str>, ParamErrors> {
    const SHOWN: [&str; 3] = ["rootdir", "images", "vztmpl"];
    match args.text(CONTENT) {
        Some(word) if !SHOWN.contains(&word) => {
            Err(ParamErrors::one(CONTENT, &format!("'{word}' is not one of {}", SHOWN.join(", "))))
        }
        word => Ok(word),
    }
}

fn parse(volume: &str) -> Result<VolumeId, ParamErrors> {
    volume.parse().map_err(|e| ParamErrors::one("argument", &format!("{e}")))
}

fn status(pct: &Pct, args: &Args) -> Result<Exit, Failure> {
    let mut found = pct.storage_status()?;
    if let Some(id) = args.text("storage") {
        found.retain(|storage| storage.id == id);
        if found.is_empty() {
            return Err(Failure::Message(format!("storage '{id}' does not exist")));
        }
    }
    let content = content(args)?;
    found.retain(|storage| {
        let holds = content.is_none_or(|content| storage.content.iter().any(|word| word == content));
        holds && (storage.enabled || !args.is_set("enabled"))
    });
    for storage in &found {
        if let Some(problem) = &storage.problem {
            output::error(format!("{problem}\n").as_ref());
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => form.render(&json::storage_status(&found)),
        None => status_table(&found),
    })?;
    Ok(Exit::SUCCESS)
}

/// Room in KiB.
fn status_table(found: &[StorageStatus]) -> String {
    let width = found.iter().map(|storage| storage.id.len()).max().unwrap_or_default().max(10);
    let mut text = format!(
        "{:<width$} {:>10} {:>10} {:>15} {:>15} {:>15} {:>8}\n",
        "Name", "Type", "Status", "Total (KiB)", "Used (KiB)", "Available (KiB)", "%"
    );
    for storage in found {
        let (state, percent) = match storage.enabled {
            false => ("disabled", "N/A".to_owned()),
            true => {
                let share = if storage.total == 0 { 0.0 } else { storage.used as f64 / storage.total as f64 };
                (if storage.is_active() { "active" } else { "inactive" }, format!("{:.2}%", share * 100.0))
            }
        };
        let [total, used, available] =
            [storage.total, storage.used, storage.available].map(|bytes| bytes / 1024);
        let (id, kind) = (&storage.id, &storage.kind);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{id:<width$} {kind:>10} {state:>10} {total:>15} {used:>15} {available:>15} {percent:>8}"
        );
    }
    text
}

fn list(pct: &Pct, storage: &str, args: &Args) -> Result<Exit, Failure> {
    let owner = args.text("vmid").map(|_| args.vmid()).transpose()?;
    let word = content(args)?;
    let content = word.map(|word| if word == "vztmpl" { Content::Templates } else { Content::Volumes });
    let mut found = pct.storage_contents(storage, content, owner)?;
    let kind = |volume: &StorageVolume| pct.content_word(volume);
    found.retain(|volume| word.is_none_or(|word| word == kind(volume)));
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => form.render(&json::storage_contents(&found, kind)),
        None => contents_table(&found, kind),
    })?;
    Ok(Exit::SUCCESS)
}

fn contents_table(found: &[StorageVolume], kind: impl Fn(&StorageVolume) -> &'static str) -> String {
    let width = found.iter().map(|volume| volume.volume.to_string().len()).max().unwrap_or_default().max(5);
    let mut text = format!("{:<width$} {:<7} {:<9} {:>15} VMID\n", "Volid", "Format", "Type", "Size");
    for volume in found {
        let id = output::visible(&volume.volume.to_string());
        let owner = volume.owner.map(|owner| owner.to_string()).unwrap_or_default();
        let line =
            format!("{id:<width$} {:<7} {:<9} {:>15} {owner}", volume.format, kind(volume), volume.size);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn allocate(pct: &Pct, [storage, vmid, name, size]: [&str; 4], args: &Args) -> Result<Exit, Failure> {
    let wrong = |text: &str| ParamErrors::one("argument", text);
    let owner: Vmid = vmid.parse().map_err(|e| wrong(&format!("{e}")))?;
    let size = kib(size).ok_or_else(|| wrong("the size is a number of KiB, or one with M or G behind it"))?;
    let made = pct.allocate_volume(storage, owner, size, args.text(FORMAT))?;
    // The name is the storage's to give: it must stay the one by which the owner is known.
    if !name.is_empty() && made.name.rsplit('/').next() != Some(name) {
        pct.remove_volume(&made)?;
        return Err(Failure::Message(format!(
            "the name '{name}' cannot be chosen: the next volume would be '{made}'; give '' as its name"
        )));
    }
    output::print(&format!("successfully created '{made}'\n"))?;
    Ok(Exit::SUCCESS)
}

/// Bytes of a size in KiB, MiB or GiB.
fn kib(text: &str) -> Option<u64> {
    let (digits, shift) = match text.strip_suffix(['M', 'G']) {
        Some(digits) => (digits, if text.ends_with('M') { 20 } else { 30 }),
        None => (text, 10),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_kib() {
        assert_eq!((kib("4"), kib("4M"), kib("1G")), (Some(4096), Some(4 << 20), Some(1 << 30)));
        for bad in ["", "M", "-1", "+1", "1K", "1.5G", "99999999999G"] {
            assert_eq!(kib(bad), None, "{bad}");
        }
    }
}
