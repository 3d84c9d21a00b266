//! The conformance cases under `conformance/set`: a command line, the config before and after, and what is printed.
//! In process on the described host, and through the program on this one.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pct::{
    changes::{Changes, Script, Volumes, apply_stopped, stage},
    config::{Config, MountPoint, Size, VolumeId, digest, split_list, text},
    facts::HostFacts,
    translate::translate,
};
use pct_tests::{
    Run, bins,
    cases::{self, same, vmid},
    require_root,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/set")
}

struct Case {
    name: String,
    args: Vec<String>,
    input: Vec<u8>,
    after: Vec<u8>,
    stdout: String,
    stderr: String,
    fails: bool,
}

fn all() -> Vec<Case> {
    let mut folders: Vec<_> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let case = |folder: PathBuf| {
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8(read(name)).unwrap();
        Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            args: serde_json::from_slice(&read("args.json")).unwrap(),
            input: read("input.conf"),
            after: read("after.conf"),
            stdout: text("stdout"),
            stderr: text("stderr"),
            fails: text("rc").trim() != "0",
        }
    };
    let cases: Vec<_> = folders.into_iter().map(case).collect();
    assert!(cases.len() > 80, "only {} cases", cases.len());
    cases
}

fn for_all(check: impl Fn(&Case) -> Result<(), String>) {
    let failed: Vec<_> = all()
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case.name)))
        .collect();
    assert!(failed.is_empty(), "{} cases fail\n{}", failed.len(), failed.join("\n"));
}

impl Case {
    /// The addresses of interfaces are compared where the command names them.
    fn comparable(&self, conf: &[u8]) -> Vec<u8> {
        let drawn: Vec<_> = self
            .args
            .windows(2)
            .filter(|pair| pair[0].starts_with("--net") && !pair[1].contains("hwaddr="))
            .map(|pair| format!("{}: ", &pair[0][2..]))
            .collect();
        let mut out = String::new();
        for line in text::from_bytes(conf).lines() {
            // A line without a value: the reference writes one and loses it at the next load. Here the key is gone.
            if line.strip_suffix(": ").is_some_and(|key| !key.contains([' ', ':'])) {
                continue;
            }
            let masked = |part: &str| part.replace(|_: char| part.starts_with("hwaddr="), "x");
            match drawn.iter().any(|key| line.starts_with(key)) {
                true => out.push_str(&line.split(',').map(masked).collect::<Vec<_>>().join(",")),
                false => out.push_str(line),
            }
            out.push('\n');
        }
        text::to_bytes(&out).into_owned()
    }

    /// What `pct set` is asked for; `None` when the words are wrong by the grammar of options alone.
    fn changes(&self) -> Option<Changes> {
        let (verb, words) = self.args.split_first()?;
        let (id, words) = words.split_first()?;
        if verb != "set" || *id != vmid().to_string() || words.len() % 2 != 0 {
            return None;
        }
        let mut changes = Changes::default();
        let mut set = BTreeMap::new();
        for pair in words.chunks(2) {
            let (key, value) = (pair[0].strip_prefix("--")?, pair[1].clone());
            let list = || split_list(&value).map(str::to_owned).collect::<Vec<_>>();
            match key {
                "delete" => changes.delete.extend(list()),
                "revert" => changes.revert.extend(list()),
                "digest" => changes.digest = Some(value),
                "parent" | "snaptime" => return None,
                _ => drop(set.insert(key.to_owned(), value)),
            }
        }
        changes.set = set.into_iter().collect();
        Some(changes)
    }
}

/// The storages of the described host, which hold nothing.
struct Storages<'a>(&'a HostFacts);

impl Volumes for Storages<'_> {
    fn holds_containers(&mut self, storage: &str) -> Result<bool, String> {
        let storage =
            self.0.storages.get(storage).ok_or_else(|| format!("storage '{storage}' does not exist"))?;
        Ok(storage["content"].as_array().unwrap().iter().any(|content| content == "rootdir"))
    }

    fn script(&mut self, script: &VolumeId) -> Result<Script, String> {
        Ok(if script.name.starts_with("snippets/") { Script::Missing } else { Script::NoSnippet })
    }

    fn allocate(&mut self, point: &MountPoint) -> Result<MountPoint, String> {
        Err(format!("nothing is made on a described host: {point}"))
    }

    fn size(&mut self, volume: &VolumeId) -> Result<Size, String> {
        Err(format!("volume '{volume}' does not exist"))
    }

    fn free(&mut self, _: &VolumeId) -> Result<bool, String> {
        Ok(true)
    }
}

