//! `qstar bench`.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::guidance::{MemoryArgs, NetworkArgs};
use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed, on_interrupt, put, say};
use crate::bench::config::{Config, Setting};
use crate::bench::gate;
use crate::bench::run::{Desk, Event, Job, jobs, records_file, run as work, task};
use crate::bench::store::Store;
use crate::bench::summary::{Left, Summary};
use crate::bench::{Attempt, junit, page};
use crate::dataset::{Entry, Selection, file_names, load, select};
use crate::files::{make_folder, read_text};
use crate::lean::Pool;
use crate::policy::choice::{NetworkPlace, Policies, PolicyKind};
use crate::prover::{Company, ProveError};
use crate::recall::Recall;
use crate::record;
use crate::report::Picture;
use crate::search::{Operator, StrategyKind};
use crate::value::ValueKind;
use crate::verify::Certificate;

/// The folder of certificates below that of the run.
const CERTIFICATES: &str = "certificates";

#[derive(Args)]
pub struct BenchArgs {
    /// The benchmark (TOML, see benchmarks/), each of whose values has a flag; or a dataset.
    config: Option<PathBuf>,
    /// The dataset instead of the configuration's.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Rows of that split only.
    #[arg(long)]
    split: Option<String>,
    /// The first so many theorems only.
    #[arg(long)]
    first: Option<usize>,
    /// Seconds for each attempt.
    #[arg(long)]
    time: Option<f64>,
    /// Lean checks for each attempt; with a time that never ends a search, every run gives the same.
    #[arg(long)]
    checks: Option<u64>,
    /// Attempts at each theorem, for pass@1 to pass@SEEDS.
    #[arg(long)]
    seeds: Option<u64>,
    /// Lean processes, and theorems worked on at a time.
    #[arg(long)]
    workers: Option<usize>,
    /// Policies to compare.
    #[arg(long, value_delimiter = ',')]
    policy: Option<Vec<PolicyKind>>,
    /// What scores proof states.
    #[arg(long, value_enum)]
    value: Option<ValueKind>,
    #[command(flatten)]
    networks: NetworkArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    /// Strategies to compare.
    #[arg(long, value_delimiter = ',')]
    strategy: Option<Vec<StrategyKind>>,
    /// Operators to switch off.
    #[arg(long, value_delimiter = ',')]
    without: Option<Vec<Operator>>,
    /// Operators to switch on that are off by default.
    #[arg(long, value_delimiter = ',')]
    with: Option<Vec<Operator>>,
    /// Folder for the store and the reports. The same folder goes on where a run was stopped; several processes may
    /// share it.
    #[arg(long, default_value = "qstar-bench", value_name = "FOLDER")]
    out: PathBuf,
    /// Keep every search's records (goals, tactics, verdicts) in FOLDER/records, one file for each attempt.
    #[arg(long)]
    records: bool,
    /// The results.json of an earlier run: exit code 1 when this one is worse.
    #[arg(long, value_name = "results.json")]
    baseline: Option<PathBuf>,
    /// How far the rate may fall below the baseline's (0.02: two percentage points).
    #[arg(long)]
    tolerance: Option<f64>,
    /// A fall counts only when chance makes it less often than this (0.05: one time in twenty).
    #[arg(long)]
    significance: Option<f64>,
    /// Theorems that must stay proved if the baseline proved them.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    must_keep: Option<Vec<String>>,
    /// Compare the theorems of both runs, though the baseline has others as well.
    #[arg(long)]
    partial: bool,
    /// Print the results as JSON instead of the table.
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    fn config(&self) -> Result<Config> {
        let mut config = match &self.config {
            Some(path) if path.extension().is_some_and(|e| e == "toml") => Config::read(path)?,
            Some(data) => Config { dataset: data.clone(), ..Config::default() },
            None => Config::default(),
        };
        fn put<T: Clone>(place: &mut T, flag: &Option<T>) {
            if let Some(value) = flag {
                place.clone_from(value);
            }
        }
        put(&mut config.dataset, &self.data);
        config.split = self.split.clone().or(config.split);
        config.first = self.first.or(config.first);
        put(&mut config.time, &self.time);
        put(&mut config.checks, &self.checks);
        put(&mut config.seeds, &self.seeds);
        put(&mut config.workers, &self.workers);
        put(&mut config.value, &self.value);
        config.records |= self.records;
        put(&mut config.matrix.policy, &self.policy);
        put(&mut config.matrix.strategy, &self.strategy);
        put(&mut config.matrix.without, &self.without.clone().map(|list| vec![list]));
        put(&mut config.matrix.with, &self.with.clone().map(|list| vec![list]));
        put(&mut config.gate.tolerance, &self.tolerance);
        put(&mut config.gate.significance, &self.significance);
        put(&mut config.gate.must_keep, &self.must_keep);
        config.gate.partial |= self.partial;
        config.validate()?;
        Ok(config)
    }
}

