//! ℝ and ℂ beyond the field: absolute values, roots, powers, logarithms, angles, floors, the imaginary unit.

use std::sync::LazyLock;

use regex::Regex;

use super::super::shape::unbracketed;
use super::List;
use super::closers::call;
use super::hints::{angles, roots};
use super::scene::{Number, Scene};

/// The moves of this module.
pub fn add(scene: &Scene, list: &mut List) {
    absolute_values(scene, list);
    square_roots(scene, list);
    powers_and_logarithms(scene, list);
    angle_laws(scene, list);
    floors(scene, list);
    if scene.number == Number::Complex || scene.has(&["ℂ", "Complex.I"]) {
        list.add(0.30, "simp [Complex.ext_iff]");
        list.add(0.26, "norm_num [Complex.ext_iff, pow_two]");
        list.add(0.22, "subst_vars\nring_nf\nnorm_num [Complex.I_sq]");
        list.add(0.14, "simp [Complex.ext_iff] at *\nconstructor <;> linarith");
        list.add(0.08, "apply Complex.ext <;> simp");
        list.add(0.06, "ring_nf\nsimp [Complex.I_sq]\nring");
    }
    if scene.has(&["Tendsto", "𝓝"]) {
        list.add(0.20, "exact tendsto_nhds_unique (by assumption) (by simpa using by assumption)");
        list.add(0.10, "simp [Filter.tendsto_atTop] at *");
    }
    if scene.has(&["Equiv", ".symm", ".toFun", ".invFun", "σ"]) {
        list.add(0.24, "simp [Equiv.symm_apply_eq, Equiv.eq_symm_apply] at *");
        list.add(0.16, "rw [Equiv.symm_apply_eq]\nnorm_num [*]");
        list.add(0.12, "norm_num [Equiv.apply_symm_apply, Equiv.symm_apply_apply] at *");
        list.add(0.08, "apply Equiv.injective\nsimp_all");
    }
}

fn absolute_values(scene: &Scene, list: &mut List) {
    static BARS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\|([^|∣]{1,60})\||\babs (\([^()]*\))").expect("fixed"));
    let found: Vec<String> = BARS
        .captures_iter(&scene.text)
        .filter_map(|c| Some(unbracketed(c.get(1).or(c.get(2))?.as_str()).to_owned()))
        .filter(|inner| !inner.contains(['∑', '⊢']))
        .collect();
    let Some(first) = found.first() else { return };
    list.add(0.20, "norm_num [abs_le, abs_lt] at *");
    list.add(0.14, "rw [abs_le] at *\nconstructor <;> linarith");
    list.add(0.10, "rw [abs_lt] at *\nconstructor <;> linarith");
    let mut splits: Vec<String> = Vec::new();
    for inner in &found {
        let split = format!("rcases abs_cases ({inner}) with h | h");
        if !splits.contains(&split) && splits.len() < 3 {
            splits.push(split);
        }
    }
    let all = splits.join(" <;> ").replace("with h | h", "with ⟨h, _⟩ | ⟨h, _⟩");
    list.add(0.26, format!("{all} <;> linarith"));
    list.add(0.18, format!("{all} <;> nlinarith"));
    list.add(0.10, format!("{all} <;> norm_num [h] at * <;> linarith"));
    for (lemma, side) in
        [("abs_of_nonneg", "linarith"), ("abs_of_nonpos", "linarith"), ("abs_of_pos", "positivity"), ("abs_of_neg", "linarith")]
    {
        list.add(0.05, format!("rw [{lemma} (show _ by {side} : {})]", side_of(lemma, first)));
    }
}

fn side_of(lemma: &str, term: &str) -> String {
    match lemma {
        "abs_of_nonneg" => format!("0 ≤ {term}"),
        "abs_of_nonpos" => format!("{term} ≤ 0"),
        "abs_of_pos" => format!("0 < {term}"),
        _ => format!("{term} < 0"),
    }
}

