//! What scores proof states: the trait [`Value`], a plain one ([`Heuristic`]) and the network's ([`network`]).
//!
//! Depends on `lean::Goal`; the network's one on `network`, which runs it, and on the ranker's features, which it reads. Knows
//! nothing of Lean's server or of the graph.

mod heuristic;
pub mod network;

use serde::{Deserialize, Serialize};

use crate::lean::Goal;
use crate::policy::Answer;
pub use heuristic::Heuristic;

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

/// What scores states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// Short goals of few quantifiers first.
    #[default]
    Heuristic,
    /// The value network.
    Network,
}
