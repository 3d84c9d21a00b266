use super::*;
use crate::{
    argv::{self, Dialect},
    commands,
    failure::Failure,
};

/// Arguments of a command line that has no blanks in its words.
pub(crate) fn args(spec: &VerbSpec, words: &str) -> Args {
    let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
    let parsed = argv::parse(spec, &words, Dialect::Permuting).unwrap_or_else(|error| panic!("{error:?}"));
    check(spec, parsed).unwrap_or_else(|error| panic!("{error:?}"))
}