fn square_roots(scene: &Scene, list: &mut List) {
    if !scene.has(&["√", "sqrt"]) {
        return;
    }
    let known = roots(scene);
    list.add(0.28, call("nlinarith", &known));
    list.add(0.20, "norm_num [Real.sqrt_eq_iff_mul_self_eq]");
    list.add(0.12, "rw [Real.sqrt_eq_iff_mul_self_eq (by positivity) (by positivity)]\nnorm_num");
    list.add(0.10, "rw [Real.sqrt_eq_iff_mul_self_eq (by positivity) (by positivity)]\nnlinarith");
    list.add(0.08, "norm_num [Real.sqrt_lt', Real.lt_sqrt, Real.sqrt_le_left, Real.le_sqrt] at *");
    list.add(0.05, "rw [Real.sqrt_lt' (by positivity)]\nnorm_num");
    list.add(0.05, "rw [Real.lt_sqrt (by positivity)]\nnorm_num");
    list.add(0.04, "rw [← Real.sqrt_mul (by positivity)]");
    static NUMERAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:√|sqrt )(\d{1,7})\b").expect("fixed"));
    for radicand in NUMERAL.captures_iter(&scene.text).filter_map(|c| c[1].parse::<u64>().ok()).take(3) {
        // The largest square in it comes out.
        let factor = (2..=radicand.isqrt()).rev().find(|f| radicand.is_multiple_of(f * f));
        if let Some(factor) = factor {
            let rest = radicand / (factor * factor);
            let out = if rest == 1 { factor.to_string() } else { format!("{factor} * √{rest}") };
            let proof = if rest == 1 {
                format!("by rw [show ({radicand} : ℝ) = {factor} ^ 2 by norm_num]; exact Real.sqrt_sq (by norm_num)")
            } else {
                format!(
                    "by rw [show ({radicand} : ℝ) = {factor} ^ 2 * {rest} by norm_num, Real.sqrt_mul (by norm_num), Real.sqrt_sq (by norm_num)]"
                )
            };
            list.add(0.14, format!("rw [show √({radicand} : ℝ) = {out} from {proof}]"));
        }
    }
}

fn powers_and_logarithms(scene: &Scene, list: &mut List) {
    if scene.has(&["logb", "log "]) {
        list.add(0.24, "norm_num [Real.logb, Real.log_rpow, Real.log_pow] at *");
        list.add(0.20, "field_simp [Real.logb] at *\nring_nf at *");
        list.add(0.14, "rw [Real.logb_eq_iff_rpow_eq (by norm_num) (by norm_num) (by positivity)]\nnorm_num");
        list.add(0.12, "simp only [Real.logb] at *");
        list.add(0.12, "rw [Real.log_mul (by positivity) (by positivity)] at *\nlinarith");
        list.add(0.08, "simp only [Real.log_mul, Real.log_pow, Real.log_div, Real.log_inv] at *");
        list.add(0.14, "linarith");
        if scene.has(&["^"]) {
            list.add(0.10, "rw [Real.log_mul (by positivity) (by positivity), Real.log_pow] at *\nnorm_num at *\nlinarith");
        }
    }
    // Powers with an exponent that is no numeral.
    let real_power = Regex::new(r"\^ (\(|↑|[^\d\s(])").is_ok_and(|power| power.is_match(&scene.text));
    if real_power && scene.has(&["ℝ", "ℚ", "NNReal", "ℝ≥0"]) {
        list.add(0.14, "norm_num [Real.rpow_natCast, Real.rpow_add, Real.rpow_mul, Real.rpow_neg] at *");
        list.add(0.08, "simp only [← Real.rpow_natCast, ← Real.rpow_mul, ← Real.rpow_add] at *\nnorm_num at *");
        for fact in scene.facts.iter().filter(|f| f.says.contains('^') && f.says.contains(" = ") && !f.term.contains('.')) {
            list.add(
                0.10,
                format!(
                    "apply_fun Real.log at {}\nnorm_num [Real.log_mul, Real.log_rpow, Real.log_pow] at {0}\nlinarith",
                    fact.term
                ),
            );
            list.add(0.06, format!("have := congrArg Real.log {}", fact.term));
        }
        list.add(0.06, "apply Real.rpow_left_injective\nnorm_num");
    }
}

