//! ℕ, ℤ and residues: bounded variables one by one, remainders, primes, divisors, factorials, binomials.

use std::sync::LazyLock;

use regex::Regex;

use super::List;
use super::scene::{Number, Relation, Scene, argument};
use crate::lean::goal::mentions;

/// The largest bound that is taken for granted to try, and the largest range that is walked through.
const LARGEST: u64 = 1100;
const WALKED: u64 = 130;

/// The moves of this module.
pub fn add(scene: &Scene, list: &mut List) {
    if scene.has(&["[MOD ", "[ZMOD "]) {
        list.add(0.30, "decide");
        list.add(0.30, "simp [Nat.ModEq, Int.ModEq] at *");
        list.add(0.30, "simp only [Nat.ModEq, Int.ModEq] at *\nomega");
        list.add(0.10, "unfold Nat.ModEq at *\nomega");
    }
    if scene.has(&[" % ", " ∣ "]) {
        list.add(0.20, "norm_num [Nat.pow_mod, Nat.mul_mod, Nat.add_mod, *]");
        list.add(0.12, "norm_num [Int.emod_emod_of_dvd, Int.mul_emod, Int.add_emod, Int.sub_emod, pow_succ, *]");
        list.add(0.06, "norm_num [Nat.dvd_iff_mod_eq_zero, Nat.pow_mod, Nat.mul_mod, Nat.add_mod] at *");
        list.add(0.05, "norm_num at *\nomega");
        list.add(0.04, "exact Nat.dvd_of_mod_eq_zero (by norm_num)");
    }
    if scene.has(&["!"]) {
        list.add(0.45, "norm_num [Nat.factorial]");
        list.add(0.30, "decide");
        list.add(0.20, "simp [Nat.factorial]");
        list.add(0.08, "norm_num [Nat.factorial] at *");
    }
    if scene.has(&["choose"]) {
        list.add(0.30, "norm_num [Nat.choose]");
        list.add(0.20, "simp [Nat.choose]");
        list.add(0.12, "norm_num [Nat.choose, Nat.choose_succ_succ] at *");
        list.add(0.08, "rw [Nat.choose_eq_choose_pred_add (by omega) (by omega)]\nring");
    }
    if scene.has(&["gcd", "lcm"]) {
        list.add(0.25, "norm_num [Nat.lcm]");
        list.add(0.20, "norm_num [Nat.gcd, Nat.lcm] at *");
        list.add(0.10, "simp [Nat.lcm, Nat.gcd_comm] at *");
    }
    if scene.has(&["divisors", "Divisors"]) {
        list.add(0.35, "rfl");
        list.add(0.35, "decide +kernel");
        list.add(0.20, "norm_num [Nat.divisors, Nat.properDivisors]");
        list.add(0.10, "simp [Nat.divisors, Nat.properDivisors]\nrfl");
    }
    if scene.has(&["Nat.sqrt", "NNReal.sqrt", ".sqrt"]) {
        list.add(0.20, "norm_num [Nat.sqrt]");
    }
    if scene.number == Number::Residue || scene.has(&["ZMod"]) {
        list.add(0.40, "subst_vars\ndecide");
        list.add(0.35, "decide");
        list.add(0.20, "subst_vars\nrfl");
        list.add(0.10, "reduce_mod_char");
        for (x, _) in scene.variables.iter().filter(|(_, n)| *n == Number::Residue).take(2) {
            list.add(0.10, format!("fin_cases {x} <;> simp_all"));
            list.add(0.05, format!("fin_cases {x} <;> decide"));
        }
    }
    primes(scene, list);
    bounded(scene, list);
    squares_of_integers(scene, list);
    from_a_start(scene, list);
}

/// What a prime brings.
fn primes(scene: &Scene, list: &mut List) {
    if scene.asks(&["Nat.Prime", "Prime "]) {
        list.add(0.35, "norm_num [Nat.prime_def_lt'']");
        list.add(0.20, "decide");
        list.add(0.06, "rw [Nat.prime_def_lt'']");
    }
    let known: Vec<&str> = scene
        .facts
        .iter()
        .filter(|f| f.says.starts_with("Nat.Prime ") || f.says.ends_with(".Prime") || f.says.starts_with("Prime "))
        .map(|f| f.term.as_str())
        .collect();
    for prime in known.iter().take(2) {
        let prime = argument(prime);
        list.add(0.12, format!("have := {prime}.two_le"));
        list.add(0.08, format!("rcases {prime}.eq_two_or_odd with h | h"));
        list.add(0.06, format!("have := {prime}.two_le\nnlinarith"));
        list.add(0.05, format!("have := {prime}.one_lt\nomega"));
        if scene.has(&["∣", "%"]) {
            list.add(0.10, format!("exact {prime}.dvd_of_dvd_pow (by assumption)"));
            list.add(0.06, format!("have := {prime}.eq_one_or_self_of_dvd"));
            if scene.asks(&["^"]) {
                let divides = format!("Prime.dvd_pow_iff_dvd (Nat.prime_iff_prime_int.mp {prime}) (by norm_num)");
                list.add(0.24, format!("simp only [← Int.dvd_iff_emod_eq_zero, {divides}]"));
                list.add(0.14, format!("simp only [← Nat.dvd_iff_mod_eq_zero, {prime}.dvd_pow_iff_dvd (by norm_num)]"));
            }
        }
    }
    if known.len() > 1 {
        list.add(0.06, "nlinarith [Nat.Prime.two_le (by assumption)]");
    }
}

