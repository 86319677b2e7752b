//! What a client can have done, in the words that MCP and HTTP share: prove, fill, verify, try tactics.
//!
//! Every answer says accepted, refused, or could not be checked, and why. Stands on the library's own functions; searches
//! run on threads of their own, so that the server goes on answering.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Outfit};
use super::pictures::Watch;
use crate::fill;
use crate::formats::Theorem;
use crate::lean::{Batch, Candidate, Goal, Hole, Pool};
use crate::policy::premises::Premises;
use crate::problem::Problem;
use crate::prover::{self, Finish, Guide, PoolOracle, ProveError};
use crate::search::{Budget, SearchError, StopReason};
use crate::source::Statement;
use crate::verify::{Standing, candidate, recheck};

/// Whether it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Lean accepts it.
    Accepted,
    /// Lean, or a rule of the verifier, refuses it.
    Refused,
    /// Nothing was found out: time was up, Lean failed, or the question cannot be understood. Not a refusal.
    CouldNotCheck,
}

/// How far a search is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Progress {
    pub checks: u64,
    pub goals: usize,
    pub depth: u32,
    /// What is tried now.
    pub trying: String,
}

/// Where progress is put; only the newest counts.
pub type Tell = watch::Sender<Progress>;

/// A statement to prove.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ProveAsk {
    /// The theorem without its proof: `theorem t (n : Nat) : n + 0 = n`.
    pub statement: String,
    /// What stands before it: imports, definitions, open namespaces.
    #[serde(default)]
    pub header: String,
    /// Seconds to search [default: 60].
    #[serde(default)]
    pub time: Option<f64>,
    /// Most checks of Lean.
    #[serde(default)]
    pub checks: Option<u64>,
}

/// How a search ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Proved {
    /// `accepted`: proved, and a fresh Lean process accepted the proof. `refused`: the search found no proof, or Lean does not
    /// understand the statement; that says nothing of its truth.
    pub verdict: Verdict,
    /// Why it is not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub name: String,
    /// The theorem with its proof, ready to paste.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Checked again from nothing by `verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<serde_json::Value>,
    pub checks: u64,
    pub goals: usize,
    pub seconds: f64,
    /// When no proof was found: subgoals that are proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proved_subgoals: Vec<String>,
    /// When no proof was found: subgoals that stayed open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open_subgoals: Vec<String>,
    /// The name of the search, for `search_report`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Searches for a proof. Dropping the future ends the search.
pub async fn prove(desk: &Arc<Desk>, client: &str, ask: ProveAsk, tell: Tell) -> Proved {
    let start = std::time::Instant::now();
    let empty = |name: &str, verdict, reason: String| Proved {
        verdict,
        reason: Some(reason),
        name: name.to_owned(),
        proof: None,
        certificate: None,
        checks: 0,
        goals: 0,
        seconds: start.elapsed().as_secs_f64(),
        proved_subgoals: Vec::new(),
        open_subgoals: Vec::new(),
        search: None,
    };
    let problem = match Problem::from_statement(&ask.header, &ask.statement) {
        Ok(problem) => problem,
        Err(error) => return empty("", Verdict::CouldNotCheck, format!("{error:#}")),
    };
    let name = problem.name.clone();
    let budget =
        Budget { time: desk.time(ask.time, 60.0), checks: ask.checks.unwrap_or(Budget::default().checks), ..Budget::default() };
    let watch = Arc::new(Watch::default());
    let seen = watch.clone();
    let search = async move |outfit: Arc<Outfit>, pool: Pool, cancel: CancellationToken| {
        let minds = outfit.policies.minds(outfit.setting.policy, &prover::theorem(&problem), 0).map_err(ProveError::Library)?;
        let value = outfit.policies.value(outfit.setting.value).map_err(ProveError::Library)?;
        let guide = Guide {
            budget,
            parallel: outfit.workers,
            cancel,
            sink: Some(&*seen),
            strategy: outfit.setting.strategy,
            operators: outfit.setting.operators(),
            finish: Finish::Shorten,
            author: minds.author.as_deref(),
            ..Guide::new(minds.policy.as_ref(), value.as_ref())
        };
        prover::prove(&outfit.toolchain, &pool, &problem, &guide, |p| tell_of(&tell, p)).await
    };
    let outcome = match apart(desk, client, search).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(ProveError::Search(SearchError::Statement(message)))) => {
            return empty(&name, Verdict::Refused, format!("Lean does not understand the statement: {message}"));
        }
        Ok(Err(error)) => return empty(&name, Verdict::CouldNotCheck, error.to_string()),
        Err(reason) => return empty(&name, Verdict::CouldNotCheck, reason),
    };
    let verdict = match (outcome.proved, outcome.reason) {
        (true, _) => Verdict::Accepted,
        // The moves are used up: that is an answer. All other ends are of the budget.
        (false, StopReason::Exhausted) => Verdict::Refused,
        (false, _) => Verdict::CouldNotCheck,
    };
    let (proved_subgoals, open_subgoals) = if outcome.proved { Default::default() } else { watch.subgoals() };
    let reason = (!outcome.proved).then(|| format!("no proof was found: {}", outcome.reason));
    // The search has ended, and with it the other owner.
    let search = Arc::into_inner(watch).map(|watch| desk.pictures.keep(watch, outcome.certificate.clone()));
    Proved {
        verdict,
        reason,
        name,
        proof: outcome.proof,
        certificate: outcome.certificate.and_then(|c| serde_json::to_value(c).ok()),
        checks: outcome.checks,
        goals: outcome.goals,
        seconds: outcome.seconds,
        proved_subgoals,
        open_subgoals,
        search,
    }
}

