//! Root's SSH keys (spec: guest set-up, part 7.7).

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
        text::lines,
    },
    rootfs::SectionOptions,
};

const USER: &str = "root";

/// Lets the owners of these public keys log in as root.
pub(crate) fn set(setup: &mut Setup<'_>, keys: &str) -> Result<()> {
    let root = setup.root;
    let home = home(root.read("/etc/passwd")?.as_deref());
    if !root.is_dir(&home)? {
        return Err(Error::NoHome { home, user: USER });
    }
    let folder = format!("{}/.ssh", home.trim_end_matches('/'));
    root.make_path(&folder, 0o700)?;
    let options = SectionOptions { new_mode: 0o700, ..SectionOptions::default() };
    root.edit_section(&format!("{folder}/authorized_keys"), keys, options)?;
    Ok(())
}

/// Root's home as `/etc/passwd` has it.
fn home(passwd: Option<&[u8]>) -> String {
    let entry = |line: &[u8]| {
        let mut fields = line.split(|b| *b == b':');
        let home = (fields.next()? == USER.as_bytes()).then(|| fields.nth(4))??;
        String::from_utf8(home.to_vec()).ok().filter(|home| home.starts_with('/'))
    };
    passwd.and_then(|data| lines(data).find_map(entry)).unwrap_or_else(|| "/root".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_the_one_in_passwd() {
        assert_eq!(home(None), "/root");
        assert_eq!(home(Some(b"a:x:1:1::/a:\nroot:x:0:0:root:/var/r:/bin/sh\n")), "/var/r");
        assert_eq!(home(Some(b"root:x:0\n")), "/root");
        assert_eq!(home(Some(b"root:x:0:0:root:relative:/bin/sh\n")), "/root");
    }
}
