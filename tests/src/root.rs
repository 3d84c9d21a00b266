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

/// Whether CRIU is installed and can be used on this kernel. Where it cannot, that is for another machine to test: a failure
/// with `PCT_CRIU=require` only.
pub fn have_criu() -> bool {
    let check = std::process::Command::new("criu").arg("check").output();
    let why = match check {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned(),
        Err(error) => error.to_string(),
    };
    report(&format!("needs a CRIU that can be used here ({why})"), "PCT_CRIU")
}

/// Reports a skip. Always false.
pub fn skip(why: &str) -> bool {
    report(why, "PCT_E2E")
}

fn report(why: &str, variable: &str) -> bool {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    if std::env::var_os(variable).is_some_and(|v| v == "require") {
        panic!("{name} must not be skipped here ({variable}=require): {why}");
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
