//! The unit of work for an outside engine: a task as a JSON line in, its result as a JSON line out.
//!
//! A result hangs on its task alone, so that any number of workers may do a task, again or at once, with one outcome.
//! With a file of results, a task that is in it is answered from there.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Attempt;
use super::config::Setting;
use super::run::{Job, task};
use crate::dataset::{Entry, rows};
use crate::policy::choice::PolicyKind;
use crate::search::StrategyKind;
use crate::source::hex;

/// A task: a row of a dataset, and what may stand in it beside.
pub struct WorkTask {
    /// Given back with the result: the row's `id`, else its name.
    pub id: Value,
    pub entry: Entry,
    pub setting: Setting,
    pub seed: u64,
    /// Equal for equal tasks.
    pub key: String,
}

/// What a row may say of its own budget.
#[derive(Deserialize)]
struct Wishes {
    time: Option<f64>,
    checks: Option<u64>,
    seed: Option<u64>,
    policy: Option<PolicyKind>,
    strategy: Option<StrategyKind>,
}

impl WorkTask {
    /// Reads a line; what it does not say is taken from `setting` and `seed`.
    ///
    /// # Errors
    /// When it is no task; `place` is named.
    pub fn parse(line: &str, place: &str, setting: &Setting, seed: u64) -> Result<WorkTask> {
        let row: Value = serde_json::from_str(line).with_context(|| format!("{place}: not JSON"))?;
        let wishes: Wishes = serde_json::from_value(row.clone()).with_context(|| format!("{place}: bad task"))?;
        let id = row.get("id").cloned();
        let entry = rows::entry(row, place)?;
        let setting = Setting {
            time: wishes.time.filter(|t| *t > 0.0 && *t <= 1e7).unwrap_or(setting.time),
            checks: wishes.checks.unwrap_or(setting.checks),
            policy: wishes.policy.unwrap_or(setting.policy),
            strategy: wishes.strategy.unwrap_or(setting.strategy),
            ..setting.clone()
        };
        let mut new = WorkTask {
            id: id.unwrap_or_else(|| json!(entry.name)),
            entry,
            setting,
            seed: wishes.seed.unwrap_or(seed),
            key: String::new(),
        };
        let task = task(&new.job())?;
        let text = format!("{}\0{}\0{}\0{}\0{}", new.id, task.theorem, task.statement, task.setting, task.seed);
        new.key = hex(&Sha256::digest(text));
        Ok(new)
    }

    pub fn job(&self) -> Job<'_> {
        Job { entry: &self.entry, setting: self.setting.clone(), seed: self.seed }
    }

    /// The line that answers it.
    pub fn result(&self, attempt: &Attempt) -> String {
        json!({"id": self.id, "key": self.key, "attempt": attempt}).to_string()
    }

    /// The line that says why it could not be done; another try may succeed.
    pub fn failure(&self, why: &str) -> String {
        json!({"id": self.id, "error": why, "retry": true}).to_string()
    }
}

/// The line that answers what is no task.
pub fn refusal(why: &str) -> String {
    json!({"id": null, "error": why, "retry": false}).to_string()
}

/// A file of results, appended to line by line; several workers may share it.
pub struct Results {
    file: File,
    /// Where each task's line stands: offset and length.
    known: HashMap<String, (u64, usize)>,
}

impl Results {
    /// Opens a file of results or begins one. A last line that was cut off counts as not written.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> Result<Results> {
        let what = || format!("cannot use {} for results", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(what)?;
        let mut known = HashMap::new();
        let mut reader = BufReader::new(&file);
        let (mut at, mut line) = (0u64, Vec::new());
        let mut torn = false;
        while reader.read_until(b'\n', &mut line).with_context(what)? > 0 {
            torn = line.last() != Some(&b'\n');
            let key = serde_json::from_slice::<Value>(&line).ok().and_then(|v| v["key"].as_str().map(str::to_owned));
            if let (Some(key), false) = (key, torn) {
                known.insert(key, (at, line.len() - 1));
            }
            at += line.len() as u64;
            line.clear();
        }
        if torn {
            file.write_all(b"\n").with_context(what)?;
        }
        Ok(Results { file, known })
    }

    /// The line of a task that is done.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&mut self, key: &str) -> Result<Option<String>> {
        let Some(&(at, length)) = self.known.get(key) else { return Ok(None) };
        self.file.seek(SeekFrom::Start(at))?;
        let mut line = vec![0; length];
        self.file.read_exact(&mut line).context("the file of results became shorter")?;
        Ok(Some(String::from_utf8(line).context("the file of results is no text")?))
    }

    /// Keeps a line, on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, line: &str) -> Result<()> {
        // One write: lines of workers that share the file do not mix.
        self.file.write_all(format!("{line}\n").as_bytes()).context("cannot write the result")?;
        self.file.sync_data().context("cannot write the result")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueKind;

    const SETTING: Setting = Setting {
        policy: PolicyKind::Portfolio,
        value: ValueKind::Heuristic,
        networks: None,
        model: None,
        strategy: StrategyKind::BestFirst,
        without: Vec::new(),
        with: Vec::new(),
        time: 60.0,
        checks: 100,
    };

    fn parse(line: &str) -> Result<WorkTask> {
        WorkTask::parse(line, "line 1", &SETTING, 0)
    }

    #[test]
    fn rows_of_datasets_are_tasks() {
        let row = r#"{"name":"a","formal_statement":"theorem a : 1 = 1 := by"}"#;
        let task = parse(row).unwrap();
        assert_eq!((task.id.clone(), task.setting.checks, task.seed), (json!("a"), 100, 0));
        let more = parse(&row.replace('}', r#","id":7,"checks":5,"seed":3,"policy":"closers"}"#)).unwrap();
        assert_eq!((more.id.clone(), more.setting.checks, more.seed), (json!(7), 5, 3));
        assert_ne!(task.key, more.key);
        assert_eq!(task.key, parse(row).unwrap().key);
        for bad in ["", "{}", r#"{"name":"a"}"#, &row.replace('}', r#","checks":"many"}"#)] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn results_are_found_again_and_torn_lines_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let line = |key: &str| json!({"id": key, "key": key}).to_string();
        let mut results = Results::open(&path).unwrap();
        results.keep(&line("a")).unwrap();
        results.keep(&line("b")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 3]).unwrap();
        let mut again = Results::open(&path).unwrap();
        assert_eq!(again.get("a").unwrap(), Some(line("a")));
        assert_eq!(again.get("b").unwrap(), None);
        again.keep(&line("b")).unwrap();
        assert_eq!(Results::open(&path).unwrap().get("b").unwrap(), Some(line("b")));
    }
}
