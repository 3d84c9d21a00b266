//! Makes a container from a template, starts it, runs a command inside, and removes it.
//!
//! Usage: `lifecycle <vmid> <template> [<root directory> [<pct-helper>]]`

use std::error::Error;

use pct::{
    ConfigView, CreateOptions, DestroyOptions, Pct, Progress, Silent, StartOptions, StopOptions, Vmid,
    config::pct_config_lines,
};

/// Shows what an operation has to say.
struct Print;

impl Progress for Print {
    fn message(&mut self, text: &str) {
        println!("{text}");
    }

    fn warning(&mut self, text: &str) {
        println!("warning: {text}");
    }

    fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vmid, template, rest @ ..] = &arguments[..] else {
        return Err("usage: lifecycle <vmid> <template> [<root directory> [<pct-helper>]]".into());
    };
    let vmid: Vmid = vmid.parse()?;
    let mut builder = Pct::builder();
    if let Some(root) = rest.first() {
        builder = builder.root(root);
    }
    if let Some(helper) = rest.get(1) {
        builder = builder.helper(helper);
    }
    let pct = builder.open()?;
    let container = pct.container(vmid);

    let options = CreateOptions::new(template).config("hostname", "example").config("rootfs", "local:0");
    container.create(&options, &mut Print)?;
    let outcome = run(&container);
    // Whatever happened: nothing of the example stays.
    container.destroy(&DestroyOptions::default().force(true), &mut Silent)?;
    outcome
}

fn run(container: &pct::Container<'_>) -> Result<(), Box<dyn Error>> {
    container.start(&StartOptions::default(), &mut Print)?;
    for line in pct_config_lines(&container.config(&ConfigView::Current)?.section) {
        println!("{line}");
    }
    let hostname = container.exec(["hostname"]).output()?;
    println!("inside: {}", String::from_utf8_lossy(&hostname.stdout).trim());
    container.stop(&StopOptions::default(), &mut Print)?;
    println!("status: {}", if container.status()?.running { "running" } else { "stopped" });
    Ok(())
}