/// Variables between two numbers, value by value; where only one is known, the other is asked for.
fn bounded(scene: &Scene, list: &mut List) {
    let whole = |n: Number| matches!(n, Number::Nat | Number::Int);
    let variables: Vec<&str> = scene.variables_of(whole).into_iter().take(4).collect();
    let (mut all, mut open) = (Vec::new(), Vec::new());
    for &x in &variables {
        match (lower(scene, x), upper(scene, x)) {
            (true, Some(most)) if most <= WALKED => all.push(x),
            (true, None) => open.push(x),
            _ => {}
        }
    }
    for x in &all {
        list.add(0.26, format!("interval_cases {x} <;> omega"));
        list.add(0.22, format!("interval_cases {x} <;> simp_all"));
        list.add(0.14, format!("interval_cases {x} <;> norm_num at *"));
        list.add(0.08, format!("interval_cases {x}"));
    }
    if let [x, y, ..] = all[..] {
        list.add(0.24, format!("interval_cases {x} <;> interval_cases {y} <;> omega"));
        list.add(0.16, format!("interval_cases {x} <;> interval_cases {y} <;> simp_all"));
    }
    // A product or a square that is a number bounds its factors.
    let equations: Vec<&str> = scene.facts.iter().filter(|f| f.says.contains(" = ")).map(|f| f.says.as_str()).collect();
    let bound = |x: &&str| {
        let speaks = |says: &&&str| mentions(says, x) && says.contains(['*', '^']);
        equations.iter().filter(speaks).find_map(|says| largest(says))
    };
    for (x, most) in open.iter().filter_map(|x| Some((x, bound(x)?))).take(2) {
        if most <= LARGEST {
            list.add(0.14, format!("have : {x} ≤ {most} := by nlinarith\ninterval_cases {x} <;> omega"));
        }
        let root = most.isqrt() + 1;
        if root < most {
            list.add(0.10, format!("have : {x} ≤ {root} := by nlinarith\ninterval_cases {x} <;> omega"));
            list.add(0.06, format!("have : {x} ≤ {root} := by nlinarith\ninterval_cases {x} <;> simp_all <;> nlinarith"));
        }
    }
    for (x, _) in scene.variables.iter().filter(|(_, n)| *n == Number::Int).take(2) {
        if let Some(most) = equations.iter().find(|says| mentions(says, x)).and_then(|says| largest(says)) {
            let root = most.isqrt() + 1;
            list.add(
                0.06,
                format!(
                    "have : {x} ≤ {root} := by nlinarith\nhave : -{root} ≤ {x} := by nlinarith\ninterval_cases {x} <;> omega"
                ),
            );
        }
    }
}

fn lower(scene: &Scene, x: &str) -> bool {
    let natural = scene.variables.iter().any(|(name, n)| *name == x && *n == Number::Nat);
    natural
        || scene.facts.iter().any(|f| match f.relation() {
            Some((left, Relation::Less | Relation::AtMost, right)) => {
                right == x && left.trim_start_matches('-').parse::<u64>().is_ok()
            }
            _ => false,
        })
}

fn upper(scene: &Scene, x: &str) -> Option<u64> {
    let bounds = scene.facts.iter().filter_map(|f| match f.relation()? {
        (left, Relation::Less | Relation::AtMost, right) if left == x => right.parse::<u64>().ok(),
        _ => None,
    });
    bounds.min()
}

/// The largest numeral of a text that may be a bound, or whose root may; an exponent is none.
fn largest(text: &str) -> Option<u64> {
    static NUMERAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:(\^ )|^|[\s(])(\d{1,6})\b").expect("fixed"));
    let numerals = NUMERAL.captures_iter(text).filter(|c| c.get(1).is_none());
    numerals.filter_map(|c| c[2].parse().ok()).max().filter(|n| (1..=WALKED * WALKED).contains(n))
}

