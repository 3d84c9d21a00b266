//! `/etc/resolv.conf` (spec: guest set-up, part 7.4).

use crate::{
    guest::{Setup, error::Result, network::Dns},
    rootfs::{Place, SectionOptions},
};

/// Sets search domains and name servers. The first time the whole file is replaced, also when it is a link
/// into a folder of a resolver service.
pub(crate) fn set(setup: &mut Setup<'_>) -> Result<()> {
    let options = SectionOptions { place: Place::Replace, ..SectionOptions::default() };
    setup.root.edit_section("/etc/resolv.conf", &section(&setup.network.dns), options)?;
    Ok(())
}

fn section(dns: &Dns) -> String {
    let mut out = String::new();
    if !dns.search.is_empty() {
        out.push_str(&format!("search {}\n", dns.search.join(" ")));
    }
    for server in &dns.servers {
        out.push_str(&format!("nameserver {server}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_then_servers() {
        let dns = Dns {
            servers: vec!["10.20.0.1".to_owned(), "2001:db8::53".to_owned()],
            search: vec!["a.example".to_owned()],
        };
        assert_eq!(section(&dns), "search a.example\nnameserver 10.20.0.1\nnameserver 2001:db8::53\n");
        assert_eq!(section(&Dns::default()), "");
    }
}
