use serde_json::json;

use super::*;
use crate::{
    check::tests::args,
    commands::status,
    shell::{pipe, succeeds},
};

fn fixture() -> Vec<String> {
    let lines = [
        ("arch", "amd64"),
        ("cores", "2"),
        ("cpulimit", "1.5"),
        ("description", "per%25cent%3A x%0A%C3%BC%0A"),
        ("hostname", "web1"),
        ("memory", "512"),
        ("mp0", "/srv/data,mp=/data"),
        ("net0", "name=eth0,bridge=vmbr0,gw=10.0.0.1,hwaddr=BC:24:11:00:00:01,ip=10.0.0.5/24,type=veth"),
        ("net1", "name=eth1,bridge=vmbr0,ip=dhcp,type=veth"),
        ("ostype", "debian"),
        ("rootfs", "local:100/vm-100-disk-0.raw,size=4G"),
        ("swap", "512"),
        ("tags", "a;b"),
        ("unprivileged", "1"),
        ("lxc.cap.drop", "sys_time"),
        ("lxc.cap.drop", "sys_module"),
    ];
    lines.iter().map(|(key, value)| format!("{key}: {value}")).collect()
}

#[test]
fn text_is_one_line_per_key() {
    let text = text(&fixture());
    assert!(text.starts_with("arch: amd64\ncores: 2\n"), "{text}");
    assert!(text.ends_with("unprivileged: 1\nlxc.cap.drop: sys_time\nlxc.cap.drop: sys_module\n"), "{text}");
}

/// The expressions of scripts (spec: users, part 5.1).
#[test]
fn the_expressions_of_scripts_find_their_values() {
    let text = text(&fixture());
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
fn fields_are_typed_and_raw_lines_are_pairs() {
    let fields = crate::door::json::config(&fixture());
    assert_eq!(fields["cores"], json!(2));
    assert_eq!(fields["cpulimit"], json!(1.5));
    assert_eq!(fields["unprivileged"], json!(1));
    assert_eq!(fields["hostname"], json!("web1"));
    assert_eq!(fields["description"], json!("per%cent: x\nü\n"));
    assert_eq!(fields["lxc"], json!([["lxc.cap.drop", "sys_time"], ["lxc.cap.drop", "sys_module"]]));
}

#[test]
fn a_value_that_should_be_a_number_and_is_not_stays_text() {
    let lines = ["memory: 1G", "cores: nan", "snaptime: 17", "hostname: 17"].map(str::to_owned);
    let expected = json!({ "memory": "1G", "cores": "nan", "snaptime": 17, "hostname": "17" });
    assert_eq!(crate::door::json::config(&lines), expected);
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
