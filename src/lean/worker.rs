//! A worker of the pool: one task that holds a Lean process, starts it anew when it is lost, and judges what the queue gives it.
//!
//! Knows the session, the document and the queue; not the pool, nor its memory of verdicts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::document::{Document, UNREACHED};
use super::queue::Queue;
use super::reading::{Reading, Snippet, runs_code};
use super::room::{Place, Room};
use super::runaway;
use super::session::{Limits, Session, SessionError};
use super::syntax::{imports, tokens};
use super::verdict::{Batch, Candidate, Verdict};
use crate::toolchain::Toolchain;

/// How often a candidate may lose its worker before it counts as crashed.
const MAX_TRIES: u32 = 3;
/// How long a document whose answer nobody waits for may go on.
const GRACE: Duration = Duration::from_secs(4);

/// Size and limits of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    pub workers: usize,
    pub limits: Limits,
    /// Most candidates in one document.
    pub batch: usize,
    /// Documents after which a worker is replaced.
    pub renew_after: u32,
}

impl Default for PoolOptions {
    fn default() -> Self {
        PoolOptions { workers: 1, limits: Limits::default(), batch: 64, renew_after: 2000 }
    }
}

/// What a pool has done so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Candidates that Lean judged.
    pub checks: AtomicU64,
    /// Answers from memory.
    pub remembered: AtomicU64,
    /// Workers that were started; each imports once.
    pub starts: AtomicU64,
    /// Documents sent.
    pub documents: AtomicU64,
    /// Workers that died, hung or grew too big.
    pub lost_workers: AtomicU64,
}

/// A batch or a document, and who waits for the answer.
pub(super) enum Job {
    Batch(Batch, oneshot::Sender<Vec<Verdict>>),
    Snippet(Snippet, oneshot::Sender<Result<Reading, String>>),
}

/// One task and the Lean process it holds.
pub(super) struct Worker {
    number: usize,
    toolchain: Arc<Toolchain>,
    options: PoolOptions,
    session: Option<Session>,
    /// What the session takes of the machine's memory.
    place: Option<Place>,
    room: Arc<Room>,
    /// What the session has imported: Lean ends, or hangs, when that changes.
    imports: String,
    served: u32,
    /// What the last start took.
    start: Duration,
    counters: Arc<Counters>,
    pids: Arc<Mutex<HashMap<usize, u32>>>,
}

/// Part of a batch on its way: places in the batch, and how often a worker was lost on it.
struct Part {
    places: Vec<usize>,
    tries: u32,
}

impl Worker {
    /// A worker that has no process yet: `pids` tells of the one it starts, by its number.
    pub(super) fn new(
        number: usize,
        toolchain: Arc<Toolchain>,
        options: PoolOptions,
        room: Arc<Room>,
        counters: Arc<Counters>,
        pids: Arc<Mutex<HashMap<usize, u32>>>,
    ) -> Worker {
        Worker {
            number,
            toolchain,
            options,
            session: None,
            place: None,
            room,
            imports: String::new(),
            served: 0,
            start: Duration::ZERO,
            counters,
            pids,
        }
    }

    /// Takes jobs from the queue and answers them, for as long as the pool lives.
    pub(super) async fn run(mut self, queue: Arc<Queue<Job>>) {
        loop {
            if self.session.is_none() {
                self.room.wait().await;
            }
            // Given up in the middle of a document, a session's state is unknown.
            let whole = match queue.next(self.number, self.start).await {
                (Job::Batch(batch, answer), _) => settle(self.judge(&batch), answer).await,
                (Job::Snippet(snippet, answer), _) => settle(self.read(&snippet), answer).await,
            };
            if !whole {
                self.drop_session();
            }
        }
    }

