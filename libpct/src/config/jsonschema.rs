//! The language as a JSON Schema, made of the one table of keys.

use serde_json::{Map, Number, Value, json};

use super::{
    keys::{self, Hotplug, KEYS, Key, SubKey},
    schema::{Schema, Structure, Type},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a whole configuration (JSON Schema, draft 2020-12), in the form that [`json::config`] gives it:
/// numbers and switches are numbers, all else is text.
///
/// `format` has the names of the original, and `<name>-list` for a list. What JSON Schema has no word for stands under
/// names of our own:
///
/// | name | meaning |
/// |---|---|
/// | `x-pct-type` | `boolean`, for a switch |
/// | `x-pct-default` | a default that depends on something, in words |
/// | `x-pct-hotplug` | what a change does on a running container: `live`, `live-when-new`, `conf`, `pending`, `read-only`, `internal` ([`Hotplug`]) |
/// | `x-pct-parameter` | whether `create` and `set` take the key as an option |
/// | `x-pct-family` | name and last index of a family |
/// | `x-pct-grammar` | how a property string is written |
/// | `x-pct-default-key` | the sub-key whose value may stand without its name |
/// | `x-pct-properties` | a schema of the sub-keys as an object |
///
/// [`json::config`]: crate::json::config
#[must_use]
pub fn json_schema() -> Value {
    let mut properties = others();
    let mut families = Map::new();
    for key in KEYS {
        match key.last_index {
            None => properties.insert(key.name.to_owned(), of_key(key)),
            Some(last) => families.insert(format!("^{}{}$", key.name, index_pattern(last)), of_key(key)),
        };
    }
    json!({
        "$schema": DIALECT,
        "title": "Configuration of a container",
        "type": "object",
        "properties": properties,
        "patternProperties": families,
        "additionalProperties": false,
    })
}

/// The schema of one value, by the name of its key; that of a family with or without an index. `None` when there is
/// no such key.
#[must_use]
pub fn key_schema(name: &str) -> Option<Value> {
    let key = keys::lookup(name).map(|(key, _)| key).or_else(|| KEYS.iter().find(|key| key.name == name))?;
    let mut schema = of_key(key);
    if let Value::Object(fields) = &mut schema {
        fields.insert("$schema".to_owned(), DIALECT.into());
        fields.insert("title".to_owned(), key.display_name().into());
    }
    Some(schema)
}

/// What a configuration has beside its keys.
fn others() -> Map<String, Value> {
    let fields = [
        (
            "digest",
            json!({
                "description": "SHA-1 of the file, to tell whether it has changed since.",
                "type": "string",
                "pattern": "^[0-9a-f]{40}$",
            }),
        ),
        (
            "lxc",
            json!({
                "description": "Lines for liblxc, in the order of the file.",
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{ "type": "string", "pattern": r"^lxc\." }, { "type": "string" }],
                    "items": false,
                    "minItems": 2,
                },
            }),
        ),
        (
            "snapstate",
            json!({
                "description": "What is being done with the snapshot, or was broken off.",
                "enum": ["prepare", "delete"],
            }),
        ),
    ];
    fields.map(|(name, schema)| (name.to_owned(), schema)).into_iter().collect()
}

fn of_key(key: &Key) -> Value {
    let mut fields = of_value(&key.schema);
    fields.insert("x-pct-hotplug".to_owned(), hotplug(key.hotplug).into());
    fields.insert("x-pct-parameter".to_owned(), key.parameter.into());
    if let Some(last) = key.last_index {
        fields.insert("x-pct-family".to_owned(), json!({ "name": key.name, "last": last }));
    }
    fields.into()
}

const fn hotplug(class: Hotplug) -> &'static str {
    match class {
        Hotplug::Live => "live",
        Hotplug::LiveWhenNew => "live-when-new",
        Hotplug::Conf => "conf",
        Hotplug::Pending => "pending",
        Hotplug::ReadOnly => "read-only",
        Hotplug::Internal => "internal",
    }
}