fn angle_laws(scene: &Scene, list: &mut List) {
    if !scene.has(&["sin ", "cos ", "tan ", "sin(", "π", "Real.pi"]) {
        return;
    }
    let known = angles(scene);
    list.add(0.24, call("nlinarith", &known));
    list.add(0.12, call("linarith", &known));
    list.add(0.14, "simp [Real.sin_add, Real.cos_add, Real.sin_sub, Real.cos_sub, Real.sin_two_mul, Real.cos_two_mul]");
    list.add(0.10, "norm_num [Real.sin_two_mul, Real.cos_two_mul, Real.tan_eq_sin_div_cos] at *");
    list.add(0.08, "rw [Real.tan_eq_sin_div_cos] at *");
    list.add(0.06, "simp only [Real.cos_sq, Real.sin_sq] at *");
    list.add(0.05, "rw [Real.sin_sq, Real.cos_sq]\nring");
    list.add(0.05, "field_simp [Real.tan_eq_sin_div_cos]\nring_nf");
}

fn floors(scene: &Scene, list: &mut List) {
    if !scene.has(&["⌊", "⌈", "floor", "ceil"]) {
        return;
    }
    list.add(0.30, "norm_num [Int.floor_eq_iff, Int.ceil_eq_iff]");
    list.add(0.24, "rw [Int.floor_eq_iff]\nconstructor <;> norm_num");
    list.add(0.12, "rw [Int.ceil_eq_iff]\nconstructor <;> norm_num");
    list.add(0.10, "rw [Int.floor_eq_iff]\nconstructor <;> norm_num <;> linarith");
    list.add(0.08, "norm_num [Int.floor_eq_iff, Nat.floor_eq_iff] at *");
    list.add(0.06, "simp [Int.floor_eq_iff, Int.ceil_eq_iff] at *");
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::first;

    #[test]
    fn what_is_more_than_a_field_has_its_moves() {
        let has =
            |goal: &str, tactic: &str| assert!(first(goal, 12).iter().any(|t| t == tactic), "{tactic}: {:#?}", first(goal, 12));
        has("x : ℝ\nh : |x - 2| ≤ 1\n⊢ x ≤ 3", "rcases abs_cases (x - 2) with ⟨h, _⟩ | ⟨h, _⟩ <;> linarith");
        has(
            "⊢ √80 / √5 = 4",
            "rw [show √(80 : ℝ) = 4 * √5 from by rw [show (80 : ℝ) = 4 ^ 2 * 5 by norm_num, Real.sqrt_mul (by norm_num), Real.sqrt_sq (by norm_num)]]",
        );
        has("x : ℝ\n⊢ 2 * √x ≤ x + 1", "nlinarith [Real.sq_sqrt (show (0 : ℝ) ≤ x by positivity), Real.sqrt_nonneg x]");
        has("x : ℝ\nh : 0 < x\n⊢ Real.logb 2 8 = 3", "norm_num [Real.logb, Real.log_rpow, Real.log_pow] at *");
        has("⊢ ⌊9 / 160 * 100⌋ = 5", "norm_num [Int.floor_eq_iff, Int.ceil_eq_iff]");
        has("⊢ (9 - 4 * Complex.I) - (-3 - 4 * Complex.I) = 12", "simp [Complex.ext_iff]");
        has(
            "b : ℝ\nh : 4 ^ b + 8 = 12\n⊢ b = 1",
            "norm_num [Real.rpow_natCast, Real.rpow_add, Real.rpow_mul, Real.rpow_neg] at *",
        );
    }
}
