//! `pct`: manage LXC system containers.
fn main() {}
