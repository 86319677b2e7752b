//! A queue of jobs for warm workers: fair between clients, bounded for each, and sparing with changes of imports.
//!
//! ```text
//!   client ─┬─ request ─ jobs in order          a worker takes the next job of the next request of the next client,
//!           └─ request ─ jobs in order          but stays with the imports it holds while that starves nobody
//!   client ─── request ─ jobs in order
//! ```
//!
//! Knows nothing of Lean but that a change of imports is dear.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long at least a worker stays with its imports while others wait for other ones.
const QUANTUM: Duration = Duration::from_secs(5);
/// How long in times of what its start took: so much of its time is work.
const STARTS: u32 = 4;

/// Jobs on their way to workers.
pub struct Queue<J> {
    state: Mutex<State<J>>,
    more: Notify,
    /// Jobs that one request may have waiting.
    room: usize,
}

struct State<J> {
    /// Those with jobs, the next to be served first.
    clients: VecDeque<Client<J>>,
    /// What each worker has imported, and since when.
    held: HashMap<usize, (String, Instant)>,
    requests: u64,
    waiting: usize,
}

struct Client<J> {
    name: Arc<str>,
    requests: VecDeque<Request<J>>,
}

struct Request<J> {
    id: u64,
    jobs: VecDeque<Waiting<J>>,
}

struct Waiting<J> {
    job: J,
    imports: String,
    _room: OwnedSemaphorePermit,
}

/// Where one request puts its jobs.
pub struct Lane<J> {
    queue: Arc<Queue<J>>,
    client: Arc<str>,
    id: u64,
    room: Arc<Semaphore>,
}

impl<J> Queue<J> {
    /// A queue in which each request may have `room` jobs waiting; who has more waits itself.
    pub fn new(room: usize) -> Arc<Queue<J>> {
        let state = State { clients: VecDeque::new(), held: HashMap::new(), requests: 0, waiting: 0 };
        Arc::new(Queue { state: Mutex::new(state), more: Notify::new(), room })
    }

    /// A lane for a new request of a client.
    pub fn lane(self: &Arc<Self>, client: &str) -> Lane<J> {
        let mut state = self.state();
        state.requests += 1;
        Lane { queue: self.clone(), client: client.into(), id: state.requests, room: Arc::new(Semaphore::new(self.room)) }
    }

