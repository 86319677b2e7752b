//! `qstar prove`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use clap::Args;
use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::proofs::Proofs;
use super::tell::{Line, fail, report};
use super::{Exit, is_closed_pipe, on_interrupt, put};
use crate::bench::config::Setting;
use crate::bench::run::VERIFYING;
use crate::dataset::header::Finding;
use crate::dataset::{self, Selection, file_names};
use crate::files::{check_apart, check_writable, read_lean};
use crate::formats::answer;
use crate::lean::Pool;
use crate::lean::syntax::grouped;
use crate::policy::choice::Policies;
use crate::problem::Problem;
use crate::prover::{self, Company, Finish, Guide, Outcome, ProveError, prove, warm_up};
use crate::recall::Recall;
use crate::record::Trace;
use crate::report::Sketch;
use crate::search::{Fan, Lemmas, Operator, SearchError, Sink, StopReason};
use crate::toolchain::Toolchain;
use crate::value::Value;

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
    /// Begin with the proofs of this file, for theorems of the same names: what holds of them is kept, and every `sorry` in
    /// them is searched.
    #[arg(long, value_name = "SKETCH.lean")]
    sketch: Option<PathBuf>,
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

/// A theorem that is asked for, or why it cannot be searched.
struct Wish {
    name: String,
    /// Its name in files' names, among those of the run.
    file: String,
    problem: Result<Problem, String>,
    /// Of foreign ones: what header and statement do.
    findings: Vec<Finding>,
    foreign: bool,
}

impl Wish {
    fn own(problem: Problem) -> Wish {
        let name = problem.name.clone();
        Wish { name, file: String::new(), problem: Ok(problem), findings: Vec::new(), foreign: false }
    }
}

pub async fn run(args: ProveArgs, lean: LeanArgs) -> Result<Exit> {
    let mut wishes = match (&args.place, &args.statement) {
        (Some(place), _) => load(place, args.name.clone())?,
        (None, Some(statement)) => vec![Wish::own(Problem::from_statement(&args.header, statement)?)],
        (None, None) => bail!("a file or --statement is needed"),
    };
    let files = file_names(wishes.iter().map(|wish| wish.name.as_str()));
    wishes.iter_mut().zip(files).for_each(|(wish, file)| wish.file = file);
    let wishes = grouped(wishes, |wish| wish.problem.as_ref().map_or("", |problem| &problem.header));
    let problems: Vec<&Problem> = wishes.iter().filter_map(|wish| wish.problem.as_ref().ok()).collect();
    let sketches = args.sketch.as_deref().map_or_else(|| Ok(HashMap::new()), |path| read_sketches(path, &problems))?;
    let near = args.place.as_ref().map(|place| split_place(place).0);
    // What cannot be written, or would replace what is read, is told before the search.
    let mut proofs = args.out.as_deref().map(Proofs::begin).transpose()?;
    let places = args.report.iter().chain(&args.trace).map(|p| one_of_many(p, &wishes[0].file, wishes.len()));
    let places: Vec<PathBuf> = places.chain(args.cache.clone()).collect();
    places.iter().try_for_each(|place| check_writable(place))?;
    let inputs: Vec<&Path> = near.iter().chain(&args.sketch).map(PathBuf::as_path).collect();
    args.out.iter().chain(&places).try_for_each(|place| check_apart(place, inputs.iter().copied()))?;
    let (toolchain, fetched) = super::outfit(lean.clone(), near, &args.guidance).await?;
    let workers = args.guidance.workers(&lean);
    // The first worker starts and imports while networks and indexes are read.
    let pool = Arc::new(Pool::new(toolchain.clone(), lean.pool(workers)));
    let warming = tokio::spawn({
        let (pool, first) = (pool.clone(), wishes.iter().find_map(|wish| wish.problem.as_ref().ok()).cloned());
        async move {
            if let Some(first) = first {
                warm_up(&pool, &first).await;
            }
        }
    });
    let (mut setting, policies) = args.guidance.setting(&toolchain, &fetched).await?;
    let recall = args.guidance.recall()?;
    let policies = policies.with_memory(recall.as_ref().map(Recall::memory));
    if args.cache.is_some() {
        setting.with.push(Operator::Aggregate);
    }
    let cancel = on_interrupt()?;
    let lemmas = Arc::new(args.cache.as_deref().map_or_else(|| Ok(Lemmas::default()), Lemmas::open)?);
    let value = policies.value(setting.value)?;
    let mut ends: Vec<End> = Vec::new();
    let mut exit = Exit::Success;
    for wish in &wishes {
        let Err(reason) = &wish.problem else { continue };
        ends.push(End::Error);
        exit = exit.and(End::Error.exit());
        if !told(&wish.name, [fail(&wish.name, reason, &wish.findings, args.json)], &mut exit) && proofs.is_none() {
            return Ok(Exit::Stopped);
        }
    }
    let desk = Desk {
        args: &args,
        toolchain: &toolchain,
        pool: &pool,
        policies: &policies,
        setting: &setting,
        value: value.as_ref(),
        recall: recall.as_ref(),
        lemmas: &lemmas,
        sketches: &sketches,
        cancel: &cancel,
        company: &Company::new(toolchain.clone(), 1),
        workers,
        all: wishes.len(),
    };
    tokio::select! {
        _ = warming => {}
        () = cancel.cancelled() => {}
    }
    // Those whose proof is being verified let the next one search.
    let searches = wishes.iter().filter_map(|wish| Some(desk.search(wish, wish.problem.as_ref().ok()?)));
    let mut searches = stream::iter(searches).buffer_unordered(1 + VERIFYING);
    while let Some(ended) = searches.next().await {
        let Ended { wish, problem, outcome, trace, sketch } = ended?;
        let mut findings = wish.findings.clone();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(ProveError::Cancelled) => continue,
            Err(error) => {
                let end = End::of(&error);
                ends.push(end);
                exit = exit.and(end.exit());
                let said = fail(&wish.name, &error.to_string(), &findings, args.json);
                if !told(&wish.name, [said], &mut exit) && proofs.is_none() {
                    return Ok(Exit::Stopped);
                }
                if error.is_lean_missing() {
                    break;
                }
                continue;
            }
        };
        findings.extend(outcome.warnings.iter().cloned());
        let end = End::of_outcome(&outcome);
        exit = exit.and(end.exit());
        ends.push(end);
        // Each step that fails is told, and keeps nothing else from being done.
        let mut kept = vec![report(&outcome, &findings, args.json)];
        if let (Some(proofs), Some(proof), Some(certificate)) = (&mut proofs, &outcome.proof, &outcome.certificate) {
            kept.push(proofs.add(problem, &wish.file, proof, certificate));
        }
        if let Some((path, sketch)) = sketch {
            let page = sketch.finish().with_certificate(outcome.certificate.clone()).page();
            kept.push(page.and_then(|page| put(&path, &page)));
        }
        kept.push(trace.map_or(Ok(()), Trace::finish));
        if !told(&problem.name, kept, &mut exit) && proofs.is_none() {
            return Ok(Exit::Stopped);
        }
    }
    if let Some(note) = proofs.map(Proofs::end).transpose()?.flatten() {
        eprintln!("qstar: {note}");
    }
    if wishes.len() > 1 && !args.json {
        eprintln!("{}", summary(&ends, wishes.len()));
    }
    let stopped = cancel.is_cancelled() && ends.iter().filter(|e| **e == End::Proved).count() < wishes.len();
    Ok(if stopped { Exit::Stopped } else { exit })
}

