//! What all clients share: Lean and its workers, the checker, the limits, the counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::check::{Checked, Checker, End, Question};
use super::gate::Gate;
use super::metrics::{Metrics, Now};
use super::pictures::Pictures;
use super::roots::Roots;
use crate::bench::config::Setting;
use crate::lean::Pool;
use crate::policy::choice::Policies;
use crate::toolchain::Toolchain;
use crate::toolchain::processes::Tree;
use crate::verify::Originals;

/// How long what runs may go on when the server is to end.
const CLOSING: Duration = Duration::from_secs(5);
/// And how long the answers may then take on their way.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What those are told who wait for a server that ends.
pub const STOPS: &str = "the server stops";

/// What a client may ask of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request.
    pub body: usize,
    /// Requests that run at a time.
    pub running: usize,
    /// Requests that wait.
    pub queue: usize,
    /// Searches (`prove`, `fill`) that run at a time.
    pub searches: usize,
    /// The most that a client may ask for, for one snippet, search or verification.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { body: 16 << 20, running: 64, queue: 1024, searches: 4, time: Duration::from_secs(600) }
    }
}

/// Lean and what guides its searches; made ready while the server already answers.
pub struct Outfit {
    pub toolchain: Arc<Toolchain>,
    pub pool: Pool,
    pub policies: Policies,
    pub setting: Setting,
    pub workers: usize,
    /// What candidates were judged against.
    pub originals: Originals,
}

/// The outfit, once it is ready, or why there is none.
type Ready = Option<Result<Arc<Outfit>, String>>;

/// The state of a server.
pub struct Desk {
    pub limits: Limits,
    pub roots: Roots,
    pub gate: Gate,
    pub metrics: Metrics,
    pub pictures: Pictures,
    /// Cancelled when the server is to end.
    pub stop: CancellationToken,
    /// Cancelled when what ran has been answered.
    pub closed: CancellationToken,
    searches: Arc<Semaphore>,
    checker: Checker,
    ready: watch::Sender<Ready>,
}

impl Desk {
    pub fn new(limits: Limits, roots: Roots, stop: CancellationToken) -> Desk {
        Desk {
            gate: Gate::new(limits.running, limits.queue),
            searches: Arc::new(Semaphore::new(limits.searches.max(1))),
            limits,
            roots,
            metrics: Metrics::default(),
            pictures: Pictures::default(),
            stop,
            closed: CancellationToken::new(),
            checker: Checker::default(),
            ready: watch::Sender::new(None),
        }
    }

    /// Says that Lean is ready, or why it never will be.
    pub fn open(&self, outfit: Result<Arc<Outfit>, String>) {
        self.ready.send_replace(Some(outfit));
    }

    /// Lean, as soon as it is ready.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn outfit(&self) -> Result<Arc<Outfit>, String> {
        let mut ready = self.ready.subscribe();
        let known = ready.wait_for(Option::is_some).await.map_err(|e| e.to_string())?;
        known.clone().unwrap_or_else(|| Err("Lean is not ready".to_owned()))
    }

    /// Lean, if it is ready.
    pub fn outfit_now(&self) -> Ready {
        self.ready.borrow().clone()
    }

    /// A place among the searches.
    pub async fn search_place(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.searches.clone().acquire_owned().await.ok()
    }

    /// A time that a client asks for, in seconds, within the limits.
    pub fn time(&self, wished: Option<f64>, default: f64) -> Duration {
        let seconds = wished.filter(|s| s.is_finite() && *s >= 0.0).unwrap_or(default);
        Duration::from_secs_f64(seconds.min(self.limits.time.as_secs_f64()))
    }

    /// The moment when what still runs must be given up.
    pub async fn closing(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(CLOSING).await;
    }

    /// Waits until the server is to end and what ran has been answered; or until nobody is there for an answer.
    pub async fn close(&self) {
        let answered = async {
            self.stop.cancelled().await;
            let _ = tokio::time::timeout(CLOSING + LAST_WORDS, self.gate.empty()).await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = answered => self.closed.cancel(),
            () = self.closed.cancelled() => {}
        }
    }

    /// Judges a snippet for a client.
    pub async fn check(&self, pool: &Arc<Pool>, question: Question<'_>) -> Arc<Checked> {
        let checked = tokio::select! {
            checked = self.checker.check(pool, question) => checked,
            () = self.closing() => Arc::new(Checked::failed(STOPS.to_owned())),
        };
        self.metrics.judged(match &checked.end {
            End::TimedOut { .. } => "timed_out",
            End::Failed(_) => "failed",
            End::Whole if checked.has_errors() => "error",
            End::Whole if checked.sorries.is_empty() => "valid",
            End::Whole => "sorry",
        });
        checked
    }

    /// Judges a snippet for a client, as soon as Lean is ready.
    ///
    /// # Errors
    /// Why there is no Lean.
    pub async fn check_for(&self, client: &str, question: Question<'_>) -> Result<Arc<Checked>, String> {
        let outfit = self.outfit().await?;
        Ok(self.check(&Arc::new(outfit.pool.client(client)), question).await)
    }

    /// The page of counters.
    pub fn counters(&self) -> String {
        let (running_requests, queued_requests) = (self.gate.running(), self.gate.waiting());
        let mut now = Now { running_requests, queued_requests, ..Now::default() };
        if let Some(Ok(outfit)) = self.outfit_now() {
            let counters = outfit.pool.counters();
            now.documents = counters.documents.load(Ordering::Relaxed);
            now.restarts = counters.lost_workers.load(Ordering::Relaxed);
            now.queued_jobs = outfit.pool.waiting();
            let pids = outfit.pool.pids();
            now.workers = pids.len();
            now.memory = pids.into_iter().map(|pid| Tree::new(pid).private()).sum();
        }
        self.metrics.page(now)
    }
}
