//! What the families make: tactics with the family they are of, the theorems they name, and a prior by hand.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::policy::Source;

/// What made a candidate. A ranker learns how much each is worth where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// One tactic that ends a goal.
    Closer,
    /// Definitions of the header, opened.
    Unfold,
    /// Theorems that stand earlier in the user's own file.
    Earlier,
    /// Theorems of the library.
    Library,
    /// Definitions of the library, opened.
    Definition,
    /// What the target's connective asks for.
    Target,
    /// Hypotheses taken apart.
    Destruct,
    /// Hypotheses and their consequences, applied to the target.
    Apply,
    /// Rewriting with hypotheses.
    Rewrite,
    /// Hypotheses about all values, at terms of the goal.
    Instantiate,
    /// Names for what has none.
    Rename,
    /// Case splits on data and conditions.
    Cases,
    Induction,
    /// Laws of the header's functions, proved before they are needed.
    Conjecture,
    /// Values for an existence.
    Witness,
    /// Equality from equality of parts.
    Congruence,
    /// Proof by contradiction.
    Contradiction,
    /// Goal and hypotheses in another form.
    Normalise,
    /// Powers, remainders, divisors, casts, products.
    Arithmetic,
    /// Bounded numbers, value by value.
    Bounds,
    /// Sequences given by a recurrence.
    Recurrence,
    /// Numbers too large to be computed by most tactics.
    Runaway,
    /// Questions to Lean whose answers are tried.
    Question,
    /// What helped at a goal like this one.
    Memory,
    /// Tactics of Mathlib and of other libraries that the header imports.
    Mathlib,
}

impl Family {
    /// All of them, in a fixed order.
    pub const ALL: [Family; 25] = [
        Family::Closer,
        Family::Unfold,
        Family::Earlier,
        Family::Library,
        Family::Definition,
        Family::Target,
        Family::Destruct,
        Family::Apply,
        Family::Rewrite,
        Family::Instantiate,
        Family::Rename,
        Family::Cases,
        Family::Induction,
        Family::Conjecture,
        Family::Witness,
        Family::Congruence,
        Family::Contradiction,
        Family::Normalise,
        Family::Arithmetic,
        Family::Bounds,
        Family::Recurrence,
        Family::Runaway,
        Family::Question,
        Family::Memory,
        Family::Mathlib,
    ];

    /// As whose proposals they count.
    pub fn source(self) -> Source {
        match self {
            Family::Library | Family::Definition | Family::Question => Source::Premises,
            Family::Memory => Source::Memory,
            _ => Source::Portfolio,
        }
    }
}

/// A tactic that may be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub tactic: String,
    pub family: Family,
    /// Theorems and definitions of library and header that it names.
    pub premises: Vec<String>,
    /// By hand: the logarithm of how often such a tactic is the next step, lowered where a try is dear.
    pub log_prior: f64,
}

/// Candidates as they are gathered.
#[derive(Debug, Default)]
pub struct List {
    family: Option<Family>,
    all: Vec<Candidate>,
}

impl List {
    /// What is added from here on is of this family.
    pub fn begin(&mut self, family: Family) {
        self.family = Some(family);
    }

    pub fn add(&mut self, probability: f64, tactic: impl Into<String>) {
        self.add_with(probability, tactic, &[]);
    }

    /// A step that settles the goals that it leaves ([`settled`]).
    pub fn add_settled(&mut self, probability: f64, step: impl AsRef<str>, definitions: &[&str]) {
        self.add_with(probability, settled(step.as_ref(), definitions), definitions);
    }

    /// A candidate from elsewhere.
    pub fn push(&mut self, candidate: Candidate) {
        self.all.push(candidate);
    }

    /// A tactic that names theorems.
    pub fn add_with(&mut self, probability: f64, tactic: impl Into<String>, premises: &[&str]) {
        let family = self.family.unwrap_or(Family::Closer);
        let premises = premises.iter().map(|p| (*p).to_owned()).collect();
        self.all.push(Candidate { tactic: tactic.into(), family, premises, log_prior: probability.ln() });
    }

    /// Makes candidates of a tactic's kind less probable by a factor.
    pub fn damp(&mut self, factor: f64, unwanted: impl Fn(&Candidate) -> bool) {
        self.all.iter_mut().filter(|c| unwanted(c)).for_each(|c| c.log_prior += factor.ln());
    }

    /// Changes the text of every candidate.
    pub fn rewrite(&mut self, change: impl Fn(&str) -> String) {
        self.all.iter_mut().for_each(|c| c.tactic = change(&c.tactic));
    }

    /// Takes in another list.
    pub fn append(&mut self, other: List) {
        self.all.extend(other.all);
    }

    /// The best, without repetition, the best first.
    pub fn best(mut self, most: usize) -> Vec<Candidate> {
        // Stable: of equals the earlier one is kept, so that the order is the same in every run.
        self.all.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
        let mut seen = HashSet::new();
        self.all.retain(|c| seen.insert(c.tactic.clone()));
        self.all.truncate(most);
        self.all
    }
}

/// A step with what may close each of the goals that it leaves: those that stay open are simplified. Fails only where the step does,
/// so one check shows what is left to do behind it.
pub fn settled(step: &str, definitions: &[&str]) -> String {
    let join = if step.contains('\n') { "\nall_goals " } else { " <;> " };
    format!("{step}{join}{}", settle(definitions))
}

/// Closes a goal that a step has left, or simplifies it, or leaves it alone. `grind` takes long where it fails, and several goals share
/// a budget: it is here only for definitions that are given; goals that stay open have it in a check of their own.
fn settle(definitions: &[&str]) -> String {
    if definitions.is_empty() {
        return "(first | assumption | omega | (simp_all <;> try omega) | skip)".to_owned();
    }
    let all = definitions.join(", ");
    format!(
        "(first | assumption | omega | (simp_all [{all}] <;> omega) | grind [{all}] | (simp_all [{all}] <;> try omega) | skip)"
    )
}

#[cfg(test)]
impl List {
    pub fn tactics(&self) -> Vec<&str> {
        self.all.iter().map(|c| c.tactic.as_str()).collect()
    }

    /// All that is tried: of tactics of several ways each of these, too.
    pub fn ways(&self) -> Vec<String> {
        let ways = |c: &Candidate| crate::lean::ways::ways(&c.tactic).unwrap_or_default();
        self.all.iter().flat_map(|c| std::iter::once(c.tactic.clone()).chain(ways(c))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_once() {
        let mut list = List::default();
        list.begin(Family::Apply);
        list.add(0.1, "a");
        list.add_with(0.3, "b", &["T.b"]);
        list.add(0.2, "a");
        list.add(0.05, "c");
        list.damp(0.1, |c| c.tactic == "b");
        let best = list.best(2);
        assert_eq!(best.iter().map(|c| c.tactic.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert!((best[0].log_prior.exp() - 0.2).abs() < 1e-9 && best[0].family == Family::Apply);
    }
}
