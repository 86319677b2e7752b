//! Hints for `nlinarith`, `positivity` and their kin, made of the goal's own terms: squares, products of what is positive,
//! roots, bounds of sine and cosine, values of functions.

use std::sync::LazyLock;

use regex::Regex;

use super::scene::{Number, Relation, Scene, argument};
use crate::lean::goal::mentions;

/// Variables that squares are made of.
const VARIABLES: usize = 4;
/// Hints in one call: each pair of them is multiplied.
const MOST: usize = 10;

/// Squares of differences, products of positive variables: for inequalities.
pub fn squares(scene: &Scene) -> Vec<String> {
    let variables: Vec<&str> = scene.variables_of(Number::is_ordered).into_iter().take(VARIABLES).collect();
    let mut found = Vec::new();
    for (i, a) in variables.iter().enumerate() {
        for b in &variables[i + 1..] {
            found.push(format!("sq_nonneg ({a} - {b})"));
        }
    }
    for (i, a) in variables.iter().enumerate() {
        for b in &variables[i + 1..] {
            if let (Some(ha), Some(hb)) = (scene.positive(a), scene.positive(b)) {
                found.push(format!("mul_pos {} {}", argument(ha), argument(hb)));
            }
        }
    }
    if let [only] = variables[..] {
        found.extend(centres(scene, only).into_iter().map(|c| format!("sq_nonneg ({only} - {c})")));
    }
    for (i, a) in variables.iter().enumerate() {
        for b in &variables[i + 1..] {
            found.push(format!("sq_nonneg ({a} + {b})"));
        }
        found.push(format!("sq_nonneg {a}"));
    }
    found.truncate(MOST);
    found
}

/// Where a square may have its zero: half of the coefficients of the variable, and small numbers.
fn centres(scene: &Scene, variable: &str) -> Vec<String> {
    let Ok(coefficient) = Regex::new(&format!(r"\b(\d{{1,4}}) \* {}\b", regex::escape(variable))) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for c in coefficient.captures_iter(&scene.text).filter_map(|c| c[1].parse::<u32>().ok()) {
        let half = if c % 2 == 0 { (c / 2).to_string() } else { format!("{c} / 2") };
        found.push(half);
    }
    found.push("1".to_owned());
    found.dedup();
    found.truncate(3);
    found
}

/// Differences that hypotheses say are not negative, multiplied: what the squares miss.
pub fn products(scene: &Scene) -> Vec<String> {
    let ordered: Vec<&str> = scene
        .facts
        .iter()
        .filter(|f| matches!(f.relation(), Some((_, Relation::Less | Relation::AtMost, _))))
        .map(|f| f.term.as_str())
        .take(VARIABLES)
        .collect();
    let mut found = Vec::new();
    for (i, a) in ordered.iter().enumerate() {
        for b in &ordered[i..] {
            found.push(format!(
                "mul_nonneg (sub_nonneg.mpr (le_of_lt {})) (sub_nonneg.mpr (le_of_lt {}))",
                argument(a),
                argument(b)
            ));
        }
    }
    let strict =
        |term: &str| scene.facts.iter().any(|f| f.term == term && matches!(f.relation(), Some((_, Relation::Less, _))));
    // `le_of_lt` only where it is one.
    for hint in &mut found {
        for term in &ordered {
            if !strict(term) {
                *hint = hint.replace(&format!("(le_of_lt {})", argument(term)), &argument(term));
            }
        }
    }
    found.truncate(MOST);
    found
}

/// What is known of the roots that the goal speaks of.
pub fn roots(scene: &Scene) -> Vec<String> {
    static ROOT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:√|(?:Real\.)?sqrt )(\((?:[^()]|\([^()]*\))*\)|[\w.₀-₉]+)").expect("fixed"));
    let mut found = Vec::new();
    for radicand in ROOT.captures_iter(&scene.text).map(|c| c[1].to_owned()) {
        let inner = super::super::shape::unbracketed(&radicand);
        let hint = format!("Real.sq_sqrt (show (0 : ℝ) ≤ {inner} by positivity)");
        if !found.contains(&hint) {
            found.push(hint);
            found.push(format!("Real.sqrt_nonneg {}", argument(inner)));
        }
    }
    found.truncate(6);
    found
}

