//! What changes in a running container, or is seen there.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use pct::lxc::{Container, Family, Mount, Result};

use super::Options;

pub(crate) fn run(verb: &str, container: &mut Container, options: &Options<'_>) -> Result<()> {
    let target = options.path("target").unwrap_or(Path::new("/"));
    let interface = options.get("interface");
    match verb {
        "look" => {
            println!("interfaces: {:?}", container.interfaces()?);
            let family = options.get("family").map(|name| match name {
                "inet6" => Family::Inet6,
                _ => Family::Inet,
            });
            let scope = u32::try_from(options.number("scope")).unwrap_or(0);
            println!("addresses: {:?}", container.addresses(interface, family, scope)?);
            Ok(())
        }
        "attach-interface" => container.attach_interface(interface.unwrap_or_default(), options.get("name")),
        "detach-interface" => container.detach_interface(interface.unwrap_or_default(), options.get("name")),
        "add-device" => container.add_device_node(target),
        "remove-device" => container.remove_device_node(target),
        "mount" => {
            let mount = Mount {
                source: options.path("source"),
                fs_type: options.get("type"),
                flags: options.number("flags"),
                data: options.get("data"),
            };
            container.mount(&mount, target)
        }
        "unmount" => container.unmount(target, options.number("flags")),
        "console" => {
            let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
            let stdio = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
            let escape = options.get("escape").and_then(|text| text.chars().next());
            container.connect_console(None, stdio, escape)
        }
        "shutdown" => container.shutdown(None),
        "stop" => container.stop(),
        _ => panic!("no verb {verb}"),
    }
}
