//! Runs a program with all its children and counts, in order, the system calls that change something outside of them. At
//! one of these it can kill one or all of them, make the call fail, or have something else done meanwhile.
//!
//! strace can do that for one process; what an operation does is spread over several. A step is a call before it is made,
//! so to be killed at one is to have done all before it.

mod calls;

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

pub use nix::errno::Errno;
use nix::{
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::wait;

/// What the shell does that becomes the program.
const WAIT: &str = "read -r go; exec \"$@\" </dev/null";

/// A system call that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The how many-th process of the tree has made it, and what it runs.
    pub process: (usize, String),
    /// The name of the call.
    pub call: &'static str,
    /// The end of the path, or of that of the descriptor.
    pub on: String,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}({})", self.process.1, self.call, self.on)
    }
}

/// What to do at which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Only count.
    Count,
    /// Kill everything before this step is done.
    Kill(usize),
    /// Kill the process that is about to do this step, and no other.
    KillOne(usize),
    /// Kill the process that has just done this step, and no other.
    KillBehind(usize),
    /// Have this step fail.
    Fail(usize, Errno),
    /// Do something else before this step is done: see [`run_beside`].
    Pause(usize),
}

/// What has come of a run.
#[derive(Debug)]
pub struct Traced {
    /// All steps; when something was killed, those until then.
    pub steps: Vec<Step>,
    /// The exit status of the program; none when it was killed.
    pub status: Option<i32>,
    /// What was written to standard output and error by all of them.
    pub output: String,
    /// Whether the step of the plan has come.
    pub reached: bool,
    /// Whether it took too long and was killed for that.
    pub hung: bool,
}

/// Whether a process is still the shell that waits.
fn waits(pid: Pid) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).any(|word| word == WAIT.as_bytes())
}

/// Kills a process that may have ended by itself.
fn end(pid: &Pid) {
    let _ = kill(*pid, Signal::SIGKILL);
}

/// Runs a program whose words and environment are in `command`.
pub fn run(command: &Command, plan: Plan) -> Traced {
    run_beside(command, plan, &mut || {})
}

/// The same; `beside` is called when the step of [`Plan::Pause`] has come. The process stands still until it returns.
#[expect(clippy::zombie_processes, reason = "the tracer waits for all of the tree")]
pub fn run_beside(command: &Command, plan: Plan, beside: &mut dyn FnMut()) -> Traced {
    let mut said = tempfile::NamedTempFile::new().unwrap();
    // It waits until it is watched; only what comes after its exec counts.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", WAIT, "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let to = |file: &tempfile::NamedTempFile| -> File { file.as_file().try_clone().unwrap() };
    let mut child =
        shell.stdin(Stdio::piped()).stdout(to(&said)).stderr(to(&said)).spawn().expect("run a shell");
    let first = Pid::from_raw(child.id().cast_signed());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(first, options).expect("trace a child");
    ptrace::interrupt(first).expect("stop a child");
    let tracer = Tracer::new(first, plan, said.path().to_str().unwrap(), beside);
    let (over, watched) = mpsc::channel::<()>();
    let pids = Arc::clone(&tracer.pids);
    let dog = thread::spawn(move || {
        let late =
            watched.recv_timeout(wait::LIMIT * wait::patience()) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            pids.lock().unwrap().iter().for_each(end);
        }
        late
    });
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut traced = tracer.follow();
    drop(over);
    traced.hung = dog.join().unwrap();
    said.flush().unwrap();
    traced.output = String::from_utf8_lossy(&fs::read(said.path()).unwrap()).into_owned();
    traced
}

/// A process or thread that is watched.
#[derive(Default)]
struct Watched {
    /// The how many-th it is.
    number: usize,
    /// What its current call shall return instead.
    fails: Option<Errno>,
    /// Whether it is killed when its current call returns.
    ends: bool,
}

struct Tracer<'a> {
    first: Pid,
    plan: Plan,
    beside: &'a mut dyn FnMut(),
    /// The file that is its standard output.
    said: String,
    known: HashMap<Pid, Watched>,
    pids: Arc<Mutex<Vec<Pid>>>,
    /// Whether the program itself is running, not the shell before it.
    begun: bool,
    killing: bool,
    traced: Traced,
}

