//! The call shapes of the specification (cli, part 1.3) and of real scripts (users, part 5.1), row by row.

use std::os::unix::ffi::OsStringExt as _;

use super::*;
use crate::commands::{config, create, destroy, exec, help, list, start, status};

/// Words are parted by blanks; `''` is an empty word.
fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(|word| if word == "''" { "".into() } else { word.into() }).collect()
}

/// What a line means: `name=value` sorted by name, then the extra words after a bar; or the error.
fn read(spec: &VerbSpec, line: &str, dialect: Dialect) -> String {
    match parse(spec, &words(line), dialect) {
        Ok(parsed) => {
            let text = |word: &OsString| word.to_string_lossy().into_owned();
            let values: Vec<_> =
                parsed.values.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
            let extra: Vec<_> = parsed.extra.iter().map(text).collect();
            if spec.extra_args || !extra.is_empty() {
                format!("{} | {}", values.join(" "), extra.join(" ")).trim().to_owned()
            } else {
                values.join(" ")
            }
        }
        Err(errors) => {
            let mut lines = errors.diagnostics;
            lines.push(format!("400 {}", errors.message));
            lines.extend(errors.params.iter().map(|(name, text)| format!("{name}: {text}")));
            lines.join("\n")
        }
    }
}

#[track_caller]
fn rows(spec: &VerbSpec, rows: &[(&str, &str)]) {
    for (line, expected) in rows {
        assert_eq!(read(spec, line, Dialect::Permuting), *expected, "pct {} {line}", spec.name);
    }
}

#[test]
fn one_dash_or_two_a_word_or_a_sign() {
    rows(
        &create::VERB.spec,
        &[
            ("100 t --memory 512", "memory=512 ostemplate=t vmid=100"),
            ("100 t -memory 512", "memory=512 ostemplate=t vmid=100"),
            ("100 t --memory=512", "memory=512 ostemplate=t vmid=100"),
            ("100 t -memory=512", "memory=512 ostemplate=t vmid=100"),
            ("100 t --hostname=a=b", "hostname=a=b ostemplate=t vmid=100"),
            (
                "100 t -searchdomain=x.y -nameserver=1.1.1.1",
                "nameserver=1.1.1.1 ostemplate=t searchdomain=x.y vmid=100",
            ),
            ("100 t ---memory 5", "Unknown option: -memory\n400 unable to parse option"),
            ("100 t --=x", "Unknown option: =x\n400 unable to parse option"),
        ],
    );
}

#[test]
fn options_stand_before_between_and_after_positionals() {
    for line in ["--memory 64 100 t", "100 --memory 64 t", "100 t --memory 64"] {
        rows(&create::VERB.spec, &[(line, "memory=64 ostemplate=t vmid=100")]);
    }
}

#[test]
fn two_dashes_end_the_options() {
    rows(
        &create::VERB.spec,
        &[
            ("--memory 64 -- 100 t", "memory=64 ostemplate=t vmid=100"),
            ("-- 100 -t", "ostemplate=-t vmid=100"),
            ("100 -- --", "ostemplate=-- vmid=100"),
            ("100 -", "ostemplate=- vmid=100"),
        ],
    );
}

#[test]
fn names_are_matched_without_case_and_by_unique_prefix() {
    rows(
        &create::VERB.spec,
        &[
            ("100 t --NET0 x", "net0=x ostemplate=t vmid=100"),
            ("100 t --Mem 64", "memory=64 ostemplate=t vmid=100"),
            ("100 t --dev1 x --dev10 y", "dev1=x dev10=y ostemplate=t vmid=100"),
            ("100 t --mp255 x", "mp255=x ostemplate=t vmid=100"),
            ("100 t --mp256 x", "Unknown option: mp256\n400 unable to parse option"),
            ("100 t --mp01 x", "Unknown option: mp01\n400 unable to parse option"),
            ("100 t --net32 x", "Unknown option: net32\n400 unable to parse option"),
            ("100 t --node x", "Unknown option: node\n400 unable to parse option"),
            ("100 t --unpriv 1", "ostemplate=t unprivileged=1 vmid=100"),
            ("100 t --sta", "Option sta is ambiguous (start, startup)\n400 unable to parse option"),
            ("100 t --start", "ostemplate=t start=1 vmid=100"),
            ("100 t --mp2 x", "mp2=x ostemplate=t vmid=100"),
            ("100 t --f", "Option f is ambiguous (features, force)\n400 unable to parse option"),
            ("100 t --cor 2", "cores=2 ostemplate=t vmid=100"),
        ],
    );
    let net = read(&create::VERB.spec, "100 t --net x", Dialect::Permuting);
    assert!(net.starts_with("Option net is ambiguous (net0, net1, net10, net11, "), "{net}");
    assert!(net.ends_with(", net8, net9)\n400 unable to parse option"), "{net}");
    assert_eq!(net.matches("net").count(), 33);
}