    /// Reads one document; one that loses its worker gets a fresh one, once: it may have been another's fault.
    async fn read(&mut self, snippet: &Snippet) -> Result<Reading, String> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.read_once(snippet).await {
                Ok(reading) => return Ok(reading),
                Err(error) => {
                    tracing::warn!(worker = self.number, "Lean worker lost: {error}");
                    self.counters.lost_workers.fetch_add(1, Ordering::Relaxed);
                    self.drop_session();
                    if tries >= MAX_TRIES - 1 {
                        return Err(error.to_string());
                    }
                }
            }
        }
    }

    async fn read_once(&mut self, snippet: &Snippet) -> Result<Reading, SessionError> {
        let begun = Instant::now();
        let cold = self.prepare(&snippet.imports).await?;
        let Some(session) = &mut self.session else { unreachable!("just prepared") };
        if cold {
            // The imports are not the document's time.
            session.elaborate(&snippet.imports).await?;
            if let (Some(place), Some(took)) = (&mut self.place, session.imported()) {
                place.settle(took);
            }
            self.start = begun.elapsed();
        }
        let start = Instant::now();
        let seen = session.elaborate_until(&snippet.text, start + snippet.time).await?;
        let time = start.elapsed();
        let mut goals = Vec::new();
        if seen.stuck_at.is_none() {
            for &(line, character) in &snippet.places {
                goals.push(session.goals_at(line, character).await?);
            }
        }
        self.counters.checks.fetch_add(1, Ordering::Relaxed);
        let reading =
            Reading { diagnostics: seen.diagnostics, stuck_at: seen.stuck_at, goals, time, memory: session.private_memory() };
        if reading.stuck_at.is_some() {
            self.counters.lost_workers.fetch_add(1, Ordering::Relaxed);
        }
        // Behind a comment that is left open, too, a server is not to be trusted with the next document.
        let rest = &snippet.text[snippet.imports.len()..];
        if reading.stuck_at.is_some() || runs_code(rest) || tokens(rest).is_err() {
            self.drop_session();
        }
        Ok(reading)
    }

    async fn judge(&mut self, batch: &Batch) -> Vec<Verdict> {
        let mut verdicts: Vec<Option<Verdict>> = vec![None; batch.candidates.len()];
        // What may run away comes last, each in a document of its own: it costs a worker, and no other candidate.
        let (alone, together): (Vec<usize>, Vec<usize>) =
            (0..batch.candidates.len()).partition(|&i| runaway::stands_alone(&batch.candidates[i]));
        let documents = together.chunks(self.options.batch.max(1)).chain(alone.chunks(1));
        let mut parts: Vec<Part> = documents.map(|c| Part { places: c.to_vec(), tries: 0 }).collect();
        parts.reverse();
        while let Some(part) = parts.pop() {
            let candidates: Vec<&Candidate> = part.places.iter().map(|&i| &batch.candidates[i]).collect();
            let document = Document::compile(&batch.header, &candidates);
            match self.elaborate(&document, &candidates, imports(&batch.header)).await {
                Ok((found, hung)) => {
                    let mut again = Vec::new();
                    for (&place, verdict) in part.places.iter().zip(found) {
                        match verdict {
                            Some(v) => {
                                self.counters.checks.fetch_add(1, Ordering::Relaxed);
                                verdicts[place] = Some(v);
                            }
                            None => again.push(place),
                        }
                    }
                    let half = if hung { again.len() } else { again.len().div_ceil(2) };
                    parts.extend(again.chunks(half.max(1)).rev().map(|c| Part { places: c.to_vec(), tries: 0 }));
                }
                Err(error) => {
                    tracing::warn!(worker = self.number, "Lean worker lost: {error}");
                    self.counters.lost_workers.fetch_add(1, Ordering::Relaxed);
                    self.drop_session();
                    let tries = part.tries + 1;
                    if tries < MAX_TRIES {
                        // In halves, so that one that kills its worker takes few others with it.
                        let half = part.places.len().div_ceil(if tries > 1 { 2 } else { 1 });
                        parts.extend(part.places.chunks(half).rev().map(|c| Part { places: c.to_vec(), tries }));
                    } else if part.places.len() > 1 {
                        parts.extend(part.places.iter().rev().map(|&p| Part { places: vec![p], tries: MAX_TRIES - 1 }));
                    } else {
                        verdicts[part.places[0]] = Some(Verdict::Crashed(error.to_string()));
                    }
                }
            }
        }
        verdicts.into_iter().map(|v| v.unwrap_or_else(|| Verdict::Crashed("not judged".into()))).collect()
    }

    /// Runs one document; the flag tells that the worker hung in it and was ended.
    async fn elaborate(
        &mut self,
        document: &Document,
        candidates: &[&Candidate],
        imports: String,
    ) -> Result<(Vec<Option<Verdict>>, bool), SessionError> {
        self.prepare(&imports).await?;
        let Some(session) = &mut self.session else { unreachable!("just prepared") };
        let since = Instant::now();
        let candidate = |line| document.patience(line);
        let seen = session.elaborate_behind(&document.text, document.beginning(), &candidate).await?;
        if let (Some(place), Some(took)) = (&mut self.place, session.imported()) {
            place.settle(took);
        }
        tracing::debug!(worker = self.number, bytes = document.text.len(), elapsed = ?since.elapsed(), "document");
        for (candidate, time) in candidates.iter().zip(document.times(&seen.reached)) {
            tracing::trace!(tactic = candidate.tactic, ?time, "candidate");
        }
        // Who has lost a worker may lose another.
        if self.counters.lost_workers.load(Ordering::Relaxed) > 0 {
            self.toolchain.prepare();
        }
        let verdicts = document.verdicts(&seen.diagnostics, seen.stuck_at);
        // Behind a comment that is left open, a server is not to be trusted with the next document.
        if verdicts.iter().flatten().any(|v| matches!(v, Verdict::Failed(message) if message == UNREACHED)) {
            self.drop_session();
        }
        if seen.stuck_at.is_some() {
            self.counters.lost_workers.fetch_add(1, Ordering::Relaxed);
            self.drop_session();
        }
        Ok((verdicts, seen.stuck_at.is_some()))
    }

    /// Makes sure of a session that may be given a document with these imports; true: it has seen nothing yet.
    async fn prepare(&mut self, imports: &str) -> Result<bool, SessionError> {
        if self.served >= self.options.renew_after || self.imports != imports {
            self.drop_session();
        }
        imports.clone_into(&mut self.imports);
        let cold = self.session.is_none();
        if cold {
            self.place = Some(self.room.enter(&self.imports));
            self.counters.starts.fetch_add(1, Ordering::Relaxed);
            tracing::info!(worker = self.number, imports = %self.imports.trim().replace('\n', ", "), "a Lean worker imports");
            let session = Session::start(&self.toolchain, self.room.limits(self.options.limits, &self.imports)).await?;
            if let Ok(mut pids) = self.pids.lock() {
                pids.insert(self.number, session.pid());
            }
            self.session = Some(session);
            self.served = 0;
        }
        self.served += 1;
        self.counters.documents.fetch_add(1, Ordering::Relaxed);
        Ok(cold)
    }

    fn drop_session(&mut self) {
        self.session = None;
        self.place = None;
        if let Ok(mut pids) = self.pids.lock() {
            pids.remove(&self.number);
        }
    }
}

/// Waits for an answer and hands it over; false when nobody waits for it any more and it was given up.
async fn settle<T>(work: impl Future<Output = T>, mut answer: oneshot::Sender<T>) -> bool {
    // Nobody waits for it any more: a search that ended, a client that left.
    if answer.is_closed() {
        return true;
    }
    let mut work = std::pin::pin!(work);
    let done = tokio::select! {
        done = &mut work => Some(done),
        // A document that ends soon costs less than a new worker.
        () = answer.closed() => tokio::time::timeout(GRACE, work).await.ok(),
    };
    done.map(|done| drop(answer.send(done))).is_some()
}
