//! `qstar dataset`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::lean::LeanArgs;
use super::{Exit, on_interrupt, say, spinner};
use crate::dataset::check::{Checked, Status, check};
use crate::dataset::header::Severity;
use crate::dataset::{Selection, load, select};
use crate::lean::Pool;

#[derive(Args)]
pub struct DatasetArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Which statements elaborate with the Lean at hand, which do not, and why; duplicates.
    Check(CheckArgs),
}

#[derive(Args)]
struct CheckArgs {
    /// DATA.jsonl, FILE.lean, or a folder of Lean files.
    data: PathBuf,
    /// Rows of that split only.
    #[arg(long)]
    split: Option<String>,
    /// The first so many theorems.
    #[arg(long)]
    first: Option<usize>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// Exit code 0: every statement elaborates; 1: some do not, or are refused; 3: some could not be judged.
pub async fn run(args: DatasetArgs, lean: LeanArgs) -> Result<Exit> {
    let Command::Check(args) = args.command;
    let entries = select(load(&args.data)?, &Selection { name: None, split: args.split, first: args.first })?;
    let toolchain = Arc::new(lean.clone().toolchain(Some(args.data)).await?);
    let pool = Pool::new(toolchain.clone(), lean.pool(1));
    let bar = spinner();
    bar.set_message(format!("{} statements", entries.len()));
    let cancel = on_interrupt()?;
    let checked =
        check(&pool, &entries, &cancel, |done| bar.set_message(format!("{done} of {} statements", entries.len()))).await;
    bar.finish_and_clear();
    let good = checked.iter().filter(|c| c.status == Status::Elaborates).count();
    if args.json {
        let summary: BTreeMap<String, usize> = summary(&checked).into_iter().collect();
        say(format_args!("{}", json!({"toolchain": toolchain.version, "summary": summary, "theorems": checked})))?;
    } else {
        table(&checked, &toolchain.version)?;
    }
    let unjudged = checked.iter().any(|c| matches!(c.status, Status::Unjudged { .. }));
    Ok(match (cancel.is_cancelled(), unjudged) {
        (true, _) => Exit::Stopped,
        (false, true) => Exit::Toolchain,
        (false, false) if good == checked.len() => Exit::Success,
        _ => Exit::NotProved,
    })
}

/// The status in words that a table can count.
fn class(status: &Status) -> String {
    match status {
        Status::Elaborates => "elaborates".to_owned(),
        Status::MissingLibrary { library } => format!("needs {library}, which is not here"),
        Status::OtherVersion { .. } => "unknown name or syntax (another version, or a missing import)".to_owned(),
        Status::NoStatement { .. } => "not a statement without proof".to_owned(),
        Status::Refused { .. } => "refused".to_owned(),
        Status::Error { .. } => "error".to_owned(),
        Status::Unjudged { .. } => "could not be judged".to_owned(),
    }
}

fn summary(checked: &[Checked]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for c in checked {
        *counts.entry(class(&c.status)).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

fn table(checked: &[Checked], version: &str) -> Result<()> {
    use std::fmt::Write;
    let mut out = String::new();
    let width = checked.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).min(60);
    for c in checked {
        let detail = match &c.status {
            Status::OtherVersion { message }
            | Status::Error { message }
            | Status::NoStatement { message }
            | Status::Refused { message }
            | Status::Unjudged { message } => format!(": {}", message.lines().next().unwrap_or("")),
            Status::Elaborates | Status::MissingLibrary { .. } => String::new(),
        };
        let twin = c.duplicate_of.as_ref().map(|d| format!(" (the same as {d})")).unwrap_or_default();
        writeln!(out, "{:width$}  {}{detail}{twin}", c.name, class(&c.status))?;
        // A refusal is the status already.
        for finding in c.findings.iter().filter(|f| f.severity != Severity::Refused) {
            let word = if finding.severity == Severity::Warned { "warning" } else { "note" };
            writeln!(out, "{:width$}    {word}: {}", "", finding.text)?;
        }
    }
    let twins = checked.iter().filter(|c| c.duplicate_of.is_some()).count();
    writeln!(out, "\n{} statements, {version}", checked.len())?;
    for (class, count) in summary(checked) {
        writeln!(out, "{count:7}  {class}")?;
    }
    if twins > 0 {
        writeln!(out, "{twins:7}  duplicates of an earlier one")?;
    }
    say(out.trim_end())
}
