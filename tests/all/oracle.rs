//! The oracle against the real Lean, and against servers that fail on purpose.

use crate::common;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::candidate;
use qstar::lean::{Batch, Candidate, Limits, Pool, PoolOptions, Verdict};
use qstar::toolchain::{Source, Toolchain, Wish};

fn batch(candidates: Vec<Candidate>) -> Batch {
    Batch { header: "".into(), candidates }
}

fn additions(count: usize) -> Vec<Candidate> {
    (0..count).map(|i| candidate(&format!("example : {i} + 1 = {}", if i % 3 == 0 { i + 2 } else { i + 1 }), "rfl")).collect()
}

fn assert_additions(verdicts: &[Verdict]) {
    for (i, verdict) in verdicts.iter().enumerate() {
        assert_eq!(*verdict == Verdict::Closed, i % 3 != 0, "{i}: {verdict:?}");
    }
}

#[tokio::test]
async fn verdicts_are_those_of_lean() {
    let pool = Pool::new(common::toolchain(), PoolOptions::default());
    let and = "example (p q : Prop) (h : p ∧ q) : q ∧ p";
    let endless = "example (f : Nat → Nat) (h : ∀ x, f x = f (x + 1)) : f 0 = f 100000";
    let verdicts = pool
        .check(batch(vec![
            candidate(and, "exact ⟨h.2, h.1⟩"),
            candidate(and, "constructor"),
            candidate(and, "exact h"),
            candidate(and, "exact"),
            candidate(and, "have : q := by skip\nexact ⟨this, h.1⟩"),
            candidate(and, "sorry"),
            // Lean's bound on recursion must come before the end of a thread's stack.
            candidate(endless, "repeat rw [h]"),
            candidate("example : 10000000000 - 1 = 9999999999", "rfl"),
            candidate(and, "exact ⟨h.2, h.1⟩"),
        ]))
        .await;
    assert_eq!(verdicts[0], Verdict::Closed);
    let Verdict::Goals(goals) = &verdicts[1] else { panic!("{:?}", verdicts[1]) };
    assert_eq!(goals.iter().map(|g| g.target.as_str()).collect::<Vec<_>>(), ["q", "p"]);
    assert!(matches!(&verdicts[2], Verdict::Failed(m) if m.contains("mismatch")), "{:?}", verdicts[2]);
    assert!(matches!(&verdicts[3], Verdict::Failed(_)), "{:?}", verdicts[3]);
    assert!(matches!(&verdicts[4], Verdict::Failed(m) if m.contains("unsolved goals")), "{:?}", verdicts[4]);
    assert!(matches!(&verdicts[5], Verdict::Refused(_)));
    assert!(matches!(&verdicts[6], Verdict::TimedOut | Verdict::Failed(_)), "{:?}", verdicts[6]);
    assert_eq!(verdicts[7..], [Verdict::Closed, Verdict::Closed]);
    let before = pool.counters().checks.load(Ordering::Relaxed);
    assert_eq!(pool.check(batch(vec![candidate(and, "exact ⟨h.2, h.1⟩")])).await, [Verdict::Closed]);
    assert_eq!(pool.counters().checks.load(Ordering::Relaxed), before, "what was checked is not checked again");
}

