//! Asking for a password on the terminal (spec: cli, part 1.4).

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write},
    os::fd::{AsFd as _, BorrowedFd},
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Why there is no password.
#[derive(Debug)]
pub(crate) enum PasswordError {
    Aborted,
    Different,
    NoTerminal,
    NotText,
    Terminal(io::Error),
}

impl std::fmt::Display for PasswordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aborted => f.write_str("password input aborted"),
            Self::Different => f.write_str("passwords do not match"),
            Self::NoTerminal => {
                f.write_str("there is no terminal to ask for a password on; give it as a value")
            }
            Self::NotText => f.write_str("the password is not valid UTF-8"),
            Self::Terminal(error) => write!(f, "can't read a password from the terminal - {error}"),
        }
    }
}

impl From<io::Error> for PasswordError {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

impl From<rustix::io::Errno> for PasswordError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Terminal(error.into())
    }
}

/// Asks, asks again, and compares.
pub(crate) fn ask_twice() -> Result<String, PasswordError> {
    // The terminal of the session, whatever stdin is connected to; without a session, a terminal on stdin will do.
    match File::options().read(true).write(true).open("/dev/tty") {
        Ok(tty) => ask_twice_on(tty.as_fd(), &mut &tty, &mut &tty),
        Err(_) if io::stdin().is_terminal() => {
            // Unbuffered, so that nothing is read ahead that belongs to somebody else.
            let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            ask_twice_on(stdin.as_fd(), &mut &stdin, &mut io::stderr())
        }
        Err(_) => Err(PasswordError::NoTerminal),
    }
}

fn ask_twice_on(
    tty: BorrowedFd<'_>,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<String, PasswordError> {
    let _raw = RawMode::enter(tty)?;
    let first = ask(input, output, "Enter new password: ")?;
    let second = ask(input, output, "Retype new password: ")?;
    if first == second { Ok(first) } else { Err(PasswordError::Different) }
}

/// Raw mode for as long as the value lives.
struct RawMode<'a> {
    tty: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> RawMode<'a> {
    fn enter(tty: BorrowedFd<'a>) -> Result<Self, PasswordError> {
        let before = tcgetattr(tty)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(tty, OptionalActions::Drain, &raw)?;
        Ok(Self { tty, before })
    }
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone.
        let _ = tcsetattr(self.tty, OptionalActions::Drain, &self.before);
    }
}

fn ask(input: &mut dyn Read, output: &mut dyn Write, prompt: &str) -> Result<String, PasswordError> {
    output.write_all(prompt.as_bytes())?;
    output.flush()?;
    let mut entry = Entry::default();
    let mut key = [0];
    loop {
        let end = input.read(&mut key)? == 0;
        let step = if end { Step::Done } else { entry.key(key[0]) };
        match step {
            Step::Echo(text) => output.write_all(text.as_bytes())?,
            Step::Done => {
                output.write_all(b"\r\n")?;
                return String::from_utf8(entry.bytes).map_err(|_| PasswordError::NotText);
            }
            Step::Aborted => {
                output.write_all(b"\r\n")?;
                return Err(PasswordError::Aborted);
            }
        }
        output.flush()?;
    }
}

/// What has been typed.
#[derive(Default)]
struct Entry {
    bytes: Vec<u8>,
    /// TAB or backspace was the first key: nothing is shown.
    silent: bool,
    started: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Echo(&'static str),
    Done,
    Aborted,
}

impl Entry {
    /// Takes one byte of raw input.
    fn key(&mut self, byte: u8) -> Step {
        const CTRL_C: u8 = 3;
        const CTRL_D: u8 = 4;
        const BACKSPACE: [u8; 2] = [8, 127];
        let first = !std::mem::replace(&mut self.started, true);
        match byte {
            CTRL_C => Step::Aborted,
            CTRL_D | b'\r' | b'\n' => Step::Done,
            b'\t' if first => self.hide(),
            _ if BACKSPACE.contains(&byte) => {
                if first {
                    return self.hide();
                }
                if self.rub_out() { self.echo("\x08 \x08") } else { Step::Echo("") }
            }
            _ => {
                self.bytes.push(byte);
                if is_continuation(byte) { Step::Echo("") } else { self.echo("*") }
            }
        }
    }

