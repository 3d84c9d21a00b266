//! Debian templates, made by `tests/templates/debian.sh`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::{Run, bins, wait};

/// Of this machine's release; made now if `make` has not done so.
pub fn template() -> PathBuf {
    // Tests that come at once wait for the first.
    static LOCK: Mutex<()> = Mutex::new(());
    let _one = LOCK.lock().expect("no panic in between");
    made("debian", &[])
}

/// Of a release, with more packages than usual, and without those with a dash in front. Made when a test asks for it.
pub fn release(suite: &str, packages: &[&str]) -> PathBuf {
    let here = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    if packages.is_empty() && here.contains(&format!("\nVERSION_CODENAME={suite}\n")) {
        return template();
    }
    // Each takes both processors for half a minute.
    static LOCK: Mutex<()> = Mutex::new(());
    let _one = LOCK.lock().expect("no panic in between");
    let name = packages.iter().fold(format!("debian-{suite}"), |name, package| format!("{name}_{package}"));
    made(&name, &[&[suite], packages].concat())
}

/// The script keeps a file that is up to date.
fn made(name: &str, words: &[&str]) -> PathBuf {
    let path = bins::target_dir().join(format!("templates/{name}.tar.zst"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/debian.sh");
    Run::new("/bin/sh").args([script, path.clone()]).args(words).limit(wait::LIMIT * 6).ok();
    path
}
