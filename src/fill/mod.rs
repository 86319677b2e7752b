//! Fills the `sorry`s of a Lean file where they stand, and leaves every other byte alone.
//!
//! Each `sorry` is searched in a copy of its command behind the file's text before it; what was found is put into the
//! file, the whole of which a fresh Lean process must accept before anything is written. Joins `prover`, `lean` and
//! `verify`; knows no flags and writes no file.

pub mod site;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::dataset::inspect::{LEMMA_UNKNOWN, lemma_is_unknown, lemma_probe};

use crate::lean::syntax::{Kind, tokens};
use crate::lean::{Batch, Candidate, Goal, Hole, Pool, Verdict};
use crate::problem::is_open_theorem;
use crate::prover::{Guide, Judged, PoolOracle, ProveError, finished, search_at, whole};
use crate::search::{Progress, SearchError, StopReason};
use crate::source::{Command, Statement};
use crate::toolchain::Toolchain;
use crate::verify::{Message, Rejection};
use site::{Form, Site, blocks, sites};
use whole::{Before, Found, accepted, left_over};

/// Budget for asking what a place is, in Lean's `maxHeartbeats`.
const PROBE_HEARTBEATS: u64 = 200_000;

/// What became of a `sorry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    Filled {
        /// The tactic block.
        proof: String,
        /// Text before it that it may rest on still holds a `sorry`.
        conditional: bool,
    },
    /// The search ended without a proof.
    Open { reason: StopReason },
    /// Not a proposition: a value is missing, which is the user's to choose.
    Data,
    /// Lean does not understand its surroundings, or the whole file does not take the proof.
    Error { message: String },
    /// Lean hangs or ends on its surroundings: nothing is known of it.
    Unjudged { message: String },
    /// A proof was found, and whether the whole file takes it could not be asked.
    Unverified { proof: String, message: String },
}

/// What Lean still says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// In the new text, from 1.
    pub line: usize,
    pub message: String,
}

/// One `sorry` of a file.
#[derive(Debug, Clone, Serialize)]
pub struct Filled {
    /// From 1, as editors count.
    pub line: usize,
    pub column: usize,
    /// The goal as Lean prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    #[serde(flatten)]
    pub status: Status,
    pub checks: u64,
    pub seconds: f64,
    /// Bytes of the file that were replaced, and what stands there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
}

/// A replacement in the original file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// A file with what could be filled.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The whole new text; the old one when nothing was filled.
    pub text: String,
    pub sorrys: Vec<Filled>,
    /// Where Lean warns of a `sorry` that is none of these: through a macro, or inside a string.
    pub remaining: Vec<Note>,
    /// Errors that the file has by itself: what they stand in is not proved.
    pub errors: Vec<Note>,
    /// Why Lean could not be had to the end.
    pub failure: Option<String>,
}

impl Outcome {
    /// Of something in the file nothing is known.
    pub fn is_unjudged(&self) -> bool {
        let unknown = |s: &Filled| matches!(s.status, Status::Unjudged { .. } | Status::Unverified { .. });
        self.failure.is_some() || self.sorrys.iter().any(unknown)
    }

    /// Nothing is left to prove, and Lean has seen that.
    pub fn is_complete(&self) -> bool {
        let filled = self.sorrys.iter().all(|s| matches!(s.status, Status::Filled { .. }));
        filled && self.remaining.is_empty() && self.errors.is_empty() && self.failure.is_none()
    }
}

