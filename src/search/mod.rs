//! The search: a graph of proof states, grown where policy and value promise most, judged by an oracle.
//!
//! Knows Lean only through [`Oracle`], networks only through [`Policy`] and [`Value`].

pub mod budget;
pub mod event;
pub mod graph;
pub mod policy;
pub mod portfolio;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::lean::{Candidate, Goal, Hole, Verdict};
pub use budget::{Budget, Spent, StopReason};
pub use event::{Event, Fan, Sink, VerdictKind};
pub use graph::{Added, GoalId, Graph, Status, StepId};
pub use policy::{Heuristic, Policy, Proposal, Value};
pub use portfolio::Portfolio;

/// Judges candidates; one verdict for each, in order.
pub trait Oracle: Sync {
    fn check(&self, candidates: Vec<Candidate>) -> impl Future<Output = Vec<Verdict>> + Send;
}

/// Budget of a candidate's first try (Lean's `maxHeartbeats`): most tactics that succeed do so at once.
const HEARTBEATS: u64 = 8_000;
/// Budget of the second try, for those that ran out of the first.
const MORE_HEARTBEATS: u64 = 80_000;
/// What a second try costs, as a log-probability.
const SECOND_TRY_COST: f64 = 2.0;
/// Candidates asked of the oracle at a time, over all goals.
const BATCH: usize = 40;
/// Proposals of one goal in one batch: the rest waits for the next, with a lower priority.
const CHUNK: usize = 14;
/// How much the value of a state counts beside the policy's log-probabilities.
const VALUE_WEIGHT: f64 = 0.7;
/// What each step of depth costs, as a log-probability.
const DEPTH_COST: f64 = 0.25;

/// What to tell while a search runs.
#[derive(Debug, Clone)]
pub struct Progress {
    pub checks: u64,
    pub goals: usize,
    pub depth: u32,
    /// The tactic tried first in the newest batch.
    pub trying: String,
}

/// A search that cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    #[error("the statement does not elaborate: {0}")]
    Statement(String),
    #[error("Lean could not judge the statement: {0}")]
    Toolchain(String),
}

/// A goal with proposals that are still to be tried.
struct Open {
    priority: f64,
    /// Earlier entries win ties, so that the order is the same in every run.
    number: usize,
    goal: GoalId,
    next: usize,
    /// A second try of this one proposal, with more heartbeats.
    again: bool,
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

/// Candidates on their way through Lean.
struct Tried {
    goal: GoalId,
    proposal: Proposal,
    heartbeats: u64,
}

/// A best-first search for one theorem.
pub struct Search<'a, O: Oracle> {
    oracle: &'a O,
    policy: &'a dyn Policy,
    value: &'a dyn Value,
    budget: Budget,
    cancel: CancellationToken,
    sink: Option<&'a dyn Sink>,
    /// Batches given to the oracle at a time.
    parallel: usize,
    graph: Graph,
    frontier: BinaryHeap<Open>,
    proposals: HashMap<GoalId, Vec<Proposal>>,
    /// Proposals of a goal that Lean has not judged yet.
    pending: HashMap<GoalId, usize>,
    spent: Spent,
    pushed: usize,
}

