//! What can go wrong, and how it is told (spec: cli, part 1.6).

use std::fmt::Write as _;

use crate::{door, exit::Exit, help, spec::VerbSpec, usage};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command word itself: the list of commands is shown.
    Usage(usage::UsageError),
    /// Parameters: the verb's usage line is shown.
    Params(ParamErrors),
    /// The library refused or failed before or outside a task.
    Library(door::Error),
    /// A task failed: its error is one line.
    Task(door::Error),
    /// Something of our own.
    Message(String),
    /// Told already, line by line.
    Reported,
    /// Nobody reads our output any more.
    ClosedPipe,
}

/// An error of the 400 class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParamErrors {
    /// Lines that come before.
    pub(crate) diagnostics: Vec<String>,
    /// What follows `400 `.
    pub(crate) message: String,
    /// Parameter and text, in the order of the tables.
    pub(crate) params: Vec<(String, String)>,
    /// What would help, for people.
    pub(crate) hints: Vec<String>,
}

impl ParamErrors {
    /// The headline of a failed check.
    pub(crate) const VERIFICATION: &'static str = "Parameter verification failed.";

    pub(crate) fn new(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::default() }
    }

    /// One parameter that did not pass.
    pub(crate) fn one(param: &str, text: &str) -> Self {
        let mut errors = Self::new(Self::VERIFICATION);
        errors.add(param, text);
        errors
    }

    /// Notes an error; a second one for the same parameter is joined by a literal `\n`.
    pub(crate) fn add(&mut self, param: &str, text: &str) {
        match self.params.iter_mut().find(|(name, _)| name == param) {
            Some((_, known)) => {
                known.push_str("\\n");
                known.push_str(text);
            }
            None => self.params.push((param.to_owned(), text.to_owned())),
        }
    }

    /// The whole text for stderr.
    pub(crate) fn render(&self, usage_line: &str) -> String {
        let mut text = String::new();
        for line in &self.diagnostics {
            text.push_str(line);
            text.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "400 {}", self.message);
        for (param, error) in &self.params {
            let _ = writeln!(text, "{param}: {error}");
        }
        for hint in &self.hints {
            let _ = writeln!(text, "  {hint}");
        }
        text.push_str(usage_line);
        text.push('\n');
        text
    }

    /// The form that scripts know, in which hints would be strange lines.
    pub(crate) fn without_hints(mut self) -> Self {
        self.hints.clear();
        self
    }
}

impl From<ParamErrors> for Failure {
    fn from(errors: ParamErrors) -> Self {
        Self::Params(errors)
    }
}

