//! Selection: which goal is worked on next. Strategies behind one trait.
//!
//! A strategy sees the graph and what is untried; it knows nothing of tactics, Lean or time. All are deterministic.

mod best_first;
mod mcts;

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::ids::GoalId;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::{Goal, Hole};
    use crate::policy::{Proposal, Source};
    use crate::search::moves::Move;

    fn goal(number: usize) -> Goal {
        Goal { case: None, hypotheses: Vec::new(), target: format!("p{number}") }
    }

    /// The goal selected second, when the first selection led on to a goal that looks good, but to nothing new.
    fn second(kind: StrategyKind) -> GoalId {
        let mut graph = Graph::new(Hole::whole("example : p0"), vec![goal(0)]);
        let root = graph.root();
        let mut add = |from, log_prior, to: usize, value| {
            let new = graph.add_step(from, "t", log_prior, vec![goal(to)], |_, _| false).new[0];
            graph.goal_mut(new).value = value;
            new
        };
        let (good, bad) = (add(root, -0.1, 1, 0.9), add(root, -2.0, 2, 0.1));
        add(good, -0.1, 3, 0.9);
        let mut moves = Moves::default();
        let step = |tactic: &str, log_prior| {
            let proposal = Proposal { tactic: tactic.to_owned(), log_prior, by: Source::Portfolio };
            Move { proposal, heartbeats: 1, probe: false }
        };
        moves.add(good, [step("a", -0.1), step("b", -0.2)]);
        moves.add(bad, [step("a", -1.0), step("b", -1.2)]);
        let mut strategy = kind.build();
        strategy.open(&graph, &moves, good);
        strategy.open(&graph, &moves, bad);
        assert_eq!(strategy.select(&graph, &moves), Some(good), "{kind:?}");
        strategy.landed(&graph, good, 0);
        strategy.open(&graph, &moves, good);
        strategy.select(&graph, &moves).expect("there is more to try")
    }

    #[test]
    fn values_draw_back_and_new_states_draw_on() {
        let (best_first, mcts, rmax) =
            (second(StrategyKind::BestFirst), second(StrategyKind::Mcts), second(StrategyKind::Rmax));
        assert_eq!(best_first, mcts);
        assert_ne!(mcts, rmax);
    }
}
