//! Where the programs under test are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::generated::repository;
use crate::run::Run;

/// The folder of the profile this test was built with: `target/debug` for
/// `target/debug/deps/e2e-0123`.
pub fn profile_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("the path of the test program");
    let dir = exe.parent().expect("a test program lies in a folder");
    let dir = if dir.ends_with("deps") { dir.parent().expect("deps lies in a folder") } else { dir };
    dir.to_owned()
}

/// The `target` folder.
pub fn target_dir() -> PathBuf {
    profile_dir().parent().expect("a profile lies in a target folder").to_owned()
}

/// The `pct` under test.
pub fn pct() -> PathBuf {
    built("pct")
}

/// The `pct-helper` under test.
pub fn helper() -> PathBuf {
    built("pct-helper")
}

/// The shared library under test as it is installed, with symbol versions: linked anew when cargo has built anew.
pub fn shared_library() -> PathBuf {
    static LINKED: OnceLock<PathBuf> = OnceLock::new();
    let link = || {
        let archive = built("libpct.a");
        let path = archive.with_file_name(concat!("libpct.so.", env!("CARGO_PKG_VERSION")));
        let make = Run::new(tool("make").expect("make is not installed")).env_remove("MAKEFLAGS");
        make.args(["-s".as_ref(), path.as_os_str()])
            .args([format!("BUILT={}", profile_dir().display())])
            .dir(repository())
            .ok()
            .quiet();
        path
    };
    LINKED.get_or_init(link).clone()
}

/// Cargo builds no binary of another package for a test, so it has to be there
/// already; an old one would be tested in silence, so nothing is searched for
/// beyond the one place.
fn built(name: &str) -> PathBuf {
    let path = profile_dir().join(name);
    assert!(
        path.is_file(),
        "{} is missing: build the workspace first (cargo build --workspace; `make test` does)",
        path.display()
    );
    path
}

/// Whether a program of the test machine (`strace`, `dnsmasq`) is installed.
pub fn tool(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|p| p.is_file())
}
