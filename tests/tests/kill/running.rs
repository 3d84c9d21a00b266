//! A running container is held still for its snapshot. Whoever of those that do so is killed, it goes on: by itself when one is
//! left, when all are killed by `repair`.

use std::{cell::Cell, fs, io::Write, process::Command};

use pct_tests::{
    Ct, Host, bins, require_root,
    state::State,
    trace::{self, Errno, Plan, Traced},
};

use crate::{
    scene::Outcome,
    seen::{Seen, look},
};

#[test]
fn a_running_container_goes_on_whoever_of_its_snapshot_is_killed() {
    require_root!();
    let host = Host::new();
    host.btrfs(256 << 20);
    // An image, of which the file system is frozen, too.
    let ct = host.running(&["--rootfs", "fast:0", "--mp0", "fast:0.125,mp=/data"]);
    let config = || fs::read_to_string(ct.conf()).unwrap();
    let before = config();
    let mut command = Command::new(bins::pct());
    command.args(["snapshot", &ct.id, "s1"]).env("PCT_ROOT", host.root()).env("LC_ALL", "C");
    let recorded = trace::run(&command, Plan::Count);
    assert_eq!(recorded.status, Some(0), "{}", recorded.output);
    ct.pct("delsnapshot", &["s1"]).ok();
    assert_eq!(config(), before);
    for step in trace::sampled(&recorded.steps, 4) {
        for plan in [Plan::KillOne(step), Plan::Kill(step)] {
            let traced = trace::run(&command, plan);
            let when = format!("{plan:?}, {}: {}", recorded.steps[step], traced.output);
            assert!(!traced.hung, "{when}");
            if plan == Plan::KillOne(step) {
                ct.sh("echo 1 > /data/file");
            }
            ct.pct("repair", &[]).ok();
            ct.sh("echo 2 > /data/file; sync");
            if config().contains("[s1]") {
                ct.pct("delsnapshot", &["s1"]).ok();
            }
            assert_eq!(config(), before, "{when}");
        }
    }
}

/// What `set` brings to the running container: a new volume, and a device.
const WORDS: [&str; 4] = ["--mp0", "local:0.02,mp=/more/data", "--dev0", "/dev/net/tun"];

/// A running container, to which something is brought again and again.
struct Guest<'h> {
    ct: Ct<'h>,
    before: Seen,
    /// What of it is on the machine.
    machine: State,
    /// How often it took a restart to be as before.
    restarts: Cell<usize>,
}

impl<'h> Guest<'h> {
    fn new(host: &'h Host, unprivileged: &str) -> Self {
        let ct = host.running(&["--unprivileged", unprivileged]);
        let guest =
            Self { before: look(host, &[&ct]), machine: on_the_machine(host), restarts: Cell::new(0), ct };
        assert_eq!(guest.inside(), "0\n");
        guest
    }

    fn command(&self) -> Command {
        let mut command = Command::new(bins::pct());
        command.arg("set").arg(&self.ct.id).args(WORDS);
        command.env("PCT_ROOT", self.ct.host().root()).env("LC_ALL", "C");
        command
    }

    /// How often the volume is mounted inside, and whether the device is there.
    fn inside(&self) -> String {
        self.ct.sh("grep -c ' /more/data ' /proc/mounts; if test -c /dev/net/tun; then echo tun; fi")
    }

    fn seen(&self) -> Seen {
        look(self.ct.host(), &[&self.ct])
    }

    /// What has come of it: whether it is done, undone, or only the new volume is noted.
    fn judge(&self, traced: &Traced) -> Result<Outcome, String> {
        if traced.hung {
            return Err("it hangs".to_owned());
        }
        let (seen, inside) = (self.seen(), self.inside());
        let config = &seen.configs[&self.ct.id];
        let lines = |keys: &[&str]| -> String {
            let is_one = |line: &&str| keys.iter().any(|key| line.starts_with(key));
            config.lines().filter(|line| !is_one(line)).map(|line| format!("{line}\n")).collect()
        };
        let as_before = |keys: &[&str]| lines(keys) == self.before.configs[&self.ct.id];
        if !seen.orphans().is_empty() {
            return Err(format!("no config names {:?}", seen.orphans()));
        }
        let outcome = if seen == self.before {
            Outcome::Before
        } else if as_before(&["mp0: ", "dev0: "]) && seen.dangling().is_empty() && config.contains("dev0: ") {
            Outcome::After
        } else if as_before(&["unused0: "]) {
            Outcome::Noted
        } else {
            return Err(format!("neither before nor after: {seen:?}"));
        };
        let said = traced.status.map(|status| status == 0);
        let fits = match outcome {
            Outcome::After => inside == "1\ntun\n",
            Outcome::Before if said.is_some() => inside == "0\n",
            _ => true,
        };
        if !fits {
            return Err(format!("{outcome:?}, but inside is {inside:?}"));
        }
        match said {
            Some(done) if (outcome == Outcome::After) != done || outcome == Outcome::Noted => {
                Err(format!("{outcome:?}, but it ends with {:?}", traced.status))
            }
            Some(false) if traced.output.is_empty() => Err("it fails and does not say why".to_owned()),
            _ => Ok(outcome),
        }
    }

