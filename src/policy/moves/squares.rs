//! Inequalities of integers that squares of linear forms prove: which forms, the goal's own coefficients say.

use std::collections::BTreeSet;

use super::candidate::{Family, List};
use super::shape::numerals;
use super::view::View;

/// Largest coefficient of a form, and largest factor before its square.
const LARGEST: u64 = 12;
/// Forms that are tried.
const FORMS: usize = 6;
/// Squares are not negative.
const SQUARES: &str = "have sq : ∀ a : Int, 0 ≤ a * a := fun a =>\n  (Int.le_total 0 a).elim (fun h => Int.mul_nonneg h h) fun h => Int.mul_nonneg_of_nonpos_of_nonpos h h";

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    let target = &view.goal.target;
    if !target.contains(['≤', '<', '≥', '>']) || !target.contains(['^', '*']) {
        return;
    }
    list.begin(Family::Arithmetic);
    let variables: Vec<&str> =
        view.numbers().filter(|(name, kind)| *kind == "Int" && view.in_target(name)).map(|(name, _)| name).take(3).collect();
    let mut ways = Vec::new();
    for (p, q) in forms(&numerals(view.goal)) {
        let times = |n: u64, x: &str| if n == 1 { x.to_owned() } else { format!("{n} * {x}") };
        for (i, x) in variables.iter().enumerate() {
            let mut others: Vec<String> = variables[i + 1..].iter().map(|y| times(q, y)).collect();
            if others.is_empty() && i == 0 {
                others.push(q.to_string());
            }
            for other in others {
                ways.extend(["-", "+"].map(|sign| format!("(have := sq ({} {sign} {other}); grind)", times(p, x))));
            }
        }
    }
    if !ways.is_empty() {
        list.add(0.15, format!("{SQUARES}\nfirst | {}", ways.join(" | ")));
    }
}

/// `p` and `q` for which a multiple of `(p x ± q y)²` has coefficients that stand in the goal: that of `p x ∙ q y`, and one of the squares'
/// (1 is not written).
fn forms(numerals: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let stands = |n: u64| n == 1 || numerals.contains(&n);
    let coprime = |p: u64, q: u64| !(2..=p.min(q)).any(|d| p.is_multiple_of(d) && q.is_multiple_of(d));
    let mut found: Vec<(usize, u64, u64)> = Vec::new();
    for p in 1..=LARGEST {
        for q in 1..=LARGEST {
            let best = (1..=LARGEST)
                .filter(|k| stands(2 * k * p * q))
                .map(|k| [k * p * p, k * q * q].into_iter().filter(|n| stands(*n)).count());
            if let Some(fit) = best.max().filter(|fit| *fit > 0 && coprime(p, q)) {
                found.push((fit, p, q));
            }
        }
    }
    found.sort_by_key(|(fit, p, q)| (std::cmp::Reverse(*fit), p + q));
    found.into_iter().map(|(_, p, q)| (p, q)).take(FORMS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::{Goal, guard};

    #[test]
    fn coefficients_say_which_squares() {
        assert!(forms(&[16, 36, 48].into()).contains(&(2, 3)));
        assert!(forms(&[50, 20, 2, 0].into()).contains(&(5, 1)));
        assert!(forms(&[7].into()).is_empty());
        let made = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            steps(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let made_here = made("x : Int\n⊢ 12 * x ≤ 4 * x ^ 2 + 9");
        assert!(made_here[0].contains("(have := sq (2 * x - 3); grind)"), "{made_here:?}");
        assert_eq!(guard::check(&made_here[0]), Ok(()));
        assert!(made("x : Nat\n⊢ 12 * x ≤ 4 * x ^ 2 + 9").is_empty() && made("x : Int\n⊢ 12 * x = 4 * x ^ 2").is_empty());
    }
}
