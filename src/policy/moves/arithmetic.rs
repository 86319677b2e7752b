//! Steps for numbers: powers, remainders, periods of powers, common divisors, casts, products of inequalities.

use std::sync::LazyLock;

use regex::Regex;

use super::bounds::inequalities;
use super::candidate::{Family, List};
use super::shape::{entries, fresh, moduli, number_type, split_top};
use crate::lean::Goal;
use crate::lean::goal::mentions;

/// Longest period of a power's remainders that is used.
const LONGEST_PERIOD: u64 = 12;

/// The steps of this module.
pub fn steps(goal: &Goal, list: &mut List) {
    list.begin(Family::Arithmetic);
    let text = goal.to_string();
    let all = entries(goal);
    let numbers: Vec<(&str, &str)> = all.iter().filter_map(|e| Some((e.name, number_type(e.ty)?))).collect();
    if text.contains('^') {
        list.add(0.10, "simp only [Nat.pow_succ, Nat.pow_zero, Nat.mul_add, Nat.pow_add, Nat.pow_mul] at *\nomega");
        list.add(0.05, "grind [Nat.pow_succ, Nat.pow_mod, Int.pow_succ]");
        list.add(0.05, "simp only [Nat.pow_succ, Int.pow_succ, Nat.pow_zero, Int.pow_zero] at *");
        list.add(0.02, "exact Nat.pow_dvd_pow _ (by omega)");
    }
    if text.contains(['%', '∣']) {
        list.add(0.10, "simp [Nat.pow_succ, Nat.pow_mod, Nat.mul_mod, Nat.add_mod, *]");
        list.add(0.10, "simp [Int.pow_succ, Int.mul_emod, Int.add_emod, Int.sub_emod, *]");
    }
    if text.contains("gcd") || text.contains("lcm") {
        common_divisors(goal, list);
    }
    if text.contains('↑') {
        casts(goal, &numbers, list);
    }
    for &(x, kind) in numbers.iter().take(4) {
        remainders(goal, x, kind, list);
        if kind == "Nat" {
            periods(goal, &text, x, list);
        }
    }
    products(goal, &text, list);
}

/// The number that casts hide, and an equation of naturals proved where the arithmetic is: among the casts.
fn casts(goal: &Goal, numbers: &[(&str, &str)], list: &mut List) {
    list.add(0.08, "norm_cast at *");
    list.add(0.06, "push_cast at *");
    list.add(0.04, "norm_cast at *\ngrind");
    if let Some((left, right)) = split_top(&goal.target, " = ")
        && numbers.iter().any(|(x, kind)| *kind == "Nat" && mentions(left, x))
    {
        let rational = goal.hypotheses.iter().any(|h| h.ty.contains('/'));
        let order = if rational { ["Rat", "Int"] } else { ["Int", "Rat"] };
        for (ty, p) in order.into_iter().zip([0.12, 0.04]) {
            list.add(p, format!("suffices h : ((({left}) : Nat) : {ty}) = {right} by exact_mod_cast h\ngrind"));
        }
    }
}

/// Splits on the remainder of `x`, for every modulus in sight.
fn remainders(goal: &Goal, x: &str, kind: &str, list: &mut List) {
    let h = fresh(goal, "h", &mut Vec::new());
    let rem = if kind == "Int" { "emod" } else { "mod" };
    let minus = if kind == "Int" { ", Int.sub_emod" } else { "" };
    for m in moduli(goal) {
        let cases: Vec<String> = (0..m).map(|r| format!("{x} % {m} = {r}")).collect();
        let names = vec![h.as_str(); m as usize].join(" | ");
        let split = format!("rcases (by omega : {}) with {names}", cases.join(" ∨ "));
        let p = 0.16 / f64::from(m).sqrt();
        if m <= 8 {
            list.add(p * 0.3, split.clone());
        }
        list.add(p, format!("{split} <;> simp [{kind}.pow_succ, {kind}.mul_{rem}, {kind}.add_{rem}{minus}, {h}]"));
        list.add(p * 0.4, format!("{split} <;> grind"));
    }
}

