//! Containers made, copied and removed by liblxc's own means.

use pct::lxc::{CloneOptions, Container, CreateOptions, Result, Storage};

use super::Options;

pub(crate) fn run(verb: &str, mut container: Container, options: &Options<'_>) -> Result<()> {
    match verb {
        "create" => create(&mut container, options),
        "copy" => copy(&mut container, options),
        "rename" => {
            let renamed = container.rename(options.get("name").unwrap_or_default())?;
            println!("{} {:?}", renamed.name(), renamed.config_item("lxc.uts.name")?);
            Ok(())
        }
        "destroy" if options.has("snapshots") => container.destroy_with_snapshots(),
        "destroy" => container.destroy(),
        "snapshot" => {
            println!("{}", container.snapshot(options.path("comment"))?);
            Ok(())
        }
        "restore-snapshot" => {
            container.restore_snapshot(options.get("snapshot").unwrap_or_default(), options.get("name"))
        }
        // "destroy-snapshot"
        _ => match options.get("snapshot") {
            Some(snapshot) => container.destroy_snapshot(snapshot),
            None => container.destroy_all_snapshots(),
        },
    }
}

fn create(container: &mut Container, options: &Options<'_>) -> Result<()> {
    for (key, value) in options.settings.iter().filter(|(key, _)| key.starts_with("lxc.")) {
        container.set_config_item(key, value)?;
    }
    let storage = Storage {
        kind: options.get("kind"),
        dir: options.path("dir"),
        fs_type: options.get("fs-type"),
        fs_size: options.number("fs-size"),
        lvm_vg: options.get("vg"),
        lvm_lv: options.get("lv"),
        lvm_thinpool: options.get("thinpool"),
        zfs_root: options.get("zfs-root"),
        rbd_name: options.get("rbd-name"),
        rbd_pool: options.get("rbd-pool"),
        rbd_user: options.get("rbd-user"),
    };
    let create = CreateOptions {
        template: options.get("template"),
        arguments: options.arguments(),
        quiet: options.has("quiet"),
        storage,
    };
    container.create(&create)?;
    println!("{:?}", container.config_item("lxc.rootfs.path")?);
    Ok(())
}

fn copy(container: &mut Container, options: &Options<'_>) -> Result<()> {
    let copy = container.copy(&CloneOptions {
        name: options.get("name"),
        lxcpath: options.path("lxcpath"),
        keep_hostname: options.has("keep-hostname"),
        keep_mac: options.has("keep-mac"),
        snapshot: options.has("snapshot"),
        maybe_snapshot: options.has("maybe-snapshot"),
        keep_storage: options.has("keep-storage"),
        allow_running: options.has("allow-running"),
        storage: options.get("storage"),
        storage_data: options.get("storage-data"),
        size: options.number("size"),
        hook_arguments: options.arguments(),
    })?;
    for key in ["lxc.uts.name", "lxc.rootfs.path", "lxc.net.0.hwaddr"] {
        println!("{}", copy.config_item(key)?.unwrap_or_default());
    }
    Ok(())
}
