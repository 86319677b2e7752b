//! Many certificates checked again from nothing, many in one fresh process: the imports are paid once.
//!
//! What is accepted here would be accepted alone. A document holds theorems of one header, no two of one name, and all
//! claims stand before all proofs. A proof that reaches another theorem of the document is judged alone, and so is one
//! that searches the environment, and a statement that sets attributes. What Lean rejects is taken out and tried alone,
//! and the rest is compiled again: Lean compiles nothing where there are errors.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::claims::{Claims, Word};
use super::{Certificate, Rejection, Standing, admit, process, verify, words};
use crate::files::below;
use crate::lean::syntax::{Kind, tokens};
use crate::problem::Problem;
use crate::toolchain::Toolchain;

/// Certificates in one process.
const CHUNK: usize = 64;
/// Tactics that look for theorems by themselves (besides all whose name ends in `?`).
const SEARCHERS: &[&str] = &["solve_by_elim", "aesop", "hint", "tauto", "apply_assumption", "exact_mod_cast?"];

/// The verdict on one file.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    pub file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub proved: bool,
    pub verdict: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A certificate to be checked.
struct Item {
    /// Place in the report.
    place: usize,
    problem: Problem,
    proof: String,
}

/// The certificates below a folder, in the order of their paths.
///
/// # Errors
/// When a folder cannot be read or there are none.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = below(folder, |p| p.extension().is_some_and(|e| e == "json"))?;
    ensure!(
        !files.is_empty(),
        "{} has no certificates (.json files, as `qstar bench` and `prove --out` write them)",
        folder.display()
    );
    Ok(files)
}

/// Checks every file, `workers` processes at a time, until `cancel` is pulled: what was not judged then is unchecked. `tell`
/// is called with the number of files that are done.
pub async fn check(
    toolchain: &Toolchain,
    files: &[PathBuf],
    workers: usize,
    timeout: Duration,
    cancel: &CancellationToken,
    tell: impl FnMut(usize),
) -> Vec<Checked> {
    let (mut report, mut places, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for (place, file) in files.iter().enumerate() {
        let row = |name, reason| Checked { file: file.clone(), name, proved: false, verdict: Standing::Refused, reason };
        match Certificate::read(file).and_then(|c| Ok((c.problem()?, c.proof))) {
            Ok((problem, proof)) => {
                report.push(row(Some(problem.name.clone()), None));
                places.push(place);
                proofs.push((problem, proof));
            }
            Err(error) => report.push(row(None, Some(format!("{error:#}")))),
        }
    }
    for (place, verdict) in places.into_iter().zip(certify(toolchain, proofs, workers, timeout, cancel.clone(), tell).await) {
        report[place].proved = verdict.is_ok();
        report[place].verdict = match &verdict {
            Ok(_) => Standing::Accepted,
            Err(e) if e.is_unchecked() => Standing::Unchecked,
            Err(_) => Standing::Refused,
        };
        report[place].reason = verdict.err().map(|e| e.to_string());
    }
    report
}

/// The verdict on each proof of a theorem, `workers` processes at a time, until `cancel` is pulled: a certificate, or why
/// there is none. `tell` is called with the number that are done.
pub async fn certify(
    toolchain: &Toolchain,
    proofs: Vec<(Problem, String)>,
    workers: usize,
    timeout: Duration,
    cancel: CancellationToken,
    mut tell: impl FnMut(usize),
) -> Vec<Result<Certificate, Rejection>> {
    let mut verdicts: Vec<Option<Result<Certificate, Rejection>>> = Vec::new();
    let (mut shared, mut alone): (HashMap<String, Vec<Item>>, Vec<Item>) = (HashMap::new(), Vec::new());
    for (place, (problem, proof)) in proofs.into_iter().enumerate() {
        let refused = admit(toolchain, &problem, &proof).err();
        let item = Item { place, problem, proof };
        match &refused {
            Some(_) => {}
            None if looks_around(&item) => alone.push(item),
            None => shared.entry(item.problem.header.clone()).or_default().push(item),
        }
        verdicts.push(refused.map(Err));
    }
    let mut jobs: Vec<Vec<Item>> = alone.into_iter().map(|item| vec![item]).collect();
    let mut by_header: Vec<Vec<Item>> = shared.into_values().collect();
    by_header.sort_by_key(|items| items[0].place);
    jobs.extend(by_header.into_iter().flat_map(|items| groups(items, workers)));
    // The last are taken first: large groups before the single ones.
    let mut flights = FuturesUnordered::new();
    let mut done = verdicts.iter().flatten().count();
    loop {
        while flights.len() < workers.max(1)
            && let Some(job) = jobs.pop()
        {
            flights.push(run(toolchain, job, timeout));
        }
        let landed = tokio::select! {
            landed = flights.next() => landed,
            () = cancel.cancelled() => None,
        };
        let Some((judged, again)) = landed else { break };
        for (place, verdict) in judged {
            done += 1;
            verdicts[place] = Some(verdict);
        }
        jobs.extend(again);
        tell(done);
    }
    verdicts.into_iter().map(|verdict| verdict.unwrap_or(Err(Rejection::Stopped))).collect()
}

/// Whether a proof might find other theorems without naming them, or a statement act on those behind it.
fn looks_around(item: &Item) -> bool {
    let searches = tokens(&item.proof)
        .is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && (t.text.ends_with('?') || SEARCHERS.contains(&t.text))));
    searches || item.problem.statement.text.starts_with('@') || item.problem.statement.name.is_none()
}

