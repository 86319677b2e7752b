//! Proofs verified in the background while searches go on: what comes in while a process is at work waits, and goes
//! together into the next one, theorems of one header in one document.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Certificate, Rejection, bulk};
use crate::problem::Problem;
use crate::toolchain::Toolchain;

/// Proofs that may wait; who brings more waits itself.
const WAITING: usize = 256;
/// A proof waits so long for company while others are searched for: an easy theorem needs less, a process of its own ten times as
/// much.
const COMPANY: Duration = Duration::from_millis(400);

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
    /// A queue for proofs of one Lean. Who searches holds one of the `turns`; with one to spare, two processes work at a time.
    pub fn new(toolchain: Arc<Toolchain>, turns: Arc<Semaphore>) -> Queue {
        let (asks, asked) = mpsc::channel(WAITING);
        Queue { asks, task: tokio::spawn(serve(toolchain, turns, asked)) }
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

async fn serve(toolchain: Arc<Toolchain>, turns: Arc<Semaphore>, mut asked: mpsc::Receiver<Ask>) {
    let (mut waiting, mut flights) = (Vec::new(), FuturesUnordered::new());
    let (mut open, mut company) = (true, None);
    loop {
        // A search that has ended waits for nothing.
        waiting.retain(|ask: &Ask| !ask.answer.is_closed());
        company = company.filter(|_| !waiting.is_empty());
        let spare = turns.available_permits() > 0;
        let due = spare || waiting.len() >= WAITING || company.is_some_and(|until| until <= Instant::now());
        let most = 1 + usize::from(spare);
        if due && !waiting.is_empty() && flights.len() < most {
            flights.push(judge(&toolchain, std::mem::take(&mut waiting)));
            company = None;
        }
        tokio::select! {
            came = asked.recv_many(&mut waiting, WAITING), if open && waiting.len() < WAITING => {
                open = came > 0;
                company.get_or_insert_with(|| Instant::now() + COMPANY);
            }
            Some(()) = flights.next() => {}
            // Also where the moment came since it was asked for; while no more processes may start, the end of one is waited for.
            () = sleep_until(company.unwrap_or_else(Instant::now)), if company.is_some() && flights.len() < most => {}
            else => break,
        }
    }
}

/// Judges proofs together, and answers those who wait.
async fn judge(toolchain: &Toolchain, batch: Vec<Ask>) {
    tracing::debug!(proofs = batch.len(), "verified together");
    let proofs = batch.iter().map(|ask| (ask.problem.clone(), ask.proof.clone())).collect();
    // Those who share a process share its time.
    let time = batch.iter().map(|ask| ask.time).max().unwrap_or_default();
    let verdicts = bulk::certify(toolchain, proofs, 1, time, CancellationToken::new(), |_| ()).await;
    for (ask, verdict) in batch.into_iter().zip(verdicts) {
        let _ = ask.answer.send(verdict);
    }
}
