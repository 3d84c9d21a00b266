use super::*;
use crate::{
    check::tests::args,
    commands::status,
    shell::{pipe, succeeds},
};

/// What is printed for a file with these lines.
fn fixture() -> String {
    let file = "unprivileged: 1\narch: amd64\ncores: 2\nhostname: web1\nmemory: 512\nmp0: /srv/data,mp=/data\n\
                net0: name=eth0,bridge=vmbr0,gw=10.0.0.1,hwaddr=BC:24:11:00:00:01,ip=10.0.0.5/24,type=veth\n\
                net1: name=eth1,bridge=vmbr0,ip=dhcp,type=veth\nostype: debian\n#50%\n\
                rootfs: local:100/vm-100-disk-0.raw,size=4G\nswap: 512\ntags: a;b\n\
                lxc.cap.drop: sys_time\nlxc.cap.drop: sys_module\n";
    let config = pct::config::Config::parse(file.as_bytes(), pct::Vmid::new(100).unwrap()).config;
    pct_config_lines(config.main()).join("\n") + "\n"
}

#[test]
fn text_is_one_line_per_key() {
    let text = fixture();
    assert!(text.starts_with("arch: amd64\ncores: 2\ndescription: 50%25%0A\n"), "{text}");
    assert!(text.ends_with("unprivileged: 1\nlxc.cap.drop: sys_time\nlxc.cap.drop: sys_module\n"), "{text}");
}

/// The expressions of scripts (spec: users, part 5.1).
#[test]
fn the_expressions_of_scripts_find_their_values() {
    let text = fixture();
    for (script, expected) in [
        ("awk '/^ostype/ {print $2}'", "debian\n"),
        ("awk -F': ' '/^tags:/{print $2}'", "a;b\n"),
        ("grep -E '^rootfs:' | sed 's/rootfs: //' | cut -d',' -f1", "local:100/vm-100-disk-0.raw\n"),
        ("awk -F '[:,]' '/rootfs/ {print $2}'", " local\n"),
        ("awk '/^mp[0-9]+:/{print}'", "mp0: /srv/data,mp=/data\n"),
        ("grep gw= | sed 's/.*gw=\\([^,]*\\).*/\\1/'", "10.0.0.1\n"),
        ("grep -c '^net[0-9]'", "2\n"),
        ("awk '/^hostname:/ {print $2}'", "web1\n"),
    ] {
        assert_eq!(pipe(&text, script), expected, "{script}");
    }
    assert!(succeeds(&text, "grep -q 'unprivileged: 1'"));
    assert!(!succeeds(&text, "grep -q 'template:'"));
}

#[test]
fn views_exclude_each_other() {
    let spec = &VERB.spec;
    assert_eq!(view(&args(spec, "100")), Ok(ConfigView::Pending));
    assert_eq!(view(&args(spec, "100 -cur")), Ok(ConfigView::Current));
    assert_eq!(view(&args(spec, "100 --snap s1")), Ok(ConfigView::Snapshot("s1".to_owned())));
    assert_eq!(view(&args(spec, "100 --snap s1 --current 0")), Ok(ConfigView::Snapshot("s1".to_owned())));
    let errors = view(&args(spec, "100 --snapshot s1 --current 1")).unwrap_err();
    assert_eq!(
        errors.render("pct config <vmid> [OPTIONS]"),
        "400 Parameter verification failed.\ncurrent: cannot use 'snapshot' parameter with 'current'\n\
         snapshot: cannot use 'snapshot' parameter with 'current'\npct config <vmid> [OPTIONS]\n"
    );
}

/// The expressions by which scripts read `pct status`.
#[test]
fn the_state_line_is_read_in_many_ways() {
    let line = "status: running\n";
    assert_eq!(status::line(true), line);
    assert_eq!(pipe(line, "awk '{print $2}'"), "running\n");
    assert_eq!(pipe(line, "sed 's/.* //'"), "running\n");
    assert!(succeeds(line, "grep -q 'status: running'"));
    let stopped = status::line(false);
    assert!(succeeds(&stopped, "status=$(cat); [ \"$status\" = \"status: stopped\" ]"));
}
