//! The `sorry`s of a file, filled where they stand.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use similar::TextDiff;
use tokio_util::sync::CancellationToken;

use super::{Tell, Verdict, apart, tell_of};
use crate::fill;
use crate::formats::Theorem;
use crate::lean::{Hole, Pool};
use crate::prover::{Guide, PoolOracle, ProveError};
use crate::search::Budget;
use crate::serve::desk::{Desk, Outfit};

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
                ..outfit.setting.guide(&minds, value.as_ref())
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