/// Fills what it can of a file's text, until `cancel` is pulled.
///
/// # Errors
/// When the text cannot be cut into tokens.
pub async fn fill(
    toolchain: &Toolchain,
    pool: &Pool,
    original: &str,
    cancel: &CancellationToken,
    search: impl AsyncFn(&str, Hole, &PoolOracle<'_>) -> Result<Attempt, ProveError>,
) -> Result<Outcome> {
    // Lean, too, reads files so.
    let text = original.replace("\r\n", "\n");
    let blocks = blocks(&text).context("it cannot be read as Lean")?;
    let sites = sites(&text, &blocks);
    let (mut sorrys, mut found) = (Vec::new(), Vec::new());
    let mut before = Before { toolchain, text: &text, messages: None };
    let mut failure: Option<String> = None;
    for (number, site) in sites.iter().enumerate() {
        let (line, column) = site.position(&text);
        let mut row = Filled { line, column, goal: None, status: Status::Data, checks: 0, seconds: 0.0, edit: None };
        if let Some(why) = &failure {
            row.status = Status::Error { message: why.clone() };
        } else {
            let worked = tokio::select! {
                worked = fill_site(pool, &text, &blocks, site, &mut before, &search, &mut row) => worked,
                () = cancel.cancelled() => Err(ProveError::Cancelled),
            };
            match worked {
                Ok(Some((form, proof))) => found.push(Found { site: number, form, proof, plain: false }),
                Ok(None) => {}
                Err(ProveError::Cancelled) => row.status = Status::Open { reason: StopReason::Cancelled },
                Err(error) => {
                    let message = error.to_string();
                    let unjudged = matches!(error, ProveError::Search(SearchError::Unjudged(_)));
                    row.status = if unjudged { Status::Unjudged { message } } else { Status::Error { message } };
                    failure = error.is_lean_missing().then(|| error.to_string());
                }
            }
        }
        sorrys.push(row);
    }
    let mut outcome = Outcome { text: original.to_owned(), sorrys, remaining: Vec::new(), errors: Vec::new(), failure };
    let in_vain = found.is_empty();
    let judged = tokio::select! {
        judged = accepted(&mut before, &blocks, &sites, &mut found, &mut outcome.sorrys) => judged,
        // Proofs that were found are worth their check.
        () = cancel.cancelled(), if in_vain => Err(Rejection::Stopped),
    };
    let (edits, messages) = match judged {
        Ok(accepted) => accepted,
        Err(error) => {
            for found in found {
                outcome.sorrys[found.site].status = Status::Unverified { proof: found.proof, message: error.to_string() };
            }
            outcome.failure.get_or_insert(error.to_string());
            return Ok(outcome);
        }
    };
    let (remaining, errors) = left_over(&text, &blocks, &sites, &edits, &messages, &outcome.sorrys);
    (outcome.remaining, outcome.errors) = (remaining, errors);
    let windows = original.contains("\r\n");
    for (found, edit) in found.iter().zip(&edits) {
        let put = if windows { edit.1.replace('\n', "\r\n") } else { edit.1.clone() };
        let (start, end) = (offset(original, edit.0.start), offset(original, edit.0.end));
        outcome.sorrys[found.site].edit = Some(Edit { start, end, text: put });
    }
    for edit in outcome.sorrys.iter().rev().filter_map(|s| s.edit.as_ref()) {
        outcome.text.replace_range(edit.start..edit.end, &edit.text);
    }
    // Searches saw the file as it was: what is filled by now leaves nothing open behind it.
    let mut open = false;
    for row in &mut outcome.sorrys {
        if let Status::Filled { conditional, .. } = &mut row.status {
            *conditional &= open;
        }
        open |= row.edit.is_none();
    }
    Ok(outcome)
}

/// Finds out what one `sorry` is and searches there: the proof, and how it is written. The row takes what is known.
async fn fill_site(
    pool: &Pool,
    text: &str,
    blocks: &[Command],
    site: &Site,
    before: &mut Before<'_>,
    search: &impl AsyncFn(&str, Hole, &PoolOracle<'_>) -> Result<Attempt, ProveError>,
    row: &mut Filled,
) -> Result<Option<(Form, String)>, ProveError> {
    let (header, hole, form, goal) = match place(pool, text, blocks, site, before).await {
        Place::Data => return Ok(None),
        Place::Unclear(message) => {
            row.status = Status::Error { message };
            return Ok(None);
        }
        Place::Unjudged(message) => {
            row.status = Status::Unjudged { message };
            return Ok(None);
        }
        Place::Proof { header, hole, form, goal } => (header, hole, form, goal),
    };
    row.goal = Some(goal);
    let attempt = search(&header, hole, &PoolOracle::new(pool, header.trim_end())).await?;
    (row.checks, row.seconds) = (attempt.checks, attempt.seconds);
    row.status = match &attempt.proof {
        Some(proof) => Status::Filled { proof: proof.clone(), conditional: has_sorry(&header) },
        None => Status::Open { reason: attempt.reason },
    };
    Ok(attempt.proof.map(|proof| (form, proof)))
}

/// How a search at one place ended.
pub struct Attempt {
    pub proof: Option<String>,
    pub reason: StopReason,
    pub checks: u64,
    pub seconds: f64,
}

/// Searches at a place; a proof counts when Lean takes it as a whole there, and is finished as the guide wishes.
///
/// # Errors
/// As [`search_at`].
pub async fn attempt(
    toolchain: &Toolchain,
    oracle: &PoolOracle<'_>,
    hole: Hole,
    guide: &Guide<'_>,
    tell: impl FnMut(&Progress),
) -> Result<Attempt, ProveError> {
    let place = Arc::new(hole.clone());
    let judge = async |found: &str, deadline: Instant, _turn| {
        match whole(oracle, &place, found).await {
            Judged::Accepted(()) => {}
            Judged::Refused(refused) => return Judged::Refused(refused),
            Judged::Unjudged(why) => return Judged::Unjudged(why),
        }
        let nicer = finished(toolchain, oracle, &place, found, guide.finish, deadline);
        for proof in tokio::time::timeout_at(deadline.into(), nicer).await.unwrap_or_default() {
            if matches!(whole(oracle, &place, &proof).await, Judged::Accepted(())) {
                return Judged::Accepted(proof);
            }
        }
        Judged::Accepted(found.to_owned())
    };
    let found = search_at(oracle, hole, guide, tell, judge).await?;
    Ok(Attempt {
        proof: found.accepted.map(|(_, proof)| proof),
        reason: found.reason,
        checks: found.spent.checks,
        seconds: found.spent.since.elapsed().as_secs_f64(),
    })
}

/// What Lean says of a `sorry`'s place.
enum Place {
    Proof {
        header: String,
        hole: Hole,
        form: Form,
        goal: String,
    },
    Data,
    Unclear(String),
    /// Lean hung or ended on it.
    Unjudged(String),
}

/// Asks Lean what stands at a site: tactic or term, in a nameless copy or a copy in a namespace, first without the
/// open theorems before it (a proof must not rest on them), then with them, then without the commands that fail.
async fn place(pool: &Pool, text: &str, blocks: &[Command], site: &Site, before: &mut Before<'_>) -> Place {
    let mut end = Place::Unclear("Lean does not understand what stands around it".into());
    let mut broken = BTreeMap::new();
    for (keep_open, keep_broken) in [(false, true), (true, true), (false, false), (true, false)] {
        if !keep_broken {
            broken = match before.broken(blocks).await {
                Ok(broken) => broken,
                Err(error) => return Place::Unjudged(error.to_string()),
            };
            if broken.is_empty() {
                break;
            }
            // Without what it names, Lean would bind the name by itself, and show another goal.
            if let Some(error) = broken.iter().filter(|(i, _)| **i < site.index).find(|(i, _)| {
                let name = declared_name(&blocks[**i], text);
                name.is_none_or(|name| mentions(&text[site.command.clone()], name))
            }) {
                let (line, message) = (error.1.line, error.1.text.lines().next().unwrap_or(""));
                return Place::Unclear(format!("the file has an error before it, at line {line}: {message}; mend that first"));
            }
        }
        let header = header(text, blocks, site, keep_open, &broken);
        if site.keyword == "lemma"
            && let Ok((statement, _)) = Statement::split(&text[site.command.clone()])
            && let Some(probe) = lemma_probe(&statement)
            && pool
                .check(Batch { header: header.trim_end().into(), candidates: vec![probe] })
                .await
                .first()
                .is_some_and(lemma_is_unknown)
        {
            return Place::Unclear(LEMMA_UNKNOWN.to_owned());
        }
        // A theorem takes in fewer section variables than an example does.
        let words = tokens(&header).unwrap_or_default();
        let variables = words.iter().any(|t| ["variable", "include", "omit"].contains(&t.text));
        let mut tries = Vec::new();
        for scoped in if variables { [true, false] } else { [false, true] } {
            for form in [Form::Tactic, Form::Term] {
                tries.extend(site.hole(text, form, scoped).map(|hole| (form, Arc::new(hole))));
            }
        }
        // `show` succeeds for propositions only.
        let probe = |hole: &Arc<Hole>, tactic: &str| Candidate::new(hole.clone(), tactic.to_owned(), PROBE_HEARTBEATS);
        let candidates = tries.iter().flat_map(|(_, hole)| [probe(hole, "skip"), probe(hole, "show (_ : Prop)")]).collect();
        let verdicts = pool.check(Batch { header: header.trim_end().into(), candidates }).await;
        for ((form, hole), pair) in tries.into_iter().zip(verdicts.chunks(2)) {
            match pair {
                [Verdict::Goals(goals), Verdict::Goals(_)] => {
                    let goal = goals.iter().map(Goal::to_string).collect::<Vec<_>>().join("\n\n");
                    return Place::Proof { header, hole: Arc::unwrap_or_clone(hole), form, goal };
                }
                [Verdict::Goals(_), _] => return Place::Data,
                [Verdict::Failed(message), _] if !message.contains("expected") => {
                    end = Place::Unclear(message.clone());
                }
                [verdict @ (Verdict::Crashed(_) | Verdict::Hung | Verdict::TimedOut), _] => {
                    end = Place::Unjudged(verdict.to_string());
                }
                _ => {}
            }
        }
    }
    end
}

/// The name that a command declares; `None` for commands that may change what everything behind them means.
fn declared_name<'a>(command: &Command, text: &'a str) -> Option<&'a str> {
    const NAMED: &[&str] =
        &["abbrev", "axiom", "class", "def", "example", "inductive", "instance", "lemma", "opaque", "structure", "theorem"];
    if !NAMED.contains(&command.keyword.as_str()) {
        return None;
    }
    let body = &text[command.range.clone()];
    let words = tokens(body).unwrap_or_default();
    let at = words.iter().position(|t| t.text == command.keyword)?;
    // Nameless ones cannot be mentioned.
    let name = words.get(at + 1).filter(|t| t.kind == Kind::Name).map_or("", |t| t.text);
    Some(name.rsplit('.').next().unwrap_or(name))
}

