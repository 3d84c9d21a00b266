//! Setting up guests as the reference does: every case of `conformance/setup.tar.zst` is a root file system
//! before and after (see `conformance/setup.md`). In process, and by `pct guest-setup`.

// clippy knows tests by their attribute; the helpers here are test code as well.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, lchown},
    path::{Path, PathBuf},
};

use pct::{
    guest::{self, Create, Event, Host, KeyPair, Message, Nic, Settings},
    rootfs::Rootfs,
};
use pct_tests::{Run, bins, require_root};
use sha2::{Digest, Sha256};

/// Files of which only the effect counts, not the wording.
const FREE_WORDING: [&str; 2] = ["/etc/init/", "/etc/systemd/system/proxmox-regenerate-snakeoil.service"];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: char,
    mode: String,
    owner: String,
    content: String,
}

type Tree = BTreeMap<String, Entry>;

/// Who sets the guests up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Library,
    Program,
}

#[test]
fn guests_come_out_as_the_reference_makes_them() {
    all_cases(By::Library);
}

#[test]
fn so_they_do_by_the_program() {
    all_cases(By::Program);
}

fn all_cases(by: By) {
    require_root!();
    let scratch = tempfile::tempdir().unwrap();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/setup.tar.zst");
    let mut archive = tar::Archive::new(zstd::Decoder::new(fs::File::open(packed).unwrap()).unwrap());
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(true);
    archive.unpack(scratch.path()).unwrap();
    let host_json = scratch.path().join("host.json");
    let host = host(&host_json);

    let mut cases: Vec<PathBuf> =
        fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.join("title.txt").exists());
    cases.sort();
    let mut tally = BTreeMap::<String, (u32, u32)>::new();
    let mut failures = Vec::new();
    for dir in &cases {
        let title = fs::read_to_string(dir.join("title.txt")).unwrap();
        let distribution =
            title.split(' ').next().unwrap().trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let family: String = distribution.chars().take_while(|c| !c.is_ascii_digit()).collect();
        let case = Case {
            dir,
            root: dir.join("before"),
            host: &host,
            host_json: &host_json,
            by,
            faults: Vec::new(),
        };
        let faults = case.run();
        let count = tally.entry(family).or_default();
        count.1 += 1;
        if faults.is_empty() {
            count.0 += 1;
        } else {
            let number = dir.file_name().unwrap().display();
            failures.push(format!("{number} ({}):\n  {}", title.trim(), faults.join("\n  ")));
        }
    }
    for (family, (passed, all)) in &tally {
        eprintln!("{family}: {passed} of {all}");
    }
    assert!(cases.len() > 100, "the cases are there");
    assert!(failures.is_empty(), "{} cases fail\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn what_cannot_be_meant_is_told_before_anything_is_done() {
    require_root!();
    let scratch = tempfile::tempdir().unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir_all(tree.join("etc")).unwrap();
    fs::write(tree.join("etc/alpine-release"), "3.22.1\n").unwrap();
    let set_up = |root: &Path, config: &str, words: &[&str]| {
        let path = root.to_str().unwrap();
        let all = ["guest-setup", path, "--config", "-", "--vmid", "100"];
        Run::new(bins::pct()).args(all).args(words).stdin(config).output()
    };
    let arch = "arch: amd64\n";
    set_up(Path::new("/"), arch, &["--event", "start"]).status(255).says("no root directory");
    set_up(&tree.join("none"), arch, &["--event", "start"]).status(255).says("no root directory");
    let late = set_up(&tree, arch, &["--event", "net", "--password", "sesame"]).status(255);
    late.says("password: is only set when a container is created");
    assert!(!tree.join("etc/hostname").exists());
    let other = set_up(&tree, "arch: amd64\nunprivileged: 1\n", &["--event", "start"]).ok();
    let other = other.says("belongs to 0:0, but what is written to 100000:100000");
    assert_eq!(other.out(), "ostype: alpine\narch: amd64\n");
    assert_eq!(fs::metadata(tree.join("etc/hostname")).unwrap().uid(), 100_000);
}

fn host(path: &Path) -> Host {
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Host {
        nameservers: json["resolv"]["nameservers"].as_array().unwrap().iter().filter_map(text).collect(),
        search: text(&json["resolv"]["search"]),
        timezone: text(&json["timezone"]),
        localtime: text(&json["localtime"]),
        now: json["now"].as_u64().unwrap(),
        uuid: text(&json["uuid"]),
    }
}

