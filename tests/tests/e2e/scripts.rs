//! The pipes of real callers (spec: users, part 5.1) on real output.

use std::fs;
use std::path::Path;

use pct_tests::archive::Compression;
use pct_tests::{Bridge, Ct, Host, Run, bins, busybox, require_root};

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

/// The command of the largest body of callers: unquoted words with one dash, some of them with `=`.
#[test]
fn create_is_called_with_words_of_one_dash() {
    require_root!("ip");
    let host = Host::new();
    let ct = host.ct();
    let bridge = Bridge::new(ct.vmid);
    let template = pct_tests::busybox::template(pct_tests::archive::Compression::Zstd);
    let cache = host.storage().join("template/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::copy(template, cache.join("alpine-3.19-default_amd64.tar.zst")).unwrap();
    let net = format!("name=eth0,bridge={},ip={}/24,gw={}", bridge.name, bridge.addr4(2), bridge.host4());
    let script = format!(
        "set -f; OPTIONS='-features nesting=1,keyctl=1 -hostname web -tags community-script;web -searchdomain=lan.test \
         -nameserver=10.0.0.53 -net0 {net} -onboot 1 -cores 1 -memory 128 -unprivileged 1 -timezone host'; \
         pct create $ID local:vztmpl/alpine-3.19-default_amd64.tar.zst $OPTIONS -rootfs local:1 -password secret &>/dev/null \
         && echo created"
    );
    assert_eq!(bash(&ct, &script), "created");
    let wanted = [
        "cores: 1",
        "hostname: web",
        "memory: 128",
        "nameserver: 10.0.0.53",
        "onboot: 1",
        "searchdomain: lan.test",
    ];
    let config = bash(&ct, "pct config $ID");
    wanted.iter().for_each(|line| assert!(config.lines().any(|found| found == *line), "{line}: {config}"));
    assert!(config.contains("tags: community-script;web") && !config.contains("secret"), "{config}");

    // The same number again: another one is tried.
    let again = "pct create $ID local:vztmpl/alpine-3.19-default_amd64.tar.zst -rootfs local:1 2>&1 \
                 | grep -qiE 'already (exists|in use)' && echo next";
    assert_eq!(bash(&ct, again), "next");
    // A damaged download is fetched again.
    fs::write(cache.join("alpine-3.20-default_amd64.tar.zst"), "no archive").unwrap();
    let other = host.ct();
    let broken = "pct create $ID local:vztmpl/alpine-3.20-default_amd64.tar.zst -rootfs local:1 2>&1 \
                  | grep -qiE 'unable to open|corrupt|invalid' && echo again";
    assert_eq!(bash(&other, broken), "again");
    assert_eq!(bash(&other, "pct status $ID &>/dev/null || echo none"), "none");

    let poll = "pct start $ID &>/dev/null; for i in {1..10}; do pct status $ID | grep -q running && break; sleep 1; done; echo $i";
    assert_eq!(bash(&ct, poll), "1");
    assert_eq!(
        bash(&ct, "pct exec $ID ip a s dev eth0 | awk '/inet / {print $2}' | cut -d/ -f1"),
        bridge.addr4(2)
    );
    assert_eq!(
        bash(&ct, "pct stop $ID &>/dev/null || true; pct stop $ID &>/dev/null || true; pct status $ID"),
        "status: stopped"
    );
    // One letter for `--force`.
    assert_eq!(
        bash(
            &ct,
            "pct start $ID &>/dev/null; pct destroy $ID -f &>/dev/null; pct status $ID &>/dev/null || echo gone"
        ),
        "gone"
    );
}

#[test]
fn set_is_called_in_every_way() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let html = "<div align='center'>\n  <a href='https://x.test'>web & more</a>\n</div>";
    bash(&ct, &format!("DESCRIPTION=\"{html}\"; pct set $ID -description \"$DESCRIPTION\""));
    assert_eq!(bash(&ct, "pct config $ID | grep -c ^description:"), "1");
    let stored = fs::read_to_string(ct.conf()).unwrap();
    assert_eq!(stored.lines().filter(|line| line.starts_with('#')).count(), 3, "{stored}");
    bash(&ct, "pct set $ID -tags 'a;b' && pct set $ID --tags 'c;a'");
    assert_eq!(bash(&ct, "pct config $ID | awk -F': ' '/^tags:/{print $2}'"), "a;c");
    bash(
        &ct,
        "pct set $ID -features fuse=1,nesting=1; pct set $ID --cores 1 --memory 256; pct set $ID --protection 1",
    );
    assert_eq!(bash(&ct, "pct destroy $ID &>/dev/null || echo protected"), "protected");
    bash(&ct, "pct set $ID --protection 0; pct set $ID -mp0 local:0,mp=/data,backup=1");
    bash(&ct, "mkdir -p $PCT_ROOT/scratch/share; pct set $ID -mp1 $PCT_ROOT/scratch/share,mp=/share");
    // How a tool finds the mount points in the file: up to the first snapshot.
    let points = "awk '/^\\[/{exit} /^mp[0-9]+:/' $PCT_ROOT/etc/pct/lxc/$ID.conf | wc -l";
    assert_eq!(bash(&ct, points), "2");
    bash(&ct, "pct set $ID -delete mp1 && pct set $ID -delete mp0");
    assert_eq!(bash(&ct, points), "0");
    assert_eq!(bash(&ct, "pct unlock $ID &>/dev/null || echo none"), "none");
}

