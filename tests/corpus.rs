//! `qstar corpus`: Lean understands every theorem that is made up, and none is there twice.

mod common;

use std::process::Command;

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
    assert!(qstar(&["corpus", "synthetic", "--count", "140", "--seed", "5", "--out", data]).status.success());
    let check = qstar(&["dataset", "check", "--json", data]);
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let theorems = report["theorems"].as_array().unwrap();
    assert_eq!(theorems.len(), 140);
    let bad: Vec<&Value> = theorems.iter().filter(|t| t["status"] != "elaborates" || !t["duplicate_of"].is_null()).collect();
    assert!(bad.is_empty() && check.status.success(), "{bad:?}");
}
