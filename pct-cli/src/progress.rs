//! How a running operation is shown: its messages on stdout, a bar on stderr when that is a terminal.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    io::{self, IsTerminal as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    low_level::pipe,
};

use crate::{door::Progress, failure::Failure, output};

/// Counts the warnings and draws the bar.
#[derive(Default)]
pub(crate) struct Narrator {
    warnings: usize,
    bar: Option<ProgressBar>,
    /// A warning is a line on stderr, as of commands that are no tasks.
    plain: bool,
    /// Standard output is for the result alone.
    beside: bool,
    /// The line about the lock is begun and not ended.
    waiting: bool,
    /// Decided at the first report: most operations never move bytes.
    on_terminal: Option<bool>,
    /// Readable when the user wants the operation to stop.
    interrupt: Option<UnixStream>,
}

impl Narrator {
    /// For a command that is no task.
    pub(crate) fn plain(self) -> Self {
        Self { plain: true, ..self }
    }

    /// For a command whose result is read by a program: all else is told on stderr.
    pub(crate) fn beside_result(self) -> Self {
        Self { plain: true, beside: true, ..self }
    }

    /// For an operation that can take back what it has done: the first signal that would end this program is
    /// passed on to it instead.
    pub(crate) fn interruptible() -> Result<Self, Failure> {
        let watch = || -> io::Result<UnixStream> {
            let (reader, writer) = UnixStream::pair()?;
            for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
                pipe::register(signal, writer.try_clone()?)?;
            }
            Ok(reader)
        };
        let reader =
            watch().map_err(|error| Failure::Message(format!("cannot watch for signals: {error}")))?;
        Ok(Self { interrupt: Some(reader), ..Self::default() })
    }

    /// Takes the bar away and gives the number of warnings.
    pub(crate) fn finish(mut self) -> usize {
        self.remove_bar();
        if self.waiting {
            output::error(OsStr::new("\n"));
        }
        self.warnings
    }

    fn say(&self, text: &str) {
        let say = || match self.beside {
            true => output::error(OsStr::new(&format!("{text}\n"))),
            false => output::narrate(text),
        };
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    fn remove_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Narrator {
    fn cancel(&self) -> Option<BorrowedFd<'_>> {
        self.interrupt.as_ref().map(AsFd::as_fd)
    }

    fn message(&mut self, text: &str) {
        self.say(text);
    }

    fn warning(&mut self, text: &str) {
        self.warnings += 1;
        if self.plain {
            return output::error(OsStr::new(&format!("{text}\n")));
        }
        self.say(&format!("WARN: {text}"));
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        if !*self.on_terminal.get_or_insert_with(|| std::io::stderr().is_terminal()) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| new_bar(total));
        bar.set_position(done);
        if total.is_some_and(|total| done >= total) {
            self.remove_bar();
        }
    }

    fn waiting_for_lock(&mut self, acquired: bool) {
        let text = if acquired { " OK\n" } else { "trying to acquire lock..." };
        self.waiting = !acquired;
        output::error(OsStr::new(text));
    }
}

fn new_bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // No ticker: it would be a thread, and this process starts others.
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style)
}

/// The line about counted warnings, if there were any.
pub(crate) fn warnings_line(warnings: usize) -> String {
    let mut line = String::new();
    if warnings > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(line, "Task finished with {warnings} warning(s)!");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_counted_and_told_at_the_end() {
        assert_eq!(warnings_line(0), "");
        assert_eq!(warnings_line(2), "Task finished with 2 warning(s)!\n");
        let narrator = Narrator { warnings: 3, ..Narrator::default() };
        assert_eq!(narrator.finish(), 3);
    }
}
