//! The search: a graph of proof states, grown where policy and value promise most, judged by an oracle.
//!
//! Knows Lean only through [`Oracle`], networks only through [`Policy`] and [`Value`].

pub mod budget;
pub mod event;
pub mod graph;
pub mod moves;
pub mod operators;
pub mod policy;
pub mod portfolio;
pub mod strategy;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::lean::{Candidate, Goal, Hole, Verdict};
pub use budget::{Budget, Spent, StopReason};
pub use event::{Event, Fan, Sink, VerdictKind};
pub use graph::{Added, GoalId, Graph, Status, StepId};
use moves::{Move, Moves};
use operators::refine::{Failure, Repairer, Repairers};
pub use operators::{Lemmas, Operator, Operators};
use operators::{aggregate, prune};
pub use policy::{Heuristic, Policy, Proposal, Source, Value};
pub use portfolio::Portfolio;
pub use strategy::{Strategy, StrategyKind};

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
/// Proposals of one goal in one batch: the rest waits until the goal is selected again.
const CHUNK: usize = 14;
/// How probable it is that a remembered proof closes a goal with the same target, and that a side goal helps another.
const LEMMA_PRIOR: f64 = 0.9;
const SIDE_PRIOR: f64 = 0.05;

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

/// A move on its way through Lean.
struct Tried {
    goal: GoalId,
    step: Move,
}

/// Selections and their moves that are asked in one go.
#[derive(Default)]
struct Batch {
    selected: Vec<GoalId>,
    tried: Vec<Tried>,
}

