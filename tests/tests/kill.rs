//! Operations are killed, with all their processes, at each of the system calls that change something, and each of these is made
//! to fail once. The container is then as before or as after, or its config has the lock that says what was being
//! done; nothing lies about that no config names; and the usual verbs bring it home.
//!
//! The calls are counted in a run of their own. When there are more than a few of a kind in one process, such as those of
//! unpacking, only some are tried: see [`trace::sampled`].

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use pct_tests::{
    Ct, Host, Run,
    archive::{Archive, Compression, Member},
    bins,
    disk::Disk,
    require_root,
    trace::{self, Errno, Plan, Traced},
};

/// So many calls of one kind in one process are all tried.
const MOST: usize = 4;

/// Something that is done to a container.
struct Operation {
    name: &'static str,
    /// Calls that make what the operation needs. `ID` stands for the container, `NEW` for one to come, `TEMPLATE` for a
    /// template.
    set_up: &'static [&'static str],
    words: &'static str,
    /// What stands in a config while it works, as the value of `lock`.
    locks: &'static [&'static str],
    /// What is done to one that broke off, when its lock is taken away and before it is destroyed.
    home: &'static [&'static str],
    /// Whether it removes volumes: those may then be gone while the config still names them, and to call it again
    /// completes it.
    removes: bool,
    /// Whether it makes a volume without a lock in the config: that is noted there as unused, before it is there.
    notes: bool,
}

impl Operation {
    const fn new(name: &'static str, set_up: &'static [&'static str], words: &'static str) -> Self {
        Self { name, set_up, words, locks: &[], home: &[], removes: false, notes: false }
    }
}

const CREATE: &str = "create ID TEMPLATE --rootfs local:0 --mp0 local:0.02,mp=/data";
/// On the btrfs, a subvolume and an image.
const CREATE_FAST: &str = "create ID TEMPLATE --rootfs fast:0 --mp0 fast:0.02,mp=/data";

/// What a container is, on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// By the number of the container, without what depends on the clock.
    configs: BTreeMap<String, String>,
    /// By their ids; a snapshot of one is `<volume>@<snapshot>`.
    volumes: BTreeSet<String>,
    /// What only the operation itself knows what to do with, for as long as its lock is set.
    unfinished: BTreeSet<String>,
}

impl Seen {
    /// The volumes that no line of a config names.
    fn orphans(&self) -> Vec<&String> {
        let named = |volume: &String| {
            let (volume, snapshot) = volume.split_once('@').unwrap_or((volume, ""));
            self.configs.values().any(|config| {
                let words = config.split(|c: char| c.is_whitespace() || c == ',' || c == '=');
                let section = format!("[{snapshot}]");
                words.into_iter().any(|word| word == volume)
                    && (snapshot.is_empty() || config.contains(&section))
            })
        };
        self.volumes.iter().filter(|volume| !named(volume)).collect()
    }

    /// The value of `lock`, by container.
    fn locks(&self) -> Vec<(&str, &str)> {
        let lock = |config: &'_ str| config.lines().position(|line| line.starts_with("lock: "));
        let locked = self.configs.iter().filter_map(|(id, config)| {
            let line = config.lines().nth(lock(config)?)?;
            Some((id.as_str(), line.strip_prefix("lock: ")?))
        });
        locked.collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Before,
    After,
    Locked,
    /// Some of the volumes that are to go are gone.
    Begun,
    /// The new volume is noted as unused.
    Noted,
}

/// How often each came out.
#[derive(Default)]
struct Counts {
    tried: usize,
    missed: usize,
    outcomes: [usize; 5],
}

/// An operation on a container, which can be repeated.
struct Scene<'a> {
    operation: &'a Operation,
    ct: Ct<'a>,
    new: Ct<'a>,
    template: PathBuf,
    /// What the host holds before.
    saved: tempfile::TempDir,
    /// The btrfs, where the operation is about one.
    disk: Option<Disk>,
    before: Seen,
    after: Seen,
}

