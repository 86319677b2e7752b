//! The AND/OR graph of proof states.
//!
//! ```text
//!   goal (OR) ──tactic──► step (AND) ──► goal, goal, …      a step without goals closes its goal
//!      ▲                                   │
//!      └───────── equal keys meet ◄────────┘
//! ```
//! A goal node is a proof state: one goal, or several that share metavariables and stay together. It is proved when
//! one of its steps is; a step is proved when all its goals are. A goal's proof is fixed at the moment its step's
//! goals are all proved, so that no proof passes through itself, cycles or not.
//!
//! Pure data: no Lean, no policy, no time.

use std::collections::{HashMap, HashSet};

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;

use super::ids::{GoalId, StepId};
use crate::lean::goal::{is_coupled, state_key};
use crate::lean::{Goal, Hole};

/// Where a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Open,
    /// By this step, whose goals are all proved.
    Proved(StepId),
    /// Every proposal was tried and none can succeed any more.
    Exhausted,
}

/// An OR node.
#[derive(Debug)]
pub struct GoalNode {
    pub state: Vec<Goal>,
    pub status: Status,
    /// The step through which it was first reached, and the place among its goals; `None` for the root.
    pub origin: Option<(StepId, usize)>,
    /// Sum of the log-probabilities on the way from the root.
    pub log_prior: f64,
    pub depth: u32,
    /// All that was proposed so far was tried.
    pub expanded: bool,
    /// Why nothing is hoped for, when it is not for want of proposals.
    pub given_up: Option<&'static str>,
    /// How promising, in (0, 1).
    pub value: f64,
}

/// An AND node.
#[derive(Debug)]
pub struct StepNode {
    pub tactic: String,
    /// The policy's log-probability of it.
    pub log_prior: f64,
    pub goals: Vec<GoalId>,
    /// What it may have taken of Lean's budget beyond a usual candidate's, as `maxHeartbeats`.
    pub extra: u64,
    /// What stands for it where goals behind it are tried, if that is cheaper.
    pub stand_in: Option<String>,
    /// Taken back: the verifier refused a proof through it.
    pub retracted: bool,
}

enum Node {
    Goal(GoalNode),
    Step(StepNode),
}

/// The graph; the root is the theorem's own goal.
pub struct Graph {
    nodes: StableDiGraph<Node, ()>,
    by_key: HashMap<String, GoalId>,
    root: GoalId,
    /// Where the root's own proof stands.
    pub(super) place: Hole,
    /// What became of goals since it was last asked.
    changes: Vec<(GoalId, Status)>,
}

/// What [`Graph::add_step`] did.
#[derive(Debug, Default)]
pub struct Added {
    /// `None`: the step leads back to its own goal and was not added.
    pub step: Option<StepId>,
    /// Goals that are new in the graph.
    pub new: Vec<GoalId>,
}

impl Graph {
    /// A graph of one goal, whose proof goes to `place`.
    pub fn new(place: Hole, state: Vec<Goal>) -> Graph {
        let mut nodes = StableDiGraph::new();
        let key = state_key(&state);
        let node = GoalNode {
            state,
            status: Status::Open,
            origin: None,
            log_prior: 0.0,
            depth: 0,
            expanded: false,
            given_up: None,
            value: 0.5,
        };
        let root = GoalId(nodes.add_node(Node::Goal(node)));
        Graph { nodes, by_key: HashMap::from([(key, root)]), root, place, changes: Vec::new() }
    }

    pub fn root(&self) -> GoalId {
        self.root
    }

    pub fn goal(&self, id: GoalId) -> &GoalNode {
        match &self.nodes[id.0] {
            Node::Goal(goal) => goal,
            Node::Step(_) => unreachable!("a GoalId names a goal"),
        }
    }

    pub fn goal_mut(&mut self, id: GoalId) -> &mut GoalNode {
        match &mut self.nodes[id.0] {
            Node::Goal(goal) => goal,
            Node::Step(_) => unreachable!("a GoalId names a goal"),
        }
    }

