//! qstar as a service: many clients, one pool of warm Lean workers.
//!
//! ```text
//!   agents ── MCP (stdio, /mcp) ──┐
//!   loops ─── HTTP (/api, /v1) ───┼── desk ── checker ── lean::Pool ── workers
//!                                 └── prover, fill, verify
//! ```
//!
//! Stands on `lean`, `prover`, `fill` and `verify`; knows no flags. [`desk`] is what clients share, [`gate`] how many may come
//! in, [`http`] who may come in, [`roots`] which files they may name; [`check`] judges snippets ([`snippet`]: as documents);
//! [`work`] does the rest; [`kimina`], [`v1`] and [`mcp`] are the protocols.

pub mod check;
pub mod desk;
pub mod gate;
pub mod http;
pub mod kimina;
pub mod mcp;
pub mod metrics;
pub mod openapi;
pub mod pictures;
pub mod roots;
pub mod snippet;
pub mod v1;
pub mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;

pub use desk::{Desk, Limits, Outfit};
pub use http::Access;
pub use roots::Roots;

/// How long requests at work may go on when the server is to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A place to listen at, taken.
///
/// # Errors
/// When the address is none, is taken, or must not be listened at with this access.
pub async fn listen(address: &str, access: &Access) -> Result<(TcpListener, SocketAddr)> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host(address)
        .await
        .with_context(|| format!("`{address}` is no address to listen at; write HOST:PORT, as 127.0.0.1:8000"))?
        .collect();
    let first = *found.first().with_context(|| format!("`{address}` leads nowhere"))?;
    access.suits(first).map_err(|why| anyhow!(why))?;
    let listener = TcpListener::bind(first).await.with_context(|| format!("cannot listen at {first}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves HTTP until the desk is told to stop; while `outfit` is made ready, clients may already ask.
///
/// # Errors
/// When there is no Lean.
pub async fn run_http(
    desk: Arc<Desk>,
    access: Access,
    (listener, address): (TcpListener, SocketAddr),
    outfit: impl Future<Output = Result<Outfit>>,
) -> Result<()> {
    let router = http::router(desk.clone(), access, address);
    let served = http::serve(listener, router, &desk, PATIENCE);
    let ready = async {
        let made = tokio::select! {
            made = outfit => made,
            () = desk.stop.cancelled() => return Ok(()),
        };
        match open(&desk, made) {
            Ok(outfit) => warm(&desk, &outfit).await,
            // Nothing can be served without; those who wait are told first.
            Err(error) => {
                desk.stop.cancel();
                return Err(error);
            }
        }
        Ok(())
    };
    let ((), ready, ()) = tokio::join!(served, ready, desk.close());
    ready
}

/// Speaks MCP on the standard streams until the client leaves; what is wrong with Lean is told by the tools.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn run_stdio(desk: Arc<Desk>, outfit: impl Future<Output = Result<Outfit>>) -> Result<()> {
    let ready = async {
        tokio::select! {
            made = outfit => match open(&desk, made) {
                Ok(outfit) => warm(&desk, &outfit).await,
                Err(error) => tracing::error!("{error:#}"),
            },
            () = desk.stop.cancelled() => {}
        }
    };
    let ((), served, ()) = tokio::join!(ready, mcp::serve_stdio(&desk), desk.close());
    served
}

/// Tells the desk how the outfit came out.
fn open(desk: &Desk, made: Result<Outfit>) -> Result<Arc<Outfit>> {
    let made = made.map(Arc::new);
    desk.open(made.as_ref().map_err(|e| format!("{e:#}")).cloned());
    made
}

/// Starts every worker, so that nobody waits for a process.
async fn warm(desk: &Desk, outfit: &Outfit) {
    let empty = || crate::lean::Snippet {
        imports: String::new(),
        text: snippet::Text::new("").document.into(),
        time: Duration::from_secs(60),
        places: Vec::new(),
    };
    // Each lane of its own, so that no worker takes two.
    let lanes: Vec<_> = (0..outfit.workers).map(|n| outfit.pool.client(&format!("warm {n}"))).collect();
    let started = tokio::select! {
        started = futures::future::join_all(lanes.iter().map(|lane| lane.read(empty()))) => started,
        () = desk.stop.cancelled() => return,
    };
    for problem in started.into_iter().filter_map(Result::err) {
        tracing::warn!("a worker could not be started: {problem}");
    }
    tracing::info!(workers = outfit.workers, lean = outfit.toolchain.version, "ready");
}
