//! Files of the repository that are made out of other files of it.

use std::fs;
use std::path::{Path, PathBuf};

/// The top folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package lies in a folder").to_owned()
}

/// Compares a committed file with what it should be, and with `PCT_UPDATE=1` writes it first; `target` is the one
/// of `make` that does so.
#[track_caller]
pub fn up_to_date(file: &str, made: &str, target: &str) {
    let path = repository().join(file);
    if std::env::var_os("PCT_UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differing = made.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert!(made == committed, "{file} is not up to date: run `make {target}`; first: {differing:?}");
}
