//! Selection: which goal is worked on next. Strategies behind one trait.
//!
//! A strategy sees the graph and what is untried; it knows nothing of tactics, Lean or time. All are deterministic.

mod best_first;
mod mcts;

use serde::{Deserialize, Serialize};

use super::graph::{GoalId, Graph};
use super::moves::Moves;

/// Chooses goals. Each choice is followed by [`Strategy::landed`] for the same goal when Lean has answered.
pub trait Strategy: Send {
    /// A goal has untried moves: it is new, or it got more, or a new way leads to it.
    fn open(&mut self, graph: &Graph, moves: &Moves, goal: GoalId);

    /// The next goal, with untried moves, whose proof would help; `None` when there is none at present.
    fn select(&mut self, graph: &Graph, moves: &Moves) -> Option<GoalId>;

    /// The answers to a selection are in the graph, new goals with their values; `new` counts those.
    fn landed(&mut self, graph: &Graph, goal: GoalId, new: usize);

    /// How often the goal was selected, or passed on the way to a selection.
    fn visits(&self, goal: GoalId) -> u64;
}

/// The strategies by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// The most probable way first, by policy and value.
    #[default]
    BestFirst,
    /// Monte-Carlo tree search with PUCT and virtual loss, values multiplied over the goals of a step.
    Mcts,
    /// The same with a reward for new states instead of values.
    Rmax,
}

impl StrategyKind {
    /// A fresh strategy for one search.
    pub fn build(self) -> Box<dyn Strategy> {
        match self {
            StrategyKind::BestFirst => Box::new(best_first::BestFirst::default()),
            StrategyKind::Mcts => Box::new(mcts::Mcts::new(mcts::Reward::Value)),
            StrategyKind::Rmax => Box::new(mcts::Mcts::new(mcts::Reward::NewStates)),
        }
    }
}
