//! The loop: search → records → training → networks → arena → promotion, round after round, in one folder.
//!
//! Each stage leaves a file that says it is done, so a loop that was killed at any moment goes on where it was. Stands on
//! `export`, `policies` and the rollouts; training is the Python package in `training/`.

pub mod arena;
pub mod matchmaker;
pub mod rollout;
pub mod table;
pub mod training;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::bench::config::Setting;
use crate::corpus::hindsight;
use crate::dataset::{self, Entry};
use crate::export::{Format, Options as ExportOptions, Split, dialogues, export};
use crate::files::make_folder;
use crate::files::put;
use crate::formats::Format as Words;
use crate::policy::choice::{NetworkPlace, Policies, PolicyKind};
use crate::record;
use crate::search::Event as SearchEvent;
use crate::toolchain::Toolchain;
use crate::value::ValueKind;
use arena::{Verdict, compare};
use matchmaker::Matchmaker;
use rollout::{Ground, Outcome, Task, read_outcomes, roll_out};
use table::{Row, Table};
use training::Trainer;

/// Theorems of one header that are searched in the same round.
const GROUP: usize = 12;

/// Where theorems that tactics name are looked up for the ranker.
const LIBRARY: &str = "import Init\nimport Std\n";

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
    /// Checks of a theorem's first search; later ones may cost more, up to the setting's.
    pub first_checks: u64,
    /// Budget, strategy and operators of every search; policy and value are the loop's own.
    pub setting: Setting,
    /// A round is promoted when chance explains its lead less often than this.
    pub significance: f64,
    pub seed: u64,
    pub trainer: Trainer,
    /// Compare the best networks with and without their value at the end.
    pub ablation: bool,
    pub place: NetworkPlace,
    /// A served model searches in the place of networks.
    pub served: Option<ServedLoop>,
}

