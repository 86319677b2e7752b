//! What people wrote: the tactic proofs of Lean files, step by step, with the goals that Lean shows before and after each.
//!
//! In place and without an instrumented build: a server elaborates each file as an editor would, and is asked for its goals.
//! Depends on `lean`, `source` and `toolchain`; knows nothing of searches.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::export::{PolicyExample, Split};
use crate::lean::syntax::{Kind, imports, tokens};
use crate::lean::{Goal, Limits, Session, SessionError};
use crate::source::{Statement, commands, hex};
use crate::toolchain::Toolchain;

/// Longest step that is kept, in bytes: what is longer is a proof, not a step.
const LONGEST: usize = 400;
/// Folders of a project that hold no sources of its own.
const FOREIGN: &[&str] = &[".lake", "lake-packages", ".git", "target", "node_modules", "build"];

/// A step of a person's proof: a row of the export's policy table, and what only Lean's own goals show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonsStep {
    #[serde(flatten)]
    pub example: PolicyExample,
    /// The goals that it left.
    pub after: Vec<String>,
    /// Names in it that are none of the context: theorems and definitions that were used.
    pub premises: Vec<String>,
    /// The file, below the project's folder.
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub files: usize,
    pub theorems: usize,
    pub steps: usize,
    /// Files that could not be elaborated, and why.
    pub lost: Vec<String>,
}

/// The Lean files below a folder, or the one file, in order.
///
/// # Errors
/// When there are none.
pub fn files(place: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![place.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let inner = entries.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
            let own = |p: &PathBuf| !p.file_name().is_some_and(|n| FOREIGN.iter().any(|f| n == *f));
            open.extend(inner.into_iter().filter(own));
        } else if path.extension().is_some_and(|e| e == "lean") {
            found.push(path);
        }
    }
    ensure!(!found.is_empty(), "there are no Lean files at {}", place.display());
    found.sort();
    Ok(found)
}

/// What a file is called in the rows: its path in the project, or its name where it is all there is.
fn name_in(path: &Path, place: &Path) -> String {
    let inner = path.strip_prefix(place).unwrap_or(path);
    let named = if inner.as_os_str().is_empty() { path.file_name().map_or(inner, Path::new) } else { inner };
    named.display().to_string()
}

/// Reads the proofs of all files. `tell` hears which file is read.
///
/// # Errors
/// When no Lean can be started.
pub async fn gather(toolchain: &Toolchain, place: &Path, mut tell: impl FnMut(&str)) -> Result<(Vec<PersonsStep>, Report)> {
    let mut report = Report::default();
    let mut steps = Vec::new();
    let mut open: Option<(String, Session)> = None;
    for path in files(place)? {
        let shown = name_in(&path, place);
        tell(&shown);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let header = imports(&text);
        // A server keeps the imports that it began with.
        let session = match open.take() {
            Some((known, session)) if known == header => session,
            _ => Session::start(toolchain, Limits::default()).await.context("Lean does not start")?,
        };
        match read(session, &text, &shown).await {
            Ok((session, found)) => {
                report.files += 1;
                let theorems: HashSet<&str> = found.iter().map(|s| s.example.theorem_key.as_str()).collect();
                report.theorems += theorems.len();
                steps.extend(found);
                open = Some((header, session));
            }
            Err(error) => report.lost.push(format!("{shown}: {error}")),
        }
    }
    report.steps = steps.len();
    Ok((steps, report))
}

/// The part of the data that a step belongs to: that of its theorem.
pub fn split(step: &PersonsStep) -> Split {
    let digits = step.example.theorem_key.as_bytes();
    let mut key = [0u8; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).unwrap_or(0);
    }
    Split::of(&key)
}

/// One file's steps. The session comes back: it serves the next file with the same imports.
async fn read(mut session: Session, text: &str, shown: &str) -> Result<(Session, Vec<PersonsStep>), SessionError> {
    let elaborated = session.elaborate(text).await?;
    if elaborated.stuck_at.is_some() {
        return Err(SessionError::Refused("Lean hung in it".to_owned()));
    }
    let lines = Lines::new(text);
    let broken: Vec<u32> = elaborated.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.start().line).collect();
    let mut found = Vec::new();
    for proof in proofs(text) {
        let (first, last) = (lines.place(proof.body.start).0, lines.place(proof.body.end).0);
        // What does not hold teaches nothing.
        if broken.iter().any(|line| (first..=last).contains(line)) {
            continue;
        }
        for step in steps(&text[proof.body.clone()]) {
            let range = proof.body.start + step.start..proof.body.start + step.end;
            let Some((before, after)) = around(&mut session, &lines, &range).await? else { continue };
            let tactic = dedent(text, &range);
            if tactic.len() > LONGEST || tactic.contains("sorry") {
                continue;
            }
            let example = PolicyExample {
                theorem: proof.name.clone(),
                theorem_key: proof.key.clone(),
                goal: before.to_string(),
                weight: 1.0,
                tactic,
            };
            found.push(PersonsStep {
                premises: premises(&example.tactic, &before),
                after: after.iter().map(Goal::to_string).collect(),
                file: shown.to_owned(),
                line: lines.place(range.start).0 as usize + 1,
                example,
            });
        }
    }
    Ok((session, found))
}

