use proptest::prelude::*;

use super::*;
use crate::storage::StorageError;

const FILE: &str = "\
# a comment
dir: local
\tpath /var/lib/vz
\tcontent vztmpl,rootdir
\t# a comment between
\tdisable

LVMThin:  fast
\tvgname pve
\tvgname other
\tthinpool data
junk line
dir: 1x
\tpath /nowhere
";

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn sections_keep_their_order_and_faults_only_warn() {
    let parsed = StorageCfg::parse(FILE);
    let sections: Vec<_> = parsed.sections().collect();
    let ids: Vec<_> = sections.iter().map(|s| (s.kind.as_str(), s.id.as_str())).collect();
    assert_eq!(ids, [("dir", "local"), ("lvmthin", "fast")]);
    assert_eq!(sections[0].content(), ["rootdir", "vztmpl"]);
    assert!(sections[0].flag("disable"));
    assert_eq!(sections[1].get("vgname"), Some("pve"));
    assert_eq!(sections[1].content(), ["images", "rootdir"]);
    let lines = parsed.warnings.iter().map(|told| told.split(':').next().unwrap());
    assert_eq!(lines.collect::<Vec<_>>(), [10, 12, 13].map(|n| format!("storage.cfg, line {n}")));
    assert_eq!(parsed.text(), FILE);
}

#[test]
fn what_is_wrong_is_named_and_stays_in_the_file() {
    let text = "\
nfs: n1
\tpath relative
\tserver -oops
\texport /x
\tcontent rootdir,funny
\tstrange thing

dir: d1
\tpath /d
\tcontent none,iso
\tpreallocation some
\tnodes

what: ever
\tany thing
";
    let parsed = StorageCfg::parse(text);
    for (at, words) in [
        "property 'path' is dropped: 'relative' is no absolute path",
        "property 'server' is dropped: '-oops' has blanks or begins with '-'",
        "a storage of type 'nfs' has no content funny",
        "property 'strange' is not known for the type 'nfs'",
        "property 'content' is dropped: 'none' cannot be combined",
        "property 'preallocation' is dropped: 'some' is not one of off, metadata, falloc, full",
        "property 'nodes' is dropped: it has no value",
        "storage 'what' is of the unknown type 'what'",
    ]
    .iter()
    .enumerate()
    {
        let words = words.replace("storage 'what'", "storage 'ever'");
        assert!(parsed.warnings[at].contains(&words), "{at}: {:?}", parsed.warnings);
    }
    assert_eq!(parsed.warnings.len(), 8);
    let sections: Vec<_> = parsed.sections().collect();
    assert_eq!(sections[0].content(), ["rootdir"]);
    assert_eq!(sections[0].get("strange"), Some("thing"));
    assert_eq!(sections[1].content(), ["images", "rootdir"]);
    assert_eq!(sections[2].get("any"), Some("thing"));
    assert!(sections[0].is_shared() && !sections[1].is_shared());
    assert_eq!(parsed.text(), text);
}

#[test]
fn a_changed_section_has_the_original_form_and_keeps_what_it_would_drop() {
    let mut cfg = StorageCfg::parse(FILE);
    cfg.set("local", &[pair("nodes", "b, a"), pair("shared", "yes")], &["disable".to_owned()]).unwrap();
    cfg.set("fast", &[pair("content", "rootdir;images")], &[]).unwrap();
    assert_eq!(
        cfg.text(),
        "\
# a comment
dir: local
\t# a comment between
\tpath /var/lib/vz
\tcontent rootdir,vztmpl
\tnodes a,b
\tshared 1

lvmthin: fast
junk line
\tthinpool data
\tvgname pve
\tcontent images,rootdir
\tvgname other

dir: 1x
\tpath /nowhere
"
    );
    let again = StorageCfg::parse(&cfg.text());
    assert!(again.sections().eq(cfg.sections()));
}