fn mentions(text: &str, name: &str) -> bool {
    let last = |word: &str| word.rsplit('.').next() == Some(name) || word.split('.').next() == Some(name);
    !name.is_empty() && tokens(text).is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && last(t.text)))
}

fn header(text: &str, blocks: &[Command], site: &Site, keep_open: bool, broken: &BTreeMap<usize, Message>) -> String {
    let mut header = text[..blocks.first().map_or(text.len(), |c| c.range.start)].to_owned();
    for (i, command) in blocks[..site.index].iter().enumerate() {
        let body = &text[command.range.clone()];
        if !broken.contains_key(&i) && (keep_open || !is_open_theorem(&command.keyword, body)) {
            header.push_str(body);
        }
    }
    let universes = Statement::split(&text[site.command.clone()]).map(|(s, _)| s.universe_command()).unwrap_or_default();
    // Code is not wanted of copies; the portable Lean cannot generate all.
    format!("{}\nnoncomputable section\n{universes}", header.trim_end())
}

fn has_sorry(text: &str) -> bool {
    tokens(text).is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && t.text == "sorry"))
}

/// The place in a text with `\r\n` of a place in the text without `\r`; the `\r` belongs to its line's end.
fn offset(original: &str, at: usize) -> usize {
    let mut passed = 0;
    for (i, byte) in original.bytes().enumerate() {
        let skipped = byte == b'\r' && original.as_bytes().get(i + 1) == Some(&b'\n');
        if passed == at {
            return i;
        }
        passed += usize::from(!skipped);
    }
    original.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_with_carriage_returns() {
        let original = "a\r\nb\nc\r\n";
        let plain = original.replace("\r\n", "\n");
        for at in 0..=plain.len() {
            let there = offset(original, at);
            assert_eq!(original[there..].replace("\r\n", "\n"), plain[at..], "{at}");
        }
    }
}
