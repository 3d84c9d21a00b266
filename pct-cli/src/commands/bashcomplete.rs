//! `pct bashcomplete <command> <word> <word before>`: what bash's `complete -C` asks (spec: cli, part 2.3).

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
};

use super::{Hidden, open};
use crate::{
    argv::Dialect,
    complete::{Line, candidates},
    door::{Content, Error, PendingKey, Status, StreamFormat, Vmid, pending_keys, storage_types},
    exit::Exit,
    failure::Failure,
    output,
    spec::Candidates,
};

pub(super) static VERB: Hidden = Hidden { name: "bashcomplete", run };

fn run(words: &[OsString]) -> Result<Exit, Failure> {
    output::print(&answer(words).unwrap_or_default())?;
    Ok(Exit::SUCCESS)
}

/// A candidate a line; nothing when it was not a shell that asked.
fn answer(words: &[OsString]) -> Option<String> {
    let [_, shown, _, ..] = words else { return None };
    let line = env::var_os("COMP_LINE")?;
    let point: usize = env::var("COMP_POINT").ok()?.parse().ok()?;
    let before = line.as_bytes().get(..point).unwrap_or(line.as_bytes());
    let Line { words, current } = Line::split(before);
    let (current, words) = (current.to_str()?, words.get(1..)?);
    // Where a word holds a character of COMP_WORDBREAKS, bash replaces only what follows it.
    let head = shown.to_str().and_then(|shown| current.strip_suffix(shown)).unwrap_or_default();
    let found = candidates(words, current, Dialect::of_environment(), &|kind, words| {
        // Nobody wants to read an error in the middle of typing.
        of_host(kind, words).unwrap_or_default()
    });
    let printable = |candidate: &&str| !candidate.contains(char::is_control);
    let rests = found.iter().filter_map(|candidate| candidate.strip_prefix(head)).filter(printable);
    Some(rests.flat_map(|rest| [rest, "\n"]).collect())
}

/// What this host has of a kind.
fn of_host(kind: Candidates, words: &[OsString]) -> Result<Vec<String>, Error> {
    let container = words.first().map(OsString::as_os_str);
    let vmids = |wanted: fn(&Status) -> bool| {
        let containers = open()?.list()?.containers;
        Ok(containers.iter().filter(|status| wanted(status)).map(|status| status.vmid.to_string()).collect())
    };
    match kind {
        Candidates::None => Ok(Vec::new()),
        Candidates::Containers => all_containers(),
        Candidates::Running => vmids(|status| status.running && !status.template),
        Candidates::Startable => vmids(|status| !status.running && !status.template),
        Candidates::FreeVmid => Ok(open()?.free_vmid().iter().map(Vmid::to_string).collect()),
        Candidates::Templates => templates(),
        Candidates::Storages => open()?.storages(Content::Volumes),
        Candidates::StorageWords => storage_words(words),
        Candidates::Snapshots => match named(container) {
            Some(vmid) => open()?.container(vmid).snapshot_names(),
            None => Ok(Vec::new()),
        },
        Candidates::Keys => keys(container, |_| true),
        Candidates::Disks => keys(container, |found| {
            let number = found.key.strip_prefix("mp").unwrap_or_default();
            found.key == "rootfs" || number.starts_with(|c: char| c.is_ascii_digit())
        }),
        Candidates::PendingKeys => keys(container, |key| key.pending.is_some() || key.deletion.is_some()),
    }
}

/// No volumes: a storage would be mounted or activated to list them.
fn storage_words(words: &[OsString]) -> Result<Vec<String>, Error> {
    let words: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        ["add"] => Ok(storage_types().map(str::to_owned).collect()),
        ["alloc" | "list" | "remove" | "set"] => open()?.storage_ids(),
        ["alloc", _] => all_containers(),
        ["export" | "import", _] => Ok(StreamFormat::ALL.iter().map(StreamFormat::to_string).collect()),
        _ => Ok(Vec::new()),
    }
}

fn named(container: Option<&OsStr>) -> Option<Vmid> {
    container.and_then(OsStr::to_str)?.parse().ok()
}

fn keys(container: Option<&OsStr>, wanted: fn(&PendingKey<'_>) -> bool) -> Result<Vec<String>, Error> {
    let Some(vmid) = named(container) else { return Ok(Vec::new()) };
    let config = open()?.container(vmid).load()?.config;
    Ok(pending_keys(&config).iter().filter(|key| wanted(key)).map(|found| found.key.to_owned()).collect())
}

/// Those whose config cannot be read, too: they can be named.
fn all_containers() -> Result<Vec<String>, Error> {
    let listing = open()?.list()?;
    let sound = listing.containers.iter().map(|status| status.vmid);
    let mut vmids: Vec<Vmid> = sound.chain(listing.errors.iter().map(|(vmid, _)| *vmid)).collect();
    vmids.sort_unstable();
    Ok(vmids.iter().map(Vmid::to_string).collect())
}

/// A storage that cannot be read does not hide the others.
fn templates() -> Result<Vec<String>, Error> {
    let pct = open()?;
    let storages = pct.storages(Content::Templates)?;
    let volumes = storages.iter().filter_map(|storage| pct.templates(storage).ok()).flatten();
    Ok(volumes.map(|volume| volume.to_string()).collect())
}