pub async fn run(args: BenchArgs, lean: LeanArgs) -> Result<Exit> {
    let mut config = args.config()?;
    // Read before hours of work, so that a wrong name is told at once.
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    let selection = Selection { name: None, split: config.split.clone(), first: config.first };
    let entries = select(load(&config.dataset)?, &selection)?;
    let lean = lean.or_project(config.project.clone());
    let toolchain = Arc::new(lean.clone().toolchain(Some(config.dataset.clone())).await?);
    let place = args.networks.place();
    let place = NetworkPlace { model: place.model.or(config.model.clone()), ..place };
    let mut policies = Policies::new(toolchain.clone()).with_networks(place).with_all_premises();
    if config.matrix.policy.iter().any(|policy| policy.has_model()) {
        config.served = Some(policies.open_model().await?);
    }
    if config.settings().iter().any(Setting::has_network) {
        config.networks = Some(policies.networks()?.fingerprint().to_owned());
    }
    let jobs = jobs(&config, &entries);
    let tasks = jobs.iter().map(task).collect::<Result<Vec<_>>>()?;
    make_folder(&args.out)?;
    let path = args.out.join("store.sqlite");
    let store = tokio::task::spawn_blocking(move || Store::open(&path, &tasks)).await??;
    let store = Arc::new(store);
    let workers = if config.workers == 0 { lean.default_workers() } else { config.workers };
    let pool = Pool::new(toolchain.clone(), lean.pool(workers));
    let recall = args.memory.recall()?;
    let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
    let cancel = on_interrupt()?;
    let before = store.attempts()?;
    let mut progress = Progress::new(jobs.len(), &before);
    let records = config.records.then(|| args.out.join("records"));
    if let Some(folder) = &records {
        make_folder(folder)?;
    }
    let records = records.as_deref();
    let company = Company::new(toolchain.clone(), workers);
    let desk = Desk {
        toolchain: &toolchain,
        pool: &pool,
        policies: &policies,
        recall: recall.as_ref(),
        records,
        cancel: &cancel,
        company: &company,
    };
    let worked = work(store.clone(), &jobs, &desk, workers, |event| progress.tell(&event)).await;
    progress.bar.finish_and_clear();
    let mut attempts = store.attempts()?;
    let left = left(&jobs, &attempts);
    if !left.is_empty() {
        eprintln!("stopped: {} of {} attempts are kept; the same command goes on", attempts.len(), jobs.len());
    }
    let names: Vec<String> = config.settings().iter().map(Setting::name).collect();
    let dataset = config.dataset.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(folder) = records {
        draw(&args.out, folder, &jobs, &mut attempts)?;
    }
    let certificates = certificates(&args.out, &entries, &attempts);
    let summary = Summary::new(dataset, toolchain.version.clone(), &names, config.gate.must_keep.clone(), attempts, left);
    let comparisons = baseline.as_ref().map(|b| gate::compare(b, &summary, &config.gate));
    let written = reports(&args, &summary, comparisons.as_deref().unwrap_or(&[]), &certificates);
    if args.json {
        say(serde_json::to_string(&summary)?)?;
    } else {
        say(summary.table().trim_end())?;
    }
    // After the table: a full disk must not hide what was found.
    written?;
    if !args.json {
        say(format_args!("\nreports: {}/{{results.json, junit.xml, summary.md, index.html}}", args.out.display()))?;
    }
    tell_errors(&summary);
    // Lean's failure, or the disk's, after the reports of what was judged before it.
    let of_lean = |error: &anyhow::Error| error.chain().any(|e| e.is::<ProveError>());
    worked.map_err(|error| if of_lean(&error) { ToolchainFailed(error).into() } else { error })?;
    let unfinished = !summary.left.is_empty();
    if let Some(comparisons) = &comparisons {
        eprint!("{}", gate::report(comparisons));
        ensure!(!comparisons.is_empty(), "the baseline has none of this run's settings: {}", names.join("; "));
    }
    let passed = comparisons.iter().flatten().all(gate::Comparison::passes);
    Ok(match (unfinished, passed) {
        (true, _) => Exit::Stopped,
        (false, true) => Exit::Success,
        (false, false) => Exit::NotProved,
    })
}