/// A search for one theorem.
pub struct Search<'a, O: Oracle> {
    oracle: &'a O,
    policy: &'a dyn Policy,
    value: &'a dyn Value,
    budget: Budget,
    cancel: CancellationToken,
    sink: Option<&'a dyn Sink>,
    /// Batches given to the oracle at a time.
    parallel: usize,
    strategy: Box<dyn Strategy>,
    operators: Operators,
    repairers: Repairers,
    /// Proofs of the run, and the header under which this search's are kept.
    lemmas: Arc<Lemmas>,
    header: u64,
    graph: Graph,
    moves: Moves,
    /// Goals by their target, for lemmas.
    targets: HashMap<String, Vec<GoalId>>,
    spent: Spent,
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
        Ok(Search {
            oracle,
            policy,
            value,
            budget,
            cancel: CancellationToken::new(),
            sink: None,
            parallel: 1,
            strategy: StrategyKind::default().build(),
            operators: Operators::default(),
            repairers: Repairers::default(),
            lemmas: Arc::default(),
            header: 0,
            graph: Graph::new(place, state),
            moves: Moves::default(),
            targets: HashMap::new(),
            spent: Spent { since, checks: 1, nodes: 1 },
        })
    }

    /// Tells `sink` what happens.
    pub fn with_sink(mut self, sink: Option<&'a dyn Sink>) -> Self {
        self.sink = sink;
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

    /// How goals are selected.
    pub fn with_strategy(mut self, strategy: StrategyKind) -> Self {
        self.strategy = strategy.build();
        self
    }

    /// Which operators work.
    pub fn with_operators(mut self, operators: Operators) -> Self {
        self.operators = operators;
        self
    }

    /// Shares proofs with other searches that have the same header.
    pub fn with_lemmas(mut self, lemmas: Arc<Lemmas>, header: u64) -> Self {
        (self.lemmas, self.header) = (lemmas, header);
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
    /// One iteration: stop? → gather moves → ask the oracle → expand with its verdicts → score new goals → back up.
    pub async fn run(&mut self, mut tell: impl FnMut(&Progress)) -> StopReason {
        if self.moves.is_idle(self.graph.root()) && !self.graph.goal(self.graph.root()).expanded {
            self.score(&[self.graph.root()]);
        }
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
                let Some(first) = batch.tried.first() else { break };
                tell(&Progress {
                    checks: self.spent.checks,
                    goals: self.graph.goals(),
                    depth: self.graph.goal(first.goal).depth,
                    trying: first.step.proposal.tactic.clone(),
                });
                let candidates = self.candidates(&batch.tried);
                flights.push(async move { (batch, oracle.check(candidates).await) });
            }
            let left = self.budget.time.saturating_sub(self.spent.since.elapsed());
            tokio::select! {
                landed = flights.next() => match landed {
                    Some((batch, verdicts)) => self.land(batch, verdicts),
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
        for goal in self.moves.open() {
            self.strategy.open(&self.graph, &self.moves, goal);
        }
    }

    /// Lets the strategy select goals until a batch is full.
    fn gather(&mut self) -> Batch {
        let room = usize::try_from(self.budget.checks.saturating_sub(self.spent.checks)).unwrap_or(usize::MAX).min(BATCH);
        let mut batch = Batch::default();
        while batch.tried.len() < room {
            let Some(goal) = self.strategy.select(&self.graph, &self.moves) else { break };
            let taken = self.moves.take(goal, CHUNK.min(room - batch.tried.len()));
            batch.tried.extend(taken.into_iter().map(|step| Tried { goal, step }));
            batch.selected.push(goal);
        }
        for &goal in &batch.selected {
            self.strategy.open(&self.graph, &self.moves, goal);
        }
        self.spent.checks += batch.tried.len() as u64;
        batch
    }

    fn candidates(&self, batch: &[Tried]) -> Vec<Candidate> {
        let mut holes: HashMap<GoalId, Arc<Hole>> = HashMap::new();
        let mut candidate = |t: &Tried| {
            let hole = holes.entry(t.goal).or_insert_with(|| Arc::new(self.graph.hole(t.goal))).clone();
            Candidate { hole, tactic: t.step.proposal.tactic.clone(), heartbeats: t.step.heartbeats }
        };
        batch.iter().map(&mut candidate).collect()
    }

    /// What a batch has brought: into the graph, scored, and backed up.
    fn land(&mut self, batch: Batch, verdicts: Vec<Verdict>) {
        let mut new: HashMap<GoalId, usize> = HashMap::new();
        let mut all = Vec::new();
        for (tried, verdict) in batch.tried.into_iter().zip(verdicts) {
            let goal = tried.goal;
            let found = self.expand(tried, verdict);
            *new.entry(goal).or_default() += found.len();
            all.extend(found);
        }
        self.spent.nodes = self.graph.goals();
        self.score(&all);
        self.settle();
        for goal in batch.selected {
            self.strategy.landed(&self.graph, goal, new.get(&goal).copied().unwrap_or(0));
        }
        let (seconds, checks, goals) = (self.spent.since.elapsed().as_secs_f64(), self.spent.checks, self.spent.nodes);
        self.tell(|| Event::Clock { seconds, checks, goals });
    }

    /// Adds what Lean accepted to the graph, repairs what it did not; returns the goals that are new.
    fn expand(&mut self, Tried { goal, step }: Tried, verdict: Verdict) -> Vec<GoalId> {
        self.moves.landed(goal);
        let Move { proposal, heartbeats, probe } = step;
        let (kind, left, message) = match verdict {
            Verdict::Closed => (VerdictKind::Closed, Some(Vec::new()), None),
            Verdict::Goals(goals) => (VerdictKind::Goals, Some(goals), None),
            Verdict::Failed(message) => (VerdictKind::Failed, None, Some(message)),
            Verdict::TimedOut => (VerdictKind::TimedOut, None, None),
            Verdict::Hung => (VerdictKind::Hung, None, None),
            Verdict::Refused(refusal) => (VerdictKind::Refused, None, Some(refusal.to_string())),
            Verdict::Crashed(message) => (VerdictKind::Crashed, None, Some(message)),
        };
        tracing::debug!(tactic = proposal.tactic, ?kind, message);
        let mut added = Added::default();
        if probe {
            if kind == VerdictKind::Goals {
                self.graph.give_up(goal, "its negation is proved");
            }
        } else if let Some(left) = left {
            let prune = self.operators.prune_cycles;
            let back = |graph: &Graph, known: &[GoalId]| prune && prune::leads_back(graph, goal, known);
            added = self.graph.add_step(goal, &proposal.tactic, proposal.log_prior, left, back);
        } else if self.operators.refine {
            self.refine(goal, &proposal, heartbeats, kind, message.as_deref().unwrap_or(""));
        }
        let left = added.step.map_or_else(Vec::new, |step| self.graph.step(step).goals.clone());
        self.tell(|| Event::Tried {
            goal,
            tactic: proposal.tactic.clone(),
            log_prior: proposal.log_prior,
            by: proposal.by,
            heartbeats,
            verdict: kind,
            message,
            step: added.step,
            left: left.clone(),
        });
        // A goal that was known has one way more to help.
        for known in left.iter().filter(|g| !added.new.contains(g)) {
            self.strategy.open(&self.graph, &self.moves, *known);
        }
        if self.moves.is_idle(goal) {
            self.graph.mark_expanded(goal);
        }
        added.new
    }

    /// Makes new moves of a failed one.
    fn refine(&mut self, goal: GoalId, failed: &Proposal, heartbeats: u64, verdict: VerdictKind, message: &str) {
        if verdict == VerdictKind::TimedOut && heartbeats < MORE_HEARTBEATS {
            let again = Proposal { log_prior: failed.log_prior - SECOND_TRY_COST, ..failed.clone() };
            self.add_moves(goal, vec![Move { proposal: again, heartbeats: MORE_HEARTBEATS, probe: false }]);
        }
        let Some(state) = self.graph.goal(goal).state.first() else { return };
        // What is a repair already is not repaired again: no chain of repairs without end.
        if verdict == VerdictKind::Failed && failed.by != Source::Refine {
            let failure = Failure { goal: state, tactic: &failed.tactic, verdict, message };
            let repaired = self.repairers.repair(&failure).into_iter().map(|(tactic, p)| new_move(tactic, p, Source::Refine));
            let repaired = repaired.collect();
            self.add_moves(goal, repaired);
        }
    }

    fn add_moves(&mut self, goal: GoalId, moves: Vec<Move>) {
        if self.moves.add(goal, moves) > 0 {
            self.graph.goal_mut(goal).expanded = false;
            self.strategy.open(&self.graph, &self.moves, goal);
        }
    }

    /// Tells what is proved now, and lets other goals profit from it.
    fn settle(&mut self) {
        for goal in self.tell_changes() {
            if !self.operators.aggregate {
                continue;
            }
            let (Some((proof, _)), [state]) = (self.graph.proof(goal), &self.graph.goal(goal).state[..]) else { continue };
            let (state, proof) = (state.clone(), proof.trim_end().to_owned());
            self.lemmas.learn(self.header, &state, &proof);
            let same: Vec<GoalId> = self.targets.get(&state.target).cloned().unwrap_or_default();
            for other in same.into_iter().filter(|&g| g != goal) {
                self.offer_lemmas(other);
            }
            for sibling in self.graph.siblings(goal) {
                let theirs = &self.graph.goal(sibling).state;
                if let Some(side) = theirs.first().and_then(|g| aggregate::side_goal(&state, &proof, g)) {
                    self.add_moves(sibling, vec![new_move(side, SIDE_PRIOR, Source::Aggregate)]);
                }
            }
        }
    }

    fn offer_lemmas(&mut self, goal: GoalId) {
        let node = self.graph.goal(goal);
        let ([state], Status::Open) = (&node.state[..], node.status) else { return };
        let proofs = self.lemmas.proofs(self.header, state);
        let moves = proofs.into_iter().map(|proof| new_move(proof, LEMMA_PRIOR, Source::Aggregate)).collect();
        self.add_moves(goal, moves);
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

    /// Tells what became of goals; returns those that are proved now.
    fn tell_changes(&mut self) -> Vec<GoalId> {
        let mut proved = Vec::new();
        for (goal, status) in self.graph.take_changes() {
            match status {
                Status::Proved(step) => {
                    self.tell(|| Event::Proved { goal, step });
                    proved.push(goal);
                }
                Status::Exhausted => {
                    self.tell(|| Event::Exhausted { goal, reason: self.graph.goal(goal).given_up.unwrap_or("nothing is left to try").to_owned() });
                }
                Status::Open => {}
            }
        }
        proved
    }

    /// Asks policy and value about new goals and opens them.
    fn score(&mut self, new: &[GoalId]) {
        let states: Vec<Vec<Goal>> = new.iter().map(|&g| self.graph.goal(g).state.clone()).collect();
        let states: Vec<&[Goal]> = states.iter().map(Vec::as_slice).collect();
        let values = self.value.score(&states);
        for (((&goal, value), proposals), state) in new.iter().zip(values).zip(self.policy.propose(&states)).zip(&states) {
            self.graph.goal_mut(goal).value = value;
            self.tell_goal(goal);
            let step = |proposal| Move { proposal, heartbeats: HEARTBEATS, probe: false };
            self.moves.add(goal, proposals.into_iter().map(step));
            if let [state] = state {
                if self.operators.prune_false && goal != self.graph.root() {
                    let probe = prune::refutation(state).map(|tactic| Move {
                        heartbeats: prune::PROBE_HEARTBEATS,
                        probe: true,
                        ..new_move(tactic, 1.0, Source::Prune)
                    });
                    self.moves.add(goal, probe);
                }
                self.targets.entry(state.target.clone()).or_default().push(goal);
            }
            if self.operators.aggregate {
                self.offer_lemmas(goal);
            }
            if self.moves.is_idle(goal) {
                self.graph.mark_expanded(goal);
            }
            self.strategy.open(&self.graph, &self.moves, goal);
        }
    }
}

fn new_move(tactic: String, probability: f64, by: Source) -> Move {
    Move { proposal: Proposal { tactic, log_prior: probability.ln(), by }, heartbeats: HEARTBEATS, probe: false }
}
