//! The two judgements that guide a search, as traits: a policy proposes tactics, a value scores states.
//!
//! Knows nothing of Lean's server or of the graph.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lean::Goal;
use crate::lean::goal::state_key;

/// Who proposed a tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Portfolio,
    Network,
    Premises,
    /// A repair of a tactic that failed.
    Refine,
    /// A proof or a side goal from elsewhere.
    Aggregate,
    /// The question whether a goal is false.
    Prune,
}

/// A tactic and the logarithm of the probability that it is the next step.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub tactic: String,
    pub log_prior: f64,
    pub by: Source,
}

/// An answer that may take a while: networks compute on threads of their own, and other searches go on meanwhile.
pub type Answer<'a, T> = BoxFuture<'a, Vec<T>>;

/// Proposes next tactics.
pub trait Policy: Send + Sync {
    /// Proposals for each state, best first. A state is one goal, or several coupled ones (the first is worked on).
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>>;

    /// Names it knows that are near one that Lean does not know, the nearest first, with how near they are, in (0, 1].
    fn nearest(&self, _unknown: &str) -> Vec<(f64, &str)> {
        Vec::new()
    }
}

/// Scores how promising states are.
pub trait Value: Send + Sync {
    /// For each state how likely it is to be proved within the budget.
    fn score<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Score>;
}

/// A state's value, and what it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// In (0, 1).
    pub value: f64,
    /// For people: what made it high or low.
    pub why: String,
}

/// A value without a network: short states with few binders and small numbers are easier.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heuristic;

impl Value for Heuristic {
    fn score<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Score> {
        let one = |goal: &Goal| {
            let target = goal.target.chars().count();
            let context: usize = goal.hypotheses.iter().map(|h| h.ty.chars().count()).sum();
            let hard = goal.target.matches(['∀', '∃', '?']).count();
            let value = 1.0 / (1.0 + (target as f64 + 0.3 * context as f64) / 120.0 + hard as f64 / 4.0);
            (value, format!("target of {target} characters, context of {context}, {hard} quantifiers or unknowns"))
        };
        let score = |state: &&[Goal]| {
            let (values, reasons): (Vec<f64>, Vec<String>) = state.iter().map(one).unzip();
            Score { value: values.iter().product::<f64>().clamp(1e-6, 1.0 - 1e-6), why: reasons.join("; times ") }
        };
        Box::pin(std::future::ready(states.iter().map(score).collect()))
    }
}

/// A policy whose order is shaken by a seed, so that attempts with other seeds try other things first: Gumbel noise on
/// the log-probabilities draws without replacement (Kool et al. 2019, «Stochastic Beams and Where to Find Them»). The
/// noise hangs on seed, state and tactic alone: equal seeds give equal searches.
pub struct Seeded {
    inner: Box<dyn Policy>,
    seed: u64,
}

impl Seeded {
    pub fn new(inner: Box<dyn Policy>, seed: u64) -> Seeded {
        Seeded { inner, seed }
    }

    fn gumbel(&self, state: &str, tactic: &str) -> f64 {
        let text = format!("{}\0{state}\0{tactic}", self.seed);
        let digest = Sha256::digest(text.as_bytes());
        let bits = u64::from_le_bytes(std::array::from_fn(|i| digest[i])) >> 11;
        let uniform = (bits as f64 + 0.5) / (1u64 << 53) as f64;
        -(-uniform.ln()).ln()
    }
}

impl Policy for Seeded {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move { self.shake(states, self.inner.propose(states).await) })
    }

    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        self.inner.nearest(unknown)
    }
}

impl Seeded {
    fn shake(&self, states: &[&[Goal]], mut all: Vec<Vec<Proposal>>) -> Vec<Vec<Proposal>> {
        for (state, proposals) in states.iter().zip(&mut all) {
            let key = state_key(state);
            for proposal in proposals.iter_mut() {
                proposal.log_prior += self.gumbel(&key, &proposal.tactic);
            }
            proposals.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
            // Noise must not make a way look better than certain.
            let best = proposals.first().map_or(0.0, |p| p.log_prior.max(0.0));
            proposals.iter_mut().for_each(|p| p.log_prior -= best);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn shorter_states_score_higher_and_scores_are_probabilities() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let (short, long) = ([goal("a = a")], [goal(&"a + ".repeat(200)), goal("∃ x, x = ?w")]);
        let scores = Heuristic.score(&[&short, &long]).now_or_never().unwrap();
        assert!(scores[0].value > scores[1].value && scores.iter().all(|s| s.value > 0.0 && s.value < 1.0));
        assert_eq!(scores[0].why, "target of 5 characters, context of 0, 0 quantifiers or unknowns");
    }

    #[test]
    fn seeds_give_orders_of_their_own_and_the_same_each_time() {
        let goal = Goal { case: None, hypotheses: Vec::new(), target: "a ∧ b".to_owned() };
        let order = |seed| -> Vec<String> {
            let policy = Seeded::new(Box::new(crate::search::Portfolio::default()), seed);
            policy
                .propose(&[std::slice::from_ref(&goal)])
                .now_or_never()
                .unwrap()
                .remove(0)
                .into_iter()
                .map(|p| p.tactic)
                .collect()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
