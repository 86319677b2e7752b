//! The search: a graph of proof states, grown where policy and value promise most, judged by an oracle.
//!
//! Knows Lean only through [`Oracle`], networks only through [`Policy`] and [`Value`].

pub mod budget;
mod drafts;
pub mod event;
mod expand;
mod flights;
pub mod graph;
pub mod ids;
pub mod moves;
pub mod operators;
mod script;
pub mod strategy;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::lean::document::UNREACHED;
use crate::lean::ways::brief;
use crate::lean::{Candidate, Hole, Verdict};
use crate::policy::author::{Author, Draft, Order};
use crate::policy::usage::Usage;
use crate::policy::{Policy, Source};
use crate::value::Value;
use budget::MOST_HEARTBEATS;
pub use budget::{Budget, Spent, StopReason};
pub use drafts::cut::pieces;
use drafts::{Drafts, Orders};
pub use event::{Event, Fan, Sink, VerdictKind};
use flights::Flights;
pub use graph::{Added, Graph, Status};
pub use ids::{GoalId, StepId};
use moves::{Move, Moves};
use operators::refine::Repairers;
pub use operators::{Lemmas, Operator, Operators};
pub use strategy::{Strategy, StrategyKind};

/// Judges candidates; one verdict for each, in order.
pub trait Oracle: Sync {
    fn check(&self, candidates: Vec<Candidate>) -> impl Future<Output = Vec<Verdict>> + Send;
}

/// How often the goal of the theorem is asked for again when Lean crashes.
const BEGIN_TRIES: usize = 1;
/// Candidates asked of the oracle at a time, over all goals.
const BATCH: usize = 16;
/// Checks after which a search is expected to take longer.
const BEGINNING: u64 = 64;
/// Proposals of one goal in one batch: the rest waits until the goal is selected again.
const CHUNK: usize = 14;

/// What to tell while a search runs.
#[derive(Debug, Clone)]
pub struct Progress {
    pub checks: u64,
    pub goals: usize,
    pub depth: u32,
    /// The tactic tried first in the newest batch, in brief.
    pub trying: String,
}

