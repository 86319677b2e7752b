//! `qstar doctor`: what is found, what is missing, and what to do about it.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::lean::LeanArgs;
use super::{Exit, say, spinner};
use crate::lean::syntax::imports;
use crate::lean::{Limits, Session};
use crate::library::built::{self, Built};
use crate::library::modules_of;
use crate::network::runtime;
use crate::toolchain::processes::free_memory;
use crate::toolchain::{Project, Source, Toolchain, portable};

/// Names of modules that are listed of many.
const LISTED: usize = 5;

#[derive(Args)]
pub struct DoctorArgs {
    /// A header whose imports are looked at and tried [default: `import Mathlib` in a project that has it].
    #[arg(long, value_name = "LEAN")]
    header: Option<String>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// One line of the report.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    #[serde(rename = "ok")]
    good: bool,
    text: String,
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, what: &'static str, good: bool, text: impl Into<String>) {
        self.0.push(Finding { what, good, text: text.into() });
    }
}

/// Exit code 0: all is well; 3: something is missing.
pub async fn run(args: DoctorArgs, lean: LeanArgs) -> Result<Exit> {
    let mut report = Report::default();
    let wish = lean.clone().wish(std::env::current_dir().ok())?;
    let found = tokio::task::spawn_blocking(move || Toolchain::find(&wish)).await?;
    match &found {
        Ok(Some(t)) => report.add("Lean", true, format!("{} ({})", t.version, origin(t.source))),
        Ok(None) => report.add("Lean", false, "none; run `qstar setup` for the portable one, or install Lean with elan"),
        Err(e) => report.add("Lean", false, format!("{e:#}")),
    }
    let toolchain = found.ok().flatten();
    let mut imported = Value::Null;
    if let Some(toolchain) = &toolchain {
        report.add(
            "sandbox",
            true,
            toolchain.sandbox().map_or("none: text that Lean elaborates runs with all that you may do".into(), |how| {
                format!("Lean reads its library and the project, and writes to one temporary folder ({how})")
            }),
        );
        project(&mut report, toolchain);
        if let Some(header) = args.header.or_else(|| default_header(toolchain)) {
            imported = header_check(&mut report, toolchain, &header, &lean).await?;
        }
    }
    machine(&mut report, toolchain.as_ref(), &lean)?;
    let good = report.0.iter().all(|f| f.good);
    if args.json {
        let version = env!("CARGO_PKG_VERSION");
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        say(
            json!({"ok": good, "qstar": version, "system": system, "toolchain": toolchain, "imports": imported, "findings": report.0}),
        )?;
    } else {
        for f in &report.0 {
            say(format_args!("{} {:8} {}", if f.good { "ok " } else { "NO " }, f.what, f.text))?;
        }
    }
    Ok(if good { Exit::Success } else { Exit::Toolchain })
}

fn project(report: &mut Report, toolchain: &Toolchain) {
    let Some(project) = toolchain.project() else { return };
    let way = if project.lake { "through Lake" } else { "its compiled modules, without Lake" };
    let wants = project.wants().map(|w| format!("; lean-toolchain: {w}")).unwrap_or_default();
    let fits = project.fits(&toolchain.version);
    let remedy = if fits { "" } else { ", which is not the Lean that was found: install elan, or name that Lean with --lean" };
    report.add("project", fits, format!("{} ({way}){wants}{remedy}", project.root.display()));
}

fn default_header(toolchain: &Toolchain) -> Option<String> {
    let project = toolchain.project()?;
    let built = project.library().iter().any(|f| f.join("Mathlib.olean").is_file());
    let required = project.packages().iter().any(|p| p.join("Mathlib.lean").is_file());
    (built || required).then(|| "import Mathlib".to_owned())
}

