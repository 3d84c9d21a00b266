//! A running container is held still for its snapshot. Whoever of those that do so is killed, it goes on: by itself when one is
//! left, when all are killed by `repair`.

use std::{fs, process::Command};

use pct_tests::{Host, bins, require_root, trace, trace::Plan};

#[test]
fn a_running_container_goes_on_whoever_of_its_snapshot_is_killed() {
    require_root!();
    let host = Host::new();
    let path = host.disk("fast", "btrfs", 256 << 20);
    host.storages(&format!("btrfs: fast\n\tpath {}\n\tcontent rootdir\n", path.display()));
    // An image, of which the file system is frozen, too.
    let ct = host.running(&["--rootfs", "fast:0", "--mp0", "fast:0.125,mp=/data"]);
    let config = || fs::read_to_string(ct.conf()).unwrap();
    let before = config();
    let mut command = Command::new(bins::pct());
    command.args(["snapshot", &ct.id, "s1"]).env("PCT_ROOT", host.root()).env("LC_ALL", "C");
    let recorded = trace::run(&command, Plan::Count);
    assert_eq!(recorded.status, Some(0), "{}", recorded.output);
    ct.pct("delsnapshot", &["s1"]).ok();
    assert_eq!(config(), before);
    for step in trace::sampled(&recorded.steps, 4) {
        for plan in [Plan::KillOne(step), Plan::Kill(step)] {
            let traced = trace::run(&command, plan);
            let when = format!("{plan:?}, {}: {}", recorded.steps[step], traced.output);
            assert!(!traced.hung, "{when}");
            if plan == Plan::KillOne(step) {
                ct.sh("echo 1 > /data/file");
            }
            ct.pct("repair", &[]).ok();
            ct.sh("echo 2 > /data/file; sync");
            if config().contains("[s1]") {
                ct.pct("delsnapshot", &["s1"]).ok();
            }
            assert_eq!(config(), before, "{when}");
        }
    }
}
