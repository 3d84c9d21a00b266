//! Storages and what is on them, without a container (in the original: `pvesm`).

use std::path::PathBuf;

use super::Env;
use crate::{
    config::{Size, Vmid, VolumeId, text::to_bytes},
    error::Error,
    home::HomeKind,
    storage::{Content, Lock, StorageCfg, StorageError, StorageStatus, StorageVolume, read_cfg},
    store,
    sys::folder,
};

/// Changes `storage.cfg`.
fn change(env: &Env, change: impl FnOnce(&mut StorageCfg) -> Result<(), StorageError>) -> Result<(), Error> {
    let path = env.home.storage_cfg();
    if env.home.kind() == HomeKind::Pve {
        let what = "the storages of a Proxmox VE host are changed by its own 'pvesm'";
        return Err(StorageError::unsupported(what, &path.to_string_lossy()).into());
    }
    // No storage has such an id.
    let _lock = Lock::of_cfg(env.home.storage_lock(".cfg"))?;
    let mut cfg = read_cfg(&path)?;
    change(&mut cfg)?;
    if let Some(parent) = path.parent() {
        folder::make(parent, 0o755).map_err(|e| StorageError::io("cannot make", parent, e))?;
    }
    Ok(store::write_durably(&path, &to_bytes(&cfg.text()))?)
}

pub(crate) fn add_storage(
    env: &Env,
    kind: &str,
    id: &str,
    options: &[(String, String)],
) -> Result<(), Error> {
    change(env, |cfg| cfg.add(kind, id, options))
}

pub(crate) fn set_storage(
    env: &Env,
    id: &str,
    options: &[(String, String)],
    deleted: &[String],
) -> Result<(), Error> {
    change(env, |cfg| cfg.set(id, options, deleted))
}

pub(crate) fn remove_storage(env: &Env, id: &str) -> Result<(), Error> {
    change(env, |cfg| cfg.remove(id))
}

pub(crate) fn storage_ids(env: &Env) -> Result<Vec<String>, Error> {
    Ok(env.storages()?.ids())
}

pub(crate) fn storage_status(env: &Env) -> Result<Vec<StorageStatus>, Error> {
    Ok(env.storages()?.statuses())
}

pub(crate) fn storage_contents(
    env: &Env,
    storage: &str,
    content: Option<Content>,
    owner: Option<Vmid>,
) -> Result<Vec<StorageVolume>, Error> {
    Ok(env.storages()?.contents(storage, content, owner)?)
}

pub(crate) fn content_word(env: &Env, volume: &StorageVolume) -> &'static str {
    match volume.owner {
        None => "vztmpl",
        Some(owner) if env.store().exists(owner) => "rootdir",
        Some(_) => "images",
    }
}

pub(crate) fn allocate_volume(
    env: &Env,
    storage: &str,
    owner: Vmid,
    size: Size,
    format: Option<&str>,
) -> Result<VolumeId, Error> {
    Ok(env.storages()?.allocate_as(storage, owner, size, format)?)
}

pub(crate) fn remove_volume(env: &Env, volume: &VolumeId) -> Result<(), Error> {
    Ok(env.storages()?.remove(volume)?)
}

pub(crate) fn volume_path(env: &Env, volume: &VolumeId) -> Result<PathBuf, Error> {
    Ok(env.storages()?.path(volume)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::home::Home;

    #[test]
    fn a_storage_is_added_changed_and_removed_and_the_rest_stays() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::detect(Some(temp.path())).unwrap();
        let path = home.storage_cfg();
        let env = Env { home, helper: PathBuf::new(), listener: None };
        let pair = |key: &str, value: &str| [(key.to_owned(), value.to_owned())];
        add_storage(&env, "dir", "first", &pair("path", "/first")).unwrap();
        let begin = b"# of a user \xff\n";
        fs::write(&path, [begin, &*fs::read(&path).unwrap()].concat()).unwrap();
        add_storage(&env, "btrfs", "second", &pair("path", "/second")).unwrap();
        set_storage(&env, "first", &pair("content", "vztmpl,rootdir"), &[]).unwrap();
        let first = b"dir: first\n\tpath /first\n\tcontent rootdir,vztmpl\n\n";
        let second = b"btrfs: second\n\tpath /second\n\n";
        assert_eq!(fs::read(&path).unwrap(), [&begin[..], first, second].concat());
        assert!(add_storage(&env, "dir", "first", &pair("path", "/x")).is_err());
        remove_storage(&env, "second").unwrap();
        assert!(set_storage(&env, "second", &[], &[]).is_err());
        assert_eq!(fs::read(&path).unwrap(), [&begin[..], first].concat());
    }
}
