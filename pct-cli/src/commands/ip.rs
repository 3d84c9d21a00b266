//! `pct ip`

use super::{Verb, open};
use crate::{
    check::Args,
    door::{Error, Interface, json},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Candidates, Group, OUTPUT_FORMAT, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "ip",
        group: Group::Access,
        about: "Show the addresses by which a running container can be reached, one a line. Data for programs has all of \
                its interfaces and addresses.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let interfaces = open()?.container(vmid).interfaces()?;
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::interfaces(interfaces.as_deref())))?,
        None => output::print(&lines(&interfaces.ok_or(Error::NotRunning { what: "CT", vmid })?))?,
    }
    Ok(Exit::SUCCESS)
}

fn lines(interfaces: &[Interface]) -> String {
    let line = |interface: &Interface| {
        let name = plain(&interface.name);
        let reachable = interface.addresses.iter().filter(|address| address.global);
        reachable.map(|address| format!("{name} {address}\n")).collect::<String>()
    };
    interfaces.iter().map(line).collect()
}

/// The guest chooses the name, and must not speak to the terminal by it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_nothing_to_the_terminal() {
        assert_eq!(plain("eth0"), "eth0");
        assert_eq!(plain("e\u{1b}[31m\u{7f}"), "e?[31m?");
    }
}
