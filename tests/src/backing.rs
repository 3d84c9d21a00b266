//! Storages that need more than a folder, each on a file of this machine for one test.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::run::{Output, Run};
use crate::{bins, root};

/// What a file is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A volume group.
    Lvm,
    /// A thin pool in a volume group.
    LvmThin,
    /// A folder that this machine exports to itself.
    Nfs,
    /// A pool of ZFS.
    Zfs,
}

/// A storage without anything on it. To be made before the [`Host`](crate::Host) that uses it, for it must vanish after that.
pub struct Backing {
    /// What it is.
    pub kind: Kind,
    /// The volume group, the pool.
    pub name: String,
    dir: tempfile::TempDir,
    /// The loop device of the volume group.
    device: Option<String>,
    /// One export at a time: they are of one file system, and what the server does to end one makes the others' files fail.
    _alone: Option<MutexGuard<'static, ()>>,
}

static EXPORTS: Mutex<()> = Mutex::new(());

/// What is on the file, sparse.
const SIZE: u64 = 2 << 30;

/// Runs a program that is installed.
#[track_caller]
fn run(line: &str) -> Output {
    let mut words = line.split(' ');
    let program = words.next().and_then(bins::tool);
    Run::new(program.unwrap_or_else(|| panic!("no program for '{line}'"))).args(words).output()
}

#[track_caller]
fn lines(line: &str) -> Vec<String> {
    run(line).ok().out().lines().map(|line| line.trim().to_owned()).collect()
}

impl Kind {
    /// Whether this machine has it.
    fn here(self) -> bool {
        let has = |tool: &str, module: &str| {
            bins::tool(tool).is_some() && run(&format!("modprobe -q {module}")).status == 0
        };
        match self {
            Self::Lvm => root::can(has("lvcreate", "dm_mod"), "LVM"),
            Self::LvmThin => root::can(has("thin_check", "dm_thin_pool"), "thin pools of LVM"),
            Self::Nfs => {
                let threads = fs::read_to_string("/proc/fs/nfsd/threads").unwrap_or_default();
                root::can(threads.trim().parse().is_ok_and(|count: u32| count > 0), "an NFS server")
            }
            Self::Zfs => root::can(has("zpool", "zfs"), "ZFS"),
        }
    }
}

impl Backing {
    /// A new one; where this machine has no such thing it says so, as [`root::can`] does.
    pub fn new(kind: Kind) -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        if !kind.here() {
            return None;
        }
        let name = format!("pct{}n{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::Builder::new().prefix("pct-backing.").tempdir_in("/var/tmp").expect("a folder");
        let alone = (kind == Kind::Nfs).then(|| EXPORTS.lock().unwrap_or_else(PoisonError::into_inner));
        let mut made = Self { kind, name, dir, device: None, _alone: alone };
        made.make();
        Some(made)
    }

    fn make(&mut self) {
        let (name, path) = (&self.name, self.dir.path().display());
        if self.kind == Kind::Nfs {
            fs::create_dir(self.dir.path().join("export")).expect("a folder to export");
            let options = "rw,no_root_squash,no_subtree_check";
            let listed = format!("{path}/export 127.0.0.1({options})\n");
            fs::create_dir_all("/etc/exports.d")
                .and_then(|()| fs::write(self.exports(), listed))
                .expect("a file");
            run(&format!("exportfs -o {options} 127.0.0.1:{path}/export")).ok();
            return;
        }
        let image = format!("{path}/image");
        File::create(&image).and_then(|file| file.set_len(SIZE)).expect("an image");
        if self.kind == Kind::Zfs {
            run(&format!("zpool create -o cachefile=none {name} {image}")).ok();
            // As docs/storages.md advises.
            fs::set_permissions(format!("/{name}"), fs::Permissions::from_mode(0o700))
                .expect("a mount point");
            return;
        }
        let device = run(&format!("losetup --find --show {image}")).ok().out().trim().to_owned();
        run(&format!("vgcreate -q {name} {device}")).ok();
        if self.kind == Kind::LvmThin {
            run(&format!("lvcreate -q --type thin-pool -L 1536M -n pool {name}")).ok();
        }
        self.device = Some(device);
    }

    /// Where the export is written down: without it the export would be gone when ZFS, in another test, has the server read all
    /// exports anew.
    fn exports(&self) -> PathBuf {
        format!("/etc/exports.d/{}.exports", self.name).into()
    }

