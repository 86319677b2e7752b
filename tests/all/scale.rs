//! Work for outside engines: `qstar worker`, its results and records, and certificates checked again in bulk.

use crate::common;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use qstar::record;
use qstar::search::Event;
use qstar::verify::statement_hash;
use serde_json::{Value, json};

fn worker(folder: &Path, lines: &[String]) -> (Vec<Value>, i32) {
    common::toolchain();
    let mut child = Command::new(env!("CARGO_BIN_EXE_qstar"))
        .current_dir(folder)
        .args(["worker", "--workers", "1", "--checks", "60", "--results", "results.jsonl", "--records", "records"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|l| serde_json::from_str(l).unwrap()).collect(), output.status.code().unwrap())
}

fn task(name: &str, statement: &str) -> String {
    json!({"id": format!("id-{name}"), "name": name, "formal_statement": format!("theorem {name} {statement} := by")})
        .to_string()
}

fn verify(folder: &Path) -> (Value, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    let output = command.args(["verify", "--json"]).arg(folder).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

#[test]
fn tasks_become_results_certificates_and_records() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [
        task("a", "(x y : Nat) (h : x + y = 5) (g : x = 2) : y = 3"),
        task("b", "(p q : Prop) (h : p ∧ q) : q ∧ p"),
        task("lie", "(n : Nat) : n < n"),
        "this is no task".to_owned(),
        task("c", "(xs : List Nat) : xs.length = xs.reverse.length"),
    ];
    let (mut results, code) = worker(folder.path(), &tasks);
    assert_eq!((results.len(), code), (5, 2), "{results:?}");
    assert!(results.iter().any(|r| r["error"].as_str().is_some_and(|e| e.contains("line 4"))), "{results:?}");
    results.retain(|r| r["error"].is_null());
    results.sort_by_key(|r| r["id"].to_string());
    let proved: Vec<bool> = results.iter().map(|r| r["attempt"]["proved"].as_bool().unwrap()).collect();
    assert_eq!(proved, [true, true, true, false], "a, b, c, lie");
    // Asked again, the answers are those of the first time, to the byte; nothing is appended.
    let before = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    let good: Vec<String> = tasks.iter().filter(|t| t.starts_with('{')).cloned().collect();
    let (mut again, code) = worker(folder.path(), &good);
    again.sort_by_key(|r| r["id"].to_string());
    assert_eq!((again, code), (results.clone(), 0));
    assert_eq!(std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap(), before);

    // Records: one file for each search; each begins, tries what it says, and ends.
    let mut files = 0;
    for file in std::fs::read_dir(folder.path().join("records")).unwrap() {
        let events = record::read(&file.unwrap().path()).unwrap();
        files += 1;
        let Some(Event::Begin { theorem, .. }) = events.first() else { panic!("{:?}", events.first()) };
        let Some(Event::End { checks, proof, .. }) = events.last() else { panic!("{:?}", events.last()) };
        assert_eq!(proof.is_some(), theorem != "lie");
        let tried = events.iter().filter(|e| matches!(e, Event::Tried { .. })).count() as u64;
        assert!(tried > 0 && tried <= *checks, "{theorem}: {tried} of {checks}");
    }
    assert_eq!(files, 4);

    // The certificates, with some that lie between them.
    let certificates = folder.path().join("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let put = |name: &str, certificate: &Value| {
        std::fs::write(certificates.join(format!("{name}.json")), certificate.to_string()).unwrap();
    };
    for r in results.iter().filter(|r| r["attempt"]["proved"] == true) {
        put(r["id"].as_str().unwrap(), &r["attempt"]["certificate"]);
    }
    let (report, code) = verify(&certificates);
    assert_eq!((&report["proved"], code), (&json!(3), 0), "{report}");
    let forge = |name: &str, signature: &str, proof: &str| {
        let mut forged = results[0]["attempt"]["certificate"].clone();
        let statement = format!("theorem {name} {signature}");
        forged["name"] = name.into();
        forged["statement_sha256"] = statement_hash("", &statement).into();
        forged["statement"] = statement.into();
        forged["proof"] = proof.into();
        put(&format!("forged-{name}"), &forged);
    };
    forge("lie", "(n : Nat) : n < n", "omega");
    forge("liar", "(n : Nat) : n < n", "exact lie n");
    forge("searcher", "(n : Nat) : n < n", "exact?");
    forge("cheat", "(n : Nat) : n < n", "sorry");
    forge("honest", "(n : Nat) : n ≤ n", "omega");
    std::fs::write(certificates.join("x.json"), "{}").unwrap();
    let (report, code) = verify(&certificates);
    assert_eq!((&report["proved"], code), (&json!(4), 1), "{report}");
    for c in report["certificates"].as_array().unwrap().iter().filter(|c| c["proved"] == false) {
        assert!(c["reason"].as_str().is_some_and(|r| !r.is_empty()), "{c}");
    }
}
