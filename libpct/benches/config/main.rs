//! How fast configs are read and written, on one core: `make bench-config`.

mod files;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pct::config::{Config, Section, Vmid};

const CONFIGS: u32 = 1000;

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
    let files: Vec<String> = (0..CONFIGS).map(files::file).collect();
    let vmids: Vec<Vmid> = (0..CONFIGS).filter_map(|n| Vmid::new(files::vmid(n)).ok()).collect();
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
