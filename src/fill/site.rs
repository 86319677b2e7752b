//! Where the `sorry`s of a file stand, and how a proof is written in the place of each.
//!
//! Text only. Guesses what a place is (a tactic, a term) are put to Lean by the caller.

use std::ops::Range;

use crate::lean::Hole;
use crate::lean::document::indent_into;
use crate::lean::syntax::{Kind, SyntaxError, Token, tokens};
use crate::source::{Command, Statement, commands};

/// Commands whose `sorry`s are places of proofs.
const DECLARATIONS: &[&str] =
    &["theorem", "lemma", "example", "def", "abbrev", "instance", "structure", "class", "inductive", "opaque", "mutual"];
/// Tokens before a term `sorry` behind which `by …` needs no brackets.
const BEFORE_BY: &[&str] = &[":=", "=>", "exact", "from", "(", ",", "⟨", "<|", "refine", "apply", "show", "then", "else"];

/// A `sorry`.
#[derive(Debug, Clone)]
pub struct Site {
    /// Bytes of the word in the file.
    pub range: Range<usize>,
    /// Its command, up to its last token.
    pub command: Range<usize>,
    pub keyword: String,
    /// Place of the command among the file's.
    pub index: usize,
    /// Token before it, and whether that stands on the same line.
    before: (String, bool),
    /// Whether what follows it (if anything on its line) cannot be taken for an argument.
    ends: bool,
}

/// What Lean takes the place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Tactic,
    Term,
}

/// The commands of a file; a `mutual` block is one.
///
/// # Errors
/// When the file cannot be cut into tokens.
pub fn blocks(text: &str) -> Result<Vec<Command>, SyntaxError> {
    let mut found: Vec<Command> = Vec::new();
    let mut open = false;
    for command in commands(text)? {
        if open && let Some(block) = found.last_mut() {
            block.range.end = command.range.end;
            open = command.keyword != "end";
        } else {
            open = command.keyword == "mutual";
            found.push(command);
        }
    }
    Ok(found)
}

/// Every `sorry` of a file that stands in a declaration.
pub fn sites(text: &str, blocks: &[Command]) -> Vec<Site> {
    let mut found = Vec::new();
    for (index, command) in blocks.iter().enumerate().filter(|(_, c)| DECLARATIONS.contains(&c.keyword.as_str())) {
        let start = command.range.start;
        let body = &text[command.range.clone()];
        let code: Vec<Token> = tokens(body).unwrap_or_default().into_iter().filter(|t| t.kind != Kind::Comment).collect();
        let end = start + code.last().map_or(0, Token::end);
        for (i, token) in code.iter().enumerate().filter(|(_, t)| t.kind == Kind::Name && t.text == "sorry") {
            let same_line = |a: &Token, b: &Token| !body[a.end()..b.start].contains('\n');
            let before = i.checked_sub(1).map(|p| &code[p]);
            let next = code.get(i + 1);
            found.push(Site {
                range: start + token.start..start + token.end(),
                command: start..end,
                keyword: command.keyword.clone(),
                index,
                before: before.map_or((String::new(), false), |b| (b.text.to_owned(), same_line(b, token))),
                ends: next.is_none_or(|n| !same_line(token, n) || n.kind == Kind::Close || n.text == ","),
            });
        }
    }
    found
}

impl Site {
    /// Line and column, from 1, as editors count.
    pub fn position(&self, text: &str) -> (usize, usize) {
        let before = &text[..self.range.start];
        (before.matches('\n').count() + 1, column(before) + 1)
    }

    /// The places at which Lean can be asked for this `sorry`'s goal: in a copy without name where the command is a
    /// theorem (`scoped` false), or in a copy of the whole command in a namespace of its own.
    pub fn hole(&self, text: &str, form: Form, scoped: bool) -> Option<Hole> {
        let command = &text[self.command.clone()];
        let at = self.range.start - self.command.start;
        let mut before = if scoped {
            command[..at].to_owned()
        } else {
            let (statement, _) = Statement::split(command).ok()?;
            let signature = command.find(&statement.text)? + statement.signature_start();
            format!("example {}", command.get(signature..at)?)
        };
        let rest = &command[at + "sorry".len()..];
        let (row, col) = (before.matches('\n').count() as u32, column(&before));
        let utf16 = before.rsplit('\n').next().unwrap_or("").encode_utf16().count() as u32;
        let indent = col + 2;
        let pad = " ".repeat(indent);
        let (opener, close) = match form {
            Form::Tactic => ("·\n", ""),
            Form::Term => ("(by\n", ")"),
        };
        before.push_str(opener);
        let line_end = rest.find('\n').unwrap_or(rest.len());
        let mut after = match (close, rest[..line_end].trim().is_empty()) {
            ("", true) => rest.get(line_end + 1..).unwrap_or("").to_owned(),
            _ => format!("{pad}{close}{rest}"),
        };
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        let bullet = Some((row, utf16 + u32::from(form == Form::Term)));
        Some(Hole { before, after, indent, bullet, scoped })
    }

