//! The limit of what a NIC sends and receives.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkInfo},
};

use super::{
    Error, Link, Result, VethName,
    link::named,
    name::Part,
    socket::{Netlink, found},
    tc,
};
use crate::config::Rate;

const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;
/// The kernel's words for a queue that is not there.
const NO_QUEUE: &[i32] = &[libc::ENOENT, libc::EINVAL];
/// The kernel's words for what it was built without.
const NOT_BUILT: &[i32] = &[libc::ENOENT, libc::EOPNOTSUPP];

impl Netlink {
    /// Limits each direction of a NIC, or lifts the limit. One that cannot be set leaves none.
    pub(crate) fn set_rate(&mut self, veth: VethName, rate: Option<Rate>) -> Result<()> {
        let nic = self.existing_nic(veth)?;
        self.lift_rate(veth, Some(&nic))?;
        let Some(rate) = rate else { return Ok(()) };
        self.limit(veth, &nic, rate).map_err(|error| self.after(error, |net| net.lift_rate(veth, Some(&nic))))
    }

    pub(super) fn lift_rate(&mut self, veth: VethName, nic: Option<&Link>) -> Result<()> {
        let attempt = format!("lift the rate limit of network link '{veth}'");
        for queue in nic.into_iter().flat_map(|nic| [tc::root(nic), tc::ingress(nic)]) {
            found(self.change(&attempt, RouteNetlinkMessage::DelQueueDiscipline(queue), 0), NO_QUEUE)?;
        }
        self.delete_own(veth.link(Part::Shaper)).map(drop)
    }

    /// Sets a limit where there is none.
    pub(super) fn limit(&mut self, veth: VethName, nic: &Link, rate: Rate) -> Result<()> {
        let attempt = format!("limit the rate of network link '{veth}'");
        self.change(&attempt, RouteNetlinkMessage::NewQueueDiscipline(tc::bucket(nic, rate)), NEW)?;
        self.change(&attempt, RouteNetlinkMessage::NewQueueDiscipline(tc::ingress(nic)), NEW)?;
        match self.change(&attempt, RouteNetlinkMessage::NewTrafficFilter(tc::police(nic, rate)), NEW) {
            Err(error) if error.is(NOT_BUILT) => self.limit_by_queue(veth, nic, rate),
            done => done,
        }
    }

    /// Lets what the guest sends wait in the queue of a link of its own, where the kernel cannot drop it.
    fn limit_by_queue(&mut self, veth: VethName, nic: &Link, rate: Rate) -> Result<()> {
        let name = veth.link(Part::Shaper).name();
        let mut message = named(name.as_str());
        message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Ifb)]));
        match self.create(&format!("create network link '{name}'"), message) {
            Err(error) if error.is(NOT_BUILT) => return Err(Error::NoLimiter { name: veth.to_string() }),
            done => done?,
        }
        let shaper = self.existing_link(name.as_str())?;
        let attempt = format!("limit the rate of network link '{veth}' by '{name}'");
        self.change(&attempt, RouteNetlinkMessage::NewQueueDiscipline(tc::bucket(&shaper, rate)), NEW)?;
        self.set_up(&shaper, true)?;
        self.change(&attempt, RouteNetlinkMessage::NewTrafficFilter(tc::redirect(nic, &shaper)), NEW)
    }
}
