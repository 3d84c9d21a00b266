//! The helper as liblxc's script for an interface: brings the host's end to its bridge.

use std::{ffi::OsString, fs::File, io::Write, path::Path, process::ExitCode};

use crate::{
    config::{Port, Vmid},
    error::reasons,
    home::{Home, ROOT_VARIABLE},
    lxc,
    net::{Netlink, VethName},
};

type Failed = Box<dyn std::error::Error>;

/// The arguments are the port, then liblxc's own: container, `net`, `up`, `veth`, an unused link, the interface
/// (lxc.container.conf(5)).
pub(crate) fn serve(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let [port, vmid, _, _, _, .., interface] = &words[..] else { return ExitCode::FAILURE };
    let Err(error) = plug(port, vmid, interface) else { return ExitCode::SUCCESS };
    let text = format!("cannot plug '{interface}' into '{port}': {error}{}", reasons(&*error));
    if let Err(error) = log(vmid, "plug", &text) {
        let _ = writeln!(std::io::stderr(), "{text}\n{error}");
    }
    ExitCode::FAILURE
}

fn plug(port: &str, vmid: &str, interface: &str) -> Result<(), Failed> {
    let (port, vmid, veth) = (port.parse::<Port>()?, vmid.parse::<Vmid>()?, interface.parse::<VethName>()?);
    if veth.vmid() != vmid {
        return Err("it is no interface of the container".into());
    }
    Ok(Netlink::open()?.plug(veth, &port)?)
}

/// liblxc tells what a script writes only to those who look for a fault; the start must be able to say it.
pub(super) fn log(vmid: &str, script: &str, text: &str) -> Result<(), Failed> {
    let home = Home::detect(std::env::var_os(ROOT_VARIABLE).as_deref().map(Path::new))?;
    let mut file = File::options().append(true).open(home.start_log(vmid.parse()?))?;
    Ok(writeln!(file, "{}", lxc::log::error_line(script, text))?)
}
