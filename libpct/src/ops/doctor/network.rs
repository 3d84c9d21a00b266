//! What of the network a start does not ask about before it calls liblxc.

use std::collections::HashMap;

use super::{Patient, Symptom, config::described, error, warning};
use crate::{config::NetIf, error::Error, net::Netlink};

/// The kernel takes a name once.
pub(super) fn names(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let mut first: HashMap<String, u16> = HashMap::new();
    let mut found = Vec::new();
    for (index, text) in patient.section().family("net") {
        let Ok(net) = text.parse::<NetIf>() else { continue };
        if let Some(earlier) = first.get(&net.name) {
            let text = format!("the name '{}' is taken by net{earlier}", net.name);
            let symptom = error("interface-name", Some(&format!("net{index}")), text);
            found.extend(described(patient, symptom.help("give it another name"), "is taken by"));
        } else {
            first.insert(net.name, index);
        }
    }
    Ok(found)
}

/// The start goes well, and nothing can be reached.
pub(super) fn bridges(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let mut found = Vec::new();
    for (index, text) in patient.section().family("net") {
        let Ok(net) = text.parse::<NetIf>() else { continue };
        let Some(bridge) = net.bridge.filter(|_| !net.link_down) else { continue };
        if Netlink::open()?.link(&bridge)?.is_some_and(|link| link.is_bridge() && !link.is_up()) {
            let symptom =
                warning("bridge-down", Some(&format!("net{index}")), format!("bridge '{bridge}' is down"));
            found.push(symptom.help(format!("ip link set {bridge} up")));
        }
    }
    Ok(found)
}
