use serde_json::json;

use super::*;
use crate::door::Vmid;

/// The stopped container of the specification's example.
pub(crate) fn stopped(vmid: u32, name: &str) -> Status {
    Status {
        vmid: Vmid::new(vmid).unwrap(),
        running: false,
        lock: None,
        name: name.to_owned(),
        tags: None,
        template: false,
        cpus: 2.0,
        maxmem: 536_870_912,
        maxswap: 536_870_912,
        maxdisk: 8_589_934_592,
        mem: 0,
        swap: 0,
        disk: 0,
        uptime: 0,
        netin: 0,
        netout: 0,
        diskread: 0,
        diskwrite: 0,
        pid: None,
        pressure: Vec::new(),
    }
}

#[test]
fn the_example_of_the_specification() {
    let expected = "cpus: 2\ndisk: 0\ndiskread: 0\ndiskwrite: 0\nmaxdisk: 8589934592\nmaxmem: 536870912\n\
                    maxswap: 536870912\nmem: 0\nname: web1\nnetin: 0\nnetout: 0\nstatus: stopped\nswap: 0\n\
                    type: lxc\nuptime: 0\nvmid: 101\n";
    assert_eq!(verbose(&stopped(101, "web1")), expected);
}

#[test]
fn a_running_container_has_more_fields() {
    let status = Status {
        running: true,
        pid: Some(4711),
        lock: Some("backup".to_owned()),
        tags: Some("a;b".to_owned()),
        template: true,
        cpus: 1.5,
        pressure: vec![("pressurecpufull".to_owned(), 0.0), ("pressureiosome".to_owned(), 12.3)],
        ..stopped(101, "web1")
    };
    let text = verbose(&status);
    for line in [
        "pid: 4711",
        "lock: backup",
        "tags: a;b",
        "template: 1",
        "cpus: 1.5",
        "pressurecpufull: 0.00",
        "pressureiosome: 12.30",
        "status: running",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
    assert!(text.lines().is_sorted(), "{text}");
    assert_eq!(fields(&status)["pressureiosome"], json!(12.3));
    assert_eq!(fields(&status)["cpus"], json!(1.5));
    assert_eq!(fields(&stopped(101, "x"))["cpus"], json!(2));
}
