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

/// Reports a skip. Always false.
pub fn skip(why: &str) -> bool {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    if std::env::var_os("PCT_E2E").is_some_and(|v| v == "require") {
        panic!("{name} must not be skipped here (PCT_E2E=require): {why}");
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
