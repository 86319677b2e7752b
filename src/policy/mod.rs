//! What proposes tactics: the trait [`Policy`], and a room for each kind of proposer.
//!
//! - [`moves`]: tactics made from the goal's text, with priors by hand.
//! - [`memory`]: what helped at goals like this one before.
//! - [`premises`]: theorems of the library that fit a goal, and definitions that it speaks of.
//! - [`ranker`]: a network that foretells Lean's verdict on what the others propose, and so orders it.
//! - [`text`]: a network that writes tactics.
//! - [`served`]: models behind a server; [`author`]: the trait of those that write whole proofs; [`usage`]: what they cost.
//! - [`mixture`]: several policies as one; [`seeded`]: one in another order for each seed.
//! - [`choice`]: policies and values by name, made for a header.
//!
//! Depends on `lean::Goal`; `premises` on `library`, `text` and `ranker` on `network`, `choice` on all of them and on `toolchain`. Knows
//! nothing of Lean's server, of the graph, or of how a search uses proposals.

pub mod author;
pub mod choice;
mod features;
pub mod memory;
pub mod mixture;
pub mod moves;
pub mod premises;
pub mod ranker;
pub mod seeded;
pub mod served;
pub mod text;
pub mod usage;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
pub use mixture::Mix;
pub use moves::{Candidate, Family, Moves};
pub use seeded::Seeded;
use usage::Usage;

/// Who proposed a tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Portfolio,
    Network,
    Premises,
    /// A served model that writes tactics.
    Model,
    /// A step of a whole proof by a served model.
    Draft,
    /// A step of a proof that its author mended.
    Mend,
    /// A step of a plan, the user's or a model's.
    Sketch,
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

/// A state and the way to it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub state: &'a [Goal],
    /// The tactics that led there, one below the other.
    pub before: &'a str,
}

/// Proposes next tactics.
pub trait Policy: Send + Sync {
    /// Proposals for each state, best first. A state is one goal, or several coupled ones (the first is worked on).
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>>;

    /// Proposals for each place; by default those for its state, whatever the way to it.
    fn propose_at<'a>(&'a self, places: &'a [Place<'a>]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let states: Vec<&[Goal]> = places.iter().map(|place| place.state).collect();
            self.propose(&states).await
        })
    }

    /// What it has cost so far, where it is served.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Whether its limits are reached, so that it may not be asked any more.
    fn is_spent(&self) -> bool {
        false
    }

    /// Names it knows that are near one that Lean does not know, the nearest first, with how near they are, in (0, 1].
    fn nearest(&self, _unknown: &str) -> Vec<(f64, &str)> {
        Vec::new()
    }
}
