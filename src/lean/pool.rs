//! A pool of Lean workers: a bounded queue of batches, restarts, and a memory of verdicts.
//!
//! A job survives its worker: what was not judged when the worker died goes to a fresh one, at most twice; then its
//! candidates count as crashed. Suspect batches are split in halves, down to single candidates.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::document::{Document, UNREACHED, admit};
use super::room::{Place, Room};
use super::runaway;
use super::session::{Limits, Session, SessionError};
use super::syntax::imports;
use super::verdict::{Batch, Candidate, Hole, Verdict};
use crate::toolchain::Toolchain;

/// How often a candidate may lose its worker before it counts as crashed.
const MAX_TRIES: u32 = 3;
/// How long a document whose answer nobody waits for may go on.
const GRACE: Duration = Duration::from_secs(4);
/// Verdicts remembered in a run.
const REMEMBERED: usize = 200_000;

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

struct Job {
    batch: Batch,
    answer: oneshot::Sender<Vec<Verdict>>,
}

type Key = [u8; 16];

/// The oracle: judges batches on a number of Lean processes. Workers start with the first batch and end, with their
/// processes, when the pool is dropped.
pub struct Pool {
    queue: mpsc::Sender<Job>,
    memory: Mutex<LruCache<Key, Verdict>>,
    counters: Arc<Counters>,
    pids: Arc<Mutex<HashMap<usize, u32>>>,
    workers: Vec<JoinHandle<()>>,
    toolchain: Arc<Toolchain>,
    options: PoolOptions,
    /// A worker for documents with other imports: those that have none of their own would start anew each time.
    side: OnceLock<Box<Pool>>,
}

impl Pool {
    /// Starts the tasks of a pool.
    pub fn new(toolchain: Arc<Toolchain>, options: PoolOptions) -> Pool {
        let (queue, jobs) = mpsc::channel(options.workers.max(1) * 2);
        let jobs = Arc::new(tokio::sync::Mutex::new(jobs));
        let counters = Arc::new(Counters::default());
        let pids = Arc::new(Mutex::new(HashMap::new()));
        let room = Arc::new(Room::default());
        let workers = (0..options.workers.max(1))
            .map(|number| {
                let worker = Worker {
                    number,
                    toolchain: toolchain.clone(),
                    options,
                    session: None,
                    place: None,
                    room: room.clone(),
                    imports: String::new(),
                    served: 0,
                    counters: counters.clone(),
                    pids: pids.clone(),
                };
                tokio::spawn(worker.run(jobs.clone()))
            })
            .collect();
        let memory = Mutex::new(LruCache::new(NonZeroUsize::new(REMEMBERED).expect("not zero")));
        Pool { queue, memory, counters, pids, workers, toolchain, options, side: OnceLock::new() }
    }

    /// A pool of one worker for questions under other imports; it starts with the first of them.
    pub fn side(&self) -> &Pool {
        let make = || Box::new(Pool::new(self.toolchain.clone(), PoolOptions { workers: 1, ..self.options }));
        self.side.get_or_init(make)
    }

    /// Judges a batch; one verdict for each candidate, in order. Never fails: what cannot be judged is
    /// [`Verdict::Crashed`]. Dropping the future gives up the answer, not the worker.
    pub async fn check(&self, batch: Batch) -> Vec<Verdict> {
        let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(batch.candidates.len());
        let mut ask: Vec<Candidate> = Vec::new();
        let mut places: HashMap<Key, Vec<usize>> = HashMap::new();
        let mut order: Vec<Key> = Vec::new();
        let seed = Sha256::new().chain_update(batch.header.as_bytes()).chain_update([0]);
        for (i, candidate) in batch.candidates.iter().enumerate() {
            let key = key(seed.clone(), candidate);
            let known = self.memory.lock().ok().and_then(|mut m| m.get(&key).cloned());
            if known.is_some() {
                self.counters.remembered.fetch_add(1, Ordering::Relaxed);
                verdicts.push(known);
            } else if let Err(refusal) = admit(candidate) {
                verdicts.push(Some(Verdict::Refused(refusal)));
            } else {
                verdicts.push(None);
                let twins = places.entry(key).or_default();
                if twins.is_empty() {
                    ask.push(candidate.clone());
                    order.push(key);
                }
                twins.push(i);
            }
        }
        if !ask.is_empty() {
            let answers = self.ask(Batch { candidates: ask, ..batch }).await;
            for (key, verdict) in order.into_iter().zip(answers) {
                for &i in &places[&key] {
                    verdicts[i] = Some(verdict.clone());
                }
                if !matches!(verdict, Verdict::Crashed(_))
                    && let Ok(mut memory) = self.memory.lock()
                {
                    memory.put(key, verdict);
                }
            }
        }
        verdicts.into_iter().map(|v| v.unwrap_or_else(|| Verdict::Crashed("no answer".into()))).collect()
    }

