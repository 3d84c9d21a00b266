//! A config file is written whole or not at all: verbs that read, lock and write one are stopped at each of their
//! system calls, and each of them is made to fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fs::{self, File};
use std::path::PathBuf;

use pct_tests::{Ct, Host, Output, Run, bins, require_root, wait};
use rustix::fs::{FlockOperation, flock};

const OLD: &str = "#notes\narch: amd64\nhostname: crash\nlock: backup\nmemory: 512\nostype: debian\n\
                   rootfs: local:9000/x.raw,size=1G\n\n[snap]\nmemory: 256\n";

/// A verb with its words, and what it makes of [`OLD`].
struct Verb {
    words: &'static [&'static str],
    new: fn() -> String,
    /// What it says when it is done already.
    again: Option<&'static str>,
}

const UNLOCK: Verb = Verb {
    words: &["unlock"],
    new: || OLD.replace("lock: backup\n", ""),
    again: Some("no lock found trying to remove any lock"),
};

/// With more than one change: never only some of them.
const SET: Verb = Verb {
    words: &["set", "--description", "x", "--memory", "300"],
    new: || unlocked().replace("#notes", "#x").replace("memory: 512", "memory: 300"),
    again: None,
};

fn unlocked() -> String {
    (UNLOCK.new)()
}

/// One system call of the recorded run.
#[derive(Debug)]
struct Call {
    name: String,
    /// The how many-th of this name.
    nth: usize,
    /// As strace shows it.
    text: String,
}

/// A container that is only a config file.
struct Subject<'a> {
    ct: Ct<'a>,
    verb: &'static Verb,
    old: String,
    new: String,
}

impl<'a> Subject<'a> {
    fn new(host: &'a Host, verb: &'static Verb) -> Self {
        let old = if verb.words == UNLOCK.words { OLD.to_owned() } else { unlocked() };
        Self { ct: host.ct(), verb, old, new: (verb.new)() }
    }

    /// The words of the command line.
    fn words(&self) -> Vec<&str> {
        let (verb, options) = self.verb.words.split_first().unwrap();
        [*verb, &self.ct.id].into_iter().chain(options.iter().copied()).collect()
    }

    fn root(&self) -> PathBuf {
        self.ct.host().root().to_owned()
    }

    /// Puts everything back to the beginning.
    fn reset(&self) {
        for folder in ["etc", "run"] {
            let _ = fs::remove_dir_all(self.root().join(folder));
        }
        fs::create_dir_all(self.ct.conf().parent().unwrap()).unwrap();
        fs::write(self.ct.conf(), &self.old).unwrap();
    }

    /// The verb under strace, which shows the files behind descriptors.
    fn traced(&self, options: &[&str]) -> Output {
        let trace = self.ct.host().scratch().join("trace");
        let pct = bins::pct();
        let program = ["-y", "-o", trace.to_str().unwrap(), pct.to_str().unwrap()];
        Run::new("strace")
            .args(options)
            .args(program)
            .args(self.words())
            .env("PCT_ROOT", self.root())
            .output()
    }

    /// The call that the last traced run has had to see fail. How often the runtime reads before may differ from run
    /// to run: it need not be the one that was meant, and there may be none.
    fn injected(&self) -> Option<String> {
        let trace = fs::read_to_string(self.ct.host().scratch().join("trace")).unwrap();
        trace.lines().find(|line| line.contains("(INJECTED)")).map(str::to_owned)
    }

    /// Every call of one undisturbed run, in order; and where those of our own code begin.
    fn record(&self) -> (Vec<Call>, usize) {
        self.reset();
        self.traced(&[]).ok().quiet();
        assert_eq!(self.conf(), self.new);
        let trace = fs::read_to_string(self.ct.host().scratch().join("trace")).unwrap();
        let mut calls: Vec<Call> = Vec::new();
        for text in trace.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            let name = text.split('(').next().unwrap().to_owned();
            let nth = 1 + calls.iter().filter(|call| call.name == name).count();
            calls.push(Call { name, nth, text: text.to_owned() });
        }
        // The first thing that the verb itself asks for.
        let own = calls.iter().position(|call| call.name == "geteuid").expect("a check of who calls");
        (calls, own)
    }

    fn conf(&self) -> String {
        fs::read_to_string(self.ct.conf()).unwrap()
    }

    /// The files beside the config.
    fn temporary(&self) -> Vec<String> {
        let names = fs::read_dir(self.ct.conf().parent().unwrap()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| *name != format!("{}.conf", self.ct.id)).collect()
    }

    /// What must hold whatever has happened.
    fn check(&self, when: &str) {
        let found = self.conf();
        assert!(
            found == self.old || found == self.new,
            "{when}: neither the old config nor the new one:\n{found}"
        );
        let left = self.temporary();
        let temporary = format!("{}.conf.tmp", self.ct.id);
        assert!(left.iter().all(|name| *name == temporary), "{when}: {left:?}");

        let lock = self.root().join(format!("run/pct/lock/pve-config-{}.lock", self.ct.id));
        if let Ok(file) = File::open(lock) {
            // A child that has not come to its exec yet holds it that much longer.
            wait::until_true(&format!("{when}: the lock is free"), || {
                flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
            });
        }
        let list = self.ct.host().pct(&["list"]).ok().quiet().out();
        assert!(
            list.lines().any(|line| line.starts_with(&self.ct.id) && line.contains("crash")),
            "{when}: {list}"
        );
        let again = self.ct.host().pct(&self.words()).output();
        match self.verb.again.filter(|_| found == self.new) {
            Some(refused) => drop(again.fails().says(refused)),
            None => drop(again.ok().quiet()),
        }
        assert_eq!(self.conf(), self.new, "{when}: after another call");
        if found == self.old {
            assert_eq!(self.temporary(), [""; 0], "{when}: after another write");
        }
    }
}

