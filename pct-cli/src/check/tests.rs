use std::os::unix::ffi::OsStringExt as _;

use super::*;
use crate::{
    argv::{self, Dialect},
    commands::{config, console, create, fsck, list, set, start},
    failure::Failure,
};

fn result(spec: &VerbSpec, words: &[&str]) -> Result<Args, ParamErrors> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    argv::parse(spec, &words, Dialect::Permuting).and_then(|parsed| check(spec, parsed))
}

/// Arguments of a command line that has no blanks in its words.
pub(crate) fn args(spec: &VerbSpec, words: &str) -> Args {
    let words: Vec<&str> = words.split_whitespace().collect();
    result(spec, &words).unwrap_or_else(|error| panic!("{error:?}"))
}

/// What stands on stderr after the line `400 Parameter verification failed.` and before the usage line.
fn told(spec: &VerbSpec, words: &[&str]) -> String {
    let errors = result(spec, words).unwrap_err().without_hints();
    let (text, _) = Failure::Params(errors).tell(Some(spec));
    let text = text.strip_prefix("400 Parameter verification failed.\n").unwrap_or(&text).to_owned();
    let usage = format!("pct {} ", spec.name);
    text.split(&usage).next().unwrap_or_default().to_owned()
}

#[test]
fn people_are_told_what_a_key_takes() {
    let errors = result(&set::VERB.spec, &["100", "--memory", "15", "--net0", "name=a,mtu=9k"]).unwrap_err();
    assert_eq!(
        errors.render("pct set"),
        "400 Parameter verification failed.\n\
         memory: value must have a minimum value of 16\n\
         net0: invalid format - format error\n\
         net0.mtu: type check ('integer') failed - got '9k'\n\n\
         \x20 memory takes a whole number of at least 16, in MiB\n\
         \x20 net0: mtu takes a whole number from 64 to 65535\n\
         pct set\n"
    );
}

#[test]
fn vmids() {
    let row = |word| told(&start::VERB.spec, &[word]);
    assert_eq!(row("abc"), "vmid: type check ('integer') failed - got 'abc'\n");
    for word in ["12", "0100", "1000000000", "99", "+100"] {
        assert_eq!(row(word), "vmid: invalid format - value does not look like a valid VM ID\n\n", "{word}");
    }
    assert_eq!(args(&start::VERB.spec, "100").vmid().unwrap().get(), 100);
}

#[test]
fn of_many_vmids_each_is_checked_and_counts_once() {
    let spec = &list::VERB.spec;
    let numbers = |words| args(spec, words).vmids().unwrap().into_iter().map(u32::from).collect::<Vec<_>>();
    assert_eq!(numbers("102 100 102 --output-format json 101"), [102, 100, 101]);
    assert!(numbers("").is_empty());
    assert_eq!(
        told(spec, &["100", "x", "12"]),
        "vmid: type check ('integer') failed - got 'x'\\n\
         invalid format - value does not look like a valid VM ID\n\n"
    );
}

#[test]
fn each_check_has_its_text() {
    let long = "a".repeat(8193);
    for (option, value, text) in [
        ("cores", "8193", "value must have a maximum value of 8192"),
        ("cores", "0", "value must have a minimum value of 1"),
        ("cores", "x", "type check ('integer') failed - got 'x'"),
        ("cores", "1.5", "type check ('integer') failed - got '1.5'"),
        ("cores", "99999999999999999999999999", "value must have a maximum value of 8192"),
        ("memory", "15", "value must have a minimum value of 16"),
        ("memory", "", "type check ('integer') failed - got ''"),
        ("cpulimit", "8193", "value must have a maximum value of 8192"),
        ("cpulimit", "-1", "value must have a minimum value of 0"),
        ("cpulimit", "1,5", "type check ('number') failed - got '1,5'"),
        ("swap", "-1", "value must have a minimum value of 0"),
        ("hostname", "Bad_Name", "invalid format - value does not look like a valid DNS name\n"),
        ("hostname", "-x", "invalid format - value does not look like a valid DNS name\n"),
        ("searchdomain", "bad_dom!", "invalid format - value does not look like a valid DNS name\n"),
        ("tags", "-x", "invalid format - invalid characters in tag\n"),
        ("description", &long, "value may only be 8192 characters long"),
        ("password", "abcd", "value must be at least 5 characters long"),
        ("entrypoint", "", "value does not match the regex pattern"),
        ("entrypoint", "a\nb", "value does not match the regex pattern"),
        ("env", "bad", "value does not match the regex pattern"),
        ("storage", "x", "invalid format - storage ID 'x' cannot be shorter than 2 characters\n"),
        ("cmode", "x", "value 'x' does not have a value in the enumeration 'shell, console, tty'"),
        (
            "ostype",
            "windows",
            "value 'windows' does not have a value in the enumeration 'debian, devuan, ubuntu, centos, fedora, \
             opensuse, archlinux, alpine, gentoo, nixos, unmanaged'",
        ),
        (
            "lock",
            "x",
            "value 'x' does not have a value in the enumeration 'backup, create, destroyed, disk, fstrim, migrate, \
             mounted, rollback, snapshot, snapshot-delete'",
        ),
    ] {
        let words = ["100", "t", &format!("--{option}"), value];
        assert_eq!(told(&create::VERB.spec, &words), format!("{option}: {text}\n"), "{option} {value:.20}");
    }
}

