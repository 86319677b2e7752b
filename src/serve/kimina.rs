//! Kimina Lean Server's HTTP, so that clients of it work by changing the address: `POST /api/check` and, older,
//! `POST /verify`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{Checked, End, Message, Question, Sorry};
use super::desk::Desk;
use super::http::{Body, Caller, Problem};
use crate::lean::Pool;

/// Snippets of one request that are on their way at a time.
const ABREAST: usize = 32;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Snippet {
    /// Comes back with the result.
    pub id: String,
    /// Lean, imports first.
    pub code: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct CheckRequest {
    /// At least one; each with an id of its own.
    pub snippets: Vec<Snippet>,
    /// Seconds for each snippet; a worker's start and its imports are not counted.
    #[serde(default = "half_a_minute")]
    pub timeout: f64,
    /// Say which worker answered and what memory it held.
    #[serde(default)]
    pub debug: bool,
    /// With `false`, what was judged before does not answer.
    #[serde(default = "yes")]
    pub reuse: bool,
    /// Accepted. What there is of it comes unasked: the goal of each `sorry`.
    #[serde(default)]
    pub infotree: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckResponse {
    /// In the order of the snippets.
    pub results: Vec<CheckResult>,
}

/// Either `response` or `error` is there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckResult {
    pub id: String,
    /// Seconds of the elaboration.
    pub time: f64,
    /// Why Lean could not judge it; has the words `timed out` when time was up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<CommandResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
}

/// What Lean's REPL would say: lines from 1, columns from 0, in characters.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandResponse {
    /// No environment is kept: each snippet is whole.
    pub env: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sorries: Vec<Sorry>,
    /// In the older protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Diagnostics {
    /// Bytes that the worker held.
    pub memory_max: u64,
}

fn half_a_minute() -> f64 {
    30.0
}

fn five_minutes() -> f64 {
    300.0
}

fn yes() -> bool {
    true
}

/// `POST /api/check`.
pub async fn check(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(request): Body<CheckRequest>,
) -> Result<Json<CheckResponse>, Problem> {
    let time = desk.time(Some(request.timeout), half_a_minute());
    let mut ids: Vec<&str> = request.snippets.iter().map(|s| s.id.as_str()).collect();
    ids.sort_unstable();
    if ids.is_empty() || ids.windows(2).any(|w| w[0] == w[1]) {
        return Err(Problem::input("`snippets` must not be empty, and no id may stand there twice"));
    }
    let codes = request.snippets.iter().map(|s| s.code.as_str());
    let checked = judge(&desk, &caller, codes, time, !request.reuse).await?;
    let results = request.snippets.iter().zip(checked).map(|(snippet, checked)| result(&snippet.id, &checked, request.debug));
    Ok(Json(CheckResponse { results: results.collect() }))
}

fn result(id: &str, checked: &Checked, debug: bool) -> CheckResult {
    let (error, response) = answer(checked, false);
    let diagnostics = debug.then_some(Diagnostics { memory_max: checked.memory });
    CheckResult { id: id.to_owned(), time: checked.seconds, error, response, diagnostics }
}

fn answer(checked: &Checked, older: bool) -> (Option<String>, Option<CommandResponse>) {
    match &checked.end {
        End::Whole => {
            let (messages, sorries) = (checked.messages.clone(), checked.sorries.clone());
            (None, Some(CommandResponse { env: 0, messages, sorries, time: older.then_some(checked.seconds) }))
        }
        End::TimedOut { limit, line } => {
            (Some(format!("Lean timed out in {} seconds, at line {line}", limit.as_secs_f64())), None)
        }
        End::Failed(reason) => (Some(format!("Lean could not judge it: {reason}")), None),
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Code {
    /// Text or number; comes back as text.
    pub custom_id: Value,
    /// Lean, imports first.
    #[serde(default)]
    pub proof: Option<String>,
    /// The same as `proof`.
    #[serde(default)]
    pub code: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct VerifyRequest {
    pub codes: Vec<Code>,
    /// Seconds for each.
    #[serde(default = "five_minutes")]
    pub timeout: f64,
    /// Accepted, as in `/api/check`.
    #[serde(default)]
    pub infotree_type: Option<String>,
    /// What was judged before does not answer.
    #[serde(default)]
    pub disable_cache: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyResponse {
    /// In the order of the codes.
    pub results: Vec<VerifyResult>,
}

/// One of `response` and `error` is `null`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyResult {
    pub custom_id: String,
    pub error: Option<String>,
    pub response: Option<CommandResponse>,
}

/// `POST /verify`.
pub async fn verify(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<VerifyResponse>, Problem> {
    let time = desk.time(Some(request.timeout), five_minutes());
    let mut asked = Vec::new();
    for code in &request.codes {
        let id = match &code.custom_id {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            other => return Err(Problem::input(&format!("`custom_id` is neither text nor number: {other}"))),
        };
        let Some(text) = code.proof.as_ref().or(code.code.as_ref()) else {
            return Err(Problem::input(&format!("`{id}` has neither `proof` nor `code`")));
        };
        asked.push((id, text));
    }
    let codes = asked.iter().map(|(_, text)| text.as_str());
    let checked = judge(&desk, &caller, codes, time, request.disable_cache).await?;
    let results = asked.iter().zip(checked).map(|((id, _), checked)| {
        let (error, response) = answer(&checked, true);
        VerifyResult { custom_id: id.clone(), error, response }
    });
    Ok(Json(VerifyResponse { results: results.collect() }))
}

/// Judges snippets side by side; in their order.
async fn judge(
    desk: &Desk,
    caller: &Caller,
    codes: impl Iterator<Item = &str>,
    time: Duration,
    fresh: bool,
) -> Result<Vec<Arc<Checked>>, Problem> {
    let outfit = desk.outfit().await.map_err(Problem::no_lean)?;
    let pool: Arc<Pool> = Arc::new(outfit.pool.client(&caller.0));
    let ask = |code| {
        let pool = pool.clone();
        async move { desk.check(&pool, Question { fresh, ..Question::new(code, time) }).await }
    };
    Ok(stream::iter(codes.map(ask).collect::<Vec<_>>()).buffered(ABREAST).collect().await)
}