    async fn ask(&self, batch: Batch) -> Vec<Verdict> {
        let (answer, answered) = oneshot::channel();
        let sent = self.queue.send(Job { batch, answer }).await;
        match sent {
            Ok(()) => answered.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Whether Lean judges anything at all: after a crash it tells a statement that kills workers from a Lean that fails.
    pub async fn is_alive(&self) -> bool {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        // Another text each time, so that no memory answers.
        let tactic = format!("trivial -- {}", ASKED.fetch_add(1, Ordering::Relaxed));
        let hole = Arc::new(Hole::whole("example : True"));
        let batch = Batch { header: "".into(), candidates: vec![Candidate { hole, tactic, heartbeats: 8000 }] };
        self.check(batch).await == [Verdict::Closed]
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Has a Lean process ready for what comes: a proof that is to be verified, or a worker that is lost.
    pub fn prepare(&self) {
        self.toolchain.prepare();
    }

    /// Process ids of the live workers, for tests that kill them and for `doctor`.
    pub fn pids(&self) -> Vec<u32> {
        self.pids.lock().map(|p| p.values().copied().collect()).unwrap_or_default()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.workers.iter().for_each(JoinHandle::abort);
    }
}

fn key(seed: Sha256, candidate: &Candidate) -> Key {
    let mut hash = seed.chain_update(candidate.heartbeats.to_le_bytes()).chain_update([u8::from(candidate.hole.scoped)]);
    for part in [&candidate.hole.before, &candidate.hole.after, &candidate.tactic] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    std::array::from_fn(|i| digest[i])
}

/// One task and the Lean process it holds.
struct Worker {
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
    counters: Arc<Counters>,
    pids: Arc<Mutex<HashMap<usize, u32>>>,
}

/// Part of a batch on its way: places in the batch, and how often a worker was lost on it.
struct Part {
    places: Vec<usize>,
    tries: u32,
}

impl Worker {
    async fn run(mut self, jobs: Arc<tokio::sync::Mutex<mpsc::Receiver<Job>>>) {
        loop {
            if self.session.is_none() {
                self.room.wait().await;
            }
            let job = jobs.lock().await.recv().await;
            let Some(mut job) = job else { return };
            // Nobody waits for it any more: a search that ended.
            if job.answer.is_closed() {
                continue;
            }
            let verdicts = {
                let mut judged = std::pin::pin!(self.judge(&job.batch));
                tokio::select! {
                    verdicts = &mut judged => Some(verdicts),
                    // A document that ends soon costs less than a new worker.
                    () = job.answer.closed() => tokio::time::timeout(GRACE, judged).await.ok(),
                }
            };
            match verdicts {
                Some(verdicts) => drop(job.answer.send(verdicts)),
                // Given up in the middle of a document: the session's state is unknown.
                None => self.drop_session(),
            }
        }
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
        if self.served >= self.options.renew_after || self.imports != imports {
            self.drop_session();
        }
        self.imports = imports;
        if self.session.is_none() {
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
        let Some(session) = &mut self.session else { unreachable!("just started") };
        self.served += 1;
        self.counters.documents.fetch_add(1, Ordering::Relaxed);
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

    fn drop_session(&mut self) {
        self.session = None;
        self.place = None;
        if let Ok(mut pids) = self.pids.lock() {
            pids.remove(&self.number);
        }
    }
}