/// What the searches of a run share.
struct Desk<'a> {
    args: &'a ProveArgs,
    toolchain: &'a Toolchain,
    pool: &'a Pool,
    policies: &'a Policies,
    setting: &'a Setting,
    value: &'a dyn Value,
    recall: Option<&'a Recall>,
    lemmas: &'a Arc<Lemmas>,
    /// Proofs with gaps, by theorem.
    sketches: &'a HashMap<String, Vec<String>>,
    cancel: &'a CancellationToken,
    company: &'a Company,
    workers: usize,
    /// Number of theorems.
    all: usize,
}

/// A search that is over, and what is to be written of it.
struct Ended<'a> {
    wish: &'a Wish,
    problem: &'a Problem,
    outcome: Result<Outcome, ProveError>,
    trace: Option<Trace>,
    sketch: Option<(PathBuf, Sketch)>,
}

impl Desk<'_> {
    async fn search<'a>(&self, wish: &'a Wish, problem: &'a Problem) -> Result<Ended<'a>> {
        let Desk { args, setting, .. } = self;
        let line = Line::new(&problem.name);
        let minds = self.policies.minds(setting.policy, &prover::theorem(problem), 0)?;
        let place = |path: &PathBuf| one_of_many(path, &wish.file, self.all);
        let trace = args.trace.as_ref().map(|path| Trace::create(&place(path))).transpose()?;
        let sketch = args.report.as_ref().map(|path| (place(path), Sketch::default()));
        let sinks = trace.iter().map(|t| t as &dyn Sink).chain(sketch.iter().map(|(_, s)| s as &dyn Sink));
        let sinks = Fan(sinks.collect());
        let guide = Guide {
            parallel: self.workers + 1,
            cancel: self.cancel.clone(),
            sink: (!sinks.0.is_empty()).then_some(&sinks),
            recall: self.recall,
            lemmas: Some(self.lemmas.clone()),
            finish: match (args.stable, args.raw) {
                (true, _) => Finish::Stable,
                (false, false) => Finish::Shorten,
                (false, true) => Finish::None,
            },
            company: Some(self.company),
            inspect: wish.foreign,
            sketches: self.sketches.get(&problem.name).cloned().unwrap_or_default(),
            ..setting.guide(&minds, self.value)
        };
        let outcome = prove(self.toolchain, self.pool, problem, &guide, |p| line.tell(p)).await;
        line.end();
        Ok(Ended { wish, problem, outcome, trace, sketch })
    }
}