struct Case<'a> {
    dir: &'a Path,
    root: PathBuf,
    host: &'a Host,
    host_json: &'a Path,
    by: By,
    faults: Vec<String>,
}

/// What a guest that was set up is, and what was said about it.
struct Told {
    ostype: String,
    arch: String,
    messages: Vec<String>,
}

impl Case<'_> {
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    fn check(&mut self, right: bool, fault: impl FnOnce() -> String) {
        if !right {
            self.faults.push(fault());
        }
    }

    fn run(mut self) -> Vec<String> {
        let config = self.text("config");
        let settings = settings(&config);
        let owner = if settings.unprivileged { (100_000, 100_000) } else { (0, 0) };
        if settings.unprivileged {
            chown_all(&self.root, owner);
        }
        let root = Rootfs::open(&self.root, owner).unwrap();
        let old_crontabs = crontabs(&self.root);
        let done = match self.by {
            By::Library => self.set_up(&root, &settings),
            By::Program => self.run_program(),
        };
        let fails = self.text("rc").trim() != "0";
        let told = match done {
            Ok(told) => told,
            Err(error) => {
                self.check(fails, || format!("failed: {error}"));
                let expected = self.text("stderr");
                let expected =
                    expected.lines().find_map(|line| line.strip_prefix("DIE: ")).unwrap_or_default();
                self.check(error.contains(expected), || format!("{error} is not '{expected}'"));
                return self.faults;
            }
        };
        self.check(!fails, || "did not fail".to_owned());
        self.compare_answers(&told);
        self.compare_trees(&old_crontabs);
        self.run_again(&root, &settings);
        self.faults
    }

    fn hook(&self) -> serde_json::Value {
        serde_json::from_str(&self.text("hook.json")).unwrap()
    }

    fn set_up(&self, root: &Rootfs, settings: &Settings) -> Result<Told, String> {
        let hook = self.hook();
        let guest = guest::detect(root, settings).map_err(|error| chain(&error))?;
        let mut messages = guest.messages.clone();
        let make_key = |key_type: &str, comment: &str| {
            Ok(KeyPair {
                private: format!("FAKE PRIVATE {key_type} {comment}\n").into_bytes(),
                public: format!("FAKE PUBLIC {key_type} {comment}\n").into_bytes(),
                fingerprint: format!("SHA256:{} {comment}", "A".repeat(43)),
            })
        };
        let event = match hook["hook"].as_str().unwrap() {
            "post_create_hook" => Event::Create(Create {
                password: hook["password"].as_str(),
                ssh_public_keys: hook["ssh_keys"].as_str(),
                host_keys: Some(&make_key),
            }),
            "pre_start_hook" => Event::Start,
            "post_clone_hook" => Event::Clone,
            other => panic!("{other}"),
        };
        guest::run(root, &guest, settings, self.host, event, &mut |message| messages.push(message))
            .map_err(|error| chain(&error))?;
        let text = |message| match message {
            Message::Info(text) | Message::Warning(text) => text,
        };
        Ok(Told {
            ostype: guest.ostype.to_owned(),
            arch: guest.arch.map(str::to_owned).or(settings.arch.clone()).unwrap_or_default(),
            messages: messages.into_iter().map(text).collect(),
        })
    }

    fn run_program(&self) -> Result<Told, String> {
        let hook = self.hook();
        let event = match hook["hook"].as_str().unwrap() {
            "post_create_hook" => "create",
            "pre_start_hook" => "start",
            "post_clone_hook" => "clone",
            other => panic!("{other}"),
        };
        let mut pct = Run::new(bins::pct())
            .args([Path::new("guest-setup"), &self.root])
            .args([Path::new("--config"), &self.dir.join("config"), Path::new("--host"), self.host_json])
            .args(["--vmid", "100", "--event", event]);
        if let Some(password) = hook["password"].as_str() {
            pct = pct.args(["--password", password]);
        }
        if let Some(keys) = hook["ssh_keys"].as_str() {
            let file = self.dir.join("keys");
            fs::write(&file, keys).unwrap();
            pct = pct.args([Path::new("--ssh-public-keys"), &file]);
        }
        let out = pct.output();
        if out.status != 0 {
            return Err(out.both());
        }
        let stdout = out.out();
        let of =
            |key: &str| stdout.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
        let messages = out.err().lines().map(str::to_owned).collect();
        Ok(Told { ostype: of("ostype: "), arch: of("arch: "), messages })
    }

    fn compare_answers(&mut self, told: &Told) {
        let stdout = self.text("stdout");
        for (what, found) in [("ostype", &told.ostype), ("arch", &told.arch)] {
            let key = format!("{what} after: ");
            let expected = stdout.lines().find_map(|line| line.strip_prefix(&key)).unwrap_or_default();
            self.check(found == expected, || format!("{what} {found}"));
        }
        self.compare_messages(&told.messages);
    }

    /// The wording is free: the first words say what it is about. Of a fingerprint it is that there is one.
    fn compare_messages(&mut self, messages: &[String]) {
        let key = |text: &str| {
            let fingerprint = text.starts_with("done: SHA256:");
            text.chars().take(if fingerprint { "done: SHA256:".len() } else { 60 }).collect::<String>()
        };
        let (stdout, stderr) = (self.text("stdout"), self.text("stderr"));
        let told = stdout.lines().filter(|line| !line.contains(" after: "));
        let warned = stderr.lines().map(|line| line.strip_prefix("WARN: ").unwrap_or(line));
        let mut expected: Vec<String> = told.chain(warned).map(key).collect();
        let mut found: Vec<String> = messages.iter().map(|text| key(text)).collect();
        expected.sort();
        found.sort();
        self.check(found == expected, || format!("messages {found:?}, not {expected:?}"));
    }

    fn compare_trees(&mut self, old_crontabs: &BTreeMap<String, String>) {
        let (before, expected) =
            (manifest(&self.text("before.manifest")), manifest(&self.text("after.manifest")));
        let found = tree(&self.root);
        let plain = self.text("hook.json").contains("plain p");
        for path in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            let (Some(wanted), Some(got)) = (expected.get(path), found.get(path)) else {
                self.faults.push(format!("{path} is {:?}, not {:?}", found.get(path), expected.get(path)));
                continue;
            };
            let kept = before.get(path).is_some_and(|old| old.mode == got.mode);
            self.check(got.mode == wanted.mode || kept, || format!("{path} has mode {}", got.mode));
            self.check(got.owner == wanted.owner && got.kind == wanted.kind, || format!("{path} is {got:?}"));
            if got.content == wanted.content || FREE_WORDING.iter().any(|free| path.starts_with(free)) {
                continue;
            }
            let text = fs::read_to_string(self.root.join(&path[1..])).unwrap_or_default();
            let same = if self.by == By::Program && path.starts_with("/etc/ssh/ssh_host_") {
                text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n") || text.contains(" AAAA")
            } else if let Some(old) = old_crontabs.get(path) {
                without_minutes(old) == without_minutes(&text)
            } else if plain && path == "/etc/passwd" {
                text.lines().any(|line| line.starts_with("root:$6$"))
            } else if path == "/etc/conf.d/net" {
                sorted(&self.patched(path)) == sorted(&text)
            } else {
                false
            };
            let patched = self.patched(path);
            self.check(same, || format!("{path} is\n{text}\nnot (patch)\n{patched}"));
        }
    }

    /// The lines of a file afterwards, as far as the patch shows them.
    fn patched(&self, path: &str) -> String {
        let patch = self.text("diff.patch");
        let start = format!("diff -urN --no-dereference before{path} ");
        let of_file = patch.lines().skip_while(|line| !line.starts_with(&start)).skip(3);
        let lines = of_file.take_while(|line| !line.starts_with("diff -urN"));
        lines.filter_map(|line| line.strip_prefix(['+', ' '])).map(|line| format!("{line}\n")).collect()
    }

    /// What a start has set up, the next start leaves alone: no byte, no time stamp changes.
    fn run_again(&mut self, root: &Rootfs, settings: &Settings) {
        // A real host draws a new UUID each time; a connection that has one keeps it.
        let host = Host { uuid: None, ..self.host.clone() };
        let start = || {
            let guest = guest::detect(root, settings).unwrap();
            guest::run(root, &guest, settings, &host, Event::Start, &mut |_| {}).unwrap();
            guest::run(root, &guest, settings, &host, Event::Net, &mut |_| {}).unwrap();
            stamps(&self.root)
        };
        let (first, second) = (start(), start());
        let changed: Vec<_> = first.iter().filter(|(path, stamp)| second.get(*path) != Some(stamp)).collect();
        self.check(changed.is_empty() && first.len() == second.len(), || {
            format!("a second start changes {changed:?}")
        });
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}

