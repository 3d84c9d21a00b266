//! What a config file says, as JSON that loses nothing.
//!
//! Texts are byte for byte: each byte of the file is the character of its number (U+0000 to U+00FF), because a
//! value need not be UTF-8. Descriptions, which are encoded in the file, are the text they stand for.

use serde_json::{Map, Value, json};

use crate::config::NO_PATH;
use crate::config::{
    CheckError, Config, MacAddr, Section, Size, Startup, digest, keys,
    props::{self, Properties},
    text::to_bytes,
};

/// The model of a file: the keys of the current state with their texts, raw lines as pairs in `lxc`, and beside
/// them `digest`, `pending` and `snapshots`, whose sections have the same form.
#[must_use]
pub fn model(config: &Config, file: &[u8]) -> Value {
    let mut fields = section(config.main());
    fields.insert("digest".to_owned(), digest(file).into());
    let pending = config.pending().map(section).unwrap_or_default();
    fields.insert("pending".to_owned(), pending.into());
    let snapshots = config.snapshots().iter();
    let snapshots: Map<_, _> = snapshots.map(|(name, found)| (name.clone(), section(found).into())).collect();
    fields.insert("snapshots".to_owned(), snapshots.into());
    fields.into()
}

fn section(section: &Section) -> Map<String, Value> {
    let text = |(key, value): (&str, &str)| {
        let value = if key == "description" { value.to_owned() } else { bytewise(value) };
        (bytewise(key), value.into())
    };
    let mut fields: Map<_, _> = section.entries().map(text).collect();
    if !section.raw().is_empty() {
        let pairs = section.raw().iter().map(|line| json!([bytewise(&line.key), bytewise(&line.value)]));
        fields.insert("lxc".to_owned(), pairs.collect());
    }
    fields
}

fn bytewise(text: &str) -> String {
    to_bytes(text).iter().copied().map(char::from).collect()
}

/// The property strings of the current state, by key: their sub-keys with their texts, sizes in bytes; `type` and
/// `mp` of volumes and `type` of interfaces are filled in, and `mac` gives an interface without address one. What
/// does not parse is `{"error": <why>}`, an unreadable `startup` is null.
#[must_use]
pub fn properties(section: &Section, mac: impl Fn(&str) -> Option<MacAddr>) -> Value {
    let parsed = |(key, text): (&str, &str)| {
        let stem = key.trim_end_matches(|c: char| c.is_ascii_digit());
        let value = match (stem, stem.len() == key.len()) {
            ("startup", true) => startup(text),
            ("features", true) => told(props::parse(keys::FEATURES, text), fields),
            ("rootfs", true) => told(props::parse(keys::ROOTFS, text), |values| {
                let mut fields = volume(values);
                fields.insert("mp".to_owned(), "/".into());
                fields
            }),
            ("mp", false) => told(props::parse(keys::MOUNT_POINT, text), volume),
            ("unused", false) => told(props::parse(keys::UNUSED, text), volume),
            ("dev", false) => told(device(text), fields),
            ("net", false) => told(props::parse(keys::NET, text), |values| {
                let mut fields = fields(values);
                fields.insert("type".to_owned(), "veth".into());
                if let Some(mac) = mac(key).filter(|_| values.get("hwaddr").is_none()) {
                    fields.insert("hwaddr".to_owned(), mac.as_str().into());
                }
                fields
            }),
            _ => return None,
        };
        Some((key.to_owned(), value))
    };
    section.entries().filter_map(parsed).collect::<Map<_, _>>().into()
}

fn told<'a>(
    values: Result<Properties<'a>, CheckError>,
    fields: impl Fn(&Properties<'a>) -> Map<String, Value>,
) -> Value {
    match values {
        Ok(values) => fields(&values).into(),
        Err(error) => json!({ "error": error.text() }),
    }
}

fn fields(values: &Properties<'_>) -> Map<String, Value> {
    values.iter().map(|(key, text)| (key.to_owned(), bytewise(text).into())).collect()
}

fn device(text: &str) -> Result<Properties<'_>, CheckError> {
    let values = props::parse(keys::DEVICE, text)?;
    if values.get("path").is_some() { Ok(values) } else { Err(NO_PATH.into()) }
}

fn volume(values: &Properties<'_>) -> Map<String, Value> {
    let mut fields = fields(values);
    let kind = match values.get("volume") {
        Some(path) if path.starts_with("/dev/") => "device",
        Some(path) if path.starts_with('/') => "bind",
        _ => "volume",
    };
    fields.insert("type".to_owned(), kind.into());
    if let Some(size) = values.get("size").and_then(|text| text.parse::<Size>().ok()) {
        fields.insert("size".to_owned(), size.bytes().to_string().into());
    }
    if let Some(map) = values.get("idmap").filter(|map| *map != "passthrough") {
        let entries = map.split(';').map(|entry| entry.split(':').collect::<Value>());
        fields.insert("idmap".to_owned(), entries.collect());
    }
    fields
}

fn startup(text: &str) -> Value {
    let Ok(Startup { order, up, down }) = text.parse() else { return Value::Null };
    let given = |(name, number): (&str, Option<u32>)| number.map(|n| (name.to_owned(), n.to_string().into()));
    [("order", order), ("up", up), ("down", down)].into_iter().filter_map(given).collect::<Map<_, _>>().into()
}
