//! Rollouts: many searches under one setting, their records kept, their proofs verified together at the end.
//!
//! Each search's records appear whole under a name of their own, so a killed stage goes on with what has none; the
//! outcomes appear whole when all is verified, and then the stage is done.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::bench::config::Setting;
use crate::dataset::{Entry, file_name};
use crate::export::examples::gather;
use crate::files::{put, read_text};
use crate::lean::Pool;
use crate::policy::Source;
use crate::policy::choice::Policies;
use crate::problem::Problem;
use crate::prover::{Guide, ProveError, explore, theorem};
use crate::record::{self, Records};
use crate::search::{Event, SearchError, StopReason};
use crate::toolchain::Toolchain;
use crate::verify::bulk::certify;
use crate::verify::{Rejection, statement_hash};

/// For one process of the verifier.
const PATIENCE: Duration = Duration::from_secs(300);
/// Searches that Lean could not be had for before a stage gives up.
const FAILURES: usize = 5;
/// Records of proofs that the verifier refused end so, and are not trained on.
const REFUSED: &str = "refused";

/// How a search of a rollout ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub theorem: String,
    /// Verified by fresh processes of Lean.
    pub proved: bool,
    pub checks: u64,
    pub goals: usize,
    /// Goals that were proved, the theorem's own or others.
    #[serde(default)]
    pub proved_goals: usize,
    pub seconds: f64,
    /// Lines of the proof.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lines: Option<usize>,
    /// Goals whose end is known, by the rule of the training data: their values, and whether they were proved. For the
    /// calibration of values.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub values: Vec<(f32, bool)>,
    /// Steps of proved goals by who proposed them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub steps_by: Vec<(Source, usize)>,
}

/// What rollouts are made with.
pub struct Ground<'a> {
    pub toolchain: &'a Toolchain,
    pub pool: &'a Pool,
    pub policies: &'a Policies,
    pub cancel: &'a CancellationToken,
    /// Lean processes.
    pub workers: usize,
    /// Searches at a time; more than workers, so that networks work while Lean does.
    pub searches: usize,
}

/// A theorem to search, and the checks that it may cost.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub entry: &'a Entry,
    pub checks: u64,
}

