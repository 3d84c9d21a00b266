use std::fs;

use serde_json::json;

use super::*;
use crate::door::{Pct, Status, Vmid, json as fields};

/// The stopped container of the specification's example, as the library reads it from a file.
pub(crate) fn stopped(vmid: u32, name: &str) -> Status {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    let config = "cores: 2\nmemory: 512\nswap: 512\nrootfs: local:1/x.raw,size=8G\n";
    fs::write(folder.join(format!("{vmid}.conf")), config).unwrap();
    let pct = Pct::builder().root(root.path()).open().unwrap();
    let mut status = pct.container(Vmid::new(vmid).unwrap()).status().unwrap();
    name.clone_into(&mut status.name);
    status
}

#[test]
fn the_example_of_the_specification() {
    let expected = "cpus: 2\ndisk: 0\ndiskread: 0\ndiskwrite: 0\nmaxdisk: 8589934592\nmaxmem: 536870912\n\
                    maxswap: 536870912\nmem: 0\nname: web1\nnetin: 0\nnetout: 0\nstatus: stopped\nswap: 0\n\
                    type: lxc\nuptime: 0\nvmid: 101\n";
    assert_eq!(verbose(&fields::status(&stopped(101, "web1"), None)), expected);
}

#[test]
fn a_running_container_has_more_fields() {
    let mut status = stopped(101, "web1");
    status.running = true;
    status.lock = Some("backup".to_owned());
    status.tags = Some("a;b".to_owned());
    status.template = true;
    status.cpus = 1.5;
    let mut usage = pct::Usage::default();
    usage.pid = 4711;
    usage.uptime = 10;
    usage.memory = 1;
    usage.swap = 2;
    usage.disk = 3;
    usage.max_disk = 4;
    usage.net_in = 5;
    usage.net_out = 6;
    usage.disk_read = 7;
    usage.disk_write = 8;
    let fields = fields::status(&status, Some(&usage));
    assert_eq!(
        verbose(&fields),
        "cpus: 1.5\ndisk: 3\ndiskread: 7\ndiskwrite: 8\nlock: backup\nmaxdisk: 4\nmaxmem: 536870912\n\
         maxswap: 536870912\nmem: 1\nname: web1\nnetin: 5\nnetout: 6\npid: 4711\nstatus: running\nswap: 2\n\
         tags: a;b\ntemplate: 1\ntype: lxc\nuptime: 10\nvmid: 101\n"
    );
    assert_eq!(fields["cpus"], json!(1.5));
    assert_eq!(fields["vmid"], json!(101));
}
