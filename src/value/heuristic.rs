//! The value that needs no network.

use super::{Score, Value};
use crate::lean::Goal;
use crate::policy::Answer;

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
}