impl<'a> Scene<'a> {
    fn new(operation: &'a Operation, host: &'a Host) -> Self {
        let saved = tempfile::tempdir_in(host.scratch()).unwrap();
        let template = template(host);
        let is_fast = operation.set_up.contains(&CREATE_FAST);
        let fast = host.root().join("fast");
        let disk = is_fast.then(|| Disk::new(&host.scratch(), &fast, "btrfs", 256 << 20));
        let kind = if is_fast { "btrfs" } else { "dir" };
        host.storages(&format!(
            "{kind}: fast\n\tpath {}\n\tcontent rootdir\n\ndir: other\n\tpath {}\n\tcontent rootdir\n",
            fast.display(),
            host.root().join("var/other").display()
        ));
        let (ct, new) = (host.ct(), host.ct());
        let (before, after) = (Seen::default(), Seen::default());
        let mut scene = Self { operation, ct, new, template, saved, disk, before, after };
        for words in operation.set_up {
            host.pct(&scene.words(words).iter().map(String::as_str).collect::<Vec<_>>()).ok();
        }
        for folder in ["etc", "var", "run"] {
            let folder = host.root().join(folder);
            fs::create_dir_all(&folder).unwrap();
            Run::new("/bin/cp").args(["-a".as_ref(), &*folder, scene.saved.path()]).ok();
        }
        if let Some(disk) = &scene.disk {
            disk.keep();
        }
        scene.before = scene.look();
        scene
    }

    fn words(&self, words: &str) -> Vec<String> {
        let template = self.template.to_str().unwrap();
        let one = |word| match word {
            "ID" => self.ct.id.clone(),
            "NEW" => self.new.id.clone(),
            "TEMPLATE" => template.to_owned(),
            word => word.to_owned(),
        };
        words.split(' ').map(one).collect()
    }

    fn reset(&self) {
        let root = self.ct.host().root();
        for folder in ["etc", "var", "run"] {
            fs::remove_dir_all(root.join(folder)).unwrap();
            Run::new("/bin/cp").args(["-a".as_ref(), &*self.saved.path().join(folder), root]).ok();
        }
        if let Some(disk) = &self.disk {
            disk.put_back();
        }
    }

    fn traced(&self, plan: Plan) -> Traced {
        let mut command = Command::new(bins::pct());
        command.args(self.words(self.operation.words));
        command.env("PCT_ROOT", self.ct.host().root()).env("LC_ALL", "C");
        trace::run(&command, plan)
    }

    fn look(&self) -> Seen {
        let host = self.ct.host();
        let mut seen = Seen::default();
        let places = [
            ("local", host.storage()),
            ("fast", host.root().join("fast")),
            ("other", host.root().join("var/other")),
        ];
        for ct in [&self.ct, &self.new] {
            if let Ok(config) = fs::read_to_string(ct.conf()) {
                let lines = config.lines().filter(|line| !line.starts_with("snaptime: "));
                seen.configs.insert(ct.id.clone(), lines.map(|line| format!("{line}\n")).collect());
            }
            for (storage, place) in &places {
                let entries = fs::read_dir(place.join("images").join(&ct.id)).into_iter().flatten();
                for entry in entries {
                    let entry = entry.unwrap().file_name().into_string().unwrap();
                    if entry.contains(".tmp.") {
                        seen.unfinished.insert(entry);
                    } else {
                        seen.volumes.insert(format!("{storage}:{}/{}", ct.id, volume(&entry)));
                    }
                }
            }
        }
        seen
    }

    /// What has become of the container; an error when it is none of what it may be.
    fn outcome(&self, seen: &Seen) -> Result<Outcome, String> {
        let orphans = seen.orphans();
        if !orphans.is_empty() {
            return Err(format!("no config names {orphans:?}: {seen:?}"));
        }
        if *seen == self.before {
            return Ok(Outcome::Before);
        }
        // What only takes room is cleared by whoever comes next.
        if (Seen { unfinished: BTreeSet::new(), ..seen.clone() }) == self.after {
            return Ok(Outcome::After);
        }
        let locks = seen.locks();
        if !locks.is_empty() && locks.iter().all(|(_, lock)| self.operation.locks.contains(lock)) {
            return Ok(Outcome::Locked);
        }
        if !seen.unfinished.is_empty() {
            return Err(format!("left unfinished without a lock: {seen:?}"));
        }
        let fewer = seen.volumes.is_subset(&self.before.volumes);
        if self.operation.removes && seen.configs == self.before.configs && fewer {
            return Ok(Outcome::Begun);
        }
        let without_notes: BTreeMap<_, _> = seen
            .configs
            .iter()
            .map(|(id, config)| {
                let lines = config.lines().filter(|line| !line.starts_with("unused"));
                (id.clone(), lines.map(|line| format!("{line}\n")).collect::<String>())
            })
            .collect();
        if self.operation.notes && without_notes == self.before.configs {
            return Ok(Outcome::Noted);
        }
        Err(format!("neither before nor after: {seen:?}"))
    }

