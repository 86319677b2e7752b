//! Numbers too large for tactics that compute in unary or term by term: the kernel's own arithmetic and remainders of
//! powers, tried before what would hang on them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::candidate::{Candidate, Family, List};
use super::shape::fresh;
use super::view::View;

/// A power with more bits than this is large.
const LARGE: f64 = 600.0;
/// Powers with more bits take the kernel seconds.
const AT_ONCE: f64 = 500_000.0;
/// Powers with more bits are out of the kernel's reach, too.
const UNREACHABLE: f64 = 4_000_000.0;
/// What other tactics that compute lose at a goal with a large number, and with one that nothing can compute.
const DAMPED: f64 = 0.15;
const HOPELESS: f64 = 0.01;
/// Largest modulus whose powers are stepped through.
const LARGEST_MODULUS: u128 = 1 << 60;

/// A literal power: base and exponent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Power {
    base: u64,
    exponent: u64,
}

impl Power {
    fn bits(&self) -> f64 {
        self.exponent as f64 * (self.base.max(1) as f64).log2()
    }

    /// Its remainder by squaring.
    fn modulo(&self, m: u128) -> u128 {
        let (mut result, mut base, mut left) = (1 % m, u128::from(self.base) % m, self.exponent);
        while left > 0 {
            if left & 1 == 1 {
                result = result * base % m;
            }
            base = base * base % m;
            left >>= 1;
        }
        result
    }
}

/// Literal powers of a text that are large.
fn large_powers(text: &str) -> BTreeSet<Power> {
    static POWER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[^\w.])\(?(\d{1,18})\)? \^ (\d{1,18})\b").expect("fixed"));
    let read = |c: regex::Captures| Some(Power { base: c[1].parse().ok()?, exponent: c[2].parse().ok()? });
    POWER.captures_iter(text).filter_map(read).filter(|p| p.bits() > LARGE).collect()
}

/// The steps of this module; what was added to the list before and computes is damped.
pub fn steps(view: &View, list: &mut List) {
    let text = view.goal.to_string();
    let powers = large_powers(&text);
    if powers.is_empty() {
        return;
    }
    let largest = powers.iter().map(Power::bits).fold(0.0, f64::max);
    let reachable = largest < UNREACHABLE;
    list.damp(if reachable { DAMPED } else { HOPELESS }, computes);
    list.begin(Family::Runaway);
    if reachable {
        let exponent = powers.iter().map(|p| p.exponent).max().unwrap_or(0) + 1;
        list.add(if largest < AT_ONCE { 0.7 } else { 0.3 }, "decide +kernel");
        if largest < AT_ONCE {
            list.add(0.15, format!("set_option exponentiation.threshold {exponent} in\ndecide +kernel"));
            list.add(0.10, format!("set_option exponentiation.threshold {exponent} in\nnorm_num"));
            list.add(0.15, format!("set_option exponentiation.threshold {exponent} in\nsimp"));
        }
    }
    let moduli = moduli(&text);
    let mut facts = Vec::new();
    let mut taken = Vec::new();
    for power in &powers {
        for &m in &moduli {
            let h = fresh(view.goal, "hp", &mut taken);
            facts.push((stepped(power, m, &h), h));
        }
    }
    if facts.is_empty() {
        return;
    }
    let all: Vec<&str> = facts.iter().map(|(text, _)| text.as_str()).collect();
    let names: Vec<&str> = facts.iter().map(|(_, name)| name.as_str()).collect();
    let (all, names) = (all.join("\n"), names.join(", "));
    // `omega` would compute the powers: what is known of them is enough.
    let hidden =
        powers.iter().map(|p| format!("generalize {} ^ {} = {} at *", p.base, p.exponent, fresh(view.goal, "p", &mut taken)));
    let hidden: Vec<String> = hidden.collect();
    list.add(0.6, format!("{all}\n{}\nomega", hidden.join("\n")));
    list.add(0.3, format!("{all}\nsimp [Nat.add_mod, Nat.mul_mod, Nat.dvd_iff_mod_eq_zero, {names}]"));
    list.add(0.1, format!("{all}\ngrind"));
    list.add(0.1, all);
}

/// Tactics that compute what stands in the goal.
fn computes(candidate: &Candidate) -> bool {
    const WORDS: &[&str] = &["decide", "rfl", "simp", "grind", "omega", "norm_num", "exact?"];
    WORDS.iter().any(|w| candidate.tactic.contains(w))
}

/// Literal moduli: behind `%`, and before `∣`.
fn moduli(text: &str) -> BTreeSet<u128> {
    static MODULUS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"% (\d{1,18})\b|\b(\d{1,18}) ∣").expect("fixed"));
    let found = MODULUS.captures_iter(text).filter_map(|c| c.get(1).or(c.get(2))?.as_str().parse().ok());
    found.filter(|m| (2..LARGEST_MODULUS).contains(m)).take(3).collect()
}

/// The remainder of a power, proved along the binary digits of its exponent: squared for each, multiplied once more for each
/// one. The power itself stands in no term that Lean might think of computing.
fn stepped(power: &Power, m: u128, name: &str) -> String {
    let Power { base, exponent } = power;
    let digits: Vec<&str> =
        (0..=exponent.max(&1).ilog2()).rev().map(|i| if exponent >> i & 1 == 1 { "1" } else { "0" }).collect();
    format!(
        "have {name} : {base} ^ {exponent} % {m} = {} := by\n  \
         have run : ∀ (n : List Nat) c e, c = {base} ^ e % {m} → n.foldl (fun c d => c * c * {base} ^ d % {m}) c = \
         {base} ^ (n.foldl (fun e d => 2 * e + d) e) % {m} := by\n    \
         intro n\n    \
         induction n with\n    \
         | nil => intro c e h; exact h\n    \
         | cons d n ih =>\n      \
         intro c e h\n      \
         apply ih\n      \
         rw [Nat.pow_add, Nat.two_mul, Nat.pow_add, Nat.mul_mod, Nat.mul_mod ({base} ^ e), ← h]\n      \
         simp [Nat.mul_mod]\n  \
         rw [show {exponent} = List.foldl (fun e d => 2 * e + d) 0 [{}] by decide, ← run _ 1 0 (by decide)]\n  \
         decide",
        power.modulo(m),
        digits.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::{Goal, guard};

    #[test]
    fn large_powers_are_seen_and_stepped_through() {
        assert!(large_powers("⊢ 2 ^ 10 % 7 = 2").is_empty());
        let powers = large_powers("⊢ (17 ^ 100000 + 3 ^ 5) % 13 = 1");
        assert_eq!(powers, [Power { base: 17, exponent: 100_000 }].into());
        assert_eq!(Power { base: 2, exponent: 10 }.modulo(1000), 24);
        let goal = Goal::parse("⊢ (17 ^ 100000 + 3 ^ 5) % 13 = 1").unwrap();
        let mut list = List::default();
        super::super::closers::usual(&View::new(&goal), &mut list);
        steps(&View::new(&goal), &mut list);
        let best = list.best(400);
        assert_eq!(best[0].tactic, "decide +kernel");
        assert_eq!(best[1].family, Family::Runaway);
        for candidate in &best {
            assert_eq!(guard::check(&candidate.tactic), Ok(()), "{}", candidate.tactic);
        }
    }

    #[test]
    fn powers_out_of_reach_are_only_taken_by_their_remainders() {
        let goal = Goal::parse("⊢ 7 ^ 123456789012 % 10 = 1").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        assert!(list.tactics().iter().all(|t| t.starts_with("have hp : 7 ^ 123456789012 % 10 = 1")), "{:?}", list.tactics());
    }
}
