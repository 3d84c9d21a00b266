use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a guest takes from its host. Plain values: the caller reads them where and when it can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// The host's DNS servers, at most three are used.
    pub nameservers: Vec<String>,
    /// The host's search domain.
    pub search: Option<String>,
    /// The name of the host's time zone, like `Europe/Vienna`.
    pub timezone: Option<String>,
    /// The real path of the host's `/etc/localtime`, like `/usr/share/zoneinfo/Europe/Vienna`.
    pub localtime: Option<String>,
    /// Seconds since 1970.
    pub now: u64,
    /// The UUID for network connections that need a new one; a random one each time, if not given.
    pub uuid: Option<String>,
}

impl Host {
    /// Takes servers and search domain from the text of a `resolv.conf(5)`: the first three servers that are
    /// addresses, and the first domain of the last line that names any (spec: guest set-up, part 7.4).
    pub fn set_resolver(&mut self, resolv_conf: &str) {
        self.nameservers.clear();
        self.search = None;
        for line in resolv_conf.lines() {
            let mut words = line.split_ascii_whitespace();
            match (words.next(), words.next()) {
                (Some("nameserver"), Some(server))
                    if server.parse::<IpAddr>().is_ok() && self.nameservers.len() < 3 =>
                {
                    self.nameservers.push(server.to_owned());
                }
                (Some("search" | "domain"), Some(domain)) => self.search = Some(domain.to_owned()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_servers_and_the_last_domain() {
        let mut host = Host::default();
        host.set_resolver("domain a.example\n  nameserver 1.1.1.1\nnameserver x\nnameserver ::1 # y\nsearch b.example c\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n");
        assert_eq!(host.nameservers, ["1.1.1.1", "::1", "2.2.2.2"]);
        assert_eq!(host.search.as_deref(), Some("b.example"));
    }
}
