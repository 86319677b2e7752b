//! Monte-Carlo tree search over the AND/OR graph.
//!
//! Selection walks from the root: at a goal (OR) either its untried moves are widened or a step is followed, by PUCT
//! (Silver et al. 2017, «Mastering the game of Go without human knowledge», methods); at a step (AND) its least certain
//! open goal. Widening is progressive (Couëtoux et al. 2011, «Continuous Upper Confidence Trees»). Backup as in
//! HyperTree Proof Search (Lample et al. 2022, section 3.2): a step is worth the product of its goals. With
//! [`Reward::NewStates`] a walk earns 1 when it finds a state that is new, and steps are chosen by a discounted upper
//! confidence bound, as in RMaxTS (Xin et al. 2024, «DeepSeek-Prover-V1.5», section 3.3).
//!
//! Statistics live on goals and steps, so that a goal that is reached in two ways has one record; a walk counts each of
//! them once. Virtual loss keeps walks apart that are under way at the same time.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Strategy;
use crate::search::graph::{Graph, Status};
use crate::search::ids::{GoalId, StepId};
use crate::search::moves::Moves;

/// Weight of the prior against the mean value in PUCT.
const EXPLORATION: f64 = 1.4;
/// Selections of a goal allowed by its visits: visits to this power.
const WIDENING: f64 = 0.5;
/// A proof one step longer is worth this much less.
const DISCOUNT: f64 = 0.97;
/// How fast old rewards for new states are forgotten.
const FORGETTING: f64 = 0.99;
/// Longest walk.
const DEEPEST: usize = 400;

/// What a walk earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reward {
    Value,
    NewStates,
}

#[derive(Debug, Clone, Copy, Default)]
struct Record {
    visits: f64,
    worth: f64,
    /// Walks through it that are under way.
    virtual_loss: f64,
}

impl Record {
    /// Mean worth, walks under way counted as lost.
    fn mean(&self, unknown: f64) -> f64 {
        let all = self.visits + self.virtual_loss;
        if all > 0.0 { self.worth / all } else { unknown }
    }
}

/// A walk from the root: the steps taken, and the goal it ends at.
struct Walk {
    steps: Vec<(GoalId, StepId)>,
    end: GoalId,
}

/// See the module.
pub struct Mcts {
    reward: Reward,
    goals: HashMap<GoalId, Record>,
    steps: HashMap<StepId, Record>,
    /// How often a goal's own moves were tried.
    widened: HashMap<GoalId, f64>,
    under_way: HashMap<GoalId, VecDeque<Walk>>,
}

impl Mcts {
    pub fn new(reward: Reward) -> Mcts {
        let (goals, steps, widened, under_way) = Default::default();
        Mcts { reward, goals, steps, widened, under_way }
    }

    fn of_goal(&self, goal: GoalId) -> Record {
        self.goals.get(&goal).copied().unwrap_or_default()
    }

    fn of_step(&self, step: StepId) -> Record {
        self.steps.get(&step).copied().unwrap_or_default()
    }

    /// What a goal is worth as far as is known.
    fn worth(&self, graph: &Graph, goal: GoalId) -> f64 {
        let node = graph.goal(goal);
        match node.status {
            Status::Proved(_) => 1.0,
            Status::Exhausted => 0.0,
            Status::Open => self.of_goal(goal).mean(node.value),
        }
    }

    /// The product over a step's goals (Lample et al. 2022).
    fn product(&self, graph: &Graph, step: StepId) -> f64 {
        DISCOUNT * graph.step(step).goals.iter().map(|&g| self.worth(graph, g)).product::<f64>()
    }

    /// Steps of a goal that could still help, the most promising first.
    fn ranked(&self, graph: &Graph, goal: GoalId) -> Vec<StepId> {
        let total = self.of_goal(goal).visits + self.of_goal(goal).virtual_loss;
        let mut scored: Vec<(f64, StepId)> = graph
            .steps(goal)
            .filter(|&s| graph.is_hopeful(s))
            .map(|step| {
                let record = self.of_step(step);
                let tried = record.visits + record.virtual_loss;
                let score = match self.reward {
                    Reward::Value => {
                        let prior = graph.step(step).log_prior.exp();
                        record.mean(self.product(graph, step)) + EXPLORATION * prior * (1.0 + total).sqrt() / (1.0 + tried)
                    }
                    Reward::NewStates if tried == 0.0 => f64::INFINITY,
                    Reward::NewStates => record.mean(1.0) + (2.0 * (1.0 + total).ln() / tried).sqrt(),
                };
                (score, step)
            })
            .collect();
        // Of equals, the earlier.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().map(|(_, step)| step).collect()
    }

