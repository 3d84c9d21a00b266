//! Many threads of one program change running containers at once: no change is lost, what the config says in the end is
//! true inside, and nothing is left over.
//!
//! Each case takes a minute; `PCT_STRESS_SECONDS` says otherwise.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use pct::{
    Error, Pct, Silent,
    changes::{ChangeError, Changes},
    config::{Section, Vmid},
};
use pct_tests::{
    Bridge, Ct, Host, bins,
    limits::{memory, quota, units},
    require_root,
};

/// Something that is changed over and over: a limit, a device, or what only the config knows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Knob {
    Memory,
    CpuLimit,
    CpuUnits,
    Cores,
    Network,
    Mount,
    Device,
    Tags,
}

const KNOBS: [Knob; 8] = [
    Knob::Memory,
    Knob::CpuLimit,
    Knob::CpuUnits,
    Knob::Cores,
    Knob::Network,
    Knob::Mount,
    Knob::Device,
    Knob::Tags,
];

impl Knob {
    fn key(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::CpuLimit => "cpulimit",
            Self::CpuUnits => "cpuunits",
            Self::Cores => "cores",
            Self::Network => "net1",
            Self::Mount => "mp1",
            Self::Device => "dev1",
            Self::Tags => "tags",
        }
    }

    /// The next value, from a number that is drawn; `None` is a removal.
    fn value(self, bridge: &Bridge, source: &str, drawn: u64) -> Option<String> {
        let n = drawn % 100;
        match self {
            Self::Memory => Some((64 + n).to_string()),
            _ if drawn.is_multiple_of(3) => None,
            Self::CpuLimit => Some(format!("0.{}", 10 + n % 90)),
            Self::CpuUnits => Some((100 + n).to_string()),
            Self::Cores => Some((1 + n % cpus()).to_string()),
            Self::Network => {
                let (bridge, address) = (&bridge.name, bridge.addr4(100 + u8::try_from(n).unwrap()));
                let mac = format!("02:00:00:00:00:{:02X}", n % 3);
                Some(format!("name=eth1,bridge={bridge},hwaddr={mac},ip={address}/24,rate={}", 1 + n % 5))
            }
            Self::Mount => Some(format!("{source},mp=/stress")),
            Self::Device => Some("/dev/fuse,mode=0600".to_owned()),
            Self::Tags => Some(format!("t{n}")),
        }
    }

    /// Panics unless the inside is as the config says.
    fn check(self, ct: &Ct<'_>, config: &Section) {
        let value = config.get(self.key());
        match self {
            Self::Memory => assert_eq!(memory(ct), value.unwrap().parse::<u64>().unwrap() << 20),
            Self::CpuLimit => {
                let limit = value.map_or(-1, |limit| (limit.parse::<f64>().unwrap() * 100_000.0) as i64);
                assert_eq!(quota(ct), limit.to_string());
            }
            Self::CpuUnits => {
                let usual = if pct_tests::limits::is_v2("cpu") { "100" } else { "1024" };
                assert_eq!(units(ct), value.unwrap_or(usual));
            }
            Self::Cores => assert_eq!(ct.sh("nproc").trim(), value.map_or(cpus().to_string(), str::to_owned)),
            Self::Network => {
                let links =
                    ct.sh("ip -o addr show dev eth1 2>/dev/null; cat /sys/class/net/eth1/address || true");
                match config.nets().unwrap().iter().find(|(index, _)| *index == 1) {
                    Some((_, net)) => {
                        let address = net.ip.as_ref().unwrap().to_string();
                        let mac = net.hwaddr.as_ref().unwrap().to_string().to_lowercase();
                        assert!(links.contains(&format!("inet {address} ")), "{address}: {links}");
                        assert_eq!(links.matches("inet ").count(), 1, "{links}");
                        assert!(links.contains(&mac), "{mac}: {links}");
                    }
                    None => assert!(!links.contains("eth1"), "{links}"),
                }
            }
            Self::Mount => {
                let mounted = ct.exec(&["cat", "/stress/here"]).output().status == 0;
                assert_eq!(mounted, value.is_some());
            }
            Self::Device => {
                let there = ct.exec(&["test", "-c", "/dev/fuse"]).output().status == 0;
                assert_eq!(there, value.is_some());
            }
            Self::Tags => {}
        }
    }
}

fn cpus() -> u64 {
    std::thread::available_parallelism().unwrap().get() as u64
}

/// What one thread does to one container.
struct Worker<'a> {
    pct: &'a Pct,
    vmid: u32,
    knobs: Vec<Knob>,
    bridge: &'a Bridge,
    source: &'a str,
    random: u64,
}

/// What came of it.
#[derive(Default)]
struct Done {
    changes: u64,
    /// The last value of each knob.
    last: BTreeMap<&'static str, Option<String>>,
}

