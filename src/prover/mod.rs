//! One theorem from statement to certificate: search, verify, and search on when the verifier refuses.
//!
//! Joins `search`, `lean` and `verify`; the commands stand on top of it.

mod guide;
mod nicer;
mod oracle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::dataset::header::{self, Finding, Kind, Severity};
use crate::dataset::inspect::{LEMMA_UNKNOWN, inspect, lemma_is_unknown, lemma_probe};
use crate::formats::Theorem;
use crate::lean::document::indent_into;
use crate::lean::{Candidate, Hole, Pool, Verdict};
use crate::policy::usage::Usage;
use crate::problem::Problem;
use crate::recall::Recall;
use crate::search::budget::heartbeats_behind;
use crate::search::{Budget, Event, Fan, Oracle, Progress, Search, SearchError, Sink, Spent, StopReason};
use crate::toolchain::Toolchain;
use crate::verify::{Certificate, Rejection, statement_hash};

pub use guide::{Company, Finish, Guide, Turn};
pub use nicer::finished;
pub use oracle::PoolOracle;

/// Proofs that the verifier may refuse before a search gives up.
const MAX_REJECTIONS: usize = 20;
/// For the fresh process of the verifier, where the budget has so much left.
const VERIFY_TIME: Duration = Duration::from_secs(300);
/// What the verifier gets for a proof that was found when the budget is spent: a proof is not lost to the clock.
const VERIFY_LEAST: Duration = Duration::from_secs(60);
/// For a whole proof judged by the oracle (Lean's own default).
const WHOLE_HEARTBEATS: u64 = 200_000;

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
    /// A proof that the search found and that could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified: Option<Unverified>,
    pub checks: u64,
    pub goals: usize,
    pub seconds: f64,
    /// Proofs that the search found and the verifier refused.
    pub rejected: Vec<String>,
    /// What served models have cost.
    #[serde(skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
    /// What Lean warns of in the statement, where [`Guide::inspect`] asks for it; they are told with the statement's other notes.
    #[serde(skip)]
    pub warnings: Vec<Finding>,
}

/// A proof of which nothing is known but that the search found it.
#[derive(Debug, Clone, Serialize)]
pub struct Unverified {
    /// The theorem with its proof.
    pub proof: String,
    /// Why it could not be verified.
    pub why: String,
}

/// Why an attempt could not be made or finished.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error("the header is refused: {0}")]
    Header(String),
    #[error("the library cannot be read: {0:#}")]
    Library(anyhow::Error),
    #[error("it was stopped before it began")]
    Cancelled,
}

impl ProveError {
    /// The next theorem would fare no better.
    pub fn is_lean_missing(&self) -> bool {
        matches!(self, ProveError::Search(SearchError::Toolchain(_)) | ProveError::Library(_))
    }
}

/// Why a proof that the search found does not stand.
pub struct Refused {
    pub why: String,
    /// The line of the proof (from 0) that is to blame.
    pub line: Option<usize>,
}

/// A judge's word on a proof that the search found.
pub enum Judged<T> {
    Accepted(T),
    Refused(Refused),
    /// It could not be judged, for that reason.
    Unjudged(String),
}

/// How a search ended, and what the judge made of the proof it accepted.
pub struct Found<T> {
    pub reason: StopReason,
    pub accepted: Option<(String, T)>,
    /// A proof that could not be judged, and why.
    pub unjudged: Option<(String, String)>,
    pub rejected: Vec<String>,
    pub spent: Spent,
    /// What served models have cost.
    pub usage: Usage,
    /// Of a search that has found nothing: its turn, for whoever has more to ask.
    pub turn: Option<Turn>,
}

