//! The tree of snapshots that `pct listsnapshot` prints (spec: cli, part 5.20).

use std::{collections::BTreeMap, iter::successors};

use super::{model::Config, section::Section, text::numeric_prefix};

/// The name of the current state among its snapshots; none of them may have it.
const CURRENT: &str = "current";

/// A snapshot, or the current state, at its place in the tree.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotNode<'a> {
    /// The number of its ancestors.
    pub depth: usize,
    /// Its name; `current` for the current state.
    pub name: &'a str,
    /// What the snapshot holds; `None` for the current state.
    pub snapshot: Option<&'a Section>,
}

impl SnapshotNode<'_> {
    /// When the snapshot was taken, in seconds since 1970; 0 where the file does not say. `None` for the current
    /// state.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.snapshot.map(time)
    }

    /// Its notes, and those that the current state always has here.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.snapshot.map_or(Some("You are here!"), Section::description)
    }
}

/// The snapshots and the current state, each followed by its children; siblings by time, then by name, the current
/// state last.
///
/// A node without parent is a root, and so is one whose parent does not exist. Of nodes that are each other's
/// ancestors, as only a damaged file has them, the first one is a root: none is left out.
#[must_use]
pub fn snapshot_tree(config: &Config) -> Vec<SnapshotNode<'_>> {
    let snapshots = config.snapshots().iter();
    let mut nodes: Vec<_> = snapshots.map(|(name, section)| (name.as_str(), Some(section))).collect();
    // They come sorted by name, and what is equal keeps its place.
    nodes.sort_by_key(|(_, section)| section.map(time));
    nodes.push((CURRENT, None));
    // Of one name, the snapshot counts.
    let places: BTreeMap<_, _> = nodes.iter().enumerate().rev().map(|(at, (name, _))| (*name, at)).collect();
    let parent_of = |(_, section): &(_, Option<&Section>)| {
        section.unwrap_or(config.main()).get("parent").and_then(|name| places.get(name)).copied()
    };
    let parents: Vec<Option<usize>> = nodes.iter().map(parent_of).collect();

    let mut children = BTreeMap::<Option<usize>, Vec<usize>>::new();
    for (at, parent) in parents.iter().enumerate() {
        children.entry(parent.filter(|_| !begins_circle(&parents, at))).or_default().push(at);
    }
    let below = |at, depth| children.get(&at).into_iter().flatten().rev().map(move |&child| (child, depth));
    let mut tree = Vec::with_capacity(nodes.len());
    // The last one in is the first one out.
    let mut waiting: Vec<(usize, usize)> = below(None, 0).collect();
    while let Some((at, depth)) = waiting.pop() {
        tree.extend(nodes.get(at).map(|&(name, snapshot)| SnapshotNode { depth, name, snapshot }));
        waiting.extend(below(Some(at), depth + 1));
    }
    tree
}

/// Whether the way up from a node leads back to it and meets none before it in the order.
fn begins_circle(parents: &[Option<usize>], node: usize) -> bool {
    let up = |at: &usize| parents.get(*at).copied().flatten();
    let way = successors(up(&node), up).take(parents.len());
    way.take_while(|&at| at >= node).any(|at| at == node)
}

#[allow(clippy::cast_possible_truncation)]
fn time(snapshot: &Section) -> i64 {
    snapshot.get("snaptime").map_or(0.0, numeric_prefix) as i64
}

