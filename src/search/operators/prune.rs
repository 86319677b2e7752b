//! *Prune*: steps and goals that cannot help.

use crate::lean::goal::{is_inaccessible, mentions};
use crate::lean::ways::ways;
use crate::lean::{Goal, Hypothesis};
use crate::search::graph::Graph;
use crate::search::ids::GoalId;

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

/// Whether a goal says of a variable of which nothing is known that it equals something else. `congr` leaves many such goals, and
/// they look easy, being short; only a type with one value makes one true, or hypotheses that contradict each other.
pub fn says_too_much(goal: &Goal) -> bool {
    let Some((left, right)) = goal.target.split_once(" = ") else { return false };
    if goal.target.contains(['∀', '∃', '→', '↔', '∧', '∨', '¬']) || right.contains(" = ") {
        return false;
    }
    let free = |side: &str, other: &str| {
        goal.names().any(|name| name == side)
            && !mentions(other, side)
            && !goal.hypotheses.iter().any(|h| mentions(&h.ty, side) || h.value.is_some() && h.names.iter().any(|n| n == side))
    };
    let (left, right) = (left.trim(), right.trim());
    free(left, right) || free(right, left)
}

/// Types that have a value: a variable of such a type that nothing mentions says nothing.
const INHABITED: [&str; 11] = ["Nat", "Int", "Rat", "Bool", "Prop", "String", "Char", "ℕ", "ℤ", "ℚ", "ℝ"];

/// The goal without the hypotheses that cannot matter, so that more states meet: those that nothing mentions and whose
/// type has a value anyway, or is that of an earlier one. In Lean the context keeps them: only what search and policies
/// see is shorter, and what is proved with less holds with more.
pub fn cleared(mut goal: Goal) -> Goal {
    // Later ones depend on earlier ones only, so that one pass from the end finds all.
    for at in (0..goal.hypotheses.len()).rev() {
        let (before, rest) = goal.hypotheses.split_at(at);
        let [this, after @ ..] = rest else { break };
        let used = |name: &String| {
            mentions(&goal.target, name)
                || after.iter().any(|h| mentions(&h.ty, name) || h.value.as_ref().is_some_and(|v| mentions(v, name)))
        };
        let known = before.iter().any(|h| h.ty == this.ty && h.value.is_none());
        if this.value.is_some() || !known && !INHABITED.contains(&this.ty.as_str()) {
            continue;
        }
        let names: Vec<String> = this.names.iter().filter(|n| used(n)).cloned().collect();
        match (names.is_empty(), this.ty.clone()) {
            (true, _) => drop(goal.hypotheses.remove(at)),
            (false, ty) => goal.hypotheses[at] = Hypothesis { names, ty, value: None },
        }
    }
    goal
}

/// The word that cannot work behind this header, by a failure's message: a tactic that Lean does not know, or that wants a constant
/// which is not imported, whatever the goal; or a theorem that the header does not have.
pub fn unsupported(tactic: &str, message: &str) -> Option<String> {
    // A message does not say which of several tactics it is about: of one that stands alone it is known, and of the only one that
    // could want a constant.
    let alone = !tactic.trim().contains(['\n', ';', '|', '·']);
    let name = tactic.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
    let own = || (alone && !name.is_empty()).then(|| name.to_owned());
    if message.trim() == "unknown tactic" {
        return own();
    }
    let message = message.trim_start();
    // It is not recursive.
    if let Some(rest) = message.strip_prefix("No functional induction theorem for `") {
        return rest.split('`').next().map(|function| format!("fun_induction {function}"));
    }
    let unknown = ["Unknown constant `", "Unknown identifier `"].iter().find_map(|says| message.strip_prefix(says))?;
    let constant = unknown.split('`').next()?;
    // A name that the candidate wrote itself says nothing of the tactics in it. With a small first letter it may be local.
    if mentions(tactic, constant) {
        return (constant.contains('.') && constant.starts_with(char::is_uppercase)).then(|| constant.to_owned());
    }
    let (first, last) = (constant.trim_start_matches("Lean.").split('.').next()?.to_lowercase(), constant.rsplit('.').next()?);
    match constant.starts_with("Lean.") && mentions(tactic, &first) && !mentions(tactic, last) {
        true => Some(first),
        false => {
            let mut could = DECIDERS.iter().filter(|name| mentions(tactic, name));
            could.next().filter(|_| could.next().is_none()).map(|&name| name.to_owned())
        }
    }
}

