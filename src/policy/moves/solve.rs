//! Values for an existence from what is said of it: an equation or a bound in which the variable stands once is solved for it.
//!
//! Read as over the rationals: where a difference or a quotient is cut off, what the value leaves to prove fails, and no more.

use super::candidate::{Family, List};
use super::shape::{Shape, binders_of_exists, exists, shape, split_top};
use super::terms::{Kind, Term, parse};
use super::view::View;
use crate::lean::ways::cut;

/// Values that are tried for one variable.
const MOST: usize = 4;
/// A relation's sign, and how much more than its left side its right side is at least.
const RELATIONS: [(&str, i32); 5] = [(" = ", 0), (" ≤ ", 0), (" ≥ ", 0), (" < ", 1), (" > ", -1)];

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    let target = view.goal.target.trim();
    if shape(target) != Shape::Exists {
        return;
    }
    list.begin(Family::Witness);
    for (rank, value) in values(target).iter().enumerate() {
        let share = 1.0 / (1.0 + rank as f64);
        list.add_settled(0.35 * share, format!("refine ⟨{value}, ?_⟩"), &[]);
        list.add(0.20 * share, format!("refine ⟨{value}, ?_⟩"));
    }
}

/// Values for the first variable of an existence.
fn values(target: &str) -> Vec<String> {
    let (names, _) = binders_of_exists(target);
    let Some((_, body)) = exists(target) else { return Vec::new() };
    let Some((name, others)) = names.split_first() else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for part in cut(body, " ∧ ").into_iter().take_while(|part| !part.trim_start().starts_with('∃')) {
        let sides = |&(sign, more): &(&str, i32)| split_top(part, sign).map(|(left, right)| (left, right, more));
        let Some((left, right, more)) = RELATIONS.iter().find_map(sides) else { continue };
        let (Some(left), Some(right)) = (parse(left.trim()), parse(right.trim())) else { continue };
        let solved = match (count(&left, name), count(&right, name)) {
            (1, 0) => isolate(name, &left, plus(&right, -more)),
            (0, 1) => isolate(name, &right, plus(&left, more)),
            _ => None,
        };
        found.extend(solved.filter(|value| parse(value).is_some_and(|v| others.iter().all(|other| count(&v, other) == 0))));
    }
    found.dedup();
    found.truncate(MOST);
    found
}

/// A term and so much more.
fn plus(term: &Term, more: i32) -> String {
    match more {
        0 => term.text.to_owned(),
        1.. => format!("{} + {more}", term.as_argument()),
        _ => format!("{} - {}", term.as_argument(), -more),
    }
}

/// How often a name stands in a term.
fn count(term: &Term, name: &str) -> usize {
    let mut n = 0;
    term.walk(&mut |t| n += usize::from(t.kind == Kind::Name && (t.text == name || t.text.starts_with(&format!("{name}.")))));
    n
}

/// Solves `side = other` for a name that stands once in `side`.
fn isolate(name: &str, side: &Term, other: String) -> Option<String> {
    if side.kind == Kind::Name {
        return (side.text == name).then_some(other);
    }
    let bracketed = parse(&other).map_or_else(|| format!("({other})"), |term| term.as_argument());
    match (side.kind, &side.parts[..]) {
        (Kind::Binary(sign), [a, b]) => {
            let first = count(a, name) > 0;
            let (with, without) = if first { (a, b) } else { (b, a) };
            let there = without.as_argument();
            let other = match (sign, first) {
                ("+", _) => format!("{bracketed} - {there}"),
                ("-", true) => format!("{bracketed} + {there}"),
                ("-", false) => format!("{there} - {bracketed}"),
                ("*", _) => format!("{bracketed} / {there}"),
                ("/", true) => format!("{bracketed} * {there}"),
                _ => return None,
            };
            isolate(name, with, other)
        }
        (Kind::Prefix("-"), [a]) => isolate(name, a, format!("-{bracketed}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn equations_and_bounds_are_solved_for_the_variable() {
        for (target, wanted) in [
            ("∃ y, y + x = 1 ∧ ∃ z, z = y + 3", "1 - x"),
            ("∃ d, m = n + d ∧ ∃ e, d = e + 6", "m - n"),
            ("∃ k, n = 2 * k", "n / 2"),
            ("∃ k, 3 * (k - 1) + x = y", "((y - x) / 3) + 1"),
            ("∃ k, a - k = b", "a - b"),
            ("∃ k, -k = b + 1", "-(b + 1)"),
            ("∃ (z : Nat), n + 6 ≤ z", "n + 6"),
            ("∃ z, n < z ∧ 0 < z", "n + 1"),
            ("∃ z, z < n", "n - 1"),
            ("∃ z, z > n", "n + 1"),
            ("∃ z, z + 2 > n", "(n + 1) - 2"),
        ] {
            assert_eq!(values(target).first().map(String::as_str), Some(wanted), "{target}");
        }
    }

    #[test]
    fn what_stands_twice_or_needs_another_value_is_left() {
        for target in ["∃ x, x * x = 2", "∃ x y, x = y + 1", "∃ x, p x", "∃ x, x = x"] {
            assert_eq!(values(target), Vec::<String>::new(), "{target}");
        }
    }

    #[test]
    fn values_pass_the_guard() {
        let goal = Goal::parse("x : Int\n⊢ ∃ y, y + x = 1 ∧ ∃ z, z = y + 3").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        assert!(list.tactics().contains(&"refine ⟨1 - x, ?_⟩"), "{:?}", list.tactics());
        list.tactics().iter().for_each(|tactic| assert_eq!(crate::lean::guard::check(tactic), Ok(()), "{tactic}"));
    }
}
