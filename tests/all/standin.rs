//! Rows that import Mathlib, run end to end against a stand-in that the portable Lean compiles (tests/fixtures/standin): projects by
//! name, headers and their groups, imports, moves, verification, certificates, `fill`, `bench` stopped and resumed. It shows that
//! the way is open; it proves nothing about Mathlib.

use crate::common;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use qstar::toolchain::portable::cache_home;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Statements in the style of competitions, behind two headers that import different modules.
const HEADER: &str = "import Mathlib\n\nset_option maxHeartbeats 400000\n\nopen BigOperators Real Nat Topology Rat";
const ROWS: &[(&str, &str)] = &[
    (HEADER, "theorem line (x y : ℝ) (h₀ : x + y = 7) (h₁ : 3 * x + y = 45) : x - y = 31 := by"),
    ("import Aesop", "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by"),
    (HEADER, "theorem rest : 139 % 11 = 7 := by"),
    ("import Aesop", "theorem none (n : Nat) : n < n := by"),
    (HEADER, "theorem value (f : ℝ → ℝ) (a b : ℝ) (h₀ : ∀ x, f x = a * x + b) (h₁ : f 6 - f 2 = 12) : f 12 - f 2 = 30 := by"),
    (HEADER, "theorem unknown (x : ℝ) : Real.arcsin x = x := by"),
];

/// The stand-in, compiled once.
fn standin() -> PathBuf {
    static MADE: std::sync::Once = std::sync::Once::new();
    let sources = ["Aesop", "Mathlib"]
        .map(|name| std::fs::read_to_string(root().join(format!("tests/fixtures/standin/{name}.lean"))).unwrap());
    let name =
        sources.concat().bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let folder = cache_home().unwrap().join(format!("standin-{name:016x}"));
    MADE.call_once(|| {
        let made = Command::new(root().join(".ci/standin")).arg(&folder).arg(common::toolchain().program()).status();
        assert!(made.expect("bash makes the stand-in").success(), "the stand-in could not be compiled");
    });
    folder
}

/// A copy of it that may be changed.
fn folder_of_a_project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("cp").arg("-a").arg(standin().join(".")).arg(folder.path()).status();
    assert!(made.unwrap().success());
    folder
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn qstar(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    command.args(arguments).env_remove("QSTAR_PROJECT").output().unwrap()
}

fn rows(folder: &Path) -> PathBuf {
    let name = |statement: &str| statement.split(' ').nth(1).unwrap().to_owned();
    let lines = ROWS.iter().map(|(header, statement)| {
        json!({"name": name(statement), "header": header, "formal_statement": statement, "split": "valid"}).to_string() + "\n"
    });
    let path = folder.join("rows.jsonl");
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    path
}

