//! A pool of Lean workers: batches and whole documents from many clients, restarts, and a memory of verdicts.
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
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::document::{Document, UNREACHED, admit};
use super::queue::{Lane, Queue};
use super::reading::{Reading, Snippet, runs_code};
use super::room::{Place, Room};
use super::runaway;
use super::session::{Limits, Session, SessionError};
use super::syntax::{imports, tokens};
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

/// A batch or a document, and who waits for the answer.
enum Job {
    Batch(Batch, oneshot::Sender<Vec<Verdict>>),
    Snippet(Snippet, oneshot::Sender<Result<Reading, String>>),
}

type Key = [u8; 16];

/// The oracle: judges batches and documents on a number of Lean processes. Workers start with the first job and end, with
/// their processes, when the pool and all its clients' handles are dropped.
pub struct Pool {
    shared: Arc<Shared>,
    lane: Lane<Job>,
}

/// What all handles of a pool share.
struct Shared {
    queue: Arc<Queue<Job>>,
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
        let queue = Queue::new(options.workers.max(1) * 2);
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
                    start: Duration::ZERO,
                    counters: counters.clone(),
                    pids: pids.clone(),
                };
                tokio::spawn(worker.run(queue.clone()))
            })
            .collect();
        let memory = Mutex::new(LruCache::new(NonZeroUsize::new(REMEMBERED).expect("not zero")));
        let lane = queue.lane("");
        Pool {
            shared: Arc::new(Shared { queue, memory, counters, pids, workers, toolchain, options, side: OnceLock::new() }),
            lane,
        }
    }

    /// A handle for one request of a client. Clients take turns at the workers, and so do the requests of a client.
    pub fn client(&self, name: &str) -> Pool {
        Pool { shared: self.shared.clone(), lane: self.shared.queue.lane(name) }
    }

    /// A pool of one worker for questions under other imports; it starts with the first of them.
    pub fn side(&self) -> &Pool {
        let make = || Box::new(Pool::new(self.shared.toolchain.clone(), PoolOptions { workers: 1, ..self.shared.options }));
        self.shared.side.get_or_init(make)
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
            let known = self.shared.memory.lock().ok().and_then(|mut m| m.get(&key).cloned());
            if known.is_some() {
                self.shared.counters.remembered.fetch_add(1, Ordering::Relaxed);
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
                    && let Ok(mut memory) = self.shared.memory.lock()
                {
                    memory.put(key, verdict);
                }
            }
        }
        verdicts.into_iter().map(|v| v.unwrap_or_else(|| Verdict::Crashed("no answer".into()))).collect()
    }

    async fn ask(&self, batch: Batch) -> Vec<Verdict> {
        let (answer, answered) = oneshot::channel();
        let imports = imports(&batch.header);
        self.lane.put(Job::Batch(batch, answer), imports).await;
        answered.await.unwrap_or_default()
    }

    /// Elaborates a document that nothing else shares. Dropping the future gives it up.
    ///
    /// # Errors
    /// When Lean dies on it again and again: why.
    pub async fn read(&self, snippet: Snippet) -> Result<Reading, String> {
        let (answer, answered) = oneshot::channel();
        let imports = snippet.imports.clone();
        self.lane.put(Job::Snippet(snippet, answer), imports).await;
        answered.await.unwrap_or_else(|_| Err("the pool has ended".into()))
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
        &self.shared.counters
    }

    /// Jobs that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.shared.queue.waiting()
    }

    /// Has a Lean process ready for what comes: a proof that is to be verified, or a worker that is lost.
    pub fn prepare(&self) {
        self.shared.toolchain.prepare();
    }

    /// Process ids of the live workers, for tests that kill them and for `doctor`.
    pub fn pids(&self) -> Vec<u32> {
        self.shared.pids.lock().map(|p| p.values().copied().collect()).unwrap_or_default()
    }
}

impl Drop for Shared {
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
    async fn run(mut self, queue: Arc<Queue<Job>>) {
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
