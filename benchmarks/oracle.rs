//! Checks per second and latency of the oracle, beside the naive ways, as a table with ratios in one run.
//!
//! `cargo bench --bench oracle [-- --steady N]`: with `--steady`, N checks on one worker and its memory on the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
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
            Candidate { hole: Arc::new(Hole::whole(&statement)), tactic: tactic.to_owned(), heartbeats: 40_000 }
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

/// Runs `CHECKS` checks in batches of one size; checks per second and the mean time of a batch.
async fn measure(toolchain: &Arc<Toolchain>, workers: usize, size: usize) -> Result<(f64, Duration)> {
    let pool = pool(toolchain, workers);
    // Starts the workers, imports included.
    let warm = (0..workers * 2).map(|i| pool.check(batch(candidates(1_000_000 + 6 * i, 6))));
    futures::future::join_all(warm).await;
    let checks = if size == 1 { CHECKS / 4 } else { CHECKS };
    let start = Instant::now();
    let mut left = (0..checks).step_by(size).collect::<Vec<_>>().into_iter();
    let mut flights = futures::stream::FuturesUnordered::new();
    let mut busy = Duration::ZERO;
    loop {
        while flights.len() < workers
            && let Some(from) = left.next()
        {
            let asked = batch(candidates(from, size.min(checks - from)));
            let pool = &pool;
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
    let mut single = None;
    println!(
        "| way | workers | checks/s | ms a batch | × one process | × one document |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    println!("| one process per check | 1 | {process:.2} | {:.0} | 1.0 | |", 1000.0 / process);
    for workers in [1, 2] {
        for size in [1, 4, 16, 32, 64, 128] {
            let (rate, latency) = measure(&toolchain, workers, size).await?;
            let document = *single.get_or_insert(rate);
            let way = if size == 1 { "one document per check".to_owned() } else { format!("batches of {size}") };
            println!(
                "| {way} | {workers} | {rate:.1} | {:.0} | {:.1} | {:.1} |",
                latency.as_millis(),
                rate / process,
                rate / document
            );
        }
    }
    Ok(())
}
