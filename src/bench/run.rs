//! Runs a benchmark: claims tasks from the store, searches, verifies, writes attempts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::stream::{FuturesUnordered, StreamExt};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::Attempt;
use super::config::{Config, Setting};
use super::store::{Claim, LEASE, Store, Task};
use crate::dataset::Entry;
use crate::lean::Pool;
use crate::lean::syntax::{grouped, imports};
use crate::policy::choice::Policies;
use crate::prover::{Company, Guide, ProveError, prove, theorem};
use crate::recall::Recall;
use crate::record::Records;
use crate::search::{SearchError, Sink, StopReason};
use crate::source::hex;
use crate::toolchain::Toolchain;

/// Attempts in a row that Lean could not be had for before a run gives up.
const FAILURES: usize = 3;
/// Attempts, beyond those that search, whose proofs wait for the verifier.
pub const VERIFYING: usize = 16;
/// How long to wait before asking again for tasks that others hold.
const PATIENCE: Duration = Duration::from_secs(1);

/// A task with what it takes to work on it.
pub struct Job<'a> {
    pub entry: &'a Entry,
    pub setting: Setting,
    pub seed: u64,
}

/// Every theorem under every setting with every seed; theorems outermost, so that a run that is cut short has compared
/// something. Theorems of the same imports come together, so that a worker imports each once.
pub fn jobs<'a>(config: &Config, entries: &'a [Entry]) -> Vec<Job<'a>> {
    let settings = config.settings();
    let of = |entry: &'a Entry| {
        let each = settings.iter().flat_map(|setting| (0..config.seeds).map(move |seed| (setting.clone(), seed)));
        each.map(|(setting, seed)| Job { entry, setting, seed }).collect::<Vec<_>>()
    };
    grouped(entries.iter().collect(), |entry| header(entry)).into_iter().flat_map(of).collect()
}

fn header(entry: &Entry) -> &str {
    entry.problem.as_ref().map_or("", |problem| &problem.header)
}

/// The store's name for a job.
///
/// # Errors
/// Never in practice: settings are plain data.
pub fn task(job: &Job) -> Result<Task> {
    let mut hash = Sha256::new();
    match &job.entry.problem {
        Ok(problem) => hash.update(format!("{}\0{}", problem.header, problem.statement.text)),
        Err(reason) => hash.update(format!("\0\0{reason}")),
    }
    let statement = hex(&hash.finalize());
    let setting = serde_json::to_string(&job.setting)?;
    Ok(Task { theorem: job.entry.name.clone(), statement, setting, seed: job.seed })
}

/// What attempts are made with.
pub struct Desk<'a> {
    pub toolchain: &'a Toolchain,
    pub pool: &'a Pool,
    pub policies: &'a Policies,
    /// Remembers what is proved.
    pub recall: Option<&'a Recall>,
    /// Where each search's records are kept, if they are.
    pub records: Option<&'a Path>,
    pub cancel: &'a CancellationToken,
    /// So many searches at a time, and the verifier of all.
    pub company: &'a Company,
}

/// What is told while a benchmark runs.
pub enum Event<'a> {
    /// An attempt was written.
    Judged(&'a Attempt),
    /// All that is left is in work in other processes.
    Waiting,
}

