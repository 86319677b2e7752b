//! One theorem from statement to certificate: search, verify, and search on when the verifier refuses.
//!
//! Joins `search`, `lean` and `verify`; the commands stand on top of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::finish;
use crate::lean::document::BROKEN_HEADER;
use crate::lean::suggestion::{is_side_question, side_header};
use crate::lean::{Batch, Candidate, Hole, Pool, Verdict};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::recall::Recall;
use crate::search::{
    Budget, Event, Fan, Lemmas, Operators, Oracle, Progress, Search, SearchError, Sink, Spent, StopReason, StrategyKind,
};
use crate::toolchain::Toolchain;
use crate::value::Value;
use crate::verify::{Certificate, Rejection, statement_hash, suggestions, verify};

/// Proofs that the verifier may refuse before a search gives up.
const MAX_REJECTIONS: usize = 20;
/// For the fresh process of the verifier.
const VERIFY_TIME: Duration = Duration::from_secs(300);
/// For a whole proof judged by the oracle (Lean's own default).
const WHOLE_HEARTBEATS: u64 = 200_000;

/// The pool as the oracle of one problem.
pub struct PoolOracle<'a> {
    pool: &'a Pool,
    header: Arc<str>,
    /// Side questions get no answer under this header.
    deaf: AtomicBool,
}

impl<'a> PoolOracle<'a> {
    /// An oracle for candidates that stand behind `header`.
    pub fn new(pool: &'a Pool, header: &str) -> PoolOracle<'a> {
        PoolOracle { pool, header: header.into(), deaf: AtomicBool::new(false) }
    }

    /// Equal for equal headers, in every run.
    fn header_key(&self) -> u64 {
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
    #[error("the library cannot be read: {0:#}")]
    Library(anyhow::Error),
}

/// What guides an attempt.
pub struct Guide<'a> {
    pub policy: &'a dyn Policy,
    pub value: &'a dyn Value,
    pub budget: Budget,
    pub parallel: usize,
    pub cancel: CancellationToken,
    /// Takes every event of the search.
    pub sink: Option<&'a dyn Sink>,
    /// Remembers what is proved.
    pub recall: Option<&'a Recall>,
    pub strategy: StrategyKind,
    pub operators: Operators,
    /// Proofs shared by the searches of a run; `None`: each for itself.
    pub lemmas: Option<Arc<Lemmas>>,
    pub finish: Finish,
}

/// What is done with a proof that was found, before it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finish {
    /// It stays as the search found it.
    #[default]
    None,
    /// It is made shorter while Lean accepts it.
    Shorten,
    /// And calls that search by themselves (`simp`, `grind`) are replaced by what they used.
    Stable,
}

impl<'a> Guide<'a> {
    /// A guide with the default budget, for one batch at a time.
    pub fn new(policy: &'a dyn Policy, value: &'a dyn Value) -> Guide<'a> {
        Guide {
            policy,
            value,
            budget: Budget::default(),
            parallel: 1,
            cancel: CancellationToken::new(),
            sink: None,
            recall: None,
            strategy: StrategyKind::default(),
            operators: Operators::default(),
            lemmas: None,
            finish: Finish::None,
        }
    }
}

/// Why a proof that the search found does not stand.
pub struct Refused {
    pub why: String,
    /// The line of the proof (from 0) that is to blame.
    pub line: Option<usize>,
}

/// How a search ended, and what the judge made of the proof it accepted.
pub struct Found<T> {
    pub reason: StopReason,
    pub accepted: Option<(String, T)>,
    pub rejected: Vec<String>,
    pub spent: Spent,
}

