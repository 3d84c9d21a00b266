//! The conformance cases under `conformance/config`: what the reference makes of
//! each input, compared byte by byte. One test per step; each lists all the cases
//! that fail.

#![cfg(test)]

use std::fs;

use pct::{
    Listing, Pct, Status,
    config::{
        Config, Diagnostic, MountPoint, NetIf, Size, View, check_section, keys, pct_config_lines,
        pct_listsnapshot_lines, pct_pending_lines, props, text, view,
    },
    facts::HostFacts,
    json,
    translate::translate,
};
use pct_tests::cases::{self, comparable, expect, findings, for_all, same, same_fields, vmid};

fn host() -> HostFacts {
    serde_json::from_slice(&fs::read(cases::root().join("host.json")).unwrap()).unwrap()
}

#[test]
fn roundtrip() {
    for_all("roundtrip", |case| match case.config().to_bytes() {
        Ok(bytes) if !case.fails("roundtrip") => {
            same(&bytes, &case.file("roundtrip.conf").unwrap_or_default())?;
            let again = Config::parse(&bytes, vmid()).config.to_bytes().map_err(|e| e.to_string())?;
            same(&again, &bytes).map_err(|why| format!("second time: {why}"))
        }
        result => expect(case.fails("roundtrip"), result.map_err(|e| e.to_string())),
    });
}

fn messages(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.message.lines().next().unwrap_or_default()).collect()
}

#[test]
fn strict() {
    for_all("strict", |case| {
        let parsed = Config::parse(&case.input, vmid());
        let strict = Config::parse_strict(&case.input, vmid());
        if strict.is_err() != case.fails("strict") {
            return expect(case.fails("strict"), strict.map_err(|e| e.to_string()));
        }
        // The reference ends at the first error.
        let until = parsed.diagnostics.iter().position(Diagnostic::is_error);
        let seen = until.map_or(&parsed.diagnostics[..], |at| &parsed.diagnostics[..=at]);
        let stderr = case.text("strict.stderr");
        let (ours, theirs) = (messages(seen), findings(&stderr));
        if ours == theirs { Ok(()) } else { Err(format!("ours {ours:?}, theirs {theirs:?}")) }
    });
}

#[test]
fn warnings_at_load() {
    for_all("strict", |case| {
        let parsed = Config::parse(&case.input, vmid());
        let stderr = case.text("translate.stderr");
        let (ours, theirs) = (messages(&parsed.diagnostics), findings(&stderr));
        if ours == theirs { Ok(()) } else { Err(format!("ours {ours:?}, theirs {theirs:?}")) }
    });
}

#[test]
fn translation() {
    let host = host();
    for_all("translate", |case| {
        let config = case.config();
        match translate(vmid(), config.main(), &host) {
            Ok(ours) if !case.fails("translate") => {
                if ours.removed != case.file("translate.conf").is_none() {
                    return Err(format!("removed: {}", ours.removed));
                }
                let generated = !config.main().has_raw("lxc.cgroup2.cpuset.cpus");
                let theirs = comparable(&case.text("translate.conf"), generated);
                same(comparable(&ours.to_string(), generated).as_bytes(), theirs.as_bytes())?;
                let profile = case.file("rules.seccomp");
                same(ours.seccomp.unwrap_or_default().as_bytes(), &profile.unwrap_or_default())
                    .map_err(|why| format!("seccomp {why}"))?;
                let stderr = case.text("translate.stderr");
                match ours.warnings.iter().find(|warning| !stderr.contains(warning.as_str())) {
                    Some(warning) => Err(format!("unexpected warning {warning}")),
                    None => Ok(()),
                }
            }
            result => expect(case.fails("translate"), result.map_err(|e| format!("{e:?}"))),
        }
    });
}

#[test]
fn parsed_model() {
    for_all("parse", |case| {
        let theirs = serde_json::from_str(&case.text("parse.json")).unwrap();
        same_fields(&json::model(&case.config(), &case.input), &theirs)
    });
}

