//! Single tactics of Mathlib that end a goal, with priors by what the target says.

use super::super::shape::{Shape, shape, split_top, unbracketed};
use super::List;
use super::hints::{angles, products, roots, squares, values};
use super::scene::{Number, Relation, Scene};

/// The closers that fit.
pub fn add(scene: &Scene, list: &mut List) {
    list.add(0.58, "norm_num");
    list.add(0.16, "norm_num at *");
    list.add(0.10, "norm_num [*] at *");
    list.add(0.06, "tauto");
    list.add(0.03, "simp_all\nnorm_num");
    match scene.relation() {
        Some((_, Relation::Equal, _)) => equality(scene, list),
        Some((left, relation @ (Relation::Less | Relation::AtMost), right)) => {
            inequality(scene, left, relation == Relation::Less, right, list);
        }
        Some((_, Relation::Unequal, right)) => {
            if right == "0" {
                list.add(0.45, "positivity");
            }
            list.add(0.05, "intro h\nnlinarith");
            list.add(0.05, "norm_num\nintro h\nlinarith");
        }
        None => {}
    }
    if scene.target == "False" {
        list.add(0.50, "linarith");
        list.add(0.30, call("nlinarith", &squares(scene)));
        list.add(0.20, "norm_num at *\nlinarith");
    }
    if scene.shape == Shape::And {
        parts(scene, list);
    }
    if scene.shape == Shape::Or {
        let sides = ["left", "right"];
        sides.iter().for_each(|side| list.add(0.05, format!("{side}\nlinarith")));
        list.add(0.05, "by_contra h\npush_neg at h\nnlinarith");
    }
}

/// `tactic [hints]`.
pub fn call(tactic: &str, hints: &[String]) -> String {
    if hints.is_empty() { tactic.to_owned() } else { format!("{tactic} [{}]", hints.join(", ")) }
}

fn equality(scene: &Scene, list: &mut List) {
    let divides = scene.has(&[" / ", "⁻"]);
    list.add(if scene.facts.is_empty() { 0.56 } else { 0.30 }, "ring");
    list.add(0.05, "ring_nf");
    if scene.number.is_ordered() {
        list.add(if scene.facts.is_empty() { 0.10 } else { 0.50 }, "linarith");
        list.add(0.16, call("nlinarith", &squares(scene)));
        list.add(0.06, "apply le_antisymm <;> nlinarith");
    }
    if divides {
        list.add(0.30, "field_simp\nring");
        list.add(0.16, "field_simp at *\nlinarith");
        list.add(0.10, "field_simp at *\nnlinarith");
        list.add(0.06, "field_simp");
    }
    if scene.has(&["↑"]) {
        list.add(0.12, "push_cast\nring");
        list.add(0.08, "push_cast at *\nlinarith");
        list.add(0.06, "norm_cast at *\nlinarith");
    }
    if !scene.facts.is_empty() {
        list.add(0.14, "subst_vars\nnorm_num");
        list.add(0.08, "subst_vars\nring_nf");
        list.add(0.05, "subst_vars\nring_nf\nnorm_num");
        list.add(0.08, "norm_num at *\nlinarith");
        list.add(0.05, "ring_nf at *\nlinarith");
    }
    values_known(scene, list);
}

fn inequality(scene: &Scene, left: &str, strict: bool, right: &str, list: &mut List) {
    if !scene.number.is_ordered() {
        return;
    }
    let squares = squares(scene);
    list.add(if scene.facts.is_empty() { 0.20 } else { 0.45 }, "linarith");
    list.add(0.42, call("nlinarith", &squares));
    if left == "0" {
        list.add(0.54, "positivity");
    }
    let products = products(scene);
    if !products.is_empty() {
        list.add(0.14, call("nlinarith", &products));
        let both: Vec<String> = squares.iter().take(4).chain(products.iter().take(4)).cloned().collect();
        list.add(0.08, call("nlinarith", &both));
    }
    let more: Vec<String> = roots(scene).into_iter().chain(angles(scene)).collect();
    if !more.is_empty() {
        list.add(0.25, call("nlinarith", &more));
        list.add(0.08, call("linarith", &more));
    }
    if scene.has(&[" / ", "⁻"]) {
        let (divided, by) = (if strict { "lt" } else { "le" }, squares.iter().take(6).cloned().collect::<Vec<_>>());
        let end = call("nlinarith", &by);
        if left.contains(" / ") && right.contains(" / ") {
            list.add(0.12, format!("rw [div_{divided}_div_iff₀ (by positivity) (by positivity)]\n{end}"));
        }
        if right.contains(" / ") {
            list.add(0.10, format!("rw [{divided}_div_iff₀ (by positivity)]\n{end}"));
        }
        if left.contains(" / ") {
            list.add(0.10, format!("rw [div_{divided}_iff₀ (by positivity)]\n{end}"));
        }
        list.add(0.08, format!("field_simp\n{end}"));
    }
    list.add(0.05, "bound");
    list.add(0.05, "gcongr");
    list.add(0.03, "gcongr <;> linarith");
    if scene.number != Number::Nat {
        let sub = if strict { "sub_pos" } else { "sub_nonneg" };
        list.add(0.05, format!("rw [← {sub}]\nring_nf\npositivity"));
    }
    list.add(0.05, "norm_num at *\nnlinarith");
    values_known(scene, list);
}

