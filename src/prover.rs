//! One theorem from statement to certificate: search, verify, and search on when the verifier refuses.
//!
//! Joins `search`, `lean` and `verify`; the commands stand on top of it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::lean::{Batch, Candidate, Pool, Verdict};
use crate::problem::Problem;
use crate::search::{Budget, Oracle, Policy, Progress, Search, SearchError, StopReason, Value};
use crate::toolchain::Toolchain;
use crate::verify::{Certificate, Rejection, verify};

/// Proofs that the verifier may refuse before a search gives up.
const MAX_REJECTIONS: usize = 20;
/// For the fresh process of the verifier.
const VERIFY_TIME: Duration = Duration::from_secs(300);

/// The pool as the oracle of one problem.
pub struct PoolOracle<'a> {
    pool: &'a Pool,
    header: Arc<str>,
}

impl<'a> PoolOracle<'a> {
    /// An oracle for candidates that stand behind `header`.
    pub fn new(pool: &'a Pool, header: &str) -> PoolOracle<'a> {
        PoolOracle { pool, header: header.into() }
    }
}

impl Oracle for PoolOracle<'_> {
    async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
        self.pool.check(Batch { header: self.header.clone(), candidates }).await
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub name: String,
    pub proved: bool,
    pub reason: StopReason,
    /// The theorem with its proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    pub checks: u64,
    pub goals: usize,
    pub seconds: f64,
    /// Proofs that the search found and the verifier refused.
    pub rejected: Vec<String>,
}

/// Why an attempt could not be made or finished.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error("the proof that was found could not be verified: {0}")]
    Verify(Rejection),
}

/// What guides an attempt.
pub struct Guide<'a> {
    pub policy: &'a dyn Policy,
    pub value: &'a dyn Value,
    pub budget: Budget,
    pub parallel: usize,
    pub cancel: CancellationToken,
}

/// Tries to prove a problem.
///
/// # Errors
/// When the statement does not elaborate, or Lean fails.
pub async fn prove(
    toolchain: &Toolchain,
    pool: &Pool,
    problem: &Problem,
    guide: &Guide<'_>,
    mut tell: impl FnMut(&Progress),
) -> Result<Outcome, ProveError> {
    let header = format!("{}\n{}", problem.header.trim_end(), problem.statement.universe_command());
    let oracle = PoolOracle::new(pool, header.trim());
    let statement = problem.statement.as_example();
    let search = Search::begin(&oracle, guide.policy, guide.value, &statement, guide.budget).await?;
    let mut search = search.with_cancel(guide.cancel.clone()).with_parallel(guide.parallel);
    let mut rejected = Vec::new();
    let mut certificate = None;
    let mut reason;
    loop {
        reason = search.run(&mut tell).await;
        let Some((proof, lines)) = search.graph().proof(search.graph().root()).filter(|_| reason == StopReason::Proved) else {
            break;
        };
        match verify(toolchain, problem, &proof, VERIFY_TIME).await {
            Ok(found) => {
                certificate = Some(found);
                break;
            }
            Err(error @ (Rejection::Process(_) | Rejection::TimedOut(_) | Rejection::Header(_))) => {
                return Err(ProveError::Verify(error));
            }
            Err(error) => {
                tracing::info!("the verifier refuses a proof of {}: {error}\n{proof}", problem.name);
                let line = match &error {
                    Rejection::Lean { proof_line: Some(line), .. } => *line,
                    _ => 0,
                };
                rejected.push(error.to_string());
                if rejected.len() >= MAX_REJECTIONS {
                    reason = StopReason::Exhausted;
                    break;
                }
                search.retract(lines.get(line).copied().unwrap_or(lines[0]));
            }
        }
    }
    let spent = search.spent();
    Ok(Outcome {
        name: problem.name.clone(),
        proved: certificate.is_some(),
        reason,
        proof: certificate.as_ref().map(Certificate::source),
        certificate,
        checks: spent.checks,
        goals: spent.nodes,
        seconds: spent.since.elapsed().as_secs_f64(),
        rejected,
    })
}
