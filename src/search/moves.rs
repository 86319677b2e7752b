//! The proposals of each goal that Lean has not judged yet, best first; what was proposed once is not proposed again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::ids::GoalId;
use super::operators::simplifier::is_weaker;
use crate::policy::{Proposal, Source};

/// The probability that a network must have given to a goal's first moves for the others to wait.
const SURE: f64 = 0.5;
/// How much less probable than a goal's best move those may be that are tried with it, as a logarithm: what is left may be worse
/// than the best of other goals, and above all than that of the goals which these steps leave.
const SPREAD: f64 = 1.0;

/// A proposal with what Lean may spend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    pub proposal: Proposal,
    /// Budget, as Lean's `maxHeartbeats`.
    pub heartbeats: u64,
    /// No step of a proof but a question: whether the goal's negation holds.
    pub probe: bool,
}

#[derive(Debug, Default)]
struct Queue {
    /// By falling log-probability; of equals, the earlier first.
    untried: VecDeque<Move>,
    /// Hashes of tactic and budget.
    seen: HashSet<u64>,
    /// Given to Lean, not yet judged.
    pending: Vec<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Moves(HashMap<GoalId, Queue>);

impl Moves {
    /// Adds moves to a goal; of one that it has, untried, the better of both priors counts. Returns how many changed that.
    pub fn add(&mut self, goal: GoalId, moves: impl IntoIterator<Item = Move>) -> usize {
        let queue = self.0.entry(goal).or_default();
        let mut new = 0;
        for m in moves {
            let mut hasher = DefaultHasher::new();
            (&m.proposal.tactic, m.heartbeats, m.probe).hash(&mut hasher);
            if !queue.seen.insert(hasher.finish()) {
                let worse = |other: &Move| {
                    other.proposal.log_prior < m.proposal.log_prior
                        && (&other.proposal.tactic, other.heartbeats, other.probe)
                            == (&m.proposal.tactic, m.heartbeats, m.probe)
                };
                let Some(known) = queue.untried.iter().position(worse) else { continue };
                queue.untried.remove(known);
            }
            let at = queue.untried.partition_point(|other| other.proposal.log_prior >= m.proposal.log_prior);
            queue.untried.insert(at, m);
            new += 1;
        }
        new
    }

    /// Takes up to `most` of a goal's best that are nearly as probable as its first; they are pending until [`Moves::landed`].
    /// Where a network is sure, what it is sure of is taken alone, and the rest waits for the verdict. What simplifies less than
    /// another one that is pending waits, too.
    pub fn take(&mut self, goal: GoalId, most: usize) -> Vec<Move> {
        let Some(queue) = self.0.get_mut(&goal) else { return Vec::new() };
        let first = queue.untried.front().map_or(0.0, |m| m.proposal.log_prior);
        let (mut sure, mut taken, mut at) = (0.0, Vec::new(), 0);
        while taken.len() < most
            && sure < SURE
            && let Some(m) = queue.untried.get(at)
            && m.proposal.log_prior >= first - SPREAD
        {
            if queue.pending.iter().any(|other| is_weaker(&m.proposal.tactic, other)) {
                at += 1;
                continue;
            }
            sure += if m.proposal.by == Source::Network { m.proposal.log_prior.exp() } else { 0.0 };
            queue.pending.push(m.proposal.tactic.clone());
            taken.extend(queue.untried.remove(at));
        }
        taken
    }

    /// Makes a goal's untried moves less probable by so much, as a logarithm.
    pub fn discourage(&mut self, goal: GoalId, cost: f64) {
        if let Some(queue) = self.0.get_mut(&goal) {
            queue.untried.iter_mut().for_each(|m| m.proposal.log_prior -= cost);
        }
    }

    /// Drops untried moves of all goals; returns the goals that lost some.
    pub fn forget(&mut self, unwanted: impl Fn(&str) -> bool) -> Vec<GoalId> {
        let mut touched = Vec::new();
        for (goal, queue) in &mut self.0 {
            let before = queue.untried.len();
            queue.untried.retain(|m| !unwanted(&m.proposal.tactic));
            if queue.untried.len() < before {
                touched.push(*goal);
            }
        }
        touched.sort_unstable();
        touched
    }

    /// Drops untried moves of one goal.
    pub fn forget_at(&mut self, goal: GoalId, unwanted: impl Fn(&str) -> bool) {
        if let Some(queue) = self.0.get_mut(&goal) {
            queue.untried.retain(|m| !unwanted(&m.proposal.tactic));
        }
    }

