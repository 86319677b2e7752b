//! Certificates checked again per second: one process for each, and many in one process, in one run:
//! `cargo bench --bench verify`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::ProgressBar;
use qstar::problem::Problem;
use qstar::toolchain::{Toolchain, Wish};
use qstar::verify::{bulk, recheck, verify};
use tokio_util::sync::CancellationToken;

/// Certificates in all, and how many of them are also checked one by one.
const ALL: usize = 120;
const ALONE: usize = 8;
const TIME: Duration = Duration::from_secs(300);

fn problem(i: usize) -> Result<(Problem, &'static str)> {
    let kinds: [(&str, &str); 4] = [
        ("(a b : Nat) (h : a + b = K) : b + a = K", "omega"),
        ("(x y : Int) (h : x = y + K) : x - y = K", "grind"),
        ("(p q : Prop) (h : p ∧ q) (_ : K = K) : q ∧ p", "exact ⟨h.2, h.1⟩"),
        ("(n : Nat) : n + K = K + n", "induction n with\n| zero => simp\n| succ n ih => omega"),
    ];
    let (signature, proof) = kinds[i % kinds.len()];
    let statement = format!("theorem t{i} {}", signature.replace('K', &i.to_string()));
    Ok((Problem::from_statement("", &statement)?, proof))
}

#[tokio::main]
async fn main() -> Result<()> {
    let toolchain = Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden())?;
    let folder = tempfile::tempdir()?;
    let (first, proof) = problem(0)?;
    let model = serde_json::to_value(verify(&toolchain, &first, proof, TIME).await?)?;
    let mut files = Vec::new();
    for i in 0..ALL {
        let (problem, proof) = problem(i)?;
        let mut certificate = model.clone();
        certificate["name"] = problem.name.clone().into();
        certificate["statement"] = problem.statement.text.clone().into();
        certificate["statement_sha256"] = qstar::verify::statement_hash("", &problem.statement.text).into();
        certificate["proof"] = proof.into();
        let path = folder.path().join(format!("{i:03}.json"));
        std::fs::write(&path, certificate.to_string())?;
        files.push(path);
    }
    let never = CancellationToken::new();
    let start = Instant::now();
    for file in &files[..ALONE] {
        recheck(&toolchain, file, TIME).await??;
    }
    let alone = ALONE as f64 / start.elapsed().as_secs_f64();
    println!("| way | certificates | per second | ratio |\n| --- | ---: | ---: | ---: |");
    println!("| a process for each | {ALONE} | {alone:.2} | 1.0 |");
    for workers in [1, 2] {
        let start = Instant::now();
        let checked = bulk::check(&toolchain, &files, workers, TIME, &never, |_| ()).await;
        let rate = ALL as f64 / start.elapsed().as_secs_f64();
        ensure!(checked.iter().all(|c| c.proved), "not all were proved again");
        println!("| in bulk, {workers} at a time | {ALL} | {rate:.2} | {:.1} |", rate / alone);
    }
    Ok(())
}
