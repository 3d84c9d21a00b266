//! From the values that a caller gives to what the config file stores (spec: config, part 3.1).

use crate::{
    config::{MacAddr, NetIf, PropertyError, Section, keys, split_list},
    error::Error,
    net::Netlink,
};

use rustix::rand::GetRandomFlags;

/// The first bytes of every address that we draw, as the original's default.
const MAC_PREFIX: [u8; 3] = [0xbc, 0x24, 0x11];

/// Checks values against the key table, and all of them, so that one answer names every fault.
pub(crate) fn check(values: &[(String, String)]) -> Result<(), Error> {
    let faults: Vec<_> = values.iter().filter_map(|(key, value)| fault(key, value)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Parameters(faults)) }
}

fn fault(key: &str, value: &str) -> Option<(String, String)> {
    match keys::lookup(key) {
        Some((known, _)) if known.parameter => {
            known.check_parameter(value).err().map(|e| (key.to_owned(), e.parameter_text(key)))
        }
        _ => Some((key.to_owned(), "unknown option".to_owned())),
    }
}

/// Puts a checked value into the section, in the form in which it is kept.
pub(crate) fn store(section: &mut Section, key: &str, value: &str) -> Result<(), Error> {
    let kept = match keys::lookup(key).map(|(known, _)| known.name) {
        Some("nameserver" | "searchdomain") => split_list(value).collect::<Vec<_>>().join(" "),
        Some("tags") => tags(value),
        Some("net") => net(key, value)?,
        _ => value.to_owned(),
    };
    // An empty text says the same as no value, and a line without one would not be read again.
    if kept.is_empty() {
        section.remove(key);
    } else {
        section.set(key, kept);
    }
    Ok(())
}

fn tags(value: &str) -> String {
    let mut tags: Vec<String> = split_list(value).map(str::to_lowercase).collect();
    tags.sort();
    tags.dedup();
    tags.join(";")
}

/// A network interface as it is stored: with an address of its own, and checked against its bridge.
fn net(key: &str, value: &str) -> Result<String, Error> {
    let mut net: NetIf = value.parse().map_err(|source| PropertyError { key: key.to_owned(), source })?;
    if let (Some(mtu), Some(bridge)) = (net.mtu.filter(|mtu| *mtu > 0), &net.bridge) {
        let bridge_mtu = Netlink::open()?.bridge_mtu(bridge)?;
        if mtu > bridge_mtu {
            let text = format!("MTU size '{mtu}' is bigger than bridge MTU '{bridge_mtu}'");
            return Err(Error::Parameters(vec![(key.to_owned(), text)]));
        }
    }
    if net.hwaddr.is_none() {
        net.hwaddr = Some(random_mac()?);
    }
    Ok(net.to_string())
}

/// An address that nobody else has, as far as chance can promise it.
pub(crate) fn random_mac() -> Result<MacAddr, Error> {
    let [a, b, c] = MAC_PREFIX;
    let mut bytes = [a, b, c, 0, 0, 0];
    rustix::rand::getrandom(&mut bytes[3..], GetRandomFlags::empty())
        .map_err(|e| Error::io("cannot read", "/dev/urandom", e))?;
    MacAddr::from_bytes(bytes).ok_or_else(|| Error::invalid("hwaddr", "drawn address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(key: &str, value: &str) -> Option<String> {
        let mut section = Section::default();
        store(&mut section, key, value).unwrap();
        section.get(key).map(str::to_owned)
    }

    #[test]
    fn lists_and_tags_are_kept_in_their_normal_form() {
        assert_eq!(stored("nameserver", "1.1.1.1, 8.8.8.8").as_deref(), Some("1.1.1.1 8.8.8.8"));
        assert_eq!(stored("tags", "B;a,b").as_deref(), Some("a;b"));
        assert_eq!(stored("tags", ""), None);
    }

    #[test]
    fn an_interface_without_an_address_gets_one() {
        let net = stored("net0", "name=eth0,ip=dhcp").unwrap();
        assert!(
            net.starts_with("name=eth0,hwaddr=BC:24:11:") && net.ends_with(",ip=dhcp,type=veth"),
            "{net}"
        );
        assert_eq!(
            stored("net0", "name=eth0,hwaddr=02:00:00:00:00:01").as_deref(),
            Some("name=eth0,hwaddr=02:00:00:00:00:01,type=veth")
        );
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let values = [("memory", "1"), ("cores", "x"), ("hostname", "ok"), ("nonsense", "1")];
        let values: Vec<_> = values.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let Err(Error::Parameters(faults)) = check(&values) else { panic!("accepted") };
        let keys: Vec<_> = faults.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["memory", "cores", "nonsense"]);
    }
}