/// What was planned and not made.
fn left(jobs: &[Job<'_>], attempts: &[Attempt]) -> Vec<Left> {
    let made: HashSet<(&str, &str, u64)> = attempts.iter().map(|a| (a.theorem.as_str(), a.setting.as_str(), a.seed)).collect();
    let of = |job: &Job<'_>| Left { theorem: job.entry.name.clone(), setting: job.setting.name(), seed: job.seed };
    jobs.iter().map(of).filter(|l| !made.contains(&(l.theorem.as_str(), l.setting.as_str(), l.seed))).collect()
}

/// Every theorem without a verdict, with the reason, and what must be known of those that are proved; each once.
fn tell_errors(summary: &Summary) {
    let mut told = HashSet::new();
    for a in summary.attempts.iter().filter(|a| a.proved) {
        for note in &a.notes {
            if told.insert((&a.theorem, note)) {
                eprintln!("note: {} is proved, and {note}", a.theorem);
            }
        }
    }
    for a in &summary.attempts {
        if let Some(error) = &a.error
            && told.insert((&a.theorem, error))
        {
            eprintln!("no verdict: {}: {}", a.theorem, error.lines().next().unwrap_or(""));
        }
    }
}

fn read_baseline(path: &Path) -> Result<Summary> {
    let text = read_text(path)?;
    let read: Summary =
        serde_json::from_str(&text).with_context(|| format!("{} is no results.json of qstar bench", path.display()))?;
    let left = read.left.len();
    ensure!(left == 0, "{} is of a run that was stopped: {left} attempts are missing; finish it first", path.display());
    Ok(read)
}

/// Draws every search that has records, once, and names its picture in the attempt.
fn draw(out: &Path, records: &Path, jobs: &[Job<'_>], attempts: &mut [Attempt]) -> Result<()> {
    let folder = out.join("pictures");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for job in jobs {
        let file = records_file(records, &task(job)?);
        let mine = |a: &&mut Attempt| a.theorem == job.entry.name && a.setting == job.setting.name() && a.seed == job.seed;
        let (Some(attempt), true) = (attempts.iter_mut().find(mine), file.exists()) else { continue };
        let name = file.file_name().map(|n| n.to_string_lossy().replace(".jsonl.gz", ".html")).unwrap_or_default();
        if !folder.join(&name).exists() {
            let picture = Picture::new(&record::read(&file)?)?.with_certificate(attempt.certificate.clone());
            put(&folder.join(&name), &picture.page()?)?;
        }
        attempt.picture = Some(format!("pictures/{name}"));
    }
    Ok(())
}

/// Writes every report, each whole or not at all, and the certificates of the proofs.
fn reports(
    args: &BenchArgs,
    summary: &Summary,
    comparisons: &[gate::Comparison],
    certificates: &[(PathBuf, Certificate)],
) -> Result<()> {
    let broken: Vec<String> = comparisons.iter().flat_map(|c| c.broken.clone()).collect();
    put(&args.out.join("results.json"), &serde_json::to_string_pretty(summary)?)?;
    put(&args.out.join("junit.xml"), &junit::write(summary, &broken)?)?;
    put(&args.out.join("summary.md"), &format!("{}{}", summary.markdown(), gate::report(comparisons)))?;
    put(&args.out.join("index.html"), &page::write(summary)?)?;
    let folder = args.out.join(CERTIFICATES);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    certificates.iter().try_for_each(|(path, certificate)| put(path, &serde_json::to_string_pretty(certificate)?))
}

/// The first certificate of each theorem, and its file: the same in every run, whichever theorems are proved by then. One that
/// an earlier run with another statement has left there is replaced.
fn certificates(out: &Path, entries: &[Entry], attempts: &[Attempt]) -> Vec<(PathBuf, Certificate)> {
    let files = file_names(entries.iter().map(|e| e.name.as_str()));
    let first = |entry: &Entry| attempts.iter().filter(|a| a.theorem == entry.name).find_map(|a| a.certificate.clone());
    let place = |file: &String| out.join(CERTIFICATES).join(format!("{file}.json"));
    entries.iter().zip(&files).filter_map(|(entry, file)| Some((place(file), first(entry)?))).collect()
}

/// The bar on a terminal, plain lines now and then when piped.
struct Progress {
    bar: ProgressBar,
    plain: bool,
    last: Instant,
    proved: usize,
    waiting: bool,
}

impl Progress {
    fn new(all: usize, before: &[Attempt]) -> Progress {
        let plain = !std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{bar:30.green} {pos}/{len} [{elapsed}, {eta} left] {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr_with_hz(4)).with_style(style);
        bar.set_position(before.len() as u64);
        bar.reset_eta();
        if !before.is_empty() {
            eprintln!("going on: {} of {all} attempts are judged already", before.len());
        }
        let proved = before.iter().filter(|a| a.proved).count();
        Progress { bar, plain, last: Instant::now(), proved, waiting: false }
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::Judged(attempt) => {
                self.bar.inc(1);
                self.proved += usize::from(attempt.proved);
                let mark = if attempt.proved { "proved" } else { "not proved" };
                self.bar.set_message(format!("{} proved; {}: {mark}", self.proved, attempt.theorem));
                if self.plain && self.last.elapsed() >= Duration::from_secs(10) {
                    self.last = Instant::now();
                    let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
                    eprintln!("{done} of {all}, {} proved, about {:.0} s left", self.proved, self.bar.eta().as_secs_f64());
                }
            }
            Event::Waiting if !self.waiting => {
                self.waiting = true;
                self.bar.set_message("waiting for what other processes work on");
                if self.plain {
                    eprintln!("waiting for what other processes work on");
                }
            }
            Event::Waiting => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_theorem_has_a_certificate_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.jsonl");
        let row = |name: &str| format!(r#"{{"name": "{name}", "formal_statement": "theorem x : 1 = 1"}}"#);
        std::fs::write(&data, [row("b"), row("b"), row("b_1")].join("\n")).unwrap();
        let entries = load(&data).unwrap();
        let certificate: Certificate = serde_json::from_value(serde_json::json!({
            "format": "x", "name": "x", "header": "", "statement": "theorem x : 1 = 1", "statement_sha256": "x",
            "proof": "rfl", "toolchain": "x", "axioms": {"listed": []}, "statement_checked_by_lean": true,
            "document_sha256": "x", "milliseconds": 1,
        }))
        .unwrap();
        let proved =
            |theorem: &str| Attempt { theorem: theorem.into(), certificate: Some(certificate.clone()), ..Attempt::default() };
        let names = |attempts: &[Attempt]| -> Vec<String> {
            let made = certificates(Path::new("run"), &entries, attempts);
            made.iter().map(|(path, _)| path.display().to_string()).collect()
        };
        let all = ["run/certificates/b_1.json", "run/certificates/b_2.json", "run/certificates/b_1-2.json"];
        assert_eq!(names(&[proved("b#1"), proved("b#2"), proved("b_1")]), all);
        assert_eq!(names(&[proved("b_1"), proved("b_1")]), all[2..]);
    }
}
