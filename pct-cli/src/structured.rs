//! `--output-format`: data for programs.

use std::fmt::Write as _;

use serde_json::Value;

/// A form of data for programs. Text is each verb's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    JsonPretty,
    Yaml,
}

impl Form {
    /// The form an `--output-format` asks for; `None` is text.
    pub(crate) fn named(name: Option<&str>) -> Option<Self> {
        match name? {
            "json" => Some(Self::Json),
            "json-pretty" => Some(Self::JsonPretty),
            "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The data with a newline at the end. Keys are sorted.
    pub(crate) fn render(self, value: &Value) -> String {
        match self {
            Self::Json => format!("{value}\n"),
            Self::JsonPretty => format!("{value:#}\n"),
            Self::Yaml => {
                let mut text = "---".to_owned();
                yaml(&mut text, value, 0);
                text.push('\n');
                text
            }
        }
    }
}

/// Appends a value after its key, dash or document start.
fn yaml(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push('\n');
                indent(text, depth);
                text.push('-');
                yaml(text, item, depth + 1);
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, value)) in fields.iter().enumerate() {
                // The first field of a list's item stands beside the dash.
                if index == 0 && text.ends_with('-') && depth > 0 {
                    text.push(' ');
                } else {
                    text.push('\n');
                    indent(text, depth);
                }
                let _ = write!(text, "{}:", scalar(key));
                yaml(text, value, depth + 1);
            }
        }
        Value::String(content) => {
            let _ = write!(text, " {}", scalar(content));
        }
        other => {
            let _ = write!(text, " {other}");
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Leaves words as they are and quotes whatever could be read as something else; a JSON string is a YAML string.
fn scalar(content: &str) -> String {
    const RESERVED: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let is_word = content.starts_with(|c: char| c.is_ascii_alphabetic())
        && content.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && !RESERVED.contains(&content.to_ascii_lowercase().as_str());
    if is_word { content.to_owned() } else { Value::from(content).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_has_sorted_keys_on_one_line() {
        let value = json!({"vmid": 100, "name": "web", "lock": null});
        assert_eq!(Form::Json.render(&value), "{\"lock\":null,\"name\":\"web\",\"vmid\":100}\n");
        assert!(Form::JsonPretty.render(&value).starts_with("{\n  \"lock\": null,\n"));
    }

    #[test]
    fn yaml_of_flat_data_and_of_lists() {
        let one = json!({"vmid": 100, "name": "web", "tags": "a;b", "answer": "no", "empty": ""});
        assert_eq!(
            Form::Yaml.render(&one),
            "---\nanswer: \"no\"\nempty: \"\"\nname: web\ntags: \"a;b\"\nvmid: 100\n"
        );
        assert_eq!(
            Form::Yaml.render(&json!([{"a": 1, "b": "x"}, {"a": 2.5}])),
            "---\n- a: 1\n  b: x\n- a: 2.5\n"
        );
        assert_eq!(Form::Yaml.render(&json!([])), "--- []\n");
        assert_eq!(
            Form::Yaml.render(&json!({"lxc": [["lxc.cap.drop", "sys_time x"]]})),
            "---\nlxc:\n  -\n    - lxc.cap.drop\n    - \"sys_time x\"\n"
        );
    }

    #[test]
    fn texts_that_yaml_would_take_for_something_else_are_quoted() {
        for text in ["", "100", "1.5", "true", "No", "null", "~", "a: b", "- a", "#x", " a", "a\nb", "ü"] {
            assert!(scalar(text).starts_with('"'), "{text:?}");
        }
        for text in ["web", "local/x", "debian-12.tar.zst"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn forms_by_name() {
        assert_eq!(Form::named(None), None);
        assert_eq!(Form::named(Some("text")), None);
        assert_eq!(Form::named(Some("yaml")), Some(Form::Yaml));
    }
}
