//! Questions of traffic control (tc(8)), by hand where the crate has no types for them.
//!
//! Structs and numbers: kernel, include/uapi/linux/pkt_sched.h, pkt_cls.h and tc_act/.

use netlink_packet_core::DefaultNla;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};

use super::Link;
use crate::config::Rate;

/// As much passes at once, whatever the rate, in bytes.
const BURST: u32 = 1 << 20;
/// Packets that have to wait longer than this part of a second are dropped.
const LATENCY: u64 = 20;
/// The largest packet that counts as one, in bytes.
const LARGEST: u32 = 64 << 10;

/// Handles of the queue and of the place where incoming packets are looked at.
const ROOT: TcHandle = TcHandle { major: 1, minor: 0 };
const INGRESS: TcHandle = TcHandle { major: 0xffff, minor: 0 };
/// Where the filter stands among others, and which protocols it is for (ETH_P_ALL, in network order).
const FILTER: u32 = 50 << 16 | 0x0003u16.to_be() as u32;

const TCA_OPTIONS: u16 = 2;
const NESTED: u16 = 0x8000;
/// Times are counted in units of so many nanoseconds.
const TICK: u64 = 64;
/// The kernel wants this table, which it has no use for.
const UNUSED_TABLE: [u8; 1024] = [0; 1024];

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    // A value is never longer than the table and what stands around it.
    let length = (4 + value.len()) as u16;
    let mut bytes = [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// A rate that a `struct tc_ratespec` has no room for stands in an attribute of its own.
fn long_rate(kind: u16, rate: Rate) -> Vec<u8> {
    if u32::try_from(rate.bytes()).is_ok() {
        Vec::new()
    } else {
        attribute(kind, &rate.bytes().to_ne_bytes())
    }
}

/// `struct tc_ratespec`: the logarithm of a cell, Ethernet, no overhead, the alignment of cells, no smallest packet.
fn rate_spec(rate: Rate, cell_log: u8) -> Vec<u8> {
    let bytes = u32::try_from(rate.bytes()).unwrap_or(u32::MAX);
    [&[cell_log, 1, 0, 0, 0xff, 0xff, 0, 0][..], &bytes.to_ne_bytes()].concat()
}

const NO_RATE: [u8; 12] = [0; 12];

/// How long the burst takes, in ticks.
fn burst_time(rate: Rate) -> u32 {
    let ticks = u64::from(BURST) * (1_000_000_000 / TICK) / rate.bytes();
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

fn queue(link: &Link, handle: TcHandle, parent: TcHandle) -> TcMessage {
    let mut message = TcMessage::with_index(link.index.cast_signed());
    message.header.handle = handle;
    message.header.parent = parent;
    message
}

fn with(mut message: TcMessage, kind: &str, options: Vec<u8>) -> TcMessage {
    message.attributes.push(TcAttribute::Kind(kind.to_owned()));
    if !options.is_empty() {
        message.attributes.push(TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, options)));
    }
    message
}

/// A bucket of tokens for what a link sends: it fills at the rate, and who has none waits.
pub(super) fn bucket(link: &Link, rate: Rate) -> TcMessage {
    // struct tc_tbf_qopt: rate, peak rate, length of the queue, time of the burst, largest packet of the peak rate.
    let limit = u32::try_from(rate.bytes() / LATENCY).unwrap_or(u32::MAX).saturating_add(BURST);
    let parameters = [rate_spec(rate, 3), NO_RATE.to_vec(), words(&[limit, burst_time(rate), 0])].concat();
    let options = [attribute(1, &parameters), attribute(6, &BURST.to_ne_bytes()), long_rate(4, rate)];
    with(queue(link, ROOT, TcHandle::ROOT), "tbf", options.concat())
}

/// The queue of what a link sends, whatever it is.
pub(super) fn root(link: &Link) -> TcMessage {
    queue(link, TcHandle::UNSPEC, TcHandle::ROOT)
}

/// The place where filters look at what a link receives.
pub(super) fn ingress(link: &Link) -> TcMessage {
    with(queue(link, INGRESS, TcHandle::INGRESS), "ingress", Vec::new())
}

/// A filter for all that a link receives.
fn filter(link: &Link, action: &str, options: &[u8]) -> TcMessage {
    // struct tc_u32_sel: final, with one key, which compares nothing with nothing.
    let mut all = [0; 32];
    (all[0], all[2]) = (1, 1);
    let name = [action.as_bytes(), &[0]].concat();
    let action = [attribute(1, &name), attribute(2 | NESTED, options)].concat();
    let options = [attribute(7, &attribute(1, &action)), attribute(5, &all)].concat();
    let mut message = with(queue(link, TcHandle::UNSPEC, INGRESS), "u32", options);
    message.header.info = FILTER;
    message
}

/// Drops what a link receives beyond the rate.
pub(super) fn police(link: &Link, rate: Rate) -> TcMessage {
    const DROP: u32 = 2;
    // struct tc_police: number, action, limit, time of the burst, largest packet, rate, peak rate, three counters.
    let parameters = [
        words(&[0, DROP, 0, burst_time(rate), LARGEST]),
        rate_spec(rate, 9),
        NO_RATE.to_vec(),
        words(&[0, 0, 0]),
    ];
    let options = [attribute(1, &parameters.concat()), attribute(2, &UNUSED_TABLE), long_rate(8, rate)];
    filter(link, "police", &options.concat())
}

