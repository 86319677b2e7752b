//! Steps that prove facts beside what is known, and how such a step is elaborated again for what is tried behind it.

use crate::lean::Goal;
use crate::lean::ways::ways;

/// How a fact is stated that a search of its own proves: `have NAME : STATEMENT := by first | WAYS`.
const PROOF: &str = " := by first | ";

/// Whether a step proves facts, as many as it can, and does nothing else.
pub fn adds_facts(tactic: &str) -> bool {
    let begins = |line: &str| ["try have ", "try first | (have "].iter().any(|begin| line.starts_with(begin));
    tactic.lines().all(|line| line.starts_with("rename_i ") || begins(line)) && tactic.lines().any(begins)
}

/// Whether such a step proves the same facts wherever it is tried: they are stated with all that they speak of.
pub fn are_closed(tactic: &str) -> bool {
    adds_facts(tactic) && tactic.contains(PROOF)
}

/// What stands for such a step where goals behind it are tried: Lean has proved its facts, so those that the goal has are stated and
/// their proofs are left out. None: the step is cheap as it is.
///
/// Of several statements under one name the first stays whose instances hold. Where that was not the one that was proved, a
/// tactic may seem to work that does not; the whole proof is verified with the step itself.
pub fn stand_in(tactic: &str, goal: &Goal) -> Option<String> {
    if !are_closed(tactic) {
        return None;
    }
    let kept = |line: &str| match line.strip_prefix("try ").and_then(ways) {
        Some(all) => {
            let known = all.iter().any(|way| fact(way).is_some_and(|name| goal.names().any(|n| n == name)));
            let stated: Vec<String> = all.iter().map(|way| without_proof(way)).collect();
            known.then(|| format!("try first | {}", stated.join(" | ")))
        }
        None => Some(line.to_owned()),
    };
    let lines: Vec<String> = tactic.lines().filter_map(kept).collect();
    Some(if lines.is_empty() { "skip".to_owned() } else { lines.join("\n") })
}

/// The name of the fact that a way proves.
pub fn fact(way: &str) -> Option<&str> {
    way.strip_prefix("(have ")?.split(' ').next()
}

fn without_proof(way: &str) -> String {
    match way.rsplit_once(PROOF) {
        Some((statement, _)) => format!("{statement} := sorry)"),
        None => way.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_that_a_goal_has_are_stated_without_their_proofs() {
        let one = "(have law0 : f 0 = 0 := (by first | rfl | simp); clear law0; have law0 : ∀ (a : N), f a = a := by first | (intro a; simp) | grind)";
        let other = "(have law0 : ∀ (a : N), f a = 0 := by first | (intro a; omega))";
        let unknown = "(have law1 : ∀ (a : N), g a = a := by first | (intro a; simp))";
        let step = format!("rename_i n\ntry first | {one} | {other}\ntry first | {unknown}");
        let goal = Goal::parse("law0 : ∀ (a : N), f a = a\n⊢ p").unwrap();
        assert_eq!(
            stand_in(&step, &goal).unwrap(),
            "rename_i n\ntry first | (have law0 : f 0 = 0 := (by first | rfl | simp); clear law0; have law0 : ∀ (a : N), f a = a := sorry) | \
             (have law0 : ∀ (a : N), f a = 0 := sorry)"
        );
        assert_eq!(stand_in("try have := h a", &goal), None);
        assert_eq!(stand_in("have h : p := by first | simp", &goal), None);
    }
}