/// What functions are at the arguments in sight.
fn values_known(scene: &Scene, list: &mut List) {
    if scene.laws().next().is_none() {
        return;
    }
    let laws: Vec<String> = scene.laws().filter(|f| f.says.contains(" = ")).map(|f| f.term.clone()).collect();
    if !laws.is_empty() {
        let laws = laws.join(", ");
        list.add(0.30, format!("norm_num [{laws}] at *"));
        list.add(0.22, format!("simp only [{laws}] at *\nlinarith"));
        list.add(0.14, format!("simp only [{laws}] at *\nnlinarith"));
        list.add(0.10, format!("simp only [{laws}] at *\nring_nf at *\nlinarith"));
        list.add(0.08, format!("norm_num [{laws}] at *\nlinarith"));
        list.add(0.06, format!("simp only [{laws}] at *\nnorm_num at *"));
        list.add(0.05, format!("rw [{laws}]\nring"));
    }
    let known = values(scene);
    if !known.is_empty() && scene.number.is_ordered() {
        list.add(0.20, call("linarith", &known));
        list.add(0.10, call("nlinarith", &known));
        let names: Vec<String> = known.iter().take(4).map(|value| format!("have := {value}")).collect();
        list.add(0.06, format!("{}\nnorm_num at *\nlinarith", names.join("\n")));
    }
}

/// All parts of a conjunction in one go.
fn parts(scene: &Scene, list: &mut List) {
    let holes = vec!["?_"; conjuncts(scene.target)].join(", ");
    let hinted = call("nlinarith", &squares(scene));
    for (p, end) in [(0.30, "norm_num"), (0.25, "linarith"), (0.20, hinted.as_str()), (0.06, "norm_num at *")] {
        list.add(p, format!("refine ⟨{holes}⟩ <;> {end}"));
    }
    if scene.has(&[" / ", "⁻"]) {
        list.add(0.10, format!("refine ⟨{holes}⟩ <;> field_simp at * <;> {hinted}"));
    }
    let known = values(scene);
    if !known.is_empty() {
        list.add(0.16, format!("constructor <;> {}", call("linarith", &known)));
        list.add(0.10, format!("constructor <;> {}", call("nlinarith", &known)));
    }
    list.add(0.05, "constructor <;> field_simp at * <;> linarith");
}

/// How many parts a conjunction has.
fn conjuncts(says: &str) -> usize {
    match split_top(says, " ∧ ") {
        Some((_, rest)) if shape(says) == Shape::And => 1 + conjuncts(unbracketed(rest)),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::first;

    #[test]
    fn closers_fit_the_target() {
        let has =
            |goal: &str, tactic: &str| assert!(first(goal, 10).iter().any(|t| t == tactic), "{tactic}: {:#?}", first(goal, 10));
        has("a b : ℂ\n⊢ (a + a) * (a + b) = 2 * a ^ 2 + 2 * (a * b)", "ring");
        has("x y : ℝ\nh₀ : x + y = 7\nh₁ : 3 * x + y = 45\n⊢ x - y = 31", "linarith");
        has(
            "a b : ℝ\nh : a ^ 2 + b ^ 2 = 2\n⊢ a * b ≤ 1",
            "nlinarith [sq_nonneg (a - b), sq_nonneg (a + b), sq_nonneg a, sq_nonneg b]",
        );
        has("a b : ℝ\nh : 0 < a ∧ 0 < b\n⊢ 0 < a / b + b / a", "positivity");
        has("x : ℝ\nh : x ≠ 0\n⊢ 3 / x + 4 / x = 7 / x", "field_simp\nring");
        has("f : ℝ → ℝ\na b : ℝ\nh : ∀ (x : ℝ), f x = a * x + b\ng : f 6 - f 2 = 12\n⊢ f 12 - f 2 = 30", "norm_num [h] at *");
        has(
            "f : ℝ → ℝ\na b : ℝ\nh : ∀ (x : ℝ), f x = a * x + b\ng : f 6 - f 2 = 12\n⊢ f 12 - f 2 = 30",
            "linarith [h 6, h 2, h 12]",
        );
        has("x y : ℝ\nh : 6 = x - 9\ng : -10 = y + 1\n⊢ x = 15 ∧ y = -11", "refine ⟨?_, ?_⟩ <;> linarith");
        has("a b c : ℝ\nh : c < b\ng : b < a\n⊢ c < a ∧ b < a ∧ c < b", "refine ⟨?_, ?_, ?_⟩ <;> linarith");
        has("x y : ℝ\n⊢ 1 / (x ^ 2 + 1) ≤ 1 / 1", "norm_num");
        assert!(!first("a b : ℂ\nh : a = b\n⊢ a + a = 2 * b", 60).iter().any(|t| t.starts_with("linarith")), "ℂ has no order");
    }
}