fn settings(config: &str) -> Settings {
    let mut settings = Settings::default();
    for line in config.lines() {
        let (key, value) = line.split_once(": ").unwrap();
        let text = Some(value.to_owned());
        match key {
            "hostname" => settings.hostname = text,
            "nameserver" => settings.nameserver = text,
            "searchdomain" => settings.searchdomain = text,
            "timezone" => settings.timezone = text,
            "tty" => settings.tty_count = value.parse().unwrap(),
            "ostype" => settings.ostype = text,
            "arch" => settings.arch = text,
            "features" => settings.nesting = value.contains("nesting=1"),
            "unprivileged" => settings.unprivileged = value == "1",
            "memory" | "swap" | "rootfs" | "console" => {}
            net if net.starts_with("net") => settings.nets.push(nic(&net[3..], value)),
            other => panic!("{other}"),
        }
    }
    settings
}

fn nic(index: &str, value: &str) -> Nic {
    let values: BTreeMap<&str, &str> = value.split(',').map(|part| part.split_once('=').unwrap()).collect();
    Nic {
        index: index.parse().unwrap(),
        name: values["name"].to_owned(),
        ip4: values.get("ip").map(|ip| ip.parse().unwrap()),
        ip6: values.get("ip6").map(|ip| ip.parse().unwrap()),
        gw: values.get("gw").map(|gw| gw.parse().unwrap()),
        gw6: values.get("gw6").map(|gw| gw.parse().unwrap()),
    }
}

