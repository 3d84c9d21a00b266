//! Making and removing containers with liblxc's own means. pct has its own; this is for containers that it does not make.

use std::ffi::{CString, OsString, c_int};
use std::path::Path;

use lxc_sys::bdev_specs;

use super::args::{CStrings, Oversized, os_text, pointer};
use super::config::text;
use super::container::{check_name, check_path, clear_errno, method};
use super::{Container, Error, Result, threads};

/// Where a new container's root file system is kept. What a kind of storage does not use is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storage<'a> {
    /// The kind, e.g. `dir`, `loop`, `lvm`; `best` chooses, `None` is `dir`.
    pub kind: Option<&'a str>,
    /// The folder of the root file system, for `dir`.
    pub dir: Option<&'a Path>,
    /// The file system to make.
    pub fs_type: Option<&'a str>,
    /// Its size in bytes; 0 is liblxc's default.
    pub fs_size: u64,
    /// The parent data set, for `zfs`.
    pub zfs_root: Option<&'a str>,
    /// The volume group, for `lvm`.
    pub lvm_vg: Option<&'a str>,
    /// The volume, for `lvm`; otherwise it has the container's name.
    pub lvm_lv: Option<&'a str>,
    /// The thin pool, for `lvm`.
    pub lvm_thinpool: Option<&'a str>,
    /// The image, for `rbd`; otherwise it has the container's name.
    pub rbd_name: Option<&'a str>,
    /// The pool, for `rbd`.
    pub rbd_pool: Option<&'a str>,
    /// The user, for `rbd`; liblxc before 6.0.6 does not ask for it.
    pub rbd_user: Option<&'a str>,
}

/// What a new container is made of.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions<'a> {
    /// The program that fills the root file system: a path, or the name of one of liblxc's templates. Without one the
    /// config is written as it is in the handle, and the root file system must be there.
    pub template: Option<&'a str>,
    /// Arguments for the template, behind those of liblxc (`--path=`, `--name=`, `--rootfs=`).
    pub arguments: Vec<OsString>,
    /// What the template prints is thrown away.
    pub quiet: bool,
    /// Where to.
    pub storage: Storage<'a>,
}

impl Container {
    /// Makes the container: its folder, its storage, what the template fills in, and its config out of that of the handle
    /// or liblxc's default. Afterwards the handle has the new config. On
    /// failure nothing is left but, perhaps, an empty folder.
    ///
    /// # Errors
    /// There is a container of this name already; liblxc or the template fail, see the log.
    pub fn create(&mut self, options: &CreateOptions<'_>) -> Result<()> {
        threads::refuse("create", self.name())?;
        let create = method!(self, create)?;
        if self.is_defined()? {
            return Err(Error::Exists { container: self.name().to_owned() });
        }
        let name = |name: Option<&str>| name.map(|name| text("storage option", name)).transpose();
        let template = options.template.map(|template| text("template", template)).transpose()?;
        let arguments = options.arguments.iter().map(|argument| os_text("argument", argument));
        let arguments = CStrings::new(arguments.collect::<Result<_>>()?);
        let from = &options.storage;
        let kind = name(from.kind)?;
        let dir = from.dir.map(check_path).transpose()?;
        let (fs_type, zfs_root) = (name(from.fs_type)?, name(from.zfs_root)?);
        let (vg, lv, thinpool) = (name(from.lvm_vg)?, name(from.lvm_lv)?, name(from.lvm_thinpool)?);
        let (rbd_name, rbd_pool) = (name(from.rbd_name)?, name(from.rbd_pool)?);
        let rbd_user = name(from.rbd_user)?;
        let c = |text: &Option<CString>| pointer(text).cast_mut();
        // SAFETY: all zeroes is a valid one: numbers and pointers.
        let mut specs = Oversized::new(unsafe { std::mem::zeroed::<bdev_specs>() });
        let set = &mut specs.value;
        (set.fstype, set.fssize, set.dir) = (c(&fs_type), from.fs_size, c(&dir));
        set.zfs.zfsroot = c(&zfs_root);
        (set.lvm.vg, set.lvm.lv, set.lvm.thinpool) = (c(&vg), c(&lv), c(&thinpool));
        (set.rbd.rbdname, set.rbd.rbdpool) = (c(&rbd_name), c(&rbd_pool));
        lxc_sys::version::set_rbduser(set, c(&rbd_user));
        let flags = if options.quiet { lxc_sys::LXC_CREATE_QUIET } else { 0 };
        threads::keep_descriptors("create", self.name())?;
        // SAFETY: our reference; NULL or C strings, their array and the specs outlive the call.
        self.done("create", || unsafe {
            create(
                self.raw(),
                pointer(&template),
                pointer(&kind),
                specs.as_mut_ptr(),
                flags.cast_signed(),
                arguments.as_ptr(),
            )
        })
    }

