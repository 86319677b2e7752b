//! Goals in another form: equality from its parts, contradiction, normal forms of goal and hypotheses.

use super::candidate::{Family, List};
use super::shape::{Shape, fresh, shape, split_top};
use super::view::View;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    let target = view.goal.target.trim();
    let shape = shape(target);
    if shape == Shape::Equality {
        congruence(view, list);
    }
    contradiction(view, shape, list);
    normal_forms(view, list);
}

/// Equality from equality of parts. (`symm` is none of them: its goal is the same to nearly every tactic, and searched twice.)
fn congruence(view: &View, list: &mut List) {
    let target = view.goal.target.trim();
    list.begin(Family::Congruence);
    for (p, tactic) in [
        (0.04, "ext"),
        (0.06, "congr 1"),
        (0.05, "ac_rfl"),
        (0.02, "ext i\nsimp"),
        (0.02, "ext i\ngrind"),
        (0.015, "congr 1 <;> omega"),
        (0.015, "congr 2"),
        (0.015, "congr"),
    ] {
        list.add(p, tactic);
    }
    // Sides that are functions, as far as it shows: written as one, or a variable.
    let function = |side: &str| side.starts_with("fun ") || view.data.iter().any(|e| e.name == side && e.ty.contains('→'));
    if split_top(target, " = ").is_some_and(|(left, right)| function(left) || function(right) || left.contains(" ∘ ")) {
        list.add(0.10, "funext x");
        list.add(0.05, "funext x\nsimp");
    }
    if !view.propositions.is_empty() {
        list.add(0.01, "apply propext");
    }
    if target.contains("fun ") {
        list.add(0.05, "funext\nsimp_all");
        list.add(0.05, "funext\ngrind");
    }
    for (word, lemma) in
        [("List", "List.ext_getElem"), ("++", "List.ext_getElem?"), ("Array", "Array.ext"), ("BitVec", "BitVec.eq_of_toNat_eq")]
    {
        if target.contains(word) {
            list.add(0.015, format!("apply {lemma}"));
        }
    }
}

fn contradiction(view: &View, shape: Shape, list: &mut List) {
    list.begin(Family::Contradiction);
    let h = fresh(view.goal, "h", &mut Vec::new());
    if !matches!(shape, Shape::Forall | Shape::Implies | Shape::Not) {
        list.add(0.02, format!("apply Classical.byContradiction\nintro {h}"));
        for (p, end) in [(0.015, "simp at *"), (0.02, "grind"), (0.015, "simp_all"), (0.01, "simp_all\nomega")] {
            list.add(p, format!("apply Classical.byContradiction\nintro {h}\n{end}"));
        }
        list.add(0.01, "false_or_by_contra");
    }
    if view.goal.target.trim() != "False" && !view.facts.is_empty() {
        list.add(0.02, "exfalso");
        list.add(0.01, "exfalso\nsimp_all");
        list.add(0.01, "exfalso\nomega");
    }
    if matches!(shape, Shape::Not) {
        list.add(0.03, format!("intro {h}\ngrind"));
        list.add(0.03, format!("intro {h}\nsimp_all"));
        list.add(0.02, format!("intro {h}\ncases {h}"));
    }
}

fn normal_forms(view: &View, list: &mut List) {
    list.begin(Family::Normalise);
    if !view.facts.is_empty() {
        list.add(0.02, "simp at *");
        list.add(0.01, "subst_vars");
        list.add(0.01, "injections");
    }
    list.add(0.005, "ac_nf");
    let text = view.goal.to_string();
    if text.contains("¬") {
        let push =
            "Classical.not_forall, Classical.not_exists, not_and, not_or, Nat.not_le, Nat.not_lt, Int.not_le, Int.not_lt";
        list.add(0.04, format!("simp only [{push}] at *"));
    }
    if text.contains("let ") || text.contains(" := ") {
        list.add(0.03, "intros\nsimp_all");
        list.add(0.02, "simp only");
        list.add(0.02, "extract_lets");
    }
    if text.contains(['.', '⟨']) && text.contains("fun ") {
        list.add(0.01, "dsimp only");
        list.add(0.01, "dsimp only at *");
    }
    for fact in view.newest_facts().filter(|f| f.ty.contains(['¬', '∧', '∨', '+', '≠'])).take(3) {
        list.add(0.012, format!("simp only [ne_eq, Classical.not_imp, not_or, not_and] at {}", fact.name));
        list.add(0.008, format!("clear {}", fact.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn forms_fit_the_target() {
        let made = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            steps(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(made("xs : List Nat\n⊢ List.map (fun x => x) xs = xs").contains(&"funext\nsimp_all".to_owned()));
        assert!(!made("⊢ ¬p").iter().any(|t| t.starts_with("apply Classical.byContradiction")));
        assert!(made("h : ¬∀ (x : Nat), p x\n⊢ q").iter().any(|t| t.contains("Classical.not_forall")));
    }
}