fn manifest(text: &str) -> Tree {
    let mut tree = Tree::new();
    for line in text.lines() {
        let mut words = line.splitn(5, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap();
        let path = next();
        let entry = Entry { kind: next().remove(0), mode: next(), owner: next(), content: next() };
        tree.insert(path, entry);
    }
    tree
}

fn walk(root: &Path, visit: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        visit(&path, &data);
        if data.is_dir() {
            walk(&path, visit);
        }
    }
}

fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    walk(root, &mut |path, data| {
        let (kind, mode, content) = if data.is_symlink() {
            ('l', "-".to_owned(), fs::read_link(path).unwrap().display().to_string())
        } else {
            let mode = format!("{:04o}", data.mode() & 0o7777);
            if data.is_dir() { ('d', mode, "-".to_owned()) } else { ('f', mode, sha256(path)) }
        };
        let name = format!("/{}", path.strip_prefix(root).unwrap().display());
        tree.insert(name, Entry { kind, mode, owner: format!("{}:{}", data.uid(), data.gid()), content });
    });
    tree
}

fn sha256(path: &Path) -> String {
    let mut data = Vec::new();
    fs::File::open(path).unwrap().read_to_end(&mut data).unwrap();
    Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect()
}

type Stamp = (u64, i64, i64, u32, u32);

fn stamps(root: &Path) -> BTreeMap<PathBuf, Stamp> {
    let mut stamps = BTreeMap::new();
    walk(root, &mut |path, data| {
        stamps
            .insert(path.to_owned(), (data.ino(), data.mtime(), data.mtime_nsec(), data.uid(), data.mode()));
    });
    stamps
}

fn chown_all(root: &Path, (uid, gid): (u32, u32)) {
    lchown(root, Some(uid), Some(gid)).unwrap();
    walk(root, &mut |path, _| lchown(path, Some(uid), Some(gid)).unwrap());
}

fn crontabs(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(root, &mut |path, data| {
        let name = format!("/{}", path.strip_prefix(root).unwrap().display());
        if data.is_file() && name.starts_with("/etc/cron") {
            found.insert(name, fs::read_to_string(path).unwrap());
        }
    });
    found
}

/// Crontab lines with the digits at their start masked; the number behind has to be a minute.
fn without_minutes(text: &str) -> Vec<String> {
    let masked = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &line[..line.len() - rest.len()];
        assert!(digits.is_empty() || digits.parse::<u8>().unwrap() < 60, "{line}");
        if digits.is_empty() { line.to_owned() } else { format!("N{rest}") }
    };
    text.lines().map(masked).collect()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}
