//! `qstar worker`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::io::AsyncBufReadExt;

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::{Exit, on_interrupt, say};
use crate::bench::Attempt;
use crate::bench::run::{Desk, VERIFYING, attempt};
use crate::bench::worker::{Results, WorkTask, refusal};
use crate::files::make_folder;
use crate::lean::Pool;
use crate::lean::syntax::imports;
use crate::prover::Company;
use crate::recall::Recall;

#[derive(Args)]
pub struct WorkerArgs {
    // A task may say otherwise of its time, checks, policy, strategy and seed.
    #[command(flatten)]
    guidance: Guidance,
    /// Seed of each task that says nothing of it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Append every result to this file, and answer from it what is done already. Workers may share it.
    #[arg(long, value_name = "FILE.jsonl")]
    results: Option<PathBuf>,
    /// Keep every search's records in this folder.
    #[arg(long, value_name = "FOLDER")]
    records: Option<PathBuf>,
}

/// Exit code 0: every task was done; 2: some lines were no tasks; 3: Lean failed on some; 4: it was stopped.
pub async fn run(args: WorkerArgs, lean: LeanArgs) -> Result<Exit> {
    let workers = args.guidance.workers(&lean);
    let mut results = args.results.as_deref().map(Results::open).transpose()?;
    if let Some(folder) = &args.records {
        make_folder(folder)?;
    }
    let (toolchain, fetched) = super::outfit(lean.clone(), None, &args.guidance).await?;
    let pool = Pool::new(toolchain.clone(), lean.pool(workers));
    let (setting, policies) = args.guidance.setting(&toolchain, &fetched).await?;
    let recall = args.guidance.recall()?;
    let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
    let cancel = on_interrupt()?;
    let company = Company::new(toolchain.clone(), workers);
    let desk = Desk {
        toolchain: &toolchain,
        pool: &pool,
        policies: &policies,
        recall: recall.as_ref(),
        records: args.records.as_deref(),
        cancel: &cancel,
        company: &company,
    };
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    let mut flights = FuturesUnordered::new();
    let (mut number, mut more, mut exit) = (0usize, true, Exit::Success);
    // A task that imports something else than those on their way waits until they have ended: the workers would import anew at
    // every batch.
    let (mut now, mut held) = (String::new(), None);
    while (more || held.is_some() || !flights.is_empty()) && !cancel.is_cancelled() {
        if let Some((task, imports)) = held.take_if(|(_, imports)| flights.is_empty() || *imports == now) {
            now = imports;
            flights.push(work(task, &desk));
        }
        tokio::select! {
            line = lines.next_line(), if more && held.is_none() && flights.len() < workers + VERIFYING => {
                let Some(line) = line.context("cannot read standard input")? else {
                    more = false;
                    continue;
                };
                number += 1;
                if line.trim().is_empty() {
                    continue;
                }
                match WorkTask::parse(&line, &format!("line {number}"), &setting, args.seed) {
                    Ok(task) => match results.as_mut().map(|r| r.get(&task.key)).transpose()?.flatten() {
                        Some(known) => say(known)?,
                        None => {
                            let header = task.entry.problem.as_ref().map_or("", |problem| &problem.header);
                            let imports = imports(header);
                            held = Some((task, imports));
                        }
                    },
                    Err(error) => {
                        say(refusal(&format!("{error:#}")))?;
                        exit = if exit == Exit::Success { Exit::Usage } else { exit };
                    }
                }
            }
            Some((task, made)) = flights.next() => match made {
                Ok(Some(attempt)) => {
                    let line = task.result(&attempt);
                    let kept = results.as_mut().map_or(Ok(()), |results| results.keep(&line));
                    // What cannot be kept is said all the same.
                    say(&line)?;
                    kept?;
                }
                Ok(None) => {}
                Err(error) => {
                    say(task.failure(&format!("{error:#}")))?;
                    exit = Exit::Toolchain;
                }
            },
            () = cancel.cancelled() => {}
        }
    }
    Ok(if cancel.is_cancelled() { Exit::Stopped } else { exit })
}

async fn work(task: WorkTask, desk: &Desk<'_>) -> (WorkTask, Result<Option<Attempt>>) {
    let made = attempt(&task.job(), desk).await;
    (task, made)
}
