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
        max_memory: 536_870_912,
        max_swap: 536_870_912,
        max_disk: 8_589_934_592,
    }
}

#[test]
fn the_example_of_the_specification() {
    let expected = "cpus: 2\ndisk: 0\ndiskread: 0\ndiskwrite: 0\nmaxdisk: 8589934592\nmaxmem: 536870912\n\
                    maxswap: 536870912\nmem: 0\nname: web1\nnetin: 0\nnetout: 0\nstatus: stopped\nswap: 0\n\
                    type: lxc\nuptime: 0\nvmid: 101\n";
    assert_eq!(verbose(&fields(&stopped(101, "web1"), None)), expected);
}

#[test]
fn a_running_container_has_more_fields() {
    let status = Status {
        running: true,
        lock: Some("backup".to_owned()),
        tags: Some("a;b".to_owned()),
        template: true,
        cpus: 1.5,
        ..stopped(101, "web1")
    };
    let usage = Usage {
        pid: 4711,
        uptime: 10,
        memory: 1,
        swap: 2,
        disk: 3,
        max_disk: 4,
        net_in: 5,
        net_out: 6,
        disk_read: 7,
        disk_write: 8,
    };
    let fields = fields(&status, Some(&usage));
    assert_eq!(
        verbose(&fields),
        "cpus: 1.5\ndisk: 3\ndiskread: 7\ndiskwrite: 8\nlock: backup\nmaxdisk: 4\nmaxmem: 536870912\n\
         maxswap: 536870912\nmem: 1\nname: web1\nnetin: 5\nnetout: 6\npid: 4711\nstatus: running\nswap: 2\n\
         tags: a;b\ntemplate: 1\ntype: lxc\nuptime: 10\nvmid: 101\n"
    );
    assert_eq!(fields["cpus"], json!(1.5));
    assert_eq!(fields["vmid"], json!(101));
}