/// Groups for one document each: no name twice, none that another's text mentions, and enough for all workers.
fn groups(items: Vec<Item>, workers: usize) -> Vec<Vec<Item>> {
    let most = CHUNK.min(items.len().div_ceil(workers.max(1))).max(1);
    let mut all: Vec<(Vec<Item>, HashSet<String>, HashSet<String>)> = Vec::new();
    for item in items {
        let name = item.problem.statement.name.clone().unwrap_or_default();
        let words: HashSet<String> = [&item.proof, &item.problem.statement.signature().to_owned()]
            .iter()
            .flat_map(|text| tokens(text).unwrap_or_default().iter().map(|t| last_part(t.text)).collect::<Vec<_>>())
            .collect();
        let own = last_part(&name);
        let fits = |(group, names, mentioned): &&mut (Vec<Item>, HashSet<String>, HashSet<String>)| {
            group.len() < most && !names.contains(&own) && !mentioned.contains(&own) && names.is_disjoint(&words)
        };
        match all.iter_mut().find(fits) {
            Some((group, names, mentioned)) => {
                group.push(item);
                names.insert(own);
                mentioned.extend(words);
            }
            None => all.push((vec![item], HashSet::from([own]), words)),
        }
    }
    all.into_iter().map(|(group, ..)| group).collect()
}

/// `Nat.add.comm` → `comm`: open namespaces may let the rest go unsaid.
fn last_part(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

type Words = Vec<(usize, Result<Certificate, Rejection>)>;

/// Checks one group in a fresh process; what the document could not decide is given back as new groups.
async fn run(toolchain: &Toolchain, mut group: Vec<Item>, timeout: Duration) -> (Words, Vec<Vec<Item>>) {
    if let [item] = &group[..] {
        let verdict = verify(toolchain, &item.problem, &item.proof, timeout).await;
        return (vec![(item.place, verdict)], Vec::new());
    }
    let start = Instant::now();
    let items: Vec<(&Problem, &str)> = group.iter().map(|item| (&item.problem, item.proof.as_str())).collect();
    let claims = Claims::write(&group[0].problem.header, &items, toolchain.lists_axioms());
    let judged = match process::compile(toolchain, &claims.text, timeout).await {
        Ok(compiled) => words(toolchain, &claims, &compiled),
        Err(error) => Err(error),
    };
    let Ok(judged) = judged else {
        // Too much for one process, or one of them breaks it: by halves.
        let second = group.split_off(group.len() / 2);
        return (Vec::new(), vec![group, second]);
    };
    let (mut done, mut together, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (item, word) in group.into_iter().zip(judged) {
        match word {
            Word::Accepted(axioms, of_header) => {
                let (time, text) = (start.elapsed(), &claims.text);
                let made = Certificate::new(&item.problem, &item.proof, toolchain, axioms, of_header, text, time);
                done.push((item.place, Ok(made)));
            }
            // Without those that Lean rejects the file compiles; what is rejected beside others is tried alone.
            Word::Alone => together.push(item),
            Word::Rejected(_) | Word::NoClaim => alone.push(vec![item]),
        }
    }
    match alone.is_empty() {
        true => alone.extend(together.into_iter().map(|item| vec![item])),
        false if !together.is_empty() => alone.push(together),
        false => {}
    }
    (done, alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(place: usize, statement: &str, proof: &str) -> Item {
        Item { place, problem: Problem::from_statement("", statement).unwrap(), proof: proof.to_owned() }
    }

    #[test]
    fn groups_hold_no_name_twice_and_none_that_is_mentioned() {
        let items = vec![
            item(0, "theorem a : 1 = 1", "rfl"),
            item(1, "theorem a : 2 = 2", "rfl"),
            item(2, "theorem x.b : 1 = 1", "exact a"),
            item(3, "theorem c : 3 = 3", "rfl"),
        ];
        let found: Vec<Vec<usize>> = groups(items, 1).iter().map(|g| g.iter().map(|i| i.place).collect()).collect();
        assert_eq!(found, [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn searches_and_attributes_stand_alone() {
        assert!(looks_around(&item(0, "theorem a : 1 = 1", "exact?")));
        assert!(looks_around(&item(0, "@[simp] theorem a : 1 = 1", "rfl")));
        assert!(!looks_around(&item(0, "theorem a : 1 = 1", "rfl")));
    }
}