    /// As a user would: has it repaired, calls it again, and takes all of it back.
    fn bring_home(&self, outcome: Outcome, killed: bool) -> Result<(), String> {
        let pct = |verb: &str, words: &[&str]| {
            let out = self.ct.pct(verb, words).output();
            if out.status == 0 {
                Ok(())
            } else {
                Err(format!("then `{verb} {words:?}` failed: {}", out.both()))
            }
        };
        if killed {
            pct("repair", &[])?;
            if outcome != Outcome::After {
                pct("set", &WORDS)?;
            }
        }
        if killed || outcome == Outcome::After {
            pct("set", &["--delete", "mp0,dev0"])?;
            let config = self.seen().configs[&self.ct.id].clone();
            let unused: Vec<_> = config
                .lines()
                .filter(|l| l.starts_with("unused"))
                .filter_map(|l| l.split(':').next())
                .collect();
            pct("set", &["--delete", &unused.join(",")])?;
        }
        if self.seen() != self.before {
            return Err(format!("not as before: {:?}", self.seen()));
        }
        // What one has left inside who was killed goes with the next stop.
        if self.inside() != "0\n" {
            pct("stop", &[])?;
            pct("start", &[])?;
            self.restarts.set(self.restarts.get() + 1);
        }
        // Folders and the file below a device stay, and each time it is to begin anew.
        self.ct.sh("rmdir /more/data /more 2>/dev/null; rm -f /dev/net/tun 2>/dev/null; rmdir /dev/net 2>/dev/null; true");
        let (inside, machine) = (self.inside(), on_the_machine(self.ct.host()));
        if inside != "0\n" {
            return Err(format!("inside is {inside:?}"));
        }
        let diff = self.machine.diff(&machine);
        if diff.is_empty() { Ok(()) } else { Err(format!("the machine is not as it was:\n{diff}")) }
    }
}

fn on_the_machine(host: &Host) -> State {
    host.state().only(&["mount", "loop"])
}

#[test]
fn what_comes_into_a_running_container_can_be_killed_and_fail_anywhere() {
    require_root!();
    let host = Host::new();
    let guest = Guest::new(&host, "1");
    let recorded = trace::run(&guest.command(), Plan::Count);
    assert_eq!(recorded.status, Some(0), "{}", recorded.output);
    assert_eq!(guest.judge(&recorded), Ok(Outcome::After));
    guest.bring_home(Outcome::After, false).unwrap();

    let (mut faults, mut missed, mut tried) = (0, 0, 0);
    let mut table = format!("set on a running container: {} steps\n", recorded.steps.len());
    for at in trace::sampled(&recorded.steps, 2) {
        let step = &recorded.steps[at];
        let errno = if at % 2 == 0 { Errno::EIO } else { Errno::ENOSPC };
        let mut plans = vec![("killed", Plan::Kill(at)), ("failed", Plan::Fail(at, errno))];
        if step.process.0 > 0 && step.process.1 != "mkfs.ext4" {
            plans.push(("behind", Plan::KillBehind(at)));
        }
        table += &format!("    {at:>4}");
        for (how, plan) in plans {
            let traced = trace::run(&guest.command(), plan);
            tried += 1;
            missed += usize::from(!traced.reached);
            let judged = guest.judge(&traced);
            let home = judged
                .and_then(|outcome| guest.bring_home(outcome, traced.status.is_none()).map(|()| outcome));
            let cell = home.map(|outcome| format!("{outcome:?}").to_lowercase()).unwrap_or_else(|fault| {
                eprintln!("{how}, {step}: {fault}\n{}", traced.output);
                faults += 1;
                "FAULT".to_owned()
            });
            table += &format!("  {how}: {cell:<6}");
        }
        table += &format!("  {step}\n");
    }
    std::io::stdout().write_all(table.as_bytes()).unwrap();
    assert_eq!(faults, 0);
    assert!(missed * 10 <= tried, "{missed} of {tried} were not reached");
    assert!(guest.restarts.get() > 0, "none has left anything inside");
    guest.ct.stop();
}
