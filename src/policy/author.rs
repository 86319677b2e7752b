//! The trait of those that write whole proofs, mend them when Lean does not accept them, and plan.
//!
//! Nothing of how they do it, and nothing of the graph into which a search cuts what they write.

use futures::future::BoxFuture;

use super::usage::Usage;
pub use crate::formats::{Fault, Flawed};

/// What an author is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Proofs from nothing; the number tells one order from the next.
    Fresh(u64),
    /// A proof in the place of one with errors, and those before it, the oldest first.
    Mend(Vec<Flawed>),
    /// A plan: a proof with `sorry` for its steps.
    Plan {
        nth: u64,
        /// Facts that are proved, and such that could not be, as goals.
        proved: Vec<String>,
        failed: Vec<String>,
    },
}

/// A proof by an author: a tactic block for the theorem's goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub proof: String,
    /// The answer that it was taken from.
    pub answer: String,
}

/// Writes proofs.
pub trait Author: Send + Sync {
    /// What it has for an order at a theorem whose goal is `state`; nothing when it has nothing, whatever the reason.
    fn write<'a>(&'a self, order: &'a Order, state: &'a str) -> BoxFuture<'a, Vec<Draft>>;

    /// Error rounds for one proof.
    fn rounds(&self) -> usize;

    /// Whether it plans as well.
    fn plans(&self) -> bool;

    /// What it has cost so far.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Whether it may not be asked any more.
    fn is_spent(&self) -> bool {
        false
    }
}
