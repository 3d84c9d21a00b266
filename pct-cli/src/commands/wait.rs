//! `pct wait`

use std::time::Duration;

use super::{Verb, open};
use crate::{
    check::Args,
    door::WaitFor,
    exit::Exit,
    failure::{Failure, ParamErrors},
    spec::{Group, Kind, Param, VMID, VerbSpec},
    task::Warnings,
};

/// What can be waited for, of a container that runs or will.
pub(super) const CONDITIONS: &[&str] = &["running", "stopped", "ipv4", "ipv6", "systemd"];

pub(super) const TIMEOUT: Param = Param::new(
    "timeout",
    Kind::Int { min: Some(0), max: None },
    "Give up after so many seconds, with exit status 1. Without it the waiting has no end.",
)
.ours();

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "wait",
        group: Group::Power,
        about: "Wait until a container is running or stopped, has an address by which it can be reached, or has \
                completed its boot under systemd.",
        positionals: &[VMID, Param::new("condition", Kind::Enum(CONDITIONS), "What to wait for.").required()],
        options: &[TIMEOUT],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let condition = condition(args.text("condition"))
        .ok_or_else(|| ParamErrors::one("condition", "there is nothing of this name to wait for"))?;
    let pct = open()?;
    pct.container(vmid).wait(condition, timeout(args), &mut Warnings)?;
    Ok(Exit::SUCCESS)
}

/// `None` where nothing is to be waited for.
pub(super) fn condition(name: Option<&str>) -> Option<WaitFor> {
    WaitFor::named(name?)
}

pub(super) fn timeout(args: &Args) -> Option<Duration> {
    args.unsigned("timeout").map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_a_condition() {
        let all: Vec<_> = CONDITIONS.iter().filter_map(|name| condition(Some(name))).collect();
        assert_eq!(all.len(), CONDITIONS.len());
        assert_eq!(condition(None), None);
    }
}
