//! The loop: search → records → training → networks → arena → promotion, round after round, in one folder.
//!
//! Each stage leaves a file that says it is done, so a loop that was killed at any moment goes on where it was. Stands on
//! `export`, `policies` and the rollouts; training is the Python package in `training/`.

pub mod arena;
pub mod rollout;
pub mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::bench::config::Setting;
use crate::dataset::Entry;
use crate::export::{Format, Options as ExportOptions, export};
use crate::policy::choice::{NetworkPlace, Policies, PolicyKind};
use crate::record::put;
use crate::toolchain::Toolchain;
use crate::value::ValueKind;
use arena::{Verdict, compare};
use rollout::{Ground, Outcome, roll_out};
use table::{Row, Table};

/// Theorems of one header that are searched in the same round.
const GROUP: usize = 12;

/// What the loop is run with.
pub struct Options {
    /// The folder of the loop.
    pub out: PathBuf,
    pub train: Vec<Entry>,
    pub held_out: Vec<Entry>,
    /// Files whose statements are never trained on: the held-out ones, and benchmarks.
    pub exclude: Vec<PathBuf>,
    pub rounds: usize,
    /// Theorems searched in a round.
    pub per_round: usize,
    /// Budget, strategy and operators of every search; policy and value are the loop's own.
    pub setting: Setting,
    /// A round is promoted when chance explains its lead less often than this.
    pub significance: f64,
    pub seed: u64,
    pub python: PathBuf,
    /// The folder of the Python package.
    pub package: PathBuf,
    /// More arguments for training.
    pub train_args: Vec<String>,
    /// Compare policy alone, value alone, both and neither at the end.
    pub ablation: bool,
    pub place: NetworkPlace,
}

/// What is told while the loop runs.
pub enum Event<'a> {
    /// A stage, and how far it is.
    Stage {
        round: usize,
        doing: &'a str,
        done: usize,
        all: usize,
    },
    Judged {
        round: usize,
        verdict: &'a Verdict,
    },
}

/// What must stay the same when a loop goes on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Plan {
    setting: Setting,
    per_round: usize,
    seed: u64,
    train: usize,
    held_out: usize,
}

struct Loop<'a, T: FnMut(Event)> {
    options: &'a Options,
    toolchain: &'a Arc<Toolchain>,
    ground: &'a Ground<'a>,
    tell: T,
}

/// A folder that no other loop works in.
pub struct Claim(#[expect(dead_code, reason = "it is held, not looked at")] File);

/// Takes the loop's folder.
///
/// # Errors
/// When it belongs to a loop with other data or settings, or another process works there.
pub fn claim(options: &Options) -> Result<Claim> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make the folder {}", options.out.display()))?;
    let lock = File::create(options.out.join("lock"))?;
    lock.try_lock().with_context(|| format!("another qstar works in {}", options.out.display()))?;
    keep_plan(options)?;
    Ok(Claim(lock))
}

/// Runs rounds until all are done (`Some`), or it is cancelled. `ground`'s policies serve searches without networks.
///
/// # Errors
/// When Lean or training fail, or the folder cannot be written to.
pub async fn run(
    options: &Options,
    _claim: &Claim,
    toolchain: &Arc<Toolchain>,
    ground: &Ground<'_>,
    tell: impl FnMut(Event),
) -> Result<Option<Table>> {
    Loop { options, toolchain, ground, tell }.run().await
}