impl<'a, O: Oracle> Search<'a, O> {
    /// Asks Lean for the goal at `place` and sets a search up.
    ///
    /// # Errors
    /// When the statement does not elaborate, or Lean is not to be had.
    pub async fn begin(
        oracle: &'a O,
        policy: &'a dyn Policy,
        value: &'a dyn Value,
        place: Hole,
        budget: Budget,
    ) -> Result<Search<'a, O>, SearchError> {
        let since = Instant::now();
        let hole = Arc::new(place.clone());
        let verdict =
            oracle.check(vec![Candidate { hole, tactic: "skip".to_owned(), heartbeats: MORE_HEARTBEATS }]).await.pop();
        let state = match verdict {
            Some(Verdict::Goals(state)) => state,
            Some(Verdict::Failed(message)) => return Err(SearchError::Statement(message)),
            Some(Verdict::Crashed(message)) => return Err(SearchError::Toolchain(message)),
            other => return Err(SearchError::Toolchain(format!("{other:?}"))),
        };
        let mut search = Search {
            oracle,
            policy,
            value,
            budget,
            cancel: CancellationToken::new(),
            sink: None,
            parallel: 1,
            graph: Graph::new(place, state),
            frontier: BinaryHeap::new(),
            proposals: HashMap::new(),
            pending: HashMap::new(),
            spent: Spent { since, checks: 1, nodes: 1 },
            pushed: 0,
        };
        let root = search.graph.root();
        search.score(&[root]);
        Ok(search)
    }

    /// Tells `sink` what happens from now on, the root first.
    pub fn with_sink(mut self, sink: Option<&'a dyn Sink>) -> Self {
        self.sink = sink;
        self.tell_goal(self.graph.root());
        self
    }

    /// Lets the search be stopped from outside.
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Number of batches in flight; 1 keeps a search the same in every run.
    pub fn with_parallel(mut self, parallel: usize) -> Self {
        self.parallel = parallel.max(1);
        self
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// Runs until the root is proved or a limit is reached. May be called again after [`Search::retract`].
    ///
    /// One iteration: stop? → gather candidates → ask the oracle → expand with its verdicts → score new goals.
    pub async fn run(&mut self, mut tell: impl FnMut(&Progress)) -> StopReason {
        let mut flights = FuturesUnordered::new();
        let oracle = self.oracle;
        loop {
            if self.graph.is_proved(self.graph.root()) {
                return StopReason::Proved;
            }
            if let Some(reason) = self.budget.reached(&self.spent) {
                return reason;
            }
            while flights.len() < self.parallel {
                let batch = self.gather();
                let Some(first) = batch.first() else { break };
                let depth = self.graph.goal(first.goal).depth;
                tell(&Progress {
                    checks: self.spent.checks,
                    goals: self.graph.goals(),
                    depth,
                    trying: first.proposal.tactic.clone(),
                });
                let candidates = self.candidates(&batch);
                flights.push(async move { (batch, oracle.check(candidates).await) });
            }
            let left = self.budget.time.saturating_sub(self.spent.since.elapsed());
            tokio::select! {
                landed = flights.next() => match landed {
                    Some((batch, verdicts)) => {
                        let new = self.expand(batch, verdicts);
                        self.score(&new);
                    }
                    None => return StopReason::Exhausted,
                },
                () = tokio::time::sleep(left) => return StopReason::Time,
                () = self.cancel.cancelled() => return StopReason::Cancelled,
            }
        }
    }

    /// Takes the step back that the verifier refused, and opens again what had been closed by it.
    pub fn retract(&mut self, step: StepId, reason: &str) {
        self.tell(|| Event::Retracted { step, reason: reason.to_owned() });
        self.graph.retract(step);
        self.tell_changes();
        let open: Vec<GoalId> = self.proposals.keys().copied().filter(|&g| !self.graph.goal(g).expanded).collect();
        self.frontier.clear();
        let mut again: Vec<(GoalId, usize)> = open.into_iter().map(|g| (g, self.graph.goal(g).tried)).collect();
        again.sort_unstable();
        for (goal, next) in again {
            self.push(goal, next);
        }
    }

    /// Takes the most promising proposals until a batch is full.
    fn gather(&mut self) -> Vec<Tried> {
        let room = usize::try_from(self.budget.checks.saturating_sub(self.spent.checks)).unwrap_or(usize::MAX).min(BATCH);
        let mut batch = Vec::new();
        let mut later = Vec::new();
        while batch.len() < room {
            let Some(open) = self.frontier.pop() else { break };
            if !self.graph.is_relevant(open.goal) {
                continue;
            }
            let all = &self.proposals[&open.goal];
            if open.again {
                let proposal = all[open.next].clone();
                batch.push(Tried { goal: open.goal, proposal, heartbeats: MORE_HEARTBEATS });
                continue;
            }
            let end = (open.next + CHUNK.min(room - batch.len())).min(all.len());
            batch.extend(all[open.next..end].iter().map(|p| Tried {
                goal: open.goal,
                proposal: p.clone(),
                heartbeats: HEARTBEATS,
            }));
            *self.pending.entry(open.goal).or_default() += end - open.next;
            self.graph.goal_mut(open.goal).tried = end;
            later.push((open.goal, end));
        }
        for (goal, next) in later {
            self.push(goal, next);
        }
        self.spent.checks += batch.len() as u64;
        batch
    }

    fn candidates(&self, batch: &[Tried]) -> Vec<Candidate> {
        let mut holes: HashMap<GoalId, Arc<Hole>> = HashMap::new();
        let hole = |goal: GoalId, holes: &mut HashMap<_, _>| {
            holes.entry(goal).or_insert_with(|| Arc::new(self.graph.hole(goal))).clone()
        };
        batch
            .iter()
            .map(|t| Candidate { hole: hole(t.goal, &mut holes), tactic: t.proposal.tactic.clone(), heartbeats: t.heartbeats })
            .collect()
    }

    /// Adds what Lean accepted to the graph; returns the goals that are new.
    fn expand(&mut self, batch: Vec<Tried>, verdicts: Vec<Verdict>) -> Vec<GoalId> {
        let mut new = Vec::new();
        for (Tried { goal, proposal, heartbeats }, verdict) in batch.into_iter().zip(verdicts) {
            let again = verdict == Verdict::TimedOut && heartbeats < MORE_HEARTBEATS;
            let (outcome, left, message) = match verdict {
                Verdict::Closed => (VerdictKind::Closed, Some(Vec::new()), None),
                Verdict::Goals(goals) => (VerdictKind::Goals, Some(goals), None),
                Verdict::Failed(message) => (VerdictKind::Failed, None, Some(message)),
                Verdict::TimedOut => (VerdictKind::TimedOut, None, None),
                Verdict::Hung => (VerdictKind::Hung, None, None),
                Verdict::Refused(refusal) => (VerdictKind::Refused, None, Some(refusal.to_string())),
                Verdict::Crashed(message) => (VerdictKind::Crashed, None, Some(message)),
            };
            tracing::debug!(tactic = proposal.tactic, ?outcome, message);
            let added =
                left.map_or_else(Added::default, |left| self.graph.add_step(goal, &proposal.tactic, proposal.log_prior, left));
            self.tell(|| Event::Tried {
                goal,
                tactic: proposal.tactic.clone(),
                log_prior: proposal.log_prior,
                heartbeats,
                verdict: outcome,
                message,
                step: added.step,
                left: added.step.map_or_else(Vec::new, |step| self.graph.step(step).goals.clone()),
            });
            new.extend(added.new);
            if again {
                self.push_again(goal, &proposal);
                continue;
            }
            let pending = self.pending.entry(goal).or_default();
            *pending = pending.saturating_sub(1);
            if *pending == 0 && self.graph.goal(goal).tried >= self.proposals[&goal].len() {
                self.graph.mark_expanded(goal);
            }
        }
        self.spent.nodes = self.graph.goals();
        self.tell_changes();
        let (seconds, checks, goals) = (self.spent.since.elapsed().as_secs_f64(), self.spent.checks, self.spent.nodes);
        self.tell(|| Event::Clock { seconds, checks, goals });
        new
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sink) = self.sink {
            sink.put(&event());
        }
    }

    fn tell_goal(&self, goal: GoalId) {
        self.tell(|| {
            let node = self.graph.goal(goal);
            let state: Vec<String> = node.state.iter().map(Goal::to_string).collect();
            Event::Goal {
                goal,
                state: state.join("\n\n"),
                depth: node.depth,
                log_prior: node.log_prior,
                value: node.value,
                from: node.origin.map(|(step, _)| step),
            }
        });
    }

    fn tell_changes(&mut self) {
        for (goal, status) in self.graph.take_changes() {
            match status {
                Status::Proved(step) => self.tell(|| Event::Proved { goal, step }),
                Status::Exhausted => self.tell(|| Event::Exhausted { goal }),
                Status::Open => {}
            }
        }
    }

    /// Asks policy and value about new goals and opens them.
    fn score(&mut self, new: &[GoalId]) {
        let states: Vec<Vec<Goal>> = new.iter().map(|&g| self.graph.goal(g).state.clone()).collect();
        let states: Vec<&[Goal]> = states.iter().map(Vec::as_slice).collect();
        let values = self.value.score(&states);
        for ((&goal, value), proposals) in new.iter().zip(values).zip(self.policy.propose(&states)) {
            self.graph.goal_mut(goal).value = value;
            self.tell_goal(goal);
            if proposals.is_empty() {
                self.graph.mark_expanded(goal);
            }
            self.proposals.insert(goal, proposals);
            self.push(goal, 0);
        }
    }

    /// Plans the second try of a proposal that ran out of heartbeats. It stays pending until then.
    fn push_again(&mut self, goal: GoalId, proposal: &Proposal) {
        let Some(next) = self.proposals[&goal].iter().position(|p| p == proposal) else { return };
        self.open(goal, next, true);
    }

    /// Opens a goal from its proposal number `next` on.
    fn push(&mut self, goal: GoalId, next: usize) {
        self.open(goal, next, false);
    }

    fn open(&mut self, goal: GoalId, next: usize, again: bool) {
        let Some(proposal) = self.proposals[&goal].get(next) else { return };
        let node = self.graph.goal(goal);
        let cost = if again { SECOND_TRY_COST } else { 0.0 };
        let priority =
            node.log_prior + proposal.log_prior - cost + VALUE_WEIGHT * node.value.ln() - DEPTH_COST * f64::from(node.depth);
        self.pushed += 1;
        self.frontier.push(Open { priority, number: self.pushed, goal, next, again });
    }
}
