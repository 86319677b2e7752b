//! `qstar fill`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use clap::Args;
use futures::StreamExt;
use serde_json::{Value, json};
use similar::TextDiff;
use tokio_util::sync::CancellationToken;

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::tell::{Line, remedy};
use super::{Exit, ToolchainFailed, on_interrupt, say};
use crate::bench::config::Setting;
use crate::files::{check_writable, read_lean};
use crate::fill::{self, Outcome, Status};
use crate::formats::Theorem;
use crate::lean::Pool;
use crate::lean::syntax::imports;
use crate::policy::choice::Policies;
use crate::prover::{Finish, Guide, PoolOracle, ProveError};
use crate::recall::Recall;
use crate::toolchain::Toolchain;

/// Errors of a file that are shown.
const SHOWN: usize = 5;

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

/// Exit code 0: no `sorry` is left (or would be), and Lean has no error; 1: some are; 2: a file could not be read or
/// written; 3: Lean failed.
pub async fn run(args: FillArgs, lean: LeanArgs) -> Result<Exit> {
    let workers = args.guidance.workers(&lean);
    // All are read first, so that a wrong name is told before any work.
    let (texts, mut exit) = read_all(&args)?;
    let cancel = on_interrupt()?;
    // Files of one project with the same imports share their workers.
    let grouped = async {
        let mut groups: BTreeMap<(PathBuf, String), Group> = BTreeMap::new();
        for (path, text) in &texts {
            match lean.clone().toolchain(Some((*path).clone())).await {
                Ok(toolchain) => {
                    let key = (toolchain.root(), imports(text));
                    groups.entry(key).or_insert_with(|| (Arc::new(toolchain), Vec::new())).1.push((path, text));
                }
                Err(error) => exit = exit.and(lost(&args, path, &error)?),
            }
        }
        anyhow::Ok(groups)
    };
    let (groups, fetched) = tokio::join!(grouped, args.guidance.fetch());
    let groups = groups?;
    if groups.is_empty() {
        return Ok(exit);
    }
    let recall = args.guidance.recall()?;
    for (toolchain, files) in groups.into_values() {
        let pool = Pool::new(toolchain.clone(), lean.pool(workers));
        let (setting, policies) = args.guidance.setting(&toolchain, &fetched).await?;
        let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
        let guidance = (&policies, recall.as_ref(), &setting, workers);
        // While one file as a whole is before Lean, others are searched.
        let mut outcomes = futures::stream::iter(files)
            .map(async |(path, text)| (path, text, fill_one(&toolchain, &pool, path, text, guidance, &cancel).await))
            .buffered(workers + 1);
        // Each file for itself: what goes wrong with one is told, and the others are written.
        while let Some((path, text, outcome)) = outcomes.next().await {
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(error) => {
                    exit = exit.and(lost(&args, path, &error)?);
                    continue;
                }
            };
            let wanted = outcome.text != *text && !args.diff && !args.check;
            let written = if wanted { write_back(path, text, &outcome.text) } else { Ok(()) };
            exit = exit.and(match (&written, &outcome) {
                (Err(_), _) => Exit::Usage,
                (_, outcome) if outcome.is_unjudged() => Exit::Toolchain,
                (_, outcome) if outcome.is_complete() => Exit::Success,
                _ => Exit::NotProved,
            });
            report(&args, path, text, &outcome, wanted, &written)?;
        }
    }
    Ok(if cancel.is_cancelled() && exit != Exit::Success { Exit::Stopped } else { exit })
}

/// The texts of the files, each file once; those that cannot be read are told, and so are those that cannot be written.
fn read_all(args: &FillArgs) -> Result<(Vec<(&PathBuf, String)>, Exit)> {
    let (mut texts, mut exit, mut seen) = (Vec::new(), Exit::Success, HashSet::new());
    for path in &args.files {
        // A pipe can be read once, and not be written back.
        let is_none = std::fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir());
        let text = if is_none { Err(anyhow!("it is no file")) } else { read_lean(path) };
        match text {
            Ok(_) if !seen.insert(path.canonicalize().ok()) => {}
            Ok(text) => {
                if !args.diff
                    && !args.check
                    && let Err(error) = check_writable(path)
                {
                    eprintln!("qstar: {}: {error:#}; what is found is only shown", path.display());
                }
                texts.push((path, text));
            }
            Err(error) => exit = exit.and(lost(args, path, &error)?),
        }
    }
    Ok((texts, exit))
}

