//! `qstar corpus`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::lean::LeanArgs;
use super::{Exit, put, say, spinner};
use crate::corpus::hindsight;
use crate::corpus::library::{Options, gather};
use crate::corpus::project;
use crate::corpus::synthetic::{Family, generate};
use crate::dataset::load;
use crate::export::Split;
use crate::files::{check_writable, make_folder};
use crate::record;
use crate::search::Event;

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
    /// Pose goals that searches proved on their way as theorems.
    Hindsight(HindsightArgs),
    /// Read people's tactic proofs out of Lean files, step by step with Lean's own goals: rows for training, and a memory for
    /// `--remember`.
    Project(ProjectArgs),
}

#[derive(Args)]
struct HindsightArgs {
    /// Records and traces of searches, or folders of them.
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// The datasets that were searched: headers are theirs, and searches of other theorems are left out.
    #[arg(long, required = true, value_delimiter = ',', value_name = "DATA")]
    data: Vec<PathBuf>,
    /// The dataset.
    #[arg(long, value_name = "DATA.jsonl")]
    out: PathBuf,
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
    /// Modules of this split only: each belongs to one for ever, by a hash of its name (eight in ten train).
    #[arg(long, value_enum)]
    split: Option<Split>,
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
    #[arg(long, alias = "families", value_enum, value_delimiter = ',', default_values_t = Family::ALL.to_vec(), hide_default_value = true)]
    family: Vec<Family>,
    /// Families to leave out: hold some out whole, to see what is learnt of the others.
    #[arg(long, alias = "without-families", value_enum, value_delimiter = ',', hide_possible_values = true)]
    without_family: Vec<Family>,
    /// The dataset.
    #[arg(long, value_name = "DATA.jsonl")]
    out: PathBuf,
}

pub async fn run(args: CorpusArgs, lean: LeanArgs) -> Result<Exit> {
    match args.kind {
        Kind::Synthetic(args) => {
            check_writable(&args.out)?;
            let wanted: Vec<Family> = args.family.into_iter().filter(|f| !args.without_family.contains(f)).collect();
            let rows = generate(&wanted, args.count, args.seed)?;
            write(&args.out, &rows)?;
            say(format_args!("{} theorems in {}", rows.len(), args.out.display()))?;
        }
        Kind::Hindsight(args) => {
            check_writable(&args.out)?;
            let rows = look_back(&args)?;
            write(&args.out, &rows)?;
            say(format_args!("{} theorems in {}", rows.len(), args.out.display()))?;
        }
        Kind::Library(args) => take_library(args, lean).await?,
        Kind::Project(args) => read_project(args, lean).await?,
    }
    Ok(Exit::Success)
}

async fn take_library(args: LibraryArgs, lean: LeanArgs) -> Result<()> {
    check_writable(&args.out)?;
    let workers = args.workers.map_or_else(|| lean.default_workers(), usize::from);
    let toolchain = lean.toolchain(None).await?;
    let options = Options {
        roots: args.root,
        under: args.under,
        per_module: args.per_module,
        modules: args.modules,
        split: args.split,
        seed: args.seed,
        workers,
    };
    let bar = spinner();
    let (rows, report) = gather(&toolchain, &options, |doing| bar.set_message(doing)).await?;
    bar.finish_and_clear();
    write(&args.out, &rows)?;
    if args.json {
        say(format_args!("{}", serde_json::to_string(&report)?))?;
        return Ok(());
    }
    say(format_args!("{} theorems in {}", report.kept, args.out.display()))?;
    say(format_args!("{} were found in {} modules of {}", report.found, report.modules, toolchain.version))?;
    for (reason, count) in &report.lost {
        say(format_args!("{count:7}  {reason}"))?;
    }
    Ok(())
}

/// Each goal once, in the order of the records.
fn look_back(args: &HindsightArgs) -> Result<Vec<hindsight::Row>> {
    let mut headers: HashMap<String, String> = HashMap::new();
    for path in &args.data {
        let problems = load(path)?.into_iter().filter_map(|e| e.problem.ok());
        headers.extend(problems.map(|p| (p.statement.text.clone(), p.header)));
    }
    let mut known = HashSet::new();
    let mut rows = Vec::new();
    for file in record::files(&args.records)? {
        let events = record::read(&file)?;
        let Some(Event::Begin { statement, .. }) = events.first() else { continue };
        let Some(header) = headers.get(statement) else { continue };
        rows.extend(hindsight::goals(&events, header).into_iter().filter(|row| known.insert(row.name.clone())));
    }
    Ok(rows)
}

async fn read_project(args: ProjectArgs, lean: LeanArgs) -> Result<()> {
    make_folder(&args.out)?;
    let toolchain = lean.toolchain(Some(args.place.clone())).await?;
    let bar = spinner();
    let (steps, report) = project::gather(&toolchain, &args.place, |file| bar.set_message(file.to_owned())).await?;
    bar.finish_and_clear();
    for split in [Split::Train, Split::Validation, Split::Test] {
        let rows: Vec<&project::PersonsStep> = steps.iter().filter(|s| project::split(s) == split).collect();
        write(&args.out.join(format!("policy.{}.jsonl", split.name())), &rows)?;
    }
    if args.json {
        say(format_args!("{}", serde_json::to_string(&report)?))?;
        return Ok(());
    }
    say(format_args!(
        "{} steps of {} theorems in {} files; tables in {}",
        report.steps,
        report.theorems,
        report.files,
        args.out.display()
    ))?;
    for lost in &report.lost {
        say(format_args!("not read: {lost}"))?;
    }
    Ok(())
}

fn write<R: Serialize>(out: &Path, rows: &[R]) -> Result<()> {
    let lines = rows.iter().map(serde_json::to_string).collect::<Result<Vec<String>, _>>()?;
    put(out, &lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
