//! How fast configs are read and written: `make bench-config`.
//!
//! The configs are made up, but of the size and mixture of real ones: a dozen scalar keys, one to three
//! interfaces, up to three mount points, notes with an umlaut now and then, pending changes and snapshots in
//! every fourth. All run on one core.

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pct::config::{Config, Section, Vmid};

/// The configs differ, so that the branch predictor does not learn one file by heart.
const CONFIGS: u32 = 1000;

/// One file.
fn file(n: u32) -> String {
    let mut text = String::new();
    let id = 100 + n;
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
    let _ = write!(
        text,
        "arch: amd64\ncores: {}\nfeatures: nesting=1,keyctl=1\nhostname: web{n}.example.com\nmemory: {}\n",
        1 + n % 8,
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

/// Every value with a type of its own, and every number and switch.
fn all_views(section: &Section) {
    black_box((
        section.rootfs().ok(),
        section.mount_points(),
        section.unused(),
        section.nets().ok(),
        section.devs().ok(),
        section.features().ok(),
        section.id_map().ok(),
        section.startup(),
    ));
    black_box((section.cores(), section.cpulimit(), section.cpuunits(), section.tty_count()));
    black_box((section.memory_mib(), section.swap_mib()));
    black_box((section.onboot(), section.debug(), section.console(), section.is_protected()));
    black_box((section.is_template(), section.is_unprivileged(), section.is_unprivileged_flag()));
}

fn typed(config: &Config) {
    all_views(config.main());
    config.pending().into_iter().for_each(all_views);
    config.snapshots().values().for_each(all_views);
}

fn bench(criterion: &mut Criterion) {
    let files: Vec<String> = (0..CONFIGS).map(file).collect();
    let vmids: Vec<Vmid> = (0..CONFIGS).filter_map(|n| Vmid::new(100 + n).ok()).collect();
    let bytes = files.iter().map(|file| file.len() as u64).sum();
    let each = |work: &dyn Fn(&[u8], Vmid)| {
        files.iter().zip(&vmids).for_each(|(file, &vmid)| work(black_box(file.as_bytes()), vmid));
    };
    let round = |file: &[u8], vmid: Vmid| {
        let config = Config::parse(file, vmid).config;
        typed(&config);
        black_box(config.to_bytes().ok());
    };
    for (unit, throughput) in
        [("bytes", Throughput::Bytes(bytes)), ("configs", Throughput::Elements(u64::from(CONFIGS)))]
    {
        let mut group = criterion.benchmark_group(unit);
        group.throughput(throughput);
        group.bench_function("parse", |b| {
            b.iter(|| each(&|file, vmid| drop(black_box(Config::parse(file, vmid)))))
        });
        group.bench_function("parse, type", |b| {
            b.iter(|| each(&|file, vmid| typed(&Config::parse(file, vmid).config)));
        });
        group.bench_function("parse, type, write", |b| b.iter(|| each(&round)));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
