//! What the tests share: the real Lean of this machine, set up when there is none, and a scripted model server.

#[cfg(feature = "models")]
pub mod model_server;

use std::sync::Arc;

use indicatif::ProgressBar;
use qstar::lean::{Candidate, Hole};
use qstar::toolchain::{Toolchain, Wish};

/// The Lean that `qstar` itself would use.
pub fn toolchain() -> Arc<Toolchain> {
    Arc::new(Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden()).expect("a Lean to test with"))
}

/// A candidate for a statement's whole proof.
pub fn candidate(statement: &str, tactic: &str) -> Candidate {
    Candidate::new(Arc::new(Hole::whole(statement)), tactic.to_owned(), 40_000)
}