#[test]
fn options_of_ours_need_their_whole_name() {
    rows(
        &list::VERB.spec,
        &[
            ("--output-format json", "output-format=json"),
            ("-output-format=json", "output-format=json"),
            ("--output json", "Unknown option: output\n400 unable to parse option"),
        ],
    );
}

#[test]
fn a_mandatory_value_is_the_next_word_whatever_it_is() {
    rows(
        &create::VERB.spec,
        &[
            ("100 t --description --foo", "description=--foo ostemplate=t vmid=100"),
            ("100 t --description --", "description=-- ostemplate=t vmid=100"),
            ("100 t --memory -5", "memory=-5 ostemplate=t vmid=100"),
            ("100 t --description ''", "description= ostemplate=t vmid=100"),
            ("100 t --description=", "Option description requires an argument\n400 unable to parse option"),
            ("100 t --desc", "Option description requires an argument\n400 unable to parse option"),
        ],
    );
}

#[test]
fn booleans_and_passwords_take_a_value_that_looks_like_one() {
    rows(
        &start::VERB.spec,
        &[
            ("100 --skiplock", "skiplock=1 vmid=100"),
            ("100 --skiplock=1", "skiplock=1 vmid=100"),
            ("--skiplock 1 100", "skiplock=1 vmid=100"),
            ("--skiplock 100", "400 not enough arguments"),
            ("100 --skiplock --debug", "debug=1 skiplock=1 vmid=100"),
            ("100 --skiplock=", "skiplock=1 vmid=100"),
            ("100 --skiplock ''", "skiplock=1 vmid=100"),
            ("--skiplock -- 100", "skiplock=1 vmid=100"),
            ("100 --skiplock -", "400 unable to parse boolean option\nskiplock: '-' is neither yes nor no"),
            ("100 --no-skiplock", "Unknown option: no-skiplock\n400 unable to parse option"),
        ],
    );
    rows(
        &create::VERB.spec,
        &[
            ("100 t --password", "ostemplate=t password= vmid=100"),
            ("100 t --password secret", "ostemplate=t password=secret vmid=100"),
            ("100 t --password --start", "ostemplate=t password= start=1 vmid=100"),
            ("100 t -password=-x", "ostemplate=t password=-x vmid=100"),
        ],
    );
    rows(
        &help::VERB.spec,
        &[
            (
                "--verbose status",
                "400 unable to parse boolean option\nverbose: 'status' is neither yes nor no",
            ),
            ("--verbose 0 status", "verbose=0 | status"),
            ("status --verbose", "verbose=1 | status"),
            ("", "|"),
        ],
    );
}

#[test]
fn truth_has_several_spellings() {
    for (spellings, value) in
        [(["1", "on", "YES", "True"], "debug=1 vmid=100"), (["0", "Off", "no", "FALSE"], "debug=0 vmid=100")]
    {
        for spelling in spellings {
            rows(&start::VERB.spec, &[(&format!("100 --debug {spelling}"), value)]);
        }
    }
    rows(
        &start::VERB.spec,
        &[("100 --debug maybe", "400 unable to parse boolean option\ndebug: 'maybe' is neither yes nor no")],
    );
}

#[test]
fn repeated_options() {
    rows(
        &create::VERB.spec,
        &[
            ("100 t --cores 0 --cores 8192", "cores=8192 ostemplate=t vmid=100"),
            ("100 t --tags a --tags b;c --TAGS d", "ostemplate=t tags=a,b;c,d vmid=100"),
            ("100 t --nameserver 1.1.1.1 -names 8.8.8.8", "nameserver=1.1.1.1,8.8.8.8 ostemplate=t vmid=100"),
            ("100 t --start 0 --start", "ostemplate=t start=1 vmid=100"),
        ],
    );
}

#[test]
fn all_bad_options_are_told() {
    rows(
        &create::VERB.spec,
        &[(
            "100 t --bad --sta 1 -worse --memory",
            "Unknown option: bad\nOption sta is ambiguous (start, startup)\nUnknown option: worse\n\
             Option memory requires an argument\n400 unable to parse option",
        )],
    );
}

#[test]
fn positionals_are_bound_in_order_and_counted() {
    rows(
        &create::VERB.spec,
        &[
            ("", "400 not enough arguments"),
            ("100", "400 not enough arguments"),
            ("--vmid 100 --ostemplate t", "400 not enough arguments"),
            ("100 t x", "400 too many arguments"),
            ("--vmid 7 100 t", "ostemplate=t vmid=100"),
        ],
    );
    rows(&config::VERB.spec, &[("--vmid 100", "400 not enough arguments"), ("abc", "vmid=abc")]);
    rows(&list::VERB.spec, &[("", ""), ("100 101 102", "vmid=100 | 101 102"), ("--vmid 100", "vmid=100")]);
    rows(
        &status::VERB.spec,
        &[
            ("100 --v", "Option v is ambiguous (verbose, vmid)\n400 unable to parse option"),
            ("100 --verb 1 101", "verbose=1 vmid=100 | 101"),
            ("", "400 not enough arguments"),
        ],
    );
}