#[test]
fn what_is_right_passes() {
    for (option, value) in [
        ("cores", "+8"),
        ("memory", "0512"),
        ("cpulimit", "1."),
        ("cpulimit", ".5"),
        ("cpulimit", "5e-1"),
        ("swap", "0"),
        ("bwlimit", "0"),
        ("hostname", "a.b-c"),
        ("tags", "a;b c"),
        ("tags", ""),
        ("description", ""),
        ("password", "$6$abc"),
        ("env", "A=1\u{0}B=2"),
        ("output", "x"),
    ] {
        let words = ["100", "t", &format!("--{option}"), value];
        match result(&create::VERB.spec, &words) {
            Ok(args) => assert_eq!(args.text(option), Some(value)),
            Err(error) => assert_eq!(error.diagnostics, ["Unknown option: output"], "{option} {value}"),
        }
    }
}

#[test]
fn numbers_are_what_the_original_takes_for_numbers() {
    for (text, integer, number) in [
        ("1", true, true),
        ("+1", true, true),
        ("-1", true, true),
        ("007", true, true),
        ("1.5", false, true),
        ("1.", false, true),
        (".5", false, true),
        ("1e3", false, true),
        ("-1.5E+10", false, true),
        ("", false, false),
        ("+", false, false),
        (".", false, false),
        ("1e", false, false),
        ("1e1.5", false, false),
        ("1.2.3", false, false),
        ("0x10", false, false),
        ("inf", false, false),
        ("NaN", false, false),
        (" 1", false, false),
        ("--1", false, false),
    ] {
        assert_eq!((is_integer(text), is_number(text)), (integer, number), "{text:?}");
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let text = told(&create::VERB.spec, &["12", "t", "--memory", "15", "--cpuunits", "500001"]);
    assert_eq!(
        text,
        "cpuunits: value must have a maximum value of 500000\nmemory: value must have a minimum value of 16\n\
         vmid: invalid format - value does not look like a valid VM ID\n\n"
    );
}

#[test]
fn an_option_may_require_another() {
    assert_eq!(
        told(&create::VERB.spec, &["100", "t", "--unique"]),
        "restore: missing property required by 'unique'\n"
    );
    assert!(result(&create::VERB.spec, &["100", "t", "--unique", "--restore"]).is_ok());
}

#[test]
fn an_escape_key_is_one_letter() {
    assert_eq!(
        told(&console::VERB.spec, &["100", "--escape", "^A"]),
        "escape: value does not match the regex pattern\n"
    );
    assert!(result(&console::VERB.spec, &["100", "--escape", "^b"]).is_ok());
}

#[test]
fn a_snapshot_name_is_checked() {
    let long = format!("a{}", "b".repeat(40));
    assert_eq!(
        told(&config::VERB.spec, &["100", "--snapshot", "1x"]),
        "snapshot: invalid format - invalid configuration ID '1x'\n\n"
    );
    assert_eq!(
        told(&config::VERB.spec, &["100", "--snapshot", &long]),
        "snapshot: value may only be 40 characters long\n"
    );
}

#[test]
fn an_output_format_has_one_spelling() {
    assert_eq!(
        told(&config::VERB.spec, &["100", "--output-format", "JSON"]),
        "output-format: value 'JSON' does not have a value in the enumeration 'text, json, json-pretty, yaml'\n"
    );
}

#[test]
fn a_password_that_is_to_be_asked_for_passes() {
    assert_eq!(args(&create::VERB.spec, "100 t --password").text("password"), Some(""));
}

#[test]
fn what_is_not_text_is_refused() {
    let words = ["100".into(), "t".into(), "--hostname".into(), OsString::from_vec(vec![b'a', 0xff])];
    let errors = argv::parse(&create::VERB.spec, &words, Dialect::Permuting)
        .and_then(|parsed| check(&create::VERB.spec, parsed));
    let (name, text) = errors.unwrap_err().params.remove(0);
    assert_eq!((name.as_str(), text.as_str()), ("hostname", "value is not valid UTF-8 - got 'a\u{fffd}'"));
}

#[test]
fn config_options_are_told_from_the_others() {
    let args =
        args(&create::VERB.spec, "100 t --net0 name=eth0 --memory 64 --storage local --start --mp1 a,mp=/b");
    let pairs = args.config();
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["memory", "mp1", "net0"]);
    assert!(args.is_set("start"));
}

#[test]
fn a_volume_is_one_of_an_enumeration() {
    for good in ["rootfs", "mp0", "mp255"] {
        assert!(result(&fsck::VERB.spec, &["100", "--device", good]).is_ok(), "{good}");
    }
    for bad in ["mp256", "mp00", "mp", "unused0", ""] {
        let told = told(&fsck::VERB.spec, &["100", "--device", bad]);
        let begin =
            format!("device: value '{bad}' does not have a value in the enumeration 'rootfs, mp0, mp1, ");
        assert!(told.starts_with(&begin) && told.ends_with(", mp254, mp255'\n"), "{told}");
    }
}