/// The goal on which a step works, and those that it leaves in its place.
async fn around(
    session: &mut Session,
    lines: &Lines<'_>,
    range: &Range<usize>,
) -> Result<Option<(Goal, Vec<Goal>)>, SessionError> {
    let (line, column) = lines.place(range.start);
    let before = goals(session, line, column).await?;
    let Some((first, rest)) = before.split_first() else { return Ok(None) };
    let (line, column) = lines.place(range.end);
    let mut after = goals(session, line, column).await?;
    // The others wait behind those that it leaves.
    if after.len() >= rest.len() && after[after.len() - rest.len()..] == *rest {
        after.truncate(after.len() - rest.len());
    }
    // A step that changes nothing was not where it seemed to be.
    Ok((after.first() != Some(first)).then(|| (first.clone(), after)))
}

async fn goals(session: &mut Session, line: u32, column: u32) -> Result<Vec<Goal>, SessionError> {
    let answer = session.plain_goal(line, column).await?;
    Ok(answer.map_or_else(Vec::new, |a| a.goals.iter().filter_map(|g| Goal::parse(g).ok()).collect()))
}

/// A tactic proof in a file.
struct Proof {
    name: String,
    key: String,
    /// Behind `by`, to the end of the declaration.
    body: Range<usize>,
}

/// The theorems of a file whose proofs begin with `by`.
fn proofs(text: &str) -> Vec<Proof> {
    let mut found = Vec::new();
    for command in commands(text).unwrap_or_default() {
        let body = &text[command.range.clone()];
        let Ok((statement, proof)) = Statement::split(body.trim_end()) else { continue };
        let Ok(all) = tokens(proof) else { continue };
        let code: Vec<_> = all.into_iter().filter(|t| t.kind != Kind::Comment).collect();
        let [assign, by, ..] = &code[..] else { continue };
        if assign.text != ":=" || by.text != "by" {
            continue;
        }
        let start = command.range.start + (body.trim_end().len() - proof.len());
        found.push(Proof {
            name: statement.name.clone().unwrap_or_else(|| "example".to_owned()),
            key: hex(&statement.key()[..8]),
            body: start + by.end()..start + proof.len(),
        });
    }
    found
}

/// Where the steps of a tactic block stand: each line that begins a tactic, with the lines that belong to it; also inside of
/// bullets, alternatives and `by` blocks.
fn steps(block: &str) -> Vec<Range<usize>> {
    let comments: Vec<Range<usize>> = tokens(block)
        .unwrap_or_default()
        .iter()
        .filter(|t| matches!(t.kind, Kind::Comment | Kind::Literal))
        .map(|t| t.start..t.end())
        .collect();
    let in_comment = |at: usize| comments.iter().any(|c| c.contains(&at));
    // Where something begins: its place and its column.
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in block.split_inclusive('\n') {
        let mut inner = line.len() - line.trim_start().len();
        let mut rest = line.trim();
        let mut begins = true;
        // Bullets and alternatives: the tactic stands behind them.
        loop {
            if let Some(behind) = rest.strip_prefix('·') {
                inner += '·'.len_utf8() + (behind.len() - behind.trim_start().len());
                rest = behind.trim_start();
            } else if rest.starts_with('|') {
                match rest.split_once("=>") {
                    Some((pattern, behind)) => {
                        inner += pattern.len() + 2 + (behind.len() - behind.trim_start().len());
                        rest = behind.trim_start();
                    }
                    None => begins = false,
                }
                break;
            } else {
                break;
            }
        }
        let first = rest.split_whitespace().next().unwrap_or("");
        let goes_on = ["<;>", ")", "]", "}", "⟩", ",", ";", "else", "then", "with", "|", "at", "using"]
            .iter()
            .any(|w| first.starts_with(w));
        if begins && !rest.is_empty() && !goes_on && !in_comment(at + inner) {
            let column = line[..inner].chars().count();
            starts.push((at + inner, column));
        }
        at += line.len();
    }
    let mut found = Vec::new();
    for (i, &(start, column)) in starts.iter().enumerate() {
        let end = start + extent(&block[start..], column);
        // A line further to the right goes on with the one before, unless something opened a block there.
        let opened = i == 0 || {
            let (before, left) = starts[i - 1];
            column <= left || ends_open(block[before..start].trim_end())
        };
        if opened && end > start {
            found.push(start..end);
        }
    }
    found
}

/// How far a tactic goes that begins a text at a column: over lines further to the right, and over its own alternatives.
fn extent(text: &str, column: usize) -> usize {
    let mut end = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let inner = line.trim();
        if i > 0 && !inner.is_empty() && indent <= column && !(indent == column && inner.starts_with('|')) {
            break;
        }
        end += line.len();
    }
    text[..end].trim_end().len()
}

