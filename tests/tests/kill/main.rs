//! Operations are killed, with all their processes or one of them, at each of the system calls that change something, and each of
//! these is made to fail once. The container is then as before or as after, or its config has the lock that says what was being
//! done; nothing lies about that no config names; and the usual verbs bring it home.
//!
//! The calls are counted in a run of their own. When there are more than a few of a kind in one process, such as those of
//! unpacking, only some are tried: see [`trace::sampled`].

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

mod full;
mod given;
mod running;
mod scene;
mod seen;
mod two;

use std::io::Write;

use pct_tests::{
    Host, require_root,
    trace::{self, Errno, Plan},
};

use scene::Scene;

/// So many calls of one kind in one process are all tried.
const MOST: usize = 4;

/// Something that is done to a container.
struct Operation {
    name: &'static str,
    /// Calls that make what the operation needs. `ID` stands for the container, `NEW` for one to come, `TEMPLATE` for a
    /// template.
    set_up: &'static [&'static str],
    /// Those whose work a reset of the files would not bring back: they are made anew each time.
    each: &'static [&'static str],
    words: &'static str,
    /// What stands in a config while it works, as the value of `lock`.
    locks: &'static [&'static str],
    /// What is done to one that broke off, when its lock is taken away, or has noted a volume, and before it is destroyed.
    /// When a lock is what it is for, how that goes.
    home: &'static [&'static str],
    /// Whether it removes volumes: those may then be gone while the config still names them, and to call it again
    /// completes it.
    removes: bool,
    /// Whether it goes on where it broke off when it is called again.
    resumes: bool,
    /// Whether `repair` goes on, too.
    repaired: bool,
    /// Whether it makes a volume without a lock in the config: that is noted there as unused, before it is there.
    notes: bool,
    /// Whether a volume becomes an unused one on the way to where it is to be mounted.
    unused_first: bool,
    /// Whether something is mounted on the host by it, or before.
    mounts: bool,
    /// Whether the images are to lack ext4's protection from a second mount: each program that changes one waits for
    /// eleven seconds because of it.
    without_mmp: bool,
    /// The warning with which it has done all but one thing, which another call would not do either.
    warns: Option<&'static str>,
}

impl Operation {
    const fn new(name: &'static str, set_up: &'static [&'static str], words: &'static str) -> Self {
        Self {
            name,
            set_up,
            each: &[],
            words,
            locks: &[],
            home: &[],
            removes: false,
            resumes: false,
            repaired: false,
            notes: false,
            unused_first: false,
            mounts: false,
            without_mmp: false,
            warns: None,
        }
    }
}

const CREATE: &str = "create ID TEMPLATE --rootfs local:0 --mp0 local:0.02,mp=/data";
/// On the btrfs, a subvolume and an image.
const CREATE_FAST: &str = "create ID TEMPLATE --rootfs fast:0 --mp0 fast:0.02,mp=/data";

/// What to do at a step.
type Planned = fn(usize) -> Plan;

const PLANS: [(&str, Planned); 3] = [
    ("killed", Plan::Kill),
    ("failed", |at| Plan::Fail(at, if at % 2 == 0 { Errno::EIO } else { Errno::ENOSPC })),
    // Only the process whose step it is.
    ("alone", Plan::KillOne),
];

/// Tries every step, and prints what came out.
fn everywhere(operation: &Operation) {
    let host = Host::new();
    let mut scene = Scene::new(operation, &host);
    let recorded = scene.traced(Plan::Count);
    assert_eq!(recorded.status, Some(0), "{}", recorded.output);
    scene.after = scene.look();
    let steps = trace::sampled(&recorded.steps, MOST);

    let plans = match recorded.steps.iter().any(|step| step.process.0 > 0) {
        true => &PLANS[..],
        // One process: it is all of them.
        false => &PLANS[..2],
    };
    let (mut faults, mut missed) = (0, 0);
    let mut table = format!("{}: {} steps, {} tried\n", operation.name, recorded.steps.len(), steps.len());
    for &at in &steps {
        table += &format!("    {at:>4}");
        for (how, plan) in plans {
            let attempt = scene.attempt(plan(at));
            missed += usize::from(!attempt.reached);
            let cell = match attempt.outcome {
                Err(fault) => {
                    eprintln!("{fault}");
                    faults += 1;
                    "FAULT".to_owned()
                }
                Ok(_) if !attempt.reached => "not reached".to_owned(),
                Ok(outcome) => format!("{outcome:?}").to_lowercase(),
            };
            table += &format!("  {how}: {cell:<11}");
        }
        table += &format!("  {}\n", recorded.steps[at]);
    }
    // What a test prints with println is not shown when it passes.
    std::io::stdout().write_all(table.as_bytes()).unwrap();
    assert_eq!(faults, 0);
    let tried = steps.len() * plans.len();
    assert!(missed * 10 <= tried, "{missed} of {tried} were not reached");
}

#[test]
fn create_can_be_killed_and_fail_anywhere() {
    require_root!();
    everywhere(&Operation { locks: &["create"], ..Operation::new("create", &[], CREATE) });
}

#[test]
fn a_new_mount_point_can_be_killed_and_fail_anywhere() {
    require_root!();
    let words = "set ID --mp1 local:0.02,mp=/more --memory 300";
    everywhere(&Operation { notes: true, ..Operation::new("set a new mount point", &[CREATE], words) });
}

#[test]
fn the_removal_of_a_volume_can_be_killed_and_fail_anywhere() {
    require_root!();
    let set_up = &[CREATE, "set ID --delete mp0"];
    let words = "set ID --delete unused0";
    everywhere(&Operation { removes: true, ..Operation::new("set --delete unused0", set_up, words) });
}

#[test]
fn destroy_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("destroy", &[CREATE], "destroy ID");
    everywhere(&Operation { locks: &["destroyed"], removes: true, ..operation });
}

