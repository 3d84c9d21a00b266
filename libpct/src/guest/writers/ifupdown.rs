//! `/etc/network/interfaces` (spec: guest set-up, part 8.1; interfaces(5)). The file is edited, not replaced:
//! what does not concern our interfaces stays.

use std::collections::HashSet;

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
        network::{Gateway, Interface},
        settings::{Ip4, Ip6},
        text::{lines, words},
    },
    rootfs::Attributes,
};

const PATH: &str = "/etc/network/interfaces";
const BEGIN: &str = "# --- BEGIN PVE ---";
const END: &str = "# --- END PVE ---";
const LOOPBACK: &str = "auto lo\niface lo inet loopback\niface lo inet6 loopback\n\n";

/// How a static address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `address A/P`.
    Cidr,
    /// `address A` and `netmask M`, for old ifupdown.
    Netmask,
}

/// Writes the interfaces of a guest.
pub(crate) fn write(setup: &Setup<'_>, interfaces: &[Interface], style: Style) -> Result<()> {
    let ours: Vec<&Interface> = interfaces.iter().filter(|interface| interface.is_configured()).collect();
    let old = setup.root.read(PATH)?;
    if ours.is_empty() && (setup.network.gone.is_empty() || old.is_none()) {
        return Ok(());
    }
    let new = Editor::new(&ours, &setup.network.gone, style).edit(&old.unwrap_or_default())?;
    setup.root.make_path("/etc/network", 0o755)?;
    setup.root.replace(PATH, &new, Attributes::CONFIG)?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn word(self) -> &'static str {
        match self {
            Self::V4 => "inet",
            Self::V6 => "inet6",
        }
    }
}

/// An `iface` of one of our interfaces, with those of its options that are not ours.
struct Stanza<'a> {
    /// `None` for one that is gone.
    interface: Option<&'a Interface>,
    family: Family,
    options: Vec<Vec<u8>>,
}

struct Editor<'a> {
    ours: &'a [&'a Interface],
    gone: &'a [String],
    style: Style,
    out: Vec<u8>,
    auto: HashSet<Vec<u8>>,
    done: HashSet<(&'a str, Family)>,
    stanza: Option<Stanza<'a>>,
}