impl<'a> Tracer<'a> {
    fn new(first: Pid, plan: Plan, said: &str, beside: &'a mut dyn FnMut()) -> Self {
        let traced =
            Traced { steps: Vec::new(), status: None, output: String::new(), reached: false, hung: false };
        let known = HashMap::from([(first, Watched::default())]);
        let pids = Arc::new(Mutex::new(vec![first]));
        let said = said.to_owned();
        Self { first, plan, beside, said, known, pids, begun: false, killing: false, traced }
    }

    /// Until the last of the tree has ended.
    fn follow(mut self) -> Traced {
        // Other threads run other tests with children of their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let event = match waitpid(None, Some(flags)) {
                Ok(event) => event,
                Err(Errno::EINTR) => continue,
                Err(Errno::ECHILD) => return self.traced,
                Err(errno) => panic!("waitpid: {errno}"),
            };
            let Some(pid) = event.pid() else { continue };
            match event {
                WaitStatus::Exited(_, status) => {
                    if pid == self.first {
                        self.traced.status = Some(status);
                    }
                    self.forget(pid);
                    continue;
                }
                WaitStatus::Signaled(..) => {
                    self.forget(pid);
                    continue;
                }
                _ => self.note(pid),
            }
            if self.killing {
                end(&pid);
                continue;
            }
            let signal = match event {
                WaitStatus::PtraceSyscall(_) => {
                    self.call(pid);
                    None
                }
                WaitStatus::PtraceEvent(_, _, event) => {
                    // The exec of the shell may come into view, too.
                    self.begun |= pid == self.first && event == libc::PTRACE_EVENT_EXEC && !waits(pid);
                    None
                }
                WaitStatus::Stopped(_, signal) => Some(signal),
                _ => None,
            };
            // It may have been killed meanwhile.
            let _ = ptrace::syscall(pid, signal);
        }
    }

    fn note(&mut self, pid: Pid) {
        let number = self.known.len();
        self.known.entry(pid).or_insert_with(|| {
            self.pids.lock().unwrap().push(pid);
            Watched { number, ..Watched::default() }
        });
    }

    /// Keeps its number taken.
    fn forget(&mut self, pid: Pid) {
        self.pids.lock().unwrap().retain(|other| *other != pid);
    }

    /// A call begins or ends.
    fn call(&mut self, pid: Pid) {
        const ENTRY: u8 = 1;
        let (Ok(info), Ok(mut registers)) = (ptrace::syscall_info(pid), ptrace::getregs(pid)) else { return };
        let Some(process) = self.known.get_mut(&pid) else { return };
        if info.op != ENTRY {
            if process.ends {
                end(&pid);
            }
            if let Some(errno) = process.fails.take() {
                registers.rax = (-i64::from(errno as i32)).cast_unsigned();
                let _ = ptrace::setregs(pid, registers);
            }
            return;
        }
        if !self.begun {
            return;
        }
        let Some((call, on)) = calls::change(pid.as_raw(), &registers, &self.said) else { return };
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let at = self.traced.steps.len();
        self.traced.steps.push(Step { process: (process.number, name.trim_end().to_owned()), call, on });
        match self.plan {
            Plan::Kill(step) if step == at => {
                self.traced.reached = true;
                self.killing = true;
                self.pids.lock().unwrap().iter().for_each(end);
            }
            Plan::KillOne(step) if step == at => {
                self.traced.reached = true;
                end(&pid);
            }
            Plan::KillBehind(step) if step == at => {
                self.traced.reached = true;
                process.ends = true;
            }
            Plan::Pause(step) if step == at => {
                self.traced.reached = true;
                (self.beside)();
            }
            Plan::Fail(step, errno) if step == at => {
                self.traced.reached = true;
                process.fails = Some(errno);
                // No call has this number.
                registers.orig_rax = u64::MAX;
                let _ = ptrace::setregs(pid, registers);
            }
            _ => {}
        }
    }
}