/// Runs a search on a thread of its own; what it works with ends when the future is dropped or the server stops.
async fn apart<T: Send + 'static, F>(
    desk: &Arc<Desk>,
    client: &str,
    search: impl FnOnce(Arc<Outfit>, Pool, CancellationToken) -> F + Send + 'static,
) -> Result<T, String>
where
    F: Future<Output = T>,
{
    let outfit = desk.outfit().await?;
    let place = desk.search_place().await;
    let pool = outfit.pool.client(client);
    let (cancel, stop) = (CancellationToken::new(), desk.stop.clone());
    let _leaves = cancel.clone().drop_guard();
    let handle = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        let left = cancel.clone();
        handle.block_on(async move {
            tokio::select! {
                done = search(outfit, pool, cancel) => Ok(done),
                // Who left waits for nothing: what is under way is dropped, processes with it.
                () = left.cancelled() => Err("the client has left".to_owned()),
                () = stop.cancelled() => Err("the server stops".to_owned()),
            }
        })
    });
    work.await.unwrap_or_else(|e| Err(format!("the search failed: {e}")))
}

fn tell_of(tell: &Tell, p: &crate::search::Progress) {
    tell.send_replace(Progress { checks: p.checks, goals: p.goals, depth: p.depth, trying: p.trying.clone() });
}

/// A file whose `sorry`s are to be filled.
#[derive(Debug, Clone)]
pub struct FillAsk {
    pub text: String,
    /// Seconds for each `sorry`.
    pub time: Option<f64>,
}

/// What became of the `sorry`s of a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Filled {
    /// `accepted`: every `sorry` is filled, and a fresh Lean process accepts the whole file. `refused`: some stay open.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One for each `sorry`: where, its goal, and what became of it.
    pub sorrys: Vec<serde_json::Value>,
    /// What changes, as a unified diff; empty when nothing was filled.
    pub diff: String,
    /// Whether the file was written.
    pub written: bool,
}