/// Tells why nothing can be done for a file; the others are done all the same.
fn lost(args: &FillArgs, path: &Path, error: &anyhow::Error) -> Result<Exit> {
    eprintln!("qstar: {}: {error:#}", path.display());
    if args.json {
        say(json!({"file": path, "written": false, "error": format!("{error:#}"), "sorrys": []}))?;
    }
    let of_lean = error.chain().any(|e| e.is::<ToolchainFailed>());
    Ok(if of_lean { Exit::Toolchain } else { Exit::Usage })
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
        let theorem = Theorem { header: header.to_owned(), ..Theorem::default() };
        let minds = policies.minds(setting.policy, &theorem, 0).map_err(ProveError::Library)?;
        let value = policies.value(setting.value).map_err(ProveError::Library)?;
        let guide = Guide {
            parallel: workers + 1,
            cancel: cancel.clone(),
            finish: Finish::Shorten,
            recall,
            ..setting.guide(&minds, value.as_ref())
        };
        fill::attempt(toolchain, oracle, hole, &guide, |p| line.tell(p)).await
    };
    let outcome = fill::fill(toolchain, pool, text, cancel, search).await;
    line.end();
    outcome
}

/// Tells what became of a file; what could not be written is shown as a diff, so that it is not lost.
fn report(args: &FillArgs, path: &Path, old: &str, outcome: &Outcome, wanted: bool, written: &Result<()>) -> Result<()> {
    if let Err(error) = written {
        eprintln!("qstar: {}: {error:#}", path.display());
    }
    if args.json {
        let mut row = json!({"file": path, "written": wanted && written.is_ok(), "sorrys": outcome.sorrys});
        let mut add = |key: &str, value: Value| drop(row.as_object_mut().map(|row| row.insert(key.to_owned(), value)));
        if !outcome.remaining.is_empty() {
            add("remaining", json!(outcome.remaining));
        }
        if !outcome.errors.is_empty() {
            add("errors", json!(outcome.errors));
        }
        if let Err(error) = written {
            add("error", json!(format!("{error:#}")));
        } else if let Some(failure) = &outcome.failure {
            add("error", json!(failure));
        }
        return say(row);
    }
    if (args.diff || written.is_err()) && *old != outcome.text {
        let name = path.display().to_string();
        let diff = TextDiff::from_lines(old, &outcome.text).unified_diff().header(&name, &name).to_string();
        say(diff.strip_suffix('\n').unwrap_or(&diff))?;
    }
    // Beside a diff that may be piped into a patch, the rest is for people.
    let mut words = String::new();
    for s in &outcome.sorrys {
        let what = match &s.status {
            Status::Filled { conditional: false, .. } => "filled".to_owned(),
            Status::Filled { conditional: true, .. } => "filled; it may rest on a `sorry` before it".to_owned(),
            Status::Open { reason } => format!("open: {reason}{}", remedy(*reason)),
            Status::Data => "left alone: a value is missing there, not a proof".to_owned(),
            Status::Error { message } => format!("not filled: {}", first_line(message)),
            Status::Unjudged { message } => format!("could not be judged: {}", first_line(message)),
            Status::Unverified { proof, message } => {
                format!("NOT VERIFIED, not written: {}; the proof that was found:\n{proof}", first_line(message))
            }
        };
        words.push_str(&format!("{}:{}:{}: {what}\n", path.display(), s.line, s.column));
    }
    if outcome.sorrys.is_empty() && outcome.is_complete() {
        words.push_str(&format!("{}: no `sorry` in it\n", path.display()));
    }
    for note in &outcome.remaining {
        words.push_str(&format!("{}:{}: a `sorry` is left that stands in no proof here\n", path.display(), note.line));
    }
    for note in outcome.errors.iter().take(SHOWN) {
        words.push_str(&format!("{}:{}: Lean has an error here: {}\n", path.display(), note.line, note.message));
    }
    if outcome.errors.len() > SHOWN {
        words.push_str(&format!("{}: and {} more errors\n", path.display(), outcome.errors.len() - SHOWN));
    }
    if let Some(failure) = &outcome.failure {
        words.push_str(&format!("{}: not checked to the end: {failure}\n", path.display()));
    }
    if args.diff {
        eprint!("{words}");
    } else {
        say(words.trim_end_matches('\n'))?;
    }
    Ok(())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// Writes the file whole or not at all, with the rights it had; what is behind a link is written, not the link.
fn write_back(path: &Path, old: &str, new: &str) -> Result<()> {
    let now = read_lean(path)?;
    ensure!(now == old, "it was changed in the meantime; nothing is written, run it again");
    super::put(path, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.lean");
        std::fs::write(&file, "by somebody else").unwrap();
        let error = write_back(&file, "as it was", "filled").unwrap_err().to_string();
        assert!(error.contains("changed in the meantime") && error.contains("run it again"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "by somebody else");
        write_back(&file, "by somebody else", "filled").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "filled");
    }
}
