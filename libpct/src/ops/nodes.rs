//! The device nodes of a container, which lie in a file system that only its monitor has mounted. The lines of the
//! translation have liblxc mount each of them on a file below the container's `/dev`.

use std::os::fd::AsFd;

use super::Env;
use crate::{
    config::{IdKind, IdMap, Vmid},
    error::Error,
    mount::{self, Node},
    sys::folder,
    translate::Passed,
};

/// Makes the nodes of a container that is about to start, in this process's mount namespace, which must be a private
/// one.
pub(super) fn make_all(env: &Env, vmid: Vmid, nodes: &[Passed], id_map: &IdMap) -> Result<(), Error> {
    if nodes.is_empty() {
        return Ok(());
    }
    let path = env.home.nodes(vmid);
    folder::make(&path, 0o755).map_err(|e| Error::io("cannot make", &path, e))?;
    let folder = mount::node_folder()?;
    for passed in nodes {
        mount::make_node(folder.as_fd(), &passed.name, &node(passed, id_map))?;
    }
    Ok(mount::attach(folder.as_fd(), &path)?)
}

/// With its owner as an id of the host.
pub(super) fn node(passed: &Passed, id_map: &IdMap) -> Node {
    let owner = (id_map.to_host(IdKind::Uid, passed.uid), id_map.to_host(IdKind::Gid, passed.gid));
    Node { device: passed.device, mode: passed.mode, owner }
}
