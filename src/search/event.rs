//! What happens in a search, as it happens: the trace from which records, pictures and statistics are made.
//!
//! Numbers name goals and steps of one search. Nothing here hangs on the clock but [`Event::Clock`]: with one worker, a
//! seed and a budget in checks, the other events of two runs are the same.

use serde::{Deserialize, Serialize};

use super::budget::StopReason;
use super::ids::{GoalId, StepId};
use crate::policy::Source;

/// One event; one line of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The search begins.
    Begin {
        theorem: String,
        /// What stands before the proof.
        statement: String,
        /// Version of Lean.
        toolchain: String,
        /// Names the run: the same input gives the same name.
        run: String,
    },
    /// A proof state is new in the graph.
    Goal {
        goal: GoalId,
        /// As Lean prints it; several goals that share metavariables are separated by a blank line.
        state: String,
        depth: u32,
        /// Sum of the log-probabilities on the way to it.
        log_prior: f64,
        /// In (0, 1).
        value: f64,
        /// What the value comes from.
        #[serde(skip_serializing_if = "String::is_empty", default)]
        why: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        from: Option<StepId>,
    },
    /// Lean has judged a tactic at a goal.
    Tried {
        goal: GoalId,
        /// Of a tactic of several ways the one that worked or ran out, where Lean told it.
        tactic: String,
        /// The tactic with all its ways, where `tactic` is one of them: those before it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        one_of: Option<String>,
        log_prior: f64,
        /// Who proposed it.
        by: Source,
        heartbeats: u64,
        verdict: VerdictKind,
        /// Lean's words, when it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message: Option<String>,
        /// The step in the graph, when Lean accepted it and it leads somewhere.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        step: Option<StepId>,
        /// The goals that the step leaves.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        left: Vec<GoalId>,
    },
    /// A goal is proved, by this step.
    Proved { goal: GoalId, step: StepId },
    /// Nothing is hoped for at a goal any more.
    Exhausted { goal: GoalId, reason: String },
    /// The verifier refused a proof; this step of it was taken back.
    Retracted { step: StepId, reason: String },
    /// How far the search was at a moment.
    Clock { seconds: f64, checks: u64, goals: usize },
    /// The search is over.
    End {
        reason: StopReason,
        checks: u64,
        goals: usize,
        /// The verified proof.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        proof: Option<String>,
    },
}

/// A verdict without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    Closed,
    Goals,
    Failed,
    TimedOut,
    Hung,
    Refused,
    Crashed,
}

/// Takes events as they come.
pub trait Sink: Send + Sync {
    fn put(&self, event: &Event);
}

/// Gives each event to several.
pub struct Fan<'a>(pub Vec<&'a dyn Sink>);

impl Sink for Fan<'_> {
    fn put(&self, event: &Event) {
        self.0.iter().for_each(|sink| sink.put(event));
    }
}