    /// Its section of `storage.cfg`, as storage `store`.
    pub fn section(&self) -> String {
        let (name, path) = (&self.name, self.dir.path().display());
        let properties = match self.kind {
            Kind::Lvm => format!("lvm: store\n\tvgname {name}"),
            Kind::LvmThin => format!("lvmthin: store\n\tvgname {name}\n\tthinpool pool"),
            Kind::Nfs => format!("nfs: store\n\tserver 127.0.0.1\n\texport {path}/export\n\tpath {path}/mnt"),
            Kind::Zfs => format!("zfspool: store\n\tpool {name}"),
        };
        format!("{properties}\n\tcontent rootdir,images\n")
    }

    /// What is on it: volumes and snapshots by the names that the storage itself has for them, sorted.
    pub fn volumes(&self) -> Vec<String> {
        let name = &self.name;
        let mut found = match self.kind {
            Kind::Lvm | Kind::LvmThin => lines(&format!("lvs --noheadings -o lv_name {name}")),
            Kind::Zfs => lines(&format!("zfs list -H -t all -o name -r {name}")),
            Kind::Nfs => {
                let images = self.dir.path().join("export/images");
                let all =
                    crate::state::entries(&images).into_iter().flat_map(|dir| crate::state::entries(&dir));
                let all = all.map(|file| file.strip_prefix(&images).expect("below").display().to_string());
                return all.collect();
            }
        };
        let of_pool = format!("{name}/");
        found.retain(|volume| volume != "pool" && volume != name);
        found.iter_mut().for_each(|volume| *volume = volume.trim_start_matches(&of_pool).to_owned());
        found.sort();
        found
    }

    /// The values of properties of a volume, as the storage's own program shows them.
    #[track_caller]
    pub fn properties(&self, properties: &str, volume: &str) -> Vec<String> {
        let of = format!("{}/{volume}", self.name);
        match self.kind {
            Kind::Zfs => lines(&format!("zfs get -Hp -o value {properties} {of}")),
            _ => {
                let line = format!("lvs --noheadings --separator : -o {properties} {of}");
                lines(&line).concat().split(':').map(str::to_owned).collect()
            }
        }
    }

    /// Has `zfs` do something with a volume.
    #[track_caller]
    pub fn zfs(&self, words: &str, volume: &str) {
        run(&format!("zfs {words} {}/{volume}", self.name)).ok();
    }

    /// The devices of its volumes that are active.
    pub fn devices(&self) -> Vec<String> {
        let names = crate::state::entries(Path::new("/sys/block"))
            .into_iter()
            .filter_map(|device| fs::read_to_string(device.join("dm/name")).ok());
        let (all, pool) = (format!("{}-", self.name), format!("{}-pool", self.name));
        names
            .map(|name| name.trim().to_owned())
            .filter(|n| n.starts_with(&all) && !n.starts_with(&pool))
            .collect()
    }

    /// Where the export is mounted.
    pub fn mount(&self) -> PathBuf {
        self.dir.path().join("mnt")
    }

    /// Whether the host sees it mounted, which is how NFS and ZFS are used.
    pub fn is_mounted(&self) -> bool {
        let points = [format!("{} ", self.mount().display()), format!("/{}/", self.name)];
        crate::state::mounts().any(|line| points.iter().any(|point| line.starts_with(point)))
    }

    /// As it is after a boot of the machine: nothing of it is mounted or active.
    pub fn put_away(&self) {
        match self.kind {
            Kind::Lvm | Kind::LvmThin => drop(run(&format!("vgchange -q -an {}", self.name)).ok()),
            Kind::Nfs => drop(run(&format!("umount {}", self.mount().display())).ok()),
            Kind::Zfs => {
                let mounted = lines(&format!("zfs list -H -o name -r {}", self.name));
                for dataset in mounted.iter().rev() {
                    run(&format!("zfs unmount {dataset}")).ok();
                }
            }
        }
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        let (name, path) = (&self.name, self.dir.path().display());
        let undo = match (self.kind, &self.device) {
            (Kind::Nfs, _) => {
                if let Err(error) = fs::remove_file(self.exports()) {
                    eprintln!("cannot remove {}: {error}", self.exports().display());
                }
                vec![format!("umount -l {path}/mnt"), format!("exportfs -u 127.0.0.1:{path}/export")]
            }
            (Kind::Zfs, _) => vec![format!("zpool destroy -f {name}")],
            (_, Some(device)) => vec![format!("vgremove -q -ff -y {name}"), format!("losetup -d {device}")],
            (_, None) => Vec::new(),
        };
        for line in undo {
            let out = run(&line);
            if out.status != 0 && !out.err().contains("not mounted") {
                eprintln!("cannot clean up with `{line}`: {}", out.both());
            }
        }
    }
}
