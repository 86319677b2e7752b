//! Inference on a thread of its own, with dynamic batching: what several searches ask within a moment is one batch.
//!
//! The queue is bounded; who asks waits for his answer, and Lean works on meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

/// When a batch is full, and how long it waits to become so.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    /// Goals in a batch.
    pub size: usize,
    pub wait: Duration,
}

impl Default for Batching {
    fn default() -> Self {
        Batching { size: 16, wait: Duration::from_millis(3) }
    }
}

/// What a network is asked: its answer hangs on itself alone.
pub trait Question: Default + Send + 'static {
    /// Questions of like length stand together, so that little is padded.
    fn length(&self) -> usize;
}

impl Question for Vec<u32> {
    fn length(&self) -> usize {
        self.len()
    }
}

struct Request<A, Q> {
    questions: Vec<Q>,
    reply: oneshot::Sender<Result<Vec<A>, String>>,
}

/// The asking side of an inference thread; the thread ends when all of them are gone.
pub struct Service<A, Q = Vec<u32>> {
    queue: mpsc::Sender<Request<A, Q>>,
}

/// Requests that wait.
const QUEUE: usize = 64;

impl<A: Send + 'static, Q: Question> Service<A, Q> {
    /// Starts the thread; `answer` gives one answer for each question.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(
        name: &str,
        batching: Batching,
        mut answer: impl FnMut(&[Q]) -> Result<Vec<A>> + Send + 'static,
    ) -> Result<Service<A, Q>> {
        let (queue, mut requests) = mpsc::channel::<Request<A, Q>>(QUEUE);
        let work = move || {
            while let Some(first) = requests.blocking_recv() {
                let mut batch = vec![first];
                let until = Instant::now() + batching.wait;
                while batch.iter().map(|r| r.questions.len()).sum::<usize>() < batching.size {
                    match requests.try_recv() {
                        Ok(request) => batch.push(request),
                        Err(mpsc::error::TryRecvError::Empty) if Instant::now() < until => {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        Err(_) => break,
                    }
                }
                serve(batch, batching.size, &mut answer);
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work).context("cannot start a thread for networks")?;
        Ok(Service { queue })
    }

    /// One answer for each question.
    ///
    /// # Errors
    /// What the network's run failed with.
    pub async fn ask(&self, questions: Vec<Q>) -> Result<Vec<A>> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let ended = "the thread of the networks has ended";
        self.queue.send(Request { questions, reply }).await.ok().context(ended)?;
        answer.await.context(ended)?.map_err(anyhow::Error::msg)
    }
}

/// Answers requests in batches of at most `size` questions; those of one length stand together.
fn serve<A, Q: Question>(mut batch: Vec<Request<A, Q>>, size: usize, answer: &mut impl FnMut(&[Q]) -> Result<Vec<A>>) {
    let places = batch.iter().enumerate().flat_map(|(r, request)| (0..request.questions.len()).map(move |q| (r, q)));
    let mut places: Vec<(usize, usize)> = places.collect();
    places.sort_by_key(|&(r, q)| batch[r].questions[q].length());
    let mut answers: Vec<Vec<Option<A>>> = batch.iter().map(|r| r.questions.iter().map(|_| None).collect()).collect();
    let mut failure = None;
    for group in places.chunks(size.max(1)) {
        let questions: Vec<Q> = group.iter().map(|&(r, q)| std::mem::take(&mut batch[r].questions[q])).collect();
        match answer(&questions) {
            Ok(found) => group.iter().zip(found).for_each(|(&(r, q), a)| answers[r][q] = Some(a)),
            Err(error) => failure = Some(format!("{error:#}")),
        }
    }
    for (request, found) in batch.into_iter().zip(answers) {
        let whole: Option<Vec<A>> = found.into_iter().collect();
        let reply = whole.ok_or_else(|| failure.clone().unwrap_or_else(|| "the network left a goal out".to_owned()));
        // Who asked may be gone.
        let _ = request.reply.send(reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_gets_the_answers_to_its_own_prompts() {
        let mut batches = Vec::new();
        let (tell, told) = std::sync::mpsc::channel();
        let answer = move |prompts: &[Vec<u32>]| {
            tell.send(prompts.len()).unwrap();
            Ok(prompts.iter().map(|p| p.iter().sum::<u32>()).collect())
        };
        let service = Service::start("test", Batching { size: 4, wait: Duration::from_millis(40) }, answer).unwrap();
        let ask = |n: u32| service.ask((0..3).map(|k| vec![n, k]).collect());
        let answers = futures::future::join_all((0..5).map(ask)).await;
        for (n, answer) in answers.into_iter().enumerate() {
            let n = n as u32;
            assert_eq!(answer.unwrap(), [n, n + 1, n + 2]);
        }
        drop(service);
        batches.extend(told);
        assert!(batches.iter().all(|&b| b <= 4) && batches.iter().sum::<usize>() == 15, "{batches:?}");
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_thread_lives_on() {
        let answer = |prompts: &[Vec<u32>]| {
            anyhow::ensure!(prompts[0] != [7], "seven");
            Ok(vec![(); prompts.len()])
        };
        let service = Service::start("test", Batching::default(), answer).unwrap();
        assert_eq!(service.ask(vec![vec![7]]).await.unwrap_err().to_string(), "seven");
        assert!(service.ask(vec![vec![8]]).await.is_ok());
    }
}
