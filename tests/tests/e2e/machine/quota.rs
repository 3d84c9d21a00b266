//! Quotas of a volume, which its container manages.

use std::fs;

use pct_tests::{Host, Run, bins, require_root, root};

/// Whether the kernel can keep quotas in files (`quota_v2`): the module is there, or it is built in.
fn here() -> bool {
    let formats = fs::read_to_string("/proc/sys/fs/quota/syncs").is_ok();
    let load = |modprobe| Run::new(modprobe).args(["-q", "quota_v2"]).output().status == 0;
    let module = bins::tool("modprobe").is_some_and(load);
    root::can(formats && module, "quotas in the kernel")
}

#[test]
fn a_quota_holds_inside() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    let ct = host.running(&[
        "--unprivileged",
        "0",
        "--rootfs",
        "local:0.1,quota=1",
        "--mp0",
        "local:0.1,mp=/srv,quota=1",
    ]);
    let mounts = ct.sh("cat /proc/mounts");
    for path in ["/", "/srv"] {
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(path)).unwrap();
        assert!(line.contains("usrjquota=aquota.user") && line.contains("grpjquota=aquota.group"), "{line}");
        // The tools of the guest open the device that stands there.
        let device = line.split(' ').next().unwrap();
        ct.exec(&["test", "-b", device]).ok();
    }

    // The guest has no tools: those of the host, in the mounts of the container's monitor.
    let script = "volume=$(sed -n 's|^[^ ]* \\(/.*/rootfs/srv\\) .*|\\1|p' /proc/mounts) && quotacheck -cugm $volume &&
        quotaon $volume && setquota -u 65534 0 200 0 0 $volume";
    let monitor = ct.monitor_pid().to_string();
    Run::new(bins::tool("nsenter").unwrap()).args(["-t", &monitor, "-m", "sh", "-c", script]).ok();
    ct.sh("mkdir -m 777 /srv/all");
    let write = |blocks: &str| {
        let dd = format!("dd if=/dev/zero of=/srv/all/file bs=1k count={blocks}");
        ct.exec(&["su", "-s", "/bin/sh", "nobody", "-c", &dd])
    };
    write("150").ok();
    write("250").output().fails().says("quota exceeded");
    // Of one user, on one volume.
    ct.sh("dd if=/dev/zero of=/srv/all/other bs=1k count=250");
}