#[test]
fn rows_with_imports_of_a_project_run_to_their_verdicts() {
    let (folder, project) = (tempfile::tempdir().unwrap(), standin());
    let data = rows(folder.path());
    let (data, out, project) = (data.to_str().unwrap(), folder.path().join("run"), project.to_str().unwrap());
    let out = out.to_str().unwrap();
    let bench = |first: &str, project: &[&str]| {
        let fixed = ["bench", "--data", data, "--checks", "60", "--time", "600", "--workers", "1", "--policy", "portfolio"];
        let more = ["--first", first, "--out", out, "--json", "-v"];
        qstar(&[&fixed[..], &more[..], project].concat())
    };
    // Stopped after three rows, then the rest.
    let first = bench("3", &["--project", project]);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    std::fs::write(
        folder.path().join("bench.toml"),
        format!("dataset = 'rows.jsonl'\nproject = '{project}'\nchecks = 60\ntime = 600.0\nworkers = 1\n"),
    )
    .unwrap();
    let all = qstar(&["bench", folder.path().join("bench.toml").to_str().unwrap(), "--out", out, "--json", "-v"]);
    assert_eq!(all.status.code(), Some(0), "{}", String::from_utf8_lossy(&all.stderr));
    let results: Value = serde_json::from_slice(&all.stdout).unwrap();
    let attempts = results["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), ROWS.len(), "no row is lost: {results}");
    let proved = |name: &str| attempts.iter().find(|a| a["theorem"] == name).unwrap()["proved"] == true;
    for (name, expected) in
        [("line", true), ("swap", true), ("rest", true), ("none", false), ("value", true), ("unknown", false)]
    {
        assert_eq!(proved(name), expected, "{name}: {results}");
    }
    let unknown = attempts.iter().find(|a| a["theorem"] == "unknown").unwrap();
    assert!(unknown["error"].as_str().unwrap().contains("arcsin"), "{unknown}");
    // Rows of one header come together: one worker, two sets of imports, two imports.
    let said = String::from_utf8_lossy(&all.stderr);
    assert_eq!(said.matches("a Lean worker imports").count(), 2, "{said}");

    // The certificates stand in the project, and without it the import is missing.
    let certificate = format!("{out}/certificates/line.json");
    let verified = qstar(&["verify", &certificate, "--project", project]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    assert_ne!(qstar(&["verify", &certificate]).status.code(), Some(0));
}

#[test]
fn files_are_filled_and_doctors_asked_with_a_project() {
    let (folder, project) = (tempfile::tempdir().unwrap(), standin());
    let project = project.to_str().unwrap();
    let file = folder.path().join("F.lean");
    std::fs::write(&file, format!("{HEADER}\n\ntheorem t (x : ℝ) (h : 2 * x = 6) : x = 3 := by\n  sorry\n")).unwrap();
    let filled = qstar(&["fill", file.to_str().unwrap(), "--project", project, "--workers", "1", "--policy", "portfolio"]);
    assert_eq!(filled.status.code(), Some(0), "{}", String::from_utf8_lossy(&filled.stderr));
    assert!(!std::fs::read_to_string(&file).unwrap().contains("sorry"));

    let asked = qstar(&["doctor", "--project", project, "--json"]);
    let report: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let finding = |what: &str| report["findings"].as_array().unwrap().iter().find(|f| f["what"] == what).cloned().unwrap();
    assert!(finding("modules")["ok"] == true && finding("import")["ok"] == true, "{report}");
    let tried = &report["imports"]["tried"];
    assert!(tried["seconds"].as_f64().unwrap() > 0.0 && tried["private_mb"].as_u64().unwrap() > 50, "{report}");
    let asked = qstar(&["doctor", "--project", project, "--json", "--header", "import Mathlib\nimport Nowhere.At.All"]);
    assert_eq!(asked.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(report["imports"]["missing"], json!(["Nowhere.At.All"]), "{report}");
    // The variable says the same as the flag.
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    let asked = command.args(["doctor", "--json"]).env("QSTAR_PROJECT", project).output().unwrap();
    let report: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(report["imports"]["missing"], json!([]), "{report}");
    // A source that is newer than what was compiled of it.
    let copy = folder_of_a_project();
    let source = std::fs::read(copy.path().join("Mathlib.lean")).unwrap();
    std::fs::write(copy.path().join("Mathlib.lean"), source).unwrap();
    let asked = qstar(&["doctor", "--project", copy.path().to_str().unwrap(), "--json"]);
    let report: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(report["imports"]["stale"], json!(["Mathlib"]), "{report}");
    let wrong = qstar(&["doctor", "--project", folder.path().join("none").to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}

/// The command lines of the workflow for projects with Mathlib, as they stand there.
#[test]
fn the_workflows_commands_run_in_a_project() {
    let (folder, project) = (tempfile::tempdir().unwrap(), folder_of_a_project());
    let project = project.path();
    let rows = std::fs::read_to_string(rows(folder.path())).unwrap();
    std::fs::write(project.join("rows.jsonl"), rows.lines().next().unwrap()).unwrap();
    std::fs::write(project.join("bench.toml"), "dataset = 'rows.jsonl'\nchecks = 60\ntime = 600.0\nworkers = 1\n").unwrap();
    let here = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
        command.args(arguments).current_dir(project).env_remove("QSTAR_PROJECT").output().unwrap()
    };
    // The baseline that a user commits.
    let first = here(&["bench", "bench.toml", "--project", ".", "--out", "first"]);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    std::fs::copy(project.join("first/results.json"), project.join("bench.baseline.json")).unwrap();
    let workflow = std::fs::read_to_string(root().join("docs/ci/qstar-mathlib.yml")).unwrap();
    let commands: Vec<&str> = workflow.lines().filter_map(|l| l.trim().strip_prefix("run: qstar ")).collect();
    assert_eq!(commands.len(), 2, "{workflow}");
    for command in commands {
        let output = here(&command.split_whitespace().collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(project.join("qstar-bench/junit.xml").exists());
}
