//! `pct storage export` and `import`

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, IsTerminal},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
};

use super::parse;
use crate::{
    check::Args,
    door::{ExportOptions, ImportOptions, Pct, StreamFormat},
    exit::Exit,
    failure::{Failure, ParamErrors},
    output,
    spec::{Kind, Param},
    task,
};

pub(super) const ALLOW_RENAME: Param = Param::new(
    "allow-rename",
    Kind::Bool,
    "With 'import': take a free name where a volume has the given one.",
)
.default("0")
.ours();
pub(super) const DELETE_SNAPSHOT: Param =
    Param::new("delete-snapshot", Kind::Text, "With 'import': the snapshot to remove when all has arrived.")
        .ours();
pub(super) const SNAPSHOT: Param = Param::new(
    "snapshot",
    Kind::Text,
    "With 'export': the snapshot to write; with 'import': of several in a stream that which the volume will hold.",
)
.ours();
pub(super) const WITH_SNAPSHOTS: Param = Param::new(
    "with-snapshots",
    Kind::Bool,
    "With 'export': write the older snapshots, too, down to that of --base; with 'import' the stream itself says it.",
)
.default("0")
.ours();

/// The name of a file that means a standard stream.
const STANDARD: &str = "-";

fn format(word: &str) -> Result<StreamFormat, ParamErrors> {
    word.parse().map_err(|e| ParamErrors::one("argument", &format!("{e}")))
}

fn cannot(what: &str, file: &str, error: &io::Error) -> Failure {
    Failure::Message(format!("cannot {what} '{file}': {error}"))
}

pub(super) fn export(pct: &Pct, [volume, format, file]: [&str; 3], args: &Args) -> Result<Exit, Failure> {
    let (volume, format) = (parse(volume)?, self::format(format)?);
    let text = |name| args.text(name).map(str::to_owned);
    let mut options = ExportOptions::default().with_snapshots(args.is_set(WITH_SNAPSHOTS.name));
    (options.snapshot, options.base) = (text(SNAPSHOT.name), text("base"));
    let mut made = false;
    let to: OwnedFd = match file {
        STANDARD if io::stdout().is_terminal() => {
            let what = "a volume is not shown on a terminal: redirect the output, or name a file";
            return Err(Failure::Message(what.to_owned()));
        }
        STANDARD => io::stdout().as_fd().try_clone_to_owned().map_err(|e| cannot("write to", file, &e))?,
        // What a guest has made is not everybody's to read.
        file => match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).truncate(true).open(file)
            }
            new => new.inspect(|_| made = true),
        }
        .map_err(|e| cannot("write to", file, &e))?
        .into(),
    };
    let exported =
        task::run_interruptible(|progress| pct.export_volume(&volume, format, to, &options, progress));
    if exported.is_err() && made {
        // A part of a stream is of no use.
        fs::remove_file(file).map_err(|e| cannot("remove", file, &e))?;
    }
    exported
}

pub(super) fn import(pct: &Pct, [volume, format, file]: [&str; 3], args: &Args) -> Result<Exit, Failure> {
    let (volume, format) = (parse(volume)?, self::format(format)?);
    let text = |name| args.text(name).map(str::to_owned);
    let mut options = ImportOptions::default().allow_rename(args.is_set(ALLOW_RENAME.name));
    (options.snapshot, options.base) = (text(SNAPSHOT.name), text("base"));
    options.delete_snapshot = text(DELETE_SNAPSHOT.name);
    let from: OwnedFd = match file {
        STANDARD => io::stdin().as_fd().try_clone_to_owned(),
        file => File::open(file).map(OwnedFd::from),
    }
    .map_err(|e| cannot("read", file, &e))?;
    let mut made = None;
    let done = task::run_interruptible(|progress| {
        made = Some(pct.import_volume(&volume, format, from, &options, progress)?);
        Ok(())
    })?;
    if let Some(volume) = made {
        output::print(&format!("successfully imported '{volume}'\n"))?;
    }
    Ok(done)
}
