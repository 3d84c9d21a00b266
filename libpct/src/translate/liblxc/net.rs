//! The keys `lxc.net.<n>.*`.

use std::collections::BTreeMap;

use super::{
    Refusal,
    values::{
        ADDRESS_4, ADDRESS_6, ANY, BRIDGE_VLAN, Form, GATEWAY_4, GATEWAY_6, IPVLAN_ISOLATION, IPVLAN_MODE,
        LINK, MACVLAN_MODE, NET_TYPE, QUEUES, ROUTE_4, ROUTE_6, SWITCH, TAGGED_VLAN, VETH_MODE, VLAN,
    },
};

/// The interfaces that the file has named so far, each with its type.
#[derive(Default)]
pub(super) struct Nets(BTreeMap<u32, String>);

/// Key below the number, the type of interface that has it, the form of its value.
static KEYS: &[(&str, Option<&str>, Form)] = &[
    ("flags", None, ANY),
    ("hwaddr", None, ANY),
    ("ipv4.address", None, ADDRESS_4),
    ("ipv4.gateway", None, GATEWAY_4),
    ("ipv6.address", None, ADDRESS_6),
    ("ipv6.gateway", None, GATEWAY_6),
    ("ipvlan.isolation", Some("ipvlan"), IPVLAN_ISOLATION),
    ("ipvlan.mode", Some("ipvlan"), IPVLAN_MODE),
    ("l2proxy", None, SWITCH),
    ("link", None, LINK),
    ("macvlan.mode", Some("macvlan"), MACVLAN_MODE),
    ("mtu", None, ANY),
    ("name", None, LINK),
    ("script.down", None, ANY),
    ("script.up", None, ANY),
    ("type", None, NET_TYPE),
    ("veth.ipv4.route", Some("veth"), ROUTE_4),
    ("veth.ipv6.route", Some("veth"), ROUTE_6),
    ("veth.mode", Some("veth"), VETH_MODE),
    ("veth.n_rxqueues", Some("veth"), QUEUES),
    ("veth.n_txqueues", Some("veth"), QUEUES),
    ("veth.pair", Some("veth"), LINK),
    ("veth.vlan.id", Some("veth"), BRIDGE_VLAN),
    ("veth.vlan.tagged.id", Some("veth"), TAGGED_VLAN),
    ("vlan.id", Some("vlan"), VLAN),
];

impl Nets {
    /// `key` is what follows `lxc.net.`. With `blind` there may be more interfaces than we know of.
    pub(super) fn read(&mut self, key: &str, value: &str, blind: bool) -> Result<(), Refusal> {
        let (index, key) = key.split_once('.').map_or((key, None), |(index, key)| (index, Some(key)));
        let number = Some(index).filter(|index| index.bytes().all(|b| b.is_ascii_digit()));
        let number: u32 = number.and_then(|index| index.parse().ok()).ok_or(Refusal::Key)?;
        if number >= i32::MAX.unsigned_abs() {
            return Err(Refusal::Key);
        }
        let Some(key) = key else {
            // Without a value it removes the interface; it cannot have one.
            self.0.remove(&number);
            return if value.is_empty() { Ok(()) } else { Err(Refusal::Key) };
        };
        let at = KEYS.binary_search_by_key(&key, |(name, ..)| name).map_err(|_| Refusal::Key)?;
        let (_, kind, form) = &KEYS[at];
        if value.is_empty() && !blind && !self.0.contains_key(&number) {
            return Err(Refusal::Value(format!(
                "takes something from interface {number}, which is not there yet"
            )));
        }
        let has = self.0.entry(number).or_default();
        if let Some(kind) = kind.filter(|kind| has != kind && !value.is_empty() && !blind) {
            return Err(Refusal::Value(format!("needs 'lxc.net.{number}.type = {kind}' before it")));
        }
        if !form.takes(value) {
            return Err(Refusal::Value(form.why.to_owned()));
        }
        if key == "type" {
            value.clone_into(has);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_sorted_for_the_search() {
        assert!(KEYS.is_sorted_by_key(|(key, ..)| *key));
    }
}
