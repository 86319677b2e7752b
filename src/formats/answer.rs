//! What a model answered: the Lean in it, freed from thoughts, fences, echoes and marks.
//!
//! Everything here takes any text and gives some text or none; whether it is a proof is for guard and Lean to say.

use super::{Reading, Theorem};
use crate::lean::guard::MAX_BYTES;
use crate::lean::syntax::{Kind, Token, tokens};

/// The Lean in an answer; `None` when there is none.
pub fn lean(reading: &Reading, answer: &str) -> Option<String> {
    let mut text = answer;
    if let Some(end) = &reading.thoughts {
        match text.rfind(end.as_str()) {
            Some(at) => text = &text[at + end.len()..],
            // Thoughts that never end hold no answer.
            None if opening(end).is_some_and(|open| text.contains(&open)) => return None,
            None => {}
        }
    }
    if reading.block {
        text = match block(text) {
            Some(block) => block,
            // One line may be the answer as it is; more are words about it.
            None if text.trim().lines().count() == 1 => text,
            None => return None,
        };
    }
    if let Some(mark) = &reading.after
        && let Some(at) = text.rfind(mark.as_str())
    {
        text = &text[at + mark.len()..];
    }
    if let Some(prefix) = &reading.prefix {
        text = text.trim_start();
        text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
    }
    let end = reading.until.iter().filter_map(|mark| text.find(mark.as_str())).min().unwrap_or(text.len());
    let mut text = text[..end].to_owned();
    for mark in &reading.strip {
        text = text.replace(mark.as_str(), "");
    }
    let text = text.replace('\r', "");
    let text = text.trim_matches('\n').trim_end();
    (!text.trim().is_empty() && text.len() <= MAX_BYTES).then(|| text.to_owned())
}

/// `<think>` for `</think>`.
fn opening(end: &str) -> Option<String> {
    end.strip_prefix("</").map(|name| format!("<{name}"))
}

/// The last fenced block of Lean; one that is not closed was cut off and counts.
fn block(text: &str) -> Option<&str> {
    let mut last = None;
    let mut rest = text;
    while let Some(at) = rest.find("```") {
        let inner = &rest[at + 3..];
        let (language, code) = inner.split_once('\n')?;
        let end = code.find("```").unwrap_or(code.len());
        if ["lean4", "lean", "lean 4", ""].contains(&language.trim().to_lowercase().as_str()) {
            last = Some(&code[..end]);
        }
        rest = code.get(end + 3..).unwrap_or("");
    }
    last
}

/// A tactic as it may stand in a proof: without a `by` before it, its lines as far left as they go.
pub fn tactic(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("by ").or_else(|| text.strip_prefix("by\n")).unwrap_or(text);
    Some(level(text)).filter(|t| !t.is_empty())
}

/// The proof in a text that states a theorem and proves it, or that goes on behind its `:= by`: a tactic block.
///
/// Lemmas that stand before the theorem become `have`s at its beginning. `None` when there is no proof.
pub fn proof(theorem: &Theorem, text: &str) -> Option<String> {
    let code = code(text)?;
    let found = declarations(text, &code);
    let Some(main) = main(theorem, &found) else {
        // No theorem in it: it is the proof itself.
        return if found.is_empty() { tactic(text) } else { None };
    };
    let body = body(main.text)?;
    let known = |name: &str| theorem.header.split(|c: char| c.is_whitespace()).any(|w| w == name);
    let lemmas = found.iter().take_while(|d| d.start < main.start).filter(|d| !known(d.name)).filter_map(Declaration::as_have);
    let parts: Vec<String> = lemmas.chain([body]).collect();
    let whole = parts.join("\n");
    (whole.len() <= MAX_BYTES).then_some(whole)
}

/// Proofs of the theorem of that name in a file, as tactic blocks.
pub fn proofs(theorem: &Theorem, file: &str) -> Vec<String> {
    let Some(code) = code(file) else { return Vec::new() };
    let named = declarations(file, &code).into_iter().filter(|d| d.name == theorem.name);
    named.filter_map(|d| body(d.text)).collect()
}

