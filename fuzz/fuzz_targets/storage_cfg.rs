//! Any bytes as `storage.cfg`: the storages in it can be asked for, and a change of one leaves every byte that is not its.

#![no_main]

use std::{env, fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use pct::{Content, Pct};

/// A host of its own. Each change is written durably: better in memory, where `run.sh` has the folder.
static PCT: LazyLock<Pct> = LazyLock::new(|| {
    let root = env::temp_dir().join(format!("pct-fuzz-{}", std::process::id()));
    fs::create_dir_all(root.join("etc/pct")).expect("a folder");
    Pct::builder().root(root).open().expect("a host below a folder")
});

/// The id of the storage that is changed.
const ID: &str = "fuzzed";

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The file after a change of what was in it.
fn after(before: &[u8], change: impl FnOnce(&Pct) -> Result<(), pct::Error>) -> Vec<u8> {
    let path = PCT.home().storage_cfg();
    fs::write(&path, before).expect("write the file");
    change(&PCT).unwrap_or_else(|error| panic!("{}", error.full_message()));
    fs::read(&path).expect("read the file")
}

fuzz_target!(|bytes: &[u8]| {
    if contains(bytes, ID) {
        return;
    }
    let asked = after(bytes, |pct| pct.storages(Content::Volumes).map(drop));
    assert_eq!(asked, bytes);

    let added = after(bytes, |pct| pct.add_storage("dir", ID, &options(&[("path", "/x")])));
    assert!(added.starts_with(bytes) && added.ends_with(b"dir: fuzzed\n\tpath /x\n\n"));
    let removed = after(&added, |pct| pct.remove_storage(ID));
    // What was not ended is ended.
    let rest = removed.strip_prefix(bytes).expect("what was there before");
    assert!(rest.len() <= 2 && rest.iter().all(|&byte| byte == b'\n'), "{rest:?}");

    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let around = |section: &[u8]| [head, b"\n\n", section, tail].concat();
    let before = around(
        b"DIR:fuzzed\n  content images;rootdir\n# a note\npath is missing\n\tdisable\n \tpath /y \n\n",
    );
    let set = after(&before, |pct| {
        pct.set_storage(ID, &options(&[("nodes", "b, a"), ("path", "/z")]), &["disable".to_owned()])
    });
    let expected =
        b"dir: fuzzed\n# a note\npath is missing\n\tpath /z\n\tcontent images,rootdir\n\tnodes a,b\n\n";
    assert_eq!(set, around(expected));
});
