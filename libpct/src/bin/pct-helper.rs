//! The process that does what the caller's process must not: see the library's `ops::helper`.

fn main() -> std::process::ExitCode {
    pct::helper_main()
}
