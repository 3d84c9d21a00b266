//! The program as a whole: what arrives on which stream, and the exit status.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Read as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn pct(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pct"));
    command.args(words).env_remove("POSIXLY_CORRECT").stdin(Stdio::null());
    command
}

/// Exit status, stdout, stderr.
fn run(words: &[&str]) -> (i32, String, String) {
    pct(words).output().map(told).unwrap_or_else(|error| (-1, String::new(), error.to_string()))
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn errors_of_the_dispatcher() {
    for (words, reason) in [
        (&[][..], "no command specified"),
        (&["--help"], "unknown command 'pct --help'"),
        (&["nonsense", "100"], "unknown command 'pct nonsense'"),
        (&["d", "100"], "incomplete command 'pct d'"),
        (&["help", "nonsense"], "unknown command 'nonsense'"),
    ] {
        let (status, stdout, stderr) = run(words);
        assert_eq!((status, stdout.as_str()), (255, ""), "{words:?}");
        let start = format!("ERROR: {reason}\nUSAGE: pct <COMMAND> [ARGS] [OPTIONS]\n\n       pct clone ");
        assert!(stderr.starts_with(&start), "{stderr}");
    }
}

#[test]
fn errors_in_parameters_are_400_with_the_usage_line() {
    for (words, expected) in [
        (
            &["list", "x"][..],
            "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'x'\npct list \n",
        ),
        (&["status"], "400 not enough arguments\npct status <vmid> [OPTIONS]\n"),
        (
            &["config", "abc"],
            "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'abc'\n\
             pct config <vmid> [OPTIONS]\n",
        ),
        (
            &["stat", "12"],
            "400 Parameter verification failed.\n\
             vmid: invalid format - value does not look like a valid VM ID\n\npct status <vmid> [OPTIONS]\n",
        ),
        (
            &["config", "100", "--current", "1", "--snap"],
            "Option snapshot requires an argument\n400 unable to parse option\npct config <vmid> [OPTIONS]\n",
        ),
        (&["list", "--verbose"], "Unknown option: verbose\n400 unable to parse option\npct list \n"),
    ] {
        assert_eq!(run(words), (255, String::new(), expected.to_owned()), "{words:?}");
    }
}

/// What the help says changes on purpose only: `PCT_SNAPSHOTS=write` takes the new text over.
#[test]
fn the_help_is_what_it_was() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/help.txt");
    let (status, stdout, stderr) = run(&["help"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    if std::env::var("PCT_SNAPSHOTS").is_ok_and(|what| what == "write") {
        fs::write(&path, &stdout).unwrap();
    }
    assert!(stdout == fs::read_to_string(&path).unwrap(), "the help has changed:\n{stdout}");
}

/// The verbs that the short help lists.
fn verbs() -> Vec<String> {
    let (_, lines, _) = run(&["help", "--verbose", "0"]);
    lines.lines().filter_map(|line| Some(line.split_once("pct ")?.1.split(' ').next()?.to_owned())).collect()
}

#[test]
fn help_of_a_verb_is_an_option_of_the_verb() {
    let verbs = verbs();
    assert!(verbs.contains(&"create".to_owned()) && verbs.contains(&"help".to_owned()), "{verbs:?}");
    for verb in &verbs {
        let help = run(&["help", verb]);
        assert!(help.0 == 0 && help.1.starts_with(&format!("USAGE: pct {verb} ")), "{help:?}");
        assert_eq!(run(&[verb, "--help"]), help);
        assert_eq!(run(&[verb, "-help", "--nonsense"]), help, "all else is not looked at");
    }
    assert_eq!(
        run(&["status", "--hel"]),
        (
            255,
            String::new(),
            "Unknown option: hel\n400 unable to parse option\npct status <vmid> [OPTIONS]\n".to_owned()
        )
    );
}

#[test]
fn hidden_verbs_are_named_in_full_and_listed_nowhere() {
    assert_eq!(run(&["verifyapi"]), (0, String::new(), String::new()), "the tables are sound");
    assert_eq!(run(&["bashcomplete", "pct", "--help", "pct"]), (0, String::new(), String::new()));
    for hidden in ["bashcomplete", "verifyapi"] {
        assert!(!verbs().contains(&hidden.to_owned()));
        for (words, reason) in [
            (vec![&hidden[..hidden.len() - 1]], format!("'pct {}'", &hidden[..hidden.len() - 1])),
            (vec!["help", hidden], format!("'{hidden}'")),
        ] {
            let (status, _, stderr) = run(&words);
            assert_eq!(status, 255);
            assert!(stderr.starts_with(&format!("ERROR: unknown command {reason}\n")), "{stderr}");
            assert_eq!(stderr.matches(hidden).count(), reason.matches(hidden).count(), "{stderr}");
        }
    }
}

#[test]
fn only_what_changes_or_enters_needs_root() {
    if !rustix::process::geteuid().is_root() {
        let words = std::env::var("PCT_E2E").unwrap_or_default();
        assert!(words.split(' ').all(|word| word != "require"), "needs root");
        eprintln!("skipped: needs root");
        return;
    }
    // A copy in a place that everybody reaches.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("pct");
    fs::copy(env!("CARGO_BIN_EXE_pct"), &program).unwrap();
    let nobody = |words: &[&str]| loop {
        match Command::new(&program).args(words).uid(65534).gid(65534).stdin(Stdio::null()).output() {
            // A child of another test has the copy open for writing, until it executes its own program.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            other => break told(other.unwrap()),
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    for verb in
        ["create", "start", "stop", "shutdown", "reboot", "destroy", "unlock", "exec", "enter", "console"]
    {
        assert_eq!(nobody(&[verb]), (255, String::new(), "please run as root\n".to_owned()), "{verb}");
        assert_eq!(nobody(&[verb, "--help"]), run(&["help", verb]));
    }
    assert_eq!(nobody(&["help", "--verbose", "0", "start"]).0, 0);
    for hidden in ["bashcomplete", "verifyapi"] {
        assert_eq!(nobody(&[hidden]), (0, String::new(), String::new()), "{hidden}");
    }
    for verb in ["status", "config", "pending", "listsnapshot"] {
        assert!(nobody(&[verb]).2.starts_with("400 not enough arguments\n"), "{verb}");
    }
}

/// A root with containers from 100 on.
fn root_with(configs: &[&[u8]]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    for (vmid, config) in (100..).zip(configs) {
        fs::write(folder.join(format!("{vmid}.conf")), config).unwrap();
    }
    root
}

/// 100 is sound, the root file system of 101 and the processors of 102 cannot be read, 103 has odd bytes.
fn good_and_bad() -> tempfile::TempDir {
    root_with(&[
        b"hostname: web\nlock: backup\n",
        b"rootfs: local:1/x.raw,size=4X\n",
        b"cores: many\n",
        b"hostname: h\xF6st\n",
    ])
}

/// As [`run`], on another root.
fn run_on(root: &Path, words: &[&str]) -> (i32, String, String) {
    told(pct(words).env("PCT_ROOT", root).output().unwrap())
}

/// What each load of 101, 102 and 103 has to say.
const LOAD: [&str; 3] = [
    "vm 101 - unable to parse value of 'rootfs' - format error\nsize: invalid format - value does not look like a valid \
     disk size: 4X\n",
    "vm 102 - unable to parse value of 'cores' - type check ('integer') failed - got 'many'\n",
    "vm 103 - unable to parse value of 'hostname' - value does not look like a valid DNS name\n",
];
const BAD_ROOTFS: &str = "CT 101: unable to parse value of 'rootfs': format error\nsize: invalid format - \
                          value does not look like a valid disk size: 4X\n";
const BAD_CORES: &str =
    "CT 102: Result verification failed\ncores: type check ('number') failed - got 'many'\n";

#[test]
fn one_bad_config_never_hides_the_others_of_a_list() {
    let root = good_and_bad();
    let output = pct(&["list"]).env("PCT_ROOT", root.path()).output().unwrap();
    assert_eq!(
        output.stdout,
        b"VMID       Status     Lock         Name                \n\
          100        stopped    backup       web                 \n\
          103        stopped                 h\xF6st                \n"
    );
    let [load101, load102, load103] = LOAD;
    let expected = format!("{load101}{load102}{load103}{BAD_ROOTFS}{BAD_CORES}");
    assert_eq!((output.status.code(), told(output).2), (Some(255), expected));
    let list = |words: &[&str]| run_on(root.path(), words);
    assert_eq!(
        list(&["list", "100", "101", "100"]),
        (
            255,
            "VMID       Status     Lock         Name                \n\
             100        stopped    backup       web                 \n"
                .to_owned(),
            format!("{load101}{BAD_ROOTFS}")
        )
    );
    let (code, stdout, stderr) = list(&["list", "999", "101"]);
    assert_eq!((code, stdout.as_str()), (255, ""));
    assert!(stderr.contains(BAD_ROOTFS), "{stderr}");
    assert!(stderr.ends_with("/lxc/999.conf' does not exist\n"), "{stderr}");

    let (code, stdout, _) = list(&["list", "--output-format", "json", "101", "100"]);
    let fields: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &fields[0]["name"], &fields[1]["vmid"]), (255, &"web".into(), &101.into()));
    assert!(fields[1]["error"].as_str().unwrap().contains("disk size"), "{stdout}");
}

#[test]
fn the_state_of_several_containers_stands_line_by_line() {
    let root = good_and_bad();
    let status = |words: &[&str]| run_on(root.path(), &[&["status"], words].concat());
    let told = |text: &str| text.to_owned();
    assert_eq!(status(&["100"]), (0, told("status: stopped\n"), told("")));
    let [load101, load102, load103] = LOAD;
    assert_eq!(status(&["102"]), (0, told("status: stopped\n"), told(load102)));
    assert_eq!(
        status(&["103", "101", "100", "103"]),
        (255, told("103: stopped\n100: stopped\n"), format!("{load103}{load101}{BAD_ROOTFS}"))
    );
    let (code, stdout, _) = status(&["100", "102", "--verbose"]);
    let blocks: Vec<_> = stdout.split("\n\n").collect();
    assert_eq!((code, blocks.len()), (0, 2), "{stdout}");
    assert!(blocks[0].starts_with("cpus: ") && blocks[0].ends_with("\nvmid: 100"), "{stdout}");
    assert!(blocks[1].starts_with("cpus: ") && blocks[1].ends_with("\nvmid: 102\n"), "{stdout}");
    assert_eq!(blocks[0].to_owned() + "\n", status(&["100", "--verbose"]).1);

    let json = |words: &[&str]| {
        let (_, stdout, _) = status(&[words, &["--output-format", "json"]].concat());
        serde_json::from_str::<serde_json::Value>(&stdout).unwrap()
    };
    let one = json(&["100"]);
    assert_eq!(one["lock"], "backup");
    let both = json(&["101", "100"]);
    assert_eq!(both[0], one);
    assert!(both[1]["error"].is_string(), "{both}");
    assert_eq!(json(&["103"])["name"], "h\u{FFFD}st");
}

#[test]
fn snapshots_have_local_time() {
    let root = root_with(&[b"parent: aa\n\n[aa]\nsnaptime: 1750000000\n\n[bb]\nsnaptime: 99999999999999\n"]);
    for (zone, time) in [
        ("", "2025-06-15 15:06:40"),
        ("UTC", "2025-06-15 15:06:40"),
        ("XYZ-5:30", "2025-06-15 20:36:40"),
        ("EST5EDT,M3.2.0,M11.1.0", "2025-06-15 11:06:40"),
    ] {
        let mut command = pct(&["listsnapshot", "100"]);
        let output = command.env("PCT_ROOT", root.path()).env("TZ", zone).output().unwrap();
        let expected = format!(
            "`-> aa                          {time}     no-description\n \
              `-> current                                            You are here!\n\
             `-> bb                          99999999999999          no-description\n"
        );
        assert_eq!(told(output), (0, expected, String::new()), "{zone}");
    }
}

#[test]
fn the_schema_is_printed_whole_or_of_one_key() {
    let (status, whole, stderr) = run(&["schema"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(whole.starts_with("{\n  \"$schema\": \"https://json-schema.org/"), "{whole}");
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let (_, tty, _) = run(&["schema", "tty", "--output-format", "json"]);
    let tty: serde_json::Value = serde_json::from_str(&tty).unwrap();
    assert_eq!((&tty["title"], &tty["maximum"]), (&"tty".into(), &whole["properties"]["tty"]["maximum"]));
    assert!(run(&["schema", "net31", "--output-format", "yaml"]).1.contains("\ntitle: \"net[n]\"\n"));
    let unknown =
        "400 Parameter verification failed.\nkey: there is no key 'net32'\npct schema [<key>] [OPTIONS]\n";
    assert_eq!(run(&["schema", "net32"]), (255, String::new(), unknown.to_owned()));
    assert!(
        run(&["sche"]).2.starts_with("ERROR: unknown command 'pct sche'\n"),
        "ours are never abbreviated"
    );
}

#[test]
fn a_closed_pipe_ends_us_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (status, _, stderr) = told(pct(&["help"]).stdout(writer).stderr(Stdio::piped()).output().unwrap());
    assert_eq!((status, stderr.as_str()), (141, ""));
}

#[test]
fn a_full_disk_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let (status, _, stderr) = told(pct(&["help"]).stdout(full).stderr(Stdio::piped()).output().unwrap());
    assert_eq!(status, 255);
    assert!(stderr.starts_with("can't write to standard output - "), "{stderr}");
}

#[test]
fn a_closed_stderr_does_no_harm() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = pct(&["nonsense"]).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!((child.wait().unwrap().code(), stdout.as_str()), (Some(255), ""));
}

#[test]
fn posixly_correct_is_heeded() {
    let output = pct(&["config", "100", "--current", "1"]).env("POSIXLY_CORRECT", "").output().unwrap();
    assert_eq!(told(output).2, "400 too many arguments\npct config <vmid> [OPTIONS]\n");
}

/// A command on a root of its own.
fn in_root(root: &Path, words: &[&str]) -> Command {
    let mut command = pct(words);
    command.env("PCT_ROOT", root);
    command
}

#[test]
fn storages_and_their_volumes() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    fs::create_dir_all(root.join("etc/pct")).unwrap();
    fs::write(root.join("etc/pct/storage.cfg"), "dir: off\n\tpath /x\n\tdisable\n\npbs: far\n\tserver s\n")
        .unwrap();
    let run = |words: &[&str]| told(in_root(root, words).output().unwrap());
    let (status, stdout, stderr) = run(&["storage", "status"]);
    assert_eq!(status, 0, "{stderr}");
    let lines: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["Name", "Type", "Status", "Total", "(KiB)", "Used", "(KiB)", "Available", "(KiB)", "%"]
    );
    assert_eq!(lines[1], ["far", "pbs", "inactive", "0", "0", "0", "0.00%"]);
    assert_eq!(lines[2][..3], ["local", "dir", "active"]);
    assert_eq!(lines[3], ["off", "dir", "disabled", "0", "0", "0", "N/A"]);
    assert!(stderr.contains("storages of type 'pbs' are not supported"), "{stderr}");
    let (_, json, _) = run(&["storage", "status", "--storage", "local", "--output-format", "json"]);
    assert!(json.contains("\"active\":1") && json.contains("\"storage\":\"local\""), "{json}");

    let made = run(&["storage", "alloc", "local", "9001", "", "4M"]);
    assert_eq!(made.1, "successfully created 'local:9001/vm-9001-disk-0.raw'\n", "{}", made.2);
    let (status, _, stderr) = run(&["storage", "alloc", "local", "9001", "vm-9001-disk-7.raw", "4M"]);
    assert!(status != 0 && stderr.contains("'local:9001/vm-9001-disk-1.raw'"), "{stderr}");
    // By the original's name.
    let pvesm = root.join("pvesm");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pct"), &pvesm).unwrap();
    let listed = Command::new(&pvesm).args(["list", "local"]).env("PCT_ROOT", root).output().unwrap();
    let (_, stdout, stderr) = told(listed);
    let lines: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["Volid", "Format", "Type", "Size", "VMID"], "{stderr}");
    assert_eq!(lines[1..], [["local:9001/vm-9001-disk-0.raw", "raw", "images", "4194304", "9001"]]);
    let (_, path, _) = run(&["storage", "path", "local:9001/vm-9001-disk-0.raw"]);
    assert_eq!(Path::new(path.trim_end()), root.join("var/lib/pct/storage/images/9001/vm-9001-disk-0.raw"));
    assert_eq!(run(&["storage", "free", "local:9001/vm-9001-disk-0.raw"]).0, 0);
    assert!(run(&["storage", "path", "local:9001/vm-9001-disk-0.raw"]).0 != 0);
    let (status, _, stderr) = run(&["storage", "path"]);
    assert!(status != 0 && stderr.contains("'path' takes <volume>"), "{stderr}");
}