/// Tactics that want the same constants at every goal.
const DECIDERS: &[&str] = &["omega", "grind", "ac_rfl", "norm_cast", "bv_decide", "false_or_by_contra"];

/// Whether a tactic cannot work without a word: of alternatives, each would have to.
pub fn needs(tactic: &str, word: &str) -> bool {
    ways(tactic).map_or_else(|| mentions(tactic, word), |all| all.iter().all(|one| mentions(one, word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tactic_without_its_library_is_known_by_its_message() {
        let message = "Unknown constant `Lean.Omega.Int.ofNat_lt_of_lt`";
        assert_eq!(unsupported("simp at *\nomega", message).as_deref(), Some("omega"));
        assert_eq!(unsupported("exact Lean.Omega.x", "Unknown constant `Lean.Foo.x`"), None);
        assert_eq!(unsupported("simp [Lean.Simp.x]", "Unknown constant `Lean.Simp.x`").as_deref(), Some("Lean.Simp.x"));
        assert_eq!(unsupported("omega", "Unknown constant `Classical.byContradiction`").as_deref(), Some("omega"));
        assert_eq!(unsupported("intros\nomega", "Unknown constant `Classical.byContradiction`").as_deref(), Some("omega"));
        assert_eq!(unsupported("induction n <;> grind", "Unknown constant `Std.IsPreorder`").as_deref(), Some("grind"));
        assert_eq!(unsupported("first | omega | grind", "Unknown constant `Std.IsPreorder`"), None, "either may want it");
        assert_eq!(unsupported("exact foo", "Unknown constant `Classical.byContradiction`"), None);
        let unknown = "Unknown identifier `Classical.not_exists`";
        assert_eq!(unsupported("simp [Classical.not_exists]", unknown).as_deref(), Some("Classical.not_exists"));
        assert_eq!(unsupported("exact h.foo", "Unknown identifier `h.foo`"), None);
        assert!(needs("first | omega | (simp; omega)", "omega") && !needs("first | rfl | omega", "omega"));
        assert_eq!(unsupported("omega", "omega could not prove the goal"), None);
        let none = "No functional induction theorem for `Nat.f`, or function is not recursive";
        assert_eq!(unsupported("fun_induction Nat.f <;> simp_all", none).as_deref(), Some("fun_induction Nat.f"));
        assert!(needs("fun_induction Nat.f <;> grind", "fun_induction Nat.f"));
        assert_eq!(unsupported("nlinarith [sq_nonneg a]", "unknown tactic").as_deref(), Some("nlinarith"));
        assert_eq!(unsupported("constructor <;> linarith", "unknown tactic"), None, "one of two");
        assert_eq!(unsupported("simp\nlinarith", "unknown tactic"), None);
    }

    #[test]
    fn a_variable_of_which_nothing_is_known_equals_nothing() {
        let says = |text: &str| says_too_much(&Goal::parse(text).unwrap());
        assert!(says("xs ys : Array Nat\nn : Nat\nh : n = 1\n⊢ xs = ys"));
        assert!(says("x✝ : Nat\n⊢ f 1 = x✝"));
        for fine in
            ["x y : Nat\nh : x ≤ y\ng : y ≤ x\n⊢ x = y", "x : Nat\n⊢ x = x + 0", "x : Nat := 1\n⊢ x = 1", "x : Nat\n⊢ f x = 1"]
        {
            assert!(!says(fine), "{fine}");
        }
    }

    #[test]
    fn what_cannot_matter_is_cleared() {
        let text = "α : Type\ninst✝ : Inhabited α\nn m k : Nat\np : Prop\nh : n < 2\nh' : n < 2\nx : α\ne : x = x\n⊢ n < 3";
        assert_eq!(
            cleared(Goal::parse(text).unwrap()).to_string(),
            "α : Type\ninst✝ : Inhabited α\nn : Nat\nh : n < 2\nx : α\ne : x = x\n⊢ n < 3"
        );
        let needed = "a b : Nat\nc : Nat := a\nh : b = c\n⊢ False";
        assert_eq!(cleared(Goal::parse(needed).unwrap()).to_string(), needed);
    }

    #[test]
    fn only_plain_contexts_are_asked_about() {
        let goal = |text: &str| Goal::parse(text).unwrap();
        assert!(refutation(&goal("n : Nat\n⊢ n < 0")).unwrap().starts_with("revert n\n"));
        assert!(refutation(&goal("n✝ : Nat\n⊢ n✝ < 0")).is_none());
        assert!(refutation(&goal("n : Nat := 3\n⊢ n < 0")).is_none());
    }
}
