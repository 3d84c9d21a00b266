//! Errors about the command word (spec: cli, part 2.1).

use crate::{commands, help};

/// A command word that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageError {
    reason: String,
    /// Whether the list of commands has an empty line between groups.
    grouped: bool,
}

impl UsageError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), grouped: true }
    }

    /// More than one command begins like this.
    pub(crate) fn incomplete(word: &str) -> Self {
        Self { reason: format!("incomplete command 'pct {word}'"), grouped: false }
    }

    /// The reason and all commands.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("ERROR: {}\nUSAGE: pct <COMMAND> [ARGS] [OPTIONS]\n\n", self.reason);
        let mut verbs: Vec<_> = commands::visible().collect();
        verbs.sort_by_key(|verb| (verb.spec.group, verb.spec.name));
        let mut group = verbs.first().map(|verb| verb.spec.group);
        for verb in verbs {
            if self.grouped && group != Some(verb.spec.group) {
                text.push('\n');
            }
            group = Some(verb.spec.group);
            text.push_str("       ");
            text.push_str(&help::usage_line(&verb.spec));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_listed_in_groups() {
        let text = UsageError::new("no command specified").render();
        let expected = [
            "ERROR: no command specified",
            "USAGE: pct <COMMAND> [ARGS] [OPTIONS]",
            "",
            "       pct clone <vmid> <newid> [OPTIONS]",
            "       pct create <vmid> <ostemplate> [OPTIONS]",
            "       pct destroy <vmid> [OPTIONS]",
            "       pct list ",
            "       pct move-volume <vmid> <volume> [<storage>] [<target-vmid>] [<target-volume>] [OPTIONS]",
            "       pct pending <vmid>",
            "       pct resize <vmid> <disk> <size> [OPTIONS]",
            "       pct template <vmid>",
            "",
            "       pct config <vmid> [OPTIONS]",
            "       pct guest-setup <rootfs> --config <string> --event <clone | create | net | restore | start> \
             --vmid <integer> (100 - 999999999) [OPTIONS]",
            "       pct lint <file> [OPTIONS]",
            "       pct lxc-config [<vmid>] [OPTIONS]",
            "       pct set <vmid> [OPTIONS]",
            "",
            "       pct delsnapshot <vmid> <snapname> [OPTIONS]",
            "       pct listsnapshot <vmid>",
            "       pct rollback <vmid> <snapname> [OPTIONS]",
            "       pct snapshot <vmid> <snapname> [OPTIONS]",
            "",
            "       pct reboot <vmid> [OPTIONS]",
            "       pct resume <vmid>",
            "       pct shutdown <vmid> [OPTIONS]",
            "       pct start <vmid> [OPTIONS]",
            "       pct startall  [OPTIONS]",
            "       pct stop <vmid> [OPTIONS]",
            "       pct stopall  [OPTIONS]",
            "       pct suspend <vmid>",
            "       pct wait <vmid> <condition> [OPTIONS]",
            "",
            "       pct console <vmid> [OPTIONS]",
            "       pct cpusets ",
            "       pct df <vmid>",
            "       pct doctor [<vmid>] [OPTIONS]",
            "       pct enter <vmid> [OPTIONS]",
            "       pct exec <vmid> [<extra-args>] [OPTIONS]",
            "       pct fsck <vmid> [OPTIONS]",
            "       pct fstrim <vmid> [OPTIONS]",
            "       pct ip <vmid> [OPTIONS]",
            "       pct mount <vmid>",
            "       pct pull <vmid> <path> <destination> [OPTIONS]",
            "       pct push <vmid> <file> <destination> [OPTIONS]",
            "       pct repair <vmid> [OPTIONS]",
            "       pct rescan  [OPTIONS]",
            "       pct status <vmid> [OPTIONS]",
            "       pct storage <action> [<argument>] [OPTIONS]",
            "       pct unlock <vmid>",
            "       pct unmount <vmid>",
            "",
            "       pct help [<extra-args>] [OPTIONS]",
            "       pct schema [<key>] [OPTIONS]",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn after_an_ambiguous_word_the_list_has_no_empty_lines_between_groups() {
        let text = UsageError::incomplete("st").render();
        assert!(text.starts_with("ERROR: incomplete command 'pct st'\nUSAGE: "), "{text}");
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
    }
}
