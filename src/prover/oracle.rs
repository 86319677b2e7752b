//! The pool as the oracle of one problem: candidates behind its header, and side questions behind an import more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::lean::document::BROKEN_HEADER;
use crate::lean::suggestion::{is_side_question, side_header};
use crate::lean::{Batch, Candidate, Pool, Verdict};
use crate::search::Oracle;

/// The pool as the oracle of one problem.
pub struct PoolOracle<'a> {
    pub(super) pool: &'a Pool,
    pub(super) header: Arc<str>,
    /// Side questions get no answer under this header.
    deaf: AtomicBool,
}

impl<'a> PoolOracle<'a> {
    /// An oracle for candidates that stand behind `header`.
    pub fn new(pool: &'a Pool, header: &str) -> PoolOracle<'a> {
        PoolOracle { pool, header: header.into(), deaf: AtomicBool::new(false) }
    }

    /// Equal for equal headers, in every run.
    pub(super) fn header_key(&self) -> u64 {
        let digest = Sha256::digest(self.header.as_bytes());
        u64::from_le_bytes(std::array::from_fn(|i| digest[i]))
    }
}

impl Oracle for PoolOracle<'_> {
    async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
        let asks: Vec<bool> = candidates.iter().map(|c| is_side_question(&c.tactic)).collect();
        let (questions, tactics): (Vec<Candidate>, Vec<Candidate>) =
            candidates.into_iter().partition(|c| is_side_question(&c.tactic));
        let judged = self.pool.check(Batch { header: self.header.clone(), candidates: tactics });
        let (judged, answered) = futures::join!(judged, self.ask(questions));
        let (mut judged, mut answered) = (judged.into_iter(), answered.into_iter());
        let lost = || Verdict::Crashed("no answer".to_owned());
        asks.into_iter().map(|asks| if asks { answered.next() } else { judged.next() }.unwrap_or_else(lost)).collect()
    }
}

impl PoolOracle<'_> {
    /// Asks side questions, in documents with an import more.
    async fn ask(&self, questions: Vec<Candidate>) -> Vec<Verdict> {
        if questions.is_empty() {
            return Vec::new();
        }
        let Some(header) = side_header(&self.header).filter(|_| !self.deaf.load(Ordering::Relaxed)) else {
            return vec![Verdict::Failed("this Lean has no suggestions here".to_owned()); questions.len()];
        };
        let answers = self.pool.side().check(Batch { header: header.into(), candidates: questions }).await;
        // An older Lean does not have the module: that is said once.
        let broken = |v: &Verdict| matches!(v, Verdict::Failed(message) if message.starts_with(BROKEN_HEADER));
        if answers.iter().any(broken) {
            self.deaf.store(true, Ordering::Relaxed);
        }
        answers
    }
}
