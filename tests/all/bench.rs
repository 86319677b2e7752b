//! `qstar bench` as it is used: stopped and resumed, shared between processes, guarded by a baseline.

use crate::common;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Six small theorems, two of which no budget proves.
const THEOREMS: &str = "\
theorem a (x y : Nat) (h : x + y = 5) (g : x = 2) : y = 3 := sorry
theorem b (p q : Prop) (h : p ∧ q) : q ∧ p := sorry
theorem c (n : Nat) : n < n := sorry
theorem e (xs : List Nat) : xs.reverse.reverse = xs := sorry
theorem f (f : Nat → Nat) : f 1 = f 2 := sorry
theorem g (a b : Bool) : (a && b) = (b && a) := sorry
";

fn bench(folder: &Path, out: &str, more: &[&str]) -> Command {
    common::toolchain();
    let data = folder.join("data.lean");
    if !data.exists() {
        std::fs::write(&data, THEOREMS).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    command.arg("bench").arg("--data").arg(data).args(["--checks", "30", "--time", "600", "--workers", "1"]);
    command.arg("--out").arg(folder.join(out)).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn results(folder: &Path, out: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(out).join("results.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What a run found: every attempt's theorem, verdict and number of checks, sorted; nothing that depends on time.
fn found(results: &Value) -> Vec<String> {
    let attempts = results["attempts"].as_array().unwrap();
    let mut found: Vec<String> =
        attempts.iter().map(|a| format!("{} {} {} {}", a["theorem"], a["proved"], a["reason"], a["checks"])).collect();
    found.sort();
    found
}

fn wait(mut child: Child, limit: Duration) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // SIGKILL: no destructor runs.
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Kills a run when its store has this many attempts.
fn killed_after(mut child: Child, store: &Path, attempts: u64) {
    let start = Instant::now();
    loop {
        let count = rusqlite::Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|store| store.query_row("SELECT count(*) FROM attempts", [], |row| row.get(0)))
            .unwrap_or(0u64);
        if count >= attempts {
            break;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended with {count} attempts before it was killed");
        assert!(start.elapsed() < Duration::from_secs(300), "{count} of {attempts} attempts after five minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
    // SIGKILL: no destructor runs.
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_and_resumed_or_shared_it_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(bench(folder, "whole", &[]).status().unwrap().success());
    let whole = results(folder, "whole");
    let proved: BTreeSet<&str> = whole["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["proved"] == true)
        .map(|a| a["theorem"].as_str().unwrap())
        .collect();
    assert!(proved.is_superset(&["a", "b", "e", "g"].into()) && proved.is_disjoint(&["c", "f"].into()), "{proved:?}");

    // Killed as soon as one attempt is recorded, then three, then five; whoever comes next goes on.
    for judged in [1, 3, 5] {
        killed_after(bench(folder, "killed", &[]).spawn().unwrap(), &folder.join("killed/store.sqlite"), judged);
    }
    let code = wait(bench(folder, "killed", &[]).spawn().unwrap(), Duration::from_secs(300));
    assert_eq!(code, Some(0));
    assert_eq!(found(&results(folder, "killed")), found(&whole));

    // Two processes, one store.
    let pair = [bench(folder, "shared", &[]).spawn().unwrap(), bench(folder, "shared", &[]).spawn().unwrap()];
    for child in pair {
        assert_eq!(wait(child, Duration::from_secs(300)), Some(0));
    }
    assert_eq!(found(&results(folder, "shared")), found(&whole));

    // The gate: against itself, and against a run that proved everything.
    let baseline = folder.join("whole/results.json");
    let gate = ["--baseline", baseline.to_str().unwrap()];
    assert_eq!(bench(folder, "killed", &gate).status().unwrap().code(), Some(0));
    let mut better = whole.clone();
    for attempt in better["attempts"].as_array_mut().unwrap() {
        attempt["proved"] = true.into();
    }
    better["must_keep"] = serde_json::json!(["c"]);
    let path = folder.join("better.json");
    std::fs::write(&path, better.to_string()).unwrap();
    assert_eq!(bench(folder, "killed", &["--baseline", path.to_str().unwrap()]).status().unwrap().code(), Some(1));
    let junit = std::fs::read_to_string(folder.join("killed/junit.xml")).unwrap();
    assert!(junit.contains("<failure") && junit.contains("must stay proved"), "{junit}");
    // A kill in the middle of a write may leave a hidden beginning of a file.
    let certificates = std::fs::read_dir(folder.join("killed/certificates")).unwrap().flatten();
    let certificates = certificates.filter(|file| file.path().extension().is_some_and(|end| end == "json")).count();
    assert_eq!(certificates, proved.len());
}

#[test]
fn mistakes_are_told_before_the_work_begins() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 4] =
        [&["--baseline", "/nonexistent.json"], &["--time", "0"], &["--seeds", "0"], &["--split", "nowhere"]];
    for more in cases {
        assert_eq!(bench(folder.path(), "x", more).status().unwrap().code(), Some(2), "{more:?}");
    }
}