/// Fills what can be filled of a file's text; writes nothing. With the answer comes the new text.
pub async fn fill(desk: &Arc<Desk>, client: &str, name: &str, ask: FillAsk, tell: Tell) -> (Filled, String) {
    let budget = Budget { time: desk.time(ask.time, 60.0), ..Budget::default() };
    let failed = |reason: String| Filled {
        verdict: Verdict::CouldNotCheck,
        reason: Some(reason),
        sorrys: Vec::new(),
        diff: String::new(),
        written: false,
    };
    let text = ask.text.clone();
    let search = async move |outfit: Arc<Outfit>, pool: Pool, cancel: CancellationToken| {
        let one = async |header: &str, hole: Hole, oracle: &PoolOracle<'_>| {
            let place = Theorem { header: header.to_owned(), ..Theorem::default() };
            let minds = outfit.policies.minds(outfit.setting.policy, &place, 0).map_err(ProveError::Library)?;
            let value = outfit.policies.value(outfit.setting.value).map_err(ProveError::Library)?;
            let guide = Guide {
                budget,
                parallel: outfit.workers,
                cancel: cancel.clone(),
                strategy: outfit.setting.strategy,
                operators: outfit.setting.operators(),
                author: minds.author.as_deref(),
                ..Guide::new(minds.policy.as_ref(), value.as_ref())
            };
            fill::attempt(&outfit.toolchain, oracle, hole, &guide, |p| tell_of(&tell, p)).await
        };
        fill::fill(&outfit.toolchain, &pool, &text, &cancel, one).await.map_err(|e| format!("{e:#}"))
    };
    let outcome = match apart(desk, client, search).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(reason)) | Err(reason) => return (failed(reason), ask.text),
    };
    let open = outcome.sorrys.iter().filter(|s| !matches!(s.status, fill::Status::Filled { .. })).count();
    let diff = TextDiff::from_lines(&ask.text, &outcome.text);
    let diff = if outcome.text == ask.text { String::new() } else { diff.unified_diff().header(name, name).to_string() };
    let (verdict, reason) = match &outcome.failure {
        Some(failure) => (Verdict::CouldNotCheck, Some(failure.clone())),
        None if outcome.is_complete() => (Verdict::Accepted, None),
        None if open > 0 => (Verdict::Refused, Some(format!("{open} of {} stay open", outcome.sorrys.len()))),
        None => (Verdict::Refused, Some("the file has errors, or a `sorry` that is not in its words".to_owned())),
    };
    let filled = Filled {
        verdict,
        reason,
        sorrys: outcome.sorrys.iter().filter_map(|s| serde_json::to_value(s).ok()).collect(),
        diff,
        written: false,
    };
    (filled, outcome.text)
}

/// What is to be verified: a pair, or a certificate.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct VerifyAsk {
    /// The file with its `sorry`s.
    #[serde(default)]
    pub original: Option<String>,
    /// The same file with proofs.
    #[serde(default)]
    pub candidate: Option<String>,
    /// A certificate that `prove` gave, instead of a pair.
    #[serde(default)]
    pub certificate: Option<serde_json::Value>,
    /// Seconds that Lean may take [default: 300].
    #[serde(default)]
    pub time: Option<f64>,
}

/// The verifier's word.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Verified {
    /// `accepted` when every theorem is.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One for each theorem of the original that ends in `sorry`.
    pub theorems: Vec<TheoremVerdict>,
    /// For a certificate: made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<serde_json::Value>,
    /// The Lean that judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub toolchain: String,
}

/// The verdict on one theorem.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TheoremVerdict {
    pub name: String,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Verified {
    fn none(verdict: Verdict, reason: impl Into<String>) -> Verified {
        let reason = Some(reason.into());
        Verified { verdict, reason, theorems: Vec::new(), certificate: None, toolchain: String::new() }
    }
}

/// Judges a pair or a certificate in fresh Lean processes.
pub async fn verify(desk: &Arc<Desk>, client: &str, ask: VerifyAsk) -> Verified {
    let time = desk.time(ask.time, 300.0);
    match (ask.original, ask.candidate, ask.certificate) {
        (Some(original), Some(candidate), None) => {
            let judge = async move |outfit: Arc<Outfit>, _, _| pair(&outfit, &original, &candidate, time).await;
            apart(desk, client, judge).await.unwrap_or_else(|reason| Verified::none(Verdict::CouldNotCheck, reason))
        }
        (None, None, Some(certificate)) => {
            let judge = async move |outfit: Arc<Outfit>, _, _| again(&outfit, certificate, time).await;
            apart(desk, client, judge).await.unwrap_or_else(|reason| Verified::none(Verdict::CouldNotCheck, reason))
        }
        _ => Verified::none(Verdict::CouldNotCheck, "give `original` and `candidate`, or `certificate` alone"),
    }
}

