//! Searches with the real Lean: every strategy proves, and the same input gives the same graph.

use crate::common;
use std::process::Command;

/// Runs a search with a trace; the trace without what hangs on the clock, and whether it proved.
fn trace(strategy: &str, statement: &str) -> (String, bool) {
    trace_with(&["--strategy", strategy, "--checks", "30"], statement)
}

fn trace_with(options: &[&str], statement: &str) -> (String, bool) {
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    command.args(["prove", "--statement", statement, "--workers", "1"]).args(options);
    let output = command.args(["--time", "300", "--trace"]).arg(&path).output().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().filter(|l| !l.starts_with(r#"{"event":"clock""#)).collect();
    (kept.join("\n"), output.status.success())
}

#[test]
fn the_same_input_gives_the_same_graph() {
    let open = "theorem t (f : Nat → Nat) (p : Prop) (h : ∀ n, f (n + 1) = f n + 2 ∨ p) : f 3 = f 0 + 7 ∧ (p → False) := by";
    let mut seen = Vec::new();
    for strategy in ["best-first", "mcts", "rmax"] {
        let (first, proved) = trace(strategy, open);
        assert!(!proved && first.lines().count() > 30, "{strategy}: {first}");
        let again = trace(strategy, open).0;
        // What differs is told alone: a trace is long.
        let other = first.lines().zip(again.lines()).find(|(one, two)| one != two);
        assert!(first == again, "{strategy}: {other:#?}");
        seen.push(first);
    }
    assert_ne!(seen[0], seen[1], "strategies select in ways of their own");
}

#[test]
fn every_strategy_proves() {
    let statement =
        "theorem t (p q r : Prop) (h : p ∧ (q ∨ r)) (n : Nat) (k : n % 4 = 3) : ((p ∧ q) ∨ (p ∧ r)) ∧ n % 2 = 1 := by";
    for strategy in ["mcts", "rmax"] {
        assert!(trace(strategy, statement).1, "{strategy}");
    }
}

/// Steps are single tactics, whatever shared their check; and where nothing is shared, every check is a single tactic.
#[test]
fn tactics_that_share_a_check_are_told_apart() {
    use qstar::search::{Event, VerdictKind};
    let statement = "theorem t (p q : Prop) (a b : Nat) (h : p ∧ q) (k : a < b) : q ∧ a + 1 ≤ b := by";
    for (options, shared) in [(&["--checks", "12"][..], true), (&["--checks", "12", "--without", "share"][..], false)] {
        let (text, _) = trace_with(options, statement);
        let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let tried = events.iter().filter_map(|event| match event {
            Event::Tried { tactic, one_of, verdict, .. } => Some((tactic.as_str(), one_of.as_deref(), *verdict)),
            _ => None,
        });
        let tried: Vec<_> = tried.collect();
        let several = |tactic: &str| tactic.starts_with("first | ");
        assert_eq!(tried.iter().any(|(tactic, of, _)| several(of.unwrap_or(tactic))), shared, "{tried:?}");
        let closed: Vec<_> = tried.iter().filter(|(_, _, verdict)| *verdict == VerdictKind::Closed).collect();
        assert!(!closed.is_empty() && closed.iter().all(|(tactic, ..)| !several(tactic)), "{tried:?}");
        assert_eq!(closed.iter().any(|(_, of, _)| of.is_some()), shared, "{tried:?}");
    }
}
