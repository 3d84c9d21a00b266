//! `docs/config-reference.md` is made of the table of keys, `libpct/src/config/keys/`, and `docs/doctor.md` of the
//! codes in `libpct/src/ops/doctor/codes.rs`: here is how, and the test that nobody has forgotten to. `PCT_UPDATE=1`
//! (`make reference`) writes both anew, and with them the manual page `man/pct.conf.5`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "reference/manual.rs"]
mod manual;

use std::fmt::Write as _;

use pct::config::{
    Config, Schema, Structure, Type, Vmid,
    keys::{self, Hotplug, KEYS, Key, SubKey},
};
use pct_tests::generated::up_to_date;

const HEAD: &str = "\
# Configuration reference

Made from `libpct/src/config/keys` by `make reference`: change that, not this page. `pct schema` prints the same as a \
JSON Schema.

";

/// What a file looks like.
const EXAMPLE_FILE: &str = "\
Each container has a file, `/etc/pct/lxc/<vmid>.conf`, on a Proxmox VE host `/etc/pve/lxc/<vmid>.conf`. This is one:

    #Notes about the container. Here a colon is written %3A, and a percent sign %25.
    arch: amd64
    hostname: web
    memory: 512
    net0: name=eth0,bridge=br0,ip=dhcp
    ostype: debian
    rootfs: local:101/vm-101-disk-0.raw,size=8G
    lxc.cap.drop: mknod

    [pve:pending]
    memory: 1024
    delete: onboot

    [before-upgrade]
    memory: 256
    snaptime: 1767225600

- The lines before the first section are the current state. `[pve:pending]` has what waits for the next start: new \
values, and in `delete` the keys to remove. Every other section is a snapshot.
- Lines that begin with `#` are the notes, key `description`.
- Lines `lxc.<name>: <value>` go to liblxc as they are.
- Unknown keys and bad values are kept when the file is written anew.

A *switch* is `1`, `on`, `yes` or `true`, or else `0`, `off`, `no` or `false`; the file has `1` or `0`. A *list* is \
separated by blanks, commas or semicolons. A *size* is a number of bytes; `K`, `M`, `G` and `T` stand for powers of \
1024, as in `8G`. A *property string* has sub-keys, `name=value`, separated by commas and in any order; where its \
grammar shows `[name=]`, the value may stand alone. No value in it has a comma.
";

const GRAMMAR: &str = r##"
## The file line by line

The grammar, in which each line is what the first fitting rule says; all else is reported, and lost at the next write:

    blank     = white space only                       dropped
    header    = "[pve:pending]" | "[" name "]"         a section begins; a later one of the same name replaces it
    note      = "#" text                               text in percent encoding, a line of the section's notes
    raw       = "lxc." name ( ":" | "=" ) value        blanks may stand before "=" and around the value
    setting   = key ":" value                          no blank before the colon; the last line of a key counts
    name      = letter, then one or more of letters, digits, "_" and "-"
    key       = small letters and "_", then digits for one of a family

No line is continued, and a `#` inside a value is part of it. `pct lint FILE` checks a file, says what to do about each fault, and prints with `--canonical` how it would be written.
"##;

/// A line for each key, as the file has it. A test reads them.
const EXAMPLES: &str = "\
#The shop's front end.
arch: amd64
cmode: console
console: 0
cores: 2
cpulimit: 1.5
cpuunits: 200
debug: 1
dev0: /dev/ttyUSB0,gid=20,mode=0660
entrypoint: /usr/bin/my-server --port 80
features: keyctl=1,nesting=1
hookscript: local:snippets/hook.sh
hostname: web.example.com
lock: backup
memory: 2048
mp0: local:101/vm-101-disk-1.raw,mp=/srv,backup=1,size=32G
nameserver: 192.0.2.53 2001:db8::53
net0: name=eth0,bridge=br0,gw=192.0.2.1,hwaddr=BC:24:11:00:00:01,ip=192.0.2.10/24,ip6=auto,type=veth
onboot: 1
ostype: debian
parent: before-upgrade
protection: 1
rootfs: local:101/vm-101-disk-0.raw,mountoptions=noatime;discard,size=8G
searchdomain: example.com example.org
snaptime: 1767225600
startup: order=2,up=30,down=60
swap: 512
tags: production;web
template: 1
timezone: Europe/Vienna
tty: 1
unprivileged: 1
unused0: local:101/vm-101-disk-2.raw
lxc.environment.runtime: LANG=C.UTF-8
";

fn vmid() -> Vmid {
    Vmid::new(101).unwrap()
}

/// The line that shows a key.
fn example(key: &Key) -> &'static str {
    let shows = |line: &&str| {
        let config = Config::parse(line.as_bytes(), vmid()).config;
        let (name, _) = config.main().entries().next().unwrap();
        keys::lookup(name).is_some_and(|(shown, _)| shown.name == key.name)
    };
    EXAMPLES.lines().find(shows).unwrap_or_else(|| panic!("{} has no example", key.name))
}

/// What a value may be.
fn type_of(schema: &Schema) -> String {
    match (schema.structure, schema.kind) {
        (_, Type::Boolean) => "switch".to_owned(),
        (Structure::Properties(_), _) => "property string".to_owned(),
        _ => schema.allowed(),
    }
}