#[test]
fn files_are_pushed_and_pulled_in_every_way() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    let there = host.scratch().join("in put");
    fs::write(&there, [0, 255, 13, 10]).unwrap();
    bash(
        &ct,
        "cd $PCT_ROOT/scratch; pct push $ID 'in put' /tmp/one && pct push $ID -- 'in put' '/tmp/two words'",
    );
    assert_eq!(
        bash(&ct, "pct exec $ID -- cat '/tmp/two words' | cmp - \"$PCT_ROOT/scratch/in put\" && echo same"),
        "same"
    );
    assert_eq!(
        bash(
            &ct,
            "cd $PCT_ROOT/scratch; timeout 8 pct pull $ID /tmp/one out && [ -s out ] && cmp out 'in put' && echo same"
        ),
        "same"
    );
    // The connection plugin of a well-known tool: everything through standard input and output.
    let put = "pct exec $ID -- /bin/sh -c 'cat > /tmp/put' < \"$PCT_ROOT/scratch/in put\" && pct exec $ID -- cat /tmp/put | cmp - \"$PCT_ROOT/scratch/in put\" && echo same";
    assert_eq!(bash(&ct, put), "same");
    assert_eq!(
        bash(
            &ct,
            "pct exec $ID -- /bin/sh -c 'cat > /tmp/empty' < /dev/null; pct exec $ID -- wc -c /tmp/empty"
        ),
        "0 /tmp/empty"
    );
    assert_eq!(
        bash(&ct, "pct exec $ID -- /bin/sh -c 'echo out; echo err >&2; exit 3' 2>/dev/null; echo $?"),
        "out\n3"
    );
    assert_eq!(bash(&ct, "pct exec $ID -- /bin/sh -c 'echo out; echo err >&2' 2>&1 >/dev/null"), "err");
    assert_eq!(bash(&ct, "pct reboot $ID && pct status $ID"), "status: running");
}

#[test]
fn a_caller_may_ignore_how_its_children_end() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    // As a Perl daemon does with $SIG{CHLD} = 'IGNORE'. A volume needs mkfs, a running container asks a helper.
    let script = format!(
        "pct() {{ env --ignore-signal=CHLD pct \"$@\"; }}; set -e
        pct create $ID {} --rootfs local:1 >/dev/null; pct start $ID; pct set $ID --memory 123
        pct exec $ID -- sh -c 'exit 5' || echo $?; pct stop $ID; pct destroy $ID",
        template.display()
    );
    assert_eq!(bash(&ct, &script), "5");
}
