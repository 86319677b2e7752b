//! *Aggregate*: what was proved once is tried wherever it may hold again.
//!
//! Equal goals meet in the graph by themselves. Beyond that, a proof is tried at every goal with the same target whose
//! context holds all of the proof's context: in the same search, and in later ones of the run that have the same header.
//! A proof found so is a move like any other: Lean judges it where it is tried.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

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
pub struct Lemmas(Mutex<Known>);

impl Lemmas {
    /// Remembers a goal's proof.
    pub fn learn(&self, header: u64, goal: &Goal, proof: &str) {
        if proof.len() > LONGEST {
            return;
        }
        let key = key(header, goal);
        let lemma = Lemma { context: context(goal), proof: proof.to_owned() };
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Known { by_target, order } = &mut *known;
        let lemmas = by_target.entry(key.clone()).or_insert_with(|| {
            order.push_back(key);
            Vec::new()
        });
        // A lemma that needs less says more.
        if lemmas.iter().any(|l| l.context.iter().all(|h| lemma.context.contains(h))) {
            return;
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
    }

    /// Proofs that may close a goal: of the same target in a context that is part of the goal's.
    pub fn proofs(&self, header: u64, goal: &Goal) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
}
