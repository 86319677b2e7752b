//! Lean source as people write it: the commands of a file, the theorems among them, and statements without proof.
//!
//! Depends on `lean::syntax` for tokens. Lean itself decides what the text means; this finds where things stand.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::lean::syntax::{Kind, SyntaxError, Token, tokens};

/// Words that begin a command at the start of a line.
const COMMAND_WORDS: &[&str] = &[
    "abbrev",
    "alias",
    "attribute",
    "axiom",
    "class",
    "def",
    "deriving",
    "elab",
    "end",
    "example",
    "export",
    "import",
    "include",
    "inductive",
    "infix",
    "infixl",
    "infixr",
    "initialize",
    "instance",
    "lemma",
    "local",
    "macro",
    "macro_rules",
    "module",
    "mutual",
    "namespace",
    "noncomputable",
    "nonrec",
    "notation",
    "omit",
    "opaque",
    "open",
    "partial",
    "postfix",
    "prefix",
    "prelude",
    "private",
    "protected",
    "public",
    "run_cmd",
    "scoped",
    "section",
    "set_option",
    "structure",
    "syntax",
    "theorem",
    "universe",
    "unsafe",
    "variable",
];
/// Those of them that begin a command wherever they are a line's first word: no term or tactic has them.
const ANYWHERE: &[&str] = &[
    "abbrev",
    "axiom",
    "class",
    "def",
    "end",
    "example",
    "inductive",
    "instance",
    "lemma",
    "mutual",
    "namespace",
    "opaque",
    "section",
    "structure",
    "theorem",
    "variable",
];
const MODIFIERS: &[&str] =
    &["private", "protected", "noncomputable", "nonrec", "partial", "unsafe", "public", "local", "scoped", "meta"];

/// A theorem's text up to its proof.
///
/// ```
/// use qstar::source::Statement;
/// let s = Statement::parse("theorem t (n : Nat) : n = n := by sorry").unwrap();
/// assert_eq!(s.name.as_deref(), Some("t"));
/// assert_eq!(s.text, "theorem t (n : Nat) : n = n");
/// assert_eq!(s.as_example(), "example (n : Nat) : n = n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub name: Option<String>,
    /// The bytes from the first modifier to the end of the type.
    pub text: String,
    /// Where binders and type begin in `text`.
    signature: usize,
    /// Names in `.{…}` behind the name.
    universes: String,
}

/// Why a text is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error("no `theorem`, `lemma` or `example` begins it")]
    NoKeyword,
    #[error("the theorem has no name")]
    NoName,
    #[error("it has no type: `:` is missing")]
    NoType,
    #[error("it has a proof already; only statements that end in `:= by`, `:= by sorry`, `:= sorry` or nothing are taken")]
    HasProof,
}

