//! What a search may spend, and why it ended.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::lean::syntax::imports;

/// The most that Lean is given for one candidate, as `maxHeartbeats`: its own default, which a verified proof has as well.
pub const MOST_HEARTBEATS: u64 = 200_000;

/// Limits of one search; each is a stop condition of its own.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Budget {
    pub time: Duration,
    /// Candidates given to Lean.
    pub checks: u64,
    /// Goal nodes in the graph.
    pub nodes: usize,
    /// Of a candidate's first try (Lean's `maxHeartbeats`): most tactics that succeed do so at once.
    pub heartbeats: u64,
}

/// Of a first try behind a header: with Mathlib every call of `simp` and its kin has a hundred times the lemmas.
pub fn heartbeats_behind(header: &str) -> u64 {
    let heavy = imports(header).lines().any(|line| line.split_whitespace().last().is_some_and(|m| m.starts_with("Mathlib")));
    if heavy { 40_000 } else { Budget::default().heartbeats }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { time: Duration::from_secs(60), checks: 100_000, nodes: 100_000, heartbeats: 8_000 }
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Proved,
    /// Every proposal at every goal was tried.
    Exhausted,
    Time,
    Checks,
    Nodes,
    /// Tokens or requests of a served model.
    Model,
    /// The user asked to stop.
    Cancelled,
    /// A proof was found that could not be verified.
    Unverified,
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            StopReason::Proved => "proved",
            StopReason::Exhausted => "nothing is left to try",
            StopReason::Time => "out of time",
            StopReason::Checks => "out of checks",
            StopReason::Nodes => "the graph is full",
            StopReason::Model => "out of tokens or requests for the model",
            StopReason::Cancelled => "stopped",
            StopReason::Unverified => "a proof was found that could not be verified",
        })
    }
}

/// What a search has spent.
#[derive(Debug, Clone, Serialize)]
pub struct Spent {
    #[serde(skip)]
    pub since: Instant,
    pub checks: u64,
    pub nodes: usize,
}

impl Budget {
    /// Of a second try, and of a statement: at most what Lean itself allows.
    pub fn more_heartbeats(&self) -> u64 {
        (10 * self.heartbeats).min(MOST_HEARTBEATS)
    }

    /// The first limit that is reached, if any.
    pub fn reached(&self, spent: &Spent) -> Option<StopReason> {
        let conditions = [
            (spent.since.elapsed() >= self.time, StopReason::Time),
            (spent.checks >= self.checks, StopReason::Checks),
            (spent.nodes >= self.nodes, StopReason::Nodes),
        ];
        conditions.into_iter().find_map(|(reached, reason)| reached.then_some(reason))
    }
}
