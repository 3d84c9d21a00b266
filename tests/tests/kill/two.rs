//! Two operations at once. One stands still before each of its steps while the other comes: on the same container the result is
//! that of the one order or of the other, or one of the two is refused; on another container the other does not wait.

use std::{
    fs::{self, File},
    process::Stdio,
    sync::mpsc,
    thread,
};

use pct_tests::{Host, require_root, trace, trace::Plan, wait};

use crate::{CREATE, CREATE_FAST, Operation, scene::Scene, seen::Seen};

/// What has come of two: whether each was done, and what lies on the disk.
#[derive(Debug, PartialEq)]
struct Both {
    done: [bool; 2],
    seen: Seen,
}

/// Who is refused says that somebody else is at work.
fn is_refused(said: &str) -> bool {
    said.contains("CT is locked (") || said.contains("can't lock file")
}

/// One after the other; `None` is one that does not come.
fn in_order(scene: &Scene<'_>, words: [Option<&str>; 2], first: usize) -> Both {
    scene.reset();
    let mut done = [false; 2];
    for at in [first, 1 - first] {
        done[at] = words[at].is_some_and(|words| scene.pct(words).output().status == 0);
    }
    Both { done, seen: scene.look() }
}

/// The other comes while this one stands still before a step: it has ended when this one goes on, or waits for the lock.
fn at_once(scene: &Scene<'_>, other: &str, step: usize) -> (Both, [String; 2]) {
    scene.reset();
    let said = tempfile::NamedTempFile::new().unwrap();
    let to = || Stdio::from(File::options().append(true).open(said.path()).unwrap());
    let heard = || fs::read_to_string(said.path()).unwrap();
    let ((go, come), (ready, begun)) = (mpsc::channel(), mpsc::channel());
    // In a thread of its own: the tracer waits for all children of its thread.
    let (traced, status) = thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let come = come;
            come.recv().unwrap();
            let command = &mut scene.command(other);
            let mut child = command.stdin(Stdio::null()).stdout(to()).stderr(to()).spawn().unwrap();
            wait::until_true("the other has ended or waits", || {
                heard().contains("trying to acquire lock") || child.try_wait().unwrap().is_some()
            });
            ready.send(()).unwrap();
            child.wait().unwrap()
        });
        let traced = scene.traced_beside(Plan::Pause(step), &mut || {
            go.send(()).unwrap();
            begun.recv().unwrap();
        });
        // Nobody comes any more.
        drop(go);
        (traced, beside.join().unwrap())
    });
    let done = [traced.status == Some(0), status.success()];
    (Both { done, seen: scene.look() }, [traced.output, heard()])
}

fn serialised(operation: &Operation, other: &str) {
    let host = Host::new();
    let scene = Scene::new(operation, &host);
    let steps = scene.traced(Plan::Count).steps;
    let both = [Some(operation.words), Some(other)];
    let orders = [0, 1].map(|first| in_order(&scene, both, first));
    let only = [[both[0], None], [None, both[1]]].map(|words| in_order(&scene, words, 0));
    for step in trace::sampled(&steps, 2) {
        let (result, said) = at_once(&scene, other, step);
        let refused = |at: usize| is_refused(&said[at]) && result == only[1 - at];
        assert!(
            orders.contains(&result) || refused(0) || refused(1),
            "'{other}' before step {step} of '{}', {}: {result:?}\n{}\n{}",
            operation.words,
            steps[step],
            said[0],
            said[1]
        );
    }
    scene.reset();
}

#[test]
fn two_changes_of_one_config_are_serialised() {
    require_root!();
    let operation = Operation::new("set", &[CREATE], "set ID --memory 300 --mp1 local:0.02,mp=/more");
    serialised(&operation, "set ID --memory 400");
}

#[test]
fn a_change_during_a_snapshot_is_serialised() {
    require_root!();
    serialised(&Operation::new("snapshot", &[CREATE_FAST], "snapshot ID s1"), "set ID --memory 300");
}

#[test]
fn the_end_of_a_container_that_is_cloned_is_serialised() {
    require_root!();
    serialised(&Operation::new("clone", &[CREATE], "clone ID NEW"), "destroy ID");
}

#[test]
fn a_volume_that_grows_twice_at_once_grows_twice() {
    require_root!();
    let operation = Operation::new("resize", &[CREATE], "resize ID mp0 +16M");
    serialised(&Operation { without_mmp: true, ..operation }, "resize ID mp0 +8M");
}

#[test]
fn a_change_of_a_container_that_ends_is_serialised() {
    require_root!();
    serialised(&Operation::new("destroy", &[CREATE], "destroy ID"), "set ID --delete mp0");
}

#[test]
fn containers_are_worked_on_side_by_side() {
    require_root!();
    let host = Host::new();
    let operation = Operation::new("create", &[], CREATE);
    let scene = Scene::new(&operation, &host);
    let steps = scene.traced(Plan::Count).steps;
    for step in trace::sampled(&steps, 2) {
        scene.reset();
        let mut beside = false;
        let traced = scene.traced_beside(Plan::Pause(step), &mut || {
            // On a storage of its own: those who make volumes on one take turns.
            for words in ["create NEW TEMPLATE --rootfs other:0", "set NEW --memory 300", "destroy NEW"] {
                scene.pct(words).ok();
            }
            beside = true;
        });
        assert!(beside && traced.status == Some(0), "step {step}, {}: {}", steps[step], traced.output);
    }
    scene.reset();
}
