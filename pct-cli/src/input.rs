//! Values that do not stand on the command line itself (spec: cli, part 1.4).

use std::{fs, path::Path};

use crate::{
    argv::Parsed,
    check::{self, Args},
    failure::{Failure, ParamErrors},
    password,
    spec::{Kind, Param, VerbSpec},
};

/// Replaces the file names of file-valued options by what the files hold.
pub(crate) fn read_files(spec: &VerbSpec, parsed: &mut Parsed) -> Result<(), Failure> {
    for param in spec.options().filter(|param| matches!(param.kind, Kind::File)) {
        if let Some(value) = parsed.values.get_mut(param.name) {
            let content = fs::read(Path::new(value)).map_err(|error| {
                Failure::Message(format!("can't open '{}' - {}", value.to_string_lossy(), errno_text(&error)))
            })?;
            *value = std::os::unix::ffi::OsStringExt::from_vec(content);
        }
    }
    Ok(())
}

/// The system's text alone, without the number that the standard library adds.
fn errno_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Asks for the passwords whose option was given without a value.
pub(crate) fn ask_passwords(spec: &VerbSpec, args: &mut Args) -> Result<(), Failure> {
    for param in spec.options().filter(|param| matches!(param.kind, Kind::Password)) {
        if args.text(param.name) == Some("") {
            let answer = password::ask_twice().map_err(|error| Failure::Message(error.to_string()))?;
            accept(param, &answer)?;
            args.put(param.name, answer);
        }
    }
    Ok(())
}

fn accept(param: &Param, answer: &str) -> Result<(), ParamErrors> {
    check::check_value(param, param.name, answer).map_err(|error| ParamErrors::one(param.name, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands;

    fn parsed(path: &str) -> Parsed {
        let mut parsed = Parsed::default();
        parsed.values.insert("ssh-public-keys".to_owned(), path.into());
        parsed
    }

    #[test]
    fn a_file_option_becomes_the_content_of_the_file() {
        let path = std::env::temp_dir().join(format!("pct-cli-keys-{}", std::process::id()));
        fs::write(&path, "ssh-ed25519 AAAA me\n").unwrap();
        let mut given = parsed(path.to_str().unwrap());
        let result = read_files(&commands::create::VERB.spec, &mut given);
        fs::remove_file(&path).unwrap();
        assert!(result.is_ok());
        assert_eq!(given.values["ssh-public-keys"], "ssh-ed25519 AAAA me\n");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let failure = read_files(&commands::create::VERB.spec, &mut parsed("/nonexistent/keys")).unwrap_err();
        assert_eq!(failure.tell(None).0, "can't open '/nonexistent/keys' - No such file or directory\n");
    }
}