#[test]
fn clone_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("clone", &[CREATE], "clone ID NEW");
    everywhere(&Operation { locks: &["disk", "create"], ..operation });
}

#[test]
fn a_linked_clone_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("clone of a template", &[CREATE_FAST, "template ID"], "clone ID NEW");
    everywhere(&Operation { locks: &["disk", "create"], ..operation });
}

#[test]
fn move_volume_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("move-volume", &[CREATE], "move-volume ID mp0 other");
    everywhere(&Operation { locks: &["disk"], ..operation });
}

#[test]
fn snapshot_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("snapshot", &[CREATE_FAST], "snapshot ID s1");
    everywhere(&Operation { locks: &["snapshot"], home: &["delsnapshot ID s1 --force"], ..operation });
}

#[test]
fn delsnapshot_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("delsnapshot", &[CREATE_FAST, "snapshot ID s1"], "delsnapshot ID s1");
    everywhere(&Operation { locks: &["snapshot-delete"], home: &["delsnapshot ID s1"], ..operation });
}

#[test]
fn rollback_can_be_killed_and_fail_anywhere() {
    require_root!();
    let set_up = &[CREATE_FAST, "snapshot ID s1", "set ID --memory 300"];
    let operation = Operation::new("rollback", set_up, "rollback ID s1");
    let home = &["rollback ID s1", "delsnapshot ID s1"];
    everywhere(&Operation { locks: &["rollback"], home, ..operation });
}

#[test]
fn template_can_be_killed_and_fail_anywhere() {
    require_root!();
    everywhere(&Operation {
        resumes: true,
        repaired: true,
        ..Operation::new("template", &[CREATE], "template ID")
    });
}

#[test]
fn template_on_btrfs_can_be_killed_and_fail_anywhere() {
    require_root!();
    everywhere(&Operation {
        resumes: true,
        repaired: true,
        ..Operation::new("template on btrfs", &[CREATE_FAST], "template ID")
    });
}

#[test]
fn resize_can_be_killed_and_fail_anywhere() {
    require_root!();
    let warns = Some("Failed to update the container's filesystem");
    let operation = Operation::new("resize", &[CREATE], "resize ID mp0 32M");
    everywhere(&Operation { resumes: true, warns, without_mmp: true, ..operation });
}

#[test]
fn mount_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("mount", &[CREATE], "mount ID");
    everywhere(&Operation { home: &["unmount ID"], mounts: true, ..operation });
}

#[test]
fn unmount_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("unmount", &[CREATE], "unmount ID");
    everywhere(&Operation { each: &["mount ID"], locks: &["mounted"], mounts: true, ..operation });
}

#[test]
fn fstrim_can_be_killed_and_fail_anywhere() {
    require_root!();
    let operation = Operation::new("fstrim", &[CREATE], "fstrim ID");
    everywhere(&Operation { locks: &["fstrim"], ..operation });
}

#[test]
fn a_volume_given_away_can_be_killed_and_fail_anywhere() {
    require_root!();
    let set_up = &[CREATE, "create NEW TEMPLATE --rootfs local:0"];
    let words = "move-volume ID mp0 --target-vmid NEW --target-volume mp3";
    let operation = Operation::new("move-volume to another container", set_up, words);
    // When its lock was taken away by hand, it may have its new name already.
    let (home, warns) = (&["set ID --delete mp0"], Some("the volume is an unused one of CT"));
    everywhere(&Operation { locks: &["disk"], unused_first: true, home, warns, ..operation });
}