/// The lines of `pct listsnapshot`; `local_time` writes seconds since 1970 as `YYYY-MM-DD HH:MM:SS`.
#[must_use]
pub fn pct_listsnapshot_lines(config: &Config, local_time: impl Fn(i64) -> String) -> Vec<String> {
    let line = |node: SnapshotNode<'_>| {
        let prefix = format!("{:depth$}`->", "", depth = node.depth);
        let width = 30_usize.saturating_sub(prefix.len());
        let time = node.time().map(&local_time).unwrap_or_default();
        let description = node.description().unwrap_or("no-description");
        let description = description.split('\n').next().unwrap_or_default();
        format!("{prefix} {name:<width$} {time:<23} {description}", name = node.name)
    };
    snapshot_tree(config).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vmid;

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes(), Vmid::new(100).unwrap()).config
    }

    /// Names with a dot for each ancestor.
    fn tree(text: &str) -> String {
        let config = config(text);
        let nodes = snapshot_tree(&config);
        nodes.iter().map(|node| format!("{}{} ", ".".repeat(node.depth), node.name)).collect()
    }

    #[test]
    fn the_example_of_the_specification() {
        let config = config(
            "parent: tuned\n[base]\n#clean install\n#and more\nsnaptime: 1772355600\n\
             [tuned]\nparent: base\nsnaptime: 1772648530\n",
        );
        let time =
            |seconds| if seconds == 1_772_355_600 { "2026-03-01 09:00:00" } else { "2026-03-04 18:22:10" };
        let expected = [
            "`-> base                        2026-03-01 09:00:00     clean install",
            " `-> tuned                      2026-03-04 18:22:10     no-description",
            "  `-> current                                           You are here!",
        ];
        assert_eq!(pct_listsnapshot_lines(&config, |seconds| time(seconds).to_owned()), expected);
    }

    #[test]
    fn siblings_stand_by_time_then_by_name_and_the_current_state_last() {
        let file = "parent: aa\n[bb]\nsnaptime: 5\nparent: aa\n[cc]\nsnaptime: 5\nparent: aa\n[dd]\n[aa]\n\
                    [ee]\nsnaptime: 4\nparent: aa\n[ff]\nparent: bb\n[gg]\nparent: gone\nsnaptime: 1\n";
        assert_eq!(tree(file), "aa .ee .bb ..ff .cc .current dd gg ");
        assert_eq!(tree(""), "current ");
    }

    #[test]
    fn a_circle_begins_with_its_first_member() {
        assert_eq!(tree("[aa]\nparent: aa\n"), "aa current ");
        let circle =
            "[aa]\nparent: cc\nsnaptime: 9\n[bb]\nparent: aa\nsnaptime: 7\n[cc]\nparent: bb\nsnaptime: 8\n";
        assert_eq!(tree(circle), "bb .cc ..aa current ");
        // What hangs on it stays there, also when it is older.
        let tail = format!("parent: cc\n{circle}[tt]\nparent: cc\nsnaptime: 1\n[two]\n");
        assert_eq!(tree(&tail), "two bb .cc ..tt ..aa ..current ");
    }

    #[test]
    fn the_name_of_the_current_state_counts_as_a_parent() {
        assert_eq!(tree("[aa]\nparent: current\n"), "current .aa ");
        assert_eq!(tree("parent: aa\n[aa]\nparent: current\n"), "aa .current ");
        assert_eq!(tree("parent: current\n"), "current ");
        assert_eq!(tree("[current]\n[aa]\nparent: current\n"), "current .aa current ");
    }

    #[test]
    fn a_long_chain_takes_no_stack_and_its_names_are_not_cut() {
        let name = |at| format!("s{at:04}");
        let section = |at| format!("[{}]\nparent: {}\nsnaptime: {at}\n", name(at), name(at - 1));
        let file: String = (1..5000).map(section).collect();
        let config = config(&file);
        let lines = pct_listsnapshot_lines(&config, |seconds| seconds.to_string());
        assert_eq!(lines.len(), 5000);
        let last = format!("{}`-> s4999 {:<23} no-description", " ".repeat(4998), "4999");
        assert_eq!(lines.get(4998), Some(&last));
    }

    #[test]
    fn a_time_that_is_none_counts_as_its_digits_and_an_empty_first_line_shows_nothing() {
        let config = config("[aa]\n#\n#second\nsnaptime: 12x\n[bb]\nsnaptime: -3\n[cc]\nsnaptime: 1e300\n");
        let lines = pct_listsnapshot_lines(&config, |seconds| format!("at {seconds}"));
        assert_eq!(lines[1], format!("`-> {:<27} {:<23} ", "aa", "at 12"));
        assert!(lines[0].starts_with("`-> bb ") && lines[0].contains(" at -3 "), "{lines:?}");
        assert!(lines[2].contains(&format!(" at {} ", i64::MAX)), "{lines:?}");
    }
}
