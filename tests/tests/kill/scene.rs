//! An operation on containers of a host that can be put back, tried again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use pct_tests::{
    Ct, Host, Run,
    archive::{Archive, Compression, Member},
    bins, cleanup,
    disk::Disk,
    trace::{self, Plan, Traced},
};

use crate::{
    CREATE_FAST, Operation,
    seen::{Seen, look},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Before,
    After,
    Locked,
    /// A part is done; another call does the rest.
    Begun,
    /// The new volume is noted as unused.
    Noted,
    /// All is done but for what a warning tells.
    Warned,
}

/// What has come of a step.
pub(crate) struct Attempt {
    /// Whether the step was reached: how processes take turns may differ from run to run.
    pub(crate) reached: bool,
    /// An error when something is wrong.
    pub(crate) outcome: Result<Outcome, String>,
}

/// An operation on a container, which can be repeated.
pub(crate) struct Scene<'a> {
    operation: &'a Operation,
    ct: Ct<'a>,
    new: Ct<'a>,
    template: PathBuf,
    /// What the host holds before.
    saved: tempfile::TempDir,
    /// The btrfs, where the operation is about one.
    disk: Option<Disk>,
    pub(crate) before: Seen,
    pub(crate) after: Seen,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(operation: &'a Operation, host: &'a Host) -> Self {
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
        scene.pct_all(operation.set_up);
        if operation.without_mmp {
            scene.take_all_mmp_off();
        }
        for folder in ["etc", "var", "run"] {
            let folder = host.root().join(folder);
            fs::create_dir_all(&folder).unwrap();
            Run::new("/bin/cp").args(["-a".as_ref(), &*folder, scene.saved.path()]).ok();
        }
        if let Some(disk) = &scene.disk {
            disk.keep();
        }
        scene.pct_all(operation.each);
        scene.before = scene.look();
        scene
    }

    fn pct_all(&self, calls: &[&str]) {
        calls.iter().for_each(|words| drop(self.pct(words).ok()));
    }

    fn take_all_mmp_off(&self) {
        let images =
            fs::read_dir(self.ct.image().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        for image in images.filter(|path| path.extension().is_some_and(|end| end == "raw")) {
            take_mmp_off(&image);
        }
    }

    pub(crate) fn pct(&self, words: &str) -> Run {
        self.ct.host().pct(&self.words(words).iter().map(String::as_str).collect::<Vec<_>>())
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

    pub(crate) fn reset(&self) {
        let root = self.ct.host().root();
        for folder in ["etc", "var", "run"] {
            // What is mounted in it, or immutable.
            cleanup::sweep(&root.join(folder), &[]);
            fs::remove_dir_all(root.join(folder)).unwrap();
            Run::new("/bin/cp").args(["-a".as_ref(), &*self.saved.path().join(folder), root]).ok();
        }
        if let Some(disk) = &self.disk {
            disk.put_back();
        }
        self.pct_all(self.operation.each);
    }

    pub(crate) fn traced(&self, plan: Plan) -> Traced {
        self.traced_beside(plan, &mut || {})
    }

    /// The same with something that is done when the step of a [`Plan::Pause`] has come.
    pub(crate) fn traced_beside(&self, plan: Plan, beside: &mut dyn FnMut()) -> Traced {
        trace::run_beside(&self.command(self.operation.words), plan, beside)
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(bins::pct());
        command.args(self.words(words)).env("PCT_ROOT", self.ct.host().root()).env("LC_ALL", "C");
        command
    }

    pub(crate) fn look(&self) -> Seen {
        look(self.ct.host(), &[&self.ct, &self.new])
    }

    /// What has become of the container; an error when it is none of what it may be.
    fn outcome(&self, seen: &Seen) -> Result<Outcome, String> {
        let outcome = self.outcome_by_config(seen)?;
        // A lock says that somebody has to see to it, and what was begun another call completes, as is tried then.
        let is_left = |line: &&str| !(self.operation.notes && line.starts_with("unused"));
        let dangling: Vec<_> = seen.dangling().into_iter().filter(is_left).collect();
        if !matches!(outcome, Outcome::Locked | Outcome::Begun) && !dangling.is_empty() {
            return Err(format!("{outcome:?}, but of {dangling:?} there is no volume: {seen:?}"));
        }
        Ok(outcome)
    }

    fn outcome_by_config(&self, seen: &Seen) -> Result<Outcome, String> {
        let orphans = seen.orphans();
        if !orphans.is_empty() {
            return Err(format!("no config names {orphans:?}: {seen:?}"));
        }
        if seen.volumes.len() < self.before.volumes.len().min(self.after.volumes.len()) {
            return Err(format!("a volume is lost: {seen:?}"));
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
        if self.operation.resumes || self.operation.removes && seen.configs == self.before.configs && fewer {
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
        if (self.operation.notes || self.operation.unused_first)
            && (without_notes == self.before.configs || seen.volumes == self.after.volumes)
        {
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

    /// Has what broke off repaired.
    fn repair(&self) -> Result<(), String> {
        for id in [&self.new.id, &self.ct.id] {
            // Another time nothing is left to do.
            for time in 1..=2 {
                if !self.look().configs.contains_key(id) {
                    continue;
                }
                let output = self.pct(&format!("repair {id}")).output();
                if output.status != 0 || time == 2 && !output.out().contains("nothing is left") {
                    return Err(format!("repaired for the {time}. time: {}", output.both()));
                }
            }
        }
        let seen = self.look();
        match self.outcome(&seen)? {
            Outcome::Before | Outcome::After if seen.unfinished.is_empty() => Ok(()),
            outcome => Err(format!("repaired, and then {outcome:?}: {seen:?}")),
        }
    }

    /// Goes on as a user would, until nothing is there.
    fn bring_home(&self, outcome: Outcome, repairs: bool) -> Result<(), String> {
        let pct = |words: &str| {
            let output = self.pct(words).output();
            if output.status == 0 { Ok(()) } else { Err(format!("then `{words}` failed: {}", output.both())) }
        };
        match outcome {
            Outcome::Begun if repairs && self.operation.repaired => self.repair()?,
            Outcome::Before | Outcome::Begun => {
                pct(self.operation.words)?;
                let seen = self.look();
                if seen != self.after {
                    return Err(format!("another call has made {seen:?}"));
                }
            }
            // It is done with another volume, and the noted one stays until somebody removes it.
            Outcome::Noted if self.operation.home.is_empty() => pct(self.operation.words)?,
            Outcome::Noted => {}
            Outcome::Locked if repairs => self.repair()?,
            Outcome::Locked => {
                for (id, _) in self.look().locks() {
                    pct(&format!("unlock {id}"))?;
                }
                for words in self.operation.home {
                    pct(words)?;
                }
            }
            Outcome::After | Outcome::Warned => {}
        }
        if outcome == Outcome::Noted || outcome != Outcome::Locked && !self.after.locks().is_empty() {
            self.operation.home.iter().try_for_each(|words| pct(words))?;
        }
        for id in [&self.new.id, &self.ct.id] {
            if self.look().configs.contains_key(id) {
                pct(&format!("destroy {id}"))?;
            }
        }
        let seen = self.look();
        if seen == Seen::default() { Ok(()) } else { Err(format!("destroyed, but there is {seen:?}")) }
    }

    /// Runs it as planned, and tells what has come of it.
    pub(crate) fn attempt(&self, plan: Plan) -> Attempt {
        self.reset();
        let traced = self.traced(plan);
        let at = |at: usize| traced.steps.get(at).map_or("not reached".to_owned(), ToString::to_string);
        let step = match plan {
            Plan::KillOne(n) => format!("one process killed at step {n}, {}: ", at(n)),
            Plan::KillBehind(n) => format!("one process killed behind step {n}, {}: ", at(n)),
            Plan::Kill(n) => format!("killed at step {n}, {}: ", at(n)),
            Plan::Fail(n, errno) => format!("{errno:?} at step {n}, {}: ", at(n)),
            Plan::Count | Plan::Pause(_) => String::new(),
        };
        // Each other time by the verb for it, each other time by hand.
        let repairs = match plan {
            Plan::KillOne(n) | Plan::KillBehind(n) | Plan::Kill(n) | Plan::Fail(n, _) => n % 2 == 1,
            Plan::Count | Plan::Pause(_) => false,
        };
        let outcome =
            self.judge(&traced, repairs).map_err(|fault| format!("{step}{fault}\n{}", traced.output));
        Attempt { reached: traced.reached, outcome }
    }

    fn judge(&self, traced: &Traced, repairs: bool) -> Result<Outcome, String> {
        if traced.hung {
            return Err("it hangs".to_owned());
        }
        let seen = self.look();
        let warned = self.operation.warns.is_some_and(|warning| traced.output.contains(warning));
        let outcome = match self.outcome(&seen)? {
            Outcome::Begun | Outcome::Noted if warned => Outcome::Warned,
            outcome => outcome,
        };
        let told = traced.status.is_some_and(|status| status != 0);
        let done = matches!(outcome, Outcome::After | Outcome::Warned) || self.before == self.after;
        if traced.status == Some(0) && !done {
            return Err(format!("told as done, but {outcome:?}: {seen:?}"));
        }
        if told && outcome == Outcome::After {
            return Err("told as failed, but all is done".to_owned());
        }
        if told && traced.output.is_empty() {
            return Err("it fails and does not say why".to_owned());
        }
        if !self.operation.mounts {
            let left = self.left();
            if !left.is_empty() {
                return Err(format!("left on the machine: {left}"));
            }
        }
        self.bring_home(outcome, repairs).map_err(|fault| format!("{outcome:?}; {fault}"))?;
        let left = self.left();
        if left.is_empty() { Ok(outcome) } else { Err(format!("destroyed, but on the machine is {left}")) }
    }
}

/// Takes ext4's protection from a second mount off: see [`Operation::without_mmp`].
pub(crate) fn take_mmp_off(image: &Path) {
    Run::new("/sbin/tune2fs").args(["-O", "^mmp"]).args([image]).ok();
}

/// The least that set-up knows.
pub(crate) fn template(host: &Host) -> PathBuf {
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
