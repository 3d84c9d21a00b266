use super::*;

/// The storages of a file in this folder.
fn load(folder: &Path, cfg: &str) -> Storages {
    let storage_cfg = folder.join("storage.cfg");
    std::fs::write(&storage_cfg, cfg).unwrap();
    let lock = |id: &str| folder.join(id);
    let places =
        Places { storage_cfg: &storage_cfg, local: &folder.join("local"), node: "here", lock: &lock };
    Storages::load(&places).unwrap()
}

const CFG: &str = "\
dir: both
\tpath /srv/both
\tcontent rootdir,vztmpl
dir: templates
\tpath /srv/templates
\tcontent vztmpl
dir: off
\tpath /srv/off
\tcontent rootdir
\tdisable
dir: elsewhere
\tpath /srv/elsewhere
\tcontent rootdir
\tnodes other
unheardof: strange
\tcontent rootdir
";

#[test]
fn the_base_of_a_storage_comes_before_it() {
    let temp = tempfile::tempdir().unwrap();
    let cfg = "iscsi: san\n\tportal p\n\ttarget t\n\nlvm: vol\n\tvgname vg0\n\tbase san:0.0.1.x\n\tcontent rootdir\n\n\
                   lvm: odd\n\tvgname vg0\n\tbase x\n\nlvm: own\n\tvgname vg0\n\tbase own:x\n";
    let storages = load(temp.path(), cfg);
    tools::script::fail("iscsiadm --mode session", "No active sessions");
    tools::script::answer("vgs", "  vg0:1000:400\n");
    storages.for_containers("vol").unwrap();
    let lines = tools::script::take();
    let programs: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(programs, ["iscsiadm", "iscsiadm", "iscsiadm", "udevadm", "vgs"], "{lines:?}");
    assert!(matches!(storages.statuses()[3].problem.as_deref(), Some(text) if text.contains("its 'base'")));
    tools::script::take();
}

#[test]
fn data_moves_no_faster_than_the_slowest_storage_allows() {
    let temp = tempfile::tempdir().unwrap();
    let cfg =
        "dir: slow\n\tpath /a\n\tbwlimit default=50,move=20\n\ndir: free\n\tpath /b\n\tbwlimit clone=0\n";
    let datacenter = |text: &str| {
        std::fs::write(temp.path().join("datacenter.cfg"), text).unwrap();
        load(temp.path(), cfg)
    };
    let storages = datacenter("bwlimit: clone=30,move=40\n");
    for (asked, flow, ids, limit) in [
        (None, Flow::Move, ["slow", "local"], Some(20)),
        (None, Flow::Move, ["free", "local"], Some(40)),
        (None, Flow::Clone, ["slow", "local"], Some(30)),
        (None, Flow::Clone, ["slow", "free"], Some(50)),
        (None, Flow::Clone, ["free", "free"], None),
        (None, Flow::Restore, ["slow", "local"], Some(50)),
        (None, Flow::Restore, ["local", "free"], None),
        (Some(0), Flow::Move, ["slow", "local"], None),
        (Some(90), Flow::Move, ["slow", "local"], Some(90)),
    ] {
        let found = storages.bandwidth(asked, flow, ids).map(NonZeroU64::get);
        assert_eq!(found, limit, "{asked:?} {flow:?} {ids:?}");
    }
    let told = datacenter("bwlimit: fast\n").warnings;
    assert!(told.len() == 1 && told[0].contains("'bwlimit' in"), "{told:?}");
}

#[test]
fn only_storages_that_can_be_used_here_are_offered() {
    let temp = tempfile::tempdir().unwrap();
    let storages = load(temp.path(), CFG);
    assert_eq!(storages.with_content(Content::Volumes), ["local", "both"]);
    assert_eq!(storages.with_content(Content::Templates), ["local", "both", "templates"]);
    assert!(storages.templates("local").unwrap().is_empty());
    assert!(!temp.path().join("local").exists(), "asking makes no folders");
    assert!(matches!(storages.templates("elsewhere"), Err(StorageError::NotHere { .. })));
}
