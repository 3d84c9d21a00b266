//! Making file systems (spec: runtime, part 4.8).

use std::path::Path;

use super::Result;
use crate::exec::Command;

/// What the formatting program said that is worth showing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Formatted {
    /// Lines for stdout: size, UUID and superblock backups.
    pub stdout: Vec<String>,
    /// Lines for stderr: warnings.
    pub stderr: Vec<String>,
}

/// Makes an ext4 file system on an image or block device, its root directory owned by the host's `owner`
/// (uid, gid). Multiple-mount protection is on: a second host cannot mount it meanwhile.
pub(crate) fn format_ext4(device: &Path, owner: (u32, u32)) -> Result<Formatted> {
    let output = Command::new("mkfs.ext4")
        .package("e2fsprogs")
        .args(["-O", "mmp", "-E", &format!("root_owner={}:{}", owner.0, owner.1)])
        .arg(device)
        .run()?;
    let stdout = output.stdout_lines().into_iter().filter(|line| is_shown(line)).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr = stderr.lines().filter(|line| !is_banner(line)).map(str::to_owned).collect();
    Ok(Formatted { stdout, stderr })
}

/// Block numbers of the superblock backups stand in lines of their own.
fn is_shown(line: &str) -> bool {
    let numbers = !line.trim().is_empty() && line.chars().all(|c| c.is_ascii_digit() || " \t,".contains(c));
    let starts = ["Creating filesystem", "Filesystem UUID", "Superblock backups"];
    numbers || starts.iter().any(|start| line.starts_with(start))
}

fn is_banner(line: &str) -> bool {
    line.trim().is_empty()
        || line.strip_prefix("mke2fs ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_useful_lines_are_shown() {
        for line in ["Creating filesystem with 65536 4k blocks", "\t32768, 98304", "Filesystem UUID: x"] {
            assert!(is_shown(line), "{line}");
        }
        for line in ["", "Allocating group tables: done", "Discarding device blocks: done", "  "] {
            assert!(!is_shown(line), "{line}");
        }
        assert!(is_banner("mke2fs 1.47.0 (5-Feb-2023)"));
        assert!(!is_banner("mke2fs: no space"));
    }
}
