//! Steps that lose nothing: if the goal holds, so does all that they leave. They cost nothing on the way to a goal, whatever the
//! policy thought of them; what Aesop calls a safe rule (Limperg and From 2023, «Aesop: White-Box Best-First Proof Search for
//! Lean», section 2), but that the goal's other moves stay open.
//!
//! Guesses from printed text: a wrong guess costs order, nothing else.

use super::facts::adds_facts;
use crate::lean::Goal;
use crate::lean::ways::{split_top, ways};

/// Steps that lose nothing wherever Lean takes them.
const ALWAYS: [&str; 7] = ["intro", "intros", "rintro", "subst", "subst_vars", "funext", "push_neg"];
/// Steps that lose nothing where nothing is given to them.
const ALONE: [&str; 4] = ["simp", "simp_all", "ext", "split"];

/// Whether a step that Lean has taken at a goal loses nothing.
pub fn loses_nothing(tactic: &str, goal: &Goal) -> bool {
    if adds_facts(tactic) {
        return true;
    }
    // Of several ways all but the last close the goal, as a rule.
    let last = ways(tactic).and_then(|mut all| all.pop());
    let step = last.as_deref().unwrap_or(tactic).trim();
    let step = step.strip_suffix(" <;> skip").or(step.strip_suffix("\nall_goals skip")).unwrap_or(step);
    let step = match step.split_once('\n') {
        Some((names, rest)) if names.starts_with("rename_i ") => rest,
        _ => step,
    };
    if step.contains(['\n', ';']) {
        return false;
    }
    let (head, rest) = step.split_once(' ').unwrap_or((step, ""));
    if ALWAYS.contains(&head) || rest.is_empty() && ALONE.contains(&head) {
        return true;
    }
    match head {
        // One form only: what has several may have many.
        "obtain" => rest.split_once(" := ").is_some_and(|(form, of)| !form.contains('|') && is_known(goal, of)),
        "rcases" | "cases" => rest.split(' ').next().is_some_and(|of| either(goal, of)),
        "constructor" => is_both(&goal.target),
        "refine" => rest.starts_with('⟨') && is_both(&goal.target),
        "apply" => ["And.intro", "Iff.intro"].contains(&rest),
        _ => false,
    }
}

fn is_known(goal: &Goal, name: &str) -> bool {
    goal.names().any(|known| known == name.trim())
}

/// Whether a hypothesis says one of two things.
fn either(goal: &Goal, name: &str) -> bool {
    let ty = goal.hypotheses.iter().find(|h| h.names.iter().any(|n| n == name)).map_or("", |h| h.ty.as_str());
    !ty.starts_with(['∀', '∃']) && split_top(ty, " → ").is_none() && split_top(ty, " ∨ ").is_some()
}

/// Whether a proposition is a conjunction or an equivalence.
fn is_both(target: &str) -> bool {
    let has = |operator| split_top(target, operator).is_some();
    !target.starts_with(['∀', '∃']) && (has(" ↔ ") || has(" ∧ ") && !has(" → ") && !has(" ∨ "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_steps_lose_nothing() {
        let goal =
            |target: &str| Goal::parse(&format!("n : Nat\nx : Fin 3\nh : n = 0 ∨ n = 1\ng : n ≠ 0\n⊢ {target}")).unwrap();
        let both = goal("n = 0 ∧ n = 1");
        for tactic in [
            "intro m",
            "first | assumption | grind | simp_all",
            "simp",
            "obtain ⟨x, hx⟩ := x",
            "rcases h with h | h",
            "constructor",
            "refine ⟨?_, ?_⟩",
            "rename_i a\nsubst a",
            "constructor <;> (first | omega | simp_all | skip)",
        ] {
            assert!(loses_nothing(tactic, &both), "{tactic}");
        }
        for tactic in
            ["simp [f]", "exfalso", "cases n", "obtain ⟨k, rfl⟩ := g n", "obtain x | x := x", "intro m\nexact f m", "congr"]
        {
            assert!(!loses_nothing(tactic, &both), "{tactic}");
        }
        for other in ["∃ m, m = n ∧ n = 1", "n = 0 ∨ n = 1 ∧ n = 2", "(n = 0 ∧ n = 1) → n = 2"] {
            assert!(!loses_nothing("constructor", &goal(other)), "{other}");
        }
        assert!(loses_nothing("refine ⟨fun h => ?_, fun h => ?_⟩", &goal("(∃ m, m = n) ↔ n = n")));
    }
}
