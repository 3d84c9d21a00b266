//! The JSON Schema of the config language before a validator of strangers, python3-jsonschema.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use pct::{
    ConfigView, Pct,
    config::{
        Structure, Type, json_schema, key_schema,
        keys::{KEYS, Key},
    },
    json,
};
use pct_tests::{
    Run, bins,
    cases::{Case, for_all, vmid},
    root::skip,
};
use serde_json::{Map, Value, json};

/// What the validator has to say of each value; `None`, with a word about it, where it is not installed.
fn complaints(schemas: &[Value], values: &[Value]) -> Option<Vec<Vec<String>>> {
    let python = bins::tool("python3").filter(|python| {
        let import = Run::new(python).args(["-c", "import jsonschema"]).output();
        import.status == 0
    });
    let Some(python) = python else {
        skip("needs python3-jsonschema");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/validate.py");
    let given = json!({ "schemas": schemas, "values": values }).to_string();
    let output = Run::new(python).args([script]).stdin(given).ok();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The JSON form of a case, if `pct config` shows it.
fn shown(case: &Case) -> Option<Value> {
    let home = case.home();
    let pct = Pct::builder().root(home.path()).open().unwrap();
    pct.container(vmid()).config(&ConfigView::Pending).ok().map(|state| json::config(&state))
}

#[test]
fn the_schema_and_those_of_its_parts_are_schemas() {
    let mut schemas = vec![json_schema()];
    for key in KEYS {
        let schema = key_schema(key.name).unwrap();
        schemas.extend(schema.get("x-pct-properties").cloned());
        schemas.push(schema);
    }
    complaints(&schemas, &[]);
}

#[test]
fn the_valid_cases_pass() {
    let cases = std::cell::RefCell::new(Vec::new());
    for_all("pctconfig", |case| {
        if case.name.starts_with("valid/") {
            let value = shown(case).ok_or("is not shown")?;
            cases.borrow_mut().push((case.name.clone(), value));
        }
        Ok(())
    });
    let (names, values): (Vec<_>, Vec<_>) = cases.into_inner().into_iter().unzip();
    let Some(found) = complaints(&[json_schema()], &values) else { return };
    let bad: Vec<_> = names.iter().zip(found).filter(|(_, complaints)| !complaints.is_empty()).collect();
    assert!(values.len() > 50 && bad.is_empty(), "{bad:#?}");
}

#[test]
fn what_is_wrong_is_refused() {
    let wrong = [
        json!({ "memory": 15 }),
        json!({ "memory": "512" }),
        json!({ "cores": 1.5 }),
        json!({ "onboot": true }),
        json!({ "onboot": 2 }),
        json!({ "arch": "x86" }),
        json!({ "hostname": 17 }),
        json!({ "net32": "name=eth0" }),
        json!({ "net00": "name=eth0" }),
        json!({ "net": "name=eth0" }),
        json!({ "mp256": "/a,mp=/b" }),
        json!({ "colour": "blue" }),
        json!({ "digest": "x" }),
        json!({ "lxc": ["lxc.cap.drop", "mknod"] }),
        json!({ "lxc": [["net", "x"]] }),
        json!({ "lxc": [["lxc.cap.drop"]] }),
        json!([]),
    ];
    let Some(found) = complaints(&[json_schema()], &wrong) else { return };
    for (value, complaints) in wrong.iter().zip(found) {
        assert!(!complaints.is_empty(), "{value} is accepted");
    }
}

/// Values at and around every limit of the table.
fn probes(key: &Key) -> Vec<String> {
    let schema = &key.schema;
    let mut probes: Vec<String> = ["", "0", "1", "2", "nonsense", "a\u{1}b", "A=1", "A=1\0B=\t2", "A=1\0"]
        .into_iter()
        .chain(schema.values.iter().copied())
        .map(str::to_owned)
        .collect();
    for limit in [schema.minimum, schema.maximum].into_iter().flatten() {
        probes.extend([limit - 1, limit, limit + 1].map(|number| number.to_string()));
    }
    if let Some(most) = schema.max_length {
        probes.extend([most, most + 1].map(|count| "x".repeat(count)));
    }
    probes
}

#[test]
fn limits_values_and_patterns_are_those_of_the_checks() {
    let mut expected = Vec::new();
    let mut values = Vec::new();
    for key in KEYS {
        // Of named formats and property strings a schema knows no more than the name.
        if !matches!(key.schema.structure, Structure::Plain) {
            continue;
        }
        for text in probes(key) {
            let value = match key.schema.kind {
                Type::String => Value::from(text.as_str()),
                // Another type altogether; the test above has such.
                _ if text.parse::<i64>().is_err() => continue,
                _ => text.parse::<i64>().unwrap().into(),
            };
            expected.push((key.name, text.clone(), key.check_parameter(&text).is_ok()));
            values.push(Value::from(Map::from_iter([(key.name.to_owned(), value)])));
        }
    }
    for key in KEYS.iter().filter(|key| key.last_index.is_some()) {
        let last = key.last_index.unwrap();
        for index in (0..last + 2).chain([999, 1000, 65535]) {
            let name = format!("{}{index}", key.name);
            values.push(json!({ &name: "" }));
            expected.push((key.name, name, index <= last));
        }
    }
    assert!(values.len() > 900, "{}", values.len());
    let Some(found) = complaints(&[json_schema()], &values) else { return };
    for ((key, text, sound), complaints) in expected.into_iter().zip(found) {
        assert_eq!(complaints.is_empty(), sound, "{key} {text:?}: {complaints:?}");
    }
}
