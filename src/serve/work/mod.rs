//! What a client can have done, in the words that MCP and HTTP share: prove, fill, verify, try tactics, find theorems.
//!
//! Every answer says accepted, refused, or could not be checked, and why. Stands on the library's own functions; searches
//! run on threads of their own, so that the server goes on answering.

mod fill;
mod library;
mod prove;
mod tactics;
mod verify;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Outfit, STOPS};
use crate::lean::Pool;

pub use fill::{FillAsk, Filled, fill};
pub use library::{Premise, named, premises};
pub use prove::{ProveAsk, Proved, prove};
pub use tactics::{TacticsAsk, Tried, tactics};
pub use verify::{Verified, VerifyAsk, verify};

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
                () = stop.cancelled() => Err(STOPS.to_owned()),
            }
        })
    });
    work.await.unwrap_or_else(|e| Err(format!("the search failed: {e}")))
}

fn tell_of(tell: &Tell, p: &crate::search::Progress) {
    tell.send_replace(Progress { checks: p.checks, goals: p.goals, depth: p.depth, trying: p.trying.clone() });
}
