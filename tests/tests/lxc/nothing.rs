//! Handles that have nothing behind them: liblxc does not check for it, and would read what is not there.

use super::guest::Guest;

#[test]
fn no_call_reads_what_is_not_there() {
    let Some(guest) = Guest::new("") else { return };
    let stopped = guest.call("nothing", &[]);
    assert!(stopped.contains("snapshot: error: no config of container"), "{stopped}");
    let config = guest.path().join("config");
    std::fs::write(&config, "lxc.uts.name = a\n").unwrap();
    let rootless = guest.call("nothing", &[]);
    assert!(rootless.contains("has no root file system"), "{rootless}");
    std::fs::write(&config, "").unwrap();
    guest.call("nothing", &[]);
    std::fs::remove_dir_all(guest.path()).unwrap();
    let undefined = guest.call("nothing", &[]);
    assert!(undefined.contains("is_defined: false"), "{undefined}");
}

#[test]
fn all_that_can_be_asked_of_a_running_container_is_answered() {
    let Some(mut guest) = Guest::new("lxc.tty.max = 1\nlxc.console.buffer.size = auto\n") else { return };
    guest.start();
    let answers = guest.call("ask", &[]);
    assert!(!answers.contains("error"), "{answers}");
    for answer in
        ["state: Running", "init_pid: true", "running_config_item: Some(\"guest\")", "wait: true", "list: 1"]
    {
        assert!(answers.lines().any(|line| line == answer), "{answer}: {answers}");
    }
}

#[test]
fn a_leak_is_found_where_memory_is_watched() {
    let Some(guest) = Guest::new("") else { return };
    let watched = std::env::var_os("PCT_MEMORY").is_some();
    assert_eq!(guest.probe("leak").output().unwrap().status.success(), !watched);
}