    /// Removes the container: its storage, and its folder with the config. It must be stopped and have no snapshots.
    pub fn destroy(&mut self) -> Result<()> {
        threads::refuse("destroy", self.name())?;
        let destroy = method!(self, destroy)?;
        // SAFETY: our reference.
        self.done("destroy", || unsafe { destroy(self.raw()) })
    }

    /// As [`Self::destroy`], and before that all of its snapshots.
    pub fn destroy_with_snapshots(&mut self) -> Result<()> {
        // liblxc takes it for a failure that there are none.
        if self.snapshots()?.is_empty() {
            return self.destroy();
        }
        threads::refuse("destroy", self.name())?;
        let destroy = method!(self, destroy_with_snapshots)?;
        // SAFETY: our reference.
        self.done("destroy", || unsafe { destroy(self.raw()) })
    }

    /// Gives the stopped container another name: a handle on it under that. It has no snapshots.
    ///
    /// liblxc makes a copy and removes the original.
    ///
    /// # Errors
    /// The original is still there, and possibly the copy.
    pub fn rename(self, name: &str) -> Result<Self> {
        threads::refuse("rename", self.name())?;
        self.require_rootfs()?;
        let rename = method!(self, rename)?;
        check_name(name)?;
        let c_name = text("name", name)?;
        threads::keep_descriptors("rename", self.name())?;
        // SAFETY: our reference and a C string that outlives the call.
        self.done("rename", || unsafe { rename(self.raw(), c_name.as_ptr()) })?;
        Self::open(name, self.lxcpath())
    }
}

/// What of a container a copy of it keeps, and how its storage is copied.
#[derive(Clone, Debug, Default)]
pub struct CloneOptions<'a> {
    /// The name of the copy; `None` is that of the original.
    pub name: Option<&'a str>,
    /// The folder for the folder of the copy; `None` is that of the original.
    pub lxcpath: Option<&'a Path>,
    /// `lxc.uts.name` and the guest's `/etc/hostname` stay.
    pub keep_hostname: bool,
    /// The network interfaces keep their addresses.
    pub keep_mac: bool,
    /// A snapshot of the storage, which goes on to need the original, instead of a copy.
    pub snapshot: bool,
    /// A snapshot where the storage can do that, else a copy.
    pub maybe_snapshot: bool,
    /// The same kind of storage as the original.
    pub keep_storage: bool,
    /// The original may run.
    pub allow_running: bool,
    /// The kind of the copy's storage.
    pub storage: Option<&'a str>,
    /// What that kind of storage needs, e.g. a volume group.
    pub storage_data: Option<&'a str>,
    /// The size of the copy's file system in bytes; 0 is that of the original.
    pub size: u64,
    /// Arguments for the hooks `lxc.hook.clone`.
    pub hook_arguments: Vec<OsString>,
}

impl CloneOptions<'_> {
    fn flags(&self) -> c_int {
        let flags = [
            (self.keep_hostname, lxc_sys::LXC_CLONE_KEEPNAME),
            (self.keep_mac, lxc_sys::LXC_CLONE_KEEPMACADDR),
            (self.snapshot, lxc_sys::LXC_CLONE_SNAPSHOT),
            (self.maybe_snapshot, lxc_sys::LXC_CLONE_MAYBE_SNAPSHOT),
            (self.keep_storage, lxc_sys::LXC_CLONE_KEEPBDEVTYPE),
            (self.allow_running, lxc_sys::LXC_CLONE_ALLOW_RUNNING),
        ];
        flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag).cast_signed()
    }
}

impl Container {
    /// Copies the container, and gives a handle on the copy. liblxc copies folders by the program rsync(1).
    ///
    /// The path of the root file system must contain the container's name: the copy has its own in that place.
    pub fn copy(&mut self, options: &CloneOptions<'_>) -> Result<Self> {
        threads::refuse("copy", self.name())?;
        self.require_rootfs()?;
        let clone = method!(self, clone)?;
        options.name.map(check_name).transpose()?;
        let name = options.name.map(|name| text("name", name)).transpose()?;
        let lxcpath = options.lxcpath.map(check_path).transpose()?;
        let storage = options.storage.map(|kind| text("storage option", kind)).transpose()?;
        let data = options.storage_data.map(|data| text("storage option", data)).transpose()?;
        let arguments = options.hook_arguments.iter().map(|argument| os_text("argument", argument));
        let mut arguments = CStrings::new(arguments.collect::<Result<_>>()?);
        threads::keep_descriptors("copy", self.name())?;
        clear_errno();
        // SAFETY: our reference; NULL or C strings and their array outlive the call. The answer is a new reference.
        let copy = unsafe {
            Self::adopt(clone(
                self.raw(),
                pointer(&name),
                pointer(&lxcpath),
                options.flags(),
                pointer(&storage),
                pointer(&data),
                options.size,
                arguments.as_mut_ptr(),
            ))
        };
        copy.ok_or_else(|| Error::call("copy", self.name(), 0))
    }
}
