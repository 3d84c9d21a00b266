//! Manual pages in the macros of man(7), which every manual reader knows, from text as the docs have it.
//!
//! ```text
//! ## heading                `word` is set bold, *word* and `<word>` stand for something else
//!
//! paragraph                 - item of a list
//!
//! `tag`                         an example, as it is
//! : what it is
//! ```

use crate::Run;
use crate::generated::{repository, up_to_date};
use crate::root::have_tool;

/// All packages are of one version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The day that the pages bear: that of the latest change to what is written by hand.
const DATE: &str = "2026-11-29";

/// The longest line of a source text.
const COLUMNS: usize = 78;

/// A page.
#[derive(Debug)]
pub struct Page {
    name: String,
    section: u8,
    source: String,
}

impl Page {
    /// A page with its head and the line that `apropos` finds.
    pub fn new(name: &str, section: u8, about: &str) -> Self {
        let volume = match section {
            5 => "File Formats",
            _ => "System Administration",
        };
        let title = name.to_uppercase();
        let head = format!(
            ".\\\" Made from the tables of pct by `make man`: change those, not this page.\n\
             .TH {title} {section} {DATE} \"pct {VERSION}\" \"{volume}\"\n.nh\n.ad l\n"
        );
        let mut page = Self { name: name.to_owned(), section, source: head };
        page.text("## NAME");
        page.line(&format!("{} \\- {}", escape(name), inline(about)));
        page
    }

    /// The name of its file: `pct.8`.
    pub fn file(&self) -> String {
        format!("{}.{}", self.name, self.section)
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        for block in text.trim_matches('\n').split("\n\n").filter(|block| !block.trim().is_empty()) {
            self.block(block.trim_start_matches('\n'));
        }
    }

    /// Adds an entry of a list: what it is about, and below it the text. The first is a line however long it is.
    pub fn item(&mut self, tag: &str, text: &str) {
        self.source += ".TP\n";
        self.source += &guarded(&inline(tag));
        let mut paragraphs = text.split("\n\n");
        self.line(&inline(paragraphs.next().unwrap_or_default()));
        for paragraph in paragraphs {
            self.source += ".IP\n";
            self.line(&inline(paragraph));
        }
    }

    /// Compares the committed page with this one as [`up_to_date`] does, and lets mandoc look for faults.
    #[track_caller]
    pub fn is_committed(&self) {
        let file = format!("man/{}", self.file());
        up_to_date(&file, &self.source, "man");
        if have_tool("mandoc") {
            let found = Run::new("mandoc").args(["-T", "lint"]).args([repository().join(file)]).output();
            assert_eq!(found.out() + &found.err(), "");
        }
    }

    fn block(&mut self, block: &str) {
        if let Some(title) = block.strip_prefix("### ") {
            self.source += &format!(".SS {}\n", escape(title));
        } else if let Some(title) = block.strip_prefix("## ") {
            self.source += &format!(".SH {}\n", escape(&title.to_uppercase()));
        } else if block.starts_with("    ") {
            self.paragraph();
            self.source += ".RS 4\n.nf\n";
            for line in block.lines() {
                self.source += &guarded(&escape(line.strip_prefix("    ").unwrap_or(line)));
            }
            self.source += ".fi\n.RE\n";
        } else if block.starts_with("- ") {
            for item in format!("\n{block}").split("\n- ").skip(1) {
                self.source += ".IP \\(bu 2\n";
                self.line(&inline(item));
            }
        } else if let Some((tag, text)) = block.split_once("\n: ") {
            self.item(tag, text);
        } else {
            self.paragraph();
            self.line(&inline(block));
        }
    }

    /// Begins one, which a heading does by itself.
    fn paragraph(&mut self) {
        let last = self.source.lines().last().unwrap_or_default();
        if !last.starts_with(".S") {
            self.source += ".PP\n";
        }
    }