/// Powers of a literal base repeat modulo `m` (Euler): splits the exponent by the period, and reduces.
fn periods(goal: &Goal, text: &str, n: &str, list: &mut List) {
    static POWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(\d{1,4}) \^ (\([^()]*\)|[^\s()]+)").expect("fixed"));
    let mut taken = Vec::new();
    let (q, h) = (fresh(goal, "q", &mut taken), fresh(goal, "h", &mut taken));
    let bases: std::collections::BTreeSet<u64> =
        POWER.captures_iter(text).filter(|c| mentions(&c[2], n)).filter_map(|c| c[1].parse().ok()).collect();
    for base in bases.into_iter().filter(|b| *b > 1).take(2) {
        for m in moduli(goal) {
            let Some(period) = period(base, u64::from(m)).filter(|p| *p > 1) else { continue };
            let cases: Vec<String> = (0..period).map(|r| format!("{n} = {period} * {q} + {r}")).collect();
            let split = format!(
                "obtain ⟨{q}, {h}⟩ : ∃ {q}, {} := ⟨{n} / {period}, by omega⟩\nrcases {h} with {}",
                cases.join(" ∨ "),
                vec!["rfl"; period as usize].join(" | ")
            );
            let end = format!(
                "(have := Nat.pow_mod ({base} ^ {period}) {q} {m}; simp [Nat.pow_add, Nat.pow_mul, Nat.mul_add] at *; omega)"
            );
            list.add(0.15, format!("{split} <;> {end}"));
            let end = "simp_all [Nat.pow_add, Nat.pow_mul, Nat.mul_mod, Nat.pow_mod, Nat.add_mod, Nat.dvd_iff_mod_eq_zero]";
            list.add(0.08, format!("{split} <;> {end} <;> omega"));
        }
    }
}

/// The least `p` with `base ^ p % m = 1`.
fn period(base: u64, m: u64) -> Option<u64> {
    let mut power = 1;
    (1..=LONGEST_PERIOD).find(|_| {
        power = power * base % m;
        power == 1
    })
}

/// A common divisor divides every combination of its two numbers.
fn common_divisors(goal: &Goal, list: &mut List) {
    list.add(0.10, "simp_all [Nat.gcd_comm, Nat.lcm]");
    list.add(0.05, "simp [Nat.lcm] at *");
    list.add(0.05, "grind [Nat.gcd_le_left, Nat.gcd_le_right, Nat.gcd_dvd_left, Nat.gcd_dvd_right]");
    let Some((m, n)) = gcd_arguments(&goal.target) else { return };
    let mut taken = Vec::new();
    let (hl, hr) = (fresh(goal, "hl", &mut taken), fresh(goal, "hr", &mut taken));
    let both = format!("have {hl} := Nat.gcd_dvd_left ({m}) ({n})\nhave {hr} := Nat.gcd_dvd_right ({m}) ({n})");
    list.add(0.08, both.clone());
    let mut text = format!("{both}\nfirst");
    for (a, b) in [(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (3, 2), (2, 3)] {
        let (left, right) = (format!("(Nat.dvd_mul_left_of_dvd {hl} {a})"), format!("(Nat.dvd_mul_left_of_dvd {hr} {b})"));
        for (first, second) in [(&left, &right), (&right, &left)] {
            text.push_str(&format!("\n| have := Nat.le_of_dvd (by omega) (Nat.dvd_sub {first} {second})\n  omega"));
        }
    }
    list.add(0.08, text);
}

/// Arguments of the first `gcd` in a text, when they are in brackets or single words.
fn gcd_arguments(text: &str) -> Option<(String, String)> {
    static GCD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[\s(])(?:Nat\.)?gcd (\([^()]*\)|[^\s()]+) (\([^()]*\)|[^\s()]+)|\(([^()]*)\)\.gcd (\([^()]*\)|[^\s()]+)|([\w'.]+)\.gcd (\([^()]*\)|[^\s()]+)")
            .expect("fixed")
    });
    let strip = |m: regex::Match| m.as_str().trim_start_matches('(').trim_end_matches(')').to_owned();
    let c = GCD.captures(text)?;
    Some((strip(c.get(1).or(c.get(3)).or(c.get(5))?), strip(c.get(2).or(c.get(4)).or(c.get(6))?)))
}

/// Products of differences that hypotheses say are not negative: what a linear procedure misses.
fn products(goal: &Goal, text: &str, list: &mut List) {
    if !text.contains(['*', '^']) {
        return;
    }
    let all = inequalities(goal);
    for (i, (a, strict)) in all.iter().enumerate() {
        for (b, also) in &all[i..] {
            let (lemma, part) =
                if *strict && *also { ("mul_pos", "sub_pos_of_lt") } else { ("mul_nonneg", "sub_nonneg_of_le") };
            list.add(0.03, format!("have := Int.{lemma} (Int.{part} {a}) (Int.{part} {b})\ngrind"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_orders() {
        assert_eq!((period(2, 7), period(10, 7), period(2, 4)), (Some(3), Some(6), None));
    }

    #[test]
    fn arguments_of_gcd_are_found() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(gcd_arguments("Nat.gcd (n + 7) (2 * n + 1) ≤ 13"), pair("n + 7", "2 * n + 1"));
        assert_eq!(gcd_arguments("(n + 7).gcd (2 * n + 1) ≤ 13"), pair("n + 7", "2 * n + 1"));
        assert_eq!(gcd_arguments("a.gcd b = 1"), pair("a", "b"));
    }
}
