//! The program as a whole: what arrives on which stream, and the exit status.

use std::{
    fs,
    io::Read as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::PathBuf,
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
        let start = format!("ERROR: {reason}\nUSAGE: pct <COMMAND> [ARGS] [OPTIONS]\n\n       pct create ");
        assert!(stderr.starts_with(&start), "{stderr}");
    }
}

#[test]
fn errors_in_parameters_are_400_with_the_usage_line() {
    for (words, expected) in [
        (&["list", "x"][..], "400 too many arguments\npct list \n"),
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

#[test]
fn only_what_changes_or_enters_needs_root() {
    if !rustix::process::geteuid().is_root() {
        assert_ne!(std::env::var("PCT_E2E").as_deref(), Ok("require"), "needs root");
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
    }
    assert_eq!(nobody(&["help", "--verbose", "0", "start"]).0, 0);
    for verb in ["status", "config"] {
        assert!(nobody(&[verb]).2.starts_with("400 not enough arguments\n"), "{verb}");
    }
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
