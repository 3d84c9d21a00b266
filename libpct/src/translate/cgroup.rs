//! Limits of memory and CPU (spec: config, part 5.2, lines 17 to 19).

use super::{Input, Lines, TranslateError, number, standalone};
use crate::{config::text::numeric_prefix, facts::CgroupLayout};

const MIB: i64 = 1 << 20;

pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.facts.has_v2("memory") {
        memory(input, lines)?;
    }
    if input.facts.has_v2("cpu") {
        cpu(input, lines)?;
    }
    if input.is_standalone() { standalone::limits(input, lines) } else { Ok(()) }
}

fn memory(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    let memory = number::or_default(input.text("memory"), "512");
    lines.push("lxc.cgroup2.memory.max", number::scaled(memory, MIB))?;
    lines.push("lxc.cgroup2.memory.high", memory_high(memory))?;
    if !input.is_standalone() || input.facts.swap_limit {
        let swap = input.text("swap").unwrap_or("0");
        lines.push("lxc.cgroup2.memory.swap.max", number::scaled(swap, MIB))?;
    }
    Ok(())
}

/// A little less than the limit: reclaim starts before the container is killed.
/// From 16 GiB on the distance is 128 MiB, below that 8 KiB for each MiB.
fn memory_high(memory: &str) -> String {
    let mib = numeric_prefix(memory);
    if mib < 16_384.0 {
        return number::scaled(memory, 1016 * 1024);
    }
    match memory.parse::<i64>().ok().and_then(|mib| (mib - 128).checked_mul(MIB)) {
        Some(bytes) => bytes.to_string(),
        None => number::print((mib - 128.0) * 1_048_576.0),
    }
}

/// The part of 100 ms that a limit in CPUs is; `None` for no limit.
pub(super) fn cpu_quota(input: &Input<'_>) -> Option<i64> {
    let text = input.text("cpulimit").filter(|text| !number::is_zero(text))?;
    // Truncated, as a product of doubles: 0.29 is 28999. A text that is no number
    // gives 0, which the kernel refuses: better than a limit that is silently none.
    #[allow(clippy::cast_possible_truncation)]
    Some((100_000.0 * numeric_prefix(text)) as i64)
}

fn cpu(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if let Some(quota) = cpu_quota(input) {
        lines.push("lxc.cgroup2.cpu.max", format!("{quota} 100000"))?;
    }
    if let Some(text) = input.text("cpuunits") {
        // The kernel knows no weight of 0; the smallest is what was meant.
        let units = if number::is_zero(text) { 1.0 } else { numeric_prefix(text) };
        let weight = match input.facts.cgroup {
            CgroupLayout::V2 => units.min(10_000.0),
            CgroupLayout::Hybrid | CgroupLayout::V1 => units.max(2.0),
        };
        lines.push("lxc.cgroup2.cpu.weight", number::print(weight))?;
    }
    Ok(())
}
