//! `pct verifyapi`: whether the tables of the verbs are sound (spec: cli, part 2.4).

use std::ffi::OsString;

use super::{Hidden, all};
use crate::{
    exit::Exit,
    failure::Failure,
    spec::{Kind, Param, VerbSpec},
};

pub(super) static VERB: Hidden = Hidden { name: "verifyapi", run };

fn run(_: &[OsString]) -> Result<Exit, Failure> {
    let faults: Vec<String> = all().flat_map(|verb| faults(&verb.spec)).collect();
    if faults.is_empty() { Ok(Exit::SUCCESS) } else { Err(Failure::Message(faults.join("\n"))) }
}

/// What is wrong with the table of a verb, a line each.
fn faults(spec: &VerbSpec) -> Vec<String> {
    let mut faults = Vec::new();
    if !is_sentence(spec.about) {
        faults.push(format!("{}: the description is no sentence", spec.name));
    }
    for param in spec.params() {
        let told = faults_of(spec, param).into_iter();
        faults.extend(told.map(|fault| format!("{} {}: {fault}", spec.name, param.name)));
    }
    faults
}

fn faults_of(spec: &VerbSpec, param: &Param) -> Vec<&'static str> {
    let name = if param.family.is_some() { format!("{}0", param.name) } else { param.name.to_owned() };
    let values = param.kind.values();
    let empty_range = match param.kind {
        Kind::Int { min: Some(min), max: Some(max) } | Kind::Number { min: Some(min), max: Some(max) } => {
            min > max
        }
        Kind::Enum(values) => values.is_empty(),
        _ => false,
    };
    let checks = [
        (!is_sentence(param.about), "the description is no sentence"),
        (spec.params().filter(|other| other.covers(&name)).count() != 1, "the name is not its own"),
        (param.requires.is_some_and(|other| spec.param(other).is_none()), "what it requires does not exist"),
        (empty_range, "no value is allowed"),
        (
            !values.is_empty() && param.default.is_some_and(|default| !values.contains(&default)),
            "the default is no value of it",
        ),
    ];
    checks.into_iter().filter_map(|(failed, fault)| failed.then_some(fault)).collect()
}

/// Ends as a sentence and can be filled into lines.
fn is_sentence(text: &str) -> bool {
    text.ends_with('.') && !text.contains("  ") && !text.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commands::start, spec::Group};

    #[test]
    fn the_tables_of_all_verbs_are_sound() {
        let faults: Vec<_> = all().flat_map(|verb| faults(&verb.spec)).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    const BAD: &[Param] = &[
        Param::new("mute", Kind::Text, "no sentence"),
        Param::new("twice", Kind::Text, "One."),
        Param::new("twice", Kind::Text, "Two."),
        Param { family: Some(2), ..Param::new("net", Kind::Text, "A family.") },
        Param::new("net0", Kind::Text, "Not of the family."),
        Param::new("lonely", Kind::Text, "Needs another.").requires("missing"),
        Param::new("narrow", Kind::Int { min: Some(2), max: Some(1) }, "No number."),
        Param::new("void", Kind::Enum(&[]), "No word."),
        Param::new("odd", Kind::Bool, "A truth.").default("2"),
        Param::new("odder", Kind::Enum(&["a", "b"]), "A word.").default("c"),
        Param::new("good", Kind::Enum(&["a", "b"]), "A word.").default("b").requires("odd"),
    ];

    #[test]
    fn every_fault_of_a_table_is_told() {
        let bad = VerbSpec {
            name: "x",
            group: Group::Help,
            about: "No  sentence.",
            positionals: &[],
            options: BAD,
            config_options: false,
            extra_args: false,
            needs_root: false,
            ours: true,
        };
        let expected = [
            "x: the description is no sentence",
            "x mute: the description is no sentence",
            "x twice: the name is not its own",
            "x twice: the name is not its own",
            "x net: the name is not its own",
            "x net0: the name is not its own",
            "x lonely: what it requires does not exist",
            "x narrow: no value is allowed",
            "x void: no value is allowed",
            "x odd: the default is no value of it",
            "x odder: the default is no value of it",
        ];
        assert_eq!(faults(&bad), expected);
        assert_eq!(faults(&start::VERB.spec), [""; 0]);
    }
}