    /// Walks down until a goal's own moves are to be tried. `seen` holds goals of this walk and dead ends.
    fn descend(
        &self,
        graph: &Graph,
        moves: &Moves,
        goal: GoalId,
        seen: &mut HashSet<GoalId>,
        way: &mut Vec<(GoalId, StepId)>,
    ) -> Option<GoalId> {
        if graph.goal(goal).status != Status::Open || way.len() >= DEEPEST || !seen.insert(goal) {
            return None;
        }
        let untried = moves.best(goal).is_some();
        let widened = self.widened.get(&goal).copied().unwrap_or(0.0);
        let record = self.of_goal(goal);
        if untried && widened <= (record.visits + record.virtual_loss).powf(WIDENING) {
            return Some(goal);
        }
        for step in self.ranked(graph, goal) {
            let mut open: Vec<GoalId> =
                graph.step(step).goals.iter().copied().filter(|&g| graph.goal(g).status == Status::Open).collect();
            // The goal most likely to fail decides over the step.
            open.sort_by(|a, b| self.worth(graph, *a).total_cmp(&self.worth(graph, *b)).then(a.cmp(b)));
            for next in open {
                way.push((goal, step));
                if let Some(end) = self.descend(graph, moves, next, seen, way) {
                    return Some(end);
                }
                way.pop();
            }
        }
        untried.then_some(goal)
    }
}

impl Strategy for Mcts {
    fn open(&mut self, _: &Graph, _: &Moves, _: GoalId) {}

    fn select(&mut self, graph: &Graph, moves: &Moves) -> Option<GoalId> {
        let mut steps = Vec::new();
        let end = self.descend(graph, moves, graph.root(), &mut HashSet::new(), &mut steps)?;
        *self.widened.entry(end).or_default() += 1.0;
        self.goals.entry(end).or_default().virtual_loss += 1.0;
        for (goal, step) in &steps {
            self.goals.entry(*goal).or_default().virtual_loss += 1.0;
            self.steps.entry(*step).or_default().virtual_loss += 1.0;
        }
        self.under_way.entry(end).or_default().push_back(Walk { steps, end });
        Some(end)
    }

    fn landed(&mut self, graph: &Graph, goal: GoalId, new: usize) {
        let Some(walk) = self.under_way.get_mut(&goal).and_then(VecDeque::pop_front) else { return };
        let mut earned = match self.reward {
            Reward::NewStates => f64::from(u8::from(new > 0)),
            Reward::Value => {
                let best = graph.steps(walk.end).filter(|&s| graph.is_hopeful(s)).map(|s| self.product(graph, s));
                match graph.goal(walk.end).status {
                    Status::Proved(_) => 1.0,
                    Status::Exhausted => 0.0,
                    Status::Open => best.fold(0.0, f64::max),
                }
            }
        };
        let (reward, forgetting) = (self.reward, if self.reward == Reward::NewStates { FORGETTING } else { 1.0 });
        let add = |record: &mut Record, earned: f64| {
            record.virtual_loss = (record.virtual_loss - 1.0).max(0.0);
            record.visits = record.visits * forgetting + 1.0;
            record.worth = record.worth * forgetting + earned;
        };
        add(self.goals.entry(walk.end).or_default(), earned);
        let mut below = walk.end;
        for (goal, step) in walk.steps.into_iter().rev() {
            if reward == Reward::Value {
                let others = graph.step(step).goals.iter().filter(|&&g| g != below).map(|&g| self.worth(graph, g));
                earned *= DISCOUNT * others.product::<f64>();
            }
            add(self.steps.entry(step).or_default(), earned);
            add(self.goals.entry(goal).or_default(), earned);
            below = goal;
        }
    }

    fn visits(&self, goal: GoalId) -> u64 {
        self.of_goal(goal).visits as u64
    }
}
