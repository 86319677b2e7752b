//! *Prune*: steps and goals that cannot help.

use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;
use crate::search::graph::{GoalId, Graph};

/// Budget of a question whether a goal is false, as Lean's `maxHeartbeats`.
pub const PROBE_HEARTBEATS: u64 = 4_000;

/// Whether a goal above `parent` (or itself) is among the keys: no proof may pass through itself, so a step that leads
/// back proves nothing that is not proved without it.
pub fn leads_back(graph: &Graph, parent: GoalId, left: &[GoalId]) -> bool {
    let mut at = Some(parent);
    while let Some(goal) = at {
        if left.contains(&goal) {
            return true;
        }
        at = graph.goal(goal).origin.map(|(step, _)| graph.parent(step));
    }
    false
}

/// A tactic that Lean accepts, leaving the goal as one it has reverted, exactly if it can prove the goal's negation.
/// `None` for goals whose context cannot be reverted by name.
pub fn refutation(goal: &Goal) -> Option<String> {
    let names: Vec<&str> = goal.names().collect();
    if names.iter().any(|n| is_inaccessible(n))
        || goal.target.contains('?')
        || goal.hypotheses.iter().any(|h| h.value.is_some())
    {
        return None;
    }
    let numbers = goal.hypotheses.iter().filter(|h| ["Nat", "Int", "ℕ", "ℤ"].contains(&h.ty.as_str()));
    let count = numbers.map(|h| h.names.len()).sum::<usize>();
    let revert = if names.is_empty() { String::new() } else { format!("revert {}\n", names.join(" ")) };
    let mut ways = vec!["decide".to_owned(), "omega".to_owned(), "grind".to_owned()];
    if (1..=3).contains(&count) {
        for value in 0..3 {
            let values = vec![value.to_string(); count].join(" ");
            ways.push(format!("(intro all; have one := all {values}; revert one; decide)"));
        }
    }
    Some(format!(
        "{revert}refine (fun {{q : Prop}} (_ : ¬ q) (p : q) => p) ?negation ?rest\ncase negation => first | {}",
        ways.join(" | ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_contexts_are_asked_about() {
        let goal = |text: &str| Goal::parse(text).unwrap();
        assert!(refutation(&goal("n : Nat\n⊢ n < 0")).unwrap().starts_with("revert n\n"));
        assert!(refutation(&goal("n✝ : Nat\n⊢ n✝ < 0")).is_none());
        assert!(refutation(&goal("n : Nat := 3\n⊢ n < 0")).is_none());
    }
}