fn keep_plan(options: &Options) -> Result<()> {
    let (train, held_out) = (options.train.len(), options.held_out.len());
    let Options { per_round, seed, .. } = *options;
    let plan = Plan { setting: options.setting.clone(), per_round, seed, train, held_out };
    let path = options.out.join("plan.json");
    if !path.exists() {
        return put(&path, &serde_json::to_string_pretty(&plan)?);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let known: Plan = serde_json::from_str(&text).with_context(|| format!("{} is no plan of a loop", path.display()))?;
    ensure!(
        known == plan,
        "{} was begun with other data or settings; use a new folder, or those of {}",
        options.out.display(),
        path.display()
    );
    Ok(())
}

impl<T: FnMut(Event)> Loop<'_, T> {
    async fn run(mut self) -> Result<Option<Table>> {
        let options = self.options;
        let mut table = Table::default();
        let Some(portfolio) = self.arena(0, "portfolio", PolicyKind::Portfolio, ValueKind::Heuristic, None).await? else {
            return Ok(None);
        };
        table.rows.push(Row::new(0, "portfolio", &portfolio));
        let Some(premises) = self.arena(0, "premises", PolicyKind::Premises, ValueKind::Heuristic, None).await? else {
            return Ok(None);
        };
        table.rows.push(Row::new(0, "premises", &premises));
        let (mut best, mut champion): (Vec<Outcome>, Option<PathBuf>) = (portfolio.clone(), None);
        for round in 1..=options.rounds {
            if self.search(round, champion.as_deref()).await?.is_none() {
                return Ok(None);
            }
            let Some(networks) = self.train(round).await? else { return Ok(None) };
            let Some(mixed) = self.arena(round, "mixed", PolicyKind::Mixed, ValueKind::Network, Some(&networks)).await? else {
                return Ok(None);
            };
            let Some(alone) = self.arena(round, "network", PolicyKind::Network, ValueKind::Network, Some(&networks)).await?
            else {
                return Ok(None);
            };
            table.rows.push(Row::new(round, "mixed", &mixed));
            table.rows.push(Row::new(round, "network", &alone));
            table.losses.push(read_curves(&networks)?);
            let verdict = compare(round, &best, &mixed, options.significance);
            put(&self.folder(round).join("verdict.json"), &serde_json::to_string_pretty(&verdict)?)?;
            (self.tell)(Event::Judged { round, verdict: &verdict });
            if verdict.promoted {
                (best, champion) = (mixed, Some(networks));
            }
            table.verdicts.push(verdict);
            table.champion.clone_from(&champion);
            table.write(&options.out)?;
        }
        if let (true, Some(networks)) = (options.ablation, champion.clone()) {
            let settings =
                [("policy", PolicyKind::Mixed, ValueKind::Heuristic), ("value", PolicyKind::Premises, ValueKind::Network)];
            for (name, policy, value) in settings {
                let Some(found) = self.arena(options.rounds, name, policy, value, Some(&networks)).await? else {
                    return Ok(None);
                };
                table.rows.push(Row::new(options.rounds, name, &found));
            }
        }
        table.write(&options.out)?;
        Ok(Some(table))
    }

    fn folder(&self, round: usize) -> PathBuf {
        self.options.out.join(format!("round-{round}"))
    }

    /// Searches under a setting, with or without networks.
    async fn rollouts(
        &mut self,
        round: usize,
        doing: &str,
        entries: &[&Entry],
        (policy, value): (PolicyKind, ValueKind),
        networks: Option<&Path>,
        folder: &Path,
    ) -> Result<Option<Vec<Outcome>>> {
        let setting = Setting { policy, value, ..self.options.setting.clone() };
        let tell = &mut self.tell;
        let mut tell = |done, all| tell(Event::Stage { round, doing, done, all });
        let Some(networks) = networks else { return roll_out(self.ground, entries, &setting, folder, &mut tell).await };
        let place = NetworkPlace { folder: Some(networks.to_owned()), ..self.options.place.clone() };
        let policies = Policies::new(self.toolchain.clone()).with_networks(place);
        let ground = Ground { policies: &policies, ..*self.ground };
        roll_out(&ground, entries, &setting, folder, &mut tell).await
    }

    /// Searches theorems that no earlier round has had, as long as there are such: some of each header together, since a
    /// worker that changes its imports starts anew.
    async fn search(&mut self, round: usize, champion: Option<&Path>) -> Result<Option<Vec<Outcome>>> {
        let options = self.options;
        let mut by_header: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &options.train {
            by_header.entry(entry.problem.as_ref().map_or("", |p| p.header.as_str())).or_default().push(entry);
        }
        let mut groups: Vec<Vec<&Entry>> =
            by_header.into_values().flat_map(|e| e.chunks(GROUP).map(<[_]>::to_vec).collect::<Vec<_>>()).collect();
        Rng::with_seed(options.seed).shuffle(&mut groups);
        let order: Vec<&Entry> = groups.concat();
        let first = (round - 1) * options.per_round;
        let entries: Vec<&Entry> = order.iter().copied().cycle().skip(first).take(options.per_round.min(order.len())).collect();
        // Theorems of the library are among the proposals from the start, so that networks see what they are good for.
        let guided = match champion {
            Some(_) => (PolicyKind::Mixed, ValueKind::Network),
            None => (PolicyKind::Premises, ValueKind::Heuristic),
        };
        let folder = self.folder(round).join("search");
        self.rollouts(round, "searching", &entries, guided, champion, &folder).await
    }

    async fn arena(
        &mut self,
        round: usize,
        name: &str,
        policy: PolicyKind,
        value: ValueKind,
        networks: Option<&Path>,
    ) -> Result<Option<Vec<Outcome>>> {
        let entries: Vec<&Entry> = self.options.held_out.iter().collect();
        let folder = self.folder(round).join(format!("arena-{name}"));
        self.rollouts(round, &format!("arena, {name}"), &entries, (policy, value), networks, &folder).await
    }

    /// Exports all records so far and trains on them; `None`: cancelled.
    async fn train(&mut self, round: usize) -> Result<Option<PathBuf>> {
        let options = self.options;
        let (data, networks) = (self.folder(round).join("data"), self.folder(round).join("networks"));
        // The last file that training writes.
        if networks.join("parity.json").exists() {
            return Ok(Some(networks));
        }
        (self.tell)(Event::Stage { round, doing: "training", done: 0, all: 1 });
        let export_options = ExportOptions {
            records: (1..=round).map(|r| self.folder(r).join("search/records")).collect(),
            exclude: options.exclude.clone(),
            out: data.clone(),
            formats: vec![Format::Jsonl],
        };
        tokio::task::spawn_blocking(move || export(&export_options, |_, _| ())).await??;
        let mut command = tokio::process::Command::new(&options.python);
        command.args(["-m", "qstar_training"]).arg(&data).arg(&networks).arg("--tied").args(&options.train_args);
        let package = std::path::absolute(&options.package)?;
        // Training ends with us: its standard input closes then.
        command.env("PYTHONPATH", &package).stdin(std::process::Stdio::piped()).kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}; --python names another interpreter", options.python.display()))?;
        let input = child.stdin.take();
        let ended = tokio::select! {
            ended = child.wait() => ended?,
            () = self.ground.cancel.cancelled() => return Ok(None),
        };
        drop(input);
        ensure!(ended.success(), "training failed ({ended}); its words stand above, its data is {}", data.display());
        (self.tell)(Event::Stage { round, doing: "training", done: 1, all: 1 });
        Ok(Some(networks))
    }
}

/// The losses that training wrote.
fn read_curves(networks: &Path) -> Result<serde_json::Value> {
    let path = networks.join("curves.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}
