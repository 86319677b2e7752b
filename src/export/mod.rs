//! Training data from records of searches: examples for a policy, a value, preferences between steps, and all verdicts.
//!
//! Split by theorem, never by step; each example once; theorems of a benchmark left out. The schema is in
//! `docs/training-data.md`. Depends on `record`, `dataset`, `source` and
//! the ranker's features.

#[cfg_attr(not(feature = "parquet"), path = "columns_missing.rs")]
mod columns;
pub mod dialogues;
pub(crate) mod examples;
mod ranking;
mod table;
mod verdicts;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::dataset;
use crate::files::put;
use crate::policy::ranker::features::Features;
use crate::policy::ranker::statements::Statements;
use crate::record;
use crate::search::Event;
use crate::source::Statement;
pub use examples::{Examples, PolicyExample, Preference, Split, ValueExample, gather};
use ranking::{ended, rankings};
pub use table::Format;
use table::{Lines, Table};
pub use verdicts::{VerdictExample, Worth};

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Records and traces, or folders that hold them.
    pub records: Vec<PathBuf>,
    /// Datasets whose statements must not be trained on.
    pub exclude: Vec<PathBuf>,
    /// The folder of the tables.
    pub out: PathBuf,
    pub formats: Vec<Format>,
    /// Of the theorems that tactics may name: the ranker reads them with the tactic.
    pub statements: Arc<Statements>,
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Searches read, and theorems among them.
    pub searches: usize,
    pub theorems: usize,
    /// Searches left out since a benchmark has their statement.
    pub excluded: usize,
    /// Files that hold no search with a beginning.
    pub unreadable: Vec<String>,
    /// Examples by table and split.
    pub examples: BTreeMap<String, BTreeMap<Split, usize>>,
}

type Key = [u8; 16];

/// The most that a theorem weighs which searches seldom prove.
const SELDOM: f32 = 4.0;

/// What the first pass over the records finds out.
#[derive(Default)]
struct Known {
    /// The best weight of each policy example.
    weights: HashMap<Key, f32>,
    /// The best that came of each tactic at each goal.
    worth: HashMap<Key, Worth>,
    /// For each theorem: searches, and searches that proved it.
    searches: HashMap<[u8; 32], (u32, u32)>,
}

impl Known {
    fn learn(&mut self, found: &Examples) {
        for example in &found.policy {
            let known = self.weights.entry(policy_key(example)).or_insert(0.0);
            *known = known.max(example.weight);
        }
        for example in &found.verdict {
            let known = self.worth.entry(verdict_key(example)).or_insert(example.worth());
            *known = example.worth().min(*known);
        }
        let (searches, proofs) = self.searches.entry(found.key).or_default();
        *searches += 1;
        *proofs += u32::from(found.proved);
    }

    /// What is seldom proved weighs more, up to [`SELDOM`].
    fn weight(&self, key: &[u8; 32]) -> f32 {
        match self.searches.get(key) {
            Some(&(searches, proofs)) if proofs > 0 => (searches as f32 / proofs as f32).min(SELDOM),
            _ => 1.0,
        }
    }
}

/// Reads all records and writes the tables, each whole or not at all. `tell` hears the place of each file and their number.
///
/// Two passes: the first finds the best of each example, the second writes each once; so memory holds some 20 bytes an
/// example and never the examples.
///
/// # Errors
/// When nothing is found, a dataset cannot be read, or a table cannot be written.
pub fn export(options: &Options, mut tell: impl FnMut(usize, usize)) -> Result<Report> {
    let files = record::files(&options.records)?;
    let excluded = excluded(&options.exclude)?;
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make the folder {}", options.out.display()))?;
    let mut report = Report::default();
    let mut known = Known::default();
    let mut good = Vec::new();
    for (place, file) in files.iter().enumerate() {
        tell(place, 2 * files.len());
        let Some(found) = read(file)? else {
            report.unreadable.push(file.display().to_string());
            continue;
        };
        if excluded.contains(&found.key) {
            report.excluded += 1;
            continue;
        }
        report.searches += 1;
        known.learn(&found);
        good.push(file);
    }
    report.theorems = known.searches.len();
    let mut tables = Tables::begin(options)?;
    for (place, file) in good.iter().enumerate() {
        tell(files.len() + place, 2 * files.len());
        if let Some(found) = read(file)? {
            tables.put(found, &known, &options.statements)?;
        }
    }
    report.examples = tables.finish()?;
    put(&options.out.join("features.json"), &serde_json::to_string(&Features::HERE)?)?;
    Ok(report)
}

