//! A volume is given away by who is killed right behind its new name: its old container must not be left without it, nor the
//! new one with what it does not know.

use std::{fs, process::Command};

use pct_tests::{
    Ct, Host, bins, require_root,
    trace::{self, Plan},
};

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

/// Each of the two containers can be the one that is repaired.
#[test]
fn a_volume_that_has_its_new_name_is_the_new_containers_whichever_is_repaired() {
    require_root!();
    let host = Host::new();
    let pair = || (host.busybox(&["--mp0", "local:0.01,mp=/data"]), host.running(&[]));
    let give = |(ct, to): &(Ct<'_>, Ct<'_>), plan| {
        let mut command = Command::new(bins::pct());
        let words = ["move-volume", &ct.id, "mp0", "--target-vmid", &to.id, "--target-volume", "mp3"];
        trace::run(command.args(words).env("PCT_ROOT", host.root()).env("LC_ALL", "C"), plan)
    };
    let steps = give(&pair(), Plan::Count).steps;
    let renamed = steps.iter().position(|step| step.call == "renameat2").unwrap();
    for repaired in [0, 1] {
        let pair = pair();
        let (ct, to) = &pair;
        assert!(give(&pair, Plan::Kill(renamed + 1)).reached);
        for locked in [ct, to] {
            assert!(conf(locked).contains("lock: disk\n"), "{}", conf(locked));
        }
        ct.pct("start", &[]).output().fails().says("CT is locked (disk)");
        let volumes = [ct, to].map(|ct| format!("local:{0}/vm-{0}-disk-1.raw", ct.id));

        let first = [ct, to][repaired];
        let told = first.pct("repair", &["--dryrun"]).output().status(1).out();
        let is = format!("'{}' of CT {} or '{}' of CT {} already", volumes[0], ct.id, volumes[1], to.id);
        assert!(told.contains(&format!("to do: look for the volume, which is {is}")), "{told}");
        assert!(conf(ct).contains("lock: disk\n"), "it was only told");
        first.pct("repair", &[]).ok();
        for ct in [ct, to] {
            assert!(ct.pct("repair", &[]).ok().out().contains("nothing is left"));
        }
        assert!(!conf(ct).contains("mp0") && !conf(ct).contains("lock"), "{}", conf(ct));
        assert!(conf(to).contains(&format!("mp3: {},mp=/data", volumes[1])), "{}", conf(to));
        assert!(!conf(to).contains("unused") && !conf(to).contains("lock"), "{}", conf(to));
        to.sh("grep ' /data ' /proc/mounts");
        to.stop();
    }
}