/// As [`pct::Container::set`] does it: the file after, and what is told.
fn set(case: &Case, changes: &Changes, host: &HostFacts) -> (Vec<u8>, Result<Vec<String>, String>) {
    let mut config = Config::parse(&case.input, vmid()).config;
    let mut storages = Storages(host);
    let changed = || -> Result<Vec<String>, String> {
        let told = |error: &dyn std::error::Error| error.to_string();
        changes.check().map_err(|e| told(&e))?;
        if let Some(lock) = config.main().lock() {
            return Err(format!("CT is locked ({lock})"));
        }
        changes.check_digest(&digest(&case.input)).map_err(|e| told(&e))?;
        let staged = stage(&mut config, changes, vmid(), host, &mut storages).map_err(|e| told(&e))?;
        let applied = apply_stopped(&mut config, Some(&staged.keys), vmid(), host, &mut storages);
        match applied.failures.first() {
            Some((key, why)) => Err(format!("{key}: {why}")),
            None => Ok(staged.warnings),
        }
    };
    match { changed }() {
        Ok(warnings) => {
            let result = translate(vmid(), config.main(), host).map(|_| warnings).map_err(|e| e.to_string());
            (config.to_bytes().unwrap(), result)
        }
        Err(error) => (case.input.clone(), Err(error)),
    }
}

#[test]
fn changes_of_a_stopped_container_are_those_of_the_reference() {
    let host: HostFacts =
        serde_json::from_slice(&fs::read(cases::root().join("host.json")).unwrap()).unwrap();
    let count = std::cell::Cell::new(0);
    for_all(|case| {
        let Some(changes) = case.changes() else { return Ok(()) };
        count.set(count.get() + 1);
        let (after, told) = set(case, &changes, &host);
        same(&case.comparable(&after), &case.comparable(&case.after))?;
        match told {
            Ok(warnings) if !case.fails => {
                same(warnings.join("\n").as_bytes(), case.stderr.trim_end().as_bytes())
            }
            Ok(_) => Err("succeeds, must fail".to_owned()),
            Err(error) if !case.fails => Err(format!("fails: {error}")),
            Err(error) => match error.lines().find(|line| !case.stderr.contains(line)) {
                Some(line) => Err(format!("ours {line:?}, theirs {:?}", case.stderr)),
                None => Ok(()),
            },
        }
    });
    assert!(count.get() > 60, "only {} cases of set", count.get());
}

/// Where this program has words of its own, or has not got the verb.
fn differs(case: &Case) -> bool {
    match case.args[0].as_str() {
        // The texts of the help.
        "help" => true,
        // The list of the verbs that there are.
        "s" => true,
        "template" => true,
        // It takes containers.
        "list" => case.args.len() > 1,
        _ => false,
    }
}

/// Whether the outcome depends on what this machine has and the described one has not, or the other way round.
fn depends_on_the_host(case: &Case) -> bool {
    let device = |word: &String| {
        let path = word.split(',').next().unwrap_or_default();
        path.starts_with("/dev/") && !Path::new(path).exists()
    };
    let units = case.args.iter().any(|word| word == "--cpuunits")
        && !Path::new("/sys/fs/cgroup/cgroup.procs").exists();
    units || case.args.iter().any(|word| word.contains("mtu=") || device(word))
}

/// How it is told that the described host has a bridge and this one not, after the config has been written.
const BRIDGE: &str = "bridge '";

/// What is told, for comparison: the reference has no order for what is wrong with several parameters.
fn told(stderr: &str) -> String {
    let mut lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with(BRIDGE)).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn the_program_does_the_same_and_prints_what_the_reference_prints() {
    require_root!();
    for_all(|case| {
        let nul = case.args.iter().any(|word| word.contains('\0'));
        if nul || differs(case) || depends_on_the_host(case) {
            return Ok(());
        }
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("etc/pct/lxc");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("100.conf"), &case.input).unwrap();
        let out =
            Run::new(bins::pct()).args(&case.args).env("PCT_ROOT", home.path()).env("TZ", "UTC").output();
        same(&out.stdout, case.stdout.as_bytes())?;
        let after = fs::read(folder.join("100.conf")).unwrap();
        same(&case.comparable(&after), &case.comparable(&case.after))?;
        let err = out.err();
        same(told(&err).as_bytes(), told(&case.stderr).as_bytes())?;
        let only_the_bridge = err.lines().last().is_some_and(|line| line.starts_with(BRIDGE));
        match (out.status != 0, case.fails) {
            (ours, theirs) if ours == theirs || only_the_bridge => Ok(()),
            _ => Err(format!("exit status {}", out.status)),
        }
    });
}
