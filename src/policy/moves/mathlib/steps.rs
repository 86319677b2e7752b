//! Steps of Mathlib that change a goal and leave it open.

use super::super::shape::{Shape, binders_of_exists, shape, split_top};
use super::List;
use super::scene::{Number, Relation, Scene};
use crate::lean::goal::mentions;

/// Hypotheses that a step of their own is proposed for.
const FACTS: usize = 5;

/// The steps that fit.
pub fn add(scene: &Scene, list: &mut List) {
    let relational = scene.relation().is_some();
    if scene.has(&["↑"]) {
        list.add(0.10, "push_cast");
        list.add(0.08, "norm_cast");
        list.add(0.06, "push_cast at *");
        list.add(0.06, "norm_cast at *");
        list.add(0.04, "zify at *");
    }
    if scene.has(&[" / ", "⁻"]) {
        list.add(0.10, "field_simp at *");
        list.add(0.05, "ring_nf at *\nfield_simp at *");
    }
    if relational {
        list.add(0.05, "ring_nf at *");
        list.add(0.03, "norm_num [pow_succ] at *");
    }
    match scene.shape {
        Shape::Exists => {
            list.add(0.06, "refine ⟨_, ?_⟩");
            if seeks_function(scene.target) {
                for (p, term) in [(0.30, "n + 1"), (0.26, "n"), (0.22, "2 * n"), (0.14, "0"), (0.10, "n ^ 2")] {
                    list.add(p, format!("refine ⟨fun n => {term}, ?_⟩"));
                }
            }
            // What would hold of all if there were none is a law to reason with.
            let denies = scene.asks(&["≠", "¬"]);
            list.add(if denies { 0.30 } else { 0.05 }, "by_contra h\npush_neg at h");
            [0, 1, 2].iter().for_each(|n| list.add(0.05, format!("use {n}\nnorm_num")));
            for x in scene.variables.iter().map(|(x, _)| x).take(3) {
                list.add(0.04, format!("use {x}"));
                list.add(0.03, format!("exact ⟨{x}, by norm_num⟩"));
            }
        }
        Shape::Not => {
            list.add(0.06, "push_neg");
            list.add(0.06, "intro h\nnorm_num at h");
        }
        Shape::Iff => list.add(0.08, "constructor <;> intro h <;> nlinarith"),
        Shape::Forall | Shape::Implies => {
            list.add(0.10, "intros\nnlinarith");
            list.add(0.06, "rintro x hx");
            list.add(0.05, "intros\nnorm_num at *");
        }
        _ => {}
    }
    if matches!(scene.shape, Shape::Equality | Shape::Other | Shape::Not) {
        list.add(0.04, "by_contra h\npush_neg at h");
        list.add(0.03, "contrapose!");
    }
    facts(scene, list);
    if let Some((left, Relation::Equal, right)) = scene.relation() {
        // A factor that is not zero goes.
        for fact in &scene.facts {
            if let Some((x, Relation::Unequal, "0")) = fact.relation()
                && !x.contains(' ')
                && (mentions(left, x) || mentions(right, x))
            {
                list.add(0.05, format!("apply mul_left_cancel₀ {}\nlinarith", super::scene::argument(&fact.term)));
            }
        }
        if scene.asks(&["fun ", "=>"]) || scene.functions.iter().any(|f| *f == left || *f == right) {
            list.add(0.20, "ext x");
            list.add(0.12, "funext x\nsimp_all");
        }
        list.add(0.02, "nth_rewrite 1 [← sub_eq_zero]");
        list.add(0.02, "conv_lhs => ring_nf");
        list.add(0.02, "conv_rhs => ring_nf");
    }
}

/// `∃ f : ℕ → ℕ, …`.
fn seeks_function(target: &str) -> bool {
    let sides = binders_of_exists(target).1.and_then(|ty| ty.split_once(" → "));
    sides.is_some_and(|(from, to)| Number::of(from).is_some() && Number::of(to).is_some())
}

