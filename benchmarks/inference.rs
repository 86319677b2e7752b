//! Tactics per second of the shipped policy network: batch sizes 1 to 64, with and without a cache of keys and values, 32-bit
//! floats and 8-bit integers, beside Python's onnxruntime on the same model in the same run.
//!
//! `cargo bench --bench inference`; `QSTAR_PYTHON` names a Python with numpy, onnx and onnxruntime, else those columns stay
//! empty. Every way decodes greedily, the same number of tokens; Python's first row must write what ours does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use qstar::lean::Goal;
use qstar::network::decode::Writer;
use qstar::network::folder::Folder;
use qstar::network::{Networks, Options, onnx, runtime};
use qstar::toolchain::cache_home;
use serde_json::Value;

/// Tokens of a tactic: some more than most have.
const TOKENS: usize = 12;
const BATCHES: [usize; 4] = [1, 4, 16, 64];
const THREADS: usize = 2;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default");
    let home = cache_home()?;
    let library = runtime::find(None, &home)?.map_or_else(|| runtime::install(&home, &ProgressBar::hidden()), Ok)?;
    let environment = runtime::load(&library)?;
    let opened = Folder::open(&folder)?;
    let prompts = goals().iter().map(|g| Ok(opened.prompt(g, 272)?.ids)).collect::<Result<Vec<_>>>()?;
    let lengths = prompts.iter().map(Vec::len);
    println!(
        "prompts of {} to {} tokens, {TOKENS} tokens written, {THREADS} threads\n",
        lengths.clone().min().unwrap_or(0),
        lengths.max().unwrap_or(0)
    );

    let work = tempfile::tempdir()?;
    let python = std::env::var("QSTAR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("training/bench_inference.py");
    let small = work.path().join("model.onnx");
    let full = folder.join("model.onnx");
    let made = Command::new(&python).arg(&script).arg("--quantise").arg(&full).arg(&small).output();
    let models: Vec<(&str, PathBuf)> = match made {
        Ok(made) if made.status.success() => vec![("fp32", full), ("int8", small)],
        _ => {
            println!("no int8 and no comparison: `{python}` has no onnxruntime with onnx (QSTAR_PYTHON names another)\n");
            vec![("fp32", full)]
        }
    };
    println!("| weights | MB | batch | tactics/s | without a cache | Python | ours × Python |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, model) in &models {
        let size = std::fs::metadata(model)?.len() as f64 / 1e6;
        let theirs = if models.len() > 1 { python_seconds(&python, &script, model, &prompts)? } else { Vec::new() };
        for (place, batch) in BATCHES.into_iter().enumerate() {
            let rows: Vec<Vec<u32>> = prompts.iter().cycle().take(batch).cloned().collect();
            let mut writer = writer(&environment, &opened, model, work.path())?;
            let (seconds, written) = best(|| cached(writer.as_mut(), &rows))?;
            let (slow, _) = best(|| whole(writer.as_mut(), &rows))?;
            let rate = |s: f64| batch as f64 / s;
            let (python, times) = match theirs.get(place) {
                Some((s, first)) => {
                    ensure!(*first == written, "Python writes {first:?}, we {written:?}");
                    (format!("{:.1}", rate(*s)), format!("{:.2}", s / seconds))
                }
                None => Default::default(),
            };
            println!("| {name} | {size:.1} | {batch} | {:.1} | {:.1} | {python} | {times} |", rate(seconds), rate(slow));
        }
    }
    println!("\n16 tactics of one goal by beam search, as a search asks for them:");
    let networks = Networks::open(&folder, &library, Options { threads: THREADS, ..Options::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for goal in goals() {
        runtime.block_on(networks.tactics(&[&goal]))?;
        let start = Instant::now();
        let found = runtime.block_on(networks.tactics(&[&goal]))?.remove(0);
        let target = goal.target.chars().take(50).collect::<String>();
        println!(
            "{:5.0} ms  {} tactics, first `{}`  ⊢ {target}",
            start.elapsed().as_secs_f64() * 1e3,
            found.len(),
            found.first().map_or("", |f| &f.0)
        );
    }
    Ok(())
}

/// Goals of usual lengths.
fn goals() -> Vec<Goal> {
    let texts = [
        "n : Nat\nh : n > 0\n⊢ n ≠ 0",
        "p q r : Prop\nh1 : p ∧ q → r\nh2 : p\n⊢ q → r",
        "α : Type u_1\nl₁ l₂ : List α\n⊢ (l₁ ++ l₂).reverse = l₂.reverse ++ l₁.reverse",
        "x y : Int\nh : 3 * x + 2 * y = 12\nh' : x - y = -1\n⊢ x = 2 ∧ y = 3",
    ];
    texts.iter().filter_map(|text| Goal::parse(text).ok()).collect()
}

fn writer(
    environment: &ort::environment::Environment,
    folder: &Folder,
    model: &Path,
    work: &Path,
) -> Result<Box<dyn Writer + Send>> {
    if *model == folder.path.join("model.onnx") {
        return onnx::open_policy(environment, folder, onnx::Running::on_cpu(THREADS));
    }
    for file in ["config.json", "generation_config.json", "tokenizer.json", "qstar.json"] {
        std::fs::copy(folder.path.join(file), work.join(file))?;
    }
    onnx::open_policy(environment, &Folder::open(work)?, onnx::Running::on_cpu(THREADS))
}

/// The best of three, and what the first row wrote.
fn best(mut run: impl FnMut() -> Result<Vec<u32>>) -> Result<(f64, Vec<u32>)> {
    run()?;
    let (mut seconds, mut written) = (f64::INFINITY, Vec::new());
    for _ in 0..3 {
        let start = Instant::now();
        written = run()?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    Ok((seconds, written))
}

/// The likeliest token of each row. Eight maxima side by side, as numpy does it, or this loop would be what is measured.
fn likeliest(logits: &ndarray::Array2<f32>) -> Vec<u32> {
    let of = |row: ndarray::ArrayView1<f32>| {
        let row = row.to_slice().unwrap_or_default();
        let mut lanes = [f32::NEG_INFINITY; 8];
        let (eights, rest) = row.as_chunks::<8>();
        for eight in eights {
            lanes.iter_mut().zip(eight).for_each(|(most, p)| *most = if *p > *most { *p } else { *most });
        }
        let most = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter().position(|p| *p == most).unwrap_or(0) as u32
    };
    logits.rows().into_iter().map(of).collect()
}

fn cached(writer: &mut dyn Writer, rows: &[Vec<u32>]) -> Result<Vec<u32>> {
    let same: Vec<usize> = (0..rows.len()).collect();
    let mut tokens = likeliest(&writer.begin(rows)?);
    let mut written = vec![tokens[0]];
    for _ in 1..TOKENS {
        tokens = likeliest(&writer.next(&same, &tokens)?);
        written.push(tokens[0]);
    }
    Ok(written)
}

fn whole(writer: &mut dyn Writer, rows: &[Vec<u32>]) -> Result<Vec<u32>> {
    let mut texts = rows.to_vec();
    let mut written = Vec::new();
    for _ in 0..TOKENS {
        let tokens = likeliest(&writer.begin(&texts)?);
        written.push(tokens[0]);
        texts.iter_mut().zip(tokens).for_each(|(text, token)| text.push(token));
    }
    Ok(written)
}

/// Seconds for each batch size, and what the first row wrote.
fn python_seconds(python: &str, script: &Path, model: &Path, prompts: &[Vec<u32>]) -> Result<Vec<(f64, Vec<u32>)>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_string(prompts)?)?;
    let mut command = Command::new(python);
    command.arg(script).arg(model).args([TOKENS.to_string(), THREADS.to_string()]).arg(file.path());
    let output = command.args(BATCHES.map(|b| b.to_string())).output().context("Python does not run")?;
    ensure!(output.status.success(), "Python fails: {}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| -> Result<(f64, Vec<u32>)> {
        let row: Value = serde_json::from_str(line)?;
        Ok((row["seconds"].as_f64().context("seconds")?, serde_json::from_value(row["first"].clone())?))
    };
    String::from_utf8_lossy(&output.stdout).lines().map(line).collect()
}
