//! A hundred lives, after which the machine is as it was.

use pct_tests::archive::Compression;
use pct_tests::{Bridge, Host, busybox, require_root};

#[test]
fn a_hundred_cycles_leave_the_machine_as_it_was() {
    require_root!("ip");
    let host = Host::alone();
    let bridge = Bridge::new(host.ct().vmid);
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let net = format!("name=eth0,bridge={},ip={}/24", bridge.name, bridge.addr4(2));
    let cycle = |n: u32| {
        // Every kind of container has its turn.
        let unprivileged = if n.is_multiple_of(2) { "1" } else { "0" };
        let rootfs = if n.is_multiple_of(5) { "local:1" } else { "local:0" };
        let mut options = vec!["--rootfs", rootfs, "--unprivileged", unprivileged, "--memory", "64"];
        if n.is_multiple_of(3) {
            options.extend(["--net0", net.as_str()]);
        }
        ct.create(&template, &options).ok();
        ct.start();
        assert_eq!(ct.sh("echo $((6 * 7))"), "42\n");
        ct.stop();
        ct.pct("destroy", &[]).ok();
    };
    // The first makes the folders and the lock file.
    cycle(0);
    let before = host.machine();
    for n in 0..100 {
        cycle(n);
    }
    before.assert_same(&host.machine(), "after 100 cycles");
}
