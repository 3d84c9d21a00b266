//! Config files that were made to hurt: refused or read at once, in bounded memory, and none hides its neighbours.

#![cfg(test)]

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::Duration,
};

use pct_tests::{Output, Run, bins, require_root};

const MIB: usize = 1 << 20;

/// All the memory that `pct` may map, its own code and libraries included.
const ADDRESS_SPACE: usize = 384 * MIB;

fn limited(words: &[&str], root: &Path) -> Output {
    Run::new("/usr/bin/prlimit")
        .args([format!("--as={ADDRESS_SPACE}"), bins::pct().display().to_string()])
        .args(words)
        .env("PCT_ROOT", root)
        .limit(Duration::from_secs(20))
        .output()
}

/// A pattern until the file is as long as a config may be.
fn filled(pattern: &str) -> Vec<u8> {
    pattern.as_bytes().iter().copied().cycle().take(MIB).collect()
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_in_bounded_memory() {
    require_root!("prlimit");
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("9001.conf"), "hostname: neighbour\n").unwrap();
    let big = folder.join("9000.conf");
    for pattern in ["memory: 512\n", "\0"] {
        let mut file = File::create(&big).unwrap();
        let chunk = pattern.repeat(MIB / pattern.len());
        (0..100).for_each(|_| file.write_all(chunk.as_bytes()).unwrap());
        drop(file);
        let path = big.to_str().unwrap();
        for words in [
            &["lint", path][..],
            &["lint", path, "--json"],
            &["lint", path, "--canonical"],
            &["lxc-config", "--file", path, "--vmid", "9000"],
            &["config", "9000"],
            &["pending", "9000"],
            &["status", "9000"],
        ] {
            let out = limited(words, home.path());
            assert!(out.status != 0 && out.err().contains("larger than"), "{words:?}: {}", out.both());
            assert!(out.stdout.is_empty(), "{words:?}");
        }
        let out = limited(&["list"], home.path());
        assert!(
            out.status != 0 && out.out().contains("neighbour") && out.err().contains("9000"),
            "{}",
            out.both()
        );
    }
}

#[test]
fn the_longest_file_of_nothing_but_faults_is_read_in_bounded_memory() {
    require_root!("prlimit");
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("9000.conf");
    let deep = format!("net0: {}", "a,".repeat(MIB / 2 - 4));
    let keys = (0..150_000).map(|n| format!("{}: x\n", spelled(150_000 - n))).collect::<String>();
    let sections = (0..90_000).map(|n| format!("[s{n:06}]\n")).collect::<String>();
    let files: [(&str, Vec<u8>); 9] = [
        ("lines", filled("x\n")),
        ("sections that come again", filled("[aa]\n")),
        ("sections", sections.into_bytes()),
        ("keys that come again", filled("memory: x\n")),
        ("keys in the wrong order", keys.into_bytes()),
        ("sub-keys", filled("net0: a=b,")),
        ("parts", deep.into_bytes()),
        ("escapes", filled("#\u{10ffff}%\n")),
        (
            "no UTF-8",
            filled("zz: \u{fffd}\n").into_iter().map(|byte| if byte == 0xbf { 0xff } else { byte }).collect(),
        ),
    ];
    for (what, bytes) in files {
        fs::write(&path, &bytes[..bytes.len().min(MIB)]).unwrap();
        let lint = limited(&["lint", path.to_str().unwrap()], home.path());
        assert!(matches!(lint.status, 0 | 1), "{what}: {}", lint.err());
        assert!(lint.stdout.len() < 8 * MIB, "{what}: {} bytes", lint.stdout.len());
        let out = limited(&["lint", path.to_str().unwrap(), "--canonical"], home.path()).ok();
        assert!(out.stdout.len() <= 3 * MIB, "{what}: {} bytes", out.stdout.len());
        limited(&["list"], home.path()).ok();
    }
}

/// A key of letters only for each number.
fn spelled(mut number: usize) -> String {
    let mut key = String::new();
    for _ in 0..4 {
        key.insert(0, char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    key
}
