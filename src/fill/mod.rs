//! Fills the `sorry`s of a Lean file where they stand, and leaves every other byte alone.
//!
//! Each `sorry` is searched in a copy of its command behind the file's text before it; what was found is put into the
//! file, the whole of which a fresh Lean process must accept before anything is written. Joins `prover`, `lean` and
//! `verify`; knows no flags and writes no file.

pub mod site;
mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::lean::syntax::{Kind, tokens};
use crate::lean::{Batch, Candidate, Goal, Hole, Pool, Verdict};
use crate::problem::is_open_theorem;
use crate::prover::{Guide, PoolOracle, ProveError, Refused, search_at};
use crate::search::{Progress, SearchError, StopReason};
use crate::source::{Command, Statement};
use crate::toolchain::Toolchain;
use site::{Form, Site, blocks, sites};
use whole::{Before, Found, accepted};

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
}

/// Fills what it can of a file's text.
///
/// # Errors
/// When the text cannot be cut into tokens, or Lean fails.
pub async fn fill(
    toolchain: &Toolchain,
    pool: &Pool,
    original: &str,
    guide: impl AsyncFn(&str, Hole, &PoolOracle<'_>) -> Result<Attempt, ProveError>,
) -> Result<Outcome> {
    // Lean, too, reads files so.
    let text = original.replace("\r\n", "\n");
    let blocks = blocks(&text).context("it cannot be read as Lean")?;
    let sites = sites(&text, &blocks);
    let (mut sorrys, mut found) = (Vec::new(), Vec::new());
    let mut before = Before { toolchain, text: &text, errors: None };
    for (number, site) in sites.iter().enumerate() {
        let (line, column) = site.position(&text);
        let mut row = Filled { line, column, goal: None, status: Status::Data, checks: 0, seconds: 0.0, edit: None };
        match place(pool, &text, &blocks, site, &mut before).await? {
            Place::Data => {}
            Place::Unclear(message) => row.status = Status::Error { message },
            Place::Proof { header, hole, form, goal } => {
                row.goal = Some(goal);
                let attempt = guide(&header, hole, &PoolOracle::new(pool, header.trim_end())).await;
                let attempt = match attempt {
                    Err(ProveError::Search(SearchError::Statement(message))) => {
                        row.status = Status::Error { message };
                        sorrys.push(row);
                        continue;
                    }
                    other => other?,
                };
                (row.checks, row.seconds) = (attempt.checks, attempt.seconds);
                row.status = match attempt.proof {
                    Some(proof) => {
                        found.push(Found { site: number, form, proof: proof.clone(), plain: false });
                        Status::Filled { proof, conditional: has_sorry(&header) }
                    }
                    None => Status::Open { reason: attempt.reason },
                };
            }
        }
        sorrys.push(row);
    }
    let edits = accepted(&mut before, &blocks, &sites, &mut found, &mut sorrys).await?;
    let windows = original.contains("\r\n");
    for (found, edit) in found.iter().zip(&edits) {
        let put = if windows { edit.1.replace('\n', "\r\n") } else { edit.1.clone() };
        let (start, end) = (offset(original, edit.0.start), offset(original, edit.0.end));
        sorrys[found.site].edit = Some(Edit { start, end, text: put });
    }
    let mut new = original.to_owned();
    for edit in sorrys.iter().rev().filter_map(|s| s.edit.as_ref()) {
        new.replace_range(edit.start..edit.end, &edit.text);
    }
    Ok(Outcome { text: new, sorrys })
}

/// How a search at one place ended.
pub struct Attempt {
    pub proof: Option<String>,
    pub reason: StopReason,
    pub checks: u64,
    pub seconds: f64,
}

/// Searches at a place; a proof counts when Lean takes it as a whole there.
///
/// # Errors
/// As [`search_at`].
pub async fn attempt(
    oracle: &PoolOracle<'_>,
    hole: Hole,
    guide: &Guide<'_>,
    tell: impl FnMut(&Progress),
) -> Result<Attempt, ProveError> {
    use crate::search::Oracle;
    let place = Arc::new(hole.clone());
    let judge = async |proof: &str| {
        let whole = Candidate { hole: place.clone(), tactic: proof.to_owned(), heartbeats: PROBE_HEARTBEATS };
        Ok(match oracle.check(vec![whole]).await.pop() {
            Some(Verdict::Closed) => Ok(()),
            other => Err(Refused { why: format!("the steps do not fit together: {other:?}"), line: None }),
        })
    };
    let found = search_at(oracle, hole, guide, tell, judge).await?;
    Ok(Attempt {
        proof: found.accepted.map(|(proof, ())| proof),
        reason: found.reason,
        checks: found.spent.checks,
        seconds: found.spent.since.elapsed().as_secs_f64(),
    })
}

/// What Lean says of a `sorry`'s place.
enum Place {
    Proof { header: String, hole: Hole, form: Form, goal: String },
    Data,
    Unclear(String),
}

/// Asks Lean what stands at a site: tactic or term, in a nameless copy or a copy in a namespace, first without the
/// open theorems before it (a proof must not rest on them), then with them, then without the commands that fail.
async fn place(pool: &Pool, text: &str, blocks: &[Command], site: &Site, before: &mut Before<'_>) -> Result<Place> {
    let mut reason = String::from("Lean does not understand what stands around it");
    let mut broken = BTreeSet::new();
    for (keep_open, keep_broken) in [(false, true), (true, true), (false, false), (true, false)] {
        if !keep_broken {
            broken = before.broken(blocks).await?;
            if broken.is_empty() {
                break;
            }
        }
        let header = header(text, blocks, site, keep_open, &broken);
        // A theorem takes in fewer section variables than an example does.
        let variables = tokens(&header)?.iter().any(|t| ["variable", "include", "omit"].contains(&t.text));
        let mut tries = Vec::new();
        for scoped in if variables { [true, false] } else { [false, true] } {
            for form in [Form::Tactic, Form::Term] {
                tries.extend(site.hole(text, form, scoped).map(|hole| (form, Arc::new(hole))));
            }
        }
        // `show` succeeds for propositions only.
        let probe = |hole: &Arc<Hole>, tactic: &str| Candidate {
            hole: hole.clone(),
            tactic: tactic.to_owned(),
            heartbeats: PROBE_HEARTBEATS,
        };
        let candidates = tries.iter().flat_map(|(_, hole)| [probe(hole, "skip"), probe(hole, "show (_ : Prop)")]).collect();
        let verdicts = pool.check(Batch { header: header.trim_end().into(), candidates }).await;
        for ((form, hole), pair) in tries.into_iter().zip(verdicts.chunks(2)) {
            match pair {
                [Verdict::Goals(goals), Verdict::Goals(_)] => {
                    let goal = goals.iter().map(Goal::to_string).collect::<Vec<_>>().join("\n\n");
                    return Ok(Place::Proof { header, hole: Arc::unwrap_or_clone(hole), form, goal });
                }
                [Verdict::Goals(_), _] => return Ok(Place::Data),
                [Verdict::Failed(message), _] if !message.contains("expected") => reason.clone_from(message),
                [Verdict::Crashed(message), _] => reason.clone_from(message),
                _ => {}
            }
        }
    }
    Ok(Place::Unclear(reason))
}

fn header(text: &str, blocks: &[Command], site: &Site, keep_open: bool, broken: &BTreeSet<usize>) -> String {
    let mut header = text[..blocks.first().map_or(text.len(), |c| c.range.start)].to_owned();
    for (i, command) in blocks[..site.index].iter().enumerate() {
        let body = &text[command.range.clone()];
        if !broken.contains(&i) && (keep_open || !is_open_theorem(&command.keyword, body)) {
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
