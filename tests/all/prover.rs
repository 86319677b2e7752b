//! Whole searches against the real Lean, with workers killed on the way.

use crate::common;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use qstar::lean::{Pool, PoolOptions};
use qstar::policy::Moves;
use qstar::problem::Problem;
use qstar::prover::{Guide, prove};
use qstar::search::Budget;
use qstar::toolchain::Toolchain;
use qstar::value::Heuristic;

const PROVABLE: [&str; 7] =
    ["n + 0 = n", "n < n + 2", "2 * n = n + n", "n % 2 < 2", "n ≤ n * n", "n - n = 0", "∃ m, m = n + 1"];

/// Twenty theorems: of each ten, the first seven are provable, and the last three are false, so that they stay open.
fn problems() -> Vec<Problem> {
    let open = ["n = n + 1", "n * n = 4", "∃ m, m < n"];
    let all: Vec<&str> = PROVABLE.into_iter().chain(open).collect();
    (0..20).map(|i| Problem::from_statement("", &format!("theorem t{i} (n : Nat) : {}", all[i % 10])).unwrap()).collect()
}

/// What is proved while workers are killed, and how many were lost.
async fn proved(toolchain: &Arc<Toolchain>) -> (BTreeSet<String>, u64) {
    let pool = Arc::new(Pool::new(toolchain.clone(), PoolOptions::default()));
    let done = Arc::new(AtomicBool::new(false));
    let killing = tokio::spawn({
        let (pool, done) = (pool.clone(), done.clone());
        async move {
            // Moments that look random but are the same in every run.
            let mut wait = 6000u64;
            while !done.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                wait = 7000 + (wait * 7919) % 9000;
                for pid in pool.pids() {
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL);
                }
            }
        }
    });
    let budget = Budget { checks: 45, time: Duration::from_secs(300), ..Budget::default() };
    let mut names = BTreeSet::new();
    for problem in problems() {
        let policy = Moves::for_header(&problem.header);
        let guide = Guide { budget, ..Guide::new(&policy, &Heuristic) };
        if prove(toolchain, &pool, &problem, &guide, |_| {}).await.unwrap().proved {
            names.insert(problem.name.clone());
        }
    }
    done.store(true, Ordering::Relaxed);
    killing.abort();
    let lost = pool.counters().lost_workers.load(Ordering::Relaxed);
    (names, lost)
}

#[tokio::test]
async fn killed_workers_do_not_change_what_is_proved() {
    let toolchain = common::toolchain();
    let (found, lost) = proved(&toolchain).await;
    let provable: BTreeSet<String> = (0..20).filter(|i| i % 10 < PROVABLE.len()).map(|i| format!("t{i}")).collect();
    assert_eq!(found, provable);
    assert!(lost >= 2, "{lost} workers were killed");
}
