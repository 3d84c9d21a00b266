//! `pct cpusets`

use std::collections::BTreeSet;

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::{Vmid, json},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, OUTPUT_FORMAT, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "cpusets",
        group: Group::Access,
        about: "Show which processors the running containers may use.",
        positionals: &[],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let sets = open_to_read()?.cpusets()?;
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::cpusets(&sets)))?,
        None => output::print(&table(&sets))?,
    }
    Ok(Exit::SUCCESS)
}

/// A column for each processor up to the container's highest one (spec: cli, part 5.25).
fn table(sets: &[(Vmid, BTreeSet<u32>)]) -> String {
    if sets.is_empty() {
        return "no running containers\n".to_owned();
    }
    let mut rows: Vec<_> = sets.iter().map(|(vmid, cpus)| (vmid.to_string(), columns(cpus))).collect();
    // As words, not as numbers.
    rows.sort();
    let id_width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    let width = rows.iter().map(|(_, columns)| columns.len()).max().unwrap_or(0);
    let rule = format!("{}\n", "-".repeat(id_width + width));
    let lines: String = rows.iter().map(|(id, columns)| format!("{id:>id_width$}{columns}\n")).collect();
    format!("{rule}{lines}{rule}")
}

fn columns(cpus: &BTreeSet<u32>) -> String {
    let all = cpus.last().map_or(0..0, |highest| 0..highest + 1);
    let column = |cpu: u32| {
        let number = cpu.to_string();
        if cpus.contains(&cpu) { format!(" {number}") } else { format!(" {}", " ".repeat(number.len())) }
    };
    format!(": {}", all.map(column).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(all: &[(u32, &[u32])]) -> Vec<(Vmid, BTreeSet<u32>)> {
        all.iter().map(|(id, cpus)| (Vmid::new(*id).unwrap(), cpus.iter().copied().collect())).collect()
    }

    #[test]
    fn ids_are_sorted_as_words_and_missing_processors_leave_a_gap() {
        let text = table(&sets(&[(101, &[0, 2, 3]), (1007, &[0, 1, 2, 3])]));
        let rule = "--------------\n";
        assert_eq!(text, format!("{rule}1007:  0 1 2 3\n 101:  0   2 3\n{rule}"));
        assert_eq!(columns(&[9, 11].into()), format!(":  {}9    11", " ".repeat(18)));
    }

    #[test]
    fn nothing_runs() {
        assert_eq!(table(&[]), "no running containers\n");
    }
}
