//! Proofs that came from anywhere: a candidate file against the original whose `sorry`s it claims to fill.
//!
//! The candidate must be the original, byte for byte, but for the proofs and for helper lemmas and definitions put
//! between its commands. A helper's names must not occur in the original at all, so that nothing there can come to
//! mean something else; and Lean compares each theorem with its statement as it was elaborated beforehand.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::process::{self, Message};
use super::{Rejection, check_header};
use crate::lean::guard::{check_characters, check_tokens};
use crate::lean::syntax::{Kind, tokens};
use crate::source::{Command, Statement, commands};
use crate::toolchain::Toolchain;

/// Declarations that may be added. No instances, notations or attributes: those change what a statement means.
const HELPERS: &[&str] = &["theorem", "lemma", "def", "abbrev"];
/// Words that are refused in proofs of one tactic block but belong to a declaration.
const OF_DECLARATIONS: &[&str] = &["where", "termination_by", "decreasing_by", "private", "protected", "noncomputable"];

/// The verdict on one theorem of the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    pub name: String,
    pub proved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A theorem's place in the document given to Lean (lines from 1).
struct Place {
    name: String,
    claim: usize,
    claim_end: usize,
    first: usize,
    last: usize,
    check: usize,
}

/// Judges every theorem of `original` that ends in `sorry`.
///
/// # Errors
/// When `original` cannot be read, or Lean does not run.
pub async fn verify_file(toolchain: &Toolchain, original: &str, candidate: &str, timeout: Duration) -> Result<Vec<Judged>> {
    let wanted: Vec<String> = crate::problem::open_theorems(original)
        .context("the original cannot be read as Lean")?
        .into_iter()
        .filter_map(|p| p.statement.name)
        .collect();
    anyhow::ensure!(!wanted.is_empty(), "the original has no theorem that ends in `sorry`");
    let all_fail = |reason: String| {
        wanted.iter().map(|n| Judged { name: n.clone(), proved: false, reason: Some(reason.clone()) }).collect()
    };
    let (text, places, canary) = match compose(original, candidate) {
        Ok(composed) => composed,
        Err(reason) => return Ok(all_fail(reason)),
    };
    let messages = match process::run(toolchain, &text, timeout).await {
        Ok(messages) => messages,
        Err(Rejection::TimedOut(t)) => return Ok(all_fail(format!("Lean did not finish within {t:?}"))),
        Err(e) => return Err(e.into()),
    };
    if !messages.iter().any(|m| m.line == canary && m.text.contains("True")) {
        return Ok(all_fail(Rejection::Swallowed.to_string()));
    }
    Ok(wanted
        .iter()
        .map(|name| {
            let reason = places.iter().find(|p| p.name == *name).map_or_else(
                || Some("the candidate has no theorem with this name and statement".to_owned()),
                |place| judge(place, &places, &messages),
            );
            Judged { name: name.clone(), proved: reason.is_none(), reason }
        })
        .collect())
}

fn judge(place: &Place, places: &[Place], messages: &[Message]) -> Option<String> {
    let others = |line: usize| {
        places
            .iter()
            .any(|p| p.name != place.name && ((p.claim..=p.claim_end).contains(&line) || (p.first..=p.check).contains(&line)))
    };
    for m in messages.iter().filter(|m| m.is_error() || m.uses_sorry()) {
        if (place.claim..=place.claim_end).contains(&m.line) {
            return Some(format!("its statement cannot be compared by Lean: {}", m.text));
        }
        if m.line == place.check && m.is_error() {
            return Some(format!("it is not the statement of the original: {}", m.text));
        }
        if (place.first..=place.last).contains(&m.line) {
            return Some(if m.is_error() { format!("Lean rejects it: {}", m.text) } else { Rejection::Sorry.to_string() });
        }
        // What stands before it, a helper or another theorem, may have been used.
        if m.line < place.first && (!others(m.line) || m.uses_sorry() || m.is_error()) {
            return Some(format!("a declaration before it fails: {}", m.text));
        }
    }
    None
}

