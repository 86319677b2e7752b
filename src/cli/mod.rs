//! The command line: arguments to high-level options, once; nothing below sees a flag.

mod bench;
mod corpus;
mod dataset;
mod doctor;
mod export;
mod fill;
mod guidance;
mod iterate;
mod lean;
mod proofs;
mod prove;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod setup;
mod signals;
mod tell;
mod verify;
mod worker;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::guidance::{Fetched, Guidance};
use self::lean::LeanArgs;
use self::signals::on_interrupt;
use crate::files::put;
use crate::toolchain::Toolchain;

/// How a run ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Proved, verified, or done.
    Success = 0,
    /// Not proved, or a proof was not accepted.
    NotProved = 1,
    /// Bad usage or input.
    Usage = 2,
    /// No Lean, or Lean failed, or could not judge something.
    Toolchain = 3,
    /// Stopped before the end; what was done is kept.
    Stopped = 4,
}

impl Exit {
    /// Of several ends the one that a script must know of.
    pub fn and(self, other: Exit) -> Exit {
        if (other as u8) > (self as u8) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error that is the toolchain's fault, not the input's.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct ToolchainFailed(pub anyhow::Error);

const EXAMPLES: &str = "\
Examples:
  qstar prove lean-project/Examples.lean              every theorem there that ends in `sorry`
  qstar prove lean-project/Examples.lean:sum_to       one of them
  qstar prove --statement 'theorem t (n : Nat) : 2 ∣ n * (n + 1) := by'
  qstar prove DATA.jsonl --name mathd_algebra_123 --time 60
  qstar fill FILE.lean --diff                         what would stand in the place of each sorry
  qstar verify ORIGINAL.lean CANDIDATE.lean           is every sorry filled honestly?
  qstar bench benchmarks/small.toml --out run1        a benchmark; the same command goes on after a stop
  qstar dataset check DATA.jsonl                      which statements elaborate, and why not
  qstar prove FILE.lean:name --report out.html        the search as a picture
  qstar bench DATA.jsonl --project MATHLIB-PROJECT    with the imports of a project that lies elsewhere
  qstar doctor --project MATHLIB-PROJECT              which Lean is used, and what is missing

Exit codes (of several, the highest):
  0  proved, or done      1  not proved, not accepted, or the gate failed
  2  bad usage or input   3  Lean is missing or failed, or could not judge something
  4  stopped before the end (Ctrl-C, SIGTERM): what was done is kept

Lean is looked for in this order: --lean or QSTAR_LEAN, the Lake project around the file or named by --project (or
QSTAR_PROJECT), through elan, `lean` on the PATH, the portable one in the cache (QSTAR_HOME, else the XDG cache). If there is none, the portable one is set up.";

/// Proves Lean 4 theorems by search; a real Lean decides what counts.
#[derive(Parser)]
#[command(name = "qstar", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    lean: LeanArgs,
    /// Say more (`-v`: events, `-vv`: every failed tactic).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Search for proofs of theorems and verify what is found.
    Prove(prove::ProveArgs),
    /// Fill the `sorry`s of Lean files where they stand; the rest stays as it is, byte for byte.
    Fill(fill::FillArgs),
    /// Check certificates again from nothing, or a file of proofs against the original with its sorrys.
    Verify(verify::VerifyArgs),
    /// Run a proof benchmark: resumable, with reports for people and CI, and a gate against an earlier run.
    Bench(bench::BenchArgs),
    /// Take tasks as JSON lines on standard input, give results as JSON lines: for Ray, Slurm and the like.
    Worker(worker::WorkerArgs),
    /// Serve checks, proofs and verdicts to agents (MCP) and training loops (HTTP), from one pool of warm Lean processes.
    #[cfg(feature = "serve")]
    Serve(serve::ServeArgs),
    /// Draw a search from its trace: an HTML page with the graph of proof states.
    Report(report::ReportArgs),
    /// Make theorems to search on, for training.
    Corpus(corpus::CorpusArgs),
    /// Make training data of records: examples for a policy and a value, preferences between steps.
    Export(export::ExportArgs),
    /// Run the loop: search, train networks on what was found, compare, keep the better ones, again.
    Iterate(iterate::IterateArgs),
    /// Look at a dataset: which statements does this Lean understand?
    Dataset(dataset::DatasetArgs),
    /// Set up the portable Lean and ONNX Runtime in the cache.
    Setup(setup::SetupArgs),
    /// Say which Lean is used, and what is missing.
    Doctor(doctor::DoctorArgs),
}

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    log(&cli);
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // A closed pipe is the reader's decision, not an error; but the rest was not done.
            if is_closed_pipe(&error) {
                return Exit::Stopped.into();
            }
            eprintln!("qstar: {error:#}");
            let toolchain = error.chain().any(|e| e.is::<ToolchainFailed>());
            if toolchain { Exit::Toolchain.into() } else { Exit::Usage.into() }
        }
    }
}

/// What is told on the way, on standard error.
fn log(cli: &Cli) {
    let level = ["warn,qstar=info", "info,qstar=debug", "debug"][usize::from(cli.verbose.min(2))];
    let filter = tracing_subscriber::EnvFilter::try_from_env("QSTAR_LOG")
        .unwrap_or_else(|_| level.replace("qstar=info", "qstar::toolchain=info,qstar::serve=info,qstar=warn").into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    #[cfg(feature = "serve")]
    if matches!(&cli.command, Command::Serve(args) if args.log_json) {
        return log.json().init();
    }
    log.without_time().with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
}

fn dispatch(cli: Cli) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let work = async {
        match cli.command {
            Command::Prove(args) => prove::run(args, cli.lean).await,
            Command::Fill(args) => fill::run(args, cli.lean).await,
            Command::Verify(args) => verify::run(args, cli.lean).await,
            Command::Bench(args) => bench::run(args, cli.lean).await,
            Command::Worker(args) => worker::run(args, cli.lean).await,
            #[cfg(feature = "serve")]
            Command::Serve(args) => serve::run(args, cli.lean).await,
            Command::Report(args) => report::run(&args),
            Command::Corpus(args) => corpus::run(args, cli.lean).await,
            Command::Export(args) => export::run(args, cli.lean).await,
            Command::Iterate(args) => iterate::run(args, cli.lean).await,
            Command::Dataset(args) => dataset::run(args, cli.lean).await,
            Command::Setup(args) => setup::setup(&args),
            Command::Doctor(args) => doctor::run(args, cli.lean).await,
        }
    };
    let exit = runtime.block_on(signals::obeyed(work));
    // Lean processes end when their handles are dropped with the runtime.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit
}

/// A line or more on standard output; `println!` would panic when nobody reads it.
fn say(lines: impl std::fmt::Display) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{lines}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// The reader of standard output is gone.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Lean near a file, and what networks need: what is missing of both is fetched at the same time.
async fn outfit(lean: LeanArgs, near: Option<PathBuf>, guidance: &Guidance) -> Result<(Arc<Toolchain>, Fetched)> {
    let (toolchain, fetched) = tokio::join!(lean.toolchain(near), guidance.fetch());
    Ok((Arc::new(toolchain?), fetched))
}

/// A progress line on a terminal; hidden when standard error is none.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{spinner:.green} [{elapsed}] {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    bar.with_style(style)
}
