//! `/etc/hosts` and `/etc/hostname` (spec: guest set-up, parts 7.1 and 7.2).

use crate::{
    guest::{
        Setup,
        error::Result,
        text::{lines, with_line, words},
    },
    rootfs::{Attributes, SectionOptions},
};

/// Names the machine by the part of its name before the first dot.
pub(crate) fn set_short(setup: &mut Setup<'_>) -> Result<()> {
    update_hosts(setup)?;
    setup.root.replace(
        "/etc/hostname",
        format!("{}\n", setup.short_hostname()).as_bytes(),
        Attributes::CONFIG,
    )?;
    Ok(())
}

/// Names the machine by its whole name, as the family of Red Hat does (part 9.4).
pub(crate) fn set_full(setup: &mut Setup<'_>) -> Result<()> {
    const SYSCONFIG: &str = "/etc/sysconfig/network";
    update_hosts(setup)?;
    let root = setup.root;
    root.replace("/etc/hostname", format!("{}\n", setup.hostname()).as_bytes(), Attributes::CONFIG)?;
    if let Some(old) = root.read(SYSCONFIG)? {
        let is_name =
            |line: &[u8]| line.strip_prefix(b"HOSTNAME=").is_some_and(|value| words(value).count() == 1);
        let line = format!("HOSTNAME={}", setup.hostname());
        root.replace(SYSCONFIG, &with_line(&old, is_name, line.as_bytes()), Attributes::CONFIG)?;
    }
    Ok(())
}

/// Puts the machine's own name into `/etc/hosts`.
pub(crate) fn update_hosts(setup: &mut Setup<'_>) -> Result<()> {
    let old = setup.root.read("/etc/hosts")?.unwrap_or_default();
    let section = section(&old, setup.hostname(), &setup.network.dns.search, setup.network.own_address());
    setup.root.edit_section("/etc/hosts", &section, SectionOptions::default())?;
    Ok(())
}

fn section(old: &[u8], hostname: &str, search: &[String], address: Option<&str>) -> String {
    let foreign = outside_section(old);
    let mut out = String::new();
    for loopback in ["127.0.0.1", "::1"] {
        if !foreign.iter().any(|line| names_address(line, loopback)) {
            out.push_str(&format!("{loopback} localhost.localnet localhost\n"));
        }
    }
    let short = hostname.split('.').next().unwrap_or_default();
    let names = if hostname.contains('.') {
        format!("{hostname} {short}")
    } else {
        let full = search.iter().map(|domain| format!("{hostname}.{domain} "));
        full.chain([hostname.to_owned()]).collect()
    };
    match address {
        Some(address) => out.push_str(&format!("{address} {names}\n")),
        None if short == "localhost" => out.push_str("127.0.1.1 localhost\n"),
        None => out.push_str(&format!("127.0.1.1 {names}\n")),
    }
    out
}

/// The lines that are not ours: all but those from the first opening to the last closing marker.
fn outside_section(old: &[u8]) -> Vec<&[u8]> {
    let all: Vec<&[u8]> = lines(old).collect();
    let is = |line: &[u8], marker: &[u8]| line.trim_ascii_start().starts_with(marker);
    let begin = all.iter().position(|line| is(line, b"# --- BEGIN PVE ---"));
    let end = all.iter().rposition(|line| is(line, b"# --- END PVE ---"));
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => [&all[..begin], &all[end + 1..]].concat(),
        _ => all,
    }
}

fn names_address(line: &[u8], address: &str) -> bool {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = line.iter().take_while(|b| is_blank(b)).count();
    let rest = line[start..].strip_prefix(address.as_bytes());
    rest.and_then(|rest| rest.first()).is_some_and(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_full_name_with_an_address() {
        let section =
            section(b"127.0.0.1\tlocalhost\n", "web7.example.net", &strings(&["x"]), Some("10.20.0.5"));
        assert_eq!(section, "::1 localhost.localnet localhost\n10.20.0.5 web7.example.net web7\n");
    }

    #[test]
    fn a_short_name_with_search_domains() {
        let old = b"127.0.0.1 localhost\n ::1\tlocalhost\n";
        let search = strings(&["a.example", "b.example"]);
        assert_eq!(section(old, "web7", &search, None), "127.0.1.1 web7.a.example web7.b.example web7\n");
        assert_eq!(section(old, "localhost", &search, None), "127.0.1.1 localhost\n");
        assert_eq!(section(old, "web7", &[], Some("::5")), "::5 web7\n");
    }

    #[test]
    fn what_stands_in_our_section_does_not_count_as_the_guests() {
        let old = b"x\n# --- BEGIN PVE ---\n127.0.0.1 a\n::1 a\n# --- END PVE ---\n::1x\n";
        let expected =
            "127.0.0.1 localhost.localnet localhost\n::1 localhost.localnet localhost\n127.0.1.1 a\n";
        assert_eq!(section(old, "a", &[], None), expected);
    }
}
