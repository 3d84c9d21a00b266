//! Every call, on a handle whose container is not there or has no config, root file system or monitor: what liblxc would
//! take for granted. Each is an error or an empty answer.

use std::ffi::c_int;
use std::path::Path;
use std::time::Duration;

use pct::lxc::{
    AttachCommand, AttachOptions, CloneOptions, Container, CriuOptions, Error, Mount, Result, StartOptions,
    State, list,
};

pub(crate) fn run(mut container: Container) -> Result<()> {
    let none = Path::new("/nonexistent");
    println!("as it is");
    every_call(&mut container, none);
    container.clear_config()?;
    println!("without a config");
    every_call(&mut container, none);
    say("own_seccomp_listener", container.own_seccomp_listener());
    container.set_lxcpath(none)?;
    println!("elsewhere");
    every_call(&mut container, none);
    say("rename", container.rename("9999").map(|_| ()));
    Ok(())
}

/// What can be asked of a container without changing it.
pub(crate) fn questions(c: &mut Container) {
    say("state", c.state());
    say("is_running", c.is_running());
    say("is_defined", c.is_defined());
    say("config_file_name", c.config_file_name().map(|_| ()));
    say("init_pid", c.init_pid().map(|pid| pid.is_some()));
    say("init_pidfd", c.init_pidfd().map(|_| ()));
    say("devpts_fd", c.devpts_fd().map(|_| ()));
    say("may_control", c.may_control());
    say("config_item", c.config_item("lxc.uts.name"));
    say("running_config_item", c.running_config_item("lxc.uts.name"));
    say("config_keys", c.config_keys(None).map(|keys| keys.is_empty()));
    say("cgroup_item", c.cgroup_item("pids.current").map(|_| ()));
    say("lease_tty", c.lease_tty(Some(1)).map(|lease| lease.number()));
    say("console_log", c.console_log(None, false).map(|_| ()));
    say("clear_console_log", c.clear_console_log());
    say("interfaces", c.interfaces());
    say("addresses", c.addresses(None, None, 0));
    say("wait", c.wait(&[State::Running], Some(Duration::ZERO)));
    say("freeze", c.freeze());
    say("unfreeze", c.unfreeze());
    say("list", list::all(c.lxcpath()).map(|handles| handles.len()));
}

fn every_call(c: &mut Container, none: &Path) {
    questions(c);
    say("seccomp_listener", c.seccomp_listener().map(|_| ()));
    say("clear_config_item", c.clear_config_item("lxc.mount.entry"));
    say("set_cgroup_item", c.set_cgroup_item("memory.max", "1M"));
    say("stop", c.stop());
    say("shutdown", c.shutdown(Some(Duration::ZERO)));
    say("reboot", c.reboot(Some(Duration::ZERO)));
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let stdio = {
        use std::os::fd::AsFd;
        [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]
    };
    say("connect_console", c.connect_console(None, stdio, None));
    say("attach_interface", c.attach_interface("none0", None));
    say("detach_interface", c.detach_interface("none0", None));
    say("add_device_node", c.add_device_node(Path::new("/dev/null")));
    say("remove_device_node", c.remove_device_node(Path::new("/dev/null")));
    say("mount", c.mount(&Mount { fs_type: Some("tmpfs"), ..Mount::default() }, Path::new("/mnt")));
    say("unmount", c.unmount(Path::new("/mnt"), 0));
    let command = AttachCommand::new("true", [""; 0]);
    say("attach", c.attach(&command, &AttachOptions::default()).map(|_| ()));
    let everything = AttachOptions { namespaces: Some(c_int::MAX), ..AttachOptions::default() };
    say("attach", c.attach(&command, &everything).map(|_| ()));
    let criu = CriuOptions::new(none);
    say("pre_dump", c.pre_dump(&criu));
    say("checkpoint", c.checkpoint(&criu));
    say("restore", c.restore(&criu));
    say("snapshots", c.snapshots());
    say("snapshot", c.snapshot(None));
    say("restore_snapshot", c.restore_snapshot("snap0", Some("9998")));
    say("destroy_snapshot", c.destroy_snapshot("snap0"));
    say("destroy_all_snapshots", c.destroy_all_snapshots());
    say("copy", c.copy(&CloneOptions { name: Some("9997"), ..CloneOptions::default() }).map(|_| ()));
    // These make a config where there was none.
    say("save_config", c.save_config(Some(&none.join("config"))));
    say("load_config", c.load_config(Some(none)));
    say("start_daemonized", c.start_daemonized(&StartOptions { own_init: true, argv: None }));
}

fn say<T: std::fmt::Debug>(call: &str, result: Result<T, Error>) {
    match result {
        Ok(value) => println!("{call}: {value:?}"),
        Err(error) => println!("{call}: error: {error}"),
    }
}