#[test]
fn property_strings() {
    let host = host();
    for_all("props", |case| {
        let config = case.config();
        let ours = json::properties(config.main(), |key| host.mac_for(vmid(), key));
        same_fields(&ours, &serde_json::from_str(&case.text("props.json")).unwrap())?;
        config.main().entries().try_for_each(|(key, value)| typed_view_agrees(key, value))
    });
}

/// What a typed value prints means the same as what it was read from.
fn typed_view_agrees(key: &str, value: &str) -> Result<(), String> {
    let family = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let (table, printed) = match family {
        "rootfs" => (keys::ROOTFS, MountPoint::parse_rootfs(value).map(|mp| mp.to_string())),
        "mp" => (keys::MOUNT_POINT, MountPoint::parse_mp(value).map(|mp| mp.to_string())),
        "net" => (keys::NET, value.parse::<NetIf>().map(|net| net.to_string())),
        _ => return Ok(()),
    };
    let Ok(before) = props::parse(table, value) else { return Ok(()) };
    let printed = printed.map_err(|e| format!("{key}: {e}"))?;
    let after = props::parse(table, &printed).map_err(|e| format!("{key}: {e}"))?;
    let size = |text: &str| text.parse::<Size>().unwrap().to_string();
    for sub in table {
        let read = match (sub.name, before.get(sub.name)) {
            ("size", Some(text)) => Some(size(text)),
            ("type", None) => Some("veth".to_owned()),
            (_, text) => text.map(str::to_owned),
        };
        if read.as_deref() != after.get(sub.name) {
            return Err(format!("{key}: {value} became {printed}"));
        }
    }
    Ok(())
}

fn output(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [&text::to_bytes(line)[..], b"\n"].concat()).collect()
}

fn config_step(step: &str, which: View<'_>, file: &str) {
    for_all(step, |case| {
        let config = case.config();
        let section = view(&config, which).ok_or("no view")?;
        let errors = check_section(&section);
        match errors.is_empty() {
            true if !case.fails(step) => {
                same(&output(&pct_config_lines(&section)), &case.file(file).unwrap_or_default())
            }
            true => expect(true, Ok(())),
            false => expect::<()>(case.fails(step), Err(format!("{errors:?}"))),
        }
    });
}

#[test]
fn pct_config() {
    config_step("pctconfig", View::WithPending, "pctconfig.out");
}

#[test]
fn pct_config_current() {
    config_step("pctconfig_current", View::Current, "pctconfig-current.out");
}

#[test]
fn pct_pending() {
    for_all("pctpending", |case| {
        let ours = output(&pct_pending_lines(&case.config()));
        same(&ours, &case.file("pctpending.out").unwrap_or_default())
    });
}

#[test]
fn pct_list() {
    for_all("pctlist", |case| {
        let home = case.home();
        let Listing { containers, errors, .. } =
            Pct::builder().root(home.path()).open().unwrap().list().unwrap();
        let row = |found: &Status| {
            let state = if found.running { "running" } else { "stopped" };
            let lock = found.lock.as_deref().unwrap_or_default();
            format!("{:<10} {state:<10} {lock:<12} {}", found.vmid.to_string(), found.name)
                .trim_end()
                .to_owned()
        };
        match errors.first() {
            None if !case.fails("pctlist") => {
                let theirs = case.file("pctlist.out").unwrap_or_default();
                let rows = theirs.split(|&b| b == b'\n').skip(1).map(<[u8]>::trim_ascii_end);
                let ours: Vec<_> =
                    containers.iter().map(|found| text::to_bytes(&row(found)).into_owned()).collect();
                same(&ours.join(&b'\n'), rows.collect::<Vec<_>>().join(&b'\n').trim_ascii_end())
            }
            error => expect(case.fails("pctlist"), error.map_or(Ok(()), |(_, why)| Err(why.full_message()))),
        }
    });
}

#[test]
fn pct_listsnapshot() {
    for_all("pctlistsnapshot", |case| {
        let time = |seconds| jiff::Timestamp::from_second(seconds).unwrap().strftime("%F %T").to_string();
        let ours = output(&pct_listsnapshot_lines(&case.config(), time));
        same(&ours, &case.file("pctlistsnapshot.out").unwrap_or_default())
    });
}
