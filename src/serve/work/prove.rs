//! A search for one proof.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Tell, Verdict, apart, tell_of};
use crate::lean::Pool;
use crate::problem::Problem;
use crate::prover::{self, Finish, Guide, ProveError};
use crate::search::{Budget, SearchError, StopReason};
use crate::serve::desk::{Desk, Outfit};
use crate::serve::pictures::Watch;

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
            finish: Finish::Shorten,
            ..outfit.setting.guide(&minds, value.as_ref())
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
