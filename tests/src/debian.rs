//! The Debian template, made by `tests/templates/debian.sh`.

use std::path::{Path, PathBuf};

use crate::{Run, bins, wait};

/// Its path; made now if `make` has not done so.
pub fn template() -> PathBuf {
    let path = bins::target_dir().join("templates/debian.tar.zst");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/debian.sh");
    // The script keeps a file that is up to date. Tests that come at once
    // wait for the first.
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = LOCK.lock().expect("no panic in between");
    Run::new("/bin/sh").args([script, path.clone()]).limit(wait::LIMIT * 6).ok();
    path
}
