//! `qstar corpus`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::lean::LeanArgs;
use super::{Exit, put, spinner};
use crate::corpus::library::{Options, gather};
use crate::corpus::project;
use crate::corpus::synthetic::{Family, generate};
use crate::export::Split;

#[derive(Args)]
pub struct CorpusArgs {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// Make theorems up, true by construction, from a seed: a dataset for `qstar bench --records`.
    Synthetic(SyntheticArgs),
    /// Take the theorems of a compiled library, each posed behind the imports of its own module.
    Library(LibraryArgs),
    /// Read people's tactic proofs out of Lean files, step by step with Lean's own goals: rows for training, and a memory for
    /// `--remember`.
    Project(ProjectArgs),
}

#[derive(Args)]
struct ProjectArgs {
    /// A Lake project, another folder with Lean files, or one file.
    #[arg(value_name = "DIR")]
    place: PathBuf,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
    /// The folder of the tables (`policy.SPLIT.jsonl`).
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Args)]
struct LibraryArgs {
    /// Modules that are read with all that they import.
    #[arg(long, value_delimiter = ',', default_values_t = ["Init".to_owned(), "Std".to_owned()])]
    root: Vec<String>,
    /// Of these, modules whose names begin so only.
    #[arg(long, value_delimiter = ',', value_name = "PREFIX")]
    under: Vec<String>,
    /// At most so many modules, drawn by the seed.
    #[arg(long)]
    modules: Option<usize>,
    /// At most so many theorems of a module, drawn by the seed.
    #[arg(long)]
    per_module: Option<usize>,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Lean processes; by default as cores and memory allow.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
    /// The dataset.
    #[arg(long, value_name = "DATA.jsonl")]
    out: PathBuf,
}

#[derive(Args)]
struct SyntheticArgs {
    /// How many theorems; fewer when the families have no more.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// The same seed gives the same theorems.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Families to draw from, in turn.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Family::ALL)]
    family: Vec<Family>,
    /// The dataset.
    #[arg(long, value_name = "DATA.jsonl")]
    out: PathBuf,
}

pub async fn run(args: CorpusArgs, lean: LeanArgs) -> Result<Exit> {
    match args.kind {
        Kind::Synthetic(args) => {
            let rows = generate(&args.family, args.count, args.seed)?;
            write(&args.out, &rows)?;
            println!("{} theorems in {}", rows.len(), args.out.display());
        }
        Kind::Library(args) => take_library(args, lean).await?,
        Kind::Project(args) => read_project(args, lean).await?,
    }
    Ok(Exit::Success)
}

async fn take_library(args: LibraryArgs, lean: LeanArgs) -> Result<()> {
    let workers = args.workers.map_or_else(|| lean.default_workers(), usize::from);
    let toolchain = lean.toolchain(None).await?;
    let options = Options {
        roots: args.root,
        under: args.under,
        per_module: args.per_module,
        modules: args.modules,
        seed: args.seed,
        workers,
    };
    let bar = spinner();
    let (rows, report) = gather(&toolchain, &options, |doing| bar.set_message(doing)).await?;
    bar.finish_and_clear();
    write(&args.out, &rows)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!("{} theorems in {}", report.kept, args.out.display());
    println!("{} were found in {} modules of {}", report.found, report.modules, toolchain.version);
    for (reason, count) in &report.lost {
        println!("{count:7}  {reason}");
    }
    Ok(())
}

async fn read_project(args: ProjectArgs, lean: LeanArgs) -> Result<()> {
    let toolchain = lean.toolchain(Some(args.place.clone())).await?;
    let bar = spinner();
    let (steps, report) = project::gather(&toolchain, &args.place, |file| bar.set_message(file.to_owned())).await?;
    bar.finish_and_clear();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    for split in [Split::Train, Split::Validation, Split::Test] {
        let rows: Vec<&project::PersonsStep> = steps.iter().filter(|s| project::split(s) == split).collect();
        write(&args.out.join(format!("policy.{}.jsonl", split.name())), &rows)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!(
        "{} steps of {} theorems in {} files; tables in {}",
        report.steps,
        report.theorems,
        report.files,
        args.out.display()
    );
    for lost in &report.lost {
        println!("not read: {lost}");
    }
    Ok(())
}

fn write<R: Serialize>(out: &Path, rows: &[R]) -> Result<()> {
    let lines = rows.iter().map(serde_json::to_string).collect::<Result<Vec<String>, _>>()?;
    put(out, &lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