/// The loop of a served model: training it is the user's.
#[derive(Debug, Clone)]
pub struct ServedLoop {
    /// Run after each round's export, in a shell, with `QSTAR_DATA` (the folder of the data) and `QSTAR_ROUND`: it trains the
    /// model and serves the new one at the same address. `None`: rounds only search and export.
    pub command: Option<String>,
    /// The words of the dialogues that are exported.
    pub formats: Vec<Words>,
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
    first_checks: u64,
    text: bool,
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
    let Options { per_round, first_checks, seed, .. } = *options;
    let text = options.trainer.text;
    let plan = Plan { setting: options.setting.clone(), per_round, first_checks, text, seed, train, held_out };
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
            let mut found = Vec::new();
            for &(name, policy, value) in self.guides() {
                let Some(outcomes) = self.arena(round, name, policy, value, Some(&networks)).await? else { return Ok(None) };
                table.rows.push(Row::new(round, name, &outcomes));
                found.push(outcomes);
            }
            // The first is what is promoted, or not.
            let mixed = found.swap_remove(0);
            if options.served.is_none() {
                table.losses.push(training::curves(&networks)?);
            }
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
            let settings: &[_] = if options.trainer.text {
                &[("value", PolicyKind::Mixed, ValueKind::Network)]
            } else {
                &[("mixed", PolicyKind::Mixed, ValueKind::Heuristic), ("value", PolicyKind::Ranked, ValueKind::Network)]
            };
            // A round whose goals all ended alike has no value.
            let there = |value| value != ValueKind::Network || networks.join("value.onnx").is_file();
            for &(name, policy, value) in settings.iter().filter(|(.., value)| there(*value)) {
                let Some(found) = self.arena(options.rounds, name, policy, value, Some(&networks)).await? else {
                    return Ok(None);
                };
                table.rows.push(Row::new(options.rounds, name, &found));
            }
        }
        table.write(&options.out)?;
        Ok(Some(table))
    }

    /// What new networks are tried as: by name, policy and value.
    fn guides(&self) -> &'static [(&'static str, PolicyKind, ValueKind)] {
        if self.options.served.is_some() {
            &[("model", PolicyKind::ModelMixed, ValueKind::Heuristic)]
        } else if self.options.trainer.text {
            &[
                ("mixed", PolicyKind::Mixed, ValueKind::Heuristic),
                ("ranked", PolicyKind::Ranked, ValueKind::Heuristic),
                ("network", PolicyKind::Network, ValueKind::Heuristic),
            ]
        } else {
            &[("ranked", PolicyKind::Ranked, ValueKind::Heuristic)]
        }
    }

    fn folder(&self, round: usize) -> PathBuf {
        self.options.out.join(format!("round-{round}"))
    }

    /// Searches under a setting, with or without networks.
    async fn rollouts(
        &mut self,
        round: usize,
        doing: &str,
        tasks: &[Task<'_>],
        (policy, value): (PolicyKind, ValueKind),
        networks: Option<&Path>,
        folder: &Path,
    ) -> Result<Option<Vec<Outcome>>> {
        let setting = Setting { policy, value, ..self.options.setting.clone() };
        let networks = networks.filter(|_| self.options.served.is_none());
        let tell = &mut self.tell;
        let mut tell = |done, all| tell(Event::Stage { round, doing, done, all });
        let Some(networks) = networks else { return roll_out(self.ground, tasks, &setting, folder, &mut tell).await };
        let place = NetworkPlace { folder: Some(networks.to_owned()), ..self.options.place.clone() };
        let policies = Policies::new(self.toolchain.clone()).with_networks(place).with_all_premises();
        let ground = Ground { policies: &policies, ..*self.ground };
        roll_out(&ground, tasks, &setting, folder, &mut tell).await
    }

    /// Searches the theorems that the matchmaker chooses: some of each header together, since a worker that changes its
    /// imports starts anew.
    async fn search(&mut self, round: usize, champion: Option<&Path>) -> Result<Option<Vec<Outcome>>> {
        let options = self.options;
        let mut by_header: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in options.train.iter().filter(|e| e.problem.is_ok()) {
            by_header.entry(entry.problem.as_ref().map_or("", |p| p.header.as_str())).or_default().push(entry);
        }
        let mut groups: Vec<Vec<&Entry>> =
            by_header.into_values().flat_map(|e| e.chunks(GROUP).map(<[_]>::to_vec).collect::<Vec<_>>()).collect();
        Rng::with_seed(options.seed).shuffle(&mut groups);
        let order: Vec<&Entry> = groups.concat();
        let names: Vec<&str> = order.iter().map(|e| e.problem.as_ref().map_or("", |p| p.name.as_str())).collect();
        let posed = self.hindsight(round)?;
        let mut matchmaker = Matchmaker::default();
        for earlier in 1..round {
            matchmaker.learn(&read_outcomes(&self.folder(earlier).join("search/outcomes.jsonl"))?);
        }
        let (first, most) = (options.first_checks, options.setting.checks);
        let posed: Vec<&Entry> = posed.iter().filter(|e| !matchmaker.knows(&e.name)).take(options.per_round / 4).collect();
        let chosen = matchmaker.choose(&names, options.per_round - posed.len(), first, most);
        let chosen = chosen.into_iter().map(|(place, checks)| Task { entry: order[place], checks });
        let tasks: Vec<Task> = posed.into_iter().map(|entry| Task { entry, checks: first }).chain(chosen).collect();
        // Theorems of the library are among the proposals from the start, so that networks see what they are good for.
        let guided = match champion {
            _ if options.served.is_some() => (self.guides()[0].1, self.guides()[0].2),
            Some(_) => (self.guides()[0].1, self.guides()[0].2),
            None => (PolicyKind::Premises, ValueKind::Heuristic),
        };
        let folder = self.folder(round).join("search");
        self.rollouts(round, "searching", &tasks, guided, champion, &folder).await
    }

    /// Goals that were proved in earlier rounds' searches of training theorems, as theorems.
    fn hindsight(&self, round: usize) -> Result<Vec<Entry>> {
        let headers: HashMap<&str, &str> = self
            .options
            .train
            .iter()
            .filter_map(|e| e.problem.as_ref().ok())
            .map(|p| (p.statement.text.as_str(), p.header.as_str()))
            .collect();
        let mut posed: BTreeMap<String, Entry> = BTreeMap::new();
        for earlier in 1..round {
            let folder = self.folder(earlier).join("search/records");
            for file in record::files(&[folder])? {
                let events = record::read(&file)?;
                let Some(SearchEvent::Begin { statement, .. }) = events.first() else { continue };
                let Some(header) = headers.get(statement.as_str()) else { continue };
                for row in hindsight::goals(&events, header).into_iter().filter(|row| row.split == Split::Train) {
                    let name = row.name.clone();
                    let entry = dataset::rows::entry(serde_json::to_value(row)?, &file.display().to_string())?;
                    posed.entry(name).or_insert(entry);
                }
            }
        }
        Ok(posed.into_values().filter(|e| e.problem.is_ok()).collect())
    }

    async fn arena(
        &mut self,
        round: usize,
        name: &str,
        policy: PolicyKind,
        value: ValueKind,
        networks: Option<&Path>,
    ) -> Result<Option<Vec<Outcome>>> {
        let checks = self.options.setting.checks;
        let tasks: Vec<Task> = self.options.held_out.iter().map(|entry| Task { entry, checks }).collect();
        let folder = self.folder(round).join(format!("arena-{name}"));
        self.rollouts(round, &format!("arena, {name}"), &tasks, (policy, value), networks, &folder).await
    }

    /// Exports all records so far and trains on them; `None`: cancelled.
    async fn train(&mut self, round: usize) -> Result<Option<PathBuf>> {
        let options = self.options;
        let (data, networks) = (self.folder(round).join("data"), self.folder(round).join("networks"));
        let done = if options.served.is_some() { networks.exists() } else { training::is_done(&networks) };
        if done {
            return Ok(Some(networks));
        }
        (self.tell)(Event::Stage { round, doing: "training", done: 0, all: 1 });
        let export_options = ExportOptions {
            records: (1..=round).map(|r| self.folder(r).join("search/records")).collect(),
            exclude: options.exclude.clone(),
            out: data.clone(),
            formats: vec![Format::Jsonl],
            statements: self.ground.policies.statements(LIBRARY)?,
        };
        let served = options.served.clone();
        let formats = served.iter().flat_map(|s| s.formats.clone()).collect::<Vec<_>>();
        tokio::task::spawn_blocking(move || -> Result<()> {
            export(&export_options, |_, _| ())?;
            dialogues::write(&export_options.records, &export_options.exclude, &export_options.out, &formats)?;
            Ok(())
        })
        .await??;
        if let Some(served) = &served {
            if let Some(command) = &served.command
                && !training::shell(command, &data, round, self.ground.cancel).await?
            {
                return Ok(None);
            }
            make_folder(&networks)?;
            return Ok(Some(networks));
        }
        if !options.trainer.train(&data, &networks, self.ground.cancel).await? {
            return Ok(None);
        }
        (self.tell)(Event::Stage { round, doing: "training", done: 1, all: 1 });
        Ok(Some(networks))
    }
}