/// Searches at a place until `judge` accepts a proof: refused ones are taken back and the search goes on. The judge
/// hears when the budget of time is spent, and gets the turn: what it asks while it holds it, it asks of workers that have
/// this header before them.
///
/// # Errors
/// When Lean does not take the place, or fails.
pub async fn search_at<T>(
    oracle: &PoolOracle<'_>,
    place: Hole,
    guide: &Guide<'_>,
    mut tell: impl FnMut(&Progress),
    mut judge: impl AsyncFnMut(&str, Instant, Option<Turn>) -> Judged<T>,
) -> Result<Found<T>, ProveError> {
    let mut turn = guide.turn().await;
    if guide.cancel.is_cancelled() && guide.company.is_some() {
        return Err(ProveError::Cancelled);
    }
    let heartbeats = heartbeats_behind(&oracle.header).max(guide.budget.heartbeats);
    let budget = Budget { heartbeats, ..guide.budget };
    let begun = tokio::select! {
        begun = Search::begin(oracle, guide.policy, guide.value, place, budget) => begun,
        () = guide.cancel.cancelled() => return Err(ProveError::Cancelled),
    };
    let search = match begun {
        // The statement is to blame where others are judged.
        Err(SearchError::Unjudged(why)) if !oracle.pool.is_alive().await => return Err(SearchError::Toolchain(why).into()),
        begun => begun?,
    };
    oracle.pool.prepare();
    let listener = guide.recall.map(Recall::listen);
    let sinks = Fan(guide.sink.into_iter().chain(listener.iter().map(|l| l as &dyn Sink)).collect());
    let mut search = search
        .with_cancel(guide.cancel.clone())
        .with_parallel(guide.parallel)
        .with_sink((!sinks.0.is_empty()).then_some(&sinks))
        .with_strategy(guide.strategy)
        .with_operators(guide.operators)
        .with_author(guide.author)
        .with_sketches(&guide.sketches);
    if let Some(lemmas) = &guide.lemmas {
        search = search.with_lemmas(lemmas.clone(), oracle.header_key());
    }
    let (mut rejected, mut accepted, mut unjudged) = (Vec::new(), None, None);
    let mut reason;
    loop {
        reason = search.run(&mut tell).await;
        let Some((proof, lines)) = search.graph().proof(search.graph().root()).filter(|_| reason == StopReason::Proved) else {
            break;
        };
        let asked = Instant::now();
        let judged = tokio::select! {
            judged = judge(&proof, search.spent().since + guide.budget.time, turn.take()) => judged,
            () = guide.cancel.cancelled() => Judged::Unjudged("it was stopped while the proof was verified".into()),
        };
        if matches!(judged, Judged::Refused(_)) {
            turn = guide.turn().await;
        }
        search.rested(asked.elapsed());
        match judged {
            Judged::Accepted(found) => {
                accepted = Some((proof, found));
                break;
            }
            Judged::Refused(Refused { why, line }) => {
                tracing::info!("a proof is refused: {why}\n{proof}");
                search.retract(lines.get(line.unwrap_or(0)).copied().unwrap_or(lines[0]), &why);
                rejected.push(why);
                if rejected.len() >= MAX_REJECTIONS {
                    reason = StopReason::Exhausted;
                    break;
                }
            }
            Judged::Unjudged(why) => {
                reason = StopReason::Unverified;
                unjudged = Some((proof, why));
                break;
            }
        }
    }
    if let Some(sink) = guide.sink {
        let proof = accepted.as_ref().map(|(proof, _)| proof.clone());
        sink.put(&Event::End { reason, checks: search.spent().checks, goals: search.spent().nodes, proof });
    }
    Ok(Found { reason, accepted, unjudged, rejected, spent: search.spent().clone(), usage: search.usage(), turn })
}

/// A problem as models see it.
pub fn theorem(problem: &Problem) -> Theorem {
    let statement = format!("{} := by", problem.statement.text);
    Theorem { name: problem.name.clone(), header: problem.header.clone(), statement, informal: problem.informal.clone() }
}

/// Has a worker start, import and look at the statement of a problem, which is soon to be searched.
pub async fn warm_up(pool: &Pool, problem: &Problem) {
    let (oracle, place) = place_of(pool, problem);
    let _ = oracle.check(vec![Search::<PoolOracle>::probe(&place)]).await;
}

/// Tries to prove a problem.
///
/// # Errors
/// When the statement does not elaborate or cannot be judged, or Lean fails.
pub async fn prove(
    toolchain: &Toolchain,
    pool: &Pool,
    problem: &Problem,
    guide: &Guide<'_>,
    tell: impl FnMut(&Progress),
) -> Result<Outcome, ProveError> {
    let (oracle, place) = set_out(toolchain, pool, problem, guide).await?;
    let hole = Arc::new(place.clone());
    let mut warnings: Option<Vec<Finding>> = None;
    let judge = async |found: &str, deadline: Instant, turn: Option<Turn>| {
        let verified = async {
            // Nicer ones in the time that is left; the proof as it was found is verified in any case.
            let finished = finished(toolchain, &oracle, &hole, found, guide.finish, deadline);
            let finished = tokio::time::timeout_at(deadline.into(), finished).await.unwrap_or_default();
            for proof in finished.iter() {
                let time = deadline.saturating_duration_since(Instant::now()).min(VERIFY_TIME);
                let verified = tokio::time::timeout_at(deadline.into(), guide.verify(toolchain, problem, proof, time));
                if let Ok(Ok(certificate)) = verified.await {
                    return Judged::Accepted(certificate);
                }
            }
            let time = deadline.saturating_duration_since(Instant::now()).clamp(VERIFY_LEAST, VERIFY_TIME);
            judged(guide.verify(toolchain, problem, found, time).await)
        };
        let inspected = async {
            if guide.inspect && warnings.is_none() {
                warnings = Some(warnings_of(pool, problem).await);
            }
            drop(turn);
        };
        tokio::join!(verified, inspected).0
    };
    let found = search_at(&oracle, place, guide, tell, judge).await?;
    let seconds = found.spent.since.elapsed().as_secs_f64();
    if guide.inspect && warnings.is_none() && !guide.cancel.is_cancelled() {
        warnings = Some(warnings_of(pool, problem).await);
    }
    drop(found.turn);
    let certificate = found.accepted.map(|(_, certificate)| certificate);
    let unverified = found.unjudged.map(|(proof, why)| {
        let mut text = format!("{} := by\n", problem.statement.text);
        indent_into(&mut text, &proof, 2);
        Unverified { proof: text, why }
    });
    Ok(Outcome {
        name: problem.name.clone(),
        proved: certificate.is_some(),
        reason: found.reason,
        proof: certificate.as_ref().map(Certificate::source),
        certificate,
        unverified,
        checks: found.spent.checks,
        goals: found.spent.nodes,
        seconds,
        rejected: found.rejected,
        usage: found.usage,
        warnings: warnings.unwrap_or_default(),
    })
}

