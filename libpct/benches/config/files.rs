//! Config files that are made up, but of the size and mixture of real ones: a dozen scalar keys, one to three
//! interfaces, up to three mount points, notes with an umlaut, a limit of CPUs in two of three,
//! pending changes and snapshots in every fourth.
//!
//! No two are the same, so that the branch predictor does not learn one by heart.

use std::fmt::Write as _;

/// The container of a file.
pub(crate) fn vmid(n: u32) -> u32 {
    100 + n
}

/// One file.
pub(crate) fn file(n: u32) -> String {
    let mut text = String::new();
    let id = vmid(n);
    // Writing to a String can't fail.
    let _ = write!(text, "#web server %23{n}\n#maintained by J%C3%B6rg%3A see the wiki\n");
    section(&mut text, id, n);
    if n.is_multiple_of(4) {
        let _ = write!(text, "\n[pve:pending]\ndelete: mp1,swap\nmemory: {}\n", 512 + n);
        for (name, time) in [("before_upgrade", 1_728_000_000), ("daily-1", 1_728_086_400)] {
            let _ = write!(text, "\n[{name}]\n#taken by hand\n");
            section(&mut text, id, n);
            let _ = writeln!(text, "snaptime: {time}");
        }
    }
    text
}

fn section(text: &mut String, id: u32, n: u32) {
    text.push_str("arch: amd64\n");
    if !n.is_multiple_of(3) {
        let _ = writeln!(text, "cores: {}", 1 + n % 8);
    }
    let _ = write!(
        text,
        "features: nesting=1,keyctl=1\nhostname: web{n}.example.com\nmemory: {}\n",
        512 * (1 + n % 16),
    );
    for k in 0..n % 4 {
        let _ = writeln!(
            text,
            "mp{k}: local-lvm:vm-{id}-disk-{},mp=/srv/data{k},backup=1,size={}G",
            k + 1,
            8 + n
        );
    }
    text.push_str("nameserver: 192.0.2.53 2001:db8::53\n");
    for k in 0..=n % 3 {
        let (high, low) = (n / 256, n % 256);
        let _ = writeln!(
            text,
            "net{k}: name=eth{k},bridge=vmbr{k},firewall=1,gw=10.{k}.0.1,hwaddr=BC:24:11:{high:02X}:{low:02X}:0{k},\
             ip=10.{k}.{high}.{low}/16,ip6=auto,type=veth",
        );
    }
    let _ = write!(
        text,
        "onboot: 1\nostype: debian\nrootfs: local-lvm:vm-{id}-disk-0,size={}G\nsearchdomain: example.com\n\
         startup: order={},up=30\nswap: 512\ntags: prod;web\nunprivileged: 1\n",
        8 + n % 32,
        n % 9,
    );
    if n.is_multiple_of(5) {
        text.push_str("lxc.cgroup2.devices.allow: c 10:200 rwm\nlxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file\n");
    }
}