/// Are the imports compiled, by this Lean, after their last change? And what does it take to import them?
async fn header_check(report: &mut Report, toolchain: &Toolchain, header: &str, lean: &LeanArgs) -> Result<Value> {
    let words = imports(header);
    let root = toolchain.project().map(|p| p.root.clone());
    let (folders, modules, commit) = (toolchain.library_folders(), modules_of(&words), toolchain.commit().map(str::to_owned));
    let sources = root.clone();
    let built =
        tokio::task::spawn_blocking(move || built::look(&folders, &modules, commit.as_deref(), sources.as_deref())).await??;
    let of = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let usable = built.missing.is_empty() && built.foreign.is_empty();
    report.add("modules", usable, format!("{of}: {}", words_of(&built, toolchain.project())));
    if !built.stale.is_empty() {
        let listed = list(&built.stale);
        report.add("stale", false, format!("changed since they were compiled: {listed}; run `lake build` in the project"));
    }
    let mut tried = Value::Null;
    if usable {
        let limits = lean.pool(1).limits;
        let bar = spinner();
        bar.set_message(format!("{of}: trying it"));
        let outcome = try_import(toolchain, limits, header).await;
        bar.finish_and_clear();
        match outcome {
            Ok((seconds, private)) => {
                report.add("import", true, format!("{of}: {seconds:.1} s, {} MB of private memory", private >> 20));
                tried = json!({"seconds": seconds, "private_mb": private >> 20});
            }
            Err(why) => report.add("import", false, format!("{of}: {why}")),
        }
    }
    let foreign: Vec<Value> = built.foreign.iter().map(|(module, why)| json!({"module": module, "reason": why})).collect();
    Ok(json!({"header": header, "modules": built.modules, "missing": built.missing, "foreign": foreign, "stale": built.stale,
              "tried": tried}))
}

fn words_of(built: &Built, project: Option<&Project>) -> String {
    let mut words = format!("{} modules are compiled", built.modules);
    if !built.missing.is_empty() {
        let place = project.map_or_else(|| "a Lake project".to_owned(), |p| p.root.display().to_string());
        let remedy = if project.is_some_and(|p| p.lake) {
            format!("run `lake exe cache get` (Mathlib and what it needs) and `lake build` (the project's own) in {place}")
        } else {
            "name the Lake project that has them with --project, or compile them".to_owned()
        };
        words.push_str(&format!(", {} are not: {}; {remedy}", built.missing.len(), list(&built.missing)));
    }
    if let Some((module, why)) = built.foreign.first() {
        let many = built.foreign.len();
        words.push_str(&format!(", {many} cannot be used: {module}: {why}; run `lake exe cache get!` and `lake build`"));
    }
    words
}

fn list(names: &[String]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// Seconds and private bytes of a server that has elaborated the header.
async fn try_import(toolchain: &Toolchain, limits: Limits, header: &str) -> Result<(f64, u64), String> {
    let start = Instant::now();
    let mut session = Session::start(toolchain, limits).await.map_err(|e| e.to_string())?;
    let seen = session.elaborate(&format!("{}\n", header.trim_end())).await.map_err(|e| e.to_string())?;
    if seen.stuck_at.is_some() {
        return Err(format!("Lean made no progress for {} s", limits.start.as_secs()));
    }
    match seen.diagnostics.iter().find(|d| d.is_error()) {
        Some(error) => Err(error.base.message.lines().next().unwrap_or("").to_owned()),
        None => Ok((start.elapsed().as_secs_f64(), session.private_memory())),
    }
}

fn machine(report: &mut Report, toolchain: Option<&Toolchain>, lean: &LeanArgs) -> Result<()> {
    let needs_node = toolchain.is_none_or(|t| t.source == Source::Portable);
    match portable::node_version() {
        Ok(version) => report.add("Node.js", true, version),
        Err(e) if needs_node => report.add("Node.js", false, format!("{e:#}")),
        Err(_) => report.add("Node.js", true, "not found, and not needed: Lean is not the portable one"),
    }
    let (free, workers) = (free_memory() >> 20, lean.default_workers());
    let enough = free >= 2048;
    let remedy = if enough { "" } else { "; a worker needs about 1.5 GB: close other programs" };
    let limit = lean.pool(workers).limits.memory >> 20;
    report.add(
        "memory",
        enough,
        format!("{free} MB free; {workers} Lean worker(s) by default, each with at most {limit} MB of its own{remedy}"),
    );
    let home = portable::cache_home();
    report.add("cache", home.is_ok(), home.as_ref().map_or_else(|e| e.to_string(), |h| h.display().to_string()));
    match home.as_ref().ok().and_then(|h| runtime::find(None, h).transpose()) {
        Some(Ok(path)) => report.add("ONNX", true, path.display().to_string()),
        Some(Err(error)) => report.add("ONNX", false, format!("{error:#}")),
        None => {
            report.add("ONNX", true, "not there yet; fetched with pip the first time a network is wanted, or by `qstar setup`");
        }
    }
    Ok(())
}

fn origin(source: Source) -> &'static str {
    match source {
        Source::Named => "named by --lean or QSTAR_LEAN",
        Source::Project => "the Lake project's own",
        Source::Path => "on the PATH",
        Source::Portable => "portable, in the cache",
    }
}
