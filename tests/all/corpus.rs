//! `qstar corpus`: Lean understands every theorem that is made up, and none is there twice; theorems of the library are
//! posed where they can be stated and not yet be used.

use crate::common;
use std::process::Command;
use std::time::Duration;

use qstar::problem::Problem;
use qstar::verify::{Rejection, verify};

use serde_json::Value;

fn qstar(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_qstar")).args(args).output().unwrap()
}

#[test]
fn synthetic_theorems_elaborate() {
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.jsonl");
    let data = data.to_str().unwrap();
    assert!(qstar(&["corpus", "synthetic", "--count", "460", "--seed", "5", "--out", data]).status.success());
    let check = qstar(&["dataset", "check", "--json", data]);
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let theorems = report["theorems"].as_array().unwrap();
    assert_eq!(theorems.len(), 460);
    let bad: Vec<&Value> = theorems.iter().filter(|t| t["status"] != "elaborates" || !t["duplicate_of"].is_null()).collect();
    assert!(bad.is_empty() && check.status.success(), "{bad:?}");
}

#[tokio::test]
async fn a_theorem_of_the_library_is_not_in_scope_of_itself() {
    let toolchain = common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.jsonl");
    let data = data.to_str().unwrap();
    let modules = "Init.Data.List.Count,Init.Data.Option.Lemmas";
    let taken = qstar(&["corpus", "library", "--under", modules, "--per-module", "12", "--json", "--out", data]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let report: Value = serde_json::from_slice(&taken.stdout).unwrap();
    let rows: Vec<Value> = std::fs::read_to_string(data).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(report["kept"], rows.len());
    let lost: u64 = report["lost"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(report["found"].as_u64().unwrap(), rows.len() as u64 + lost);
    assert!(rows.len() >= 12, "{report}");
    // All of a module are in one split.
    for module in modules.split(',') {
        let mut splits: Vec<&Value> = rows.iter().filter(|r| r["module"] == module).map(|r| &r["split"]).collect();
        splits.dedup();
        assert_eq!(splits.len(), 1, "{module}");
    }
    // Asked for a split that neither is of, there is nothing to take.
    let other = ["train", "validation", "test"].into_iter().find(|split| rows.iter().all(|r| r["split"] != *split)).unwrap();
    let refused = qstar(&["corpus", "library", "--under", modules, "--split", other, "--out", data]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success()
            && said.contains(&format!("of the split {other} whose names begin with Init.Data.List.Count or")),
        "{said}"
    );
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let row = rows.iter().find(|r| r["module"] == "Init.Data.List.Count").unwrap();
    let problem = |header: &str| Problem::from_statement(header, &text(row, "formal_statement")).unwrap();
    let by_itself = format!("apply {} <;> assumption", text(row, "name"));
    let patience = Duration::from_secs(120);
    let refused = verify(&toolchain, &problem(&text(row, "header")), &by_itself, patience).await;
    assert!(matches!(&refused, Err(Rejection::Lean { message, .. }) if message.contains("nknown")), "{refused:?}");
    // Behind the whole library the same proof stands: the statement is the theorem's own.
    let accepted = verify(&toolchain, &problem("import Init"), &by_itself, patience).await;
    assert!(accepted.is_ok(), "{accepted:?}");
}