#[test]
fn storages_are_written_down_changed_and_taken_out() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let cfg = temp.path().join("etc/pct/storage.cfg");
    let run = |words: &str| {
        let words: Vec<_> = ["storage"].into_iter().chain(words.split(' ')).collect();
        told(in_root(temp.path(), &words).output().unwrap())
    };
    let done = |words: &str, text: &str| {
        assert_eq!(run(words), (0, String::new(), String::new()), "{words}");
        assert_eq!(fs::read_to_string(&cfg).unwrap(), text, "{words}");
    };
    done(
        "add nfs files --server 10.0.0.5 --export /srv --content vztmpl,rootdir --disable",
        "nfs: files\n\tdisable\n\texport /srv\n\tserver 10.0.0.5\n\tcontent rootdir,vztmpl\n\n",
    );
    let changed =
        "nfs: files\n\texport /srv\n\tserver 10.0.0.6\n\tcontent rootdir,vztmpl\n\toptions vers=4.2\n\n";
    done("set files --server 10.0.0.6 --options vers=4.2 --delete disable", changed);
    for (words, why) in [
        ("add dir data", "storage 'data': it needs a 'path'"),
        ("add dir data --path data", "option 'path': 'data' is no absolute path"),
        ("add dir data --path /data --vgname vg", "a storage of type 'dir' has no option 'vgname'"),
        ("add dir data --path /data --content rootdir,funny", "a storage of type 'dir' has no content funny"),
        ("add dir data --path /data --preallocation some", "preallocation: value 'some' does not have"),
        ("add dir data --path /data --nonsense 1", "Unknown option: nonsense"),
        ("add dir data --path /data --delete nodes", "delete: only with 'set'"),
        ("add nothing data", "there is no type 'nothing'"),
        ("add dir files --path /data", "storage 'files' is there already"),
        ("add dir", "'add' takes <type> <storage>"),
        ("add cifs c1 --server s --share x --password SECRET", "it stays in a file of its own"),
        ("set files --delete server", "it needs a 'server'"),
        ("set files --delete vgname", "has no option 'vgname'"),
        ("set nowhere --disable 1", "storage 'nowhere' does not exist"),
        ("set files", "no options specified"),
        ("remove nowhere", "storage 'nowhere' does not exist"),
        ("status --path /x", "path: only with 'add' and 'set'"),
        ("list local --content iso", "content: 'iso' is not one of rootdir, images, vztmpl"),
    ] {
        let (status, stdout, stderr) = run(words);
        assert!(status != 0 && stdout.is_empty() && stderr.contains(why), "{words}: {stderr}");
        assert_eq!(fs::read_to_string(&cfg).unwrap(), changed, "{words}");
    }
    done("remove files", "");
}