impl Worker<'_> {
    fn draw(&mut self) -> u64 {
        // xorshift64: the run shall be different each time, and no more.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 8
    }

    fn run(mut self, end: Instant) -> Done {
        let mut done = Done::default();
        while Instant::now() < end {
            let nth = self.draw() % self.knobs.len() as u64;
            let knob = self.knobs[nth as usize];
            let drawn = self.draw();
            let value = knob.value(self.bridge, self.source, drawn);
            if self.change(knob, value.as_deref()) {
                done.changes += 1;
                done.last.insert(knob.key(), value);
            }
        }
        done
    }

    /// Changes the knob and counts one further in the description, unless somebody was faster. `false`: nothing was
    /// changed.
    fn change(&self, knob: Knob, value: Option<&str>) -> bool {
        let container = self.pct.container(Vmid::new(self.vmid).unwrap());
        let loaded = container.load().unwrap();
        let section = loaded.config.main();
        let mut changes = Changes::default().digest(loaded.digest());
        changes.set.push(("description".to_owned(), (count(section) + 1).to_string()));
        match value {
            Some(value) => changes.set.push((knob.key().to_owned(), value.to_owned())),
            None if section.get(knob.key()).is_some() => changes.delete.push(knob.key().to_owned()),
            None => {}
        }
        match container.set(&changes, &mut Silent) {
            Ok(()) => true,
            Err(Error::Change(ChangeError::Modified)) => false,
            // On a busy machine eight may take longer than a call waits.
            Err(error) if error.to_string().ends_with("got timeout") => false,
            Err(error) => panic!("{knob:?} of {} to {value:?}: {}", self.vmid, error.full_message()),
        }
    }
}

fn count(section: &Section) -> u64 {
    section.description().unwrap_or("0").trim().parse().unwrap()
}

/// One case at a time: the descriptors of the whole process are counted.
static ALONE: Mutex<()> = Mutex::new(());

/// `containers` containers, each changed by the threads whose knobs are given.
fn stress(containers: usize, threads: &[&[Knob]]) {
    let seconds = std::env::var("PCT_STRESS_SECONDS").map_or(60, |text| text.parse().unwrap());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let host = Host::new();
    let source = host.scratch().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("here"), "").unwrap();
    let pct = Pct::builder().root(host.root()).helper(bins::helper()).open().unwrap();
    let cts: Vec<_> =
        (0..containers).map(|_| host.running(&["--memory", "128", "--cpuunits", "90"])).collect();
    cts.iter().for_each(Ct::wait_booted);
    let bridges: Vec<_> = cts.iter().map(|ct| Bridge::new(ct.vmid)).collect();
    let kinds = ["mount", "loop", "link", "cgroup", "process"];
    let before = host.state().only(&kinds);
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let open = descriptors();

    let end = Instant::now() + Duration::from_secs(seconds);
    let seed = std::process::id();
    let done: Vec<Vec<Done>> = std::thread::scope(|scope| {
        let spawned: Vec<Vec<_>> = cts
            .iter()
            .zip(&bridges)
            .map(|(ct, bridge)| {
                let spawn = |(index, knobs): (usize, &&[Knob])| {
                    let random = (u64::from(seed) << 20) + (u64::from(ct.vmid) << 4) + index as u64 + 1;
                    let (pct, source) = (&pct, source.to_str().unwrap());
                    let worker = Worker { pct, vmid: ct.vmid, knobs: knobs.to_vec(), bridge, source, random };
                    scope.spawn(move || worker.run(end))
                };
                threads.iter().enumerate().map(spawn).collect()
            })
            .collect();
        spawned
            .into_iter()
            .map(|of_one| of_one.into_iter().map(|thread| thread.join().unwrap()).collect())
            .collect()
    });

    assert_eq!(descriptors(), open, "descriptors");
    for (ct, done) in cts.iter().zip(done) {
        let loaded = pct.container(Vmid::new(ct.vmid).unwrap()).load().unwrap();
        let config = loaded.config.main();
        assert!(done.iter().all(|done| done.changes > 0), "a thread changed nothing");
        assert_eq!(count(config), done.iter().map(|done| done.changes).sum::<u64>(), "a change was lost");
        for (key, value) in done.iter().flat_map(|done| &done.last) {
            let stored = config.get(key);
            assert_eq!(stored.is_some(), value.is_some(), "{key}: {stored:?}, {value:?}");
        }
        assert!(
            loaded.config.pending().is_none_or(Section::is_empty),
            "{}",
            fs::read_to_string(ct.conf()).unwrap()
        );
        KNOBS.iter().for_each(|knob| knob.check(ct, config));
        let set: Vec<_> =
            KNOBS.iter().map(|knob| knob.key()).filter(|key| config.get(key).is_some()).collect();
        let removable: Vec<_> = set.into_iter().filter(|key| *key != "memory").collect();
        ct.pct("set", &["--memory", "128", "--delete", &removable.join(",")]).ok();
    }
    before.assert_same(&host.state().only(&kinds), "after all that was added is removed");
}

#[test]
fn eight_threads_change_eight_containers() {
    require_root!("ip");
    stress(8, &[&KNOBS]);
}

#[test]
fn eight_threads_change_one_container() {
    require_root!("ip");
    let each: Vec<_> = KNOBS.iter().map(std::slice::from_ref).collect();
    stress(1, &each);
}
