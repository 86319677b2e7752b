//! `qstar iterate`, whole and small: real searches, real training, an arena; killed at random moments and gone on with.
//!
//! Wants a Python with PyTorch and `tokenizers` (`QSTAR_PYTHON` names it), and says so where there is none.

use crate::common;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qstar::network::onnx::Running;
use qstar::network::ranking::{Candidate, Pairing, RankingModel};
use qstar::network::runtime;
use qstar::toolchain::cache_home;
use serde_json::Value;

fn python() -> Option<String> {
    let python = std::env::var("QSTAR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import torch, tokenizers"]).output();
    found.is_ok_and(|o| o.status.success()).then_some(python)
}

fn qstar() -> Command {
    Command::new(env!("CARGO_BIN_EXE_qstar"))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Ends within the time, or is killed as if the power had gone.
fn run_for(mut child: Child, limit: Duration) -> Option<bool> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        if start.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The ranker that was trained, run by ONNX Runtime, in batches and with candidates that are known already.
fn ranker_computes_what_pytorch_computed(networks: &Path) {
    let home = cache_home().unwrap();
    let library = runtime::find(None, &home).unwrap();
    let library = library.unwrap_or_else(|| runtime::install(&home, &indicatif::ProgressBar::hidden()).unwrap());
    let mut model = RankingModel::open(&runtime::load(&library).unwrap(), networks, Running::on_cpu(1)).unwrap();
    let parity: Value = serde_json::from_str(&std::fs::read_to_string(networks.join("ranker_parity.json")).unwrap()).unwrap();
    let floats = |v: &Value| -> Vec<f32> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect() };
    let ids = |v: &Value| -> Vec<u32> { v.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect() };
    let cases = parity["cases"].as_array().unwrap();
    let pairing = |case: &Value| {
        let candidates = case["candidates"].as_array().unwrap().iter().zip(case["fit"].as_array().unwrap());
        let candidates = candidates.map(|(c, fit)| Candidate { features: ids(c), fit: floats(fit) }).collect();
        Pairing { goal: ids(&case["goal"]), candidates }
    };
    let pairings: Vec<Pairing> = cases.iter().map(pairing).collect();
    assert!(!pairings.is_empty());
    for _ in 0..2 {
        for (case, found) in cases.iter().zip(model.foretell(&pairings).unwrap()) {
            let helps: Vec<f32> = found.iter().map(|f| f.helps).collect();
            let seconds: Vec<f32> = found.iter().map(|f| f.seconds).collect();
            let close =
                |ours: &[f32], theirs: Vec<f32>| ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(1.0));
            assert!(close(&helps, floats(&case["helps"])) && close(&seconds, floats(&case["seconds"])), "{case} {found:?}");
            assert!(found.iter().all(|f| (f.verdict.iter().sum::<f32>() - 1.0).abs() < 1e-4));
        }
    }
}

/// `--start`: without an epoch of training the same towers come out.
fn a_ranker_begins_where_another_ended(python: &str, round: &Path) {
    let out = round.join("begun");
    let mut train = Command::new(python);
    train.args(["-m", "qstar_training.ranker", "--epochs=0", "--width=16", "--inner=8", "--threads=1", "--start"]);
    train.arg(round.join("networks")).arg(round.join("data")).arg(&out);
    let done = train.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/training")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("pip install onnx") {
        return eprintln!("not tested: {said}");
    }
    assert!(done.status.success(), "{said}");
    for tower in ["ranker_goal.onnx", "ranker_candidate.onnx"] {
        let read = |folder: &Path| std::fs::read(folder.join(tower)).unwrap();
        assert!(read(&out) == read(&round.join("networks")), "{tower} is another");
    }
}