async fn pair(outfit: &Outfit, original: &str, candidate: &str, time: Duration) -> Verified {
    let judged = match candidate::verify_file(&outfit.toolchain, original, candidate, time, None).await {
        Ok(judged) => judged,
        Err(error) => return Verified::none(Verdict::CouldNotCheck, format!("{error:#}")),
    };
    let theorems: Vec<TheoremVerdict> = judged
        .into_iter()
        .map(|j| {
            let verdict = match j.verdict {
                Standing::Accepted => Verdict::Accepted,
                Standing::Refused => Verdict::Refused,
                Standing::Unchecked => Verdict::CouldNotCheck,
            };
            TheoremVerdict { name: j.name, verdict, reason: j.reason }
        })
        .collect();
    let worst = [Verdict::Refused, Verdict::CouldNotCheck].into_iter().find(|w| theorems.iter().any(|t| t.verdict == *w));
    let reason = theorems.iter().find_map(|t| Some(format!("{}: {}", t.name, t.reason.as_ref()?)));
    let toolchain = outfit.toolchain.version.clone();
    Verified { verdict: worst.unwrap_or(Verdict::Accepted), reason, theorems, certificate: None, toolchain }
}

async fn again(outfit: &Outfit, certificate: serde_json::Value, time: Duration) -> Verified {
    // The one reader of certificates reads files.
    let kept = tempfile::NamedTempFile::new().and_then(|file| {
        std::fs::write(file.path(), certificate.to_string())?;
        Ok(file)
    });
    let file = match kept {
        Ok(file) => file,
        Err(error) => return Verified::none(Verdict::CouldNotCheck, format!("no room for it: {error}")),
    };
    let name = certificate["name"].as_str().unwrap_or_default().to_owned();
    let (verdict, reason, certificate) = match recheck(&outfit.toolchain, file.path(), time).await {
        Ok(Ok(made)) => (Verdict::Accepted, None, serde_json::to_value(made).ok()),
        Ok(Err(e)) if e.is_unchecked() => (Verdict::CouldNotCheck, Some(e.to_string()), None),
        Ok(Err(e)) => (Verdict::Refused, Some(e.to_string()), None),
        Err(e) => return Verified::none(Verdict::Refused, e.root_cause().to_string()),
    };
    let theorems = vec![TheoremVerdict { name, verdict, reason: reason.clone() }];
    Verified { verdict, reason, theorems, certificate, toolchain: outfit.toolchain.version.clone() }
}

/// Tactics to be tried at one goal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct TacticsAsk {
    /// A statement (`theorem t (n : Nat) : n + 0 = n`), or a goal as Lean prints it (`n : Nat\n⊢ n + 0 = n`).
    pub goal: String,
    /// What stands before it: imports, definitions, open namespaces.
    #[serde(default)]
    pub header: String,
    /// Tactics that were done already, one line or block each.
    #[serde(default)]
    pub before: Vec<String>,
    /// Each is tried by itself.
    pub tactics: Vec<String>,
    /// Lean's `maxHeartbeats` for each [default: 80000].
    #[serde(default)]
    pub heartbeats: Option<u64>,
}

/// What became of one tactic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tried {
    pub tactic: String,
    /// `accepted`: Lean takes it, and `goals` are left (none: the goal is proved).
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As Lean prints them.
    pub goals: Vec<String>,
}

/// Budget of a tactic where none is named.
const TACTIC_HEARTBEATS: u64 = 80_000;

/// Tries tactics at a goal; one answer for each.
///
/// # Errors
/// When there is no Lean, or the goal cannot be read.
pub async fn tactics(desk: &Desk, client: &str, ask: TacticsAsk) -> Result<Vec<Tried>, String> {
    let outfit = desk.outfit().await?;
    let pool = outfit.pool.client(client);
    let (statement, universes) = statement_of(&ask.goal)?;
    let hole = Arc::new(Hole::whole(&statement));
    let heartbeats = ask.heartbeats.unwrap_or(TACTIC_HEARTBEATS).clamp(1, 10_000_000);
    let done: String = ask.before.iter().map(|t| format!("{t}\n")).collect();
    let candidates = ask
        .tactics
        .iter()
        .map(|tactic| Candidate { hole: hole.clone(), tactic: format!("{done}{tactic}"), heartbeats })
        .collect();
    let header = format!("{}\n{universes}", ask.header.trim_end());
    let verdicts = pool.check(Batch { header: header.trim().into(), candidates }).await;
    Ok(ask.tactics.into_iter().zip(verdicts).map(|(tactic, verdict)| tried(tactic, verdict)).collect())
}