fn of_value(schema: &Schema) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("description", schema.description.into());
    match schema.kind {
        Type::Boolean => {
            put("enum", json!([0, 1]));
            put("x-pct-type", "boolean".into());
        }
        Type::Integer => put("type", "integer".into()),
        Type::Number => put("type", "number".into()),
        Type::String => put("type", "string".into()),
    }
    if let Some(default) = schema.default {
        match default.parse::<Number>() {
            _ if schema.kind == Type::String => put("default", default.into()),
            Ok(number) => put("default", number.into()),
            Err(_) => put("x-pct-default", default.into()),
        }
    }
    let limits = [
        ("minimum", schema.minimum.map(Value::from)),
        ("maximum", schema.maximum.map(Value::from)),
        ("maxLength", schema.max_length.map(Value::from)),
        ("pattern", schema.pattern.map(|pattern| format!("^(?:{})$", pattern.text).into())),
        ("enum", (!schema.values.is_empty()).then(|| schema.values.into())),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            put(name, limit);
        }
    }
    match schema.structure {
        Structure::Plain => {}
        Structure::Format(format) => put("format", format.name().into()),
        Structure::List(format) => put("format", format!("{}-list", format.name()).into()),
        Structure::Properties(subkeys) => {
            put("x-pct-grammar", schema.type_text().into());
            put("x-pct-properties", of_subkeys(subkeys));
            if let Some(key) = subkeys.iter().find(|key| key.default_key) {
                put("x-pct-default-key", key.name.into());
            }
        }
    }
    fields
}

fn of_subkeys(subkeys: &[SubKey]) -> Value {
    let properties = subkeys.iter().map(|key| (key.name.to_owned(), of_value(&key.schema).into()));
    let mandatory = subkeys.iter().filter(|key| key.mandatory).map(|key| key.name);
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, Value>>(),
        "required": mandatory.collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

/// A regular expression for the numbers from 0 to `last`, without leading zeros.
fn index_pattern(last: u16) -> String {
    let digits = last.to_string();
    let class = |from: char, to: char| if from == to { to.to_string() } else { format!("[{from}-{to}]") };
    let any = |count: usize| "[0-9]".repeat(count);
    // All that have fewer digits, then those that are smaller from some digit on, then the last ones.
    let mut parts: Vec<String> = (1..digits.len())
        .map(|count| if count == 1 { any(1) } else { format!("[1-9]{}", any(count - 1)) })
        .collect();
    for (at, digit) in digits.char_indices() {
        let (before, after) = (&digits[..at], digits.len() - at - 1);
        let smallest = if at == 0 && after > 0 { '1' } else { '0' };
        let largest = if after == 0 { Some(digit) } else { (smallest..digit).last() };
        if let Some(largest) = largest {
            parts.push(format!("{before}{}{}", class(smallest, largest), any(after)));
        }
    }
    format!("(?:{})", parts.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_end_where_the_family_ends() {
        assert_eq!(index_pattern(7), "(?:[0-7])");
        assert_eq!(index_pattern(31), "(?:[0-9]|[1-2][0-9]|3[0-1])");
        assert_eq!(index_pattern(100), "(?:[0-9]|[1-9][0-9]|100)");
        assert_eq!(index_pattern(255), "(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])");
    }

    #[test]
    fn a_key_says_all_that_the_table_says() {
        let memory = key_schema("memory").unwrap();
        assert_eq!(
            memory,
            json!({
                "$schema": DIALECT, "title": "memory", "description": "Memory of the container in MiB.",
                "type": "integer", "minimum": 16, "default": 512,
                "x-pct-hotplug": "live", "x-pct-parameter": true,
            })
        );
        assert_eq!(key_schema("cpuunits").unwrap()["x-pct-default"], "cgroup v1: 1024, cgroup v2: 100");
        assert_eq!(key_schema("onboot").unwrap()["enum"], json!([0, 1]));
        assert_eq!(key_schema("nameserver").unwrap()["format"], "lxc-ip-with-ll-iface-list");
        assert_eq!(key_schema("parent").unwrap()["x-pct-parameter"], false);
    }

    #[test]
    fn a_family_has_one_schema_with_its_sub_keys() {
        let mount = key_schema("mp").unwrap();
        assert_eq!((&mount, &mount["title"]), (&key_schema("mp255").unwrap(), &"mp[n]".into()));
        assert_eq!(key_schema("mp256"), None);
        assert_eq!(mount["x-pct-family"], json!({ "name": "mp", "last": 255 }));
        assert_eq!(mount["x-pct-default-key"], "volume");
        let of_subkeys = &mount["x-pct-properties"];
        assert_eq!(of_subkeys["required"], json!(["volume", "mp"]));
        assert_eq!(of_subkeys["properties"]["backup"]["enum"], json!([0, 1]));
        assert_eq!(of_subkeys["properties"]["size"]["format"], "disk-size");
        assert!(
            mount["x-pct-grammar"].as_str().unwrap().starts_with("[volume=]<volume> ,mp=<Path> [,acl=<1|0>]")
        );
    }
}