/// A search that cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    #[error("the statement does not elaborate: {0}")]
    Statement(String),
    /// It hangs, crashes or is not reached: the word is on this statement, others may do.
    #[error("the statement could not be judged: {0}")]
    Unjudged(String),
    /// Lean does not judge other statements either.
    #[error("Lean does not work: {0}")]
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
    /// Who writes whole proofs, what was ordered, and what came of it.
    author: Option<&'a dyn Author>,
    /// Proofs with gaps that are not taken up yet.
    sketches: Vec<String>,
    orders: Orders,
    drafts: Drafts,
    /// Tactics that cannot work behind this header.
    unsupported: Vec<String>,
    /// Steps that prove facts which hang on nothing in their goal: what they prove at one goal they prove at any.
    facts_tried: Vec<String>,
    /// How often a tactic ran away at a goal.
    hangs: HashMap<GoalId, u32>,
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
        let probe = Self::probe(&place);
        let mut verdict = oracle.check(vec![probe.clone()]).await.pop();
        // Everything hangs on this one answer: workers that die on it are no reason to give the theorem up at once.
        for _ in 0..BEGIN_TRIES {
            if matches!(verdict, Some(Verdict::Crashed(_))) {
                verdict = oracle.check(vec![probe.clone()]).await.pop();
            }
        }
        let state = match verdict {
            Some(Verdict::Goals(state)) => state,
            Some(Verdict::Failed(message)) => return Err(SearchError::Statement(message)),
            Some(Verdict::Closed) => return Err(SearchError::Unjudged(UNREACHED.to_owned())),
            Some(other) => return Err(SearchError::Unjudged(other.to_string())),
            None => return Err(SearchError::Unjudged("Lean gave no answer".to_owned())),
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
            author: None,
            sketches: Vec::new(),
            orders: Orders::default(),
            drafts: Drafts::default(),
            unsupported: Vec::new(),
            facts_tried: Vec::new(),
            hangs: HashMap::new(),
            // From here on: a worker that starts and imports is no part of the theorem.
            spent: Spent { since: Instant::now(), checks: 1, nodes: 1 },
        })
    }

    /// The question for a place's goal.
    pub fn probe(place: &Hole) -> Candidate {
        Candidate::new(Arc::new(place.clone()), "skip".to_owned(), MOST_HEARTBEATS)
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

    /// Number of batches in flight. Up to 2, verdicts are taken up in the order in which they were asked for, so that a search is
    /// the same in every run.
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

    /// Lets an author write whole proofs of the theorem, while the search goes on.
    pub fn with_author(mut self, author: Option<&'a dyn Author>) -> Self {
        self.author = author;
        self
    }

    /// Begins with proofs that have gaps: what holds of them becomes steps, their gaps goals.
    pub fn with_sketches(mut self, sketches: &[String]) -> Self {
        self.sketches = sketches.to_vec();
        self
    }

    /// What served models have cost.
    pub fn usage(&self) -> Usage {
        self.policy.usage().plus(self.author.map_or_else(Usage::default, |a| a.usage()))
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// The search stood still for so long, and is not charged for it.
    pub fn rested(&mut self, time: Duration) {
        self.spent.since += time;
    }

    /// Runs until the root is proved or a limit is reached. May be called again after [`Search::retract`].
    ///
    /// One iteration: stop? → gather moves → ask the oracle → expand with its verdicts → score new goals → back up.
    /// Beside it, an author writes; what it has written is taken up as it comes.
    pub async fn run(&mut self, mut tell: impl FnMut(&Progress)) -> StopReason {
        let cancel = self.cancel.clone();
        if self.moves.is_idle(self.graph.root()) && !self.graph.goal(self.graph.root()).expanded {
            self.score(&[self.graph.root()]).await;
        }
        for proof in std::mem::take(&mut self.sketches) {
            self.take_up(Draft { answer: proof.clone(), proof }, Source::Sketch, Vec::new());
        }
        let mut flights = Flights::new(self.parallel);
        let mut letters = FuturesUnordered::new();
        let oracle = self.oracle;
        let state: Arc<str> = self.state(self.graph.root()).into();
        let send = |author: &'a dyn Author, number: u64, order: Order| {
            let state = state.clone();
            async move { (number, author.write(&order, &state).await) }
        };
        // Those of an earlier run were on their way when it ended.
        for (number, order) in self.orders.out() {
            letters.extend(self.author.map(|author| send(author, number, order)));
        }
        loop {
            if self.graph.is_proved(self.graph.root()) {
                return StopReason::Proved;
            }
            if let Some(reason) = self.budget.reached(&self.spent) {
                return reason;
            }
            while flights.len() < self.in_flight() {
                let batch = self.gather();
                let Some(first) = batch.tried.first() else { break };
                tell(&Progress {
                    checks: self.spent.checks,
                    goals: self.graph.goals(),
                    depth: self.graph.goal(first.goal).depth,
                    trying: brief(&first.step.proposal.tactic),
                });
                let candidates = self.candidates(&batch.tried);
                flights.push(async move { (batch, oracle.check(candidates).await) });
            }
            while let Some((number, order)) = self.order(flights.is_empty() && letters.is_empty()) {
                letters.extend(self.author.map(|author| send(author, number, order)));
            }
            let idle = flights.is_empty() && letters.is_empty();
            if self.is_spent() && letters.is_empty() && (idle || !self.drafts.is_waiting()) {
                return StopReason::Model;
            }
            if idle {
                return StopReason::Exhausted;
            }
            let left = self.budget.time.saturating_sub(self.spent.since.elapsed());
            tokio::select! {
                Some((batch, verdicts)) = flights.next() => self.land(batch, verdicts).await,
                Some((number, written)) = letters.next() => self.receive(number, written),
                () = tokio::time::sleep(left) => return StopReason::Time,
                () = cancel.cancelled() => return StopReason::Cancelled,
            }
        }
    }

    /// Whether a served model may not be asked any more.
    fn is_spent(&self) -> bool {
        self.policy.is_spent() || self.author.is_some_and(|author| author.is_spent())
    }

    /// Batches that may be with the oracle now. The last of them is asked ahead, so that Lean has work while this search thinks;
    /// but not at the beginning, where the first verdicts often end it.
    fn in_flight(&self) -> usize {
        if self.spent.checks < BEGINNING { (self.parallel - 1).max(1) } else { self.parallel }
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
            let heartbeats = (t.step.heartbeats + self.graph.extra_before(t.goal)).min(MOST_HEARTBEATS);
            Candidate { tells_way: true, ..Candidate::new(hole, t.step.proposal.tactic.clone(), heartbeats) }
        };
        batch.iter().map(&mut candidate).collect()
    }
}
