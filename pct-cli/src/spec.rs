//! What a verb accepts, as plain data. One table per verb feeds the parser, the checks, the usage lines, the help and the
//! completion.

use pct::config::{Structure, Type, keys::Key};

use crate::{formats, keys};

/// The block of the short usage in which a verb is listed (spec: cli, part 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Containers come and go.
    Existence,
    /// Their configuration.
    Config,
    /// Snapshots.
    Snapshot,
    /// Run levels.
    Power,
    /// Looking at and into them.
    Access,
    /// About this program.
    Help,
}

/// The type of a parameter with its limits (both ends included).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Bool,
    Int {
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<i64>,
        max: Option<i64>,
    },
    Text,
    /// Texts separated by commas, semicolons or blanks, each of the parameter's format.
    List,
    Enum(&'static [&'static str]),
    /// The argument is a file name, the value is what the file holds.
    File,
    /// The argument may be left out; then it is asked for.
    Password,
    /// A mount point of a container: `rootfs`, or `mp` and a number.
    Disk,
    /// A key of the config language.
    Config(&'static Key),
}

impl Kind {
    pub(crate) fn is_bool(self) -> bool {
        match self {
            Self::Bool => true,
            Self::Config(key) => key.schema.kind == Type::Boolean,
            _ => false,
        }
    }

    /// The only values that there are, where their number is small.
    pub(crate) fn values(self) -> &'static [&'static str] {
        match self {
            Self::Enum(values) => values,
            _ if self.is_bool() => &["0", "1"],
            Self::Config(key) => key.schema.values,
            _ => &[],
        }
    }

    /// Whether an option may stand without a value.
    pub(crate) fn value_is_optional(self) -> bool {
        self.is_bool() || matches!(self, Self::Password)
    }

    /// Whether repeating the option adds to its value.
    pub(crate) fn is_list(self) -> bool {
        match self {
            Self::List => true,
            Self::Config(key) => matches!(key.schema.structure, Structure::List(_)),
            _ => false,
        }
    }
}

/// What completion offers for a parameter beyond the values that its type names (spec: cli, part 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    None,
    /// All containers of this node.
    Containers,
    /// Those that run.
    Running,
    /// Those that could be started.
    Startable,
    /// The lowest number that is free.
    FreeVmid,
    /// The templates of all storages.
    Templates,
    /// The storages for volumes of containers.
    Storages,
    /// What an action of `storage` works on: a type, the ids that there are, a container or a format.
    StorageWords,
    /// The snapshots of the container that the line names.
    Snapshots,
    /// The keys that this container has.
    Keys,
    /// Those of them that are mount points.
    Disks,
    /// Those whose change is pending.
    PendingKeys,
}

/// Checks a value of a named format and answers with the format's own error.
pub(crate) type FormatCheck = fn(value: &str) -> Result<(), String>;

/// One parameter: a positional or an option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    /// A numbered family `name0`, `name1`, ...: how many members.
    pub(crate) family: Option<u32>,
    pub(crate) kind: Kind,
    pub(crate) format: Option<FormatCheck>,
    pub(crate) pattern: Option<fn(&str) -> bool>,
    pub(crate) min_len: Option<usize>,
    pub(crate) max_len: Option<usize>,
    pub(crate) default: Option<&'static str>,
    /// What the help shows instead of the text made from `kind`.
    pub(crate) type_text: Option<&'static str>,
    pub(crate) candidates: Candidates,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
    /// Takes all words that are left, each a value of its own; only the last positional can.
    pub(crate) many: bool,
    /// Makes no sense without this other option.
    pub(crate) requires: Option<&'static str>,
    /// Not in the original: matches exactly only, so that each abbreviation of an original option keeps its meaning.
    pub(crate) ours: bool,
}