impl<'a> Editor<'a> {
    fn new(ours: &'a [&'a Interface], gone: &'a [String], style: Style) -> Self {
        Self { ours, gone, style, out: Vec::new(), auto: HashSet::new(), done: HashSet::new(), stanza: None }
    }

    /// The interface of ours that has a name; of a name that is gone `Some(None)`.
    fn known(&self, name: &[u8]) -> Option<Option<&'a Interface>> {
        let ours = self.ours.iter().find(|interface| interface.name.as_bytes() == name);
        let gone = self.gone.iter().any(|gone| gone.as_bytes() == name);
        ours.map(|interface| Some(*interface)).or(gone.then_some(None))
    }

    fn edit(mut self, old: &[u8]) -> Result<Vec<u8>> {
        for line in lines(old) {
            self.line(line)?;
        }
        self.flush()?;
        self.add_missing()?;
        if !self.auto.contains(&b"lo"[..]) {
            self.out.splice(..0, LOOPBACK.bytes());
        }
        Ok(self.out)
    }

    fn copy(&mut self, line: impl AsRef<[u8]>) {
        self.out.extend_from_slice(line.as_ref());
        self.out.push(b'\n');
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        if line.starts_with(BEGIN.as_bytes()) || line.starts_with(END.as_bytes()) {
            if let Some(stanza) = &mut self.stanza {
                stanza.options.push(line.to_vec());
            }
            return Ok(());
        }
        if line.starts_with(b"#") {
            self.copy(line);
            return Ok(());
        }
        let all: Vec<&[u8]> = words(line).collect();
        let text = line.trim_ascii_start();
        match all[..] {
            [] if self.stanza.is_some() => self.flush()?,
            [b"iface", name, family @ (b"inet" | b"inet6"), _method] => {
                self.flush()?;
                let family = if family == b"inet" { Family::V4 } else { Family::V6 };
                match self.known(name) {
                    Some(interface) => self.stanza = Some(Stanza { interface, family, options: Vec::new() }),
                    None => self.copy(line),
                }
            }
            [b"auto", ref names @ ..] if !names.is_empty() => {
                self.flush()?;
                let (gone, stay): (Vec<&[u8]>, Vec<&[u8]>) =
                    names.iter().partition(|name| self.known(name) == Some(None));
                self.auto.extend(stay.iter().map(|name| name.to_vec()));
                match stay[..] {
                    _ if gone.is_empty() => self.copy(line),
                    [] => {}
                    _ => self.copy([b"auto ", &*stay.join(&b' ')].concat()),
                }
            }
            [b"mapping" | b"source" | b"source-directory", _, ..] => {
                self.flush()?;
                self.copy(line);
            }
            _ if text.starts_with(b"allow-") => {
                self.flush()?;
                self.copy(line);
            }
            // An option is a word and a blank, even if nothing follows.
            [option, ..] if text.len() > option.len() && self.stanza.is_some() => {
                let is_ours = matches!(option, b"address" | b"netmask" | b"gateway" | b"broadcast");
                if let Some(stanza) = self.stanza.as_mut().filter(|_| !is_ours) {
                    stanza.options.push(text.to_vec());
                }
            }
            _ => self.copy(line),
        }
        Ok(())
    }

    /// Writes the stanza that was being read, with our settings.
    fn flush(&mut self) -> Result<()> {
        match self.stanza.take() {
            Some(Stanza { interface: Some(interface), family, options }) => {
                self.emit(interface, family, options)
            }
            _ => Ok(()),
        }
    }

    fn emit(&mut self, interface: &'a Interface, family: Family, options: Vec<Vec<u8>>) -> Result<()> {
        let name = &interface.name;
        if self.auto.insert(name.as_bytes().to_vec()) {
            self.copy(format!("auto {name}"));
        }
        self.done.insert((name, family));
        let method = match family {
            Family::V4 => match &interface.ip4 {
                None => return Ok(()),
                Some(Ip4::Dhcp) => "dhcp",
                Some(Ip4::Manual) => "manual",
                Some(Ip4::Static(_)) => "static",
            },
            Family::V6 => match &interface.ip6 {
                None => return Ok(()),
                Some(Ip6::Dhcp) => "dhcp",
                Some(Ip6::Auto) => "auto",
                Some(Ip6::Manual) => "manual",
                Some(Ip6::Static(_)) => "static",
            },
        };
        self.copy(format!("iface {name} {} {method}", family.word()));
        if method == "static" {
            self.address(interface, family)?;
            self.gateway(interface, family);
            for option in without_our_routes(options) {
                self.out.push(b'\t');
                self.copy(option);
            }
        }
        self.copy("");
        Ok(())
    }

    fn address(&mut self, interface: &Interface, family: Family) -> Result<()> {
        let (cidr, address, netmask) = match (family, &interface.ip4, &interface.ip6) {
            (Family::V4, Some(Ip4::Static(ip)), _) => {
                if self.style == Style::Netmask && ip.value().prefix_len() < 8 {
                    return Err(Error::Ipv4Prefix { cidr: ip.to_string() });
                }
                (ip.as_str(), ip.address(), ip.value().netmask().to_string())
            }
            (Family::V6, _, Some(Ip6::Static(ip))) => {
                (ip.as_str(), ip.address(), ip.value().prefix_len().to_string())
            }
            _ => return Ok(()),
        };
        match self.style {
            Style::Cidr => self.copy(format!("\taddress {cidr}")),
            Style::Netmask => self.copy(format!("\taddress {address}\n\tnetmask {netmask}")),
        }
        Ok(())
    }

    fn gateway(&mut self, interface: &Interface, family: Family) {
        let gateway = match family {
            Family::V4 => &interface.gateway4,
            Family::V6 => &interface.gateway6,
        };
        let name = &interface.name;
        match gateway {
            None => {}
            Some(Gateway { address, off_link: false }) => self.copy(format!("\tgateway {address}")),
            Some(Gateway { address, off_link: true }) => {
                self.copy(BEGIN);
                for command in route_commands(address, name) {
                    self.copy(format!("\t{command}"));
                }
                self.copy(END);
            }
        }
    }

    /// Stanzas that the file did not have yet.
    fn add_missing(&mut self) -> Result<()> {
        let mut sorted = self.ours.to_vec();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut is_first = true;
        for interface in sorted {
            let wanted = [(Family::V4, interface.ip4.is_some()), (Family::V6, interface.ip6.is_some())];
            for (family, is_set) in wanted {
                if !is_set || self.done.contains(&(&*interface.name, family)) {
                    continue;
                }
                let ends_blank = self.out.is_empty() || self.out == b"\n" || self.out.ends_with(b"\n\n");
                if is_first && !ends_blank {
                    self.copy("");
                }
                is_first = false;
                self.emit(interface, family, Vec::new())?;
            }
        }
        Ok(())
    }
}

/// The options that make and remove the routes to a gateway outside the interface's own network.
fn route_commands(gateway: &str, name: &str) -> [String; 4] {
    [
        format!("post-up ip route add {gateway} dev {name}"),
        format!("post-up ip route add default via {gateway} dev {name}"),
        format!("pre-down ip route del default via {gateway} dev {name}"),
        format!("pre-down ip route del {gateway} dev {name}"),
    ]
}