/// A hash of a text that is equal for texts that differ in layout and comments only.
pub fn levelled(text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for token in tokens(text).unwrap_or_default().iter().filter(|t| t.kind != Kind::Comment) {
        hash.update(token.text.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Statement {
    /// Equal for statements that differ in name, layout and comments only.
    pub fn key(&self) -> [u8; 32] {
        levelled(self.signature())
    }

    /// Parses a statement that ends in `:= by`, `:= by sorry`, `:= sorry`, `:=` or nothing.
    ///
    /// # Errors
    /// When it is not one declaration without proof.
    pub fn parse(text: &str) -> Result<Statement, StatementError> {
        let (statement, proof) = Statement::split(text)?;
        let words: Vec<&str> = tokens(proof)?.iter().filter(|t| t.kind != Kind::Comment).map(|t| t.text).collect();
        match words[..] {
            [] | [":="] | [":=", "by"] | [":=", "by", "sorry"] | [":=", "sorry"] => Ok(statement),
            _ => Err(StatementError::HasProof),
        }
    }

    /// Splits a declaration into its statement and the rest, which begins with `:=` or is empty.
    ///
    /// # Errors
    /// When it is no theorem, lemma or example.
    pub fn split(text: &str) -> Result<(Statement, &str), StatementError> {
        let code: Vec<Token> = tokens(text)?.into_iter().filter(|t| t.kind != Kind::Comment).collect();
        let keyword = declaration_keyword(&code).ok_or(StatementError::NoKeyword)?;
        let word = code[keyword].text;
        if !["theorem", "lemma", "example"].contains(&word) {
            return Err(StatementError::NoKeyword);
        }
        let mut at = keyword + 1;
        let mut name = None;
        if word != "example" {
            let token = code.get(at).filter(|t| t.kind == Kind::Name).ok_or(StatementError::NoName)?;
            name = Some(token.text.to_owned());
            at += 1;
        }
        let mut universes = String::new();
        if code.get(at).is_some_and(|t| t.text == ".") && code.get(at + 1).is_some_and(|t| t.text == "{") {
            let close = (at..code.len()).find(|&i| code[i].text == "}").ok_or(StatementError::NoType)?;
            universes = text[code[at + 1].end()..code[close].start].replace(',', " ");
            at = close + 1;
        }
        let signature = code.get(at).map_or(text.len(), |t| t.start);
        let (mut depth, mut colon, mut end) = (0usize, false, text.len());
        for token in &code[at.min(code.len())..] {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Symbol if depth == 0 && token.text == ":" => colon = true,
                // `let x := …; …` in a type stands before the theorem's own `:=` only inside brackets here.
                Kind::Symbol if depth == 0 && token.text == ":=" => {
                    end = token.start;
                    break;
                }
                _ => {}
            }
        }
        if !colon {
            return Err(StatementError::NoType);
        }
        let kept = text[..end].trim_end();
        let start = code.first().map_or(0, |t| t.start);
        let statement = Statement {
            name,
            text: kept[start..].to_owned(),
            signature: signature - start,
            universes: universes.trim().to_owned(),
        };
        Ok((statement, &text[end..]))
    }

    /// Binders and type.
    pub fn signature(&self) -> &str {
        &self.text[self.signature..]
    }

    /// Where binders and type begin in `text`.
    pub fn signature_start(&self) -> usize {
        self.signature
    }

    /// The same statement without a name, so that nothing can refer to it.
    pub fn as_example(&self) -> String {
        format!("example {}", self.signature())
    }

    /// The statement as a theorem: as it is written, or with a name where it has none.
    pub fn as_theorem(&self, name: &str) -> String {
        if self.name.is_some() { self.text.clone() } else { format!("theorem {name} {}", self.signature()) }
    }

    /// A command that declares the universe names of the statement, for [`Statement::as_example`].
    pub fn universe_command(&self) -> String {
        if self.universes.is_empty() { String::new() } else { format!("universe {}\n", self.universes) }
    }

    /// The type as a closed term: `∀ binders, type`.
    pub fn closed_type(&self) -> String {
        let signature = self.signature();
        let mut depth = 0usize;
        for token in tokens(signature).unwrap_or_default() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Symbol if depth == 0 && token.text == ":" => {
                    let (binders, ty) = (signature[..token.start].trim_end(), &signature[token.end()..]);
                    return if binders.is_empty() { ty.to_owned() } else { format!("∀ {binders},{ty}") };
                }
                _ => {}
            }
        }
        signature.to_owned()
    }
}

/// The index of the keyword of a declaration, behind attributes and modifiers.
fn declaration_keyword(code: &[Token]) -> Option<usize> {
    let mut i = 0;
    while let Some(token) = code.get(i) {
        if token.text == "@" && code.get(i + 1).is_some_and(|t| t.text == "[") {
            i = (i..code.len()).find(|&j| code[j].text == "]")? + 1;
        } else if MODIFIERS.contains(&token.text) {
            i += 1;
        } else {
            return (token.kind == Kind::Name).then_some(i);
        }
    }
    None
}

/// Attributes and modifiers before a keyword are not more tokens than this.
const HEAD_TOKENS: usize = 200;

/// One command of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Bytes in the file, doc comment and attributes included, up to the next command.
    pub range: Range<usize>,
    /// `theorem`, `def`, `open`, …
    pub keyword: String,
}

