//! The networks that ship, run by the real ONNX Runtime: they compute what PyTorch computed, with a cache and in batches as
//! without; and folders that are broken are refused with the file and what is wrong.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use indicatif::ProgressBar;
use qstar::lean::Goal;
use qstar::network::decode::Writer;
use qstar::network::folder::Folder;
use qstar::network::goals::GoalModel;
use qstar::network::onnx::{Running, open_policy};
use qstar::network::{Decoding, Networks, Options, runtime};
use qstar::toolchain::cache_home;
use serde::Deserialize;

#[derive(Deserialize)]
struct Parity {
    cases: Vec<Case>,
}

/// What PyTorch computed when the networks were exported.
#[derive(Deserialize)]
struct Case {
    goal: String,
    ids: Vec<u32>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct Scored {
    cases: Vec<ScoredCase>,
}

#[derive(Deserialize)]
struct ScoredCase {
    features: Vec<u32>,
    value: f32,
    steps: f32,
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default")
}

fn library() -> PathBuf {
    static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let home = cache_home().unwrap();
        runtime::find(None, &home).unwrap().unwrap_or_else(|| runtime::install(&home, &ProgressBar::hidden()).unwrap())
    });
    LIBRARY.clone()
}

fn parity() -> Vec<Case> {
    let text = std::fs::read_to_string(shipped().join("parity.json")).unwrap();
    serde_json::from_str::<Parity>(&text).unwrap().cases
}

fn policy() -> Box<dyn Writer + Send> {
    open_policy(&runtime::load(&library()).unwrap(), &Folder::open(&shipped()).unwrap(), Running::on_cpu(1)).unwrap()
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-3 * b.abs().max(1.0)
}

#[test]
fn logits_are_those_of_pytorch() {
    let folder = Folder::open(&shipped()).unwrap();
    let mut writer = policy();
    for case in parity() {
        let prompt = folder.prompt(&Goal::parse(&case.goal).unwrap(), 200).unwrap();
        assert_eq!((&prompt.ids, prompt.cut), (&case.ids, 0), "{}", case.goal);
        let logits = writer.begin(std::slice::from_ref(&case.ids)).unwrap();
        assert_eq!(logits.ncols(), case.logits.len());
        let worst = logits.iter().zip(&case.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{}: logits differ by {worst}", case.goal);
    }
}

#[test]
fn values_are_those_of_pytorch_alone_and_in_a_batch() {
    let file = Folder::open(&shipped()).unwrap().value.unwrap();
    let mut model = GoalModel::open(&runtime::load(&library()).unwrap(), &file, Running::on_cpu(1)).unwrap();
    let text = std::fs::read_to_string(shipped().join("value_parity.json")).unwrap();
    let cases = serde_json::from_str::<Scored>(&text).unwrap().cases;
    let all: Vec<Vec<u32>> = cases.iter().map(|case| case.features.clone()).collect();
    let together = model.score(&all).unwrap();
    for (case, together) in cases.iter().zip(together) {
        let alone = model.score(std::slice::from_ref(&case.features)).unwrap()[0];
        for score in [alone, together] {
            assert!(close(score.proved, case.value) && close(score.steps, case.steps), "{score:?}");
        }
    }
    assert_eq!(cases.len(), 3);
}

#[test]
fn a_batch_with_a_cache_computes_what_each_text_alone_does() {
    let mut writer = policy();
    let prompts: Vec<Vec<u32>> = parity().into_iter().map(|c| c.ids).collect();
    writer.begin(&prompts).unwrap();
    // Rows change places, one is continued twice, one not at all.
    let (rows, tokens) = ([2, 0, 2], [11u32, 12, 13]);
    let cached = writer.next(&rows, &tokens).unwrap();
    for (place, (&row, &token)) in rows.iter().zip(&tokens).enumerate() {
        let whole = [prompts[row].clone(), vec![token]].concat();
        let alone = writer.begin(&[whole]).unwrap();
        let worst = alone.row(0).iter().zip(cached.row(place)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "row {place}: {worst}");
        writer.begin(&prompts).unwrap();
        writer.next(&rows, &tokens).unwrap();
    }
}

#[tokio::test]
async fn tactics_come_with_probabilities_and_none_twice() {
    let goals: Vec<Goal> = parity().iter().map(|c| Goal::parse(&c.goal).unwrap()).collect();
    let goals: Vec<&Goal> = goals.iter().collect();
    let sample = Decoding::Sample { count: 24, temperature: 1.0, top_p: 0.95, seed: 1 };
    for decoding in [Decoding::Beam { width: 8 }, sample] {
        let networks = Networks::open(&shipped(), &library(), Options { decoding, ..Options::default() }).unwrap();
        for list in networks.tactics(&goals).await.unwrap() {
            let total: f64 = list.iter().map(|(_, p)| p.exp()).sum();
            assert!(!list.is_empty() && total <= 1.0 + 1e-4, "{decoding:?}: {list:?}");
            let mut names: Vec<&str> = list.iter().map(|(tactic, _)| tactic.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), list.len());
        }
    }
}

