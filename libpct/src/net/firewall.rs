//! The way through a bridge of a NIC's own, on which a firewall of the host can look at what passes:
//!
//! ```text
//! guest -- vethXiN -- [ fwbrXiN ] -- fwlnXiN == fwprXpN -- [ bridge of the config ]
//! ```

use super::{Link, Result, VethName, link::high_address, name::Part, socket::Netlink};

impl Netlink {
    /// Leads a NIC to a bridge through one of its own. None of the links is there before.
    pub(super) fn add_firewall(
        &mut self,
        veth: VethName,
        nic: &Link,
        bridge: &Link,
        tag: Option<u16>,
        trunks: &[u16],
    ) -> Result<()> {
        let [near, far] = [Part::FirewallIn, Part::FirewallOut].map(|part| veth.link(part).name());
        let own = self.create_bridge_like(&veth.link(Part::FirewallBridge).name(), bridge)?;
        self.set_up(&own, true)?;
        self.create_pair((&near, None), (&far, Some(high_address()?)), Some(bridge.mtu))?;
        let (near, far) = (self.existing_link(near.as_str())?, self.existing_link(far.as_str())?);
        self.add_port(&far, bridge, tag, trunks)?;
        self.add_port(&near, &own, None, &[])?;
        self.add_port(nic, &own, None, &[])?;
        self.set_up(&far, true)?;
        self.set_up(&near, true)
    }

    /// Deletes what [`Netlink::add_firewall`] has made, as far as it is there.
    pub(super) fn delete_firewall(&mut self, veth: VethName) -> Result<()> {
        // The other side of the pair goes with the first one.
        for part in [Part::FirewallIn, Part::FirewallOut, Part::FirewallBridge] {
            self.delete_own(veth.link(part))?;
        }
        Ok(())
    }
}
