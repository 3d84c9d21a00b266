//! What the library and its helper say to each other.
//!
//! A job goes to the helper as one JSON document on its standard input; it answers with events, one JSON
//! document a line, on its standard output. Both sides are of the same release or refuse each other.

use std::{num::NonZeroU64, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{copy::CopyOptions, mounts::MountPlan, still::Hold};
use crate::{
    config::Vmid,
    error::Failure,
    home::Home,
    mount::{Identity, Node},
};

/// The release that both sides must be of.
pub(crate) use crate::error::RELEASE as VERSION;

/// A job, with what every job needs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) version: String,
    pub(crate) home: Home,
    pub(crate) helper: PathBuf,
    pub(crate) vmid: Vmid,
    pub(crate) job: Job,
}

/// What the helper shall do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Job {
    /// Fill a new container's volumes from a template.
    Populate(Box<Populate>),
    /// Start the container and be its monitor.
    Run(Run),
    /// Write the state of the running container to disk, and end it. Its descriptor: the monitor's process.
    Suspend,
    /// Write a file into the running container.
    Push(Push),
    /// Change what the running container has of the host.
    Hotplug(Hotplug),
    /// Hold the running container still until the caller hangs up.
    Hold(Hold),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Populate {
    /// The container's config, in the grammar of the file.
    pub(crate) config: String,
    pub(crate) template: PathBuf,
    pub(crate) mounts: Vec<MountPlan>,
    pub(crate) password: Option<String>,
    pub(crate) ssh_public_keys: Option<String>,
    pub(crate) ignore_unpack_errors: bool,
    /// How fast the template is read, in KiB a second.
    pub(crate) bandwidth: Option<NonZeroU64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Keep liblxc's log at its most talkative.
    pub(crate) debug: bool,
    /// Start although the config has a lock.
    pub(crate) skiplock: bool,
    /// Go on from the suspended state instead of beginning anew.
    pub(crate) resume: bool,
}

/// Its descriptors: the file to read, or the line by which all that is in a folder comes; the root directory, and the user namespace of what is unprivileged.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Push {
    pub(crate) destination: String,
    pub(crate) options: CopyOptions,
    /// The length of the file, where it is known before.
    pub(crate) total: Option<u64>,
    pub(crate) unprivileged: bool,
    /// Whether it is a folder.
    pub(crate) tree: bool,
}

/// Its descriptors: the root directory and the mount namespace of the container's init, the user namespace of what is
/// unprivileged; then those of the task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hotplug {
    pub(crate) unprivileged: bool,
    pub(crate) task: Task,
}

/// Paths are those inside.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Attach a detached mount, which is the descriptor.
    Mount { target: String },
    /// Make a device node.
    Node { target: String, node: Node },
    /// Unmount, if nothing uses it; first in some namespaces outside, which are the descriptors.
    Unmount { target: String, what: Identity, namespaces: usize },
    /// Take a mount away that was attached a moment ago, with the directories that were made for it.
    TakeBack { target: String, what: Identity, made: usize },
    /// Take a device node away.
    RemoveNode { target: String, what: Identity },
    /// Have liblxc write to files of the container's cgroup: `devices.allow` or `devices.deny`, and a rule.
    DeviceRules(Vec<(String, String)>),
}

/// What the helper tells while it works.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    Message(String),
    Warning(String),
    Bytes {
        done: u64,
        total: Option<u64>,
    },
    /// What the guest turned out to be.
    Detected {
        ostype: String,
        arch: String,
    },
    /// All is prepared; liblxc is called next.
    Starting,
    /// The suspended container goes on.
    Resumed,
    /// The container stands still, and all that it has written is on its volumes.
    Still,
    /// It is mounted, and so many directories were made for that.
    Mounted {
        made: usize,
    },
    /// Nothing was done, because something inside uses it.
    InUse,
    /// The job has failed, and what it had done is taken back.
    Failed(Failure),
    Done,
}