    pub fn step(&self, id: StepId) -> &StepNode {
        match &self.nodes[id.0] {
            Node::Step(step) => step,
            Node::Goal(_) => unreachable!("a StepId names a step"),
        }
    }

    /// Number of goal nodes.
    pub fn goals(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_proved(&self, id: GoalId) -> bool {
        matches!(self.goal(id).status, Status::Proved(_))
    }

    /// Goals that became proved or exhausted since the last call, in order.
    pub fn take_changes(&mut self) -> Vec<(GoalId, Status)> {
        std::mem::take(&mut self.changes)
    }

    /// Notes how what is tried behind a step elaborates it once more: what that may take beyond a usual candidate's budget, or what stands
    /// for it.
    pub fn again(&mut self, step: StepId, extra: u64, stand_in: Option<String>) {
        if let Node::Step(node) = &mut self.nodes[step.0] {
            node.extra = if stand_in.is_some() { 0 } else { extra };
            node.stand_in = stand_in;
        }
    }

    /// Adds a step from `parent` that leaves `left`.
    ///
    /// Goals that share metavariables become one node. A step that leads back to its own goal is not added.
    /// Nor is one whose goals that are in the graph already `refuse` does not want.
    pub fn add_step(
        &mut self,
        parent: GoalId,
        tactic: &str,
        log_prior: f64,
        left: Vec<Goal>,
        refuse: impl FnOnce(&Graph, &[GoalId]) -> bool,
    ) -> Added {
        let states = if is_coupled(&left) { vec![left] } else { left.into_iter().map(|g| vec![g]).collect() };
        let keys: Vec<String> = states.iter().map(|s| state_key(s)).collect();
        let known: Vec<GoalId> = keys.iter().filter_map(|k| self.by_key.get(k).copied()).collect();
        if known.contains(&parent) || refuse(self, &known) {
            return Added::default();
        }
        let step = StepId(self.nodes.add_node(Node::Step(StepNode {
            tactic: tactic.to_owned(),
            log_prior,
            goals: Vec::new(),
            extra: 0,
            stand_in: None,
            retracted: false,
        })));
        self.nodes.add_edge(parent.0, step.0, ());
        let (depth, prior) = (self.goal(parent).depth + 1, self.goal(parent).log_prior + log_prior);
        let (mut new, mut goals) = (Vec::new(), Vec::new());
        for (place, (key, state)) in keys.into_iter().zip(states).enumerate() {
            let id = match self.by_key.get(&key) {
                Some(&known) => {
                    let node = self.goal_mut(known);
                    node.log_prior = node.log_prior.max(prior);
                    known
                }
                None => {
                    let origin = Some((step, place));
                    let node = GoalNode {
                        state,
                        status: Status::Open,
                        origin,
                        log_prior: prior,
                        depth,
                        expanded: false,
                        given_up: None,
                        value: 0.5,
                    };
                    let id = GoalId(self.nodes.add_node(Node::Goal(node)));
                    self.by_key.insert(key, id);
                    new.push(id);
                    id
                }
            };
            self.nodes.add_edge(step.0, id.0, ());
            goals.push(id);
        }
        if let Node::Step(node) = &mut self.nodes[step.0] {
            node.goals = goals;
        }
        self.mark_proved(vec![step]);
        Added { step: Some(step), new }
    }

    /// Carries «proved» up from steps whose goals may all be proved now.
    fn mark_proved(&mut self, mut steps: Vec<StepId>) {
        while let Some(step) = steps.pop() {
            let node = self.step(step);
            if node.retracted || !node.goals.iter().all(|&g| self.is_proved(g)) {
                continue;
            }
            let parents: Vec<GoalId> = self.nodes.neighbors_directed(step.0, Direction::Incoming).map(GoalId).collect();
            for parent in parents {
                if !self.is_proved(parent) {
                    self.goal_mut(parent).status = Status::Proved(step);
                    self.changes.push((parent, Status::Proved(step)));
                    steps.extend(self.nodes.neighbors_directed(parent.0, Direction::Incoming).map(StepId));
                }
            }
        }
    }

    /// The steps of a goal.
    pub fn steps(&self, id: GoalId) -> impl Iterator<Item = StepId> {
        self.nodes.neighbors(id.0).map(StepId)
    }

    /// The goal that a step belongs to.
    pub fn parent(&self, step: StepId) -> GoalId {
        GoalId(self.nodes.neighbors_directed(step.0, Direction::Incoming).next().expect("a step has a goal"))
    }

    /// Open goals that stand beside this one in a step.
    pub fn siblings(&self, id: GoalId) -> Vec<GoalId> {
        let steps = self.nodes.neighbors_directed(id.0, Direction::Incoming).map(StepId);
        let beside = steps.flat_map(|s| self.step(s).goals.iter().copied());
        let mut found: Vec<GoalId> = beside.filter(|&g| g != id && self.goal(g).status == Status::Open).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a step could still prove its goal.
    pub fn is_hopeful(&self, step: StepId) -> bool {
        let node = self.step(step);
        !node.retracted && node.goals.iter().all(|&g| self.goal(g).status != Status::Exhausted)
    }

    /// Gives a goal up for a reason of its own, whatever is left to try there.
    pub fn give_up(&mut self, id: GoalId, reason: &'static str) {
        if self.goal(id).status == Status::Open {
            let node = self.goal_mut(id);
            (node.given_up, node.expanded, node.status) = (Some(reason), true, Status::Exhausted);
            self.changes.push((id, Status::Exhausted));
            self.exhaust(self.parents(id));
        }
    }

    /// Opens a goal again that had nothing left to hope for: something new is to be tried there.
    pub fn reopen(&mut self, id: GoalId) {
        let mut goals = vec![id];
        while let Some(goal) = goals.pop() {
            if self.goal(goal).status == Status::Exhausted && self.goal(goal).given_up.is_none() {
                self.goal_mut(goal).status = Status::Open;
                goals.extend(self.parents(goal));
            }
        }
        self.goal_mut(id).expanded = false;
    }

    /// Goals from which a step leads to this one.
    fn parents(&self, id: GoalId) -> Vec<GoalId> {
        let steps = self.nodes.neighbors_directed(id.0, Direction::Incoming);
        steps.flat_map(|step| self.nodes.neighbors_directed(step, Direction::Incoming).map(GoalId)).collect()
    }

    /// Says that a goal's proposals are used up; «exhausted» travels up where nothing is left to hope for.
    pub fn mark_expanded(&mut self, id: GoalId) {
        self.goal_mut(id).expanded = true;
        self.exhaust(vec![id]);
    }

    /// Carries «exhausted» up from goals that may have nothing left to hope for.
    fn exhaust(&mut self, mut goals: Vec<GoalId>) {
        while let Some(goal) = goals.pop() {
            let node = self.goal(goal);
            if node.status != Status::Open || !node.expanded || self.steps(goal).any(|step| self.is_hopeful(step)) {
                continue;
            }
            self.goal_mut(goal).status = Status::Exhausted;
            self.changes.push((goal, Status::Exhausted));
            goals.extend(self.parents(goal));
        }
    }

    /// Takes a step back that the verifier refused, and works out anew what is proved.
    pub fn retract(&mut self, step: StepId) {
        if let Node::Step(node) = &mut self.nodes[step.0] {
            node.retracted = true;
        }
        let all: Vec<NodeIndex> = self.nodes.node_indices().collect();
        let mut steps = Vec::new();
        for index in all {
            match &mut self.nodes[index] {
                Node::Goal(goal) => {
                    if let Status::Proved(_) = goal.status {
                        goal.status = Status::Open;
                    }
                }
                Node::Step(_) => steps.push(StepId(index)),
            }
        }
        self.mark_proved(steps);
    }

    /// Whether a proof of this goal could still help: it is open, and so is some chain of goals above it.
    pub fn is_relevant(&self, id: GoalId) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![id];
        while let Some(goal) = stack.pop() {
            if !seen.insert(goal) || self.goal(goal).status != Status::Open {
                continue;
            }
            if goal == self.root {
                return true;
            }
            for step in self.nodes.edges_directed(goal.0, Direction::Incoming).map(|e| StepId(e.source())) {
                if self.is_hopeful(step) {
                    stack.extend(self.nodes.neighbors_directed(step.0, Direction::Incoming).map(GoalId));
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(target: &str) -> Goal {
        Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() }
    }
    fn graph() -> Graph {
        Graph::new(Hole::whole("example : p"), vec![goal("p")])
    }

    #[test]
    fn a_step_is_proved_when_all_its_goals_are() {
        let mut g = graph();
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("a"), goal("b")], |_, _| false).new;
        assert_eq!(new.len(), 2);
        g.add_step(new[0], "rfl", 0.0, vec![], |_, _| false);
        assert!(!g.is_proved(g.root()));
        assert!(g.is_relevant(new[1]) && !g.is_relevant(new[0]));
        g.add_step(new[1], "intro x\nexact x", 0.0, vec![], |_, _| false);
        assert_eq!(g.proof(g.root()).unwrap().0, "constructor\n· rfl\n· intro x\n  exact x\n");
        assert_eq!(g.proof(g.root()).unwrap().1.len(), 4);
    }

    #[test]
    fn equal_states_meet_and_cycles_prove_nothing() {
        let mut g = graph();
        let a = g.add_step(g.root(), "rw [h]", -1.0, vec![goal("a")], |_, _| false).new[0];
        assert!(g.add_step(a, "rw [← h]", -1.0, vec![goal("p")], |_, _| false).new.is_empty());
        assert!(g.add_step(a, "skip", -1.0, vec![goal("a")], |_, _| false).step.is_none());
        assert!(!g.is_proved(g.root()));
        g.mark_expanded(a);
        g.mark_expanded(g.root());
        assert_eq!(g.goal(g.root()).status, Status::Open, "a cycle is neither proved nor exhausted");
        g.add_step(a, "trivial", 0.0, vec![], |_, _| false);
        assert_eq!(g.proof(g.root()).unwrap().0, "rw [h]\ntrivial\n");
    }

    #[test]
    fn exhausted_goals_take_their_steps_with_them() {
        let mut g = graph();
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("a"), goal("b")], |_, _| false).new;
        g.mark_expanded(g.root());
        g.mark_expanded(new[0]);
        assert_eq!(g.goal(g.root()).status, Status::Exhausted);
        assert!(!g.is_relevant(new[1]));
    }

    #[test]
    fn a_goal_opened_again_gives_hope_to_those_above() {
        let mut g = graph();
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("a"), goal("b")], |_, _| false).new;
        g.mark_expanded(g.root());
        g.mark_expanded(new[0]);
        g.reopen(new[0]);
        assert_eq!((g.goal(g.root()).status, g.goal(new[0]).status), (Status::Open, Status::Open));
        assert!(g.is_relevant(new[0]) && g.is_relevant(new[1]));
    }

    #[test]
    fn coupled_goals_stay_together() {
        let mut g = graph();
        let witness = Goal { case: Some("w".into()), ..goal("Nat") };
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("q ?w"), witness], |_, _| false).new;
        assert_eq!(new.len(), 1);
        assert_eq!(g.hole(new[0]).indent, 2);
    }

    #[test]
    fn a_retracted_step_proves_nothing() {
        let mut g = graph();
        g.add_step(g.root(), "bad", -1.0, vec![], |_, _| false);
        let bad = g.proof(g.root()).unwrap().1[0];
        g.add_step(g.root(), "good", -2.0, vec![], |_, _| false);
        g.retract(bad);
        assert_eq!(g.proof(g.root()).unwrap().0, "good\n");
    }
}
