//! The pipes of real callers (spec: users, part 5.1) on real output.

use std::fs;
use std::path::Path;

use pct_tests::{Bridge, Ct, Host, Run, bins, require_root};

/// Runs a script with `pct` in its PATH and `ID` set.
fn bash(ct: &Ct<'_>, script: &str) -> String {
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bins::profile_dir().display());
    let run = Run::new(Path::new("/bin/bash")).args(["-c", script]).env("PATH", path);
    run.env("PCT_ROOT", ct.host().root()).env("ID", &ct.id).ok().out().trim_end_matches('\n').to_owned()
}

#[test]
fn status_is_parsed_in_every_way() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    assert_eq!(bash(&ct, "pct status $ID | awk '{print $2}'"), "running");
    assert_eq!(bash(&ct, "pct status $ID | grep -q 'status: running' && echo yes"), "yes");
    assert_eq!(bash(&ct, "pct status $ID | sed 's/.* //'"), "running");
    assert_eq!(bash(&ct, "[ \"$(pct status $ID)\" == 'status: running' ] && echo yes"), "yes");
    ct.stop();
    assert_eq!(bash(&ct, "[ \"$(pct status $ID)\" == 'status: stopped' ] && echo yes"), "yes");
    ct.pct("destroy", &[]).ok();
    assert_eq!(bash(&ct, "pct status $ID &>/dev/null && echo there || echo gone"), "gone");
}

#[test]
fn list_is_parsed_in_every_way() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--hostname", "web"]);
    assert_eq!(bash(&ct, "pct list | awk 'NR>1 {print $1, $2, $NF}'"), format!("{} stopped web", ct.id));
    assert_eq!(bash(&ct, "pct list | tail -n +2 | cut -f1 -d' '"), ct.id);
    assert_eq!(bash(&ct, "pct list | awk 'NR>1 {print $3}'"), "web");
    assert_eq!(bash(&ct, "pct list | awk -v id=$ID '$1 == id {print $2}'"), "stopped");
}

#[test]
fn config_is_parsed_in_every_way() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let net = format!("name=eth0,bridge={},ip={}/24,gw={}", bridge.name, bridge.addr4(2), bridge.host4());
    let ct =
        host.busybox(&["--tags", "b;a", "--net0", &net, "--rootfs", "local:1", "--mp0", "local:0,mp=/data"]);
    assert_eq!(bash(&ct, "pct config $ID | awk '/^ostype/ {print $2}'"), "alpine");
    assert_eq!(bash(&ct, "pct config $ID | awk -F': ' '/^tags:/{print $2}'"), "a;b");
    assert_eq!(bash(&ct, "pct config $ID | grep -q 'unprivileged: 1' && echo yes"), "yes");
    assert_eq!(bash(&ct, "pct config $ID | grep -q 'template:' || echo no"), "no");
    let volume = format!("local:{0}/vm-{0}-disk-0.raw", ct.id);
    assert_eq!(bash(&ct, "pct config $ID | grep -E '^rootfs:' | sed 's/rootfs: //' | cut -d',' -f1"), volume);
    assert_eq!(bash(&ct, "pct config $ID | awk -F '[:,]' '/rootfs/ {print $2}'"), " local");
    assert!(bash(&ct, "pct config $ID | awk '/^mp[0-9]+:/{print}'").contains("mp=/data"));
    assert_eq!(bash(&ct, "pct config $ID | grep gw= | sed 's/.*gw=\\([^,]*\\).*/\\1/'"), bridge.host4());
    assert!(bash(&ct, "pct config $ID | grep '^net[0-9]'").starts_with("net0: name=eth0,bridge="));
}

#[test]
fn exec_is_called_in_every_way() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--hostname", "web"]);
    assert_eq!(bash(&ct, "pct exec $ID hostname"), "web");
    assert_eq!(bash(&ct, "pct exec $ID ip a s dev lo | grep -o 127.0.0.1"), "127.0.0.1");
    assert_eq!(bash(&ct, "pct exec $ID -- sh -c 'echo $((1 + 1))'"), "2");
    assert_eq!(bash(&ct, "pct exec $ID -- sh -s <<'EOF'\necho here\nEOF"), "here");
    assert_eq!(bash(&ct, "pct exec $ID -- [ -e /etc/passwd ] && echo there"), "there");
    assert_eq!(bash(&ct, "pct exec $ID -- [ -e /none ] || echo none"), "none");
    assert_eq!(bash(&ct, "pct exec $ID -- env K=V sh -c 'echo $K'"), "V");
    assert_eq!(
        bash(&ct, "while read -r n; do pct exec $ID -- echo $n </dev/null; done <<< $'1\\n2'"),
        "1\n2"
    );
    fs::write(host.scratch().join("in"), "from a file").unwrap();
    assert_eq!(bash(&ct, "pct exec $ID -- cat < $PCT_ROOT/scratch/in"), "from a file");
}

#[test]
fn a_script_may_append_to_the_configuration() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    bash(&ct, "echo 'lxc.environment: FROM=script' >> $PCT_ROOT/etc/pct/lxc/$ID.conf");
    ct.start();
    assert!(ct.sh("tr '\\0' '\\n' < /proc/1/environ").contains("FROM=script"));
    assert!(ct.pct("config", &[]).ok().out().ends_with("lxc.environment: FROM=script\n"));
}

#[test]
fn a_shutdown_may_run_in_the_background() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    assert_eq!(bash(&ct, "pct shutdown $ID & wait; pct status $ID"), "status: stopped");
}
