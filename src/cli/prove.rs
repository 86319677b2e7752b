//! `qstar prove`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed, on_interrupt, put, spinner};
use crate::dataset::{self, Selection, file_name};
use crate::lean::Pool;
use crate::problem::Problem;
use crate::prover::{Finish, Guide, Outcome, ProveError, prove};
use crate::recall::Recall;
use crate::record::Trace;
use crate::report::Sketch;
use crate::search::{Fan, Lemmas, Operator, Progress, SearchError, Sink, StopReason};

#[derive(Args)]
pub struct ProveArgs {
    /// FILE.lean, FILE.lean:THEOREM, or a dataset (DATA.jsonl, a folder of Lean files).
    #[arg(required_unless_present = "statement", conflicts_with = "statement")]
    place: Option<String>,
    /// The theorem of that name only.
    #[arg(long)]
    name: Option<String>,
    /// A statement instead of a file.
    #[arg(long, value_name = "LEAN")]
    statement: Option<String>,
    /// What stands before the statement (imports, definitions, notations).
    #[arg(long, default_value = "", requires = "statement", value_name = "LEAN")]
    header: String,
    #[command(flatten)]
    guidance: Guidance,
    /// Write the proofs found to a Lean file, and a certificate for each beside it.
    #[arg(long, value_name = "FILE.lean")]
    out: Option<PathBuf>,
    /// Leave the proofs as the search found them.
    #[arg(long, conflicts_with = "stable")]
    raw: bool,
    /// Replace calls that search by themselves (`simp`, `grind`) by what they used.
    #[arg(long)]
    stable: bool,
    /// Draw each search as an HTML page (several theorems: FILE.NAME.html).
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write every event of the searches as it happens, for `qstar report` (several theorems: FILE.NAME.jsonl).
    #[arg(long, value_name = "FILE.jsonl")]
    trace: Option<PathBuf>,
    /// Keep proofs of goals in this file and try those that are in it, in this run and later ones; Lean judges each anew.
    /// Switches the operator `aggregate` on.
    #[arg(long, value_name = "FILE.jsonl")]
    cache: Option<PathBuf>,
    /// Print one JSON object for each theorem.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: ProveArgs, lean: LeanArgs) -> Result<Exit> {
    let problems = match (&args.place, &args.statement) {
        (Some(place), _) => load(place, args.name)?,
        (None, Some(statement)) => vec![Problem::from_statement(&args.header, statement)?],
        (None, None) => bail!("a file or --statement is needed"),
    };
    let near =
        args.place.as_ref().map(|p| PathBuf::from(p.rsplit_once(".lean:").map_or(p.clone(), |(f, _)| format!("{f}.lean"))));
    let (toolchain, fetched) = super::outfit(lean.clone(), near, &args.guidance).await?;
    let workers = args.guidance.workers(&lean);
    let (mut setting, policies) = args.guidance.setting(&toolchain, &fetched)?;
    let recall = args.guidance.recall()?;
    let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
    if args.cache.is_some() {
        setting.with.push(Operator::Aggregate);
    }
    let pool = Pool::new(toolchain.clone(), lean.pool(workers));
    let cancel = on_interrupt();
    let lemmas = Arc::new(args.cache.as_deref().map_or_else(|| Ok(Lemmas::default()), Lemmas::open)?);
    let value = policies.value(setting.value)?;
    let mut found = Vec::new();
    for problem in &problems {
        if cancel.is_cancelled() {
            break;
        }
        let line = Line::new(&problem.name);
        let policy = policies.make(setting.policy, &problem.header, 0)?;
        let one_of_many = |path: &PathBuf| match (problems.len(), path.extension().and_then(|e| e.to_str())) {
            (1, _) | (_, None) => path.clone(),
            (_, Some(extension)) => path.with_extension(format!("{}.{extension}", file_name(&problem.name))),
        };
        let trace = args.trace.as_ref().map(|path| Trace::create(&one_of_many(path))).transpose()?;
        let sketch = args.report.as_ref().map(|path| (one_of_many(path), Sketch::default()));
        let sinks = trace.iter().map(|t| t as &dyn Sink).chain(sketch.iter().map(|(_, s)| s as &dyn Sink));
        let sinks = Fan(sinks.collect());
        let guide = Guide {
            budget: setting.budget(),
            parallel: workers,
            cancel: cancel.clone(),
            sink: (!sinks.0.is_empty()).then_some(&sinks),
            recall: recall.as_ref(),
            strategy: setting.strategy,
            operators: setting.operators(),
            lemmas: Some(lemmas.clone()),
            finish: match (args.stable, args.raw) {
                (true, _) => Finish::Stable,
                (false, false) => Finish::Shorten,
                (false, true) => Finish::None,
            },
            ..Guide::new(policy.as_ref(), value.as_ref())
        };
        let outcome = prove(&toolchain, &pool, problem, &guide, |p| line.tell(p)).await;
        line.end();
        let outcome = outcome.map_err(|e| match e {
            ProveError::Search(SearchError::Statement(_)) => {
                anyhow::Error::from(e).context(format!("theorem {}", problem.name))
            }
            e => ToolchainFailed(anyhow::Error::from(e).context(format!("theorem {}", problem.name))).into(),
        })?;
        report(&outcome, args.json)?;
        if let Some((path, sketch)) = sketch {
            put(&path, &sketch.finish().with_certificate(outcome.certificate.clone()).page()?)?;
        }
        trace.map_or(Ok(()), Trace::finish)?;
        found.push(outcome);
    }
    if let Some(out) = &args.out {
        write(out, &problems, &found)?;
    }
    let proved = found.iter().filter(|o| o.proved).count();
    if problems.len() > 1 && !args.json {
        eprintln!("proved {proved} of {}", problems.len());
    }
    Ok(if proved == problems.len() { Exit::Success } else { Exit::NotProved })
}

