//! The value of the network that scores goals.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Score, Value};
use crate::files::read_text;
use crate::lean::Goal;
use crate::network::Networks;
use crate::network::goals::GoalScore;
use crate::policy::Answer;
use crate::policy::ranker::features::{GOAL_BUCKETS, GoalView, VERSION};

/// The value of networks: a state of several goals is worth the product of theirs.
pub struct NetworkValue(Arc<Networks>);

#[derive(Deserialize)]
struct About {
    features: Features,
}

#[derive(Deserialize)]
struct Features {
    version: u32,
    goal_buckets: u32,
}

impl NetworkValue {
    /// # Errors
    /// When these networks have no value, or one that was trained on other features.
    pub fn new(networks: Arc<Networks>) -> Result<NetworkValue> {
        let file = networks.value_features();
        let train = "`python3 -m qstar_training.value` trains one, `--networks` names another folder, and `--value heuristic` does without";
        ensure!(networks.has_value(), "there is no value.onnx beside {}: {train}", file.display());
        let about: About = serde_json::from_str(&read_text(&file)?)
            .with_context(|| format!("{} does not say which features value.onnx reads", file.display()))?;
        let fits = (about.features.version, about.features.goal_buckets) == (VERSION, GOAL_BUCKETS);
        ensure!(fits, "the value that {} speaks of was trained on other features: {train}", file.display());
        Ok(NetworkValue(networks))
    }
}

impl Value for NetworkValue {
    fn score<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Score> {
        Box::pin(async move {
            let goals: Vec<Vec<u32>> =
                states.iter().flat_map(|state| state.iter()).map(|g| GoalView::new(g).features).collect();
            let count = goals.len();
            let scores = self.0.scores(goals).await.unwrap_or_else(|error| {
                self.0.failed("value", &error);
                vec![GoalScore { proved: 0.5, steps: 1.0 }; count]
            });
            let mut scores = scores.into_iter();
            let mut state = |state: &&[Goal]| {
                let each: Vec<GoalScore> = scores.by_ref().take(state.len()).collect();
                let value: f64 = each.iter().map(|s| f64::from(s.proved)).product();
                let word = |s: &GoalScore| format!("the network gives {:.2}, some {:.0} steps", s.proved, s.steps);
                let why = each.iter().map(word).collect::<Vec<_>>().join("; times ");
                Score { value: value.clamp(1e-6, 1.0 - 1e-6), why }
            };
            states.iter().map(&mut state).collect()
        })
    }
}