/// The numbers of the steps to try: of one kind of call of one process, when there are more than `most`, the first, the last and
/// every so many-th between.
pub fn sampled(steps: &[Step], most: usize) -> Vec<usize> {
    let mut kinds: HashMap<(usize, &str), Vec<usize>> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        kinds.entry((step.process.0, step.call)).or_default().push(at);
    }
    let mut chosen: Vec<usize> = kinds
        .into_values()
        .flat_map(|all| {
            let every = (all.len() - 1).div_ceil(most - 1).max(1);
            let last = all[all.len() - 1];
            let mut some: Vec<usize> = all.into_iter().step_by(every).collect();
            some.push(last);
            some.dedup();
            some
        })
        .collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    fn shown(traced: &Traced) -> Vec<String> {
        traced.steps.iter().map(|step| format!("{} {}", step.call, step.on)).collect()
    }

    #[test]
    fn changes_of_all_processes_are_counted_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let script = format!("cd {}; mkdir a; (echo x >a/b); mv a/b c; echo said", temp.path().display());
        let traced = run(&shell(&script), Plan::Count);
        assert_eq!((traced.status, traced.output.as_str(), traced.hung), (Some(0), "said\n", false));
        let calls = shown(&traced);
        let wanted = ["execve mkdir", "mkdir a", "openat b", "write b", "execve mv", "renameat2 b"];
        assert_eq!(calls, wanted, "{traced:?}");
    }

    #[test]
    fn everything_is_killed_before_a_step() {
        let temp = tempfile::tempdir().unwrap();
        let script = format!("cd {}; sleep 1000 & mkdir a; mkdir b; mkdir c", temp.path().display());
        let all = ["execve sleep", "execve mkdir", "mkdir a", "execve mkdir", "mkdir b"];
        let traced = run(&shell(&script), Plan::Kill(4));
        assert!(traced.reached && !traced.hung);
        let mut calls = shown(&traced);
        calls.sort();
        let mut wanted = all;
        wanted.sort_unstable();
        assert_eq!(calls, wanted);
        assert_eq!(traced.status, None);
        assert!(temp.path().join("a").exists() && !temp.path().join("b").exists());
    }

    #[test]
    fn one_process_is_killed_and_the_others_go_on() {
        let temp = tempfile::tempdir().unwrap();
        let script = format!("cd {}; mkdir a; mkdir b; mkdir c", temp.path().display());
        let traced = run(&shell(&script), Plan::KillOne(3));
        assert_eq!((traced.reached, traced.status), (true, Some(0)));
        assert!(!temp.path().join("b").exists() && temp.path().join("c").exists());
        let script = format!("cd {}; mkdir d && mkdir e; mkdir f", temp.path().display());
        let traced = run(&shell(&script), Plan::KillBehind(1));
        assert_eq!((traced.reached, traced.status), (true, Some(0)));
        let there = ["d", "e", "f"].map(|name| temp.path().join(name).exists());
        assert_eq!(there, [true, false, true]);
    }

    #[test]
    fn something_else_is_done_before_a_step() {
        let temp = tempfile::tempdir().unwrap();
        let script = format!("cd {}; mkdir a; mkdir b", temp.path().display());
        let mut seen = Vec::new();
        let there = |name: &str| temp.path().join(name).exists();
        let traced = run_beside(&shell(&script), Plan::Pause(3), &mut || seen = vec![there("a"), there("b")]);
        assert_eq!((traced.reached, traced.status), (true, Some(0)));
        assert_eq!(seen, [true, false]);
        assert!(there("b"));
    }

    #[test]
    fn a_step_fails_once() {
        let temp = tempfile::tempdir().unwrap();
        let script = format!("cd {}; mkdir a || mkdir a", temp.path().display());
        let traced = run(&shell(&script), Plan::Fail(1, Errno::ENOSPC));
        assert!(traced.reached);
        assert_eq!(traced.status, Some(0));
        assert!(traced.output.contains("No space left on device"), "{}", traced.output);
        assert!(temp.path().join("a").exists());
    }

    #[test]
    fn of_many_alike_the_first_the_last_and_some_between_are_chosen() {
        let step = |process, call| Step { process: (process, String::new()), call, on: String::new() };
        let mut steps: Vec<Step> = (0..100).map(|_| step(0, "write")).collect();
        steps.insert(50, step(0, "rename"));
        steps.insert(60, step(1, "write"));
        let chosen = sampled(&steps, 4);
        assert_eq!(chosen, [0, 33, 50, 60, 68, 101]);
        assert_eq!(sampled(&steps, 1000).len(), 102);
    }
}
