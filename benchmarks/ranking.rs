//! The time to rank 400 candidates of a goal, features and network together, on one thread: goals that are new with
//! candidates that are new, and the same again, when their encodings are known.
//!
//! `cargo bench --bench ranking`; `QSTAR_NETWORKS` names a folder with a ranker, by default the networks that ship.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::ProgressBar;
use qstar::lean::Goal;
use qstar::network::runtime;
use qstar::policy::ranker::Ranker;
use qstar::policy::ranker::statements::Statements;
use qstar::toolchain::cache_home;

const CANDIDATES: usize = 400;
const GOALS: usize = 40;

fn main() -> Result<()> {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/default");
    let folder = std::env::var_os("QSTAR_NETWORKS").map_or(shipped, PathBuf::from);
    ensure!(Ranker::is_in(&folder), "{} has no ranker; QSTAR_NETWORKS names another folder", folder.display());
    let home = cache_home()?;
    let library = runtime::find(None, &home)?.map_or_else(|| runtime::install(&home, &ProgressBar::hidden()), Ok)?;
    let ranker = Ranker::open(&folder, &library, 1)?;
    let statements: Statements =
        (0..CANDIDATES).map(|n| (format!("List.lemma_{n}"), ["Eq", "List", "List.length", "HAdd.hAdd"])).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rounds: Vec<(&str, Vec<Duration>)> = Vec::new();
    // The first pass is thrown away: memory is touched for the first time.
    for (name, new) in [("warm", true), ("goals and candidates new", true), ("candidates known", false)] {
        let mut times = Vec::new();
        for n in 0..GOALS {
            let goal = goal(n);
            let salt = if new { format!("{name}{n}") } else { String::new() };
            let tactics: Vec<String> = (0..CANDIDATES).map(|c| tactic(c, &salt)).collect();
            let tactics: Vec<&str> = tactics.iter().map(String::as_str).collect();
            let start = Instant::now();
            let found = runtime.block_on(ranker.foretell(&goal, &tactics, &statements))?;
            times.push(start.elapsed());
            ensure!(found.len() == CANDIDATES, "{} of {CANDIDATES} candidates are ranked", found.len());
        }
        rounds.push((name, times));
    }
    println!("| {CANDIDATES} candidates of a goal | median ms | slowest of {GOALS} |\n| --- | ---: | ---: |");
    for (name, mut times) in rounds.into_iter().skip(1) {
        times.sort_unstable();
        let ms = |t: Duration| t.as_secs_f64() * 1e3;
        println!("| {name} | {:.2} | {:.2} |", ms(times[GOALS / 2]), ms(times[GOALS - 1]));
    }
    Ok(())
}

/// Goals as long as those of a search are.
fn goal(n: usize) -> Goal {
    let text = format!(
        "α : Type u_1\nn m k : Nat\nxs ys : List α\nf : α → Nat\nh₀ : n + {n} ≤ xs.length\nh₁ : ∀ x ∈ xs, f x < m + {n}\n\
         ih : (xs ++ ys).length = ys.length + k\n⊢ ((xs ++ ys).map f).length + {n} = ys.length + xs.length + {n}"
    );
    Goal::parse(&text).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Moves as they are proposed; with a salt of their own, none is known from before.
fn tactic(n: usize, salt: &str) -> String {
    match n % 8 {
        0 => format!("simp [List.lemma_{n}, h₀] -- {salt}"),
        1 => format!("rw [List.lemma_{n}] at ih ⊢ -- {salt}"),
        2 => format!("exact List.lemma_{n} xs ys -- {salt}"),
        3 => format!("have := h₁ k {n}; omega -- {salt}"),
        4 => format!("induction xs generalizing n with | nil => simp | cons x xs ih => simp_all [List.lemma_{n}] -- {salt}"),
        5 => format!("refine ⟨n + {n}, ?_, ?_⟩ -- {salt}"),
        6 => format!("grind [List.lemma_{n}, List.lemma_{}] -- {salt}", n / 2),
        _ => format!("by_cases h : n = {n} <;> simp_all -- {salt}"),
    }
}