    /// One of the goal's pending moves is judged.
    pub fn landed(&mut self, goal: GoalId, tactic: &str) {
        if let Some(queue) = self.0.get_mut(&goal)
            && let Some(at) = queue.pending.iter().position(|other| other == tactic)
        {
            queue.pending.swap_remove(at);
        }
    }

    /// Log-probability of the goal's best untried move.
    pub fn best(&self, goal: GoalId) -> Option<f64> {
        self.0.get(&goal)?.untried.front().map(|m| m.proposal.log_prior)
    }

    /// Log-probability of the goal's untried move that so many are better than.
    pub fn at(&self, goal: GoalId, place: usize) -> Option<f64> {
        self.0.get(&goal)?.untried.get(place).map(|m| m.proposal.log_prior)
    }

    /// Whether nothing of the goal is untried or pending.
    pub fn is_idle(&self, goal: GoalId) -> bool {
        self.0.get(&goal).is_none_or(|q| q.untried.is_empty() && q.pending.is_empty())
    }

    /// Goals with untried moves, in order.
    pub fn open(&self) -> Vec<GoalId> {
        let mut open: Vec<GoalId> = self.0.iter().filter(|(_, q)| !q.untried.is_empty()).map(|(g, _)| *g).collect();
        open.sort_unstable();
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(tactic: &str, log_prior: f64) -> Move {
        let proposal = Proposal { tactic: tactic.into(), log_prior, by: Source::Portfolio };
        Move { proposal, heartbeats: 1, probe: false }
    }

    #[test]
    fn what_a_network_is_sure_of_is_tried_alone() {
        let (mut moves, goal) = (Moves::default(), GoalId::from(0));
        let network = |tactic: &str, p: f64| {
            let mut m = step(tactic, p.ln());
            m.proposal.by = Source::Network;
            m
        };
        moves.add(goal, [network("a", 0.4), step("b", -1.2), network("c", 0.2), network("d", 0.1), step("e", -5.0)]);
        let mut taken = || moves.take(goal, 9).into_iter().map(|m| m.proposal.tactic).collect::<Vec<_>>();
        assert_eq!(taken(), ["a", "b", "c"]);
        assert_eq!((taken(), taken()), (vec!["d".to_owned()], vec!["e".to_owned()]), "what is much less probable waits");
    }

    #[test]
    fn what_simplifies_less_waits_for_what_simplifies_more() {
        let (mut moves, goal) = (Moves::default(), GoalId::from(0));
        moves.add(goal, [step("first | rfl | simp_all", -1.0), step("simp", -1.1), step("simp [f]", -1.2)]);
        let taken = |moves: &mut Moves| moves.take(goal, 9).into_iter().map(|m| m.proposal.tactic).collect::<Vec<_>>();
        assert_eq!(taken(&mut moves), ["first | rfl | simp_all", "simp [f]"]);
        assert!(taken(&mut moves).is_empty() && !moves.is_idle(goal), "it is not judged yet");
        moves.landed(goal, "first | rfl | simp_all");
        assert!(taken(&mut moves).is_empty(), "`simp [f]` is not judged yet");
        moves.landed(goal, "simp [f]");
        assert_eq!(taken(&mut moves), ["simp"]);
    }

    #[test]
    fn the_best_come_first_and_nothing_twice() {
        let (mut moves, goal) = (Moves::default(), GoalId::from(0));
        assert_eq!(moves.add(goal, [step("b", -2.0), step("a", -1.0), step("c", -2.0), step("b", -3.0)]), 3);
        assert_eq!(moves.add(goal, [step("c", -1.5)]), 1, "what was to come last comes earlier");
        assert_eq!((moves.best(goal), moves.open()), (Some(-1.0), vec![goal]));
        assert_eq!((moves.at(goal, 0), moves.at(goal, 2), moves.at(goal, 3)), (Some(-1.0), Some(-2.0), None));
        let order: Vec<String> = moves.take(goal, 9).into_iter().map(|m| m.proposal.tactic).collect();
        assert_eq!(order, ["a", "c", "b"]);
        assert!(!moves.is_idle(goal));
        ["a", "b", "c"].iter().for_each(|tactic| moves.landed(goal, tactic));
        assert!(moves.is_idle(goal) && moves.open().is_empty());
        assert_eq!(moves.add(goal, [step("a", -1.0), Move { heartbeats: 2, ..step("a", -1.0) }]), 1, "a larger budget is new");
    }
}
