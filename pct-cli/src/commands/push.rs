//! `pct push`

use std::{ffi::OsStr, io, os::fd::AsFd as _};

use super::{Verb, open};
use crate::{
    check::Args,
    door::{CopyOptions, HostFile},
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(super) const USER: Param = Param::new(
    "user",
    Kind::Text,
    "Give the file to this user, by name or number on the side where it is made.",
);
pub(super) const GROUP: Param = Param::new(
    "group",
    Kind::Text,
    "Give the file to this group, by name or number on the side where it is made.",
);
pub(super) const PERMS: Param =
    Param::new("perms", Kind::Text, "The file's permissions: octal, or hexadecimal with 0x in front.");

pub(super) const RECURSIVE: Param = Param::new(
    "recursive",
    Kind::Bool,
    "Copy a folder with all that is in it; what is in the folder of that name already stays.",
)
.ours();
pub(super) const R: Param = Param::new("r", Kind::Bool, "The same as --recursive.").ours();

/// In the place of a file of the host: a standard stream.
const STREAM: &str = "-";

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "push",
        group: Group::Access,
        about: "Copy a file into a running container.",
        positionals: &[
            VMID.candidates(Candidates::Running),
            Param::new("file", Kind::Text, "The file of the host; - is standard input.").required(),
            Param::new("destination", Kind::Text, "Where it goes in the container.").required(),
        ],
        options: &[USER, GROUP, PERMS, RECURSIVE, R],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let options = options(args)?;
    let (file, destination) = (word(args, "file"), word(args, "destination"));
    let pct = open()?;
    let stdin = io::stdin();
    let from = host_file(file).unwrap_or(HostFile::Open(stdin.as_fd()));
    task::run(|progress| pct.container(vmid).push(from, destination, &options, progress))
}

/// A required positional.
pub(super) fn word<'a>(args: &'a Args, name: &str) -> &'a str {
    args.text(name).unwrap_or_default()
}

/// A file of the host; `None` for a standard stream.
pub(super) fn host_file(word: &str) -> Option<HostFile<'_>> {
    (word != STREAM).then(|| HostFile::Path(OsStr::new(word).as_ref()))
}

/// Owner and mode, shared by `push` and `pull`.
pub(super) fn options(args: &Args) -> Result<CopyOptions, Failure> {
    let text = |name| args.text(name).map(str::to_owned);
    let invalid = |perms: &str| Failure::Message(format!("invalid mode: '{perms}'"));
    let mode = args.text("perms").map(|perms| mode(perms).ok_or_else(|| invalid(perms))).transpose()?;
    let recursive = args.is_set("recursive") || args.is_set("r");
    let mut options = CopyOptions::default().mode(mode).recursive(recursive);
    (options.user, options.group) = (text("user"), text("group"));
    Ok(options)
}

/// Octal with or without a leading zero, hexadecimal behind `0x` (strtoul(3), base 0). Bits that are no permissions
/// have no meaning, as in chmod(2).
fn mode(text: &str) -> Option<u32> {
    let zero_first = if text.starts_with('0') { text.to_owned() } else { format!("0{text}") };
    let (digits, radix) = match zero_first.strip_prefix("0x").or_else(|| zero_first.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (zero_first.as_str(), 8),
    };
    let has_sign = digits.starts_with('+');
    u64::from_str_radix(digits, radix).ok().filter(|_| !has_sign).map(|bits| (bits & 0o7777) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal_unless_they_say_otherwise() {
        for (text, bits) in [
            ("644", 0o644),
            ("0644", 0o644),
            ("4755", 0o4755),
            ("0x1ff", 0o777),
            ("x1ff", 0o777),
            ("0X1A4", 0o644),
            ("0", 0),
            ("", 0),
            ("100600", 0o600),
        ] {
            assert_eq!(mode(text), Some(bits), "{text}");
        }
        for text in
            ["u+x", "648", "0x", "0xg", "-1", "+644", "0x+1", " 644", "644 ", "99999999999999999999999"]
        {
            assert_eq!(mode(text), None, "{text}");
        }
    }
}
