//! Where the volumes are mounted inside.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
};

use super::{super::mounts, Patient, Symptom, error, warning};
use crate::{config::MountPoint, error::Error, mount, ops::mounts::Source};

/// The names in a path inside.
fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).collect()
}

/// Volumes are mounted by their numbers, and a later one covers all that is below its path.
pub(super) fn hidden(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let points = patient.points();
    let mut found = Vec::new();
    for (at, (key, point)) in points.iter().enumerate().skip(1) {
        let target = names(point.path());
        for (earlier, covered) in &points[..at] {
            let inner = names(covered.path());
            // One path twice is told by lint.
            if inner.starts_with(&target) && inner != target && !target.is_empty() {
                let (outer, inner) = (point.path(), covered.path());
                let text = format!("it is mounted at '{outer}' after {earlier}, and covers its '{inner}'");
                let remedy = format!("give {key} a lower number than {earlier}, or another path");
                found.push(warning("mount-hidden", Some(key), text).help(remedy));
            }
        }
        if target.is_empty() {
            let text = "it is mounted at '/', and covers the root file system";
            found.push(error("mount-hidden", Some(key), text).help("give it another path"));
        }
    }
    Ok(found)
}

/// No link may stand on the way to a mount point: what is inside would decide where on the host's disks it leads.
pub(super) fn in_the_way(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let points = patient.points();
    let mut found = Vec::new();
    for (at, (key, point)) in points.iter().enumerate().skip(1) {
        // The latest mount on the way is where the rest of the path is looked up.
        let target = names(point.path());
        let outer = points[..at].iter().rev().find(|(_, outer)| target.starts_with(&names(outer.path())));
        let Some((outer, base)) = outer else { continue };
        let rest = target[names(base.path()).len()..].join("/");
        let checked = match opened(patient, outer, base) {
            Some(directory) => mount::check_target(directory.as_fd(), &rest),
            None => Ok(()),
        };
        if let Err(failure) = checked {
            let remedy = match &failure {
                mount::Error::BadPath { .. } => "write the path without '..'",
                _ => "name the path that it leads to inside, or remove what stands there",
            };
            let text = format!("'{}': {}", point.path(), Error::from(failure).full_message());
            found.push(error("mount-target", Some(key), text).help(remedy));
        }
    }
    Ok(found)
}

/// The directory that is mounted; `None` where it cannot be looked into.
fn opened(patient: &Patient<'_>, key: &str, point: &MountPoint) -> Option<OwnedFd> {
    if key == "rootfs" {
        return patient.root()?.as_fd().try_clone_to_owned().ok();
    }
    match mounts::plan_one(key, point, &patient.storages).ok()?.source {
        Source::Directory(path) => File::open(path).ok().map(OwnedFd::from),
        Source::Bind(path) => mount::open_directory(&path).ok(),
        Source::Image(_) | Source::Block(_) => None,
    }
}
