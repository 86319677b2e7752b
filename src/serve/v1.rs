//! qstar's own HTTP, for what other servers do not have: verdicts with certificates, proofs, tactics in batches.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{self, Stream};
use futures::{FutureExt, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::desk::Desk;
use super::http::{Body, Caller, Problem};
use super::work::{self, Progress, ProveAsk, TacticsAsk, Tried, Verdict, Verified, VerifyAsk};

/// Between two events of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// Goals of one request that are on their way at a time.
const ABREAST: usize = 8;

/// `POST /v1/verify`.
pub async fn verify(State(desk): State<Arc<Desk>>, caller: Caller, Body(ask): Body<VerifyAsk>) -> Json<Verified> {
    Json(work::verify(&desk, &caller.0, ask).await)
}

/// `POST /v1/prove`: events `progress`, then one `result`. Who closes the connection ends the search.
pub async fn prove(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(ask): Body<ProveAsk>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (tell, told) = watch::channel(Progress::default());
    let work = async move { work::prove(&desk, &caller.0, ask, tell).await }.boxed();
    let events = stream::unfold(Some((work, told, Instant::now())), |state| async move {
        let (mut work, mut told, next) = state?;
        // A reader who is slow gets the newest only: nothing piles up.
        let moved = async {
            tokio::time::sleep_until(next).await;
            if told.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let done = tokio::select! {
            biased;
            done = &mut work => Some(done),
            () = moved => None,
        };
        Some(match done {
            Some(done) => (event("result", &done), None),
            None => {
                let now = told.borrow_and_update().clone();
                (event("progress", &now), Some((work, told, Instant::now() + PROGRESS_EVERY)))
            }
        })
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn event(name: &str, data: &impl Serialize) -> Result<Event, Infallible> {
    // What is put there is plain data, which can always be written.
    let text = serde_json::to_string(data).unwrap_or_default();
    Ok(Event::default().event(name).data(text))
}

/// Goals, each with its tactics.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TacticsRequest {
    pub items: Vec<TacticsAsk>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TacticsResponse {
    /// In the order of the goals.
    pub results: Vec<GoalResult>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GoalResult {
    /// `could_not_check` when the goal cannot be read; its tactics have verdicts of their own.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In the order of the tactics.
    pub tactics: Vec<Tried>,
}

/// `POST /v1/tactics`.
pub async fn tactics(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(request): Body<TacticsRequest>,
) -> Result<Json<TacticsResponse>, Problem> {
    desk.outfit().await.map_err(Problem::no_lean)?;
    let one = |ask| {
        let (desk, client) = (desk.clone(), caller.0.clone());
        async move {
            match work::tactics(&desk, &client, ask).await {
                Ok(tactics) => GoalResult { verdict: Verdict::Accepted, reason: None, tactics },
                Err(reason) => GoalResult { verdict: Verdict::CouldNotCheck, reason: Some(reason), tactics: Vec::new() },
            }
        }
    };
    let results = stream::iter(request.items.into_iter().map(one).collect::<Vec<_>>()).buffered(ABREAST).collect().await;
    Ok(Json(TacticsResponse { results }))
}