/// What a change does while the container runs.
fn effect(class: Hotplug) -> &'static str {
    match class {
        Hotplug::Live => "takes effect at once",
        Hotplug::LiveWhenNew => "a new one takes effect at once, a change of an old one at the next start",
        Hotplug::Conf => "is valid at once",
        Hotplug::Pending => "takes effect at the next start",
        Hotplug::ReadOnly => "is refused",
        Hotplug::Internal => "is for operations only",
    }
}

/// A value, or words about it.
fn default_of(schema: &Schema) -> String {
    let shown =
        |value: &str| if schema.check(value).is_ok() { format!("`{value}`") } else { value.to_owned() };
    schema.default.map(shown).unwrap_or_default()
}

/// A cell of a table must have no bar of its own.
fn row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// That whose name may be left out, those that must be there, the others.
fn sorted(keys: &[SubKey]) -> Vec<&SubKey> {
    let mut sorted: Vec<&SubKey> = keys.iter().collect();
    sorted.sort_by_key(|key| (!key.default_key, !key.mandatory, key.name));
    sorted
}

fn subkeys(keys: &[SubKey]) -> String {
    let mut text = row(&["sub-key", "value", "default", "what it is"]) + "|---|---|---|---|\n";
    for key in sorted(keys) {
        let must = if key.mandatory { ", **required**" } else { "" };
        let name = format!("`{}`{must}", key.name);
        text += &row(&[&name, &type_of(&key.schema), &default_of(&key.schema), key.schema.description]);
    }
    text
}

fn section(key: &Key) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", key.display_name(), key.schema.description);
    let mut item = |name: &str, words: &str| writeln!(text, "- {name}: {words}").unwrap();
    item("value", &type_of(&key.schema));
    if let Some(last) = key.last_index {
        item("names", &format!("`{0}0` to `{0}{last}`", key.name));
    }
    if key.schema.default.is_some() {
        item("default", &default_of(&key.schema));
    }
    item("a change while the container runs", effect(key.hotplug));
    item("example", &format!("`{}`", example(key)));
    if let Some(keys) = key.subkeys() {
        write!(text, "\n    {}\n\n{}", key.schema.type_text(), subkeys(keys)).unwrap();
    }
    text
}

fn page() -> String {
    let mut text = [HEAD, EXAMPLE_FILE, GRAMMAR].concat()
        + "\n## All keys\n\n"
        + &row(&["key", "value", "default"])
        + "|---|---|---|\n";
    for key in KEYS {
        let name = key.display_name();
        let anchor: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let link = format!("[`{name}`](#{anchor})");
        text += &row(&[&link, &type_of(&key.schema), &default_of(&key.schema)]);
    }
    text + &KEYS.iter().map(section).collect::<String>()
}

const DOCTOR: &str = "\
# What `pct doctor` finds

Made from `libpct/src/ops/doctor/codes.rs` by `make reference`: change that, not this page.

`pct doctor [<vmid>...]` looks at containers, all of them when none is named, for what would make the next start fail or \
go otherwise than expected. It starts, changes and activates nothing, and mounts nothing where others could see it. \
Changes that wait for the next start are counted in.

    # pct doctor 101
    101: error: net0: bridge 'br1' does not exist [bridge-missing]
        help: make the bridge (ip link add NAME type bridge), or name an existing one in the 'net' key
    101: warning: features: Systemd 257 detected. You may need to enable nesting. [nesting]
        help: pct set 101 --features nesting=1
    101: info: hostname: the next start sets 'hostname' to 'web' [pending]

- `error`: the start fails. The exit status is 1 when there is one.
- `warning`: the start works, and something is not as the config says.
- `info`: worth knowing.

With `--output-format json` it is an array of objects with `vmid`, `severity`, `code`, `key`, `message` and `help`. A code \
keeps its meaning; messages may change.

";

fn doctor_page() -> String {
    let mut text = DOCTOR.to_owned() + &row(&["code", "what it means"]) + "|---|---|\n";
    for (code, meaning) in pct::SYMPTOM_CODES {
        text += &row(&[&format!("`{code}`"), meaning]);
    }
    text
}

#[test]
fn the_committed_pages_are_the_generated_ones() {
    up_to_date("docs/config-reference.md", &page(), "reference");
    up_to_date("docs/doctor.md", &doctor_page(), "reference");
    manual::page().is_committed();
}

#[test]
fn the_examples_are_a_valid_file_in_canonical_form() {
    let config = Config::parse_strict(EXAMPLES.as_bytes(), vmid()).unwrap();
    assert_eq!(String::from_utf8(config.to_bytes().unwrap()).unwrap(), EXAMPLES);
    let mut shown = 0;
    for (name, value) in config.main().entries() {
        let (key, _) = keys::lookup(name).unwrap();
        assert_eq!(key.check_parameter(value), Ok(()), "{name}");
        shown += 1;
    }
    assert_eq!(shown, KEYS.len());
}

#[test]
fn the_file_of_the_page_is_valid() {
    let lines = EXAMPLE_FILE.lines().filter_map(|line| line.strip_prefix("    "));
    let file: String = lines.flat_map(|line| [line, "\n"]).collect();
    let config = Config::parse_strict(file.as_bytes(), vmid()).unwrap();
    assert!(config.pending().is_some() && config.snapshots().len() == 1, "{file}");
}