/// Of several ways Lean tells the one that worked or ran out, and what a tactic says for itself is not taken for that.
#[tokio::test]
async fn the_way_that_worked_is_told() {
    let pool = Pool::new(common::toolchain(), PoolOptions::default());
    let and = "example (p q : Prop) (h : p ∧ q) : q ∧ p";
    let ask = |tactic: &str| Candidate { tells_way: true, ..candidate(and, tactic) };
    let verdicts = pool
        .check(batch(vec![
            ask("first | rfl | exact ⟨h.1, h.2⟩ | exact ⟨h.2, h.1⟩ | simp_all"),
            ask("first | rfl | (rcases h with ⟨a | b, c⟩; exact ⟨c, a⟩) | constructor"),
            ask("first | rfl | omega"),
            ask("first | rcases h with ⟨a, b⟩ | rfl"),
            ask("first | rfl | (trace \"way 7\"; exact ⟨h.2, h.1⟩)"),
            ask("exact ⟨h.2, h.1⟩"),
            candidate(and, "first | rfl | exact ⟨h.2, h.1⟩"),
        ]))
        .await;
    assert_eq!(verdicts[0], Verdict::Way { way: 2, verdict: Box::new(Verdict::Closed) });
    let (way, Verdict::Goals(goals)) = verdicts[1].clone().apart() else { panic!("{:?}", verdicts[1]) };
    assert_eq!((way, goals.len()), (Some(2), 2), "{goals:?}");
    assert!(matches!(&verdicts[2], Verdict::Failed(_)), "{:?}", verdicts[2]);
    // The bar is the pattern's: the text alone does not tell the ways.
    assert!(matches!(&verdicts[3], Verdict::Failed(m) if m.contains("rcases")), "{:?}", verdicts[3]);
    // What speaks for itself is not asked, what was not asked does not tell.
    assert_eq!(verdicts[4..], [Verdict::Closed, Verdict::Closed, Verdict::Closed]);
    let statement = "example : ∀ a b : Fin 12, a + b = b + a";
    let ran_out = Candidate { tells_way: true, heartbeats: 400, ..candidate(statement, "first | rfl | decide | omega") };
    let verdicts = pool.check(batch(vec![ran_out])).await;
    assert_eq!(verdicts, [Verdict::Way { way: 1, verdict: Box::new(Verdict::TimedOut) }]);
}

#[tokio::test]
async fn a_question_closes_nothing() {
    let pool = Pool::new(common::toolchain(), PoolOptions::default());
    // `apply?` lets the goal go and suggests `refine … ?_`; Lean reports no error.
    let open = "example (p q : Prop) (h : p → q) : q";
    let verdicts = pool.check(batch(vec![candidate(open, "apply?"), candidate("example : 1 = 1", "rfl")])).await;
    assert!(matches!(&verdicts[0], Verdict::Failed(m) if m.contains("Try this")), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::Closed);
}

/// A named theorem that fails is admitted and `exact?` would find it: candidates must be anonymous.
#[tokio::test]
async fn a_failed_candidate_proves_nothing_further_down() {
    let pool = Pool::new(common::toolchain(), PoolOptions::default());
    let open = "example (f : Nat → Nat) (h : ∀ n, f (f n) = n + 3) : f 12 = f 7 + 5";
    let verdicts = pool.check(batch(vec![candidate(open, "omega"), candidate(open, "rfl"), candidate(open, "exact?")])).await;
    assert!(verdicts.iter().all(|v| *v != Verdict::Closed), "{verdicts:?}");
}

#[tokio::test]
async fn a_killed_worker_costs_nothing() {
    let pool = Arc::new(Pool::new(common::toolchain(), PoolOptions::default()));
    assert_additions(&pool.check(batch(additions(3))).await);
    let killer = tokio::spawn({
        let pool = pool.clone();
        async move {
            for wait in [60, 200] {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                for pid in pool.pids() {
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL);
                }
            }
        }
    });
    let verdicts = pool.check(batch(additions(300))).await;
    killer.await.unwrap();
    assert_additions(&verdicts);
    assert!(pool.counters().lost_workers.load(Ordering::Relaxed) >= 1);
}

/// `omega` computes the power, and nothing stops it.
#[tokio::test]
async fn what_runs_away_costs_a_worker_and_no_verdict() {
    let pool = Pool::new(common::toolchain(), PoolOptions::default());
    let runaway = || candidate("example : (7 ^ 888888) % 11 = 9", "omega");
    let mut all = additions(6);
    all.insert(1, runaway());
    all.insert(4, runaway());
    let mut verdicts = pool.check(batch(all)).await;
    assert_eq!(verdicts.remove(4), Verdict::Hung);
    assert_eq!(verdicts.remove(1), Verdict::Hung);
    assert_additions(&verdicts);
    assert_eq!(pool.counters().lost_workers.load(Ordering::Relaxed), 1, "twins are asked once");
}