impl Param {
    pub(crate) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            family: None,
            kind,
            format: None,
            pattern: None,
            min_len: None,
            max_len: None,
            default: None,
            type_text: None,
            candidates: Candidates::None,
            about,
            required: false,
            many: false,
            requires: None,
            ours: false,
        }
    }

    pub(crate) const fn format(mut self, check: FormatCheck) -> Self {
        self.format = Some(check);
        self
    }

    pub(crate) const fn pattern(mut self, matches: fn(&str) -> bool) -> Self {
        self.pattern = Some(matches);
        self
    }

    pub(crate) const fn min_len(mut self, chars: usize) -> Self {
        self.min_len = Some(chars);
        self
    }

    pub(crate) const fn max_len(mut self, chars: usize) -> Self {
        self.max_len = Some(chars);
        self
    }

    pub(crate) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    pub(crate) const fn type_text(mut self, text: &'static str) -> Self {
        self.type_text = Some(text);
        self
    }

    pub(crate) const fn candidates(mut self, candidates: Candidates) -> Self {
        self.candidates = candidates;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(crate) const fn requires(mut self, option: &'static str) -> Self {
        self.requires = Some(option);
        self
    }

    pub(crate) const fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    /// Whether `name` is this parameter or a member of this family, spelled canonically.
    pub(crate) fn covers(&self, name: &str) -> bool {
        match self.family {
            None => self.name == name,
            Some(members) => name.strip_prefix(self.name).is_some_and(|digits| is_index(digits, members)),
        }
    }
}

/// A member number of a family: no sign, no leading zero.
fn is_index(digits: &str, members: u32) -> bool {
    let canonical = digits == "0" || (!digits.starts_with('0') && !digits.is_empty());
    canonical
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.parse::<u32>().is_ok_and(|index| index < members)
}

/// One verb.
#[derive(Debug)]
pub(crate) struct VerbSpec {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) about: &'static str,
    pub(crate) positionals: &'static [Param],
    pub(crate) options: &'static [Param],
    /// Also accepts every key of the config language as an option.
    pub(crate) config_options: bool,
    /// Takes all remaining words.
    pub(crate) extra_args: bool,
    pub(crate) needs_root: bool,
    /// Not in the original: matches exactly only.
    pub(crate) ours: bool,
}

impl VerbSpec {
    /// The options proper, in table order.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static Param> + use<> {
        let keys: &'static [Param] = if self.config_options { keys::options() } else { &[] };
        self.options.iter().chain(keys)
    }

    /// Positionals and options: a positional can be given as an option, too.
    pub(crate) fn params(&self) -> impl Iterator<Item = &'static Param> + use<> {
        self.positionals.iter().chain(self.options())
    }

    /// The last positional, if it takes all words that are left.
    pub(crate) fn many(&self) -> Option<&'static Param> {
        self.positionals.last().filter(|param| param.many)
    }

    /// The parameter of a canonical name.
    pub(crate) fn param(&self, name: &str) -> Option<&'static Param> {
        self.params().find(|param| param.covers(name))
    }
}

/// A snapshot of the container.
pub(crate) const SNAPNAME: Param = Param::new("snapname", Kind::Text, "The name of the snapshot.")
    .format(formats::config_id)
    .max_len(40)
    .required();

/// How fast volumes are copied.
pub(crate) const BWLIMIT: Param = Param::new(
    "bwlimit",
    Kind::Number { min: Some(0), max: None },
    "Copy no more than so many KiB per second; 0 is without limit.",
)
.default("the limits of the storages");

/// Any number of containers: ours.
pub(crate) const VMIDS: Param = Param {
    about: "The numbers of the containers; all of them when none is given.",
    required: false,
    ..VMID.many().ours()
};

/// The positional that nearly every verb begins with.
pub(crate) const VMID: Param = Param::new(
    "vmid",
    Kind::Int { min: Some(100), max: Some(999_999_999) },
    "The number of the container. It is unique on the machine, and in a cluster.",
)
.format(crate::formats::vmid)
.candidates(Candidates::Containers)
.required();

/// A described host.
pub(crate) const HOST: Param =
    Param::new("host", Kind::File, "The host, as a JSON file describes it.").ours();

/// How data is printed.
pub(crate) const OUTPUT_FORMAT: Param = Param::new(
    "output-format",
    Kind::Enum(&["text", "json", "json-pretty", "yaml"]),
    "How to print the data. 'text' never changes its form; the others are for programs.",
)
.default("text")
.ours();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_covers_its_members_in_canonical_spelling_only() {
        let net = Param { family: Some(32), ..Param::new("net", Kind::Text, "") };
        for (name, covered) in [
            ("net0", true),
            ("net31", true),
            ("net32", false),
            ("net", false),
            ("net00", false),
            ("net+1", false),
        ] {
            assert_eq!(net.covers(name), covered, "{name}");
        }
    }
}