/// Works until every task is judged, by this process or another, or until it is cancelled.
///
/// `workers` searches run at a time, each with one batch in flight, so that an attempt is the same whoever makes it; those
/// whose proof is being verified do not count.
///
/// # Errors
/// When the store fails, or Lean does not run, three times in a row. What was judged before is kept.
pub async fn run(
    store: Arc<Store>,
    jobs: &[Job<'_>],
    desk: &Desk<'_>,
    workers: usize,
    mut tell: impl FnMut(Event<'_>),
) -> Result<()> {
    let cancel = desk.cancel;
    let renewal = tokio::spawn(renew(store.clone()));
    let mut flights = FuturesUnordered::new();
    let mut outcome = Ok(());
    let (mut done, mut failures) = (false, 0);
    // What the attempts on their way import. A claim that imports something else waits until they have ended: two searches with
    // different imports would make the workers import anew at every batch.
    let mut now = String::new();
    let mut next: Option<(i64, usize)> = None;
    while !cancel.is_cancelled() {
        let mut wait = false;
        while flights.len() < workers.max(1) + VERIFYING && !wait && !done {
            if next.is_none() {
                match blocking(&store, Store::claim).await? {
                    Claim::Task { id, place } => next = Some((id, place)),
                    Claim::Wait => wait = true,
                    Claim::Done => done = true,
                }
            }
            let Some((id, place)) = next else { continue };
            let imports = imports(header(jobs[place].entry));
            if !flights.is_empty() && imports != now {
                break;
            }
            (now, next) = (imports, None);
            flights.push(async move {
                let made = attempt(&jobs[place], desk).await;
                (id, made)
            });
        }
        if flights.is_empty() && done {
            break;
        }
        if flights.is_empty() {
            tell(Event::Waiting);
        }
        tokio::select! {
            Some((id, made)) = flights.next() => match made {
                Ok(Some(made)) => {
                    failures = 0;
                    let kept = made.clone();
                    if blocking(&store, move |s| s.finish(id, &kept)).await.with_context(|| not_kept(&made))? {
                        tell(Event::Judged(&made));
                    }
                }
                Ok(None) => blocking(&store, move |s| s.release(id)).await?,
                Err(error) => {
                    blocking(&store, move |s| s.release(id)).await?;
                    failures += 1;
                    if failures == FAILURES {
                        outcome = Err(error);
                        break;
                    }
                    tracing::warn!("{error:#}; it is tried again");
                }
            },
            () = tokio::time::sleep(PATIENCE), if wait => {}
            () = cancel.cancelled() => {}
        }
    }
    // What is still on its way ends now: what has an end is kept, the rest is free for the next run.
    if cancel.is_cancelled() {
        if let Some((id, _)) = next {
            blocking(&store, move |s| s.release(id)).await?;
        }
        while let Some((id, made)) = flights.next().await {
            match made {
                Ok(Some(made)) => drop(blocking(&store, move |s| s.finish(id, &made)).await?),
                _ => blocking(&store, move |s| s.release(id)).await?,
            }
        }
    }
    renewal.abort();
    outcome
}

/// What is lost when an attempt cannot be stored: at least its proof is told.
fn not_kept(made: &Attempt) -> String {
    let proof = made.certificate.as_ref().map(|c| format!("; it is proved, by\n{}", c.source())).unwrap_or_default();
    format!("the attempt at {} could not be kept{proof}", made.theorem)
}

async fn renew(store: Arc<Store>) {
    loop {
        tokio::time::sleep(LEASE / 4).await;
        if let Err(error) = blocking(&store, Store::renew).await {
            tracing::warn!("leases could not be renewed: {error:#}");
        }
    }
}

async fn blocking<T: Send + 'static>(store: &Arc<Store>, act: impl FnOnce(&Store) -> Result<T> + Send + 'static) -> Result<T> {
    let store = store.clone();
    tokio::task::spawn_blocking(move || act(&store)).await.context("the store's thread ended")?
}

/// The records of a task in a folder of records: the same task has the same file.
pub fn records_file(folder: &Path, task: &Task) -> PathBuf {
    let key = Sha256::digest(format!("{}\0{}\0{}", task.statement, task.setting, task.seed));
    let short = hex(&key[..4]);
    folder.join(format!("{}.{short}.jsonl.gz", crate::dataset::file_name(&task.theorem)))
}

/// Makes one attempt; `None` when it was cancelled. Its records, if wanted, are kept before it is told.
///
/// # Errors
/// When Lean fails or records cannot be written.
pub async fn attempt(job: &Job<'_>, desk: &Desk<'_>) -> Result<Option<Attempt>> {
    let mut made = Attempt {
        theorem: job.entry.name.clone(),
        setting: job.setting.name(),
        seed: job.seed,
        notes: job.entry.findings.iter().map(|f| f.text.clone()).collect(),
        ..Attempt::default()
    };
    let problem = match &job.entry.problem {
        Ok(problem) => problem,
        Err(reason) => return Ok(Some(Attempt { error: Some(reason.clone()), ..made })),
    };
    let minds = desk.policies.minds(job.setting.policy, &theorem(problem), job.seed)?;
    let value = desk.policies.value(job.setting.value)?;
    let records = match desk.records {
        Some(folder) => Some(Records::begin(&records_file(folder, &task(job)?))?),
        None => None,
    };
    let sink = records.as_ref().map(|r| r as &dyn Sink);
    let guide = Guide {
        cancel: desk.cancel.clone(),
        sink,
        recall: desk.recall,
        company: Some(desk.company),
        inspect: job.entry.foreign,
        ..job.setting.guide(&minds, value.as_ref())
    };
    match prove(desk.toolchain, desk.pool, problem, &guide, |_| ()).await {
        Ok(outcome) if !outcome.proved && desk.cancel.is_cancelled() => return Ok(None),
        Ok(outcome) if outcome.reason == StopReason::Cancelled => return Ok(None),
        Ok(outcome) => {
            made.proved = outcome.proved;
            made.reason = Some(outcome.reason);
            made.checks = outcome.checks;
            made.goals = outcome.goals;
            made.usage = outcome.usage;
            made.seconds = outcome.seconds;
            made.notes.extend(outcome.warnings.into_iter().map(|warning| warning.text));
            made.certificate = outcome.certificate;
            made.rejected = outcome.rejected;
            if let Some(unverified) = outcome.unverified {
                made.unjudged = true;
                made.error = Some(format!("a proof was found that could not be verified: {}", unverified.why));
                made.unverified = Some(unverified.proof);
            }
        }
        Err(ProveError::Cancelled) => return Ok(None),
        Err(error @ (ProveError::Header(_) | ProveError::Search(SearchError::Statement(_)))) => {
            made.error = Some(error.to_string());
        }
        Err(error @ ProveError::Search(SearchError::Unjudged(_))) => {
            made.unjudged = true;
            made.error = Some(error.to_string());
        }
        Err(error) => return Err(anyhow::Error::from(error).context(format!("theorem {}", job.entry.name))),
    }
    if let Some(records) = records {
        records.keep()?;
    }
    Ok(Some(made))
}
