//! `pct lint`

use std::{fmt::Write as _, path::Path};

use super::Verb;
use crate::{
    check::Args,
    door::{
        CgroupLayout, Config, Finding, HomeKind, HostFacts, Severity, Version, Vmid, from_bytes, json, lint,
    },
    exit::Exit,
    failure::Failure,
    output::{self, visible},
    spec::{Candidates, Group, HOST, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "lint",
        group: Group::Config,
        about: "Check a configuration file. Each finding has its line and column and says what to do about it. The \
                exit status is 1 when there are errors.",
        positionals: &[Param::new("file", Kind::Text, "The file, wherever it is; - for standard input.").required()],
        options: &[
            Param {
                required: false,
                about: "The number of the container that the file is for. When it is not given it is taken from the \
                        file's name, and where that has none it is 100.",
                ..VMID.candidates(Candidates::None).ours()
            },
            Param::new(
                "strict",
                Kind::Bool,
                "Let the exit status tell whether a strict load, as by a restore, refuses the file. It knows no limits \
                 of values.",
            )
            .ours(),
            Param::new(
                "canonical",
                Kind::Bool,
                "Print the file as it would be written; findings go to stderr, and the exit status does not count \
                 them unless --strict is given.",
            )
            .ours(),
            Param::new("json", Kind::Bool, "Print what the file says as JSON; findings as with --canonical.").ours(),
            Param::new("props", Kind::Bool, "Print the property strings instead, each parsed.").requires("json").ours(),
            Param { about: "Give interfaces without a MAC address that of this JSON file instead of one made up.", ..HOST },
            OUTPUT_FORMAT,
        ],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let path = args.text("file").unwrap_or_default();
    let bytes = super::config_file(path)?;
    let vmid = match args.text("vmid") {
        Some(_) => args.vmid()?,
        None => vmid_of(path)?,
    };
    let findings = lint(&bytes, vmid);
    let report = || text(path, &bytes, &findings);
    let form = Form::named(args.text("output-format"));
    let prints = args.is_set("canonical") || args.is_set("json");
    if prints {
        output::error(report().as_ref());
    }
    if args.is_set("canonical") {
        let canonical = Config::parse(&bytes, vmid).config.to_bytes();
        output::bytes(&canonical.map_err(|error| Failure::Message(format!("'{path}': {error}")))?)?;
    } else if args.is_set("json") {
        let config = Config::parse(&bytes, vmid).config;
        let facts = args.text("host").map(super::host).transpose()?;
        // Of a host that nobody has described nothing else matters, and the addresses are always the same.
        let facts =
            facts.unwrap_or_else(|| HostFacts::new(HomeKind::Standalone, Version(0, 0), CgroupLayout::V2));
        let mac = |key: &str| facts.mac_for(vmid, key);
        let value = match args.is_set("props") {
            true => json::properties(config.main(), mac),
            false => json::model(&config, &bytes),
        };
        output::print(&form.unwrap_or(Form::Json).render(&value))?;
    } else {
        output::print(&form.map_or_else(report, |form| form.render(&json::findings(&findings))))?;
    }
    let failed = match args.is_set("strict") {
        true => Config::parse_strict(&bytes, vmid).is_err(),
        false => !prints && findings.iter().any(|finding| finding.severity == Severity::Error),
    };
    Ok(if failed { Exit::FINDINGS } else { Exit::SUCCESS })
}

/// The number in the name of a file, as the folder of the configs has them.
fn vmid_of(path: &str) -> Result<Vmid, Failure> {
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let vmid = stem.parse().or_else(|_| Vmid::new(Vmid::MIN));
    vmid.map_err(|error| Failure::Message(error.to_string()))
}

/// For people: where and what, the line with the culprit marked, what to do.
fn text(path: &str, file: &[u8], findings: &[Finding]) -> String {
    let lines: Vec<&[u8]> = file.split(|&byte| byte == b'\n').collect();
    let mut text = String::new();
    for finding in findings {
        let Finding { line: number, column, part, message, .. } = finding;
        let severity = finding.severity.as_str();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{path}:{number}:{column}: {severity}: {}", visible(message));
        let line = lines.get(number - 1).copied().unwrap_or_default();
        if !part.is_empty() {
            let before = visible(&from_bytes(line.get(..column - 1).unwrap_or_default())).chars().count();
            let carets = "^".repeat(visible(part).chars().count());
            let _ = writeln!(text, "    {}\n    {}{carets}", visible(&from_bytes(line)), " ".repeat(before));
        }
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "    help: {}", visible(remedy));
        }
    }
    text
}
