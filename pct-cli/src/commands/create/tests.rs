use super::*;
use crate::check::tests::args;

fn made(words: &str) -> CreateOptions {
    options(&args(&VERB.spec, words)).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn refused(words: &str) -> String {
    options(&args(&VERB.spec, words)).map(drop).unwrap_err().tell(Some(&VERB.spec)).0
}

#[test]
fn config_options_and_the_others_go_their_ways() {
    let made = made(
        "100 local:vztmpl/x.tar.zst --storage data --rootfs data:2 --net0 name=eth0 --password secret --start \
         --ignore-unpack-errors 1 --bwlimit 1.5 --unprivileged no",
    );
    assert_eq!(made.template, "local:vztmpl/x.tar.zst");
    let config: Vec<_> = made.config.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(config, ["net0=name=eth0", "rootfs=data:2", "unprivileged=0"]);
    assert_eq!(made.storage.as_deref(), Some("data"));
    assert!(made.start && made.ignore_unpack_errors);
    assert_eq!(made.password.as_deref(), Some("secret"));
    assert_eq!(made.bandwidth, Some(2));
}

#[test]
fn what_nothing_here_can_do_is_refused() {
    assert!(refused("100 t --ha-managed 1 --pool p").starts_with(
        "400 Parameter verification failed.\nha-managed: there is no high availability manager here\n\
         pool: there are no resource pools here\npct create "
    ));
    assert!(refused("100 t --restore").contains("restore: backups cannot be restored yet\n"));
    assert_eq!(refused("100 -"), "pipe can only be used with restore tasks\n");
    assert!(!made("100 t --ha-managed 0 --restore 0").start);
}
