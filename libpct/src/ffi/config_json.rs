//! A container's configuration by the names of the REST interface (spec: cli, part A.2).

use serde_json::{Map, Value};

use crate::config::{Type, keys};

/// The fields of the lines that `pct config` shows.
pub(super) fn fields(lines: &[String]) -> Value {
    let mut fields = Map::new();
    let mut raw = Vec::new();
    for (key, value) in lines.iter().filter_map(|line| line.split_once(": ")) {
        if key.starts_with("lxc.") {
            raw.push(Value::from(vec![key, value]));
        } else if key == "description" {
            fields.insert(key.to_owned(), percent_decode(value).into());
        } else {
            fields.insert(key.to_owned(), typed(key, value));
        }
    }
    if !raw.is_empty() {
        fields.insert("lxc".to_owned(), raw.into());
    }
    Value::Object(fields)
}

/// A number if the key is numeric and the file says a number there.
fn typed(key: &str, value: &str) -> Value {
    let numeric = keys::lookup(key).is_some_and(|(known, _)| known.schema.kind != Type::String);
    let whole = || value.parse::<i64>().ok().map(Value::from);
    let decimal = || value.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
    let number = if numeric { whole().or_else(decimal) } else { None };
    number.unwrap_or_else(|| value.into())
}

/// Undoes the encoding of the description's one line, where it is one.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