    /// Jobs that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// The next job for a worker, whose last start took so long, and the job's imports, which the worker is taken to hold
    /// from now on.
    pub async fn next(&self, worker: usize, start: Duration) -> (J, String) {
        loop {
            let wake = self.more.notified();
            let (found, left) = {
                let mut state = self.state();
                (state.take(worker, QUANTUM.max(start * STARTS)), state.waiting)
            };
            if let Some(found) = found {
                // A wake-up is kept for one worker only.
                if left > 0 {
                    self.more.notify_one();
                }
                return found;
            }
            wake.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Lane<J> {
    /// Puts a job at the end; waits while the lane is full.
    pub async fn put(&self, job: J, imports: String) {
        let Ok(room) = self.room.clone().acquire_owned().await else { return };
        let waiting = Waiting { job, imports, _room: room };
        let mut state = self.queue.state();
        state.waiting += 1;
        let client = match state.clients.iter_mut().position(|c| c.name == self.client) {
            Some(at) => &mut state.clients[at],
            None => {
                state.clients.push_back(Client { name: self.client.clone(), requests: VecDeque::new() });
                state.clients.back_mut().expect("just put there")
            }
        };
        match client.requests.iter_mut().find(|r| r.id == self.id) {
            Some(request) => request.jobs.push_back(waiting),
            None => client.requests.push_back(Request { id: self.id, jobs: VecDeque::from([waiting]) }),
        }
        drop(state);
        self.queue.more.notify_one();
    }
}

impl<J> State<J> {
    fn take(&mut self, worker: usize, quantum: Duration) -> Option<(J, String)> {
        let own = self.held.get(&worker).map(|(imports, _)| imports.clone());
        let fresh = self.held.get(&worker).is_some_and(|(_, since)| since.elapsed() < quantum);
        let mine = |imports: &str| own.as_deref() == Some(imports);
        let mut place = fresh.then(|| self.find(mine)).flatten();
        place = place.or_else(|| self.find(|imports| !self.held.values().any(|(held, _)| held == imports)));
        place = place.or_else(|| self.find(mine)).or_else(|| self.find(|_| true));
        let (client, request, job) = place?;
        let waiting = self.remove(client, request, job);
        if !mine(&waiting.imports) {
            self.held.insert(worker, (waiting.imports.clone(), Instant::now()));
        }
        Some((waiting.job, waiting.imports))
    }

    /// The first job in fair order whose imports are wanted.
    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<(usize, usize, usize)> {
        self.clients.iter().enumerate().find_map(|(c, client)| {
            client.requests.iter().enumerate().find_map(|(r, request)| {
                let job = request.jobs.iter().position(|w| wanted(&w.imports))?;
                Some((c, r, job))
            })
        })
    }

    /// Takes a job out; its request and its client go to the end of their lines.
    fn remove(&mut self, client: usize, request: usize, job: usize) -> Waiting<J> {
        let mut served = self.clients.remove(client).expect("found there");
        let mut lane = served.requests.remove(request).expect("found there");
        let waiting = lane.jobs.remove(job).expect("found there");
        if !lane.jobs.is_empty() {
            served.requests.push_back(lane);
        }
        if !served.requests.is_empty() {
            self.clients.push_back(served);
        }
        self.waiting -= 1;
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken(queue: &Queue<&'static str>, worker: usize, count: usize) -> Vec<&'static str> {
        let mut jobs = Vec::new();
        for _ in 0..count {
            jobs.push(queue.next(worker, Duration::ZERO).await.0);
        }
        jobs
    }

    #[tokio::test]
    async fn clients_take_turns_and_so_do_their_requests() {
        let queue = Queue::new(8);
        let (a1, a2, b) = (queue.lane("a"), queue.lane("a"), queue.lane("b"));
        for job in ["a1.1", "a1.2", "a1.3"] {
            a1.put(job, String::new()).await;
        }
        a2.put("a2.1", String::new()).await;
        b.put("b.1", String::new()).await;
        b.put("b.2", String::new()).await;
        assert_eq!(queue.waiting(), 6);
        assert_eq!(taken(&queue, 0, 6).await, ["a1.1", "b.1", "a2.1", "b.2", "a1.2", "a1.3"]);
    }

    #[tokio::test]
    async fn workers_stay_with_their_imports() {
        let queue = Queue::new(8);
        let lane = queue.lane("a");
        for (job, imports) in [("s1", "Std"), ("m1", "Mathlib"), ("s2", "Std"), ("m2", "Mathlib")] {
            lane.put(job, imports.to_owned()).await;
        }
        assert_eq!(taken(&queue, 0, 1).await, ["s1"]);
        // What nobody holds goes to the other worker, though another job is the next in line.
        assert_eq!(taken(&queue, 1, 2).await, ["m1", "m2"]);
        assert_eq!(taken(&queue, 0, 1).await, ["s2"]);
        // A worker without work of its own takes what there is.
        lane.put("m3", "Mathlib".to_owned()).await;
        assert_eq!(taken(&queue, 0, 1).await, ["m3"]);
    }

    #[tokio::test]
    async fn a_full_lane_waits_and_holds_up_no_other() {
        let queue = Queue::new(1);
        let (full, other) = (queue.lane("a"), queue.lane("b"));
        full.put("1", String::new()).await;
        assert!(tokio::time::timeout(Duration::from_millis(20), full.put("2", String::new())).await.is_err());
        other.put("3", String::new()).await;
        assert_eq!(queue.waiting(), 2);
        assert_eq!(taken(&queue, 0, 2).await, ["1", "3"]);
    }
}
