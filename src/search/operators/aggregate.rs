//! *Aggregate*: what was proved once is tried wherever it may hold again.
//!
//! Equal goals meet in the graph by themselves. Beyond that, a proof is tried at every goal with the same target whose
//! context holds all of the proof's context: in the same search, and in later ones of the run that have the same header.
//! A proof found so is a move like any other: Lean judges it where it is tried. So proofs kept in a file, for later runs,
//! need no trust: at worst a move is lost.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
use crate::lean::document::indent_into;

/// Proofs remembered for one target.
const FOR_ONE_TARGET: usize = 4;
/// Targets remembered; the oldest are forgotten.
const TARGETS: usize = 50_000;
/// Longest proof remembered, in bytes.
const LONGEST: usize = 4000;

struct Lemma {
    /// Each hypothesis as `name : type`.
    context: Vec<String>,
    proof: String,
}

#[derive(Default)]
struct Known {
    by_target: HashMap<String, Vec<Lemma>>,
    order: VecDeque<String>,
}

/// Proofs of goals, by header and target. Shared by the searches of a run.
#[derive(Default)]
pub struct Lemmas {
    known: Mutex<Known>,
    /// Where new ones are kept for later runs.
    file: Option<File>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    header: u64,
    goal: Goal,
    proof: String,
}

impl Lemmas {
    /// Proofs kept in a file of JSON lines, made when it is not there; runs at the same time may share it. What is learnt
    /// is appended, a line in one write; a line that is no proof (cut off) is left out.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> Result<Lemmas> {
        let cannot = || format!("cannot use {} as a cache of proofs", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(cannot)?;
        let mut lemmas = Lemmas::default();
        let mut whole = true;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).with_context(cannot)? > 0 {
            whole = line.last() == Some(&b'\n');
            if let Ok(Line { header, goal, proof }) = serde_json::from_slice(&line) {
                lemmas.learn(header, &goal, &proof);
            }
            line.clear();
        }
        if !whole {
            file.write_all(b"\n").with_context(cannot)?;
        }
        lemmas.file = Some(file);
        Ok(lemmas)
    }

    /// Remembers a goal's proof.
    pub fn learn(&self, header: u64, goal: &Goal, proof: &str) {
        if proof.len() > LONGEST || !self.remember(header, goal, proof) {
            return;
        }
        let line = Line { header, goal: goal.clone(), proof: proof.to_owned() };
        if let (Some(mut file), Ok(line)) = (self.file.as_ref(), serde_json::to_string(&line))
            && let Err(error) = file.write_all(format!("{line}\n").as_bytes())
        {
            tracing::warn!("a proof could not be kept in the cache: {error}");
        }
    }

    /// Whether it is news.
    fn remember(&self, header: u64, goal: &Goal, proof: &str) -> bool {
        let key = key(header, goal);
        let lemma = Lemma { context: context(goal), proof: proof.to_owned() };
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Known { by_target, order } = &mut *known;
        let lemmas = by_target.entry(key.clone()).or_insert_with(|| {
            order.push_back(key);
            Vec::new()
        });
        // A lemma that needs less says more.
        if lemmas.iter().any(|l| l.context.iter().all(|h| lemma.context.contains(h))) {
            return false;
        }
        lemmas.push(lemma);
        if lemmas.len() > FOR_ONE_TARGET {
            lemmas.remove(0);
        }
        if order.len() > TARGETS
            && let Some(oldest) = order.pop_front()
        {
            by_target.remove(&oldest);
        }
        true
    }

    /// Proofs that may close a goal: of the same target in a context that is part of the goal's.
    pub fn proofs(&self, header: u64, goal: &Goal) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(lemmas) = known.by_target.get(&key(header, goal)) else { return Vec::new() };
        let mine = context(goal);
        lemmas.iter().filter(|l| l.context.iter().all(|h| mine.contains(h))).map(|l| l.proof.clone()).collect()
    }
}

/// A proved side goal as a `have` for a goal beside it, when it holds there, too.
pub fn side_goal(side: &Goal, proof: &str, goal: &Goal) -> Option<String> {
    let (theirs, mine) = (context(side), context(goal));
    // A fact of the context says nothing new; nor does what is about to be shown.
    let news = side.target != goal.target && !goal.hypotheses.iter().any(|h| h.ty == side.target);
    (news && !side.target.contains(['✝', '?']) && theirs.iter().all(|h| mine.contains(h))).then(|| {
        let mut text = format!("have side : {} := by\n", side.target);
        indent_into(&mut text, proof, 2);
        text.trim_end().to_owned()
    })
}

fn key(header: u64, goal: &Goal) -> String {
    format!("{header:x} {}", flat(&goal.target))
}

fn context(goal: &Goal) -> Vec<String> {
    goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| format!("{n} : {}", flat(&h.ty)))).collect()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_found_in_larger_contexts_only() {
        let lemmas = Lemmas::default();
        let goal = |text: &str| Goal::parse(text).unwrap();
        lemmas.learn(1, &goal("n : Nat\nh : n = 1\n⊢ n < 2"), "omega");
        assert_eq!(lemmas.proofs(1, &goal("n m : Nat\nk : m = n\nh : n = 1\n⊢ n <\n  2")), ["omega"]);
        assert!(lemmas.proofs(1, &goal("n : Nat\n⊢ n < 2")).is_empty());
        assert!(lemmas.proofs(2, &goal("n : Nat\nh : n = 1\n⊢ n < 2")).is_empty());
    }

    #[test]
    fn a_file_of_proofs_is_read_again_without_its_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proofs.jsonl");
        let goal = |text: &str| Goal::parse(text).unwrap();
        let (one, two) = (goal("⊢ 1 < 2"), goal("⊢ 2 < 3"));
        let lemmas = Lemmas::open(&path).unwrap();
        lemmas.learn(7, &one, "decide");
        lemmas.learn(7, &one, "simp");
        lemmas.learn(7, &two, "omega");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "what is known is not written again");
        std::fs::write(&path, &text[..text.len() - 4]).unwrap();
        let again = Lemmas::open(&path).unwrap();
        assert_eq!((again.proofs(7, &one), again.proofs(7, &two)), (vec!["decide".to_owned()], Vec::new()));
        again.learn(7, &two, "omega");
        assert_eq!(Lemmas::open(&path).unwrap().proofs(7, &two), ["omega"]);
    }
}