/// What is known of sine and cosine at the angles that the goal speaks of, and of π.
pub fn angles(scene: &Scene) -> Vec<String> {
    static ANGLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:Real\.)?(?:sin|cos|tan) (\((?:[^()]|\([^()]*\))*\)|[\w.₀-₉]+)").expect("fixed"));
    let mut found = Vec::new();
    for angle in ANGLE.captures_iter(&scene.text).map(|c| c[1].to_owned()) {
        if scene.goal.names().any(|name| mentions(&angle, name)) {
            for known in
                ["Real.sin_sq_add_cos_sq", "Real.sin_le_one", "Real.neg_one_le_sin", "Real.cos_le_one", "Real.neg_one_le_cos"]
            {
                let hint = format!("{known} {angle}");
                if !found.contains(&hint) {
                    found.push(hint);
                }
            }
        }
    }
    if scene.has(&["π", "Real.pi"]) {
        found.extend(["Real.pi_pos".to_owned(), "Real.pi_gt_three".to_owned()]);
    }
    found.truncate(8);
    found
}

/// Laws of functions at the arguments that stand in the goal, and at small numbers where there are none.
pub fn values(scene: &Scene) -> Vec<String> {
    let mut found = Vec::new();
    for function in &scene.functions {
        let laws: Vec<&str> = scene.laws().filter(|law| mentions(&law.says, function)).map(|law| law.term.as_str()).collect();
        for argument in scene.arguments(function).into_iter().take(6) {
            found.extend(laws.iter().map(|law| format!("{} {argument}", super::scene::argument(law))));
        }
    }
    if found.is_empty() {
        let laws: Vec<&str> = scene.laws().map(|law| law.term.as_str()).collect();
        found.extend(laws.iter().flat_map(|law| {
            [0, 1, -1, 2].map(|n| {
                let n = if n < 0 { format!("({n})") } else { n.to_string() };
                format!("{} {n}", super::scene::argument(law))
            })
        }));
    }
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    fn made(goal: &str, hints: impl FnOnce(&Scene) -> Vec<String>) -> Vec<String> {
        hints(&Scene::new(&Goal::parse(goal).unwrap()))
    }

    #[test]
    fn hints_are_made_of_the_goals_terms() {
        let goal = "a b : ℝ\nh : 0 < a ∧ 0 < b\n⊢ (a + b) ^ 4 ≤ 8 * (a ^ 4 + b ^ 4)";
        assert_eq!(
            made(goal, squares),
            ["sq_nonneg (a - b)", "mul_pos h.1 h.2", "sq_nonneg (a + b)", "sq_nonneg a", "sq_nonneg b"]
        );
        assert!(made("x y : ℝ\nh : y = x ^ 2 - 6 * x + 13\n⊢ 4 ≤ y", squares).contains(&"sq_nonneg (y - x)".to_owned()));
        assert!(made("x : ℝ\n⊢ 10 * x ≤ 28 * x ^ 2 + 1", squares).contains(&"sq_nonneg (x - 5)".to_owned()));
        let goal = "x y : ℝ\nh : 0 < x\ng : y ≤ x\n⊢ √(x * y) * √2 ≤ x";
        assert_eq!(
            made(goal, roots),
            [
                "Real.sq_sqrt (show (0 : ℝ) ≤ x * y by positivity)",
                "Real.sqrt_nonneg (x * y)",
                "Real.sq_sqrt (show (0 : ℝ) ≤ 2 by positivity)",
                "Real.sqrt_nonneg 2"
            ]
        );
        assert!(made(goal, products).contains(&"mul_nonneg (sub_nonneg.mpr (le_of_lt h)) (sub_nonneg.mpr g)".to_owned()));
        assert_eq!(made("x : ℝ\n⊢ Real.sin x ^ 2 ≤ 1", angles)[0], "Real.sin_sq_add_cos_sq x");
        let goal = "f : ℝ → ℝ\na : ℝ\nh : ∀ (x : ℝ), f x = a * x\nh₁ : f 7 = 4\n⊢ f (a + 1) = 0";
        assert_eq!(made(goal, values), ["h 7", "h (a + 1)"]);
        assert_eq!(made("a b : ℝ\nh : ∀ (x : ℝ), a * x = b\n⊢ b = 0", values), ["h 0", "h 1", "h (-1)", "h 2"]);
    }
}