fn facts(scene: &Scene, list: &mut List) {
    for fact in scene.facts.iter().rev().take(FACTS) {
        let name = &fact.term;
        let whole = !name.contains('.');
        match shape(&fact.says) {
            Shape::Or => {
                list.add(0.10, format!("rcases {name} with h | h <;> nlinarith"));
                list.add(0.08, format!("rcases {name} with h | h <;> simp_all"));
            }
            Shape::Exists => {
                list.add(0.12, format!("obtain ⟨x, hx⟩ := {name}"));
                list.add(0.06, format!("obtain ⟨x, hx⟩ := {name}\nnlinarith [sq_nonneg x]"));
            }
            Shape::Other if split_top(&fact.says, " ∣ ").is_some() => {
                list.add(0.14, format!("obtain ⟨c, hc⟩ := {name}"));
                list.add(0.08, format!("obtain ⟨c, hc⟩ := {name}\nnlinarith"));
            }
            Shape::Not if whole => list.add(0.04, format!("push_neg at {name}")),
            _ => {}
        }
        if !whole {
            continue;
        }
        if let Some((left, relation, right)) = fact.relation() {
            list.add(0.04, format!("norm_num at {name}"));
            list.add(0.03, format!("ring_nf at {name} ⊢"));
            if fact.says.contains(" / ") {
                list.add(0.08, format!("field_simp at {name}"));
                list.add(0.06, format!("field_simp at {name}\nring_nf at {name}\nnlinarith"));
            }
            if fact.says.contains('↑') {
                list.add(0.05, format!("norm_cast at {name}"));
                list.add(0.05, format!("exact_mod_cast {name}"));
            }
            if relation == Relation::Equal && left.contains(" * ") && right == "0" {
                list.add(0.14, format!("rcases mul_eq_zero.mp {name} with h | h"));
                list.add(0.10, format!("rcases mul_eq_zero.mp {name} with h | h <;> nlinarith"));
            }
            if relation == Relation::Equal && right != "0" && fact.says.contains("^ 2") {
                list.add(0.04, format!("have : ({left}) - ({right}) = 0 := sub_eq_zero.mpr {name}\nring_nf at this"));
            }
        } else if fact.says.contains('↑') {
            list.add(0.04, format!("push_cast at {name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::first;

    #[test]
    fn steps_fit_goal_and_hypotheses() {
        let has =
            |goal: &str, tactic: &str| assert!(first(goal, 70).iter().any(|t| t == tactic), "{tactic}: {:#?}", first(goal, 70));
        has("x y : ℝ\nh : (x - 1) * (x - 2) = 0\n⊢ x ≤ 2", "rcases mul_eq_zero.mp h with h | h <;> nlinarith");
        has("x : ℝ\nh : ∃ y, y ^ 2 = x\n⊢ 0 ≤ x", "obtain ⟨x, hx⟩ := h");
        has("a b : ℕ\nh : ↑a / 2 = (3 : ℝ)\n⊢ a = 6", "field_simp at h");
        has("a b : ℕ\nh : a * b + 1 ∣ a ^ 2 + b ^ 2\n⊢ b < a ^ 3", "obtain ⟨c, hc⟩ := h");
        has("f : ℕ → ℕ\n⊢ ∃ n, f (f n) ≠ n + 1", "by_contra h\npush_neg at h");
        has("⊢ ∃ f : ℕ → ℕ, f 1 = 2 ∧ ∀ n, f n < f (n + 1)", "refine ⟨fun n => n + 1, ?_⟩");
        has("⊢ ∃ x, x + 3 = 5", "use 2\nnorm_num");
        has("f g : ℝ → ℝ\n⊢ f = g", "ext x");
        has("x y : ℝ\nh₀ : x ≠ 0\nh : x * y = x\n⊢ x * y = x * 1", "apply mul_left_cancel₀ h₀\nlinarith");
    }
}
