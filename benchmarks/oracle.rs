//! Checks per second and latency of the oracle, beside the naive ways, as a table with ratios in one run.
//!
//! `cargo bench --bench oracle [-- --steady N]`: with `--steady`, N checks on one worker and its memory on the way.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use qstar::lean::{Batch, Candidate, Hole, Pool, PoolOptions, Verdict};
use qstar::problem::Problem;
use qstar::toolchain::{Toolchain, Wish};
use qstar::verify::verify;

/// Checks of each row of the table.
const CHECKS: usize = 384;
/// Checks of the slowest way.
const PROCESSES: usize = 8;

/// Small checks as a search makes them: a third closes, a third fails, a third leaves goals. All different.
fn candidates(from: usize, count: usize) -> Vec<Candidate> {
    let kinds: [(&str, &str); 6] = [
        ("(a b : Nat) (h : a + b = K) : b + a = K", "omega"),
        ("(p q : Prop) (h : p ∧ q) (k : K = K) : q ∧ p", "constructor"),
        ("(a b : Nat) (h : a < K) : a + b < K", "omega"),
        ("(x y : Int) (h : x = y + K) : x - y = K", "grind"),
        ("(n : Nat) : n + K = K + n", "induction n with\n| zero => ?_\n| succ n ih => ?_"),
        ("(xs : List Nat) : xs.length = K", "simp"),
    ];
    (from..from + count)
        .map(|i| {
            let (signature, tactic) = kinds[i % kinds.len()];
            let statement = format!("example {}", signature.replace('K', &i.to_string()));
            Candidate::new(Arc::new(Hole::whole(&statement)), tactic.to_owned(), 40_000)
        })
        .collect()
}

fn batch(candidates: Vec<Candidate>) -> Batch {
    Batch { header: "".into(), candidates }
}

fn pool(toolchain: &Arc<Toolchain>, workers: usize) -> Pool {
    Pool::new(toolchain.clone(), PoolOptions { workers, ..PoolOptions::default() })
}

fn sound(verdicts: &[Verdict]) -> Result<()> {
    ensure!(verdicts.iter().all(|v| !matches!(v, Verdict::Crashed(_))), "Lean failed: {verdicts:?}");
    ensure!(verdicts.contains(&Verdict::Closed), "no check succeeded");
    Ok(())
}

/// A pool that is warm: processes started, Init imported, and the portable Lean's hot code compiled.
async fn warm(toolchain: &Arc<Toolchain>, workers: usize) -> Pool {
    let pool = pool(toolchain, workers);
    for round in 0..4 {
        let batches = (0..workers).map(|i| pool.check(batch(candidates(1_000_000 + 64 * (round * workers + i), 64))));
        futures::future::join_all(batches).await;
    }
    pool
}

/// Runs `CHECKS` checks, numbered from `first` on, in batches of one size; checks per second and the mean time of a batch.
async fn measure(pool: &Pool, workers: usize, size: usize, first: usize) -> Result<(f64, Duration)> {
    let checks = if size == 1 { CHECKS / 4 } else { CHECKS };
    let start = Instant::now();
    let mut left = (0..checks).step_by(size).collect::<Vec<_>>().into_iter();
    let mut flights = futures::stream::FuturesUnordered::new();
    let mut busy = Duration::ZERO;
    loop {
        while flights.len() < workers
            && let Some(from) = left.next()
        {
            let asked = batch(candidates(first + from, size.min(checks - from)));
            flights.push(async move {
                let start = Instant::now();
                (pool.check(asked).await, start.elapsed())
            });
        }
        let Some((verdicts, time)) = futures::StreamExt::next(&mut flights).await else { break };
        busy += time;
        if size > 5 {
            sound(&verdicts)?;
        }
    }
    Ok((checks as f64 / start.elapsed().as_secs_f64(), busy / (checks.div_ceil(size)) as u32))
}

async fn one_process_per_check(toolchain: &Toolchain) -> Result<f64> {
    let start = Instant::now();
    for i in 0..PROCESSES {
        let problem = Problem::from_statement("", &format!("example (a b : Nat) (h : a + b = {i}) : b + a = {i}"))?;
        verify(toolchain, &problem, "omega", Duration::from_secs(120)).await?;
    }
    Ok(PROCESSES as f64 / start.elapsed().as_secs_f64())
}

/// The same Lean with the server's own report delay (200 ms): what a client gets that does not know the option.
fn untuned(toolchain: &Toolchain, folder: &Path) -> Result<Arc<Toolchain>> {
    let program = folder.join("lean");
    let script = format!(
        "#!/usr/bin/env bash\nargs=()\nfor a in \"$@\"; do [[ $a == -Dserver.reportDelayMs=* ]] || args+=(\"$a\"); done\nexec {} \"${{args[@]}}\"\n",
        toolchain.program().display()
    );
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let found = Toolchain::find(&Wish { lean: Some(program), ..Wish::default() })?.context("the script stands for Lean")?;
    Ok(Arc::new(found))
}

async fn steady(toolchain: &Arc<Toolchain>, checks: usize) -> Result<()> {
    let pool = pool(toolchain, 1);
    println!("| checks | resident MB | checks/s |\n| ---: | ---: | ---: |");
    let start = Instant::now();
    for from in (0..checks).step_by(64) {
        sound(&pool.check(batch(candidates(from, 64))).await)?;
        if (from / 64) % 8 == 0 {
            let mut system = sysinfo::System::new_all();
            system.refresh_all();
            let resident: u64 = pool
                .pids()
                .iter()
                .filter_map(|&p| system.process(sysinfo::Pid::from_u32(p)))
                .map(sysinfo::Process::memory)
                .sum();
            let done = pool.counters().checks.load(Ordering::Relaxed);
            println!("| {done} | {} | {:.0} |", resident >> 20, done as f64 / start.elapsed().as_secs_f64());
        }
    }
    println!("\nworkers lost: {}", pool.counters().lost_workers.load(Ordering::Relaxed));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let toolchain = Arc::new(Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden())?);
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--steady") {
        return steady(&toolchain, args.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or(5000)).await;
    }
    let process = one_process_per_check(&toolchain).await?;
    let folder = tempfile::tempdir()?;
    let pool = warm(&untuned(&toolchain, folder.path())?, 1).await;
    let (naive, latency) = measure(&pool, 1, 1, 0).await?;
    drop(pool);
    println!(
        "| way | workers | checks/s | ms a batch | × one process | × one document | × the same, tuned |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    println!("| one process per check | 1 | {process:.2} | {:.0} | 1.0 | | |", 1000.0 / process);
    println!(
        "| one document per check, Lean's own options | 1 | {naive:.1} | {} | {:.1} | 1.0 | |",
        latency.as_millis(),
        naive / process
    );
    let mut tuned = None;
    for workers in [1, 2] {
        let pool = warm(&toolchain, workers).await;
        for (row, size) in [1, 4, 16, 32, 64, 128].into_iter().enumerate() {
            let (rate, latency) = measure(&pool, workers, size, row * CHECKS).await?;
            let document = *tuned.get_or_insert(rate);
            let way =
                if size == 1 { "one document per check, no report delay".to_owned() } else { format!("batches of {size}") };
            println!(
                "| {way} | {workers} | {rate:.1} | {:.0} | {:.1} | {:.1} | {:.1} |",
                latency.as_millis(),
                rate / process,
                rate / naive,
                rate / document
            );
        }
    }
    Ok(())
}
