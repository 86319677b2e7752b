//! `qstar iterate`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::guidance::SearchArgs;
use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed, on_interrupt, say};
use crate::dataset::{Entry, load};
use crate::files::make_folder;
use crate::iterate::rollout::Ground;
use crate::iterate::training::Trainer;
use crate::iterate::{Event, Options, ServedLoop, claim, run as iterate};
use crate::lean::Pool;
use crate::policy::choice::Policies;

#[derive(Args)]
pub struct IterateArgs {
    /// Theorems to search and learn from: DATA.jsonl of `qstar corpus`. Rows whose split is not `train` are left out.
    #[arg(long, required = true, value_delimiter = ',', value_name = "DATA")]
    train: Vec<PathBuf>,
    /// Theorems that new networks are compared on, and that nothing is learnt from.
    #[arg(long, required = true, value_delimiter = ',', value_name = "DATA")]
    held_out: Vec<PathBuf>,
    /// Benchmarks whose statements must not be trained on.
    #[arg(long, value_delimiter = ',', value_name = "DATA")]
    exclude: Vec<PathBuf>,
    /// The folder of the loop; the same command goes on where it was stopped.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Theorems searched in each round.
    #[arg(long, default_value_t = 300)]
    per_round: usize,
    /// Checks of a theorem's first search in a round; near misses get half as much more each time, up to `--checks`.
    #[arg(long, default_value_t = 24)]
    first_checks: u64,
    /// Train the ranker alone; the networks of `--networks` (by default those that ship) stay beside it.
    #[arg(long)]
    only_ranker: bool,
    /// A round is promoted when chance explains its lead less often than this.
    #[arg(long, default_value_t = 0.05)]
    significance: f64,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Searches at a time: more than Lean processes, so that networks work while Lean does. 1 for fair wall times.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    searches: u16,
    /// A Python with PyTorch and the packages that training/pyproject.toml names.
    #[arg(long, env = "QSTAR_PYTHON", default_value = "python3")]
    python: PathBuf,
    /// The folder of the Python package `qstar_training`.
    #[arg(long, default_value = "training", value_name = "FOLDER")]
    package: PathBuf,
    /// An argument for the training of policy and value, such as `--train-arg=--minutes=20`; may be given again.
    #[arg(long, allow_hyphen_values = true)]
    train_arg: Vec<String>,
    /// The same for the training of the ranker.
    #[arg(long, allow_hyphen_values = true)]
    ranker_arg: Vec<String>,
    /// With a served model (--model-url, --networks FILE): run after each round, in a shell, with QSTAR_DATA (a folder with
    /// dialogues to train on) and QSTAR_ROUND; it trains the model and serves the new one at the same address.
    #[arg(long, value_name = "COMMAND")]
    train_command: Option<String>,
    /// At the end search the held-out theorems once more, scored by the value network.
    #[arg(long)]
    ablation: bool,
    #[command(flatten)]
    search: SearchArgs,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0: all rounds are done; 4: it was stopped.
pub async fn run(args: IterateArgs, lean: LeanArgs) -> Result<Exit> {
    let read =
        |paths: &[PathBuf]| -> Result<Vec<Entry>> { Ok(paths.iter().map(|p| load(p)).collect::<Result<Vec<_>>>()?.concat()) };
    let mut train = read(&args.train)?;
    train.retain(|e| e.split.as_deref().is_none_or(|s| s == "train"));
    let held_out = read(&args.held_out)?;
    ensure!(!train.is_empty(), "no theorem to train on is left; rows whose `split` is not `train` are not trained on");
    let keys = |entries: &[Entry]| -> std::collections::HashSet<[u8; 32]> {
        entries.iter().filter_map(|e| e.problem.as_ref().ok()).map(|p| p.statement.key()).collect()
    };
    let hidden = keys(&held_out);
    train.retain(|e| e.problem.as_ref().is_ok_and(|p| !hidden.contains(&p.statement.key())));
    let package = args.package.join("qstar_training/__main__.py");
    ensure!(
        args.rounds == 0 || package.is_file() || args.search.place().names_model(),
        "{} is missing; --package names the folder of qstar_training",
        package.display()
    );
    make_folder(&args.out)?;
    let near = args.train.first().cloned();
    let toolchain = Arc::new(lean.clone().toolchain(near).await?);
    let place = args.search.place();
    let mut policies = Policies::new(toolchain.clone()).with_networks(place.clone()).with_all_premises();
    let mut setting = args.search.setting();
    let served = if place.names_model() {
        setting.model = Some(policies.open_model().await?);
        Some(ServedLoop { command: args.train_command, formats: vec![place.endpoint()?.format] })
    } else {
        None
    };
    let workers = args.search.workers(&lean);
    let pool = Pool::new(toolchain.clone(), lean.pool(workers));
    let cancel = on_interrupt()?;
    let searches = usize::from(args.searches);
    let ground = Ground { toolchain: &toolchain, pool: &pool, policies: &policies, cancel: &cancel, workers, searches };
    let options = Options {
        exclude: args.held_out.iter().chain(&args.exclude).cloned().collect(),
        out: args.out.clone(),
        train,
        held_out,
        rounds: args.rounds,
        per_round: args.per_round,
        setting,
        significance: args.significance,
        seed: args.seed,
        first_checks: args.first_checks,
        trainer: Trainer {
            python: args.python,
            package: args.package,
            text: !args.only_ranker,
            base: place.folder()?,
            train_args: args.train_arg,
            ranker_args: args.ranker_arg,
        },
        ablation: args.ablation,
        place,
        served,
    };
    let claim = claim(&options)?;
    let mut progress = Progress::default();
    let table = iterate(&options, &claim, &toolchain, &ground, |event| progress.tell(&event)).await.map_err(ToolchainFailed)?;
    let Some(table) = table else {
        eprintln!("stopped; the same command goes on");
        return Ok(Exit::Stopped);
    };
    if args.json {
        say(format_args!("{}", serde_json::to_string(&table).context("the table")?))?;
    } else {
        say(format_args!("{}\nin {}/{{rounds.json, rounds.md, index.html}}", table.markdown(), args.out.display()))?;
    }
    Ok(Exit::Success)
}

/// Plain lines, a few for each stage.
#[derive(Default)]
struct Progress {
    said: Option<std::time::Instant>,
}

impl Progress {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::Stage { round, doing, done, all } => {
                let last = done == all;
                if last || self.said.is_none_or(|t| t.elapsed().as_secs() >= 10) {
                    self.said = Some(std::time::Instant::now());
                    eprintln!("round {round}, {doing}: {done} of {all}");
                }
            }
            Event::Judged { round, verdict } => {
                let word = if verdict.promoted { "promoted" } else { "not promoted" };
                eprintln!(
                    "round {round}: {} proved, {} before; {} won, {} lost, {} quicker, {} slower; p = {:.4}: {word}",
                    verdict.now, verdict.before, verdict.won, verdict.lost, verdict.quicker, verdict.slower, verdict.p
                );
            }
        }
    }
}
