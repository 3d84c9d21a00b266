//! The processor time that guest set-up costs a start, on the root of a real Debian: `make bench-guest`. The aim is
//! below 5 ms.

// A bench is test code: a panic is how it reports.
#![allow(clippy::unwrap_used)]

use std::{fs, time::Duration};

use criterion::{
    Criterion, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use pct::{
    guest::{self, Event, Host, Nic, Settings},
    rootfs::Rootfs,
};
use pct_tests::debian;
use rustix::time::{ClockId, clock_gettime};

/// The time of this thread on a processor, in the kernel as well.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.try_into().unwrap()
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn settings(name: &str, address: &str) -> Settings {
    let nic = Nic {
        index: 0,
        name: "eth0".to_owned(),
        ip4: Some(address.parse().unwrap()),
        ip6: Some("auto".parse().unwrap()),
        gw: Some("192.0.2.1".parse().unwrap()),
        gw6: None,
    };
    Settings {
        hostname: Some(name.to_owned()),
        nets: vec![nic],
        nameserver: Some("192.0.2.53 2001:db8::53".to_owned()),
        searchdomain: Some("example.net".to_owned()),
        timezone: Some("Etc/UTC".to_owned()),
        ..Settings::default()
    }
}

fn start(root: &Rootfs, settings: &Settings) {
    let guest = guest::detect(root, settings).unwrap();
    guest::run(root, &guest, settings, &Host::default(), Event::Start, &mut |_| {}).unwrap();
}

fn bench(criterion: &mut Criterion<ProcessorTime>) {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let template = fs::File::open(debian::template()).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(template).unwrap());
    archive.set_preserve_permissions(true);
    archive.unpack(folder.path()).unwrap();
    let root = Rootfs::open(folder.path(), (0, 0)).unwrap();
    let guests = [settings("web7.example.net", "192.0.2.7/24"), settings("web8.example.net", "192.0.2.8/24")];

    let mut group = criterion.benchmark_group("start of Debian");
    start(&root, &guests[0]);
    group.bench_function("as before", |b| b.iter(|| start(&root, &guests[0])));
    let mut turn = guests.iter().cycle().skip(1);
    group.bench_function("with another name and address", |b| {
        b.iter(|| turn.next().into_iter().for_each(|settings| start(&root, settings)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = bench
}
criterion_main!(benches);