/// Whether a line opens a block: what stands further to the right behind it are tactics.
fn ends_open(before: &str) -> bool {
    let last = before.lines().last().unwrap_or("").trim_end();
    ["by", "=>", "·", "next", "then", "else", "repeat", "first"].iter().any(|w| last.ends_with(w))
}

/// A step's text as it would stand at the left margin, without comments.
fn dedent(text: &str, range: &Range<usize>) -> String {
    let line = text[..range.start].rfind('\n').map_or(0, |n| n + 1);
    let column = text[line..range.start].chars().count();
    let step = &text[range.clone()];
    let (mut code, mut at) = (String::new(), 0);
    for comment in tokens(step).unwrap_or_default().iter().filter(|t| t.kind == Kind::Comment) {
        code.push_str(&step[at..comment.start]);
        at = comment.end();
    }
    code.push_str(&step[at..]);
    let mut out = String::new();
    for (i, line) in code.lines().map(str::trim_end).filter(|l| !l.is_empty()).enumerate() {
        if i > 0 {
            out.push('\n');
            let indent = line.chars().take_while(|c| *c == ' ').count().min(column);
            out.push_str(&line[indent..]);
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Names in a tactic that are not of the context: with a dot or a capital, so that words of the language are none.
fn premises(tactic: &str, goal: &Goal) -> Vec<String> {
    let local: HashSet<&str> = goal.names().collect();
    let root = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let mut found: Vec<String> = tokens(tactic)
        .unwrap_or_default()
        .iter()
        .filter(|t| t.kind == Kind::Name && !local.contains(root(t.text).as_str()))
        .map(|t| t.text)
        .filter(|name| name.contains(['.', '_']) && !name.starts_with('_') && !WORDS.contains(name))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Tactics with an underscore in their names.
const WORDS: &[&str] = &[
    "simp_all",
    "by_cases",
    "by_contra",
    "rename_i",
    "ac_rfl",
    "ac_nf",
    "norm_cast",
    "push_cast",
    "exact_mod_cast",
    "simp_arith",
    "fun_induction",
    "fun_cases",
    "all_goals",
    "any_goals",
    "show_term",
    "subst_vars",
    "split_ifs",
    "norm_num",
    "ring_nf",
    "field_simp",
    "linear_combination",
    "interval_cases",
    "push_neg",
    "apply_fun",
    "set_option",
    "bv_omega",
    "conv_lhs",
    "conv_rhs",
    "case'",
    "infer_instance",
    "solve_by_elim",
    "simp_rw",
    "native_decide",
    "extract_lets",
    "false_or_by_contra",
    "apply_assumption",
    "apply_rfl",
];

/// Lines of a text, to turn places into lines and UTF-16 columns.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    fn place(&self, at: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|s| *s <= at) - 1;
        (line as u32, self.text[self.starts[line]..at].encode_utf16().count() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_their_place_in_the_project() {
        let named = |path: &str, place: &str| name_in(Path::new(path), Path::new(place));
        assert_eq!(named("p/A/B.lean", "p"), "A/B.lean");
        assert_eq!(named("p/A/B.lean", "p/A/B.lean"), "B.lean");
    }

    #[test]
    fn steps_are_found_in_bullets_alternatives_and_blocks() {
        let block = "\n  intro h -- a note\n  induction n with\n  | zero => simp\n  | succ k ih =>\n    rw [Nat.add_succ,\n      ih]\n    omega\n  constructor\n  · exact h.1\n  · have g : p := by\n      exact h.2\n    exact g\n";
        let found: Vec<&str> = steps(block).into_iter().map(|r| &block[r]).collect();
        assert_eq!(
            found,
            [
                "intro h -- a note",
                "induction n with\n  | zero => simp\n  | succ k ih =>\n    rw [Nat.add_succ,\n      ih]\n    omega",
                "simp",
                "rw [Nat.add_succ,\n      ih]",
                "omega",
                "constructor",
                "exact h.1",
                "have g : p := by\n      exact h.2",
                "exact h.2",
                "exact g",
            ]
        );
        assert_eq!(dedent(block, &steps(block)[3]), "rw [Nat.add_succ,\n  ih]");
        assert_eq!(dedent(block, &steps(block)[0]), "intro h");
    }

    #[test]
    fn proofs_and_names_are_found() {
        let text = "theorem a : 1 = 1 := by\n  rfl\n\n@[simp] theorem b (n : Nat) : n = n := rfl\n/-- doc -/\nlemma c : p := by simp [Nat.add_comm]\n";
        let found = proofs(text);
        assert_eq!(found.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(text[found[1].body.clone()].trim(), "simp [Nat.add_comm]");
        let goal = Goal::parse("h_1 : p\n⊢ q").unwrap();
        assert_eq!(premises("simp_all [h_1, Nat.add_comm, my_lemma]", &goal), ["Nat.add_comm", "my_lemma"]);
    }
}