/// Sends what a link receives through another one first.
pub(super) fn redirect(link: &Link, through: &Link) -> TcMessage {
    const STOLEN: u32 = 4;
    const EGRESS: u32 = 1;
    // struct tc_mirred: number, capabilities, action, two counters, direction, link.
    let parameters = words(&[0, 0, STOLEN, 0, 0, EGRESS, through.index]);
    filter(link, "mirred", &attribute(2, &parameters))
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::RouteNetlinkMessage;

    use super::*;
    use crate::{
        config::Port,
        net::{link::testing::link, tests::hex},
    };

    fn rate(bytes: u64) -> Rate {
        format!("br0,rate={bytes}").parse::<Port>().unwrap().rate.unwrap()
    }

    /// What `tc qdisc add dev D root handle 1: tbf rate 1048576bps burst 1mb latency 50ms` of iproute2 sends, without
    /// the table at its end, which only old kernels look at.
    #[test]
    fn a_bucket_is_what_iproute2_asks_for() {
        let sent = |bytes| hex(&RouteNetlinkMessage::NewQueueDiscipline(bucket(&link(0xb4), rate(bytes))));
        assert_eq!(
            sent(1 << 20),
            "\
00 00 00 00 b4 00 00 00 00 00 01 00 ff ff ff ff
00 00 00 00 08 00 01 00 74 62 66 00 34 00 02 00
28 00 01 00 03 01 00 00 ff ff 00 00 00 00 10 00
00 00 00 00 00 00 00 00 00 00 00 00 cc cc 10 00
28 6b ee 00 00 00 00 00 08 00 06 00 00 00 10 00
"
        );
        // Of a rate beyond 32 bits iproute2 rounds the time of the burst in another way; the kernel goes by its bytes.
        assert_eq!(
            sent(5_000_000_000),
            "\
00 00 00 00 b4 00 00 00 00 00 01 00 ff ff ff ff
00 00 00 00 08 00 01 00 74 62 66 00 40 00 02 00
28 00 01 00 03 01 00 00 ff ff 00 00 ff ff ff ff
00 00 00 00 00 00 00 00 00 00 00 00 80 b2 f6 0e
cc 0c 00 00 00 00 00 00 08 00 06 00 00 00 10 00
0c 00 04 00 00 f2 05 2a 01 00 00 00
"
        );
    }

    /// `tc qdisc add dev D handle ffff: ingress`
    #[test]
    fn ingress_is_what_iproute2_asks_for() {
        assert_eq!(
            hex(&RouteNetlinkMessage::NewQueueDiscipline(ingress(&link(0xb4)))),
            "\
00 00 00 00 b4 00 00 00 00 00 ff ff f1 ff ff ff
00 00 00 00 0c 00 01 00 69 6e 67 72 65 73 73 00
"
        );
    }

    /// `tc filter add dev D parent ffff: protocol all prio 50 u32 match u32 0 0`, then `action police rate 1048576bps
    /// burst 1mb mtu 64kb drop`, whose table has no use, or `action mirred egress redirect dev I`.
    #[test]
    fn filters_are_what_iproute2_asks_for() {
        let policed = hex(&RouteNetlinkMessage::NewTrafficFilter(police(&link(0xb4), rate(1 << 20))));
        let table = "00 ".repeat(15) + "00\n";
        let lines: Vec<_> = policed.split_inclusive('\n').filter(|line| **line != table).collect();
        assert_eq!(
            lines.concat(),
            "\
00 00 00 00 b4 00 00 00 00 00 00 00 00 00 ff ff
00 03 32 00 08 00 01 00 75 33 32 00 80 04 02 00
58 04 07 00 54 04 01 00 0b 00 01 00 70 6f 6c 69
63 65 00 00 44 04 02 80 3c 00 01 00 00 00 00 00
02 00 00 00 00 00 00 00 28 6b ee 00 00 00 01 00
09 01 00 00 ff ff 00 00 00 00 10 00 00 00 00 00
00 00 00 00 04 04 02 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 24 00 05 00 01 00 01 00
00 00 00 00 00 00 00 00 00 00 00 00
"
        );
        assert_eq!(
            hex(&RouteNetlinkMessage::NewTrafficFilter(redirect(&link(0xb4), &link(0xb5)))),
            "\
00 00 00 00 b4 00 00 00 00 00 00 00 00 00 ff ff
00 03 32 00 08 00 01 00 75 33 32 00 60 00 02 00
38 00 07 00 34 00 01 00 0b 00 01 00 6d 69 72 72
65 64 00 00 24 00 02 80 20 00 02 00 00 00 00 00
00 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00
01 00 00 00 b5 00 00 00 24 00 05 00 01 00 01 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00
"
        );
    }

    #[test]
    fn numbers_that_are_too_large_stay_the_largest() {
        assert_eq!(burst_time(rate(1)), u32::MAX);
        assert_eq!(burst_time(rate(u64::MAX)), 0);
        let options = hex(&RouteNetlinkMessage::NewQueueDiscipline(bucket(&link(1), rate(u64::MAX))));
        assert!(options.contains(" ff ff ff ff ff ff ff ff"), "{options}");
    }
}