/// The tables on their way, and what they hold already.
struct Tables {
    policy: Table<PolicyExample>,
    value: Table<ValueExample>,
    preference: Table<Preference>,
    verdict: Table<VerdictExample>,
    ranking: Lines,
    ended: Lines,
    written: HashSet<Key>,
}

impl Tables {
    fn begin(options: &Options) -> Result<Tables> {
        let Options { out, formats, .. } = options;
        Ok(Tables {
            policy: Table::begin(out, "policy", formats)?,
            value: Table::begin(out, "value", formats)?,
            preference: Table::begin(out, "preference", formats)?,
            verdict: Table::begin(out, "verdict", formats)?,
            ranking: Lines::begin(out, "ranking")?,
            ended: Lines::begin(out, "ended")?,
            written: HashSet::new(),
        })
    }

    /// Writes of a search's examples those that are the best of their kind and not there yet.
    fn put(&mut self, found: Examples, known: &Known, statements: &Statements) -> Result<()> {
        let split = Split::of(&found.key);
        for example in found.policy {
            let key = policy_key(&example);
            if known.weights.get(&key).is_some_and(|&b| b <= example.weight) && self.written.insert(key) {
                self.policy.put(split, example)?;
            }
        }
        for example in found.value {
            if self.written.insert(key_of(&["value", &example.theorem_key, &example.goal, &example.proved.to_string()])) {
                ended(&example).map(|row| self.ended.put(split, &row)).transpose()?;
                self.value.put(split, example)?;
            }
        }
        for example in found.preference {
            if self.written.insert(key_of(&["preference", &example.goal, &example.chosen, &example.rejected])) {
                self.preference.put(split, example)?;
            }
        }
        let weight = known.weight(&found.key);
        let mut new = Vec::new();
        for example in found.verdict {
            let key = verdict_key(&example);
            if known.worth.get(&key) == Some(&example.worth()) && self.written.insert(key) {
                new.push(VerdictExample { weight, ..example });
            }
        }
        for row in rankings(&new, statements) {
            self.ranking.put(split, &row)?;
        }
        new.into_iter().try_for_each(|example| self.verdict.put(split, example))
    }

    fn finish(self) -> Result<BTreeMap<String, BTreeMap<Split, usize>>> {
        let counts = [
            ("policy", self.policy.finish()?),
            ("value", self.value.finish()?),
            ("preference", self.preference.finish()?),
            ("verdict", self.verdict.finish()?),
            ("ranking", self.ranking.finish()?),
            ("ended", self.ended.finish()?),
        ];
        Ok(counts.map(|(name, counts)| (name.to_owned(), counts)).into())
    }
}

/// The examples of a file; `None` when it holds no search that says what its theorem is.
fn read(file: &Path) -> Result<Option<Examples>> {
    let events = record::read(file)?;
    Ok(matches!(events.first(), Some(Event::Begin { .. })).then(|| gather(&events)))
}

fn policy_key(example: &PolicyExample) -> Key {
    key_of(&["policy", &example.goal, &example.tactic])
}

fn verdict_key(example: &VerdictExample) -> Key {
    key_of(&["verdict", &example.goal, &example.tactic])
}

fn key_of(parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    std::array::from_fn(|i| digest[i])
}

/// Keys of the statements in datasets.
fn excluded(datasets: &[PathBuf]) -> Result<HashSet<[u8; 32]>> {
    let mut keys = HashSet::new();
    for path in datasets {
        let problems = dataset::load(path)?.into_iter().filter_map(|entry| entry.problem.ok());
        keys.extend(problems.map(|p| p.statement.key()));
    }
    Ok(keys)
}

/// The key of a theorem by its statement; of what cannot be read as one, by its text.
fn theorem_key(statement: &str) -> [u8; 32] {
    Statement::parse(statement.trim()).map_or_else(|_| Sha256::digest(statement.as_bytes()).into(), |s| s.key())
}