/// The options of a stanza without the routes that were ours: between markers, or, in files from the time
/// before markers, four lines that belong together.
fn without_our_routes(mut options: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let is = |line: &[u8], marker: &str| line.starts_with(marker.as_bytes());
    if options.iter().any(|line| is(line, BEGIN) || is(line, END)) {
        while let Some(begin) = options.iter().position(|line| is(line, BEGIN)) {
            let length = options[begin..].iter().position(|line| is(line, END)).unwrap_or(0);
            options.drain(begin..=begin + length);
        }
        options.retain(|line| !is(line, END));
        return options;
    }
    let mut at = 0;
    while at < options.len() {
        if is_route_run(&options[at..]) {
            options.drain(at..at + 4);
        } else {
            at += 1;
        }
    }
    options
}

fn is_route_run(options: &[Vec<u8>]) -> bool {
    let first = options.first().map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default();
    let route = first.strip_prefix("post-up ip route add ").and_then(|rest| rest.split_once(" dev "));
    route.is_some_and(|(gateway, name)| {
        let expected = route_commands(gateway, name);
        options.len() >= 4 && options.iter().zip(expected).all(|(line, wanted)| line == wanted.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    fn edited(old: &str, nics: &[&str], style: Style) -> String {
        edited_without(old, &[], nics, style)
    }

    fn edited_without(old: &str, gone: &[&str], nics: &[&str], style: Style) -> String {
        let network = network(nics);
        let ours: Vec<&Interface> = network.interfaces.iter().filter(|nic| nic.is_configured()).collect();
        let gone: Vec<String> = gone.iter().map(|&name| name.to_owned()).collect();
        let edit =
            |old: &[u8]| String::from_utf8(Editor::new(&ours, &gone, style).edit(old).unwrap()).unwrap();
        let new = edit(old.as_bytes());
        assert_eq!(edit(new.as_bytes()), new, "a second run changes nothing");
        new
    }

    #[test]
    fn the_worked_example() {
        let nics = [
            "eth0 ip=10.20.0.5/32 gw=10.20.9.1 ip6=auto",
            "lan0 ip=dhcp",
            "lan1 ip6=2001:db8:7::5/64 gw6=fe80::1",
        ];
        let expected = "\
auto lo
iface lo inet loopback
iface lo inet6 loopback

auto eth0
iface eth0 inet static
\taddress 10.20.0.5/32
# --- BEGIN PVE ---
\tpost-up ip route add 10.20.9.1 dev eth0
\tpost-up ip route add default via 10.20.9.1 dev eth0
\tpre-down ip route del default via 10.20.9.1 dev eth0
\tpre-down ip route del 10.20.9.1 dev eth0
# --- END PVE ---

iface eth0 inet6 auto

auto lan0
iface lan0 inet dhcp

auto lan1
iface lan1 inet6 static
\taddress 2001:db8:7::5/64
\tgateway fe80::1

";
        assert_eq!(edited("", &nics, Style::Cidr), expected);
    }

    #[test]
    fn netmasks_for_old_releases() {
        let new =
            edited("auto lo\n", &["e ip=192.0.2.10/25 gw=192.0.2.1 ip6=2001:db8::10/64"], Style::Netmask);
        let expected = "\
auto lo

auto e
iface e inet static
\taddress 192.0.2.10
\tnetmask 255.255.255.128
\tgateway 192.0.2.1

iface e inet6 static
\taddress 2001:db8::10
\tnetmask 64

";
        assert_eq!(new, expected);
        let network = network(&["e ip=10.0.0.1/7"]);
        let ours: Vec<&Interface> = network.interfaces.iter().collect();
        assert!(matches!(Editor::new(&ours, &[], Style::Netmask).edit(b""), Err(Error::Ipv4Prefix { .. })));
    }

    #[test]
    fn what_the_user_wrote_stays() {
        let old = "\
# my file
auto lo eth0
allow-hotplug eth2
iface lo inet loopback

iface eth0 inet static
\taddress 192.0.2.5
\tnetmask 255.255.255.0
\tdns-nameservers 192.0.2.53
# --- BEGIN PVE ---
\tpost-up ip route add 198.51.100.1 dev eth0
# --- END PVE ---
\tup echo hi
iface br0 inet static
\taddress 10.9.9.9/24
source /etc/network/interfaces.d/*
";
        let expected = "\
# my file
auto lo eth0
allow-hotplug eth2
iface lo inet loopback

iface eth0 inet static
\taddress 192.0.2.10/25
\tgateway 192.0.2.1
\tdns-nameservers 192.0.2.53
\tup echo hi

iface br0 inet static
\taddress 10.9.9.9/24
source /etc/network/interfaces.d/*
";
        assert_eq!(edited(old, &["eth0 ip=192.0.2.10/25 gw=192.0.2.1"], Style::Cidr), expected);
    }

    #[test]
    fn routes_from_before_the_markers_go_too() {
        let old = "\
auto lo
auto eth0
iface eth0 inet static
  address 1.2.3.4
  post-up ip route add 203.0.113.1 dev eth0
  post-up ip route add default via 203.0.113.1 dev eth0
  pre-down ip route del default via 203.0.113.1 dev eth0
  pre-down ip route del 203.0.113.1 dev eth0
  post-up ip route add 203.0.113.9 dev eth0
  mtu 1400";
        let expected = "\
auto lo
auto eth0
iface eth0 inet static
\taddress 192.0.2.10/24
\tpost-up ip route add 203.0.113.9 dev eth0
\tmtu 1400

";
        assert_eq!(edited(old, &["eth0 ip=192.0.2.10/24"], Style::Cidr), expected);
    }

    #[test]
    fn a_family_that_is_no_longer_configured_vanishes() {
        let old = "auto lo\n\nauto eth0\niface eth0 inet dhcp\n\niface eth0 inet6 auto\n\n";
        assert_eq!(
            edited(old, &["eth0 ip=dhcp"], Style::Cidr),
            "auto lo\n\nauto eth0\niface eth0 inet dhcp\n\n"
        );
    }

    #[test]
    fn what_is_gone_leaves_the_file_as_it_was_before() {
        let (first, both) =
            (["eth0 ip=dhcp"], ["eth0 ip=dhcp", "eth1 ip=192.0.2.10/32 gw=198.51.100.1 ip6=auto"]);
        let before = edited("auto lo\niface lo inet loopback\n", &first, Style::Cidr);
        let after = edited(&before, &both, Style::Cidr);
        assert!(after.contains("auto eth1\niface eth1 inet static\n"), "{after}");
        assert_eq!(edited_without(&after, &["eth1"], &first, Style::Cidr), before);
        // One that has a new owner is not gone.
        assert_eq!(edited_without(&after, &["eth1"], &both, Style::Cidr), after);
    }

    #[test]
    fn of_what_is_gone_nothing_stays_and_of_others_all() {
        let old = "\
auto eth1 lo eth2
iface eth1 inet static
\taddress 192.0.2.5
\tup echo hi
iface eth2 inet dhcp
# of eth1
iface eth1 inet6 auto

iface eth10 inet dhcp
";
        let new = "auto lo eth2\niface eth2 inet dhcp\n# of eth1\niface eth10 inet dhcp\n";
        assert_eq!(edited_without(old, &["eth1"], &[], Style::Cidr), new);
    }

    #[test]
    fn a_gateway_alone_is_nothing_to_write() {
        assert_eq!(edited("auto lo\n", &["eth0 gw=192.0.2.1"], Style::Cidr), "auto lo\n");
    }

    #[test]
    fn an_unpaired_marker_costs_no_line() {
        let options = |lines: &[&str]| lines.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(without_our_routes(options(&["a b", BEGIN, "c d"])), options(&["a b", "c d"]));
        assert_eq!(without_our_routes(options(&["a b", END, "c d"])), options(&["a b", "c d"]));
    }

    /// Lines that mean something to the editor, and some that do not.
    const LINES: [&str; 22] = [
        "",
        "# x",
        "auto lo",
        "auto eth0",
        "iface lo inet loopback",
        "iface eth0 inet dhcp",
        "iface eth0 inet6 auto",
        "iface eth0 inet static\r",
        "iface br0 inet static",
        "iface eth0 inet",
        "\taddress 1.2.3.4/8",
        "  gateway 1.2.3.1",
        "\tup echo",
        "alone",
        "allow-hotplug eth0",
        "source x",
        "mapping eth0",
        BEGIN,
        END,
        "\tpost-up ip route add 203.0.113.1 dev eth0",
        "   ",
        "\tmtu 1400 \r",
    ];

    proptest::proptest! {
        #[test]
        fn editing_twice_is_editing_once(
            lines in proptest::collection::vec(proptest::sample::select(LINES.to_vec()), 0..12),
            nic in proptest::sample::select(vec![
                "eth0 ip=192.0.2.10/32 gw=198.51.100.1 ip6=2001:db8::1/64 gw6=fe80::1",
                "eth0 ip=dhcp", "eth0 ip6=manual", "eth0 gw=192.0.2.1", "eth1 ip=192.0.2.10/24 gw=192.0.2.1 ip6=auto",
            ]),
            cidr: bool,
        ) {
            // An `auto` right behind its `iface` is understood one run later: here it stands before.
            let old = format!("auto eth0\n{}", lines.join("\n"));
            edited(&old, &[nic], if cidr { Style::Cidr } else { Style::Netmask });
        }
    }
}
