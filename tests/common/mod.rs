//! What the tests share: the real Lean of this machine, set up when there is none.

use std::sync::Arc;

use indicatif::ProgressBar;
use qstar::lean::{Candidate, Hole};
use qstar::toolchain::{Toolchain, Wish};

/// The Lean that `qstar` itself would use.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn toolchain() -> Arc<Toolchain> {
    Arc::new(Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden()).expect("a Lean to test with"))
}

/// A candidate for a statement's whole proof.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn candidate(statement: &str, tactic: &str) -> Candidate {
    Candidate { hole: Arc::new(Hole::whole(statement)), tactic: tactic.to_owned(), heartbeats: 40_000 }
}