#[test]
fn storages_come_and_go() {
    for begin in ["", "# text", "dir: d1\n\tpath /d", "dir: d1\n\tpath /d\n", "dir: d1\n\tpath /d\n\n# end\n"]
    {
        let mut cfg = StorageCfg::parse(begin);
        let values = [pair("server", "10.0.0.1"), pair("export", "/e"), pair("disable", "1")];
        cfg.add("nfs", "n1", &values).unwrap();
        assert!(cfg.text().starts_with(begin), "{begin:?}");
        assert!(
            cfg.text().ends_with("nfs: n1\n\tdisable\n\texport /e\n\tserver 10.0.0.1\n\n"),
            "{}",
            cfg.text()
        );
        let again = StorageCfg::parse(&cfg.text());
        assert!(again.sections().eq(cfg.sections()), "{begin:?}");
        assert!(matches!(cfg.add("nfs", "n1", &values), Err(StorageError::Exists { .. })));
        cfg.remove("n1").unwrap();
        assert_eq!(cfg.text().trim_end(), begin.trim_end());
        assert!(matches!(cfg.remove("n1"), Err(StorageError::Missing { .. })));
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let mut cfg = StorageCfg::parse("dir: d1\n\tpath /d\n\nwhat: w1\n\tx y\n");
    for (kind, id, key, value) in [
        ("dir", "d2", "path", "relative"),
        ("dir", "d2", "path", "/a\n\tdisable"),
        ("dir", "d2", "nodes", "a"),
        ("dir", "2d", "path", "/a"),
        ("other", "d2", "path", "/a"),
        ("dir", "d2", "vgname", "a"),
        ("cifs", "c2", "password", "SECRET"),
    ] {
        assert!(cfg.add(kind, id, &[pair(key, value)]).is_err(), "{kind} {id} {key} {value}");
    }
    assert!(cfg.set("d1", &[], &["path".to_owned()]).is_err(), "it is required");
    assert!(cfg.set("d1", &[], &["vgname".to_owned()]).is_err(), "it has none");
    assert!(cfg.set("d1", &[pair("content", "rootdir,funny")], &[]).is_err());
    assert!(cfg.set("w1", &[pair("x", "a\nb")], &[]).is_err());
    cfg.set("w1", &[pair("x", "z")], &[]).unwrap();
    assert_eq!(cfg.text(), "dir: d1\n\tpath /d\n\nwhat: w1\n\tx z\n\n");
}

#[test]
fn a_storage_id_has_two_characters_and_begins_with_a_letter() {
    assert!(is_storage_id("local-lvm") && is_storage_id("a1") && is_storage_id("a.b_c"));
    for bad in ["a", "", "1a", "a-", "a/b", "a b", "ab\n", "a:b"] {
        assert!(!is_storage_id(bad), "{bad:?}");
    }
}

/// Files of the lines that a file has, and of those it should not have.
fn files() -> impl Strategy<Value = String> {
    let lines = [
        "dir: d1",
        "dir:d2 ",
        "LVM: v1",
        "what: w1",
        "dir: 1x",
        "# note",
        "\t# note",
        "\tpath /a",
        "\tpath b",
        "\tdisable",
        "\tcontent rootdir,x",
        "\tcontent images, rootdir ",
        "\tvgname v\r",
        "\tnodes b,a",
        "  shared no",
        "\tmkdir maybe",
        "junk",
        "",
        "",
        " \t",
        "\tö ü",
        "\tprune-backups keep-all=1",
        "\tx",
    ];
    let line =
        (proptest::sample::select(lines.to_vec()), proptest::sample::select(vec!["\n", "\n", "\n", "\r\n"]));
    let text = proptest::collection::vec(line.prop_map(|(line, end)| format!("{line}{end}")), 0..14);
    (text, any::<bool>()).prop_map(|(lines, cut)| {
        let text = lines.concat();
        if cut { text.trim_end_matches('\n').to_owned() } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_is_not_changed_is_written_as_it_was(text in files()) {
        prop_assert_eq!(StorageCfg::parse(&text).text(), text);
    }

    #[test]
    fn any_text_is_written_as_it_was(text in "(\\PC|[\n\t:# ])*") {
        prop_assert_eq!(StorageCfg::parse(&text).text(), text);
    }

    #[test]
    fn a_change_is_read_back_and_touches_nothing_else(text in files()) {
        let before = StorageCfg::parse(&text);
        let mut cfg = before.clone();
        for id in ["d1", "d2", "v1", "w1"] {
            let _ = cfg.set(id, &[pair("nodes", "c,b")], &["disable".to_owned()]);
        }
        let again = StorageCfg::parse(&cfg.text());
        prop_assert!(again.sections().eq(cfg.sections()), "{:?}\n{:?}", text, cfg.text());
        // No comment and no junk is lost.
        for line in text.lines().filter(|line| line.contains("note") || *line == "junk") {
            let count = |text: &str| text.lines().filter(|l| l.trim_end() == line.trim_end()).count();
            prop_assert_eq!(count(&text), count(&cfg.text()));
        }
        let changed: Vec<_> = before.sections().zip(cfg.sections()).filter(|(a, b)| a != b).collect();
        prop_assert!(changed.iter().all(|(_, after)| matches!(after.get("nodes"), Some("b,c" | "c,b"))));
    }

    #[test]
    fn a_new_storage_disturbs_no_other(text in files()) {
        let mut cfg = StorageCfg::parse(&text);
        let before: Vec<_> = cfg.sections().cloned().collect();
        cfg.add("dir", "new", &[pair("path", "/new")]).unwrap();
        prop_assert!(cfg.text().starts_with(&text));
        let again = StorageCfg::parse(&cfg.text());
        prop_assert_eq!(again.sections().count(), before.len() + 1);
        prop_assert!(again.sections().zip(&before).all(|(a, b)| a == b));
    }
}
