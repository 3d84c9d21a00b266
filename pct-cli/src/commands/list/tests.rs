use super::*;
use crate::{commands::status::tests::stopped, shell::pipe};

/// As it is printed.
fn text(entries: &[Status]) -> String {
    table(entries).into_iter().map(|line| line + "\n").collect()
}

fn fixture() -> Vec<Status> {
    let mut locked = stopped(101, "db");
    locked.running = true;
    locked.lock = Some("backup".to_owned());
    let mut long = stopped(999_999_999, "a-name-that-is-longer-than-twenty");
    long.running = true;
    vec![stopped(100, "web1"), locked, long]
}

#[test]
fn the_table_is_the_one_of_the_original_to_the_byte() {
    assert_eq!(
        text(&fixture()),
        "VMID       Status     Lock         Name                \n\
         100        stopped                 web1                \n\
         101        running    backup       db                  \n\
         999999999  running                 a-name-that-is-longer-than-twenty\n"
    );
    assert_eq!(text(&[]), "");
}

#[test]
fn widths_count_bytes() {
    let text = text(&[stopped(100, "bücher")]);
    assert_eq!(text.lines().nth(1), Some("100        stopped                 bücher             "));
    assert!(text.lines().all(|line| line.len() == 55), "{text:?}");
}

/// The expressions by which scripts take the table apart (spec: users, part 5.1).
#[test]
fn the_expressions_of_scripts_find_their_fields() {
    let text = text(&fixture());
    for (script, expected) in [
        ("awk 'NR>1{print $1}'", "100\n101\n999999999\n"),
        ("tail -n +2 | awk '{print $1}'", "100\n101\n999999999\n"),
        ("awk 'NR>1{print $2}'", "stopped\nrunning\nrunning\n"),
        ("awk 'NR>1{print $NF}'", "web1\ndb\na-name-that-is-longer-than-twenty\n"),
        ("awk '$1 == 100 {print $3}'", "web1\n"),
        ("awk '$1 == 101 {print $4}'", "db\n"),
        ("tail -n +2 | cut -f1 -d' '", "100\n101\n999999999\n"),
        ("awk '$2 == \"running\" {print $1}'", "101\n999999999\n"),
        ("grep -c running", "2\n"),
    ] {
        assert_eq!(pipe(&text, script), expected, "{script}");
    }
}
