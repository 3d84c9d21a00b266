//! Programs that use libpct, in Rust and in C.
