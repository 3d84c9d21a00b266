//! `pct schema`: ours.

use super::Verb;
use crate::{
    check::Args,
    door::{json_schema, key_schema},
    exit::Exit,
    failure::{Failure, ParamErrors},
    output,
    spec::{Group, Kind, Param, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "schema",
        group: Group::Help,
        about: "Print the JSON Schema of a container's configuration, as 'config' gives it in JSON, or of one \
                key of it.",
        positionals: &[Param::new("key", Kind::Text, "A key, as 'memory' or 'net0'.")],
        options: &[Param::new(
            "output-format",
            Kind::Enum(&["json", "json-pretty", "yaml"]),
            "How to print the data.",
        )
        .default("json-pretty")
        .ours()],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.text("key") {
        None => json_schema(),
        Some(name) => {
            key_schema(name).ok_or_else(|| ParamErrors::one("key", &format!("there is no key '{name}'")))?
        }
    };
    let form = Form::named(args.text("output-format")).unwrap_or(Form::JsonPretty);
    output::print(&form.render(&schema))?;
    Ok(Exit::SUCCESS)
}