    fn on_the_machine(&self) -> BTreeSet<String> {
        let found = self.ct.host().state().only(&["mount", "loop", "process"]).found;
        // Not the disk itself.
        let disk = self.ct.host().root().join("fast").display().to_string();
        let is_disk = |line: &String| line.contains("fast.btrfs") || line.contains(&format!("{disk} btrfs"));
        found.into_iter().filter(|line| self.disk.is_none() || !is_disk(line)).collect()
    }

    /// What of it is on the machine beside files, when it has had time to go.
    fn left(&self) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let left = self.on_the_machine();
            if left.is_empty() || Instant::now() > end {
                return left.into_iter().collect::<Vec<_>>().join(", ");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Goes on as a user would, until nothing is there.
    fn bring_home(&self, outcome: Outcome) -> Result<(), String> {
        let pct = |words: &str| {
            let output =
                self.ct.host().pct(&self.words(words).iter().map(String::as_str).collect::<Vec<_>>());
            let output = output.output();
            if output.status == 0 { Ok(()) } else { Err(format!("then `{words}` failed: {}", output.both())) }
        };
        match outcome {
            Outcome::Before | Outcome::Begun => {
                pct(self.operation.words)?;
                let seen = self.look();
                if seen != self.after {
                    return Err(format!("another call has made {seen:?}"));
                }
            }
            // It is done with another volume, and the noted one stays until somebody removes it.
            Outcome::Noted => pct(self.operation.words)?,
            Outcome::Locked => {
                for (id, _) in self.look().locks() {
                    pct(&format!("unlock {id}"))?;
                }
                for words in self.operation.home {
                    pct(words)?;
                }
            }
            Outcome::After => {}
        }
        for id in [&self.new.id, &self.ct.id] {
            if self.look().configs.contains_key(id) {
                pct(&format!("destroy {id}"))?;
            }
        }
        let seen = self.look();
        if seen == Seen::default() { Ok(()) } else { Err(format!("destroyed, but there is {seen:?}")) }
    }

    /// Runs it as planned, and tells what is wrong then.
    fn attempt(&self, plan: Plan, counts: &mut Counts) -> Result<(), String> {
        self.reset();
        let traced = self.traced(plan);
        counts.tried += 1;
        let at = |at: usize| traced.steps.get(at).map_or("not reached".to_owned(), ToString::to_string);
        let step = match plan {
            Plan::Kill(n) => format!("killed at step {n}, {}: ", at(n)),
            Plan::Fail(n, errno) => format!("{errno:?} at step {n}, {}: ", at(n)),
            Plan::Count => String::new(),
        };
        let wrong = |fault: &str| Err(format!("{step}{fault}\n{}", traced.output));
        if traced.hung {
            return wrong("it hangs");
        }
        // How processes take turns may differ from run to run.
        counts.missed += usize::from(!traced.reached);
        let outcome = match self.outcome(&self.look()) {
            Ok(outcome) => outcome,
            Err(fault) => return wrong(&fault),
        };
        counts.outcomes[outcome as usize] += 1;
        let told = traced.status.is_some_and(|status| status != 0);
        if traced.status == Some(0) && outcome != Outcome::After {
            return wrong(&format!("told as done, but {outcome:?}"));
        }
        if told && outcome == Outcome::After {
            return wrong("told as failed, but all is done");
        }
        if told && traced.output.is_empty() {
            return wrong("it fails and does not say why");
        }
        let left = self.left();
        if !left.is_empty() {
            return wrong(&format!("left on the machine: {left}"));
        }
        self.bring_home(outcome).or_else(|fault| wrong(&format!("{outcome:?}; {fault}")))
    }
}

/// The name of a volume, by its entry in the folder of its container.
fn volume(entry: &str) -> String {
    let (name, snapshot) = entry.split_once('@').map_or((entry, None), |(name, s)| (name, Some(s)));
    let end = if name.ends_with(".raw") || name.ends_with(".subvol") { "" } else { ".raw" };
    snapshot.map_or_else(|| format!("{name}{end}"), |snapshot| format!("{name}{end}@{snapshot}"))
}

/// The least that set-up knows.
fn template(host: &Host) -> PathBuf {
    let path = host.scratch().join(format!("tiny{}", Compression::Zstd.suffix()));
    let mut archive = Archive::default();
    for folder in ["./", "./bin", "./sbin", "./etc", "./etc/network", "./dev", "./proc", "./data", "./root"] {
        archive.add(Member::dir(folder));
    }
    // Of the shell only the beginning is looked at.
    let program = fs::read("/bin/busybox").expect("/bin/busybox: apt-get install busybox-static");
    archive.add(Member::file("./bin/sh", &program[..4096]).mode(0o755));
    archive.add(Member::symlink("./sbin/init", "/bin/sh"));
    archive.add(Member::file("./etc/alpine-release", "3.19.1\n"));
    archive.add(Member::file("./etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"));
    archive.add(Member::file("./etc/shadow", "root:*::0:::::\n").mode(0o640));
    archive.write(&path);
    path
}

/// What to do at a step.
type Planned = fn(usize) -> Plan;

/// Tries every step, and prints what came out.
fn everywhere(operation: &Operation) {
    let host = Host::new();
    let mut scene = Scene::new(operation, &host);
    let recorded = scene.traced(Plan::Count);
    assert_eq!(recorded.status, Some(0), "{}", recorded.output);
    scene.after = scene.look();
    assert_ne!(scene.before, scene.after);
    let steps = trace::sampled(&recorded.steps, MOST);

    let mut faults = Vec::new();
    let mut table = format!("{}: {} steps, {} tried\n", operation.name, recorded.steps.len(), steps.len());
    let plans: [(&str, Planned); 2] = [
        ("killed", Plan::Kill),
        ("failed", |at| Plan::Fail(at, if at % 2 == 0 { Errno::EIO } else { Errno::ENOSPC })),
    ];
    for (how, plan) in plans {
        let mut counts = Counts::default();
        for &at in &steps {
            if let Err(fault) = scene.attempt(plan(at), &mut counts) {
                faults.push(fault);
            }
        }
        let Counts { tried, missed, outcomes: [before, after, locked, begun, noted] } = counts;
        table += &format!(
            "    {how} {tried}: before {before}, after {after}, locked {locked}, begun {begun}, noted {noted}; not reached {missed}\n"
        );
        assert!(missed * 10 <= tried, "{missed} of {tried} steps were not reached");
    }
    println!("{table}");
    assert!(faults.is_empty(), "{table}{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn create_can_be_killed_and_fail_anywhere() {
    require_root!();
    everywhere(&Operation { locks: &["create"], ..Operation::new("create", &[], CREATE) });
}

#[test]
fn a_new_mount_point_can_be_killed_and_fail_anywhere() {
    require_root!();
    let words = "set ID --mp1 local:0.02,mp=/more --memory 300";
    everywhere(&Operation { notes: true, ..Operation::new("set a new mount point", &[CREATE], words) });
}

#[test]
fn the_removal_of_a_volume_can_be_killed_and_fail_anywhere() {
    require_root!();
    let set_up = &[CREATE, "set ID --delete mp0"];
    let words = "set ID --delete unused0";
    everywhere(&Operation { removes: true, ..Operation::new("set --delete unused0", set_up, words) });
}

#[test]
fn destroy_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("destroy", &[CREATE], "destroy ID");
    everywhere(&Operation { locks: &["destroyed"], removes: true, ..operation });
}

#[test]
fn clone_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("clone", &[CREATE], "clone ID NEW");
    everywhere(&Operation { locks: &["disk", "create"], ..operation });
}

#[test]
fn a_linked_clone_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("clone of a template", &[CREATE_FAST, "template ID"], "clone ID NEW");
    everywhere(&Operation { locks: &["disk", "create"], ..operation });
}

#[test]
fn move_volume_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("move-volume", &[CREATE], "move-volume ID mp0 other");
    everywhere(&Operation { locks: &["disk"], ..operation });
}

#[test]
fn snapshot_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("snapshot", &[CREATE_FAST], "snapshot ID s1");
    everywhere(&Operation { locks: &["snapshot"], home: &["delsnapshot ID s1 --force"], ..operation });
}

#[test]
fn delsnapshot_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("delsnapshot", &[CREATE_FAST, "snapshot ID s1"], "delsnapshot ID s1");
    everywhere(&Operation { locks: &["snapshot-delete"], home: &["delsnapshot ID s1"], ..operation });
}

#[test]
fn rollback_can_be_killed_and_fail_anywhere() {
    require_root!();
    let set_up = &[CREATE_FAST, "snapshot ID s1", "set ID --memory 300"];
    let operation = Operation::new("rollback", set_up, "rollback ID s1");
    let home = &["rollback ID s1", "delsnapshot ID s1"];
    everywhere(&Operation { locks: &["rollback"], home, ..operation });
}
