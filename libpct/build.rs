//! Names the shared library: programs are linked with `libpct.so.0`, whatever the file was called.
// A build script speaks to cargo through its output.
#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // cargo-c, which asks for this feature, says so itself.
    if std::env::var_os("CARGO_FEATURE_CAPI").is_none() {
        // Raised when a release breaks the C interface (see src/ffi/mod.rs).
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpct.so.0");
    }
}
