//! The keys of the config language as options of `create`.

use std::sync::LazyLock;

use pct::config::keys::{KEYS, Key};

use crate::spec::{Kind, Param};

/// Every key that may be given on the command line, sorted by name: the library's table decides.
pub(crate) fn options() -> &'static [Param] {
    static OPTIONS: LazyLock<Vec<Param>> =
        LazyLock::new(|| KEYS.iter().filter(|key| key.parameter).map(option).collect());
    &OPTIONS
}

fn option(key: &'static Key) -> Param {
    Param {
        family: key.last_index.map(|last| u32::from(last) + 1),
        default: key.schema.default,
        ..Param::new(key.name, Kind::Config(key), key.schema.description)
    }
}

/// Checks a value in full; the error is what follows the name of the option.
pub(crate) fn check(key: &Key, option: &str, value: &str) -> Result<(), String> {
    key.check_parameter(value).map_err(|error| error.parameter_text(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(option: &str, value: &str) -> String {
        let param = options().iter().find(|param| param.covers(option)).unwrap();
        crate::check::check_value(param, option, value).unwrap_err()
    }

    #[test]
    fn internal_keys_are_no_options() {
        assert!(options().iter().all(|param| param.name != "parent" && param.name != "snaptime"));
        assert!(options().iter().any(|param| param.covers("net31") && !param.covers("net32")));
    }

    #[test]
    fn errors_of_property_strings_have_the_lines_of_the_original() {
        assert_eq!(
            told("net0", "name=eth0,hwaddr=zz"),
            "invalid format - format error\n\
             net0.hwaddr: invalid format - value does not look like a valid unicast MAC address\n\n"
        );
        assert_eq!(
            told("mp0", "/srv/b,mp=/b/../c"),
            "invalid format - format error\nmp0.mp: invalid format - /b/../c contains illegal character sequences\n\n"
        );
        assert_eq!(
            told("net3", "bridge=vmbr0"),
            "invalid format - format error\nnet3.name: property is missing and it is not optional\n"
        );
        assert_eq!(told("startup", "foo"), "invalid format - unable to parse startup options\n");
        assert_eq!(told("cores", "x"), "type check ('integer') failed - got 'x'");
    }
}
