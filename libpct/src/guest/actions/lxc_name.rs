//! A placeholder of old templates in `/etc/hosts` (spec: guest set-up, part 7.16).

use crate::{
    guest::{
        Setup,
        error::Result,
        text::{lines, unlines, words},
    },
    rootfs::Attributes,
};

const HOSTS: &str = "/etc/hosts";

/// Drops the line that gives the placeholder an address.
pub(crate) fn remove(setup: &mut Setup<'_>) -> Result<()> {
    if let Some(old) = setup.root.read(HOSTS)? {
        setup.root.replace(HOSTS, &cleaned(&old), Attributes::CONFIG)?;
    }
    Ok(())
}

fn cleaned(old: &[u8]) -> Vec<u8> {
    let is_placeholder = |line: &[u8]| {
        !line.first().is_some_and(u8::is_ascii_whitespace)
            && line.ends_with(b"LXC_NAME")
            && words(line).eq([&b"127.0.1.1"[..], &b"LXC_NAME"[..]])
    };
    let mut kept: Vec<&[u8]> = lines(old).filter(|line| !is_placeholder(line)).collect();
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    unlines(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_placeholder_goes() {
        let old = b"127.0.0.1\tlocalhost\n127.0.1.1\tLXC_NAME\n127.0.1.1 LXC_NAME x\n\n\n";
        assert_eq!(cleaned(old), b"127.0.0.1\tlocalhost\n127.0.1.1 LXC_NAME x\n");
    }
}
