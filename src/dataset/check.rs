//! Which statements of a dataset elaborate with the Lean at hand, which do not, and why.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::Serialize;

use super::Entry;
use crate::lean::syntax::{Kind, tokens};
use crate::lean::{Batch, Candidate, Hole, Pool, Verdict};
use crate::problem::Problem;
use crate::source::levelled;

/// Budget of one statement's elaboration, in Lean's `maxHeartbeats`.
const HEARTBEATS: u64 = 200_000;

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    Elaborates,
    /// An import is not there.
    MissingLibrary {
        library: String,
    },
    /// A name, option or syntax that this Lean does not have.
    OtherVersion {
        message: String,
    },
    /// The text is no statement without proof.
    NoStatement {
        message: String,
    },
    /// Its header holds `sorry`: no proof could be accepted.
    SorryInHeader,
    Error {
        message: String,
    },
}

/// One row of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    pub name: String,
    pub place: String,
    #[serde(flatten)]
    pub status: Status,
    /// An earlier theorem that says the same behind the same header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
}

/// Checks every entry: statements that share a header share a document.
pub async fn check(pool: &Pool, entries: &[Entry], mut tell: impl FnMut(usize)) -> Vec<Checked> {
    let mut by_header: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut statuses: Vec<Option<Status>> = vec![None; entries.len()];
    for (i, entry) in entries.iter().enumerate() {
        match &entry.problem {
            Ok(p) if has_sorry(&p.header) => statuses[i] = Some(Status::SorryInHeader),
            Ok(p) => by_header.entry(&p.header).or_default().push(i),
            Err(message) => statuses[i] = Some(Status::NoStatement { message: message.clone() }),
        }
    }
    let mut done = statuses.iter().flatten().count();
    for (header, places) in by_header {
        let problems: Vec<&Problem> = places.iter().filter_map(|&i| entries[i].problem.as_ref().ok()).collect();
        let universes: std::collections::BTreeSet<String> =
            problems.iter().map(|p| p.statement.universe_command()).flat_map(|c| words(&c)).collect();
        let mut header = header.to_owned();
        if !universes.is_empty() {
            header.push_str(&format!("\nuniverse {}\n", universes.into_iter().collect::<Vec<_>>().join(" ")));
        }
        let candidates = problems.iter().map(|p| probe(p)).collect();
        let verdicts = pool.check(Batch { header: header.as_str().into(), candidates }).await;
        done += places.len();
        for (i, verdict) in places.into_iter().zip(verdicts) {
            statuses[i] = Some(status(verdict));
        }
        tell(done);
    }
    let mut first: HashMap<([u8; 32], [u8; 32]), &str> = HashMap::new();
    entries
        .iter()
        .zip(statuses)
        .map(|(entry, status)| {
            let earlier = entry.problem.as_ref().ok().and_then(|p| match first.entry(key(p)) {
                std::collections::hash_map::Entry::Occupied(known) => Some((*known.get()).to_owned()),
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(&entry.name);
                    None
                }
            });
            Checked {
                name: entry.name.clone(),
                place: entry.place.clone(),
                status: status.unwrap_or(Status::Error { message: "not judged".into() }),
                duplicate_of: earlier,
            }
        })
        .collect()
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().skip(1).map(str::to_owned).collect()
}

fn probe(problem: &Problem) -> Candidate {
    let hole = Arc::new(Hole::whole(&problem.statement.as_example()));
    Candidate { hole, tactic: "skip".to_owned(), heartbeats: HEARTBEATS }
}

fn has_sorry(header: &str) -> bool {
    tokens(header).is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && t.text == "sorry"))
}

fn status(verdict: Verdict) -> Status {
    static MODULE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"unknown module prefix '([\w.]+)'|object file '.*' of module ([\w.]+) does not exist|unknown package '([\w.]+)'",
        )
        .expect("fixed")
    });
    let message = match verdict {
        Verdict::Closed | Verdict::Goals(_) => return Status::Elaborates,
        Verdict::Failed(message) => message,
        Verdict::TimedOut => "Lean ran out of heartbeats on the statement".to_owned(),
        Verdict::Hung => "Lean made no progress on the statement".to_owned(),
        Verdict::Refused(refusal) => refusal.to_string(),
        Verdict::Crashed(message) => message,
    };
    if let Some(found) = MODULE.captures(&message) {
        let name = (1..=3).find_map(|i| found.get(i)).map_or("?", |m| m.as_str());
        return Status::MissingLibrary { library: name.split('.').next().unwrap_or(name).to_owned() };
    }
    let elsewhere =
        ["nknown identifier", "nknown constant", "nknown namespace", "nknown option", "unexpected token", "expected token"];
    let elsewhere = elsewhere.iter().any(|text| message.contains(text)) || message.contains("does not contain a field");
    if elsewhere { Status::OtherVersion { message } } else { Status::Error { message } }
}

/// Equal for theorems that differ in name, layout and comments only.
fn key(problem: &Problem) -> ([u8; 32], [u8; 32]) {
    (levelled(&problem.header), problem.statement.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let failed = |text: &str| status(Verdict::Failed(text.to_owned()));
        assert_eq!(
            failed("the header does not elaborate: unknown module prefix 'Mathlib'\n\nNo directory"),
            Status::MissingLibrary { library: "Mathlib".into() }
        );
        assert!(matches!(failed("Unknown identifier `Finset.sum`"), Status::OtherVersion { .. }));
        assert!(matches!(failed("type mismatch"), Status::Error { .. }));
    }

    #[test]
    fn keys_level_names_and_layout() {
        let key = |text: &str| key(&Problem::from_statement("open Nat", text).unwrap());
        assert_eq!(key("theorem a (n : Nat) : n = n"), key("theorem b (n : Nat) :\n  n = n /- x -/ := by sorry"));
        assert_ne!(key("theorem a (n : Nat) : n = n"), key("theorem a (m : Nat) : m = m + 0"));
    }
}
