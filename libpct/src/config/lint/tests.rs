use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use super::*;
use crate::config::keys::KEYS;

fn of(file: &str) -> Vec<Finding> {
    lint(file.as_bytes(), Vmid::new(100).unwrap())
}

/// What a container needs, so that only the mistake is found.
const REST: [&str; 3] = ["arch: amd64", "ostype: debian", "rootfs: local:100/vm-100-disk-0.raw"];

/// The file with one mistake in its first line.
fn with(mistake: &str) -> String {
    let key = mistake.split(':').next().unwrap_or_default();
    let rest = REST.iter().filter(|line| line.split(':').next() != Some(key));
    [mistake].iter().chain(rest).map(|line| format!("{line}\n")).collect()
}

/// The findings about each mistake in `mistakes.txt`, as that file has them below it.
fn explained(table: &str) -> String {
    let mut text = String::new();
    for mistake in table.lines().filter(|line| !line.is_empty() && !line.starts_with([' ', '^'])) {
        let _ = writeln!(text, "{mistake}");
        for found in of(&with(mistake)) {
            assert_eq!(found.line, 1, "{mistake}");
            let carets = "^".repeat(found.part.chars().count().max(1));
            let _ = writeln!(text, "{}{carets}", " ".repeat(found.column - 1));
            let severity = if found.severity == Severity::Error { "error" } else { "warning" };
            let key = found.key.unwrap_or_else(|| "-".to_owned());
            let _ = writeln!(text, "    {severity} {key}: {}", found.message);
            let _ = writeln!(text, "    help: {}", found.remedy.unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

/// `PCT_UPDATE=1` writes the table anew.
#[test]
fn typical_mistakes_are_explained_with_key_part_and_what_is_allowed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/lint/mistakes.txt");
    let table = fs::read_to_string(&path).unwrap();
    let ours = explained(&table);
    if std::env::var_os("PCT_UPDATE").is_some() {
        fs::write(&path, &ours).unwrap();
    } else {
        assert!(ours == table, "mistakes.txt is not what is found:\n{ours}");
    }
}

#[test]
fn the_table_has_a_mistake_for_each_key_and_sub_key() {
    let names = |line: &str| {
        let found = line.strip_prefix("    error ").or_else(|| line.strip_prefix("    warning "))?;
        let (name, _) = found.split_once(": ")?;
        let (key, sub) = name.split_once('.').map_or((name, None), |(key, sub)| (key, Some(sub)));
        let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
        Some(sub.map_or_else(|| family.to_owned(), |sub| format!("{family}.{sub}")))
    };
    let seen: BTreeSet<String> = include_str!("mistakes.txt").lines().filter_map(names).collect();
    // Any text will do for these.
    let free = ["description", "rootfs.volume"];
    let all = KEYS.iter().flat_map(|key| match key.subkeys() {
        Some(subs) => subs.iter().map(|sub| format!("{}.{}", key.name, sub.name)).collect(),
        None => vec![key.name.to_owned()],
    });
    let missing: Vec<_> = all.filter(|name| !seen.contains(name) && !free.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "no mistake for {missing:?}");
}

#[test]
fn what_no_single_line_shows_is_found() {
    let file = "arch: amd64\nrootfs: local:100/a.raw\nunused0: local:100/a.raw\nmp0: /srv,mp=/b\nmp1: /x,mp=/b/\n\
                net0: name=eth0\nnet1: name=eth0\nmemory: 512\nmemory: 1024\nlxc.idmap: u 0 0 10\n\
                lxc.idmap: u 5 50 1\nmp2: /y,mp=/y,idmap=u:0:0:2;u:1:5:1\nmp3: local:8,mp=/z\n[aa]\n[aa]\n";
    let found: Vec<_> = of(file).into_iter().map(|f| (f.line, f.message)).collect();
    let expected = [
        (1, "no 'ostype': CT 100 can't be started"),
        (1, "invalid map entry 'u 5 50 1': container uid 5 is also mapped by entry 'u 0 0 10'"),
        (3, "'local:100/a.raw' is in use; the line goes at the next write"),
        (5, "'/b' is mounted over what mp0 mounts there"),
        (7, "the name 'eth0' is taken by net0"),
        (8, "'memory' comes again in line 9, and the later one counts"),
        (12, "idmap: invalid map entry 'u 1 5 1': container uid 1 is also mapped by entry 'u 0 0 2'"),
        (13, "'local:8' asks for a new volume, which only `pct create` and `pct set` make"),
        (14, "'[aa]' comes again in line 15, and the later one counts"),
    ];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    assert!(of(&with("memory: 512")).is_empty());
}

#[test]
fn a_parameter_that_fails_has_a_remedy_for_each_culprit() {
    assert_eq!(remedies("memory", "1"), ["memory takes a whole number of at least 16, in MiB"]);
    assert_eq!(
        remedies("net0", "nmae=eth0,mtu=9k"),
        [
            "net0: did you mean 'name'?",
            "net0: mtu takes a whole number from 64 to 65535",
            "net0: add name=<value>: a name of letters, digits, `-`, `_` and `.`",
        ]
    );
    assert!(remedies("memory", "64").is_empty() && remedies("zzz", "1").is_empty());
}

#[test]
fn each_sub_key_has_a_finding_of_its_own() {
    let found = of(&with("net0: brigde=x,mtu=9k,name=a b"));
    let keys: Vec<_> = found.iter().map(|f| (f.column, f.key.as_deref().unwrap())).collect();
    assert_eq!(keys, [(7, "net0.brigde"), (20, "net0.mtu"), (28, "net0.name")]);
    let error = Config::parse(b"net0: brigde=x,mtu=9k,name=a b\n", Vmid::new(100).unwrap());
    assert_eq!((error.diagnostics.len(), error.diagnostics[0].column), (1, 7));
}

#[test]
fn columns_count_the_bytes_of_the_file() {
    let file = b"net0: name=eth\xff,mtu=9k\nlxc.include: \xc3\xa9\n";
    let found = lint(file, Vmid::new(100).unwrap());
    let of_net: Vec<_> =
        found.iter().filter(|f| f.key.as_deref() == Some("net0.mtu")).map(|f| f.column).collect();
    assert_eq!(of_net, [21]);
    assert_eq!(&file[20..22], b"9k");
}