#[test]
fn commands_for_inside() {
    rows(
        &exec::VERB.spec,
        &[
            ("100 -- cmd -x", "vmid=100 | cmd -x"),
            ("100 cmd -x", "Unknown option: x\n400 unable to parse option"),
            ("100 -- ls -- -l", "vmid=100 | ls -- -l"),
            ("100 ip a s dev eth0", "vmid=100 | ip a s dev eth0"),
            ("-- 100 ls -l", "vmid=100 | ls -l"),
            ("100", "vmid=100 |"),
            ("", "400 not enough arguments"),
            ("100 ls -l -a", "Unknown option: l\nUnknown option: a\n400 unable to parse option"),
            ("100 sh -c true", "Unknown option: c\n400 unable to parse option"),
            ("100 --keep-env 0 -- env A=1", "keep-env=0 vmid=100 | env A=1"),
        ],
    );
}

#[test]
fn the_create_command_of_the_community_scripts() {
    rows(
        &create::VERB.spec,
        &[(
            "105 local:vztmpl/debian-12.tar.zst -features nesting=1,keyctl=1 -hostname H -tags a;b -searchdomain=x.y \
             -nameserver=1.1.1.1 -net0 name=eth0,bridge=vmbr0,ip=dhcp -onboot 1 -cores 2 -memory 512 -unprivileged 1 \
             -timezone host -password x-y!z -rootfs local:4",
            "cores=2 features=nesting=1,keyctl=1 hostname=H memory=512 nameserver=1.1.1.1 \
             net0=name=eth0,bridge=vmbr0,ip=dhcp onboot=1 ostemplate=local:vztmpl/debian-12.tar.zst password=x-y!z \
             rootfs=local:4 searchdomain=x.y tags=a;b timezone=host unprivileged=1 vmid=105",
        )],
    );
    rows(
        &destroy::VERB.spec,
        &[("100 -f", "force=1 vmid=100"), ("100 --f --p 1", "force=1 purge=1 vmid=100")],
    );
}

#[test]
fn posixly_correct_stops_at_the_first_word() {
    let read = |spec, line| read(spec, line, Dialect::Posix);
    assert_eq!(read(&exec::VERB.spec, "100 ls -l"), "vmid=100 | ls -l");
    assert_eq!(read(&exec::VERB.spec, "-keep-env 0 100 ls -l"), "keep-env=0 vmid=100 | ls -l");
    assert_eq!(read(&create::VERB.spec, "--memory=5 100 t"), "memory=5 ostemplate=t vmid=100");
    assert_eq!(
        read(&create::VERB.spec, "-memory=5 100 t"),
        "Unknown option: memory=5\n400 unable to parse option"
    );
    assert_eq!(read(&create::VERB.spec, "100 t --memory 5"), "400 too many arguments");
}

#[test]
fn words_that_are_not_text_pass_through_to_the_command_inside() {
    let odd = OsString::from_vec(vec![b'a', 0xff, b'b']);
    let parsed = parse(&exec::VERB.spec, &["100".into(), odd.clone()], Dialect::Permuting).unwrap();
    assert_eq!(parsed.extra, [odd]);
    let odd = OsString::from_vec(vec![b'-', 0xff]);
    let errors = parse(&exec::VERB.spec, &["100".into(), odd], Dialect::Permuting).unwrap_err();
    assert_eq!(errors.diagnostics, ["Unknown option: \u{fffd}"]);
}

/// Whether a line asks for help.
fn helps(spec: &VerbSpec, line: &str, dialect: Dialect) -> bool {
    scan(spec, &words(line), dialect).help
}

#[test]
fn help_is_an_option_of_every_verb_and_wins_over_all_else() {
    for verb in crate::commands::all() {
        for line in ["--help", "-help", "--help x y z", "x --help", "--nonsense --help"] {
            assert!(helps(&verb.spec, line, Dialect::Permuting), "pct {} {line}", verb.spec.name);
        }
    }
    assert!(helps(&start::VERB.spec, "100 --skiplock --help", Dialect::Permuting), "no value of a boolean");
    assert!(helps(&create::VERB.spec, "100 t --password --help", Dialect::Permuting));
}

#[test]
fn help_has_no_abbreviation_no_value_and_no_power_over_words_of_others() {
    rows(
        &create::VERB.spec,
        &[
            ("100 t --description --help", "description=--help ostemplate=t vmid=100"),
            ("100 -- --help", "ostemplate=--help vmid=100"),
            ("100 t --hel", "Unknown option: hel\n400 unable to parse option"),
            ("100 t --HELP", "Unknown option: HELP\n400 unable to parse option"),
            ("100 t --help=1", "Unknown option: help\n400 unable to parse option"),
        ],
    );
    rows(&exec::VERB.spec, &[("100 -- ls --help", "vmid=100 | ls --help")]);
    assert!(!helps(&exec::VERB.spec, "100 ls --help", Dialect::Posix));
    assert!(helps(&exec::VERB.spec, "--help 100 ls", Dialect::Posix));
}