/// `n ^ 2 % 3`, `2 ∣ n * (n + 1)`: the remainders of the variable, one by one.
fn squares_of_integers(scene: &Scene, list: &mut List) {
    static MODULUS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"% (\d{1,2})\b|\b(\d{1,2}) ∣").expect("fixed"));
    let Some(modulus) = MODULUS.captures(scene.target) else { return };
    let Some(m) = modulus.get(1).or(modulus.get(2)).and_then(|m| m.as_str().parse::<u32>().ok()) else { return };
    let whole = |n: Number| matches!(n, Number::Nat | Number::Int);
    let Some(x) = scene.variables_of(whole).first().copied().filter(|x| mentions(scene.target, x)) else { return };
    if (2..=16).contains(&m) && scene.target.contains(['^', '*']) {
        let cases: Vec<String> = (0..m).map(|r| format!("{x} % {m} = {r}")).collect();
        let names = vec!["h"; m as usize].join(" | ");
        let lemmas = "pow_succ, Nat.mul_mod, Nat.add_mod, Nat.pow_mod, Int.mul_emod, Int.add_emod, Int.sub_emod";
        list.add(
            0.24,
            format!("have : {} := by omega\nrcases this with {names} <;> norm_num [h, {lemmas}]", cases.join(" ∨ ")),
        );
        list.add(
            0.10,
            format!("have : {} := by omega\nrcases this with {names} <;> simp [h, {lemmas}] <;> omega", cases.join(" ∨ ")),
        );
    }
}

/// Induction from the number at which a hypothesis starts.
fn from_a_start(scene: &Scene, list: &mut List) {
    for f in &scene.facts {
        let Some((start, Relation::AtMost | Relation::Less, n)) = f.relation() else { continue };
        let natural = scene.variables.iter().any(|(name, number)| *name == n && *number == Number::Nat);
        if !natural || !mentions(scene.target, n) || start.parse::<u64>().is_err() || f.term.contains('.') {
            continue;
        }
        for (p, end) in [
            (0.14, "simp_all [Nat.factorial_succ, pow_succ, Finset.sum_range_succ, Finset.prod_range_succ] <;> nlinarith"),
            (0.10, "norm_num [pow_succ] at *\n  omega"),
            (0.06, "simp_all [pow_succ] <;> nlinarith"),
        ] {
            list.add(
                p,
                format!("induction {n}, {} using Nat.le_induction with\n| base => norm_num [Nat.factorial]\n| succ k hk ih =>\n  {end}", f.term),
            );
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::first;

    #[test]
    fn integers_are_walked_through() {
        let has =
            |goal: &str, tactic: &str| assert!(first(goal, 14).iter().any(|t| t == tactic), "{tactic}: {:#?}", first(goal, 14));
        has("n : ℕ\nh : n < 10\ng : n * 7 % 10 = 1\n⊢ n = 3", "interval_cases n <;> omega");
        has("a b : ℕ\nh : 1 ≤ a ∧ a ≤ 9\ng : b ≤ 9\n⊢ a = b", "interval_cases a <;> interval_cases b <;> omega");
        has("x y : ℕ\nh : x * y = 71\n⊢ x + y = 72", "have : x ≤ 71 := by nlinarith\ninterval_cases x <;> omega");
        has(
            "a q r : ℕ\nh₁ : a ^ 2 = a * q + r\nh₂ : q ^ 2 + r = 1977\n⊢ q < 45",
            "have : q ≤ 45 := by nlinarith\ninterval_cases q <;> omega",
        );
        has(
            "n : ℤ\np : ℕ\nhp : Nat.Prime p\n⊢ ↑p ∣ n ↔ n ^ 2 % p = 0",
            "simp only [← Int.dvd_iff_emod_eq_zero, Prime.dvd_pow_iff_dvd (Nat.prime_iff_prime_int.mp hp) (by norm_num)]",
        );
        has("⊢ 9 ! % 10 = 0", "norm_num [Nat.factorial]");
        has("p : ℕ\nhp : Nat.Prime p\nh : p ∣ 7 ^ 2\n⊢ p ∣ 7", "exact hp.dvd_of_dvd_pow (by assumption)");
        has("a b : ℕ\nh : a ≡ 5 [MOD 16]\n⊢ a % 16 = 5", "simp only [Nat.ModEq, Int.ModEq] at *\nomega");
        has("l r : ZMod 7\nh : l = (2 + 3)⁻¹\n⊢ l = 3", "subst_vars\ndecide");
        assert!(first("a : ℤ\n⊢ a ^ 2 % 4 = 0 ∨ a ^ 2 % 4 = 1", 14).iter().any(|t| t.starts_with("have : a % 4 = 0 ∨")));
        let goal = "n : ℕ\nh₀ : 4 ≤ n\n⊢ n ^ 2 ≤ n !";
        assert!(
            first(goal, 14).iter().any(|t| t.starts_with("induction n, h₀ using Nat.le_induction")),
            "{:#?}",
            first(goal, 14)
        );
    }
}
