//! Which statements of a dataset elaborate with the Lean at hand, which do not, and why.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::Entry;
use super::header::{Finding, refusal};
use super::inspect::{Seen, inspect};
use crate::lean::document::UNREACHED;
use crate::lean::{Pool, Verdict};
use crate::problem::Problem;
use crate::source::levelled;

/// Statements asked about at a time, so that a stop is soon heard.
const GROUP: usize = 64;

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
    /// Its header blinds Lean, ends the file, or does what no row may; or it holds `sorry` itself.
    Refused {
        message: String,
    },
    Error {
        message: String,
    },
    /// Lean hangs or ends on it, or does not reach it: nothing is known of it.
    Unjudged {
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
    /// What header and statement do that can bend a proof, and what usually means a wrong statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// An earlier theorem that says the same behind the same header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
}

/// Checks every entry, until `cancel` is pulled: what was not asked then is not judged. Statements that share a header
/// share a document.
pub async fn check(pool: &Pool, entries: &[Entry], cancel: &CancellationToken, mut tell: impl FnMut(usize)) -> Vec<Checked> {
    let mut by_header: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut statuses: Vec<Option<Status>> = vec![None; entries.len()];
    let mut findings: Vec<Vec<Finding>> = entries.iter().map(|e| e.findings.clone()).collect();
    for (i, entry) in entries.iter().enumerate() {
        match (&entry.problem, refusal(&entry.findings)) {
            (_, Some(message)) => statuses[i] = Some(Status::Refused { message: message.to_owned() }),
            (Ok(p), None) => by_header.entry(&p.header).or_default().push(i),
            (Err(message), None) => statuses[i] = Some(Status::NoStatement { message: message.clone() }),
        }
    }
    let mut done = statuses.iter().flatten().count();
    for (header, places) in by_header {
        for places in places.chunks(GROUP) {
            let problems: Vec<&Problem> = places.iter().filter_map(|&i| entries[i].problem.as_ref().ok()).collect();
            let seen = tokio::select! {
                seen = inspect(pool, header, &problems) => seen,
                () = cancel.cancelled() => Vec::new(),
            };
            done += places.len();
            for (&i, Seen { verdict, warnings }) in places.iter().zip(seen) {
                statuses[i] = Some(status(verdict));
                findings[i].extend(warnings);
            }
            tell(done);
        }
    }
    let mut first: HashMap<([u8; 32], [u8; 32]), &str> = HashMap::new();
    let mut rows = Vec::with_capacity(entries.len());
    for ((entry, status), findings) in entries.iter().zip(statuses).zip(findings) {
        let earlier = entry.problem.as_ref().ok().and_then(|p| match first.entry(key(p)) {
            std::collections::hash_map::Entry::Occupied(known) => Some((*known.get()).to_owned()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(&entry.name);
                None
            }
        });
        rows.push(Checked {
            name: entry.name.clone(),
            place: entry.place.clone(),
            status: status.unwrap_or(Status::Unjudged { message: "it was stopped before".into() }),
            findings,
            duplicate_of: earlier,
        });
    }
    rows
}

fn status(verdict: Verdict) -> Status {
    static MODULE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"unknown module prefix '([\w.]+)'|object file '.*' of module ([\w.]+) does not exist|unknown package '([\w.]+)'",
        )
        .expect("fixed")
    });
    let message = match verdict {
        Verdict::Goals(_) => return Status::Elaborates,
        // `skip` leaves every goal open: where Lean reports none, it did not look.
        Verdict::Closed => return Status::Unjudged { message: UNREACHED.to_owned() },
        Verdict::Failed(message) if message == UNREACHED => return Status::Unjudged { message },
        Verdict::Failed(message) => message,
        other => return Status::Unjudged { message: other.to_string() },
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
