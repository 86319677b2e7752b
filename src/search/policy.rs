//! The two judgements that guide a search, as traits: a policy proposes tactics, a value scores states.
//!
//! Knows nothing of Lean's server or of the graph.

use crate::lean::Goal;

/// A tactic and the logarithm of the probability that it is the next step.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub tactic: String,
    pub log_prior: f64,
}

/// Proposes next tactics.
pub trait Policy: Send + Sync {
    /// Proposals for each state, best first. A state is one goal, or several coupled ones (the first is worked on).
    fn propose(&self, states: &[&[Goal]]) -> Vec<Vec<Proposal>>;
}

/// Scores how promising states are.
pub trait Value: Send + Sync {
    /// For each state a number in (0, 1): how likely it is to be proved within the budget.
    fn score(&self, states: &[&[Goal]]) -> Vec<f64>;
}

/// A value without a network: short states with few binders and small numbers are easier.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heuristic;

impl Value for Heuristic {
    fn score(&self, states: &[&[Goal]]) -> Vec<f64> {
        let one = |goal: &Goal| {
            let size = goal.target.chars().count() as f64
                + 0.3 * goal.hypotheses.iter().map(|h| h.ty.chars().count() as f64).sum::<f64>();
            let hard = goal.target.matches(['∀', '∃', '?']).count() as f64;
            1.0 / (1.0 + size / 120.0 + hard / 4.0)
        };
        states.iter().map(|state| state.iter().map(one).product::<f64>().clamp(1e-6, 1.0 - 1e-6)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_states_score_higher_and_scores_are_probabilities() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let (short, long) = ([goal("a = a")], [goal(&"a + ".repeat(200)), goal("∃ x, x = ?w")]);
        let scores = Heuristic.score(&[&short, &long]);
        assert!(scores[0] > scores[1] && scores.iter().all(|s| *s > 0.0 && *s < 1.0));
    }
}