/// Searches at a place until `judge` accepts a proof: refused ones are taken back and the search goes on.
///
/// # Errors
/// When Lean does not take the place, or fails; and the judge's own.
pub async fn search_at<T>(
    oracle: &PoolOracle<'_>,
    place: Hole,
    guide: &Guide<'_>,
    mut tell: impl FnMut(&Progress),
    mut judge: impl AsyncFnMut(&str) -> Result<Result<T, Refused>, ProveError>,
) -> Result<Found<T>, ProveError> {
    let search = Search::begin(oracle, guide.policy, guide.value, place, guide.budget).await?;
    let listener = guide.recall.map(Recall::listen);
    let sinks = Fan(guide.sink.into_iter().chain(listener.iter().map(|l| l as &dyn Sink)).collect());
    let mut search = search
        .with_cancel(guide.cancel.clone())
        .with_parallel(guide.parallel)
        .with_sink((!sinks.0.is_empty()).then_some(&sinks))
        .with_strategy(guide.strategy)
        .with_operators(guide.operators);
    if let Some(lemmas) = &guide.lemmas {
        search = search.with_lemmas(lemmas.clone(), oracle.header_key());
    }
    let (mut rejected, mut accepted) = (Vec::new(), None);
    let mut reason;
    loop {
        reason = search.run(&mut tell).await;
        let Some((proof, lines)) = search.graph().proof(search.graph().root()).filter(|_| reason == StopReason::Proved) else {
            break;
        };
        match judge(&proof).await? {
            Ok(found) => {
                accepted = Some((proof, found));
                break;
            }
            Err(Refused { why, line }) => {
                tracing::info!("a proof is refused: {why}\n{proof}");
                search.retract(lines.get(line.unwrap_or(0)).copied().unwrap_or(lines[0]), &why);
                rejected.push(why);
                if rejected.len() >= MAX_REJECTIONS {
                    reason = StopReason::Exhausted;
                    break;
                }
            }
        }
    }
    if let Some(sink) = guide.sink {
        let proof = accepted.as_ref().map(|(proof, _)| proof.clone());
        sink.put(&Event::End { reason, checks: search.spent().checks, goals: search.spent().nodes, proof });
    }
    Ok(Found { reason, accepted, rejected, spent: search.spent().clone() })
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
    tell: impl FnMut(&Progress),
) -> Result<Outcome, ProveError> {
    let (oracle, place) = set_out(toolchain, pool, problem, guide);
    let hole = Arc::new(place.clone());
    let judge = async |found: &str| {
        let finished = finished(toolchain, problem, &oracle, &hole, found, guide.finish).await;
        for proof in finished.iter() {
            if let Ok(certificate) = verify(toolchain, problem, proof, VERIFY_TIME).await {
                return Ok(Ok(certificate));
            }
        }
        judge(toolchain, problem, found).await
    };
    let found = search_at(&oracle, place, guide, tell, judge).await?;
    let certificate = found.accepted.map(|(_, certificate)| certificate);
    Ok(Outcome {
        name: problem.name.clone(),
        proved: certificate.is_some(),
        reason: found.reason,
        proof: certificate.as_ref().map(Certificate::source),
        certificate,
        checks: found.spent.checks,
        goals: found.spent.nodes,
        seconds: found.spent.since.elapsed().as_secs_f64(),
        rejected: found.rejected,
    })
}

/// Tries to prove a problem on the oracle's word alone, which judges the whole proof once more: for many searches whose
/// proofs are verified together afterwards.
///
/// # Errors
/// When the statement does not elaborate, or Lean fails.
pub async fn explore(
    toolchain: &Toolchain,
    pool: &Pool,
    problem: &Problem,
    guide: &Guide<'_>,
) -> Result<Found<()>, ProveError> {
    let (oracle, place) = set_out(toolchain, pool, problem, guide);
    let hole = Arc::new(place.clone());
    let judge = async |found: &str| {
        let whole = Candidate { hole: hole.clone(), tactic: found.to_owned(), heartbeats: WHOLE_HEARTBEATS };
        match oracle.check(vec![whole]).await.pop() {
            Some(Verdict::Closed) => Ok(Ok(())),
            other => Ok(Err(Refused { why: format!("as a whole it is not accepted: {other:?}"), line: None })),
        }
    };
    search_at(&oracle, place, guide, |_| (), judge).await
}

/// The oracle of a problem and the place of its proof; the sink hears what begins.
fn set_out<'a>(toolchain: &Toolchain, pool: &'a Pool, problem: &Problem, guide: &Guide<'_>) -> (PoolOracle<'a>, Hole) {
    if let Some(sink) = guide.sink {
        sink.put(&Event::Begin {
            theorem: problem.name.clone(),
            statement: problem.statement.text.clone(),
            toolchain: toolchain.version.clone(),
            run: statement_hash(&problem.header, &problem.statement.text)[..16].to_owned(),
        });
    }
    let header = format!("{}\n{}", problem.header.trim_end(), problem.statement.universe_command());
    (PoolOracle::new(pool, header.trim()), Hole::whole(&problem.statement.as_example()))
}

/// The verifier's word on a proof; a rejection says which line is to blame.
async fn judge(toolchain: &Toolchain, problem: &Problem, proof: &str) -> Result<Result<Certificate, Refused>, ProveError> {
    match verify(toolchain, problem, proof, VERIFY_TIME).await {
        Ok(certificate) => Ok(Ok(certificate)),
        Err(error @ (Rejection::Process(_) | Rejection::TimedOut(_) | Rejection::Header(_))) => Err(ProveError::Verify(error)),
        Err(Rejection::Lean { message, proof_line }) => {
            Ok(Err(Refused { why: format!("Lean rejects it: {message}"), line: proof_line }))
        }
        Err(error) => Ok(Err(Refused { why: error.to_string(), line: None })),
    }
}

/// Proofs that are nicer than the one found, the nicest first; none when it is nice already, or when nothing is wished.
async fn finished(
    toolchain: &Toolchain,
    problem: &Problem,
    oracle: &PoolOracle<'_>,
    place: &Arc<Hole>,
    found: &str,
    wish: Finish,
) -> Vec<String> {
    if wish == Finish::None {
        return Vec::new();
    }
    let short = finish::shorten(oracle, place, found).await;
    let mut proofs = Vec::new();
    if wish == Finish::Stable
        && let Some(asking) = finish::ask_for_stable(&short)
        && let Ok(answers) = suggestions(toolchain, problem, &asking, VERIFY_TIME).await
    {
        proofs.push(finish::stable(&asking, &answers));
    }
    if short != found {
        proofs.push(short);
    }
    proofs
}
