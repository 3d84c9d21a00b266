//! Which CPUs a container with `cores` gets (spec: config, part 5.7).

use std::collections::BTreeSet;

use super::{Input, Lines, TranslateError, standalone};

pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let Some(cores) = input.section.cores() else { return Ok(()) };
    let key = if input.facts.has_v2("cpuset") {
        "lxc.cgroup2.cpuset.cpus"
    } else if input.facts.has_v1("cpuset") {
        "lxc.cgroup.cpuset.cpus"
    } else {
        return Ok(());
    };
    let own_v1 = input.is_standalone() && input.section.has_raw("lxc.cgroup.cpuset.cpus");
    if input.section.has_raw("lxc.cgroup2.cpuset.cpus") || own_v1 {
        return Ok(());
    }
    if key.starts_with("lxc.cgroup.")
        && input.is_standalone()
        && !standalone::takes_v1(input, lines, Some("cores"))
    {
        return Ok(());
    }
    let cpus = choose(parse(&input.facts.cpus), cores, input.facts.seed ^ u64::from(input.vmid.get()));
    // An empty list would take the limit away instead of setting it.
    if cpus.is_empty() { Ok(()) } else { lines.push(key, print(&cpus)) }
}

/// Reads a list such as `0,2-3`. What is no number is left out.
fn parse(list: &str) -> BTreeSet<u32> {
    /// More CPUs than any kernel supports; keeps a bad range from growing without end.
    const MOST: u32 = 65_536;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse::<u32>().ok()?.min(MOST))
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// Removes CPUs at random until `count` are left, so that the load of many
/// containers spreads.
fn choose(cpus: BTreeSet<u32>, count: u32, seed: u64) -> BTreeSet<u32> {
    let mut cpus: Vec<_> = cpus.into_iter().collect();
    let mut state = seed;
    while u32::try_from(cpus.len()).is_ok_and(|len| len > count) {
        let len = u64::try_from(cpus.len()).unwrap_or(1);
        if let Ok(at) = usize::try_from(next(&mut state) % len) {
            cpus.swap_remove(at);
        }
    }
    cpus.into_iter().collect()
}

/// One step of SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn print(cpus: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &cpu in cpus {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => runs.push((cpu, cpu)),
        }
    }
    let run = |&(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_sorted_runs() {
        assert_eq!(print(&parse("7,2-3,0")), "0,2-3,7");
        assert_eq!(print(&parse("0-15")), "0-15");
        assert!(parse("").is_empty() && parse("x,3-1").is_empty());
    }

    #[test]
    fn the_seed_decides_which_cpus_stay() {
        let all = parse("0-15");
        assert_eq!(choose(all.clone(), 3, 1).len(), 3);
        assert_eq!(choose(all.clone(), 3, 1), choose(all.clone(), 3, 1));
        assert_ne!(choose(all.clone(), 3, 1), choose(all.clone(), 3, 2));
        assert_eq!(choose(all.clone(), 16, 1), all);
    }
}
