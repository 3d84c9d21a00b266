//! What is said about any bytes points into them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pct::config::{Vmid, lint, text};

fuzz_target!(|bytes: &[u8]| {
    let file = text::from_bytes(bytes);
    let lines: Vec<_> = file.split('\n').collect();
    for found in lint(bytes, Vmid::new(100).expect("a valid number")) {
        let line = found.line.checked_sub(1).and_then(|at| lines.get(at)).expect("a line of the file");
        assert!((1..=line.len() + 1).contains(&found.column), "{found:?} in {line:?}");
    }
});
