//! Powers of literals that are too large to be computed by most tactics: by the kernel, or by their remainders.

use std::sync::LazyLock;

use regex::Regex;

use super::List;
use super::shape::{fresh, moduli};
use crate::lean::Goal;

/// Smaller exponents are computed by every tactic (Lean's `exponentiation.threshold`).
const COMPUTED: u64 = 256;
/// The kernel computes powers up to such an exponent at once.
const KERNEL: u64 = 50_000;
/// Powers that one move takes.
const MOST: usize = 3;

/// The steps of this module.
pub fn steps(goal: &Goal, list: &mut List) {
    let powers = large(&goal.to_string());
    if powers.is_empty() {
        return;
    }
    let size = |&(base, exponent): &(u64, u64)| exponent * (base.max(2).ilog2() as u64 + 1) / 2;
    if powers.iter().all(|power| size(power) <= KERNEL) {
        list.add(0.60, "decide +kernel");
    }
    for modulus in moduli(goal) {
        list.add(0.65, by_remainders(goal, &powers, u64::from(modulus)));
    }
}

/// Literal powers in a text, each once.
fn large(text: &str) -> Vec<(u64, u64)> {
    static POWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(\d{1,9}) \^ (\d{1,18})\b").expect("fixed"));
    let mut powers: Vec<(u64, u64)> = Vec::new();
    for c in POWER.captures_iter(text) {
        if let (Ok(base), Ok(exponent)) = (c[1].parse(), c[2].parse())
            && exponent > COMPUTED
            && !powers.contains(&(base, exponent))
        {
            powers.push((base, exponent));
        }
    }
    powers.truncate(MOST);
    powers
}

/// The remainder of each power, by squaring and multiplying along the binary digits of its exponent; then the powers are
/// hidden from the arithmetic, which would compute them.
fn by_remainders(goal: &Goal, powers: &[(u64, u64)], modulus: u64) -> String {
    let mut taken = Vec::new();
    let mut lines = Vec::new();
    for &(base, exponent) in powers {
        let run = fresh(goal, "run", &mut taken);
        let digits: Vec<String> = (0..=exponent.ilog2()).rev().map(|i| (exponent >> i & 1).to_string()).collect();
        let digits = digits.join(", ");
        let (residue, h) = (remainder(base, exponent, modulus), fresh(goal, "h", &mut taken));
        lines.push(format!(
            "have {run} : ∀ (n : List Nat) c e, c = {base} ^ e % {modulus} → n.foldl (fun c d => c * c * {base} ^ d % {modulus}) c = \
             {base} ^ (n.foldl (fun e d => 2 * e + d) e) % {modulus} := by\n  \
             intro n\n  \
             induction n with\n  \
             | nil => intro c e h; exact h\n  \
             | cons d n ih =>\n    \
             intro c e h\n    \
             apply ih\n    \
             rw [Nat.pow_add, Nat.two_mul, Nat.pow_add, Nat.mul_mod, Nat.mul_mod ({base} ^ e), ← h]\n    \
             simp [Nat.mul_mod]\n\
             have {h} : {base} ^ {exponent} % {modulus} = {residue} := by\n  \
             rw [show {exponent} = List.foldl (fun e d => 2 * e + d) 0 [{digits}] by decide, ← {run} _ 1 0 (by decide)]\n  \
             decide\n\
             clear {run}"
        ));
    }
    for &(base, exponent) in powers {
        lines.push(format!("generalize {base} ^ {exponent} = {} at *", fresh(goal, "p", &mut taken)));
    }
    lines.push("omega".to_owned());
    lines.join("\n")
}

fn remainder(base: u64, exponent: u64, modulus: u64) -> u64 {
    let modulus = u128::from(modulus);
    let (mut result, mut square, mut left) = (1 % modulus, u128::from(base) % modulus, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = result * square % modulus;
        }
        square = square * square % modulus;
        left >>= 1;
    }
    result as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::guard;

    #[test]
    fn remainders_are_those_of_the_powers() {
        assert_eq!((remainder(7, 888_888, 11), remainder(2, 10, 1000), remainder(5, 0, 1)), (9, 24, 0));
    }

    #[test]
    fn a_large_power_is_taken_by_its_remainder() {
        let goal = Goal::parse("h : Nat\n⊢ (2 ^ 1000000 + 7 ^ 888888) % 11 = 10").unwrap();
        let mut list = List(Vec::new());
        steps(&goal, &mut list);
        let [(tactic, _)] = &list.0[..] else { panic!("{:?}", list.0) };
        assert!(
            tactic.contains("have h1 : 2 ^ 1000000 % 11 = 1 ") && tactic.contains("have h2 : 7 ^ 888888 % 11 = 9 "),
            "{tactic}"
        );
        assert_eq!(guard::check(tactic), Ok(()));
        let small = Goal::parse("⊢ 2 ^ 1000 % 7 = 2").unwrap();
        steps(&small, &mut list);
        assert!(list.0.iter().any(|(tactic, _)| tactic == "decide +kernel"));
    }
}
