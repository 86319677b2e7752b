//! Best-first search: the untried move whose way from the root is the most probable, as in GPT-f (Polu and Sutskever
//! 2020, «Generative Language Modeling for Automated Theorem Proving», section 4.2), with the value of the state and
//! a cost of depth added.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::Strategy;
use crate::search::graph::Graph;
use crate::search::ids::GoalId;
use crate::search::moves::Moves;

/// How much the value of a state counts beside the policy's log-probabilities.
const VALUE_WEIGHT: f64 = 0.7;
/// What each step of depth costs, as a log-probability.
const DEPTH_COST: f64 = 0.25;
/// What a goal gains by each of the first steps to it, as a log-probability: most tries fail, and a step that Lean took is more
/// probable than its prior said.
const PROGRESS: f64 = 1.0;
/// The steps that count so: a way on which everything makes progress, such as one case split behind another, is no better for it.
const PROGRESSED: u32 = 2;

struct Open {
    priority: f64,
    /// Earlier entries win ties, so that the order is the same in every run.
    number: usize,
    goal: GoalId,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Open {}
impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then(other.number.cmp(&self.number))
    }
}

/// See the module.
#[derive(Default)]
pub struct BestFirst {
    frontier: BinaryHeap<Open>,
    /// Goals in the frontier: each is there once.
    listed: HashSet<GoalId>,
    pushed: usize,
    visits: HashMap<GoalId, u64>,
}

impl Strategy for BestFirst {
    fn open(&mut self, graph: &Graph, moves: &Moves, goal: GoalId) {
        let Some(log_prior) = moves.best(goal) else { return };
        if !self.listed.insert(goal) {
            return;
        }
        let node = graph.goal(goal);
        let depth = PROGRESS * f64::from(node.depth.min(PROGRESSED)) - DEPTH_COST * f64::from(node.depth);
        let priority = node.log_prior + log_prior + VALUE_WEIGHT * node.value.ln() + depth;
        self.pushed += 1;
        self.frontier.push(Open { priority, number: self.pushed, goal });
    }

    fn select(&mut self, graph: &Graph, moves: &Moves) -> Option<GoalId> {
        while let Some(open) = self.frontier.pop() {
            self.listed.remove(&open.goal);
            if moves.best(open.goal).is_some() && graph.is_relevant(open.goal) {
                *self.visits.entry(open.goal).or_default() += 1;
                return Some(open.goal);
            }
        }
        None
    }

    fn landed(&mut self, _: &Graph, _: GoalId, _: usize) {}

    fn visits(&self, goal: GoalId) -> u64 {
        self.visits.get(&goal).copied().unwrap_or(0)
    }
}