/// Searches every problem and verifies what is proved; goes on where an earlier call was killed. `None`: cancelled.
/// `tell` hears how many are done and of how many.
///
/// # Errors
/// When Lean is not to be had, or the folder cannot be written to.
pub async fn roll_out(
    ground: &Ground<'_>,
    tasks: &[Task<'_>],
    setting: &Setting,
    folder: &Path,
    mut tell: impl FnMut(usize, usize),
) -> Result<Option<Vec<Outcome>>> {
    let done = folder.join("outcomes.jsonl");
    if done.exists() {
        return read_outcomes(&done).map(Some);
    }
    let records = folder.join("records");
    std::fs::create_dir_all(&records).with_context(|| format!("cannot make the folder {}", records.display()))?;
    let mut problems: Vec<(&Problem, PathBuf, u64)> = Vec::new();
    for (problem, checks) in tasks.iter().filter_map(|t| Some((t.entry.problem.as_ref().ok()?, t.checks))) {
        let key = statement_hash(&problem.header, &problem.statement.text);
        problems.push((problem, records.join(format!("{}.{}.jsonl.gz", file_name(&problem.name), &key[..8])), checks));
    }
    // A worker that changes its imports starts anew.
    problems.sort_by(|a, b| (&a.0.header, &a.1).cmp(&(&b.0.header, &b.1)));
    problems.dedup_by(|a, b| a.1 == b.1);
    let all = problems.len();
    let left: Vec<&(&Problem, PathBuf, u64)> =
        problems.iter().filter(|(_, file, _)| !file.exists() && !file.with_extension(REFUSED).exists()).collect();
    let (mut finished, mut failures) = (all - left.len(), 0);
    tell(finished, all);
    let workers = ground.workers.max(1);
    let beside = ground.searches.div_ceil(workers);
    let headers = lanes(&left, workers, |(problem, ..)| &problem.header).map(|queue| {
        let searches = queue.iter().map(|(problem, file, checks)| {
            let setting = Setting { checks: *checks, ..setting.clone() };
            async move { search(ground, problem, &setting, file).await }
        });
        stream::iter(searches).buffer_unordered(beside).boxed_local()
    });
    let mut flights = stream::iter(headers).flatten_unordered(workers);
    while let Some(made) = flights.next().await {
        if let Err(error) = made {
            tracing::warn!("{error:#}");
            failures += 1;
            if failures >= FAILURES {
                return Err(error);
            }
        }
        if ground.cancel.is_cancelled() {
            return Ok(None);
        }
        finished += 1;
        tell(finished, all);
    }
    drop(flights);
    let outcomes = verified(ground, &problems).await?;
    let lines = outcomes.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    put(&done, &lines.iter().map(|l| format!("{l}\n")).collect::<String>())?;
    Ok(Some(outcomes))
}

/// What workers take one after the other. One header for each worker at a time: searches of two that share a worker would make it
/// start anew at every batch. A header of very many theorems is shared, so that no worker is left alone with it.
fn lanes<T>(sorted: &[T], workers: usize, header: impl Fn(&T) -> &String) -> impl Iterator<Item = &[T]> {
    let share = sorted.len().div_ceil(workers.max(1)).max(1);
    sorted.chunk_by(move |a, b| header(a) == header(b)).flat_map(move |queue| queue.chunks(share))
}

/// One search; its records are kept unless it was cancelled.
async fn search(ground: &Ground<'_>, problem: &Problem, setting: &Setting, file: &Path) -> Result<()> {
    let minds = ground.policies.minds(setting.policy, &theorem(problem), 0)?;
    let value = ground.policies.value(setting.value)?;
    let records = Records::begin(file)?;
    let guide = Guide { cancel: ground.cancel.clone(), sink: Some(&records), ..setting.guide(&minds, value.as_ref()) };
    match explore(ground.toolchain, ground.pool, problem, &guide).await {
        Ok(found) if found.reason == StopReason::Cancelled => return Ok(()),
        Err(ProveError::Cancelled) => return Ok(()),
        Ok(_) => {}
        // The records then hold a beginning only: nothing is learnt from them, and nobody tries again.
        Err(error @ (ProveError::Search(SearchError::Statement(_) | SearchError::Unjudged(_)) | ProveError::Header(_))) => {
            tracing::warn!("{}: {error}", problem.name);
        }
        Err(error) => return Err(anyhow::Error::from(error).context(format!("theorem {}", problem.name))),
    }
    records.keep()
}

/// Outcomes by the records; what the verifier refuses is no proof, and its records are set aside.
async fn verified(ground: &Ground<'_>, problems: &[(&Problem, PathBuf, u64)]) -> Result<Vec<Outcome>> {
    let (mut outcomes, mut places, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for (problem, file, _) in problems {
        let aside = file.with_extension(REFUSED);
        let read = if file.exists() { file } else { &aside };
        if !read.exists() {
            continue;
        }
        let (outcome, proof) = outcome(&problem.name, &record::read(read)?);
        if let Some(proof) = proof.filter(|_| file.exists()) {
            places.push((outcomes.len(), file, aside));
            proofs.push(((*problem).clone(), proof));
        }
        outcomes.push(outcome);
    }
    let verdicts = certify(ground.toolchain, proofs, ground.workers, PATIENCE, CancellationToken::new(), |_| ()).await;
    for ((place, file, aside), verdict) in places.into_iter().zip(verdicts) {
        match verdict {
            Ok(_) => outcomes[place].proved = true,
            Err(error @ Rejection::Process(_)) => bail!("the verifier could not judge {}: {error}", outcomes[place].theorem),
            Err(error) => {
                tracing::warn!("{}: {error}", outcomes[place].theorem);
                std::fs::rename(file, &aside).with_context(|| format!("cannot rename {}", file.display()))?;
            }
        }
    }
    Ok(outcomes)
}

/// What one search's events say, and the proof that it found; the verdict on that comes later.
fn outcome(theorem: &str, events: &[Event]) -> (Outcome, Option<String>) {
    let theorem = theorem.to_owned();
    let mut found = Outcome {
        theorem,
        proved: false,
        checks: 0,
        goals: 0,
        proved_goals: 0,
        seconds: 0.0,
        lines: None,
        values: Vec::new(),
        steps_by: Vec::new(),
    };
    let mut proof_found = None;
    let mut values = HashMap::new();
    let mut steps = HashMap::new();
    for event in events {
        match event {
            Event::Goal { state, value, .. } => drop(values.insert(state.as_str(), *value as f32)),
            Event::Tried { step: Some(step), by, .. } => drop(steps.insert(*step, *by)),
            Event::Proved { step, .. } => {
                found.proved_goals += 1;
                if let Some(by) = steps.get(step) {
                    match found.steps_by.iter_mut().find(|(known, _)| known == by) {
                        Some((_, count)) => *count += 1,
                        None => found.steps_by.push((*by, 1)),
                    }
                }
            }
            Event::Clock { seconds, .. } => found.seconds = *seconds,
            Event::End { checks, goals, proof, .. } => {
                (found.checks, found.goals) = (*checks, *goals);
                found.lines = proof.as_ref().map(|p| p.trim().lines().count());
                proof_found.clone_from(proof);
            }
            _ => {}
        }
    }
    let ended = gather(events).value.into_iter();
    found.values = ended.filter_map(|e| Some((*values.get(e.goal.as_str())?, e.proved))).collect();
    (found, proof_found)
}

/// Reads the outcomes of a stage.
///
/// # Errors
/// Naming file and line.
pub fn read_outcomes(path: &Path) -> Result<Vec<Outcome>> {
    let text = read_text(path)?;
    let lines = text.lines().enumerate();
    lines.map(|(i, line)| serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), i + 1))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn workers_share_a_header_of_many_theorems_and_no_other() {
        let sorted: Vec<String> = ["a", "a", "a", "a", "a", "a", "a", "b", "c", "c"].map(str::to_owned).into();
        let sizes = |workers| super::lanes(&sorted, workers, |header| header).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(1), [7, 1, 2]);
        assert_eq!(sizes(4), [3, 3, 1, 1, 2]);
        assert_eq!(super::lanes(&[] as &[String], 2, |header| header).count(), 0);
    }
}