/// `FILE.lean`, `FILE.lean:name` or a dataset, as on the command line.
fn load(place: &str, name: Option<String>) -> Result<Vec<Problem>> {
    let (path, inner) = match place.rsplit_once(".lean:") {
        Some((stem, inner)) if !Path::new(place).exists() => (PathBuf::from(format!("{stem}.lean")), Some(inner)),
        _ => (PathBuf::from(place), None),
    };
    if path.extension().is_some_and(|e| e == "lean") {
        return Problem::from_lean_file(&path, inner.or(name.as_deref()));
    }
    let found = dataset::select(dataset::load(&path)?, &Selection { name, ..Selection::default() })?;
    let problem = |e: dataset::Entry| e.problem.map_err(|reason| anyhow::anyhow!("{}: {}: {reason}", e.place, e.name));
    found.into_iter().map(problem).collect()
}

/// The progress line: live on a terminal, a plain line now and then when piped.
pub struct Line {
    bar: indicatif::ProgressBar,
    name: String,
    plain: Option<std::sync::Mutex<Instant>>,
}

impl Line {
    pub fn new(name: &str) -> Line {
        let plain = (!std::io::stderr().is_terminal()).then(|| std::sync::Mutex::new(Instant::now()));
        Line { bar: spinner(), name: name.to_owned(), plain }
    }

    pub fn tell(&self, p: &Progress) {
        let trying = p.trying.replace('\n', "; ");
        let message = format!("{}: {} checks, {} goals, depth {}, trying {trying}", self.name, p.checks, p.goals, p.depth);
        match &self.plain {
            None => {
                self.bar.set_message(message);
                self.bar.tick();
            }
            Some(last) => {
                if let Ok(mut last) = last.lock()
                    && last.elapsed() >= Duration::from_secs(10)
                {
                    eprintln!("{message}");
                    *last = Instant::now();
                }
            }
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What helps when a search ended so.
pub fn remedy(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Time => "; try a longer --time",
        StopReason::Checks => "; try more --checks",
        _ => "",
    }
}

fn report(outcome: &Outcome, as_json: bool) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string(outcome)?)?;
        return Ok(());
    }
    match &outcome.proof {
        Some(proof) => {
            writeln!(out, "-- proved: {} ({:.1} s, {} checks)\n{proof}", outcome.name, outcome.seconds, outcome.checks)?
        }
        None => {
            writeln!(
                out,
                "-- not proved: {} ({:.1} s, {} checks, {} goals): {}{}\n",
                outcome.name,
                outcome.seconds,
                outcome.checks,
                outcome.goals,
                outcome.reason,
                remedy(outcome.reason)
            )?;
        }
    }
    Ok(())
}

/// Writes the proved theorems behind their header, and the certificates; each file whole or not at all.
fn write(out: &Path, problems: &[Problem], outcomes: &[Outcome]) -> Result<()> {
    let mut text = String::new();
    let mut header = None;
    for (problem, outcome) in problems.iter().zip(outcomes) {
        if let (Some(proof), Some(certificate)) = (&outcome.proof, &outcome.certificate) {
            if header.replace(&problem.header) != Some(&problem.header) && text.is_empty() {
                text.push_str(&problem.header);
                text.push('\n');
            }
            text.push_str(&format!("{proof}\n"));
            let name = file_name(&outcome.name);
            put(&out.with_extension(format!("{name}.json")), &serde_json::to_string_pretty(certificate)?)?;
        }
    }
    put(out, &text)
}
