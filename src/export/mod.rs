//! Training data from records of searches: examples for a policy, a value, and preferences between steps.
//!
//! Split by theorem, never by step; each example once; theorems of a benchmark left out. The schema is in
//! `docs/training-data.md`. Depends on `record`, `dataset` and `source`.

#[cfg_attr(not(feature = "parquet"), path = "columns_missing.rs")]
mod columns;
pub mod dialogues;
pub(crate) mod examples;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::dataset;
use crate::record;
use crate::search::Event;
use crate::source::Statement;
pub use examples::{Examples, PolicyExample, Preference, Split, ValueExample, gather};
pub use table::Format;
use table::Table;

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

/// Reads all records and writes the tables, each whole or not at all. `tell` hears the place of each file and their number.
///
/// Two passes: the first finds the best weight of each example, the second writes each once; so memory holds 20 bytes an
/// example and never the examples.
///
/// # Errors
/// When nothing is found, a dataset cannot be read, or a table cannot be written.
pub fn export(options: &Options, mut tell: impl FnMut(usize, usize)) -> Result<Report> {
    let files = files(&options.records)?;
    let excluded = excluded(&options.exclude)?;
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make the folder {}", options.out.display()))?;
    let mut report = Report::default();
    let mut best: HashMap<Key, f32> = HashMap::new();
    let mut theorems = HashSet::new();
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
        theorems.insert(found.key);
        for example in &found.policy {
            let known = best.entry(policy_key(example)).or_insert(0.0);
            *known = known.max(example.weight);
        }
        good.push(file);
    }
    report.theorems = theorems.len();
    let mut policy = Table::begin(&options.out, "policy", &options.formats)?;
    let mut value = Table::begin(&options.out, "value", &options.formats)?;
    let mut preference = Table::begin(&options.out, "preference", &options.formats)?;
    let mut written: HashSet<Key> = HashSet::new();
    for (place, file) in good.iter().enumerate() {
        tell(files.len() + place, 2 * files.len());
        let Some(found) = read(file)? else { continue };
        let split = Split::of(&found.key);
        for example in found.policy {
            let key = policy_key(&example);
            if best.get(&key).is_some_and(|&b| b <= example.weight) && written.insert(key) {
                policy.put(split, example)?;
            }
        }
        for example in found.value {
            if written.insert(key_of(&["value", &example.theorem_key, &example.goal, &example.proved.to_string()])) {
                value.put(split, example)?;
            }
        }
        for example in found.preference {
            if written.insert(key_of(&["preference", &example.goal, &example.chosen, &example.rejected])) {
                preference.put(split, example)?;
            }
        }
    }
    for (name, counts) in [("policy", policy.finish()?), ("value", value.finish()?), ("preference", preference.finish()?)] {
        report.examples.insert(name.to_owned(), counts);
    }
    Ok(report)
}

/// The examples of a file; `None` when it holds no search that says what its theorem is.
fn read(file: &Path) -> Result<Option<Examples>> {
    let events = record::read(file)?;
    Ok(matches!(events.first(), Some(Event::Begin { .. })).then(|| gather(&events)))
}

fn policy_key(example: &PolicyExample) -> Key {
    key_of(&["policy", &example.goal, &example.tactic])
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

/// Every file of records, in order of its path.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            let entries = std::fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))?;
            let paths = entries.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
            let is_record = |p: &PathBuf| {
                let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                !name.starts_with('.') && (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz"))
            };
            files.extend(paths.into_iter().filter(is_record));
        } else {
            files.push(place.clone());
        }
    }
    files.sort();
    files.dedup();
    ensure!(!files.is_empty(), "no records found; `qstar bench --records` and `qstar prove --trace` make them");
    Ok(files)
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
