//! Proofs verified in the background while searches go on: what comes in while a process is at work waits, and goes
//! together into the next one, theorems of one header in one document.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Certificate, Rejection, bulk};
use crate::problem::Problem;
use crate::toolchain::Toolchain;

/// Proofs that may wait; who brings more waits itself.
const WAITING: usize = 256;

struct Ask {
    problem: Problem,
    proof: String,
    time: Duration,
    answer: oneshot::Sender<Result<Certificate, Rejection>>,
}

/// A verifier for many searches. What it has not judged is given up when it is dropped.
pub struct Queue {
    asks: mpsc::Sender<Ask>,
    task: JoinHandle<()>,
}

impl Queue {
    /// A queue for proofs of one Lean.
    pub fn new(toolchain: Arc<Toolchain>) -> Queue {
        let (asks, asked) = mpsc::channel(WAITING);
        Queue { asks, task: tokio::spawn(serve(toolchain, asked)) }
    }

    /// As [`super::verify`], with whatever else waits: `time` is for Lean, and the wait for those before it does not count.
    ///
    /// # Errors
    /// The rejection; `Process` and `TimedOut` say nothing of the proof.
    pub async fn verify(&self, problem: &Problem, proof: &str, time: Duration) -> Result<Certificate, Rejection> {
        let ended = || Rejection::Process("the verifier ended".into());
        let (answer, answered) = oneshot::channel();
        let ask = Ask { problem: problem.clone(), proof: proof.to_owned(), time, answer };
        self.asks.send(ask).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(toolchain: Arc<Toolchain>, mut asked: mpsc::Receiver<Ask>) {
    let mut batch = Vec::new();
    while asked.recv_many(&mut batch, WAITING).await > 0 {
        // A search that has ended waits for nothing.
        batch.retain(|ask: &Ask| !ask.answer.is_closed());
        tracing::debug!(proofs = batch.len(), "verified together");
        let proofs = batch.iter().map(|ask| (ask.problem.clone(), ask.proof.clone())).collect();
        // Those who share a process share its time.
        let time = batch.iter().map(|ask| ask.time).max().unwrap_or_default();
        let verdicts = bulk::certify(&toolchain, proofs, 1, time, CancellationToken::new(), |_| ()).await;
        for (ask, verdict) in batch.drain(..).zip(verdicts) {
            let _ = ask.answer.send(verdict);
        }
    }
}
