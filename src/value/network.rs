//! The value of the network that scores goals.

use std::sync::Arc;

use super::{Score, Value};
use crate::lean::Goal;
use crate::network::{GoalScore, Networks};
use crate::policy::Answer;

/// The value of networks: a state of several goals is worth the product of theirs.
pub struct NetworkValue(pub Arc<Networks>);

impl Value for NetworkValue {
    fn score<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Score> {
        Box::pin(async move {
            let goals: Vec<&Goal> = states.iter().flat_map(|state| state.iter()).collect();
            let scores = self.0.scores(&goals).await.unwrap_or_else(|error| {
                self.0.failed("value", &error);
                vec![GoalScore { proved: 0.5, steps: 1.0, cut: 0 }; goals.len()]
            });
            let mut scores = scores.into_iter();
            let mut state = |state: &&[Goal]| {
                let each: Vec<GoalScore> = scores.by_ref().take(state.len()).collect();
                let value: f64 = each.iter().map(|s| f64::from(s.proved)).product();
                let word = |&GoalScore { proved, steps, cut }: &GoalScore| {
                    let cut = if cut == 0 { String::new() } else { format!(", without the {cut} oldest hypotheses") };
                    format!("the network gives {proved:.2}, some {steps:.0} steps{cut}")
                };
                let why = each.iter().map(word).collect::<Vec<_>>().join("; times ");
                Score { value: value.clamp(1e-6, 1.0 - 1e-6), why }
            };
            states.iter().map(&mut state).collect()
        })
    }
}
