//! `pct df`

use super::{Verb, open};
use crate::{
    check::Args,
    door::{VolumeUsage, json},
    exit::Exit,
    failure::Failure,
    output,
    progress::Narrator,
    spec::{Group, OUTPUT_FORMAT, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "df",
        group: Group::Access,
        about: "Show how full the volumes of a container are.",
        positionals: &[VMID],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let mut narrator = Narrator::default().plain();
    let usages = open()?.container(vmid).df(&mut narrator);
    narrator.finish();
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::volumes(&usages?)))?,
        None => output::print_lines(&table(&usages?))?,
    }
    Ok(Exit::SUCCESS)
}

/// Columns as wide as their longest text, the last one as it is (spec: cli, part 5.16).
fn table(usages: &[VolumeUsage]) -> Vec<String> {
    let head = ["MP", "Volume", "Size", "Used", "Avail", "Use%", "Path"].map(str::to_owned);
    let row = |usage: &VolumeUsage| {
        let [size, used, available] = [usage.total, usage.used, usage.available].map(rounded);
        let part = percent(usage.used, usage.total);
        [usage.key.clone(), usage.volume.clone(), size, used, available, part, usage.path.clone()]
    };
    let rows: Vec<_> = std::iter::once(head).chain(usages.iter().map(row)).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..6).map(width).collect();
    let line = |row: &[String; 7]| {
        let cell = |at: usize| match at {
            0 | 1 => format!("{:<1$}", row[at], widths[at]),
            _ => format!("{:>1$}", row[at], widths[at]),
        };
        let cells: Vec<_> = (0..6).map(cell).chain([row[6].clone()]).collect();
        cells.join(" ")
    };
    rows.iter().map(line).collect()
}

/// Without a sign, as the original. Of nothing nothing is taken.
fn percent(used: u64, total: u64) -> String {
    format!("{:.1}", if total == 0 { 0.0 } else { used as f64 * 100.0 / total as f64 })
}

/// One decimal behind the largest unit that makes a number of at least 1; nothing beyond terabytes, as the original.
fn rounded(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64;
    for unit in ['K', 'M', 'G', 'T'] {
        value /= 1024.0;
        if value < 1024.0 {
            return format!("{value:.1}{unit}");
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_one_decimal() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (988_073_165, "942.3M"),
            (8_375_186_227, "7.8G"),
            (1 << 40, "1.0T"),
            (1 << 50, ""),
        ] {
            assert_eq!(rounded(bytes), text);
        }
        assert_eq!(percent(117, 1000), "11.7");
        assert_eq!(percent(0, 0), "0.0");
    }

    #[test]
    fn without_volumes_there_is_the_head_alone() {
        assert_eq!(table(&[]), ["MP Volume Size Used Avail Use% Path"]);
    }
}
