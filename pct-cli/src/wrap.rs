//! Filling of help paragraphs as the original's help has it (spec: cli, part 2.2): lines shorter than 76 columns, and
//! runs of blanks before a tab stop written as TABs.

const COLUMNS: usize = 76;
const TAB_STOP: usize = 8;

/// Fills `text` into lines, the first after `first`, the others after `rest`. Blanks inside a line stay as they are;
/// a word that is longer than a line is cut.
pub(crate) fn fill(first: &str, rest: &str, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut left: &[char] = &text.chars().collect::<Vec<_>>();
    let mut lead = first;
    while left.iter().any(|c| !c.is_whitespace()) {
        let room = COLUMNS.saturating_sub(lead.chars().count() + 1).max(1);
        let (line, after) = cut(left, room);
        lines.push(unexpand(&format!("{lead}{}", line.iter().collect::<String>())));
        left = after;
        lead = rest;
    }
    lines.join("\n")
}

/// The longest line that ends before a blank or at the end, and what follows that one blank.
fn cut(text: &[char], room: usize) -> (&[char], &[char]) {
    if text.len() <= room {
        return (text, &[]);
    }
    let head = text.get(..=room).unwrap_or(text);
    match head.iter().rposition(|c| c.is_whitespace()) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => text.split_at(room),
    }
}

/// Writes two or more blanks that end at a tab stop as one TAB.
fn unexpand(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut text = String::with_capacity(line.len());
    for chunk in chars.chunks(TAB_STOP) {
        let kept = chunk.iter().rposition(|&c| c != ' ').map_or(0, |at| at + 1);
        if chunk.len() == TAB_STOP && TAB_STOP - kept >= 2 {
            text.extend(chunk.iter().take(kept));
            text.push('\t');
        } else {
            text.extend(chunk);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANG: &str = "             ";

    #[test]
    fn the_hanging_indent_is_a_tab_and_five_blanks() {
        assert_eq!(fill(HANG, HANG, "Verbose output format"), "\t     Verbose output format");
    }

    #[test]
    fn blanks_before_a_tab_stop_become_a_tab_and_a_single_one_stays() {
        assert_eq!(unexpand("  --force    <boolean>   (default=0)"), "  --force    <boolean>\t (default=0)");
        assert_eq!(unexpand("1234567 9"), "1234567 9", "one blank at the stop");
        assert_eq!(unexpand("123456  9"), "123456\t9");
        assert_eq!(unexpand("  <vmid>     <integer>"), "  <vmid>     <integer>");
    }

    #[test]
    fn lines_are_shorter_than_76_columns() {
        let text = "word ".repeat(60);
        let filled = fill("  ", "  ", text.trim_end());
        assert!(filled.lines().all(|line| line.len() < COLUMNS), "{filled}");
        assert_eq!(filled.lines().next().map(str::len), Some(2 + 14 * 5 + 4 - 5));
        assert_eq!(filled.split_whitespace().count(), 60);
    }

    #[test]
    fn a_line_may_be_filled_to_the_last_column() {
        let word = "x".repeat(73);
        assert_eq!(fill("  ", "  ", &format!("{word} y")), format!("  {word}\n  y"));
    }

    #[test]
    fn a_huge_word_is_cut() {
        let word = "x".repeat(100);
        let filled = fill("  ", "    ", &word);
        assert_eq!(filled, format!("  {}\n    {}", "x".repeat(73), "x".repeat(27)));
    }

    #[test]
    fn nothing_is_filled_from_nothing() {
        assert_eq!(fill("  ", "  ", ""), "");
    }
}