#[test]
fn a_loop_that_is_killed_goes_on_and_nothing_is_lost_or_done_twice() {
    let Some(python) = python() else {
        eprintln!("not tested: no Python with torch and tokenizers; QSTAR_PYTHON names one");
        return;
    };
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let made = qstar().args(["corpus", "synthetic", "--count", "40", "--seed", "11", "--out"]).arg(path("all.jsonl")).output();
    assert!(made.unwrap().status.success());
    let all = lines(&path("all.jsonl"));
    let rows = |wanted: &[&str], most: usize| -> String {
        let mine = all.iter().filter(|r| wanted.contains(&r["split"].as_str().unwrap()));
        mine.take(most).map(|r| format!("{r}\n")).collect()
    };
    std::fs::write(path("train.jsonl"), rows(&["train"], 12)).unwrap();
    std::fs::write(path("held.jsonl"), rows(&["validation", "test"], 4)).unwrap();
    let command = || {
        let mut command = qstar();
        command.args([
            "iterate",
            "--rounds",
            "1",
            "--per-round",
            "10",
            "--checks",
            "30",
            "--time",
            "30",
            "--workers",
            "1",
            "--json",
        ]);
        command
            .arg("--train")
            .arg(path("train.jsonl"))
            .arg("--held-out")
            .arg(path("held.jsonl"))
            .arg("--out")
            .arg(path("loop"));
        command.args(["--python", &python, "--package", concat!(env!("CARGO_MANIFEST_DIR"), "/training")]);
        for arg in ["--minutes=0.1", "--epochs=2", "--width=32", "--layers=1", "--heads=2"] {
            command.arg(format!("--train-arg={arg}"));
        }
        for arg in ["--epochs=2", "--width=16", "--inner=8", "--threads=1"] {
            command.arg(format!("--ranker-arg={arg}"));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut rng = fastrand::Rng::new();
    let mut kills = 0;
    while kills < 2 {
        let moment = Duration::from_millis(rng.u64(6_000..22_000));
        match run_for(command().spawn().unwrap(), moment) {
            Some(ended) => {
                assert!(ended, "it failed by itself");
                break;
            }
            None => kills += 1,
        }
    }
    assert!(kills > 0);
    let output = command().stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let round = path("loop/round-1");
    let names =
        |file: &Path| -> Vec<String> { lines(file).iter().map(|r| r["theorem"].as_str().unwrap().to_owned()).collect() };
    for (stage, expected) in [("search", 10), ("arena-mixed", 4), ("arena-ranked", 4), ("arena-network", 4)] {
        let found = names(&round.join(stage).join("outcomes.jsonl"));
        let different: BTreeSet<&String> = found.iter().collect();
        assert_eq!((found.len(), different.len()), (expected, expected), "{stage}");
        let records = std::fs::read_dir(round.join(stage).join("records")).unwrap();
        let whole = records.filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().ends_with(".jsonl.gz")).count();
        assert_eq!(whole, expected, "{stage}");
    }
    // No held-out theorem among the examples.
    let held: BTreeSet<String> = names(&path("loop/round-0/arena-portfolio/outcomes.jsonl")).into_iter().collect();
    let examples = lines(&round.join("data/policy.train.jsonl"));
    assert!(!examples.is_empty() && examples.iter().all(|e| !held.contains(e["theorem"].as_str().unwrap())));
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    let guided: Vec<&str> = table["rows"].as_array().unwrap().iter().map(|r| r["guided_by"].as_str().unwrap()).collect();
    assert_eq!(guided, ["portfolio", "premises", "mixed", "ranked", "network"]);
    assert!(table["rows"][0]["proved"].as_u64().unwrap() > 0, "{table}");

    ranker_computes_what_pytorch_computed(&round.join("networks"));
    // A value is trained where goals ended in both ways; from goals that were all proved it would learn to say so of any.
    let outcomes: BTreeSet<bool> =
        lines(&round.join("data/ended.train.jsonl")).iter().map(|goal| goal["proved"].as_bool().unwrap()).collect();
    assert_eq!(round.join("networks/value.onnx").exists(), outcomes.len() == 2, "{outcomes:?}");

    a_ranker_begins_where_another_ended(&python, &round);

    // Once more: nothing is done again.
    let before = std::fs::read(round.join("networks/model.onnx")).unwrap();
    let start = Instant::now();
    let again = command().stdout(Stdio::piped()).output().unwrap();
    assert_eq!(again.stdout, output.stdout);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(std::fs::read(round.join("networks/model.onnx")).unwrap(), before);
    // Other data, same folder: refused, with the reason.
    std::fs::write(path("held.jsonl"), rows(&["validation", "test"], 3)).unwrap();
    let refused = command().stderr(Stdio::piped()).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("plan.json"), "{}", String::from_utf8_lossy(&refused.stderr));
}
