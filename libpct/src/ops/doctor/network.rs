//! What of the network a start does not ask about before it calls liblxc.

use std::collections::HashMap;

use super::{super::diagnosis, Patient, Symptom, config::described, error, warning};
use crate::{
    config::{NetIf, Port},
    error::Error,
    net::Netlink,
};

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

/// A bridge that cannot do what is asked of it, and one through which nothing can be reached. That it is missing is
/// found by the translation.
pub(super) fn bridges(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let mut found = Vec::new();
    for (index, text) in patient.section().family("net") {
        let key = format!("net{index}");
        let port = text.parse::<NetIf>().ok().and_then(|net| Port::try_from(&net).ok());
        let Some(port) = port.filter(|port| !port.link_down) else { continue };
        match Netlink::open()?.check_port(&port) {
            Ok(bridge) if bridge.is_up() => {}
            Ok(bridge) => {
                let symptom = warning("bridge-down", Some(&key), format!("bridge '{}' is down", bridge.name));
                found.push(symptom.help(format!("ip link set {} up", bridge.name)));
            }
            Err(error) if error.is_of_bridge() => {}
            Err(failure) => {
                let symptom = error("vlan", Some(&key), failure.to_string());
                found.push(symptom.help(diagnosis::VLAN_AWARE));
            }
        }
    }
    Ok(found)
}