#[test]
fn a_prompt_that_is_too_long_loses_its_oldest_hypotheses() {
    let folder = Folder::open(&shipped()).unwrap();
    let hypotheses: String = (0..60).map(|i| format!("h{i} : a{i} < b{i} + {i}\n")).collect();
    let goal = Goal::parse(&format!("{hypotheses}⊢ a1 = b1")).unwrap();
    let prompt = folder.prompt(&goal, 120).unwrap();
    let text = folder.decode(&prompt.ids).unwrap();
    assert!(prompt.ids.len() <= 120 && prompt.cut > 30, "{} {}", prompt.ids.len(), prompt.cut);
    assert!(text.contains("⊢ a1 = b1") && text.contains("h59") && !text.contains("h0 "), "{text}");
}

/// A copy of the shipped folder, changed.
fn broken(change: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(shipped()).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    change(folder.path());
    match Networks::open(folder.path(), &library(), Options::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => format!("{error:#}"),
    }
}

fn copy(folder: &Path, from: &str, to: &str) {
    std::fs::copy(folder.join(from), folder.join(to)).unwrap();
}

#[test]
fn broken_folders_are_refused_with_the_file_and_what_is_wrong() {
    type Change = fn(&Path);
    let cases: [(&str, Change, &str); 6] = [
        ("model.onnx", |f| std::fs::remove_file(f.join("model.onnx")).unwrap(), "has no model.onnx"),
        ("model.onnx", |f| std::fs::write(f.join("model.onnx"), "nonsense").unwrap(), "no model that ONNX Runtime can run"),
        ("model.onnx", |f| copy(f, "value.onnx", "model.onnx"), "past_key_values"),
        ("tokenizer.json", |f| std::fs::write(f.join("tokenizer.json"), "{}").unwrap(), "is no tokenizer"),
        ("config.json", |f| std::fs::remove_file(f.join("config.json")).unwrap(), "cannot read"),
        ("value.onnx", |f| copy(f, "model.onnx", "value.onnx"), "does not read `features`"),
    ];
    for (file, change, why) in cases {
        let error = broken(change);
        assert!(error.contains(file) && error.contains(why), "{file}: {error}");
    }
}

#[derive(Deserialize)]
struct Steps {
    cases: Vec<StepCase>,
}

#[derive(Deserialize)]
struct StepCase {
    goal: String,
    ids: Vec<u32>,
    tokens: Vec<u32>,
    /// After the start, and after each token.
    logits: Vec<Vec<f32>>,
}

/// A Llama, a Qwen2 and a T5 as `transformers` builds them and optimum exports them (`fixtures/make_transformers.py`); the
/// Llama with weights and cache of 16-bit floats as well.
#[test]
fn exported_checkpoints_compute_what_pytorch_does() {
    for (name, near) in [("llama", 1e-3), ("qwen2", 1e-3), ("t5", 1e-3), ("llama-half", 0.05)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transformers").join(name);
        let folder = Folder::open(&path).unwrap();
        let text = std::fs::read_to_string(path.join("parity.json")).unwrap();
        let cases = serde_json::from_str::<Steps>(&text).unwrap().cases;
        let prompt = |case: &StepCase| folder.prompt(&Goal::parse(&case.goal).unwrap(), 60).unwrap().ids;
        assert!(cases.iter().all(|case| prompt(case) == case.ids), "{name}");
        let mut writer = open_policy(&runtime::load(&library()).unwrap(), &folder, Running::on_cpu(1)).unwrap();
        // Both in one batch, padded; they change places at every step.
        let mut order = [0, 1];
        let mut logits = writer.begin(&[cases[0].ids.clone(), cases[1].ids.clone()]).unwrap();
        for step in 0..=cases[0].tokens.len() {
            for (row, &case) in order.iter().enumerate() {
                let expected = &cases[case].logits[step];
                let worst = logits.row(row).iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < near, "{name}, case {case}, step {step}: {worst}");
            }
            if step < cases[0].tokens.len() {
                order.reverse();
                let tokens: Vec<u32> = order.iter().map(|&case| cases[case].tokens[step]).collect();
                logits = writer.next(&[1, 0], &tokens).unwrap();
            }
        }
    }
}

#[test]
fn a_folder_may_name_a_format_in_the_place_of_a_prompt() {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transformers/llama");
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let ids = |own: &str| {
        std::fs::write(folder.path().join("qstar.json"), own).unwrap();
        Folder::open(folder.path()).unwrap().prompt(&Goal::parse("h : p\n⊢ p").unwrap(), 60).unwrap().ids
    };
    let (named, written) = (ids(r#"{"format": "bfs-prover"}"#), ids(r#"{"prompt": "{{ state }}:::"}"#));
    assert_eq!(named, written);
    assert_ne!(named, ids(r#"{"prompt": "{{ state }}"}"#));
}
