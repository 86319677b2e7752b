//! The operators of the graph of thoughts: what is done with states and verdicts besides choosing where to go on.
//!
//! Each has one entry point and a switch; what each contributes is counted by the source of the moves it makes.

pub mod aggregate;
pub mod facts;
mod mathlib;
pub mod prune;
pub mod refine;
pub mod safe;
pub mod simplifier;

use serde::{Deserialize, Serialize};

pub use aggregate::Lemmas;

/// The operators that can be switched off (`--without NAME`) and on (`--with NAME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// Proofs found are tried wherever their goal comes back in a larger context, and in other theorems of the run. Off by default.
    Aggregate,
    /// Written proofs that Lean refuses as a whole are followed step by step, and mended by their author.
    Resume,
    /// Failed tactics are repaired with Lean's message.
    Refine,
    /// Tactics share checks: several closing tactics, or several theorems, are tried in one. Without it each tactic is a check.
    Share,
    /// Steps back to a goal above are not taken. Off by default.
    PruneCycles,
    /// Goals whose negation Lean proves are given up. Off by default.
    PruneFalse,
    /// Hypotheses that cannot matter are left out of a goal, so that more goals are equal. Off by default.
    PruneUnused,
}

/// Which operators work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operators {
    pub aggregate: bool,
    pub resume: bool,
    pub refine: bool,
    pub share: bool,
    pub prune_cycles: bool,
    pub prune_false: bool,
    pub prune_unused: bool,
}

impl Default for Operators {
    fn default() -> Self {
        Operators {
            aggregate: false,
            resume: true,
            refine: true,
            share: true,
            prune_cycles: false,
            prune_false: false,
            prune_unused: false,
        }
    }
}

impl Operators {
    /// Switches one on or off.
    pub fn set(mut self, operator: Operator, on: bool) -> Operators {
        match operator {
            Operator::Aggregate => self.aggregate = on,
            Operator::Resume => self.resume = on,
            Operator::Refine => self.refine = on,
            Operator::Share => self.share = on,
            Operator::PruneCycles => self.prune_cycles = on,
            Operator::PruneFalse => self.prune_false = on,
            Operator::PruneUnused => self.prune_unused = on,
        }
        self
    }
}
