//! Which system calls change something outside of the process.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::FileExt,
    },
    path::{Path, PathBuf},
};

use libc::user_regs_struct as Registers;

/// Where a call says what it changes: the number of its argument.
#[derive(Clone, Copy)]
enum On {
    Path(usize),
    File(usize),
    /// Only if a regular file stands behind the descriptor: a pipe or a terminal is no state.
    RegularFile(usize),
}
use On::{File as F, Path as P, RegularFile as R};

/// Calls that always change something.
const CHANGES: &[(i64, &str, On)] = &[
    (libc::SYS_creat, "creat", P(0)),
    (libc::SYS_rename, "rename", P(0)),
    (libc::SYS_renameat, "renameat", P(1)),
    (libc::SYS_renameat2, "renameat2", P(1)),
    (libc::SYS_unlink, "unlink", P(0)),
    (libc::SYS_unlinkat, "unlinkat", P(1)),
    (libc::SYS_rmdir, "rmdir", P(0)),
    (libc::SYS_mkdir, "mkdir", P(0)),
    (libc::SYS_mkdirat, "mkdirat", P(1)),
    (libc::SYS_link, "link", P(1)),
    (libc::SYS_linkat, "linkat", P(3)),
    (libc::SYS_symlink, "symlink", P(1)),
    (libc::SYS_symlinkat, "symlinkat", P(2)),
    (libc::SYS_mknod, "mknod", P(0)),
    (libc::SYS_mknodat, "mknodat", P(1)),
    (libc::SYS_truncate, "truncate", P(0)),
    (libc::SYS_ftruncate, "ftruncate", R(0)),
    (libc::SYS_fallocate, "fallocate", R(0)),
    (libc::SYS_chmod, "chmod", P(0)),
    (libc::SYS_fchmod, "fchmod", F(0)),
    (libc::SYS_fchmodat, "fchmodat", P(1)),
    (452, "fchmodat2", P(1)),
    (libc::SYS_chown, "chown", P(0)),
    (libc::SYS_lchown, "lchown", P(0)),
    (libc::SYS_fchown, "fchown", F(0)),
    (libc::SYS_fchownat, "fchownat", P(1)),
    (libc::SYS_setxattr, "setxattr", P(0)),
    (libc::SYS_lsetxattr, "lsetxattr", P(0)),
    (libc::SYS_fsetxattr, "fsetxattr", F(0)),
    (libc::SYS_removexattr, "removexattr", P(0)),
    (libc::SYS_lremovexattr, "lremovexattr", P(0)),
    (libc::SYS_fremovexattr, "fremovexattr", F(0)),
    (libc::SYS_mount, "mount", P(1)),
    (libc::SYS_umount2, "umount2", P(0)),
    (libc::SYS_move_mount, "move_mount", P(3)),
    (libc::SYS_fsmount, "fsmount", F(0)),
    (libc::SYS_mount_setattr, "mount_setattr", P(1)),
    (libc::SYS_write, "write", R(0)),
    (libc::SYS_pwrite64, "pwrite64", R(0)),
    (libc::SYS_writev, "writev", R(0)),
    (libc::SYS_pwritev, "pwritev", R(0)),
    (libc::SYS_pwritev2, "pwritev2", R(0)),
    (libc::SYS_sendfile, "sendfile", R(0)),
    (libc::SYS_copy_file_range, "copy_file_range", R(2)),
    (libc::SYS_execve, "execve", P(0)),
    (libc::SYS_execveat, "execveat", P(1)),
];

/// The name of the call that a process is about to make, and what it is made on, if it changes something. `said` is the file of its
/// standard output.
pub(super) fn change(pid: i32, registers: &Registers, said: &str) -> Option<(&'static str, String)> {
    let number = registers.orig_rax.cast_signed();
    let argument = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    let process = Process { pid, said };
    let (call, on) = match number {
        libc::SYS_open if makes(argument[1]) => ("open", P(0)),
        libc::SYS_openat if makes(argument[2]) => ("openat", P(1)),
        libc::SYS_openat2 if makes(process.word(argument[2])) => ("openat2", P(1)),
        libc::SYS_open_tree if argument[2] & u64::from(libc::OPEN_TREE_CLONE) != 0 => ("open_tree", P(1)),
        libc::SYS_ioctl => (ioctl(argument[1])?, F(0)),
        _ => CHANGES.iter().find(|(known, ..)| *known == number).map(|(_, call, on)| (*call, *on))?,
    };
    let on = match on {
        P(n) => process.text(argument[n]),
        F(n) => process.file(argument[n]),
        R(n) => process.regular(argument[n])?,
    };
    Some((call, Path::new(&on).file_name().map_or(on.clone(), |name| name.to_string_lossy().into_owned())))
}

fn makes(flags: u64) -> bool {
    let makes = libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
    flags & u64::from(makes.cast_unsigned()) != 0
}

/// Requests that change a file, a loop device or a btrfs. Others ask.
fn ioctl(request: u64) -> Option<&'static str> {
    const BTRFS: u64 = 0x94;
    match request & 0xffff_ffff {
        0x4004_9409 => Some("ioctl FICLONE"),
        0x4008_6602 => Some("ioctl FS_IOC_SETFLAGS"),
        0x4c00 => Some("ioctl LOOP_SET_FD"),
        0x4c01 => Some("ioctl LOOP_CLR_FD"),
        0x4c04 => Some("ioctl LOOP_SET_STATUS64"),
        0x4c07 => Some("ioctl LOOP_SET_CAPACITY"),
        0x4c0a => Some("ioctl LOOP_CONFIGURE"),
        // Of the direction that only reads nothing is changed.
        request if request >> 8 & 0xff == BTRFS && request >> 30 != 2 => Some("ioctl BTRFS"),
        _ => None,
    }
}

struct Process<'a> {
    pid: i32,
    said: &'a str,
}

impl Process<'_> {
    fn memory(&self, at: u64, buffer: &mut [u8]) -> usize {
        let file = File::open(format!("/proc/{}/mem", self.pid));
        file.and_then(|file| file.read_at(buffer, at)).unwrap_or(0)
    }

    fn word(&self, at: u64) -> u64 {
        let mut word = [0; 8];
        self.memory(at, &mut word);
        u64::from_le_bytes(word)
    }

    /// A text that ends with NUL; a page may end before it does.
    fn text(&self, at: u64) -> String {
        let mut buffer = vec![0; 4096];
        let page = 4096 - usize::try_from(at % 4096).unwrap_or(0);
        let mut length = self.memory(at, &mut buffer[..page]);
        if length == page && !buffer[..length].contains(&0) {
            length += self.memory(at + page as u64, &mut buffer[page..]);
        }
        let text = buffer[..length].split(|byte| *byte == 0).next().unwrap_or_default();
        OsString::from_vec(text.to_vec()).to_string_lossy().into_owned()
    }

    fn link(&self, descriptor: u64) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", self.pid, descriptor.cast_signed() as i32))
    }

    fn file(&self, descriptor: u64) -> String {
        fs::read_link(self.link(descriptor)).unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The path of a regular file with a place in a file system.
    fn regular(&self, descriptor: u64) -> Option<String> {
        let link = self.link(descriptor);
        let path = fs::read_link(&link).ok()?;
        let counts = path != Path::new(self.said)
            && !path.as_os_str().as_bytes().starts_with(b"/memfd:")
            && !path.starts_with("/proc")
            && link.metadata().is_ok_and(|meta| meta.is_file());
        counts.then(|| path.to_string_lossy().into_owned())
    }
}
