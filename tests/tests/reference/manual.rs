//! The same as a manual page, `man/pct.conf.5`.

use pct::config::keys::{KEYS, Key, SubKey};
use pct_tests::man::Page;

use super::{EXAMPLE_FILE, GRAMMAR, default_of, effect, example, sorted, type_of};

pub(super) fn page() -> Page {
    let mut page = Page::new("pct.conf", 5, "configuration of a container");
    page.text("## Synopsis\n\n`/etc/pct/lxc/<vmid>.conf`\n\n## Description");
    page.text(EXAMPLE_FILE);
    grammar(&mut page);
    page.text("## Keys");
    KEYS.iter().for_each(|key| section(&mut page, key));
    page.text(
        "## See also\n\n*pct*(8), *pct-lint*(8), *pct-schema*(8), *pct-set*(8), *lxc.container.conf*(5)",
    );
    page
}

/// Each rule is an entry: beside one another rule and remark are too wide for a terminal.
fn grammar(page: &mut Page) {
    for block in GRAMMAR.split("\n\n") {
        if !block.starts_with("    ") {
            page.text(block);
            continue;
        }
        for line in block.lines().map(str::trim) {
            let (name, rule) = line.split_once('=').unwrap();
            let (rule, remark) = rule.trim().split_once("  ").unwrap_or((rule.trim(), ""));
            page.item(&format!("{} = {rule}", name.trim()), remark.trim());
        }
    }
}

fn section(page: &mut Page, key: &Key) {
    page.text(&format!("### {}", key.display_name()));
    page.text(key.schema.description);
    let mut facts = format!("Value: {}.", type_of(&key.schema));
    if let Some(last) = key.last_index {
        facts += &format!(" Names: `{0}0` to `{0}{last}`.", key.name);
    }
    if key.schema.default.is_some() {
        facts += &format!(" Default: {}.", default_of(&key.schema));
    }
    page.text(&format!("{facts} A change while the container runs: {}.", effect(key.hotplug)));
    if let Some(keys) = key.subkeys() {
        page.text(&format!("`{}`", key.schema.type_text()));
        sorted(keys).into_iter().for_each(|key| subkey(page, key));
    }
    page.text(&format!("    {}", example(key)));
}

fn subkey(page: &mut Page, key: &SubKey) {
    let must = if key.mandatory { ", required" } else { "" };
    let mut facts = format!("Value: {}{must}.", type_of(&key.schema));
    if key.schema.default.is_some() {
        facts += &format!(" Default: {}.", default_of(&key.schema));
    }
    page.item(&format!("`{}`", key.name), &format!("{} {facts}", key.schema.description));
}