#[test]
fn a_crash_of_unlock_at_any_system_call_leaves_the_old_config_or_the_new_one() {
    require_root!("strace");
    crash_anywhere(&UNLOCK);
}

#[test]
fn a_crash_of_set_at_any_system_call_leaves_the_old_config_or_the_new_one() {
    require_root!("strace");
    crash_anywhere(&SET);
}

fn crash_anywhere(verb: &'static Verb) {
    let host = Host::new();
    let subject = Subject::new(&host, verb);
    let (calls, own) = subject.record();
    let (mut old, mut new, mut missed) = (0, 0, 0);
    for (at, call) in calls.iter().enumerate() {
        // The call that becomes the program cannot be stopped by what it becomes.
        if call.name == "execve" {
            continue;
        }
        let when = format!("killed before call {at}: {}", call.text);
        subject.reset();
        let kill = format!("inject={}:signal=SIGKILL:when={}", call.name, call.nth);
        let out = subject.traced(&["-e", &kill]);
        assert!(matches!(out.status, 0 | 137), "{when}: status {}\n{}", out.status, out.both());
        missed += usize::from(out.status == 0 && at >= own);
        if subject.conf() == subject.old {
            old += 1
        } else {
            new += 1
        }
        subject.check(&when);
    }
    // How often the runtime reads before may differ from run to run, and with it the count; so may how often it
    // looks for what another process says.
    assert!(missed <= 4, "{missed} calls were not reached");
    // The rename is neither the first thing nor the last.
    assert!(old > 20 && new > 3, "{old} times the old config, {new} times the new one");
}

/// A failure of these is a failure of the verb. Of others it need not be: of closing what is synced, of removing
/// what is not there, of what memory and random numbers have another source for.
const MUST_TELL: [&str; 12] = [
    "open",
    "openat",
    "read",
    "write",
    "fsync",
    "rename",
    "renameat2",
    "fchmod",
    "chmod",
    "mkdir",
    "flock",
    "fstat",
];

/// The kernel has no such error for these, or none that a program lives to see. A descriptor is closed whatever
/// close(2) answers, which strace does not imitate: who waits for the end of a pipe then waits forever. The only socket that is received
/// from is the runtime's own to a new child.
const CANNOT_FAIL: [&str; 8] =
    ["close", "recvfrom", "exit_group", "geteuid", "getpid", "getrandom", "munmap", "uname"];

#[test]
fn a_system_call_of_unlock_that_fails_is_told_and_leaves_no_temporary_file() {
    require_root!("strace");
    fail_anywhere(&UNLOCK);
}

#[test]
fn a_system_call_of_set_that_fails_is_told_and_leaves_no_temporary_file() {
    require_root!("strace");
    fail_anywhere(&SET);
}

fn fail_anywhere(verb: &'static Verb) {
    let host = Host::new();
    let subject = Subject::new(&host, verb);
    let (calls, own) = subject.record();
    let root = subject.root().to_str().unwrap().to_owned();
    let mut told = 0;
    for (at, call) in calls.iter().enumerate().skip(own) {
        if CANNOT_FAIL.contains(&call.name.as_str()) {
            continue;
        }
        for error in ["EIO", "ENOSPC"] {
            let when = format!("{error} from call {at}: {}", call.text);
            subject.reset();
            let out =
                subject.traced(&["-e", &format!("inject={}:error={error}:when={}", call.name, call.nth)]);
            // What the host has beside our files is asked for leniently: another kernel may not have it.
            let failed = subject.injected().filter(|failed| failed.contains(&root));
            let must = MUST_TELL.contains(&call.name.as_str()) && failed.is_some();
            assert!(!must || out.status != 0, "{when}: not told: {failed:?}");
            assert!(matches!(out.status, 0 | 2 | 255), "{when}: status {}\n{}", out.status, out.both());
            assert_eq!(out.status == 0, out.stderr.is_empty(), "{when}\n{}", out.both());
            if out.status == 0 {
                assert_eq!(subject.conf(), subject.new, "{when}: told as done");
            }
            told += usize::from(out.status != 0);
            let left = subject.temporary();
            assert!(left.is_empty(), "{when}: {left:?}");
            subject.check(&when);
        }
    }
    assert!(told > 20, "only {told} failures");
}
