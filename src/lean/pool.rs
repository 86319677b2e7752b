//! A pool of Lean workers: batches and whole documents from many clients, restarts, and a memory of verdicts.
//!
//! A job survives its worker: what was not judged when the worker died goes to a fresh one, at most twice; then its
//! candidates count as crashed. Suspect batches are split in halves, down to single candidates.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::document::admit;
use super::queue::{Lane, Queue};
use super::reading::{Reading, Snippet};
use super::room::Room;
use super::syntax::imports;
use super::verdict::{Batch, Candidate, Hole, Verdict};
pub use super::worker::{Counters, PoolOptions};
use super::worker::{Job, Worker};
use crate::toolchain::Toolchain;

/// Verdicts remembered in a run.
const REMEMBERED: usize = 200_000;

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
                let worker = Worker::new(number, toolchain.clone(), options, room.clone(), counters.clone(), pids.clone());
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
        let batch = Batch { header: "".into(), candidates: vec![Candidate::new(hole, tactic, 8000)] };
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
