//! Tests that need root, or a program, and what happens without.

/// Whether this process may run containers. If not, says so by test name, or
/// panics when `PCT_E2E=require`.
pub fn have_root() -> bool {
    rustix::process::geteuid().is_root() || skip("needs root")
}

/// Whether `program` is installed; else as [`have_root`].
pub fn have_tool(program: &str) -> bool {
    crate::bins::tool(program).is_some() || skip(&format!("needs {program}"))
}

/// Whether the kernel, or the system on it, can do what a test is about. No package brings that: only on a machine that
/// is made to have it all is a skip a failure.
pub fn can(it_can: bool, what: &str) -> bool {
    it_can || report(&format!("needs {what}"), "machine")
}

/// Whether CRIU is installed and can be used on this kernel. Where it cannot, that is for another tier to test.
pub fn have_criu() -> bool {
    let check = std::process::Command::new("criu").arg("check").output();
    let why = match check {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned(),
        Err(error) => error.to_string(),
    };
    report(&format!("needs a CRIU that can be used here ({why})"), "criu")
}

/// Reports a skip. Always false.
pub fn skip(why: &str) -> bool {
    report(why, "require")
}

/// `PCT_E2E` has the words that make a skip a failure.
fn report(why: &str, word: &str) -> bool {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    let words = std::env::var("PCT_E2E").unwrap_or_default();
    if words.split(' ').any(|demanded| demanded == word) {
        panic!("{name} must not be skipped here (PCT_E2E has '{word}'): {why}");
    }
    eprintln!("skipped: {why}: {name}");
    false
}

/// Leaves the test when it cannot run here: without root, or without one of the
/// programs named.
#[macro_export]
macro_rules! require_root {
    ($($tool:literal),*) => {
        if !$crate::root::have_root() $(|| !$crate::root::have_tool($tool))* {
            return;
        }
    };
}
