//! The process that does what the caller's process must not: see `helper`.
fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