    fn hide(&mut self) -> Step {
        self.silent = true;
        Step::Echo("")
    }

    fn echo(&self, text: &'static str) -> Step {
        Step::Echo(if self.silent { "" } else { text })
    }

    /// Removes the last character, which may be several bytes.
    fn rub_out(&mut self) -> bool {
        while let Some(byte) = self.bytes.pop() {
            if !is_continuation(byte) {
                return true;
            }
        }
        false
    }
}

/// A byte inside a UTF-8 character.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Result<String, String>, String) {
        let mut shown = Vec::new();
        let result = ask(&mut &*keys, &mut shown, "? ").map_err(|error| error.to_string());
        (result, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn each_character_shows_as_a_star_until_the_line_ends() {
        for (keys, password, shown) in [
            (&b"secret\r"[..], "secret", "? ******\r\n"),
            (b"a\nb", "a", "? *\r\n"),
            (b"ab\x04", "ab", "? **\r\n"),
            (b"ab\x7f\x08c\r", "c", "? **\x08 \x08\x08 \x08*\r\n"),
            (b"a\x7f\x7f\r", "", "? *\x08 \x08\r\n"),
            ("pä\x7fx\r".as_bytes(), "px", "? **\x08 \x08*\r\n"),
            (b"\tabc\r", "abc", "? \r\n"),
            (b"\x7fabc\x7f\r", "ab", "? \r\n"),
            (b"a\tb\r", "a\tb", "? ***\r\n"),
            (b"ab", "ab", "? **\r\n"),
            (b"\r", "", "? \r\n"),
        ] {
            assert_eq!(typed(keys), (Ok(password.to_owned()), shown.to_owned()), "{keys:?}");
        }
    }

    #[test]
    fn control_c_aborts() {
        assert_eq!(typed(b"ab\x03c\r").0, Err("password input aborted".to_owned()));
        assert_eq!(typed(b"\xff\r").0, Err("the password is not valid UTF-8".to_owned()));
    }

    /// A pseudo-terminal: the end of the person, the end of the program.
    fn terminal() -> (File, File) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let program = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap();
        (File::from(person), File::from(program))
    }

    fn asked(keys: &str) -> (Result<String, String>, String) {
        let (mut person, program) = terminal();
        let before = tcgetattr(&program).unwrap();
        // The line discipline turns what is typed too early into lines: type only when asked.
        let typing = std::thread::spawn({
            let keys = keys.to_owned();
            move || {
                let mut shown = String::new();
                for keys in keys.split_inclusive('\r') {
                    shown.push_str(&read_until(&mut person, ": "));
                    person.write_all(keys.as_bytes()).unwrap();
                }
                shown.push_str(&read_until(&mut person, "\r\n"));
                (person, shown)
            }
        });
        let result = ask_twice_on(program.as_fd(), &mut &program, &mut &program);
        let (_person, shown) = typing.join().unwrap();
        assert_eq!(tcgetattr(&program).unwrap().local_modes, before.local_modes, "the terminal is as it was");
        (result.map_err(|error| error.to_string()), shown)
    }

    fn read_until(person: &mut File, end: &str) -> String {
        let mut shown = String::new();
        let mut byte = [0];
        while !shown.ends_with(end) {
            person.read_exact(&mut byte).unwrap();
            shown.push(char::from(byte[0]));
        }
        shown
    }

    #[test]
    fn a_password_is_asked_for_twice_on_a_real_terminal() {
        let (answer, shown) = asked("secret\rsecret\r");
        assert_eq!(answer, Ok("secret".to_owned()));
        assert_eq!(shown, "Enter new password: ******\r\nRetype new password: ******\r\n");
        assert_eq!(asked("secret\rsecrex\r").0, Err("passwords do not match".to_owned()));
        assert_eq!(asked("se\x03").0, Err("password input aborted".to_owned()));
    }
}