/// Aligns the two files and writes the document for Lean; the last number is the canary's line.
fn compose(original: &str, candidate: &str) -> Result<(String, Vec<Place>, usize), String> {
    check_header(original).map_err(|e| e.to_string())?;
    check_characters(candidate).map_err(|e| format!("the candidate is refused: {e}"))?;
    let theirs = commands(candidate).map_err(|e| format!("the candidate is refused: {e}"))?;
    let ours = commands(original).map_err(|e| e.to_string())?;
    let head = |text: &str, c: &[Command]| text[..c.first().map_or(text.len(), |c| c.range.start)].trim_end().to_owned();
    // `import` is a command to the splitter, so that the heads hold comments only.
    if head(original, &ours) != head(candidate, &theirs) {
        return Err("the beginning of the candidate differs from the original's".into());
    }
    let known: HashSet<&str> = tokens(original)
        .map_err(|e| e.to_string())?
        .iter()
        .filter(|t| t.kind == Kind::Name)
        .flat_map(|t| t.text.split('.'))
        .collect();
    let mut text = head(original, &ours) + "\n";
    let mut places = Vec::new();
    let mut checks = String::new();
    let line = |text: &str| text.matches('\n').count() + 1;
    let mut rest = theirs.iter().map(|c| candidate[c.range.clone()].trim_end()).zip(&theirs).peekable();
    for command in &ours {
        let body = original[command.range.clone()].trim_end();
        let statement = HELPERS.contains(&command.keyword.as_str()).then(|| Statement::parse(body.trim()).ok()).flatten();
        let named = statement.as_ref().and_then(|s| Some((s, s.name.as_deref()?)));
        let mut claim = (0, 0);
        if let Some((statement, name)) = named {
            let number = places.len();
            claim.0 = line(&text) + 1;
            let universes = statement.universe_command();
            text.push_str(&format!(
                "\nsection\n{universes}def QStarClaim{number} : Prop :=\n  {}\nend\n",
                statement.closed_type()
            ));
            claim.1 = line(&text) - 1;
            checks = format!("\nexample : QStarClaim{number} := @{name}\n");
        }
        loop {
            let Some((their_body, their_command)) = rest.next() else {
                return Err(format!("the candidate lacks a part of the original: {}", first_line(body)));
            };
            if let Some((statement, name)) = named
                && let Ok((found, proof)) = Statement::split(their_body)
                && found.text == statement.text
            {
                check_declaration(proof, "the proof of", name)?;
                text.push('\n');
                let first = line(&text);
                text.push_str(their_body);
                text.push('\n');
                let last = line(&text) - 1;
                text.push_str(&checks);
                places.push(Place { name: name.to_owned(), claim: claim.0, claim_end: claim.1, first, last, check: last + 2 });
                break;
            }
            text.push('\n');
            if named.is_none() && their_body == body {
                text.push_str(body);
                text.push('\n');
                break;
            }
            check_helper(their_body, their_command, &known)?;
            text.push_str(their_body);
            text.push('\n');
        }
    }
    for (body, command) in rest {
        check_helper(body, command, &known)?;
        text.push_str(&format!("\n{body}\n"));
    }
    let canary = line(&text) + 1;
    text.push_str("\n#check (True.intro : True)\n");
    Ok((text, places, canary))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

fn check_helper(body: &str, command: &Command, known: &HashSet<&str>) -> Result<(), String> {
    let refuse = |why: String| Err(format!("the candidate adds or changes `{}`: {why}", first_line(body)));
    if !HELPERS.contains(&command.keyword.as_str()) {
        return refuse("only theorems, lemmas and definitions may be added, and nothing may be changed".into());
    }
    let all = tokens(body).map_err(|e| e.to_string())?;
    let code: Vec<_> = all.iter().filter(|t| t.kind != Kind::Comment).collect();
    let Some(at) = code.iter().position(|t| t.text == command.keyword) else { return refuse("it has no keyword".into()) };
    if code[..at].iter().any(|t| !["private", "protected", "noncomputable"].contains(&t.text)) {
        return refuse("attributes and options are not allowed on what is added".into());
    }
    let Some(name) = code.get(at + 1).filter(|t| t.kind == Kind::Name) else { return refuse("it has no name".into()) };
    if let Some(part) = name.text.split('.').find(|part| known.contains(part)) {
        return refuse(format!("the name `{part}` occurs in the original, where it could come to mean something else"));
    }
    check_declaration(&body[name.end()..], "the added", name.text)
}

/// The token rules for the part of a declaration behind its name or statement.
fn check_declaration(text: &str, what: &str, name: &str) -> Result<(), String> {
    let all = tokens(text).map_err(|e| format!("{what} `{name}` is refused: {e}"))?;
    let kept: Vec<_> = all.into_iter().filter(|t| !OF_DECLARATIONS.contains(&t.text)).collect();
    if kept.iter().all(|t| t.kind == Kind::Comment) {
        return Err(format!("{what} `{name}` is missing"));
    }
    check_tokens(&kept, true).map_err(|e| format!("{what} `{name}` is refused: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "open Nat\n\ndef f (n : Nat) := n + 1\n\ntheorem t (n : Nat) : f n = n + 1 := by\n  sorry\n";

    fn refused(candidate: &str) -> String {
        compose(ORIGINAL, candidate).map(|_| ()).unwrap_err()
    }

    #[test]
    fn proofs_and_helpers_may_be_added() {
        let honest = ORIGINAL.replace("theorem t", "theorem aux : 1 = 1 := rfl\n\ntheorem t").replace("sorry", "rfl");
        let (_, places, _) = compose(ORIGINAL, &honest).unwrap();
        assert_eq!(places[0].name, "t");
    }

    #[test]
    fn changes_are_refused() {
        let proved = ORIGINAL.replace("sorry", "rfl");
        for (candidate, why) in [
            (proved.replace("n + 1 :=", "n :="), "occurs in the original"),
            (proved.replace("def f (n : Nat) := n + 1", "def f (n : Nat) := n"), "could come to mean|lacks"),
            (proved.replace("open Nat", "open Nat\ninstance : Add Nat := ⟨fun _ _ => 0⟩"), "only theorems"),
            (proved.replace("open Nat", "open Nat\ndef Nat.f := 1"), "occurs in the original"),
            (proved.replace("theorem t", "@[simp] theorem u : 1 = 1 := rfl\ntheorem t"), "attributes"),
            (ORIGINAL.to_owned(), "sorry"),
            (proved.replace("rfl", "rfl\n/- open"), "comment"),
            (proved.clone() + "\n#eval 1\n", "only theorems"),
        ] {
            let reason = refused(&candidate);
            assert!(why.split('|').any(|w| reason.contains(w)), "{candidate}\n{reason}");
        }
    }
}
