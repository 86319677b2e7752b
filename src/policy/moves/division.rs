//! Divisibility of natural numbers: what divides the parts divides the whole, and what divides the whole and all parts but one divides
//! that one.

use super::candidate::{Family, List};
use super::shape::{numerals, split_top};
use super::view::View;

/// Facts that are combined.
const FACTS: usize = 4;
/// By which they may be multiplied first.
const FACTORS: usize = 3;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    if split_top(view.goal.target.trim(), " ∣ ").is_none() {
        return;
    }
    list.begin(Family::Arithmetic);
    let parts = [
        "assumption",
        "exact Nat.gcd_dvd_left ..",
        "exact Nat.gcd_dvd_right ..",
        "exact Nat.dvd_lcm_left ..",
        "exact Nat.dvd_lcm_right ..",
        "apply Nat.dvd_gcd",
        "apply Nat.lcm_dvd",
        "apply Nat.dvd_add",
        "apply Nat.dvd_sub",
        "apply Nat.dvd_mul_left_of_dvd",
        "apply Nat.dvd_mul_right_of_dvd",
    ];
    list.add(0.15, format!("repeat' first | {}", parts.join(" | ")));
    let facts: Vec<&str> = view.newest_facts().filter(|f| f.ty.contains(" ∣ ")).map(|f| f.name).take(FACTS).collect();
    let factors: Vec<u64> =
        [1].into_iter().chain(numerals(view.goal).into_iter().filter(|n| (2..100).contains(n)).take(FACTORS)).collect();
    let mut ways = Vec::new();
    for a in &facts {
        for b in facts.iter().filter(|b| *b != a) {
            ways.extend(
                factors.iter().map(|k| format!("(have := Nat.dvd_sub {a} (Nat.dvd_mul_left_of_dvd {b} {k}); simp_all; done)")),
            );
        }
    }
    if !ways.is_empty() {
        list.add(0.10, format!("first | {}", ways.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::{Goal, guard};

    #[test]
    fn wholes_and_parts() {
        let goal = Goal::parse("a b d : Nat\nh : d ∣ a\ng : d ∣ 4 * a + b\n⊢ d ∣ b").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        assert!(
            made[0].contains("apply Nat.dvd_add") && made[1].contains("Nat.dvd_sub g (Nat.dvd_mul_left_of_dvd h 4)"),
            "{made:?}"
        );
        assert!(made.iter().all(|t| guard::check(t).is_ok()));
        let goal = Goal::parse("a b : Nat\n⊢ a = b").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        assert!(list.tactics().is_empty());
    }
}