async fn warnings_of(pool: &Pool, problem: &Problem) -> Vec<Finding> {
    let seen = inspect(pool, &problem.header, &[problem]).await;
    seen.into_iter().flat_map(|seen| seen.warnings).collect()
}

/// Tries to prove a problem on the oracle's word alone, which judges the whole proof once more: for many searches whose
/// proofs are verified together afterwards.
///
/// # Errors
/// As [`prove`].
pub async fn explore(
    toolchain: &Toolchain,
    pool: &Pool,
    problem: &Problem,
    guide: &Guide<'_>,
) -> Result<Found<()>, ProveError> {
    let (oracle, place) = set_out(toolchain, pool, problem, guide).await?;
    let hole = Arc::new(place.clone());
    let judge = async |found: &str, _, _turn| whole(&oracle, &hole, found).await;
    search_at(&oracle, place, guide, |_| (), judge).await
}

/// The oracle's word on a whole proof.
pub async fn whole(oracle: &PoolOracle<'_>, hole: &Arc<Hole>, proof: &str) -> Judged<()> {
    let candidate = Candidate::new(hole.clone(), proof.to_owned(), WHOLE_HEARTBEATS);
    let refused = |why: String| Judged::Refused(Refused { why: format!("as a whole it does not hold: {why}"), line: None });
    match oracle.check(vec![candidate]).await.pop() {
        Some(Verdict::Closed) => Judged::Accepted(()),
        Some(verdict) => refused(verdict.to_string()),
        None => Judged::Unjudged("Lean gave no answer".into()),
    }
}

/// The oracle of a problem and the place of its proof; the sink hears what begins.
///
/// # Errors
/// When no proof of the statement as it stands could be accepted.
async fn set_out<'a>(
    toolchain: &Toolchain,
    pool: &'a Pool,
    problem: &Problem,
    guide: &Guide<'_>,
) -> Result<(PoolOracle<'a>, Hole), ProveError> {
    if let Some(sink) = guide.sink {
        sink.put(&Event::Begin {
            theorem: problem.name.clone(),
            statement: problem.statement.text.clone(),
            toolchain: toolchain.version.clone(),
            run: statement_hash(&problem.header, &problem.statement.text)[..16].to_owned(),
        });
    }
    // A user's own header may do what it likes, but for what blinds Lean or hides the statement from it.
    let blinds =
        |f: &header::Finding| f.severity == Severity::Refused && matches!(f.kind, Kind::Option | Kind::Unfinished | Kind::End);
    if let Some(finding) = header::look(&problem.header, "").into_iter().find(blinds) {
        return Err(ProveError::Header(finding.text));
    }
    let (oracle, place) = place_of(pool, problem);
    if let Some(probe) = lemma_probe(&problem.statement)
        && oracle.check(vec![probe]).await.first().is_some_and(lemma_is_unknown)
    {
        return Err(SearchError::Statement(LEMMA_UNKNOWN.into()).into());
    }
    Ok((oracle, place))
}

fn place_of<'a>(pool: &'a Pool, problem: &Problem) -> (PoolOracle<'a>, Hole) {
    let header = format!("{}\n{}", problem.header.trim_end(), problem.statement.universe_command());
    (PoolOracle::new(pool, header.trim()), Hole::whole(&problem.statement.as_example()))
}

/// The verifier's word on a proof; a rejection says which line is to blame.
fn judged(verdict: Result<Certificate, Rejection>) -> Judged<Certificate> {
    match verdict {
        Ok(certificate) => Judged::Accepted(certificate),
        Err(error) if error.is_unchecked() || matches!(error, Rejection::Header(_)) => Judged::Unjudged(error.to_string()),
        Err(Rejection::Lean { message, proof_line }) => {
            Judged::Refused(Refused { why: format!("Lean rejects it: {message}"), line: proof_line })
        }
        Err(error) => Judged::Refused(Refused { why: error.to_string(), line: None }),
    }
}
