//! Single tactics that end a goal: the baseline of every benchmark, and a few more.

use super::candidate::{Family, List};
use super::view::View;

/// Those that every search without steps has.
pub fn usual(list: &mut List) {
    list.begin(Family::Closer);
    for (p, tactic) in [
        (0.30, "rfl"),
        (0.60, "omega"),
        (0.55, "grind"),
        (0.40, "simp_all"),
        (0.30, "decide"),
        (0.20, "assumption"),
        (0.22, "simp"),
        (0.12, "decide +kernel"),
        (0.10, "simp_all\nomega"),
        (0.10, "simp at *\nomega"),
        (0.05, "simp [Nat.mul_add, Nat.add_mul, Nat.pow_succ] at *\nomega"),
        (0.04, "norm_cast at *\nomega"),
        (0.02, "exact?"),
        (0.03, "contradiction"),
        (0.03, "exfalso\ngrind"),
    ] {
        list.add(p, tactic);
    }
}

/// Others, where the goal looks as if they could work.
pub fn more(view: &View, list: &mut List) {
    list.begin(Family::Closer);
    let text = view.goal.to_string();
    let has = |signs: &[&str]| signs.iter().any(|s| text.contains(s));
    let quantified = has(&["∀", "→"]);
    let mut add = |when: bool, p: f64, tactic: &str| {
        if when {
            list.add(p, tactic);
        }
    };
    add(true, 0.03, "simp_all\ngrind");
    add(true, 0.02, "simp [*]");
    add(true, 0.015, "simp_all +decide");
    add(true, 0.01, "solve_by_elim");
    add(has(&["+", "-", "*", "≤", "<"]), 0.02, "simp +arith");
    add(has(&["+", "-", "*", "≤", "<"]), 0.015, "simp_all +arith");
    add(has(&["%", "/", "∣"]), 0.015, "simp_all\nomega");
    add(quantified, 0.03, "intros\nsimp_all");
    add(quantified, 0.03, "intros\ngrind");
    add(quantified, 0.02, "intros\nomega");
    add(has(&["if ", "match "]), 0.03, "grind +splitImp");
    add(has(&["if ", "match ", "∨"]), 0.04, "repeat' split\nall_goals simp_all");
    add(has(&["if ", "match "]), 0.03, "repeat' split\nall_goals grind");
    add(has(&["if ", "match "]), 0.03, "repeat' split\nall_goals omega");
    add(has(&["×", ".1", ".fst", "⟨"]), 0.02, "ext <;> simp_all");
    add(has(&["¬", "False", "≠"]), 0.03, "simp_all [Classical.not_forall]");
    add(has(&["BitVec", "UInt", "Int8", "Int16", "Int32", "Int64"]), 0.02, "simp_all [BitVec.toNat_eq]\nomega");
    add(view.target.as_ref().is_some_and(|t| t.kind == super::terms::Kind::Binary("=")), 0.02, "ac_rfl");
    add(!view.facts.is_empty(), 0.02, "simp_all only [ne_eq, Decidable.not_not, and_self, true_and, and_true]");
    add(!view.facts.is_empty(), 0.015, "nofun");
    add(view.facts.iter().any(|f| f.ty.contains(" = ")), 0.02, "subst_vars\nsimp_all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn ends_fit_the_goal() {
        let made = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            more(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(made("⊢ (if a then b else c) = d").iter().any(|t| t.starts_with("repeat' split")));
        assert!(!made("⊢ a = b").iter().any(|t| t.contains("split") || t.starts_with("intros")));
    }
}
