use super::*;

/// A host on which every kind has one candidate, its name; snapshots with the container's.
fn host(kind: Candidates, words: &[OsString]) -> Vec<String> {
    match (kind, words) {
        (Candidates::None, _) => Vec::new(),
        (Candidates::Snapshots, [vmid, ..]) => vec![format!("snapshot-of-{}", vmid.display())],
        _ => vec![format!("{kind:?}")],
    }
}

fn at(line: &str, dialect: Dialect) -> String {
    let Line { words, current } = Line::split(line.as_bytes());
    candidates(&words, current.to_str().unwrap(), dialect, &host).join(" ")
}

#[track_caller]
fn rows(rows: &[(&str, &str)]) {
    for (line, expected) in rows {
        assert_eq!(at(line, Dialect::Permuting), *expected, "pct {line}|");
    }
}

#[test]
fn commands_are_expanded_when_only_one_is_meant() {
    rows(&[
        ("stat", "status"),
        ("sta", "start startall status"),
        ("list", "list"),
        ("cre", "create"),
        ("nonsense", ""),
        ("verify", ""),
        ("bash", ""),
    ]);
    assert_eq!(at("", Dialect::Permuting).split(' ').count(), visible().count());
}

#[test]
fn positionals_offer_what_their_table_says() {
    rows(&[
        ("start ", "Startable"),
        ("stat ", "Containers"),
        ("destroy ", "Containers"),
        ("stop ", "Running"),
        ("shutdown ", "Running"),
        ("reboot ", "Running"),
        ("suspend ", "Running"),
        ("resume ", "Startable"),
        ("exec ", "Running"),
        ("enter ", "Running"),
        ("console ", "Running"),
        ("create ", "FreeVmid"),
        ("create 100 ", "Templates"),
        ("create --start 100 --memory 5 ", "FreeVmid"),
        ("create 100 --memory 5 ", "Templates"),
        ("create -- 100 ", "Templates"),
        ("start X", ""),
        ("start Start", "Startable"),
        ("help st", "start startall status stop stopall storage"),
        ("help --verbose 0 conf", "config"),
        ("storage add ", "StorageWords"),
        ("storage se", "set"),
        ("exec 100 ", ""),
        ("nonsense ", ""),
        ("bashcomplete ", ""),
    ]);
}

#[test]
fn options_are_offered_behind_a_dash_and_behind_the_positionals() {
    rows(&[
        ("start -", "--debug --help --skiplock --timeout --wait"),
        ("start --s", "--skiplock"),
        ("start -s", "-skiplock"),
        ("start 100 ", "--debug --help --skiplock --timeout --wait"),
        ("start 100 d", ""),
        ("list ", "Containers"),
        ("status 100 ", "Containers"),
        ("list --o", "--output-format"),
        ("exec 100 -", "--help --keep-env"),
        ("start 100 -- ", ""),
        ("start -- -", ""),
    ]);
    assert_eq!(at("exec 100 -", Dialect::Posix), "", "a word of the command inside");
}

#[test]
fn families_offer_the_next_member_or_the_one_that_is_typed() {
    rows(&[
        ("create --ne", "--net0"),
        ("create --net", "--net0"),
        ("create --net0 x --net", "--net1"),
        ("create --net1 x --net", "--net0"),
        ("create --net7", "--net7"),
        ("create --net32", ""),
        ("create --mp1", "--mp1"),
        ("create --mp01", ""),
    ]);
    let all = at("create -", Dialect::Permuting);
    let options: Vec<_> = all.split(' ').collect();
    for name in ["--net0", "--mp0", "--dev0", "--unused0", "--help", "--memory", "--ssh-public-keys"] {
        assert!(options.contains(&name), "{name}: {all}");
    }
    assert!(options.is_sorted() && options.len() < 60, "{all}");
}

#[test]
fn values_of_options_are_those_that_their_type_names_or_the_host_has() {
    rows(&[
        ("start 100 --debug ", "0 1"),
        ("start 100 --debug -", "--debug --help --skiplock --timeout --wait"),
        ("start 100 --debug=", "--debug=0 --debug=1"),
        ("create 100 t --unprivileged ", "0 1"),
        ("create 100 t --cmode ", "shell console tty"),
        ("create 100 t --cmode c", "console"),
        ("create 100 t -cmode=c", "-cmode=console"),
        ("create 100 t --cmo=s", "--cmo=shell"),
        ("list --output-format j", "json json-pretty"),
        ("create 100 t --storage ", "Storages"),
        ("create 100 t --storage=", "--storage=Storages"),
        ("create 100 t --memory ", ""),
        ("create 100 t --memory -", ""),
        ("create 100 t --description --help -", &at("create -", Dialect::Permuting)),
        ("create 100 t --password ", ""),
        ("create 100 t --nonsense=", ""),
        ("config 101 --snapshot ", "snapshot-of-101"),
        ("config --snapshot ", "Snapshots"),
        ("config --vmid ", "Containers"),
        ("doctor ", "Containers"),
        ("doctor 100 ", "Containers"),
        ("rescan --vmid ", "Containers"),
        ("rescan ", "--dryrun --help --vmid"),
    ]);
}