    /// Adds text that is escaped already, broken between words.
    fn line(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > COLUMNS {
                self.source += &guarded(&line);
                line.clear();
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        self.source += &guarded(&line);
    }
}

/// A line of text, which begins like no request.
fn guarded(line: &str) -> String {
    let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{line}\n")
}

/// Sets what stands between backquotes or asterisks in its font, the quotes of code as they are typed.
fn inline(text: &str) -> String {
    let mut set = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        let mark = if marked.starts_with("**") { "**" } else { &marked[..1] };
        let (inner, after) = marked[mark.len()..]
            .split_once(mark)
            .unwrap_or_else(|| panic!("a {mark} without its other: {text}"));
        set += &escape(before);
        set += &match mark {
            "`" => code(inner),
            "**" => format!("\\fB{}\\fR", escape(inner)),
            _ => format!("\\fI{}\\fR", escape(inner)),
        };
        rest = after;
    }
    set + &escape(rest)
}

/// What is typed is bold, `<what stands for something else>` italic.
fn code(text: &str) -> String {
    let mut set = String::from("\\fB");
    for c in text.chars() {
        match c {
            '<' => set += "\\fI",
            '>' => set += "\\fB",
            c => set += &escape(c.encode_utf8(&mut [0; 4])),
        }
    }
    (set + "\\fR").replace("\\fB\\fI", "\\fI").replace("\\fB\\fR", "\\fR")
}

/// Plain text: no character of it is a command, and each comes out as it is typed.
fn escape(text: &str) -> String {
    assert!(text.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "not in ASCII: {text}");
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped += "\\e",
            '-' => escaped += "\\-",
            '\'' => escaped += "\\(aq",
            '`' => escaped += "\\(ga",
            '^' => escaped += "\\(ha",
            '~' => escaped += "\\(ti",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source below the head.
    fn made(text: &str) -> String {
        let mut page = Page::new("x", 5, "about");
        let head = page.source.len();
        page.text(text);
        page.source[head..].to_owned()
    }

    #[test]
    fn a_page_has_a_head_and_a_name() {
        let page = Page::new("pct-set", 8, "change it");
        let expected = format!(
            ".TH PCT-SET 8 {DATE} \"pct {VERSION}\" \"System Administration\"\n.nh\n.ad l\n.SH NAME\npct\\-set \\- change it\n"
        );
        assert_eq!(page.source.split_once('\n').unwrap().1, expected);
        assert_eq!(page.file(), "pct-set.8");
    }

    #[test]
    fn each_form_of_text_has_its_macros() {
        assert_eq!(made("## Files\n\nOne.\n\n### Of two"), ".SH FILES\nOne.\n.SS Of two\n");
        assert_eq!(made("One.\nStill one.\n\nTwo."), ".PP\nOne. Still one.\n.PP\nTwo.\n");
        assert_eq!(made("- one\n- two\n  goes on"), ".IP \\(bu 2\none\n.IP \\(bu 2\ntwo goes on\n");
        assert_eq!(
            made("    .a: \\b\n        'c'"),
            ".PP\n.RS 4\n.nf\n\\&.a: \\eb\n    \\(aqc\\(aq\n.fi\n.RE\n"
        );
        assert_eq!(made("`-x` <y>\n: What."), ".TP\n\\fB\\-x\\fR <y>\nWhat.\n");
        let mut page = Page::new("x", 5, "about");
        page.item("tag", "One.\n\nTwo.");
        assert!(page.source.ends_with(".TP\ntag\nOne.\n.IP\nTwo.\n"), "{}", page.source);
    }

    #[test]
    fn words_are_set_in_their_font() {
        assert_eq!(inline("a `b-c` *d* **e** f"), "a \\fBb\\-c\\fR \\fId\\fR \\fBe\\fR f");
        assert_eq!(inline("`pct <a> <b>c`"), "\\fBpct \\fIa\\fB \\fIb\\fBc\\fR");
        assert_eq!(inline("`<a>:*` 1 < 2"), "\\fIa\\fB:*\\fR 1 < 2");
    }

    #[test]
    fn long_lines_are_broken_and_none_begins_like_a_request() {
        let text = format!("{} .x 'y", "w".repeat(COLUMNS));
        assert_eq!(made(&text), format!(".PP\n{}\n\\&.x \\(aqy\n", "w".repeat(COLUMNS)));
        let lines = made(&"word ".repeat(100));
        assert!(lines.lines().all(|line| line.len() <= COLUMNS), "{lines}");
    }
}