fn tried(tactic: String, verdict: crate::lean::Verdict) -> Tried {
    use crate::lean::Verdict as Lean;
    let none = Vec::new;
    let (verdict, reason, goals) = match verdict {
        Lean::Closed => (Verdict::Accepted, None, none()),
        Lean::Goals(goals) => (Verdict::Accepted, None, goals.iter().map(Goal::to_string).collect()),
        Lean::Failed(message) => (Verdict::Refused, Some(message), none()),
        Lean::Refused(refusal) => (Verdict::Refused, Some(refusal.to_string()), none()),
        Lean::TimedOut => (Verdict::CouldNotCheck, Some("out of heartbeats: give it more".into()), none()),
        Lean::Hung => (Verdict::CouldNotCheck, Some("Lean made no progress on it and was ended".into()), none()),
        Lean::Crashed(reason) => (Verdict::CouldNotCheck, Some(format!("Lean could not judge it: {reason}")), none()),
    };
    Tried { tactic, verdict, reason, goals }
}

/// A goal as a nameless statement, and the command that declares its universes.
fn statement_of(goal: &str) -> Result<(String, String), String> {
    if !goal.contains('⊢') {
        let statement = Statement::parse(goal.trim()).map_err(|e| format!("neither a statement nor a goal of Lean: {e:#}"))?;
        return Ok((statement.as_example(), statement.universe_command()));
    }
    let goal = Goal::parse(goal.trim()).map_err(|e| e.to_string())?;
    let binders: String = goal
        .hypotheses
        .iter()
        .map(|h| match &h.value {
            Some(_) => Err(format!("`{}` has a value; give the statement and the tactics before it", h.names.join(" "))),
            None => Ok(format!(" ({} : {})", h.names.join(" "), h.ty)),
        })
        .collect::<Result<_, _>>()?;
    if crate::lean::goal::is_inaccessible(&binders) {
        return Err("the goal has names that cannot be written (✝); give the statement and the tactics before it".into());
    }
    Ok((format!("example{binders} : {}", goal.target), String::new()))
}

/// A theorem of the library.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Premise {
    pub name: String,
    /// How well it fits, in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// Theorems behind a header's imports that fit a goal, the best first.
///
/// # Errors
/// When there is no Lean, its library cannot be read, or the goal cannot.
pub async fn premises(desk: &Desk, client: &str, goal: &str, header: &str, most: usize) -> Result<Vec<Premise>, String> {
    let goal = if goal.contains('⊢') {
        Goal::parse(goal.trim()).map_err(|e| e.to_string())?
    } else {
        let ask = TacticsAsk {
            goal: goal.to_owned(),
            header: header.to_owned(),
            before: vec!["intros".to_owned()],
            tactics: vec!["skip".to_owned()],
            heartbeats: None,
        };
        let found = tactics(desk, client, ask).await?.pop();
        let state = found.as_ref().and_then(|t| t.goals.first());
        let why = || found.as_ref().and_then(|t| t.reason.clone()).unwrap_or_else(|| "it has no goal".into());
        Goal::parse(state.ok_or_else(why)?).map_err(|e| e.to_string())?
    };
    let found = move |library: &Premises| {
        let fitting = library.retrieve(&goal, most).into_iter();
        fitting.map(|found| Premise { name: found.name.to_owned(), score: Some(found.score) }).collect()
    };
    library(desk, header, found).await
}

/// Theorems of the library whose names have a text in them.
///
/// # Errors
/// When there is no Lean, or its library cannot be read.
pub async fn named(desk: &Desk, part: &str, most: usize) -> Result<Vec<Premise>, String> {
    let part = part.to_owned();
    let found = move |library: &Premises| {
        let named = library.named(&part, most).into_iter();
        named.map(|name| Premise { name: name.to_owned(), score: None }).collect()
    };
    library(desk, "import Std", found).await
}

/// Asks the index behind a header's imports, which may have to be made first.
async fn library<T: Send + 'static>(
    desk: &Desk,
    header: &str,
    ask: impl FnOnce(&Premises) -> T + Send + 'static,
) -> Result<T, String> {
    let (outfit, header) = (desk.outfit().await?, header.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        outfit.policies.library(&header).map(|library| library.map(|library| ask(&library)))
    });
    match read.await {
        Ok(Ok(Some(found))) => Ok(found),
        Ok(Ok(None)) => Err("the index of the library is being made; ask again in a minute".to_owned()),
        Ok(Err(error)) => Err(format!("the library cannot be read: {error:#}")),
        Err(error) => Err(format!("the library cannot be read: {error}")),
    }
}
