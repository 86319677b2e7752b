//! `qstar fill`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use futures::StreamExt;
use serde_json::json;
use similar::TextDiff;
use tokio_util::sync::CancellationToken;

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::prove::{Line, remedy};
use super::{Exit, ToolchainFailed, on_interrupt};
use crate::bench::config::Setting;
use crate::fill::{self, Outcome, Status};
use crate::lean::Pool;
use crate::lean::syntax::imports;
use crate::policy::choice::Policies;
use crate::prover::{Guide, PoolOracle, ProveError};
use crate::recall::Recall;
use crate::record::put_back;
use crate::toolchain::Toolchain;
use crate::verify::Rejection;

#[derive(Args)]
pub struct FillArgs {
    /// Lean files. Each is written back only when Lean accepts the whole of it.
    #[arg(required = true, value_name = "FILE.lean")]
    files: Vec<PathBuf>,
    /// Print what would change as a diff, and write nothing.
    #[arg(long)]
    diff: bool,
    /// Write nothing; the exit code says whether every `sorry` can be filled.
    #[arg(long)]
    check: bool,
    // For each `sorry`.
    #[command(flatten)]
    guidance: Guidance,
    /// Print one JSON object for each file.
    #[arg(long)]
    json: bool,
}

/// Exit code 0: no `sorry` is left (or would be); 1: some are.
pub async fn run(args: FillArgs, lean: LeanArgs) -> Result<Exit> {
    let workers = args.guidance.workers(&lean);
    let cancel = on_interrupt();
    // All are read first, so that a wrong name is told before any work.
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let texts = args.files.iter().map(read).collect::<Result<Vec<String>>>()?;
    // Files of one project with the same imports share their workers.
    let grouped = async {
        let mut groups: BTreeMap<(PathBuf, String), Group> = BTreeMap::new();
        for (path, text) in args.files.iter().zip(&texts) {
            let toolchain = lean.clone().toolchain(Some(path.clone())).await?;
            let key = (toolchain.root(), imports(text));
            groups.entry(key).or_insert_with(|| (Arc::new(toolchain), Vec::new())).1.push((path, text));
        }
        anyhow::Ok(groups)
    };
    let (groups, fetched) = tokio::join!(grouped, args.guidance.fetch());
    let groups = groups?;
    let recall = args.guidance.recall()?;
    let mut all_filled = true;
    for (toolchain, files) in groups.into_values() {
        let pool = Pool::new(toolchain.clone(), lean.pool(workers));
        let (setting, policies) = args.guidance.setting(&toolchain, &fetched)?;
        let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
        let guidance = (&policies, recall.as_ref(), &setting, workers);
        // While one file as a whole is before Lean, others are searched.
        let mut outcomes = futures::stream::iter(files)
            .map(async |(path, text)| (path, text, fill_one(&toolchain, &pool, path, text, guidance, &cancel).await))
            .buffered(workers + 1);
        while let Some((path, text, outcome)) = outcomes.next().await {
            let outcome = outcome?;
            let written = outcome.text != *text && !args.diff && !args.check;
            if written {
                put_back(path, text, &outcome.text)?;
            }
            all_filled &= outcome.sorrys.iter().all(|s| matches!(s.status, Status::Filled { .. }));
            report(&args, path, text, &outcome, written)?;
        }
    }
    Ok(if all_filled { Exit::Success } else { Exit::NotProved })
}

/// Files that share workers, with their texts.
type Group<'a> = (Arc<Toolchain>, Vec<(&'a PathBuf, &'a String)>);

async fn fill_one(
    toolchain: &Toolchain,
    pool: &Pool,
    path: &Path,
    text: &str,
    (policies, recall, setting, workers): (&Policies, Option<&Recall>, &Setting, usize),
    cancel: &CancellationToken,
) -> Result<Outcome> {
    let line = Line::new(&path.display().to_string());
    let search = async |header: &str, hole, oracle: &PoolOracle<'_>| {
        let policy = policies.make(setting.policy, header, 0).map_err(ProveError::Library)?;
        let value = policies.value(setting.value).map_err(ProveError::Library)?;
        let guide = Guide {
            budget: setting.budget(),
            parallel: workers,
            cancel: cancel.clone(),
            strategy: setting.strategy,
            operators: setting.operators(),
            recall,
            ..Guide::new(policy.as_ref(), value.as_ref())
        };
        fill::attempt(oracle, hole, &guide, |p| line.tell(p)).await
    };
    let outcome = fill::fill(toolchain, pool, text, search).await;
    line.end();
    outcome.map_err(|e| {
        let toolchain = e.is::<ProveError>() || e.is::<Rejection>();
        let e = e.context(path.display().to_string());
        if toolchain { ToolchainFailed(e).into() } else { e }
    })
}

fn report(args: &FillArgs, path: &Path, old: &str, outcome: &Outcome, written: bool) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!({"file": path, "written": written, "sorrys": outcome.sorrys}))?;
        return Ok(());
    }
    if args.diff {
        let name = path.display().to_string();
        let diff = TextDiff::from_lines(old, &outcome.text);
        write!(out, "{}", diff.unified_diff().header(&name, &name))?;
    }
    // Beside a diff that may be piped into a patch, the rest is for people.
    let mut words = String::new();
    for s in &outcome.sorrys {
        let what = match &s.status {
            Status::Filled { conditional: false, .. } => "filled".to_owned(),
            Status::Filled { conditional: true, .. } => "filled; it may rest on a `sorry` before it".to_owned(),
            Status::Open { reason } => format!("open: {reason}{}", remedy(*reason)),
            Status::Data => "left alone: a value is missing there, not a proof".to_owned(),
            Status::Error { message } => format!("not filled: {}", message.lines().next().unwrap_or("")),
        };
        words.push_str(&format!("{}:{}:{}: {what}\n", path.display(), s.line, s.column));
    }
    if outcome.sorrys.is_empty() {
        words.push_str(&format!("{}: no `sorry` in it\n", path.display()));
    }
    if args.diff {
        eprint!("{words}");
    } else {
        write!(out, "{words}")?;
    }
    Ok(())
}
