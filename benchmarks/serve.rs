//! `qstar serve` under load: snippets per second and latency over HTTP, beside a process for each snippet and beside one
//! document for each with Lean's own options, with ratios in one run.
//!
//! `cargo bench --bench serve [-- --steady N]`: with `--steady`, N snippets and the workers' memory on the way.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use qstar::bench::config::Setting;
use qstar::lean::{Pool, PoolOptions, Snippet};
use qstar::policy::choice::{Policies, PolicyKind};
use qstar::problem::Problem;
use qstar::search::StrategyKind;
use qstar::serve::snippet::Text;
use qstar::serve::{Access, Desk, Limits, Outfit, Roots, listen, run_http};
use qstar::toolchain::processes::Tree;
use qstar::toolchain::{Toolchain, Wish};
use qstar::value::ValueKind;
use qstar::verify::Originals;
use qstar::verify::verify;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Snippets of each row.
const SNIPPETS: usize = 192;
/// Snippets of the slowest way.
const PROCESSES: usize = 6;
const WORKERS: usize = 2;

/// A snippet as a training loop sends it; no two are alike.
fn code(number: usize) -> String {
    match number % 4 {
        0 => format!("theorem t (a b : Nat) (h : a + b = {number}) : b + a = {number} := by omega"),
        1 => format!("theorem t (p q : Prop) (h : p ∧ q) : q ∧ p ∧ {number} = {number} := ⟨h.2, h.1, rfl⟩"),
        2 => format!("theorem t (xs : List Nat) : (xs ++ []).length + {number} = xs.length + {number} := by simp"),
        _ => format!("theorem t (n : Nat) : n = {number} := by omega"),
    }
}

/// One snippet over one connection that stays open.
async fn ask(stream: &mut TcpStream, code: &str) -> Result<()> {
    let body = serde_json::json!({"snippets": [{"id": "a", "code": code}], "timeout": 60}).to_string();
    let head = format!(
        "POST /api/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await?;
        ensure!(read > 0, "the server hung up");
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.context("an answer without length")? {
            ensure!(head.starts_with("HTTP/1.1 200") && body.contains("\"response\""), "{text}");
            return Ok(());
        }
    }
}

struct Row {
    rate: f64,
    latencies: Vec<Duration>,
}

impl Row {
    fn percentile(&self, share: f64) -> u128 {
        self.latencies[((self.latencies.len() - 1) as f64 * share) as usize].as_millis()
    }
}

/// So many clients, each with its own connection, share the snippets from a number on.
async fn load(address: std::net::SocketAddr, clients: usize, first: usize, count: usize) -> Result<Row> {
    let start = Instant::now();
    let mut flights = Vec::new();
    for client in 0..clients {
        flights.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            let mut times = Vec::new();
            for number in (client..count).step_by(clients) {
                let since = Instant::now();
                ask(&mut stream, &code(first + number)).await?;
                times.push(since.elapsed());
            }
            anyhow::Ok(times)
        }));
    }
    let mut latencies = Vec::new();
    for flight in flights {
        latencies.extend(flight.await??);
    }
    latencies.sort();
    Ok(Row { rate: count as f64 / start.elapsed().as_secs_f64(), latencies })
}

async fn one_process_per_snippet(toolchain: &Toolchain) -> Result<f64> {
    let start = Instant::now();
    for i in 0..PROCESSES {
        let problem = Problem::from_statement("", &format!("example (a b : Nat) (h : a + b = {i}) : b + a = {i}"))?;
        verify(toolchain, &problem, "omega", Duration::from_secs(120)).await?;
    }
    Ok(PROCESSES as f64 / start.elapsed().as_secs_f64())
}