/// Cuts a file into commands. A command begins with its word (or doc comment, attribute, `#`) at the start of a line,
/// a declaration also where it is indented; what stands before the first one (imports, comments) belongs to none.
///
/// # Errors
/// When a comment or string is left open.
pub fn commands(source: &str) -> Result<Vec<Command>, SyntaxError> {
    let all = tokens(source)?;
    let mut found: Vec<Command> = Vec::new();
    let mut joined = false;
    for (i, token) in all.iter().enumerate() {
        let opens = match token.kind {
            Kind::Comment => token.text.starts_with("/--"),
            Kind::Name => COMMAND_WORDS.contains(&token.text),
            _ => token.text == "#" || (token.text == "@" && all.get(i + 1).is_some_and(|t| t.text == "[")),
        };
        let Some(indent) = indentation(source, token.start).filter(|_| opens) else { continue };
        let rest: Vec<Token> = all[i..].iter().filter(|t| t.kind != Kind::Comment).take(HEAD_TOKENS).copied().collect();
        let keyword = declaration_keyword(&rest).map_or(String::new(), |k| rest[k].text.to_owned());
        if indent > 0 && !ANYWHERE.contains(&keyword.as_str()) {
            continue;
        }
        let is_head = token.kind == Kind::Comment || token.text == "@" || MODIFIERS.contains(&token.text);
        match found.last_mut() {
            // A head goes with the declaration that follows it, and so does `… in`.
            Some(last) if joined => last.keyword.clone_from(&keyword),
            last => {
                if let Some(last) = last {
                    last.range.end = token.start;
                }
                found.push(Command { range: token.start..source.len(), keyword: keyword.clone() });
            }
        }
        let next = all[i + 1..].iter().filter(|t| t.kind != Kind::Comment).find(|t| indentation(source, t.start).is_some());
        let before_next =
            next.and_then(|n| all[i..].iter().take_while(|t| t.start < n.start).filter(|t| t.kind != Kind::Comment).last());
        joined = is_head && next.is_some_and(|n| rest.iter().take_while(|t| t.start < n.start).all(|t| t.text != keyword))
            || (["open", "set_option", "omit", "include"].contains(&token.text) && before_next.is_some_and(|t| t.text == "in"));
    }
    Ok(found)
}

/// How many spaces stand before the place on its line; `None` when something else does.
fn indentation(source: &str, at: usize) -> Option<usize> {
    let line = source[..at].rsplit('\n').next().unwrap_or("");
    line.bytes().all(|b| b == b' ').then_some(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_leave_a_proof_out_is_one() {
        for tail in ["", " :=", " := by", " := by\n  sorry", " := sorry", " := by sorry -- later"] {
            let s = Statement::parse(&format!(
                "@[simp] private theorem a.b.{{u, v}} {{α : Type u}} (h : x = (let y := 1; y)) : P{tail}"
            ))
            .unwrap();
            assert_eq!(s.name.as_deref(), Some("a.b"));
            assert_eq!(s.signature(), "{α : Type u} (h : x = (let y := 1; y)) : P");
            assert_eq!(s.universe_command(), "universe u  v\n");
            assert_eq!(s.closed_type(), "∀ {α : Type u} (h : x = (let y := 1; y)), P");
        }
        assert_eq!(Statement::parse("theorem a : P := by rfl"), Err(StatementError::HasProof));
        assert_eq!(Statement::parse("theorem a"), Err(StatementError::NoType));
        assert_eq!(Statement::parse("def a : P := 1"), Err(StatementError::NoKeyword));
    }

    #[test]
    fn files_are_cut_into_commands() {
        let file = "import Std\n-- note\nopen Nat\n\n/-- doc -/\n@[simp]\ntheorem a : 1 = 1 := by\n  sorry\n\nset_option maxHeartbeats 5 in\nprivate lemma b : P := by\n  exact theorem_x\n#check a\nend X\n";
        let found = commands(file).unwrap();
        let words: Vec<&str> = found.iter().map(|c| c.keyword.as_str()).collect();
        assert_eq!(words, ["import", "open", "theorem", "lemma", "", "end"]);
        assert!(file[found[2].range.clone()].starts_with("/-- doc"));
        assert!(file[found[3].range.clone()].starts_with("set_option"));
    }

    #[test]
    fn indented_declarations_are_commands_and_their_insides_are_not() {
        let file = "namespace A\n  /-- doc -/\n  private theorem a : P := by\n    open Nat in\n    simp\n  structure S where\n    /-- f -/\n    f : Nat\nend A\n";
        let words: Vec<String> = commands(file).unwrap().into_iter().map(|c| c.keyword).collect();
        assert_eq!(words, ["namespace", "theorem", "structure", "end"]);
    }
}
