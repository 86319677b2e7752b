//! What proposes tactics: the trait [`Policy`], and a room for each kind of proposer.
//!
//! - [`moves`]: tactics made from the goal's text, with priors by hand.
//! - [`memory`]: what helped at goals like this one before.
//! - [`premises`]: theorems of the library that fit a goal, and definitions that it speaks of.
//! - [`ranker`]: a network that foretells Lean's verdict on what the others propose, and so orders it.
//! - [`text`]: a network that writes tactics.
//! - [`mixture`]: several policies as one; [`seeded`]: one in another order for each seed.
//! - [`choice`]: policies and values by name, made for a header.
//!
//! Depends on `lean::Goal`; `premises` on `library`, `text` and `ranker` on `network`, `choice` on all of them and on `toolchain`. Knows
//! nothing of Lean's server, of the graph, or of how a search uses proposals.

pub mod choice;
mod features;
pub mod memory;
pub mod mixture;
pub mod moves;
pub mod premises;
pub mod ranker;
pub mod seeded;
pub mod text;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
pub use mixture::Mix;
pub use moves::{Candidate, Family, Moves};
pub use seeded::Seeded;

/// Who proposed a tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Portfolio,
    Network,
    Premises,
    /// What helped at a goal like this one.
    Memory,
    /// A repair of a tactic that failed.
    Refine,
    /// A proof or a side goal from elsewhere.
    Aggregate,
    /// The question whether a goal is false.
    Prune,
}

/// A tactic and the logarithm of the probability that it is the next step.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub tactic: String,
    pub log_prior: f64,
    pub by: Source,
}

/// An answer that may take a while: networks compute on threads of their own, and other searches go on meanwhile.
pub type Answer<'a, T> = BoxFuture<'a, Vec<T>>;

/// Proposes next tactics.
pub trait Policy: Send + Sync {
    /// Proposals for each state, best first. A state is one goal, or several coupled ones (the first is worked on).
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>>;

    /// Names it knows that are near one that Lean does not know, the nearest first, with how near they are, in (0, 1].
    fn nearest(&self, _unknown: &str) -> Vec<(f64, &str)> {
        Vec::new()
    }
}
