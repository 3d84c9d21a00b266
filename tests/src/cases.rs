//! The conformance cases of configs under `tests/conformance/config`: what the reference makes of each input.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pct::{Vmid, config::Config};
use serde_json::Value;

/// The folder of the cases.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/config")
}

/// The container of every case.
pub fn vmid() -> Vmid {
    Vmid::new(100).unwrap()
}

/// One input with its expected results.
pub struct Case {
    /// Its folder below [`root`].
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The file.
    pub input: Vec<u8>,
    /// By step, 0 or the status of its failure.
    rc: BTreeMap<String, i32>,
}

impl Case {
    /// An expected result; `None` where the step gives none.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// As [`Case::file`], as text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.file(name).unwrap_or_default()).into_owned()
    }

    /// Whether a step fails in the reference.
    pub fn fails(&self, step: &str) -> bool {
        self.rc[step] != 0
    }

    /// The input, parsed.
    pub fn config(&self) -> Config {
        Config::parse(&self.input, vmid()).config
    }

    /// A `PCT_ROOT` in which it is the only container.
    pub fn home(&self) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("etc/pct/lxc");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.conf", vmid())), &self.input).unwrap();
        home
    }

    /// Where we do better than the reference on purpose.
    pub fn differs(&self, step: &str) -> bool {
        let holds = |line: &str| self.input.split(|&b| b == b'\n').any(|l| l.starts_with(line.as_bytes()));
        match step {
            // With these lines the reference stumbles over its own model.
            "roundtrip" | "parse" | "pctlistsnapshot" if holds("snapshots:") => true,
            "roundtrip" | "translate" if holds("lxc:") => true,
            // It matches the word anywhere in the line and so loses an unknown key.
            "roundtrip" | "parse" | "pctconfig" | "pctconfig_current" | "pctpending" | "strict" => {
                holds("xsnapstate:")
            }
            _ => false,
        }
    }
}

/// Runs one step on all cases and reports every case that fails.
pub fn for_all(step: &str, check: impl Fn(&Case) -> Result<(), String>) {
    let mut failed = Vec::new();
    let mut count = 0;
    for kind in ["valid", "invalid"] {
        let mut folders: Vec<_> =
            fs::read_dir(root().join(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        for folder in folders {
            let case = Case {
                name: format!("{kind}/{}", folder.file_name().unwrap().to_string_lossy()),
                input: fs::read(folder.join("input.conf")).unwrap(),
                rc: serde_json::from_slice(&fs::read(folder.join("rc.json")).unwrap()).unwrap(),
                folder,
            };
            if case.differs(step) {
                continue;
            }
            count += 1;
            if let Err(why) = check(&case) {
                failed.push(format!("{}: {why}", case.name));
            }
        }
    }
    assert!(count > 100, "only {count} cases");
    let (bad, list) = (failed.len(), failed.join("\n"));
    assert!(failed.is_empty(), "{step}: {bad} of {count} cases fail\n{list}");
}

/// The first line that differs.
pub fn same(ours: &[u8], theirs: &[u8]) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let lines = |bytes: &[u8]| -> Vec<String> {
        bytes.split(|&b| b == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    let at = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "<end>".into());
    Err(format!("line {}: ours {:?}, theirs {:?}", at + 1, line(&ours), line(&theirs)))
}

/// The result of a step that failed here or there.
pub fn expect<T>(must_fail: bool, ours: Result<T, String>) -> Result<(), String> {
    match ours {
        Err(_) if must_fail => Ok(()),
        Ok(_) if must_fail => Err("succeeds, must fail".into()),
        Err(error) => Err(format!("fails: {error}")),
        Ok(_) => Ok(()),
    }
}

/// The first key whose values differ.
pub fn same_fields(ours: &Value, theirs: &Value) -> Result<(), String> {
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    let mut keys: Vec<_> = ours.keys().chain(theirs.keys()).collect();
    keys.sort();
    match keys.into_iter().find(|key| ours.get(*key) != theirs.get(*key)) {
        Some(key) => Err(format!("{key}: ours {:?}, theirs {:?}", ours.get(key), theirs.get(key))),
        None => Ok(()),
    }
}

/// The first line of each finding in a `*.stderr` file, without the id of the container.
pub fn findings(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.trim_start_matches("DIE: ").strip_prefix("vm 100 - ")).collect()
}

/// Replaces what is random in the reference by its count, and what we do better on purpose.
pub fn comparable(config: &str, cpuset_is_ours: bool) -> String {
    let mut out = String::new();
    for line in config.lines() {
        match line.split_once(" = ") {
            Some(("lxc.cgroup2.cpuset.cpus", cpus)) if cpuset_is_ours => {
                let size = |part: &str| {
                    let (first, last) = part.split_once('-').unwrap_or((part, part));
                    last.parse::<u32>().unwrap() - first.parse::<u32>().unwrap() + 1
                };
                out.push_str(&format!("cpuset of {}", cpus.split(',').map(size).sum::<u32>()));
            }
            // Not a valid weight; the container would not start.
            Some(("lxc.cgroup2.cpu.weight", "0")) => out.push_str("lxc.cgroup2.cpu.weight = 1"),
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}
