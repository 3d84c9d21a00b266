//! A program on a terminal, with us as the person before it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::{run::signal_pid, wait};

/// A terminal and the program on it.
pub struct Pty {
    master: File,
    /// Kept open so that the terminal's settings outlive the program.
    terminal: OwnedFd,
    before: Termios,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    read: usize,
}

impl Pty {
    /// Starts `program` as the leader of a session on a new terminal of 24 rows
    /// and 80 columns.
    pub fn spawn(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a new terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("unlock the terminal");
        let name = ptsname(&master, Vec::new()).expect("the terminal's name").into_string().expect("a path");
        let open = || open_noctty(&name);
        let terminal = open();
        let before = tcgetattr(&terminal).expect("terminal settings");
        tcsetattr(&terminal, OptionalActions::Now, &before).expect("set the terminal");
        let master = File::from(master);
        let pty_size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, pty_size).expect("window size");

        // setsid(1) execs in place, so the child's id is the program's.
        let mut command = Command::new("/usr/bin/setsid");
        command.arg("--ctty").arg(program).args(args).envs(env.iter().copied());
        command.env("TERM", "xterm");
        command.stdin(Stdio::from(open())).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
        let child = command.spawn().expect("start a program on a terminal");

        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut from, into) = (master.try_clone().expect("duplicate"), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = from.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                into.lock().expect("no panic in between").extend_from_slice(&buffer[..n]);
            }
        });
        Self { master, terminal, before, child, seen, read: 0 }
    }

    /// Types.
    pub fn type_(&mut self, bytes: impl AsRef<[u8]>) {
        self.master.write_all(bytes.as_ref()).expect("type on the terminal");
    }

    /// Changes the window's size, as a terminal emulator would.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).expect("window size");
    }

    /// Waits until `text` appears after what was expected before, and returns
    /// what came up to its end.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        self.expect_in(text, wait::LIMIT)
    }

    /// As [`Pty::expect`], with another deadline.
    #[track_caller]
    pub fn expect_in(&mut self, text: &str, limit: Duration) -> String {
        let end = std::time::Instant::now() + limit;
        loop {
            let all = self.seen.lock().expect("no panic in between").clone();
            let fresh = &all[self.read.min(all.len())..];
            if let Some(at) = find(fresh, text.as_bytes()) {
                let upto = at + text.len();
                self.read += upto;
                return String::from_utf8_lossy(&fresh[..upto]).into_owned();
            }
            assert!(
                std::time::Instant::now() < end,
                "{text:?} did not appear on the terminal in {} s; there was {:?}",
                limit.as_secs(),
                String::from_utf8_lossy(fresh)
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the prompt of root's shell. What is typed before it may be
    /// thrown away: a shell that sets up its line editing flushes the input.
    #[track_caller]
    pub fn prompt(&mut self) {
        self.expect("# ");
    }

    /// Presses Return until `text` appears: nobody knows when a console is
    /// connected and a getty listens.
    #[track_caller]
    pub fn wake(&mut self, text: &str, limit: Duration) {
        wait::until(&format!("{text:?} appears on the console"), limit, || {
            self.type_("\r");
            std::thread::sleep(Duration::from_millis(300));
            let all = self.seen.lock().expect("no panic in between").clone();
            let at = find(&all[self.read.min(all.len())..], text.as_bytes())?;
            self.read += at + text.len();
            Some(())
        });
    }

    /// Everything that appeared so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("no panic in between")).into_owned()
    }

    /// Sends a signal to the program (not to its group).
    pub fn signal(&self, signal: Signal) {
        signal_pid(self.child.id(), signal);
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end; 128 + n for signal n.
    #[track_caller]
    pub fn finish(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let child = &mut self.child;
        let status =
            wait::until("the program on the terminal ends", wait::LIMIT, || child.try_wait().expect("wait"));
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }

    /// Whether the terminal is set as it was before the program came.
    pub fn is_restored(&self) -> bool {
        let now = tcgetattr(&self.terminal).expect("terminal settings");
        now.input_modes == self.before.input_modes
            && now.output_modes == self.before.output_modes
            && now.control_modes == self.before.control_modes
            && now.local_modes == self.before.local_modes
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Opens the terminal without making it ours, should the test run without one.
fn open_noctty(name: &str) -> OwnedFd {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
        .expect("open the terminal")
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|w| w == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_terminal_is_seen_and_answered() {
        let script = "stty size; read line; echo got $line; exit 7";
        let mut pty = Pty::spawn(Path::new("/bin/sh"), &["-c", script], &[]);
        pty.expect("24 80");
        pty.type_("abc\n");
        pty.expect("got abc");
        assert_eq!(pty.finish(), 7);
        assert!(pty.is_restored());
    }

    #[test]
    fn a_terminal_left_in_raw_mode_is_noticed() {
        let mut pty = Pty::spawn(Path::new("/bin/stty"), &["raw", "-echo"], &[]);
        assert_eq!(pty.finish(), 0);
        assert!(!pty.is_restored());
    }
}