/// Tokens without comments; a text that cannot be cut (a string or a comment is open at its end) ends before that.
fn code(text: &str) -> Option<Vec<Token<'_>>> {
    let all = tokens(text).ok()?;
    Some(all.into_iter().filter(|t| t.kind != Kind::Comment).collect())
}

/// A theorem in an answer.
struct Declaration<'a> {
    name: &'a str,
    start: usize,
    /// From the keyword to the next command.
    text: &'a str,
}

/// Words that begin a command at the start of a line, and so end the one before.
const COMMANDS: &[&str] = &[
    "theorem",
    "lemma",
    "example",
    "def",
    "abbrev",
    "instance",
    "structure",
    "inductive",
    "namespace",
    "end",
    "section",
    "open",
    "import",
    "set_option",
    "variable",
    "universe",
    "noncomputable",
    "private",
    "axiom",
    "macro",
    "notation",
    "#eval",
    "#check",
    "#print",
    "@",
    "attribute",
    "local",
];

fn declarations<'a>(text: &'a str, code: &[Token<'a>]) -> Vec<Declaration<'a>> {
    let at_left = |t: &Token| t.start == 0 || text[..t.start].ends_with('\n');
    let begins = |t: &&Token| at_left(t) && (COMMANDS.contains(&t.text) || t.text.starts_with(['#', '@']));
    let starts: Vec<usize> = code.iter().filter(begins).map(|t| t.start).chain([text.len()]).collect();
    let theorem = |window: &[usize]| {
        let place = code.iter().position(|t| t.start == window[0])?;
        let word = code[place].text;
        let name = if word == "example" { "" } else { code.get(place + 1)?.text };
        let is = ["theorem", "lemma", "example"].contains(&word);
        is.then(|| Declaration { name, start: window[0], text: text[window[0]..window[1]].trim_end() })
    };
    starts.windows(2).filter_map(theorem).collect()
}

/// The theorem in question: that of its name, else the last.
fn main<'a, 'b>(theorem: &Theorem, found: &'b [Declaration<'a>]) -> Option<&'b Declaration<'a>> {
    found.iter().rfind(|d| d.name == theorem.name).or(found.last())
}

/// What stands behind a declaration's `:=`, as a tactic block.
fn body(declaration: &str) -> Option<String> {
    let code = code(declaration)?;
    let mut depth = 0usize;
    let assign = code.iter().find(|t| {
        match t.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && t.text == ":="
    })?;
    let rest = &declaration[assign.end()..];
    let first = code.iter().find(|t| t.start >= assign.end())?;
    if first.text == "by" {
        let block = &declaration[first.end()..];
        return Some(level(block)).filter(|b| !b.is_empty());
    }
    Some(level(&format!("exact {}", rest.trim())))
}

impl Declaration<'_> {
    /// A lemma as a `have`; `None` when it cannot be one (no name, universes).
    fn as_have(&self) -> Option<String> {
        let rest = self.text.trim_start_matches(|c: char| c.is_alphabetic()).trim_start();
        let simple = !self.name.is_empty() && !self.name.contains('.') && !rest.contains(".{");
        simple.then(|| format!("have {rest}"))
    }
}

/// Lines moved to the left by the indentation of the first, blank ones at either end left out.
pub fn level(text: &str) -> String {
    let text = text.trim_end();
    let lines: Vec<&str> = text.lines().skip_while(|l| l.trim().is_empty()).collect();
    // What follows `by` on its own line says nothing of the column of the lines below it.
    let indent = |l: &&str| l.len() - l.trim_start_matches(' ').len();
    let base = lines.first().map_or(0, indent);
    let moved = |l: &&str| if indent(l) >= base { l[base..].trim_end().to_owned() } else { l.trim_end().to_owned() };
    lines.iter().map(moved).collect::<Vec<_>>().join("\n")
}