#[tokio::test]
async fn a_process_in_waiting_does_what_a_new_one_does() {
    let toolchain = common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("A.lean");
    std::fs::write(&file, "example : 1 + 1 = 3 := rfl\n").unwrap();
    let mut said = Vec::new();
    toolchain.prepare();
    for prepared in [true, false] {
        let child = toolchain.start(toolchain.check_command(&file, None)).await.unwrap();
        if cfg!(target_os = "linux") && toolchain.source == Source::Portable {
            // For a moment, while a program takes another one's place, a process has no arguments.
            let words = loop {
                let words = std::fs::read_to_string(format!("/proc/{}/cmdline", child.id().unwrap())).unwrap();
                if ["--qstar-await", "--json"].iter().any(|word| words.contains(word)) {
                    break words;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            assert_eq!(words.contains("--qstar-await"), prepared, "{words}");
        }
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        said.push(String::from_utf8(output.stdout).unwrap());
    }
    assert!(said[0].contains("\"severity\":\"error\"") && said[0] == said[1], "{said:?}");
}

#[tokio::test]
async fn a_worker_at_its_memory_limit_is_ended() {
    let limits = Limits { memory: 64 << 20, ..Limits::default() };
    let pool = Pool::new(common::toolchain(), PoolOptions { limits, ..PoolOptions::default() });
    let verdicts = pool.check(batch(additions(1))).await;
    assert!(matches!(&verdicts[0], Verdict::Crashed(m) if m.contains("memory")), "{verdicts:?}");
}

/// A Lean that misbehaves at its first start as `fault` says, and is the real one afterwards.
fn faulty(folder: &Path, fault: &str) -> Arc<Toolchain> {
    let real = real_program();
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'Lean (version 4.28.0-pre, wasm32-unknown-emscripten)'; exit; fi\n\
         if mkdir {0}/seen 2>/dev/null; then {fault}; fi\nexec {1} \"$@\"\n",
        folder.display(),
        real.display()
    );
    let program = folder.join("lean");
    std::fs::write(&program, script).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Arc::new(Toolchain::find(&Wish { lean: Some(program), ..Wish::default() }).unwrap().unwrap())
}

fn real_program() -> PathBuf {
    common::toolchain().program().to_owned()
}

#[tokio::test]
async fn faults_of_the_server_lose_nothing() {
    for (name, fault) in [
        ("a hang", "sleep 1000"),
        ("garbage", "echo hello; echo world; sleep 1000"),
        ("a truncated message", "printf 'Content-Length: 100\\r\\n\\r\\n{\"a\"'; exit 0"),
        ("an end at once", "exit 3"),
        ("a message that is too big", "printf 'Content-Length: 99999999999\\r\\n\\r\\n'; sleep 1000"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let toolchain = faulty(folder.path(), fault);
        let limits = Limits { start: Duration::from_secs(20), ..Limits::default() };
        let pool = Pool::new(toolchain, PoolOptions { limits, ..PoolOptions::default() });
        let verdicts = pool.check(batch(additions(20))).await;
        assert_additions(&verdicts);
        assert!(pool.counters().lost_workers.load(Ordering::Relaxed) >= 1, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_never_works_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let toolchain = faulty(folder.path(), "true");
    std::fs::create_dir_all(folder.path().join("seen")).unwrap();
    let program = folder.path().join("lean");
    std::fs::write(&program, "#!/bin/sh\necho 'library not found' >&2\nexit 3\n").unwrap();
    let pool = Pool::new(toolchain, PoolOptions::default());
    let verdicts = pool.check(batch(additions(2))).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Crashed(_))), "{verdicts:?}");
}
