//! The state of all processes on disk.

use std::path::Path;

use pct::lxc::{Container, CriuOptions, Result};

use super::Options;

pub(crate) fn run(verb: &str, container: &mut Container, options: &Options<'_>) -> Result<()> {
    if verb == "features" {
        println!("{:?}", container.criu_features()?);
        return Ok(());
    }
    let criu = CriuOptions {
        config: options.path("config"),
        verbose: options.has("verbose"),
        action_script: options.path("action-script"),
        stop: !options.has("leave-running"),
        predump_dir: options.path("predump-dir"),
        page_server: options.get("page-server").and_then(|server| {
            let (address, port) = server.rsplit_once(':')?;
            Some((address, port.parse().ok()?))
        }),
        preserves_inodes: options.has("preserves-inodes"),
        fail_on_in_flight: options.has("fail-on-in-flight"),
        ghost_limit: options.number("ghost-limit"),
        ..CriuOptions::new(options.path("directory").unwrap_or(Path::new("/")))
    };
    match verb {
        "pre-dump" => container.pre_dump(&criu),
        "checkpoint" => container.checkpoint(&criu),
        _ => {
            container.restore(&criu)?;
            println!("restored");
            // The monitor is a child of this process: its end is that of the container.
            rustix::process::wait(rustix::process::WaitOptions::empty()).expect("a monitor");
            Ok(())
        }
    }
}