    /// The bytes to be replaced and the text to put there, as people write Lean.
    pub fn edit(&self, text: &str, form: Form, proof: &str) -> (Range<usize>, String) {
        let one_line = proof.trim_end().lines().count() == 1;
        let (word, same_line) = (self.before.0.as_str(), self.before.1);
        let own_column = column(&text[..self.range.start]);
        let block = || {
            let indent = block_column(&text[..self.range.start]) + 2;
            let mut lines = String::from("\n");
            indent_into(&mut lines, proof, indent);
            lines.trim_end().to_owned()
        };
        let at_column = |column: usize| {
            let mut lines = String::new();
            indent_into(&mut lines, proof, column);
            lines.trim().to_owned()
        };
        match form {
            Form::Tactic if same_line && ["by", "=>"].contains(&word) && !one_line => {
                // The blank before `sorry` would be left at the end of the line.
                let start = text[..self.range.start].trim_end_matches(' ').len();
                (start..self.range.end, block())
            }
            Form::Tactic if !same_line || one_line && word != "<;>" || ["·", "."].contains(&word) => {
                (self.range.clone(), at_column(own_column))
            }
            Form::Tactic => (self.range.clone(), format!("({})", at_column(own_column + 1))),
            Form::Term => {
                let inner = if one_line { format!("by {}", proof.trim()) } else { format!("by{}", block()) };
                let bare = self.ends && BEFORE_BY.contains(&word);
                (self.range.clone(), if bare { inner } else { format!("({inner})") })
            }
        }
    }

    /// A plainer text for the same place, exactly as Lean was asked.
    pub fn plain_edit(&self, text: &str, form: Form, proof: &str) -> (Range<usize>, String) {
        let indent = column(&text[..self.range.start]) + 2;
        let mut lines = String::from(if form == Form::Tactic { "·\n" } else { "(by\n" });
        indent_into(&mut lines, proof, indent);
        let text = match form {
            Form::Tactic => lines.trim_end().to_owned(),
            Form::Term => format!("{lines}{})", " ".repeat(indent)),
        };
        (self.range.clone(), text)
    }
}

/// Column of the end of a text, in characters from 0.
fn column(before: &str) -> usize {
    before.rsplit('\n').next().unwrap_or("").chars().count()
}

/// Column of the tactic or declaration that the last line of `before` begins with, behind bullets.
fn block_column(before: &str) -> usize {
    let line = before.rsplit('\n').next().unwrap_or("");
    line.chars().take_while(|c| [' ', '·', '.'].contains(c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Site {
        sites(text, &blocks(text).unwrap()).remove(0)
    }

    fn filled(text: &str, form: Form, proof: &str) -> String {
        let (range, put) = only(text).edit(text, form, proof);
        format!("{}{put}{}", &text[..range.start], &text[range.end..])
    }

    #[test]
    fn proofs_are_written_as_people_write_them() {
        use Form::{Tactic, Term};
        let two = "intro x\nsimp\n";
        for (text, form, proof, expected) in [
            ("theorem a : P := by\n  sorry\n", Tactic, two, "theorem a : P := by\n  intro x\n  simp\n"),
            ("theorem a : P := by sorry", Tactic, two, "theorem a : P := by\n  intro x\n  simp"),
            ("theorem a : P := by sorry", Tactic, "simp\n", "theorem a : P := by simp"),
            ("theorem a : P := sorry\n", Term, two, "theorem a : P := by\n  intro x\n  simp\n"),
            ("theorem a : P := by\n  · sorry\n", Tactic, two, "theorem a : P := by\n  · intro x\n    simp\n"),
            (
                "theorem a : P := by\n  · have : Q := by sorry\n    rfl\n",
                Tactic,
                two,
                "theorem a : P := by\n  · have : Q := by\n      intro x\n      simp\n    rfl\n",
            ),
            ("theorem a : P := by\n  x <;> sorry\n", Tactic, two, "theorem a : P := by\n  x <;> (intro x\n         simp)\n"),
            ("theorem a : P := f sorry b\n", Term, "simp\n", "theorem a : P := f (by simp) b\n"),
            ("theorem a : P := ⟨sorry, b⟩\n", Term, "simp\n", "theorem a : P := ⟨by simp, b⟩\n"),
        ] {
            assert_eq!(filled(text, form, proof), expected);
        }
    }

    #[test]
    fn holes_keep_what_stands_around_them() {
        let text = "theorem a (n : Nat) : P := by\n  have h : Q := by sorry -- later\n  exact h\n\n/-- b -/\ndef b := 1\n";
        let hole = only(text).hole(text, Form::Tactic, false).unwrap();
        assert_eq!(hole.before, "example (n : Nat) : P := by\n  have h : Q := by ·\n");
        assert_eq!(hole.after, format!("{} -- later\n  exact h\n", " ".repeat(21)));
        assert_eq!((hole.indent, hole.bullet), (21, Some((1, 19))));
        let hole = only(text).hole(text, Form::Term, true).unwrap();
        assert!(hole.before.starts_with("theorem a") && hole.before.ends_with("by (by\n"));
        assert_eq!(hole.bullet, Some((1, 20)));
    }

    #[test]
    fn words_that_are_no_sorry_are_left_alone() {
        let text = "/-- sorry -/\ntheorem a : \"sorry\" = s.sorry := by\n  -- sorry\n  rfl\n#check sorry\nmutual\ntheorem b : P := sorry\nend\n";
        let blocks = blocks(text).unwrap();
        let found = sites(text, &blocks);
        assert_eq!(found.iter().map(|s| s.keyword.as_str()).collect::<Vec<_>>(), ["mutual"]);
        assert_eq!(found[0].position(text), (7, 18));
    }
}