/// Tells what could not be written for a theorem. `false`: nobody reads standard output any more; files are wanted all
/// the same.
fn told(name: &str, written: impl IntoIterator<Item = Result<()>>, exit: &mut Exit) -> bool {
    let mut read = true;
    for error in written.into_iter().filter_map(Result::err) {
        if is_closed_pipe(&error) {
            *exit = exit.and(Exit::Stopped);
            read = false;
        } else {
            *exit = exit.and(Exit::Usage);
            eprintln!("qstar: theorem {name}: {error:#}");
        }
    }
    read
}

/// `FILE.NAME.html` where several theorems have a file each.
fn one_of_many(path: &Path, file: &str, all: usize) -> PathBuf {
    match (all, path.extension().and_then(|e| e.to_str())) {
        (1, _) | (_, None) => path.to_owned(),
        (_, Some(extension)) => path.with_extension(format!("{file}.{extension}")),
    }
}

/// How a theorem ended, for the summary and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Proved,
    NotProved,
    /// The statement is none that Lean understands.
    Error,
    Unjudged,
}

impl End {
    fn of(error: &ProveError) -> End {
        match error {
            ProveError::Header(_) | ProveError::Search(SearchError::Statement(_)) => End::Error,
            _ => End::Unjudged,
        }
    }

    fn of_outcome(outcome: &Outcome) -> End {
        match (outcome.proved, outcome.reason) {
            (true, _) => End::Proved,
            (false, StopReason::Unverified) => End::Unjudged,
            (false, _) => End::NotProved,
        }
    }

    fn exit(self) -> Exit {
        match self {
            End::Proved => Exit::Success,
            End::NotProved => Exit::NotProved,
            End::Error => Exit::Usage,
            End::Unjudged => Exit::Toolchain,
        }
    }
}

/// Each theorem's end, counted.
fn summary(ends: &[End], all: usize) -> String {
    let count = |end: End| ends.iter().filter(|e| **e == end).count();
    let mut text = format!("proved {} of {all}", count(End::Proved));
    for (number, what) in [
        (count(End::NotProved), "not proved"),
        (count(End::Error), "not understood by Lean"),
        (count(End::Unjudged), "could not be judged"),
        (all - ends.len(), "not tried"),
    ] {
        if number > 0 {
            text.push_str(&format!("; {number} {what}"));
        }
    }
    text
}

/// The file of `FILE.lean:name`, and the name.
fn split_place(place: &str) -> (PathBuf, Option<&str>) {
    match place.rsplit_once(".lean:") {
        Some((stem, inner)) if !Path::new(place).exists() => (PathBuf::from(format!("{stem}.lean")), Some(inner)),
        _ => (PathBuf::from(place), None),
    }
}

/// `FILE.lean`, `FILE.lean:name` or a dataset, as on the command line.
fn load(place: &str, name: Option<String>) -> Result<Vec<Wish>> {
    let (path, inner) = split_place(place);
    if path.extension().is_some_and(|e| e == "lean") {
        let found = Problem::from_lean_file(&path, inner.or(name.as_deref()))?;
        return Ok(found.into_iter().map(Wish::own).collect());
    }
    let found = dataset::select(dataset::load(&path)?, &Selection { name, ..Selection::default() })?;
    let wish = |e: dataset::Entry| {
        let problem = e.problem.map_err(|reason| format!("{} ({})", reason, e.place));
        Wish { name: e.name, file: String::new(), problem, findings: e.findings, foreign: e.foreign }
    };
    Ok(found.into_iter().map(wish).collect())
}

/// The proofs of a file of sketches, by the names of their theorems.
fn read_sketches(path: &Path, problems: &[&Problem]) -> Result<HashMap<String, Vec<String>>> {
    let text = read_lean(path)?;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for problem in problems {
        let theorem = prover::theorem(problem);
        let proofs = answer::proofs(&theorem, &text);
        if !proofs.is_empty() {
            found.insert(problem.name.clone(), proofs);
        }
    }
    let names = problems.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
    ensure!(!found.is_empty(), "{} has no proof of {names}: a sketch states the theorem by its name", path.display());
    Ok(found)
}