/// One document for each, with Lean's own delay of reports: what a client of the language server gets that knows no better.
async fn one_document_per_snippet(toolchain: &Toolchain, folder: &Path) -> Result<f64> {
    let program = folder.join("lean");
    let script = format!(
        "#!/usr/bin/env bash\nargs=()\nfor a in \"$@\"; do [[ $a == -Dserver.reportDelayMs=* ]] || args+=(\"$a\"); done\nexec {} \"${{args[@]}}\"\n",
        toolchain.program().display()
    );
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let wish = Wish { lean: Some(program), ..Wish::default() };
    let found = Toolchain::find(&wish)?.context("the script stands for Lean")?;
    let pool = Pool::new(Arc::new(found), PoolOptions::default());
    let read = async |number: usize| {
        let text = Text::new(&code(number));
        let time = Duration::from_secs(60);
        let snippet = Snippet { imports: text.imports, text: text.document.into(), time, places: Vec::new() };
        pool.read(snippet).await.map_err(anyhow::Error::msg)
    };
    for number in 0..16 {
        read(2_000_000 + number).await?;
    }
    let start = Instant::now();
    for number in 0..SNIPPETS / 4 {
        read(number).await?;
    }
    Ok((SNIPPETS / 4) as f64 / start.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<()> {
    let toolchain = Arc::new(Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden())?);
    let args: Vec<String> = std::env::args().collect();
    let steady =
        args.iter().position(|a| a == "--steady").map(|at| args.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or(5000));
    let mut ways = Vec::new();
    if steady.is_none() {
        let process = one_process_per_snippet(&toolchain).await?;
        let folder = tempfile::tempdir()?;
        ways = vec![process, one_document_per_snippet(&toolchain, folder.path()).await?];
    }
    let access = Access::default();
    let desk = Arc::new(Desk::new(Limits::default(), Roots::default(), CancellationToken::new()));
    let place = listen("127.0.0.1:0", &access).await?;
    let address = place.1;
    let pool = Pool::new(toolchain.clone(), PoolOptions { workers: WORKERS, ..PoolOptions::default() });
    let watched = pool.client("bench");
    let setting = Setting {
        policy: PolicyKind::Portfolio,
        value: ValueKind::Heuristic,
        networks: None,
        model: None,
        strategy: StrategyKind::BestFirst,
        without: Vec::new(),
        with: Vec::new(),
        time: 60.0,
        checks: 1000,
    };
    let policies = Policies::new(toolchain.clone());
    let outfit = Outfit { toolchain, pool, policies, setting, workers: WORKERS, originals: Originals::default() };
    let serving = tokio::spawn(run_http(desk.clone(), access, place, async { Ok(outfit) }));
    if let Some(count) = steady {
        println!("| snippets | memory of the workers MB | snippets/s |\n| ---: | ---: | ---: |");
        let start = Instant::now();
        for first in (0..count).step_by(500) {
            load(address, 8, first, 500).await?;
            let memory: u64 = watched.pids().into_iter().map(|pid| Tree::new(pid).private()).sum();
            println!("| {} | {} | {:.1} |", first + 500, memory >> 20, (first + 500) as f64 / start.elapsed().as_secs_f64());
        }
    } else {
        println!("| way | clients | snippets/s | p50 ms | p95 ms | p99 ms | × one process | × one document |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        println!("| one process for each | 1 | {:.2} | | | | 1.0 | |", ways[0]);
        println!("| one document for each, Lean's own options | 1 | {:.1} | | | | {:.1} | 1.0 |", ways[1], ways[1] / ways[0]);
        for (row, (state, clients)) in [("cold", 8), ("warm", 1), ("warm", 8), ("warm", 32)].into_iter().enumerate() {
            let made = load(address, clients, 10_000 * row, SNIPPETS).await?;
            let (p50, p95, p99) = (made.percentile(0.5), made.percentile(0.95), made.percentile(0.99));
            println!(
                "| qstar serve, {WORKERS} workers, {state} | {clients} | {:.1} | {p50} | {p95} | {p99} | {:.1} | {:.1} |",
                made.rate,
                made.rate / ways[0],
                made.rate / ways[1]
            );
        }
        // All of the last row again: what was judged is remembered.
        let again = load(address, 32, 30_000, SNIPPETS).await?;
        println!(
            "| the same snippets again | 32 | {:.0} | {} | {} | {} | | |",
            again.rate,
            again.percentile(0.5),
            again.percentile(0.95),
            again.percentile(0.99)
        );
    }
    desk.stop.cancel();
    serving.await??;
    Ok(())
}
