//! Fills the `sorry`s of a Lean file where they stand, and leaves every other byte alone.
//!
//! Each `sorry` is searched in a copy of its command behind the file's text before it; what was found is put into the
//! file, the whole of which a fresh Lean process must accept before anything is written. Joins `prover`, `lean` and
//! `verify`; knows no flags and writes no file.

pub mod site;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::lean::syntax::{Kind, tokens};
use crate::lean::{Batch, Candidate, Goal, Hole, Pool, Verdict};
use crate::problem::is_open_theorem;
use crate::prover::{Guide, PoolOracle, ProveError, Refused, search_at};
use crate::search::{Progress, SearchError, StopReason};
use crate::source::{Command, Statement};
use crate::toolchain::Toolchain;
use crate::verify::Message;
use crate::verify::process;
use site::{Form, Site, blocks, sites};

/// For the fresh process that elaborates the whole file.
const WHOLE_TIME: Duration = Duration::from_secs(600);
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

/// A proof on its way into the file.
struct Found {
    /// Place among the sites.
    site: usize,
    form: Form,
    proof: String,
    /// Written exactly as Lean was asked.
    plain: bool,
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
    for (number, site) in sites.iter().enumerate() {
        let (line, column) = site.position(&text);
        let mut row =
            Filled { line, column, goal: None, status: Status::Data, checks: 0, seconds: 0.0, edit: None };
        match place(pool, &text, &blocks, site).await? {
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
    let whole = accepted(toolchain, &text, &blocks, &sites, &mut found, &mut sorrys).await?;
    let windows = original.contains("\r\n");
    for (found, edit) in found.iter().zip(&whole.edits) {
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
/// open theorems before it (a proof must not rest on them), then with them.
async fn place(pool: &Pool, text: &str, blocks: &[Command], site: &Site) -> Result<Place> {
    let mut reason = String::from("Lean does not understand what stands around it");
    for keep_open in [false, true] {
        let header = header(text, blocks, site, keep_open);
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
        let candidates =
            tries.iter().flat_map(|(_, hole)| [probe(hole, "skip"), probe(hole, "show (_ : Prop)")]).collect();
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

fn header(text: &str, blocks: &[Command], site: &Site, keep_open: bool) -> String {
    let mut header = text[..blocks.first().map_or(text.len(), |c| c.range.start)].to_owned();
    for command in &blocks[..site.index] {
        let body = &text[command.range.clone()];
        if keep_open || !is_open_theorem(&command.keyword, body) {
            header.push_str(body);
        }
    }
    let universes = Statement::split(&text[site.command.clone()]).map(|(s, _)| s.universe_command()).unwrap_or_default();
    format!("{}\n{universes}", header.trim_end())
}

fn has_sorry(text: &str) -> bool {
    tokens(text).is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && t.text == "sorry"))
}

/// The file's text with edits, and each edit (bytes of the old text, new text) in the order of the file.
struct Whole {
    edits: Vec<(Range<usize>, String)>,
}

/// Puts the proofs into the file and lets a fresh Lean process judge the whole, until nothing in it is worse than
/// before. A proof that does not fit is written plainer, then given up.
async fn accepted(
    toolchain: &Toolchain,
    text: &str,
    blocks: &[Command],
    sites: &[Site],
    found: &mut Vec<Found>,
    sorrys: &mut [Filled],
) -> Result<Whole> {
    let mut before: Option<Vec<String>> = None;
    loop {
        let edits: Vec<(Range<usize>, String)> = found
            .iter()
            .map(|f| {
                let site = &sites[f.site];
                if f.plain { site.plain_edit(text, f.form, &f.proof) } else { site.edit(text, f.form, &f.proof) }
            })
            .collect();
        if edits.is_empty() {
            return Ok(Whole { edits });
        }
        let (whole, lines) = apply(text, &edits);
        let messages = process::run(toolchain, &whole, WHOLE_TIME).await?;
        let mut bad: BTreeSet<usize> = BTreeSet::new();
        let mut why = String::new();
        let mut blame = |m: &Message, all: &mut BTreeSet<usize>| {
            why.clone_from(&m.text);
            let here: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].contains(&m.line)).collect();
            // An error elsewhere may come from any proof in the same command, or from any at all.
            let command = |i: usize| {
                let (first, last) = command_lines(&whole, text, &edits, blocks, sites[found[i].site].index);
                (first..=last).contains(&m.line)
            };
            let near: Vec<usize> = (0..lines.len()).filter(|&i| command(i)).collect();
            all.extend(if !here.is_empty() { here } else if !near.is_empty() { near } else { (0..lines.len()).collect() });
        };
        let errors: Vec<&Message> = messages.iter().filter(|m| m.is_error()).collect();
        if !errors.is_empty() && before.is_none() {
            let old = process::run(toolchain, text, WHOLE_TIME).await?;
            before = Some(old.into_iter().filter(Message::is_error).map(|m| m.text).collect());
        }
        let mut known = before.clone().unwrap_or_default();
        for m in errors {
            match known.iter().position(|k| *k == m.text) {
                Some(at) => drop(known.swap_remove(at)),
                None => blame(m, &mut bad),
            }
        }
        // A command all of whose `sorry`s are filled must say no more that it has one.
        for m in messages.iter().filter(|m| m.uses_sorry()) {
            let full = |i: usize| {
                let index = sites[found[i].site].index;
                let (first, last) = command_lines(&whole, text, &edits, blocks, index);
                let open = (0..sites.len()).any(|s| sites[s].index == index && !found.iter().any(|f| f.site == s));
                !open && (first..=last).contains(&m.line)
            };
            let full: Vec<usize> = (0..found.len()).filter(|&i| full(i)).collect();
            if !full.is_empty() {
                why.clone_from(&m.text);
                bad.extend(full);
            }
        }
        if bad.is_empty() {
            return Ok(Whole { edits });
        }
        let mut number = 0;
        found.retain_mut(|f| {
            let at = number;
            number += 1;
            if !bad.contains(&at) {
                return true;
            }
            if !f.plain {
                f.plain = true;
                return true;
            }
            let message = format!("the whole file does not take the proof: {why}");
            sorrys[f.site].status = Status::Error { message };
            false
        });
    }
}

/// The text with its edits, and the lines (from 1) that each of them takes.
fn apply(text: &str, edits: &[(Range<usize>, String)]) -> (String, Vec<std::ops::RangeInclusive<usize>>) {
    let (mut whole, mut lines, mut at) = (String::new(), Vec::new(), 0);
    for (range, put) in edits {
        whole.push_str(&text[at..range.start]);
        let first = whole.matches('\n').count() + 1;
        whole.push_str(put);
        lines.push(first..=whole.matches('\n').count() + 1);
        at = range.end;
    }
    whole.push_str(&text[at..]);
    (whole, lines)
}

/// First and last line (from 1) of a command in the edited text.
fn command_lines(whole: &str, text: &str, edits: &[(Range<usize>, String)], blocks: &[Command], index: usize) -> (usize, usize) {
    let moved = |at: usize| {
        let shift: isize = edits
            .iter()
            .filter(|(range, _)| range.end <= at)
            .map(|(range, put)| put.len() as isize - range.len() as isize)
            .sum();
        (at as isize + shift) as usize
    };
    let range = &blocks[index].range;
    let line = |at: usize| whole[..at].matches('\n').count() + 1;
    let end = range.start + text[range.clone()].trim_end().len();
    (line(moved(range.start)), line(moved(end)))
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

    #[test]
    fn edits_know_their_lines() {
        let text = "theorem a : P := by\n  sorry\n\ntheorem b : P := sorry\n";
        let blocks = blocks(text).unwrap();
        let sites = sites(text, &blocks);
        let edits = [sites[0].edit(text, Form::Tactic, "x\ny\n"), sites[1].edit(text, Form::Term, "z\n")];
        let (whole, lines) = apply(text, &edits);
        assert_eq!(whole, "theorem a : P := by\n  x\n  y\n\ntheorem b : P := by z\n");
        assert_eq!(lines, [2..=3, 5..=5]);
        assert_eq!(command_lines(&whole, text, &edits, &blocks, 1), (5, 5));
        assert_eq!(command_lines(&whole, text, &edits, &blocks, 0), (1, 3));
    }
}
