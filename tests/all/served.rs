//! The real binary with a served model in the place of networks: each command that searches takes it, a server may go away in
//! the middle, a user's sketch is a beginning.

use crate::common;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::model_server::{ModelServer, Reply, Seen, choices};
use assert_cmd::Command;
use serde_json::{Value, json};

/// What no single closing tactic of qstar's own is asked for: with `--policy model` only the model can have said it.
const STATEMENT: &str = "(p q : Prop) (h : p ∧ q) : q ∧ p";
const STEP: &str = "exact ⟨h.2, h.1⟩";

fn qstar() -> Command {
    common::toolchain();
    Command::cargo_bin("qstar").expect("the binary is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that knows the step, as often as it is asked.
fn helpful() -> ModelServer {
    ModelServer::start(|seen: &Seen| choices(seen, &[STEP, "nonsense"]))
}

/// The file that stands for the model, kept and shared.
fn model(folder: &Path, server: &ModelServer) -> PathBuf {
    let file = folder.join("model.toml");
    let keys = "format = \"bfs-prover\"\nsamples = 2\nretries = 0\ncache = false\n";
    std::fs::write(&file, format!("url = \"{}\"\n{keys}", server.url)).unwrap();
    file
}

fn row(name: &str, split: &str) -> String {
    json!({"name": name, "formal_statement": format!("theorem {name} {STATEMENT} := by"), "split": split}).to_string() + "\n"
}

fn succeeded(what: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn every_command_that_searches_takes_a_served_model() {
    let (folder, server) = (tempfile::tempdir().unwrap(), helpful());
    let path = |name: &str| folder.path().join(name);
    let model = model(folder.path(), &server);
    let alone = |command: &str| {
        let mut qstar = qstar();
        qstar.arg(command).arg("--networks").arg(&model).args(["--policy", "model", "--checks", "20"]);
        qstar
    };

    let report = path("out.html");
    let proved = alone("prove")
        .args(["--statement", &format!("theorem t {STATEMENT} := by"), "--json", "--report"])
        .arg(&report)
        .output();
    let proved = proved.unwrap();
    succeeded("prove", &proved);
    let told: Value = serde_json::from_slice(&proved.stdout).unwrap();
    assert_eq!(told["proved"], true);
    assert!(std::fs::read_to_string(report).unwrap().contains("\"model\""), "the picture tells whose the step is");

    let file = path("Mine.lean");
    std::fs::write(&file, format!("theorem mine {STATEMENT} := by\n  sorry\n")).unwrap();
    succeeded("fill", &alone("fill").arg(&file).output().unwrap());
    let filled = std::fs::read_to_string(&file).unwrap();
    assert!(filled.starts_with(&format!("theorem mine {STATEMENT} := by\n  ")) && !filled.contains("sorry"), "{filled}");

    let worker = alone("worker").write_stdin(row("far", "train")).output().unwrap();
    succeeded("worker", &worker);
    let result: Value = serde_json::from_slice(&worker.stdout).unwrap();
    assert_eq!(result["attempt"]["proved"], true, "{result}");

    let data = path("data.jsonl");
    std::fs::write(&data, row("first", "test") + &row("second", "test")).unwrap();
    let mut bench = qstar();
    bench.arg("bench").arg("--data").arg(&data).arg("--networks").arg(&model).args(["--checks", "40", "--workers", "1"]);
    succeeded("bench", &bench.args(["--policy", "portfolio,mixed,model"]).arg("--out").arg(path("run")).output().unwrap());
    let results: Value = serde_json::from_str(&std::fs::read_to_string(path("run/results.json")).unwrap()).unwrap();
    let attempts = results["attempts"].as_array().unwrap();
    assert!(attempts.len() == 6 && attempts.iter().all(|a| a["proved"] == true), "{results}");
    let table = std::fs::read_to_string(path("run/summary.md")).unwrap();
    assert!(table.contains("tokens") && table.contains("requests"), "{table}");
}

#[test]
fn the_loop_takes_a_served_model_and_runs_the_users_training() {
    let (folder, server) = (tempfile::tempdir().unwrap(), helpful());
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("train.jsonl"), row("seen", "train")).unwrap();
    std::fs::write(
        path("held.jsonl"),
        format!(
            "{}\n",
            json!({"name": "held", "split": "test",
        "formal_statement": "theorem held (a b : Prop) (h : a ∧ b) (_ : a) : b ∧ a := by"})
        ),
    )
    .unwrap();
    // The user's training, as far as it matters here: it sees the round and its data.
    let training = format!("cp \"$QSTAR_DATA\"/dialogues.* {0}/ && echo \"$QSTAR_ROUND\" > {0}/round", folder.path().display());
    let mut iterate = qstar();
    iterate.arg("iterate").arg("--train").arg(path("train.jsonl")).arg("--held-out").arg(path("held.jsonl"));
    iterate.arg("--out").arg(path("loop")).arg("--networks").arg(model(folder.path(), &server));
    iterate.args([
        "--rounds",
        "1",
        "--per-round",
        "1",
        "--checks",
        "20",
        "--workers",
        "1",
        "--json",
        "--train-command",
        &training,
    ]);
    let output = iterate.output().unwrap();
    succeeded("iterate", &output);
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    let guided: Vec<&str> = table["rows"].as_array().unwrap().iter().map(|r| r["guided_by"].as_str().unwrap()).collect();
    assert_eq!(guided, ["portfolio", "premises", "model"]);
    assert_eq!(std::fs::read_to_string(path("round")).unwrap().trim(), "1");
    let dialogues = std::fs::read_dir(folder.path()).unwrap().filter_map(|f| {
        let file = f.unwrap().path();
        file.file_name()?.to_str()?.starts_with("dialogues.").then(|| std::fs::read_to_string(file).unwrap())
    });
    let dialogues: String = dialogues.collect();
    let lines: Vec<Value> = dialogues.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    // The model's own format is a completion; what was learnt from is the training theorem alone.
    assert!(!lines.is_empty() && lines.iter().all(|l| l["prompt"].is_string() && l["completion"].is_string()), "{dialogues}");
    assert!(!dialogues.contains("b ∧ a"), "{dialogues}");
}

#[test]
fn a_search_goes_on_without_a_server_that_went_away() {
    let (folder, asked) = (tempfile::tempdir().unwrap(), AtomicUsize::new(0));
    let server = ModelServer::start(move |seen: &Seen| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => choices(seen, &["skip", "nonsense"]),
        _ => Reply::Status(503, Vec::new(), "gone".to_owned()),
    });
    let statement = "theorem t (n : Nat) : 3 ∣ 2 ^ (2 * n + 1) + 1 := by";
    let mut prove = qstar();
    prove.args(["prove", "--statement", statement, "--policy", "model-mixed", "--checks", "400", "--time", "200"]);
    let output = prove.arg("--networks").arg(model(folder.path(), &server)).output().unwrap();
    succeeded("prove", &output);
    assert!(text(&output.stdout).contains("-- proved: t"), "{}", text(&output.stdout));
    assert!(server.seen().len() > 1, "it was asked again after it had gone");
}

#[test]
fn a_users_sketch_is_a_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let statement = "theorem s (a b c : Nat) (h : a ≤ b) (g : b ≤ c) : a ≤ c ∧ a ≤ c + b";
    std::fs::write(path("Open.lean"), format!("{statement} := by\n  sorry\n")).unwrap();
    let sketch = "have middle : a ≤ c := by\n    sorry\n  constructor\n  · exact middle\n  · sorry";
    std::fs::write(path("Sketch.lean"), format!("{statement} := by\n  {sketch}\n")).unwrap();
    let mut prove = qstar();
    prove.arg("prove").arg(path("Open.lean")).args(["--policy", "portfolio", "--json", "--trace"]).arg(path("trace.jsonl"));
    let output = prove.arg("--sketch").arg(path("Sketch.lean")).output().unwrap();
    succeeded("prove", &output);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["proved"], true);
    let events = qstar::record::read(&path("trace.jsonl")).unwrap();
    let sketched = |event: &&qstar::search::Event| {
        matches!(event, qstar::search::Event::Tried { by: qstar::policy::Source::Sketch, step: Some(_), .. })
    };
    assert!(events.iter().filter(sketched).count() > 0, "what holds of the sketch became steps");
}

#[test]
fn a_gpu_that_cannot_be_used_is_told_and_the_cpu_goes_on() {
    if Path::new("/dev/nvidia0").exists() {
        eprintln!("not tested: there is a GPU");
        return;
    }
    let statement = format!("theorem t {STATEMENT} := by");
    let mut prove = qstar();
    let output = prove.args(["prove", "--statement", &statement, "--policy", "mixed", "--device", "cuda:0"]).output().unwrap();
    succeeded("prove", &output);
    assert!(text(&output.stderr).contains("networks run on the CPU, GPU 0 cannot be used"), "{}", text(&output.stderr));
}