impl From<usage::UsageError> for Failure {
    fn from(error: usage::UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<door::Error> for Failure {
    fn from(error: door::Error) -> Self {
        Self::Library(error)
    }
}

impl Failure {
    /// The text for stderr (empty when nothing is to be said) and the exit status.
    pub(crate) fn tell(&self, verb: Option<&VerbSpec>) -> (String, Exit) {
        let usage_line = || verb.map(help::usage_line).unwrap_or_default();
        match self {
            Self::Usage(error) => (error.render(), Exit::FAILURE),
            Self::Params(errors) => (errors.render(&usage_line()), Exit::FAILURE),
            Self::Library(error) | Self::Task(error) => match error {
                door::Error::Parameters(params) => {
                    (from_library(ParamErrors::VERIFICATION, params).render(&usage_line()), Exit::FAILURE)
                }
                door::Error::InvalidConfig(params) => {
                    (from_library("Result verification failed", params).render(&usage_line()), Exit::FAILURE)
                }
                _ => (line(&self.library_text(error)), self.library_exit(error)),
            },
            Self::Message(text) => (line(text), Exit::FAILURE),
            Self::Reported => (String::new(), Exit::FAILURE),
            Self::ClosedPipe => (String::new(), Exit::CLOSED_PIPE),
        }
    }
}

impl Failure {
    /// A task's error is one line. Only a diagnosis keeps its lines: log, remedy, where to read on.
    fn library_text(&self, error: &door::Error) -> String {
        let text = error.full_message();
        let diagnosis = matches!(error, door::Error::Helper(failure) if !failure.log_lines.is_empty());
        let keeps_lines =
            diagnosis || matches!(self, Self::Library(_)) || error.kind() == door::ErrorKind::Start;
        if keeps_lines { text } else { text.trim_end().replace('\n', " ") }
    }

    /// A task's status says only whether it worked.
    fn library_exit(&self, error: &door::Error) -> Exit {
        match (self, error.kind()) {
            (_, door::ErrorKind::Timeout) => Exit::TIMEOUT,
            (Self::Library(_), door::ErrorKind::NotFound) => Exit::NO_CONFIG,
            _ => Exit::FAILURE,
        }
    }
}

fn from_library(message: &str, params: &[(String, String)]) -> ParamErrors {
    let mut errors = ParamErrors::new(message);
    for (param, text) in params {
        errors.add(param, text);
    }
    errors
}

/// Ends the text with exactly one newline.
fn line(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands;

    fn start() -> &'static VerbSpec {
        &commands::start::VERB.spec
    }

    #[test]
    fn parameter_errors_have_the_form_of_the_original() {
        let mut errors =
            ParamErrors::one("vmid", "invalid format - value does not look like a valid VM ID\n");
        assert_eq!(
            Failure::Params(errors.clone()).tell(Some(start())),
            (
                "400 Parameter verification failed.\nvmid: invalid format - value does not look like a valid VM ID\n\n\
                 pct start <vmid> [OPTIONS]\n"
                    .to_owned(),
                Exit::FAILURE
            )
        );
        errors.params.clear();
        errors.add("a", "first");
        errors.add("a", "second");
        assert_eq!(
            errors.render("pct x"),
            "400 Parameter verification failed.\na: first\\nsecond\npct x\n",
            "two errors of one parameter share a line"
        );
    }

    #[test]
    fn diagnostics_come_before_the_400_line() {
        let errors = ParamErrors {
            diagnostics: vec!["Unknown option: l".to_owned(), "Unknown option: k".to_owned()],
            ..ParamErrors::new("unable to parse option")
        };
        assert_eq!(
            errors.render("pct exec <vmid>"),
            "Unknown option: l\nUnknown option: k\n400 unable to parse option\npct exec <vmid>\n"
        );
    }

    #[test]
    fn a_library_error_is_told_with_the_status_the_original_has() {
        let missing = || door::Error::NoSnapshot("s1".to_owned());
        let text = "snapshot 's1' does not exist\n".to_owned();
        assert_eq!(Failure::Library(missing()).tell(None), (text.clone(), Exit::NO_CONFIG));
        assert_eq!(
            Failure::Task(missing()).tell(None),
            (text, Exit::FAILURE),
            "a task's status is always 255"
        );
    }

    #[test]
    fn a_task_s_error_is_one_line_unless_it_is_the_diagnosis_of_a_start() {
        let broken = || door::Error::NoSnapshot("a\nb".to_owned());
        assert_eq!(Failure::Task(broken()).tell(None).0, "snapshot 'a b' does not exist\n");
        assert_eq!(Failure::Library(broken()).tell(None).0, "snapshot 'a\nb' does not exist\n");
        let diagnosis = pct::Failure {
            start: true,
            message: "it failed".to_owned(),
            log_lines: vec!["because".to_owned()],
            remedy: Some("mend it".to_owned()),
            log: None,
        };
        assert_eq!(
            Failure::Task(door::Error::Helper(diagnosis)).tell(None).0,
            "it failed\n  because\nwhat to do: mend it\n"
        );
    }

    #[test]
    fn parameter_errors_of_the_library_look_like_ours() {
        let params =
            || vec![("storage".to_owned(), "storage 'x' does not support container directories".to_owned())];
        let lines =
            "storage: storage 'x' does not support container directories\npct start <vmid> [OPTIONS]\n";
        let told = |failure: Failure| failure.tell(Some(start()));
        assert_eq!(
            told(Failure::Task(door::Error::Parameters(params()))),
            (format!("400 Parameter verification failed.\n{lines}"), Exit::FAILURE)
        );
        assert_eq!(
            told(Failure::Library(door::Error::InvalidConfig(params()))),
            (format!("400 Result verification failed\n{lines}"), Exit::FAILURE)
        );
    }

    #[test]
    fn the_quiet_failures_say_nothing() {
        assert_eq!(Failure::ClosedPipe.tell(None), (String::new(), Exit::CLOSED_PIPE));
        assert_eq!(Failure::Reported.tell(None), (String::new(), Exit::FAILURE));
        assert_eq!(Failure::Message("please run as root".to_owned()).tell(None).0, "please run as root\n");
    }
}
