//! Network interfaces (spec: config, part 5.6).

use super::{Input, Lines, TranslateError, standalone};
use crate::config::{
    NetIf, Port, PropertyError, keys,
    props::{self, Properties},
    text::numeric_prefix,
};

/// All `netN` in byte order of the keys, so `net10` before `net2`.
pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    for (key, text) in input.section.entries() {
        let index = key.strip_prefix("net").unwrap_or_default();
        if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) {
            let values = props::parse(keys::NET, text)
                .map_err(|source| PropertyError { key: key.to_owned(), source })?;
            Interface { key, index, text, values }.lines(input, lines)?;
        }
    }
    Ok(())
}

/// One interface; the texts of its sub-keys go out as they were written.
struct Interface<'a> {
    key: &'a str,
    index: &'a str,
    text: &'a str,
    values: Properties<'a>,
}

impl Interface<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key)
    }

    fn is_on(&self, key: &str) -> bool {
        self.get(key) == Some("1")
    }

    fn push(&self, lines: &mut Lines, key: &str, value: impl ToString) -> Result<(), TranslateError> {
        lines.push(&format!("lxc.net.{}.{key}", self.index), value)
    }

    fn lines(&self, input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
        let bridge = self.get("bridge").unwrap_or_default();
        let mtu = self.mtu(input, bridge)?;
        self.push(lines, "type", "veth")?;
        self.push(lines, "veth.pair", format!("veth{}i{}", input.vmid, self.index))?;
        let random = || input.facts.mac_for(input.vmid, self.key).map(|mac| mac.to_string());
        if let Some(mac) = self.get("hwaddr").map(str::to_owned).or_else(random) {
            self.push(lines, "hwaddr", mac)?;
        }
        self.push(lines, "name", self.get("name").unwrap_or_default())?;
        self.push(lines, "mtu", &mtu)?;
        if input.is_standalone() {
            if let Some((key, value)) = standalone::plug(input, &self.port()?, &mtu)? {
                self.push(lines, key, value)?;
            }
        } else if input.facts.liblxc.0 >= 4 {
            self.push(lines, "script.up", "/usr/share/lxc/lxcnetaddbr")?;
        }
        if self.is_on("host-managed") && !self.is_on("link_down") {
            self.addresses(lines)?;
        }
        Ok(())
    }

    fn port(&self) -> Result<Port, TranslateError> {
        let unreadable = |source| PropertyError { key: self.key.to_owned(), source };
        let net: NetIf = self.text.parse().map_err(unreadable)?;
        Port::try_from(&net).map_err(|source| TranslateError::Port { key: self.key.to_owned(), source })
    }

    /// The MTU as written, or the bridge's.
    fn mtu(&self, input: &Input<'_>, bridge: &str) -> Result<String, TranslateError> {
        let missing = || TranslateError::NoSuchBridge(bridge.to_owned());
        let &bridge_mtu = input.facts.bridges.get(bridge).ok_or_else(missing)?;
        match self.get("mtu") {
            Some(mtu) if numeric_prefix(mtu) > f64::from(bridge_mtu) => {
                Err(TranslateError::MtuTooBig { key: self.key.to_owned(), mtu: mtu.to_owned(), bridge_mtu })
            }
            Some(mtu) => Ok(mtu.to_owned()),
            None => Ok(bridge_mtu.to_string()),
        }
    }

    fn addresses(&self, lines: &mut Lines) -> Result<(), TranslateError> {
        for (address, gateway, family) in [("ip", "gw", "ipv4"), ("ip6", "gw6", "ipv6")] {
            match self.get(address) {
                None | Some("dhcp" | "manual") => {}
                Some("auto") => return Err(TranslateError::Slaac(self.key.to_owned())),
                Some(address) => self.push(lines, &format!("{family}.address"), address)?,
            }
            if let Some(gateway) = self.get(gateway) {
                self.push(lines, &format!("{family}.gateway"), gateway)?;
            }
        }
        self.push(lines, "flags", "up")
    }
}
