//! What feeds the memory: searches as they prove goals, kept records, rows of people's proofs; and where it is kept.
//!
//! A memory's folder holds JSON lines: tables of the export or of `qstar corpus project` (`goal`, `tactic`, `weight`), records of
//! searches, and `proved.jsonl`, to which each run adds. Depends on `policy::memory`, `record` and `search::event`.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
use crate::policy::Source;
use crate::policy::memory::Memory;
use crate::record;
use crate::search::{Event, GoalId, Sink, StepId};

/// The file that runs add to.
const OWN: &str = "proved.jsonl";
/// Rows that weigh less are left out: steps that Lean accepted and that proved nothing.
const LEAST: f32 = 0.5;

/// A row of a table, as far as it is of use here.
#[derive(Serialize, Deserialize)]
struct Row {
    goal: String,
    tactic: String,
    #[serde(default = "one")]
    weight: f32,
}

fn one() -> f32 {
    1.0
}

/// Opens a memory: everything that the folder holds is learnt. The folder is made when it is not there.
///
/// # Errors
/// When the folder cannot be read or written to.
pub fn open(folder: &Path) -> Result<Recall> {
    let cannot = || format!("cannot use {} as a memory", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let memory = Arc::new(Memory::default());
    let mut files = Vec::new();
    let mut places = vec![folder.to_owned()];
    while let Some(place) = places.pop() {
        for entry in std::fs::read_dir(&place).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            if path.is_dir() { places.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in &files {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') && (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")) {
            learn_file(&memory, file)?;
        }
    }
    let own = OpenOptions::new().append(true).create(true).open(folder.join(OWN)).with_context(cannot)?;
    Ok(Recall { memory, own: Mutex::new(own) })
}

/// A memory and the file that it grows by.
pub struct Recall {
    memory: Arc<Memory>,
    own: Mutex<File>,
}

impl Recall {
    pub fn memory(&self) -> Arc<Memory> {
        self.memory.clone()
    }

    /// Listens to one search: what it proves is remembered at once, and kept.
    pub fn listen(&self) -> Listener<'_> {
        Listener { recall: self, seen: Mutex::default() }
    }
}

/// See [`Recall::listen`].
pub struct Listener<'a> {
    recall: &'a Recall,
    seen: Mutex<Seen>,
}

impl Sink for Listener<'_> {
    fn put(&self, event: &Event) {
        let heard = self.seen.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
        let Some((goal, tactic)) = heard else { return };
        if !self.recall.memory.learn(&goal, &tactic, 1.0) {
            return;
        }
        let row = Row { goal: goal.to_string(), tactic, weight: 1.0 };
        // One write for each line: other runs may add to the file, too.
        let kept = serde_json::to_string(&row).map_err(std::io::Error::other).and_then(|line| {
            self.recall.own.lock().unwrap_or_else(PoisonError::into_inner).write_all(format!("{line}\n").as_bytes())
        });
        if let Err(error) = kept {
            tracing::warn!("a step could not be kept in the memory: {error}");
        }
    }
}

/// A table or the records of a search.
fn learn_file(memory: &Memory, file: &PathBuf) -> Result<()> {
    let plain = file.extension().is_some_and(|e| e == "jsonl");
    if plain && begins_as_row(file)? {
        let reader = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
        // A line that was cut off is left out.
        for line in reader.lines().map_while(std::result::Result::ok) {
            if let Ok(Row { goal, tactic, weight }) = serde_json::from_str(&line)
                && weight >= LEAST
                && let Ok(goal) = Goal::parse(&goal)
            {
                memory.learn(&goal, &tactic, weight);
            }
        }
        return Ok(());
    }
    let mut seen = Seen::default();
    // What is neither is somebody else's.
    for event in record::read(file).unwrap_or_default() {
        if let Some((goal, tactic)) = seen.hear(&event) {
            memory.learn(&goal, &tactic, 1.0);
        }
    }
    Ok(())
}

fn begins_as_row(file: &Path) -> Result<bool> {
    let mut first = String::new();
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let read = BufReader::new(opened).read_line(&mut first);
    Ok(read.is_ok() && serde_json::from_str::<Row>(&first).is_ok())
}

/// What was heard of one search: goals as Lean prints them, and the tactics of steps.
#[derive(Default)]
struct Seen {
    goals: HashMap<GoalId, String>,
    tactics: HashMap<StepId, String>,
}

impl Seen {
    /// The goal that an event says to be proved, with the tactic that began its proof.
    fn hear(&mut self, event: &Event) -> Option<(Goal, String)> {
        match event {
            Event::Begin { .. } => *self = Seen::default(),
            Event::Goal { goal, state, .. } => drop(self.goals.insert(*goal, state.clone())),
            // A proof from elsewhere is no step.
            Event::Tried { by: Source::Aggregate | Source::Prune, .. } => {}
            Event::Tried { tactic, step: Some(step), .. } => drop(self.tactics.insert(*step, tactic.clone())),
            Event::Proved { goal, step } => {
                // Of coupled goals the first is worked on.
                let state = self.goals.get(goal)?.split("\n\n").next()?;
                return Some((Goal::parse(state).ok()?, self.tactics.get(step)?.clone()));
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::VerdictKind;

    #[test]
    fn what_a_search_proves_is_remembered_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("memory");
        std::fs::create_dir_all(place.join("people")).unwrap();
        let rows = "{\"goal\":\"x y : Int\\n⊢ x + y = y + x\",\"tactic\":\"exact Int.add_comm x y\",\"weight\":1.0,\"line\":3}\n{\"goal\":\"⊢ p\",\"tactic\":\"skip\",\"weight\":0.1}\n{\"goal\"";
        std::fs::write(place.join("people/policy.train.jsonl"), rows).unwrap();
        let recall = open(&place).unwrap();
        assert_eq!(recall.memory().len(), 1);
        let listener = recall.listen();
        let (goal, step) = (GoalId::from(0), StepId::from(0));
        listener.put(&Event::Goal {
            goal,
            state: "n : Nat\n⊢ f n = 0".into(),
            depth: 0,
            log_prior: 0.0,
            value: 0.5,
            why: String::new(),
            from: None,
        });
        let tried = |tactic: &str, step| Event::Tried {
            goal,
            tactic: tactic.into(),
            one_of: None,
            log_prior: 0.0,
            by: Source::Portfolio,
            heartbeats: 1,
            verdict: VerdictKind::Closed,
            message: None,
            step,
            left: Vec::new(),
        };
        listener.put(&tried("omega", None));
        listener.put(&tried("simp [f]", Some(step)));
        listener.put(&Event::Proved { goal, step });
        let again = open(&place).unwrap().memory();
        assert_eq!(again.len(), 2);
        assert_eq!(again.recall(&Goal::parse("n : Nat\n⊢ f n = 0").unwrap())[0].tactic, "simp [f]");
    }
}
