//! A client's text as a document for a warm worker, and places in it as places in the client's text.
//!
//! Texts with the same imports get the same first lines, however they are laid out, and a command that ends these lines: so
//! no text can change what a worker has imported, and all that follows is the client's, byte for byte.

use crate::lean::reading::runs_code;

/// Ends the imports. A module comment is a command of its own and means nothing to what follows.
const END: &str = "/-! -/\n";

/// A client's text, cut into imports and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In one line each.
    pub imports: String,
    /// What Lean is given.
    pub document: String,
    /// The line of the client's text (from 0) of each import.
    import_lines: Vec<usize>,
    /// Where the rest begins in the client's text: line, and characters before it in that line.
    rest: (usize, usize),
}

/// A place as Lean's REPL counts: lines from 1, characters from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Text {
    /// Cuts a text. Any text will do.
    pub fn new(source: &str) -> Text {
        let (imports, import_lines, end) = header(source);
        let line = |at: usize| source[..at].matches('\n').count();
        let import_lines = import_lines.into_iter().map(line).collect();
        let column = source[..end].rsplit('\n').next().unwrap_or("").chars().count();
        let document = format!("{imports}{END}{}", &source[end..]);
        Text { imports, document, import_lines, rest: (line(end), column) }
    }

    /// Whether it could run code while it is elaborated.
    pub fn runs_code(&self) -> bool {
        runs_code(&self.document[self.imports.len()..])
    }

    fn first_line(&self) -> usize {
        self.imports.matches('\n').count() + END.matches('\n').count()
    }

    /// The place in the client's text of a place in the document (line and UTF-16 column, from 0).
    pub fn original(&self, line: u32, character: u32) -> Position {
        let (line, first) = (line as usize, self.first_line());
        if line < first {
            return Position { line: self.import_lines.get(line).copied().unwrap_or(0) + 1, column: 0 };
        }
        let text = self.document.split('\n').nth(line).unwrap_or("");
        let mut column = characters(text, character);
        if line == first {
            column += self.rest.1;
        }
        Position { line: line - first + self.rest.0 + 1, column }
    }

    /// The place in the document of a place in the client's text; `None` inside the imports.
    pub fn place(&self, position: Position) -> Option<(u32, u32)> {
        let line = position.line.checked_sub(self.rest.0 + 1)? + self.first_line();
        let column = position.column.checked_sub(if position.line == self.rest.0 + 1 { self.rest.1 } else { 0 })?;
        let text = self.document.split('\n').nth(line)?;
        let character: usize = text.chars().take(column).map(char::len_utf16).sum();
        Some((u32::try_from(line).ok()?, u32::try_from(character).ok()?))
    }
}

/// Characters of a line before a UTF-16 column.
fn characters(line: &str, utf16: u32) -> usize {
    let mut left = utf16 as usize;
    line.chars()
        .take_while(|c| {
            let taken = left > 0;
            left = left.saturating_sub(c.len_utf16());
            taken
        })
        .count()
}

/// The imports of a text, where each begins, and where they end. Unlike the tokens of a whole text this never fails.
fn header(source: &str) -> (String, Vec<usize>, usize) {
    let (mut imports, mut starts, mut end, mut at) = (String::new(), Vec::new(), 0, 0);
    let (mut words, mut first) = (String::new(), 0);
    while let Some(start) = blank(source, at) {
        let word = word(&source[start..]);
        at = start + word.len();
        if words.is_empty() {
            first = start;
        }
        let last = words.split_whitespace().next_back();
        match word {
            "" => break,
            "prelude" | "module" if words.is_empty() && starts.is_empty() => {
                imports.push_str(word);
                imports.push('\n');
                starts.push(start);
                end = at;
            }
            "public" | "meta" | "import" | "all" if last != Some("all") && (word != "all" || last == Some("import")) => {
                words.push_str(word);
                words.push(' ');
            }
            name if matches!(last, Some("import" | "all")) => {
                imports.push_str(&format!("{words}{name}\n"));
                starts.push(first);
                words.clear();
                end = at;
            }
            _ => break,
        }
    }
    (imports, starts, end)
}

/// The next place that is neither white space nor comment; `None` at the end, or in a comment that does not end.
fn blank(source: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = &source[at..];
        let next = rest.chars().next()?;
        if next.is_whitespace() {
            at += next.len_utf8();
        } else if rest.starts_with("--") {
            at += rest.find('\n')?;
        } else if rest.starts_with("/-") && !rest.starts_with("/-!") && !rest.starts_with("/--") {
            let (mut depth, mut i) = (0usize, 0);
            loop {
                match rest.as_bytes().get(i..i + 2)? {
                    b"/-" => (depth, i) = (depth + 1, i + 2),
                    b"-/" => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            at += i;
        } else {
            return Some(at);
        }
    }
}

/// A name or keyword at the beginning of a text.
fn word(text: &str) -> &str {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted = (quoted || c == '«') && c != '»' && c != '\n';
        !(quoted || c == '»' || c == '.' || c == '_' || c == '\'' || c == '!' || c == '?' || c.is_alphanumeric())
    });
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn layout_of_imports_does_not_matter() {
        let plain = Text::new("import Std\nimport Lean.Elab\n\ntheorem t : 1 = 1 := rfl");
        let odd = Text::new("/- a /- nested -/ note -/\n\n  import Std  -- all\n  import\nLean.Elab\n#check Nat");
        assert_eq!(plain.imports, "import Std\nimport Lean.Elab\n");
        assert_eq!(odd.imports, plain.imports);
        assert_eq!(odd.document, "import Std\nimport Lean.Elab\n/-! -/\n\n#check Nat");
        assert_eq!(Text::new("import A open Nat").document, "import A\n/-! -/\n open Nat");
        assert_eq!(
            Text::new("module\npublic import all A\nimport «b c».D\n").imports,
            "module\npublic import all A\nimport «b c».D\n"
        );
    }

    #[test]
    fn what_is_no_import_stays_where_it_was() {
        for text in [
            "",
            "import",
            "import 5",
            "/- import Std",
            "theorem t : 1 = 1 := rfl",
            "import all import X",
            "«",
            "/-! doc -/ import X",
        ] {
            assert_eq!(Text::new(text).imports, "", "{text}");
            assert_eq!(Text::new(text).document, format!("/-! -/\n{text}"));
        }
        assert_eq!(Text::new("import Std\nimport 5").document, "import Std\n/-! -/\n\nimport 5");
    }

    #[test]
    fn places_are_mapped_both_ways() {
        let text = Text::new("-- x\nimport Std\nimport Lean #check 𝔸 x\n  y");
        assert_eq!(text.document, "import Std\nimport Lean\n/-! -/\n #check 𝔸 x\n  y");
        // 𝔸 counts as two in UTF-16.
        for (document, original) in [((3, 11), at(3, 21)), ((3, 1), at(3, 12)), ((4, 2), at(4, 2))] {
            assert_eq!(text.original(document.0, document.1), original);
            assert_eq!(text.place(original), Some(document));
        }
        assert_eq!(text.original(1, 3), at(3, 0));
        assert_eq!(text.place(at(2, 0)), None);
        assert_eq!(text.place(at(9, 0)), None);
    }
}
