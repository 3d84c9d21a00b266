//! What can go wrong, and how it is told (spec: cli, part 1.6).

use std::error::Error as _;
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
        text.push_str(usage_line);
        text.push('\n');
        text
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
            Self::Library(error) | Self::Task(error) if error.parameters().is_some() => {
                let errors = error.parameters().map(from_library).unwrap_or_default();
                (errors.render(&usage_line()), Exit::FAILURE)
            }
            Self::Library(error) => {
                let exit = if error.is_missing_config() { Exit::NO_CONFIG } else { Exit::FAILURE };
                (line(&chain(error)), exit)
            }
            Self::Task(error) => (line(&chain(error).replace('\n', " ")), Exit::FAILURE),
            Self::Message(text) => (line(text), Exit::FAILURE),
            Self::Reported => (String::new(), Exit::FAILURE),
            Self::ClosedPipe => (String::new(), Exit::CLOSED_PIPE),
        }
    }
}

fn from_library(errors: &door::ParameterErrors) -> ParamErrors {
    let mut told = ParamErrors::new(&errors.message);
    for (param, text) in &errors.params {
        told.add(param, text);
    }
    told
}

/// Ends the text with exactly one newline.
fn line(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

/// An error and its causes in one text; a cause that its effect has quoted already is not repeated.
pub(crate) fn chain(error: &door::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text.push_str(": ");
            text.push_str(&why);
        }
        cause = error.source();
    }
    text
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
    fn a_library_error_is_told_with_its_causes_and_the_status_the_original_has() {
        let missing = || door::Error::missing_config("Configuration file 'x/100.conf' does not exist");
        let (text, exit) = Failure::Library(missing()).tell(None);
        assert_eq!(
            (text.as_str(), exit),
            ("Configuration file 'x/100.conf' does not exist\n", Exit::NO_CONFIG)
        );
        let (_, exit) = Failure::Task(missing()).tell(None);
        assert_eq!(exit, Exit::FAILURE, "a task's status is 255 whatever failed in it");

        let error = door::Error::other("can't start CT 100").caused_by("bridge 'vmbr7'\ndoes not exist");
        assert_eq!(
            Failure::Task(error).tell(None).0,
            "can't start CT 100: bridge 'vmbr7' does not exist\n",
            "a task's error is one line"
        );
        let error = door::Error::other("open /x: denied").caused_by("denied");
        assert_eq!(chain(&error), "open /x: denied");
    }

    #[test]
    fn parameter_errors_of_the_library_look_like_ours() {
        let error = door::Error::parameter("storage", "storage 'x' does not support container directories");
        let (text, exit) = Failure::Library(error).tell(Some(start()));
        assert_eq!(exit, Exit::FAILURE);
        assert_eq!(
            text,
            "400 Parameter verification failed.\nstorage: storage 'x' does not support container directories\n\
             pct start <vmid> [OPTIONS]\n"
        );
    }

    #[test]
    fn the_quiet_failures_say_nothing() {
        assert_eq!(Failure::ClosedPipe.tell(None), (String::new(), Exit::CLOSED_PIPE));
        assert_eq!(Failure::Reported.tell(None), (String::new(), Exit::FAILURE));
        assert_eq!(Failure::Message("please run as root".to_owned()).tell(None).0, "please run as root\n");
    }
}
