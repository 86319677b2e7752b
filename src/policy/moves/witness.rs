//! Values for an existence: numbers, terms of the goal, and two of them nested.

use super::candidate::{Family, List};
use super::shape::{Shape, binders_of_exists, fresh, number_type, numerals, shape, speaks_of_a_number};
use super::view::View;

/// Terms of the goal that are tried as values.
const TERMS: usize = 8;
/// Numbers in the place of each of two, where nothing varies.
const GRID: u32 = 11;
/// How far above a variable two values are looked for.
const NEAR: u64 = 9;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    let target = view.goal.target.trim();
    if shape(target) != Shape::Exists {
        return;
    }
    list.begin(Family::Witness);
    let (_, ty) = binders_of_exists(target);
    let is_number = ty.map_or_else(|| speaks_of_numbers(target), |ty| number_type(ty).is_some());
    if is_number {
        for n in 0..4 {
            list.add(0.2 / f64::from(n + 1), format!("refine ⟨{n}, ?_⟩"));
        }
        if ty.is_none_or(|ty| number_type(ty) == Some("Int")) {
            list.add(0.05, "refine ⟨-1, ?_⟩");
        }
    }
    for entry in view.data.iter().filter(|e| ty.is_none_or(|ty| ty == e.ty)).take(4) {
        list.add(0.15, format!("refine ⟨{}, ?_⟩", entry.name));
        if number_type(entry.ty).is_some() {
            list.add(0.06, format!("refine ⟨{} + 1, ?_⟩", entry.name));
            list.add(0.03, format!("refine ⟨{} - 1, ?_⟩", entry.name));
            list.add(0.03, format!("refine ⟨2 * {}, ?_⟩", entry.name));
        }
    }
    let fits = |t: &&super::terms::Term| {
        !t.is_proposition() && t.text.contains(' ') && (!is_number || t.is_arithmetic() || t.kind == super::terms::Kind::Apply)
    };
    for (rank, term) in view.terms.iter().filter(fits).take(TERMS).enumerate() {
        list.add(0.06 / (1.0 + 0.3 * rank as f64), format!("refine ⟨{}, ?_⟩", term.text));
    }
    if is_number {
        let values = numbers(view);
        for (p, end) in [(0.25, "decide"), (0.12, "omega"), (0.04, "simp_all"), (0.03, "grind")] {
            let ways: Vec<String> = values.iter().map(|v| format!("exact ⟨{v}, by {end}⟩")).collect();
            list.add(p, format!("first | {}", ways.join(" | ")));
        }
        nested(view, target, list);
        ground(view, target, list);
        above(view, target, list);
    }
    list.add(0.12, "constructor");
    list.add(0.05, "exact ⟨_, rfl⟩");
    list.add(0.05, "refine ⟨_, rfl, ?_⟩");
    list.add(0.04, "refine ⟨_, ?_, rfl⟩");
    list.add(0.04, "refine ⟨_, ‹_›⟩");
    list.add(0.03, "exact ⟨_, ‹_›, ‹_›⟩");
    list.add(0.03, "exact ⟨_, by assumption⟩");
    for fact in view.newest_facts().take(4) {
        list.add(0.03, format!("exact ⟨_, {}⟩", fact.name));
    }
    let h = fresh(view.goal, "h", &mut Vec::new());
    list.add(0.10, format!("apply Classical.byContradiction\nintro {h}"));
}

/// Whether a value whose type is not shown may be a number: something is computed or compared.
fn speaks_of_numbers(target: &str) -> bool {
    let computed = [" + ", " - ", " * ", " ^ ", " % ", " / ", " < ", " ≤ ", " > ", " ≥ ", " ∣ "];
    computed.iter().any(|sign| target.contains(sign)) || speaks_of_a_number(target)
}

/// Numbers that a goal's own numerals make likely: small ones, and those around and above each numeral.
fn numbers(view: &View) -> Vec<u64> {
    let near = numerals(view.goal).into_iter().filter(|n| *n <= 5000).take(6);
    let mut found: Vec<u64> = (0..13).chain(near.flat_map(|n| (n.saturating_sub(1)..n + 7).chain([2 * n, 3 * n]))).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Two values, or a value and parts of what is said of it: each part with its own end.
fn nested(view: &View, target: &str, list: &mut List) {
    let (names, _) = binders_of_exists(target);
    let two = names.len() > 1 || target.matches('∃').count() > 1;
    let parts = target.matches(" ∧ ").count().min(3);
    let mut values: Vec<String> = view.numbers().map(|(n, _)| n.to_owned()).take(3).collect();
    let more: Vec<String> = values.iter().flat_map(|n| [format!("{n} + 1"), format!("2 * {n}"), format!("{n} / 2")]).collect();
    values.extend(more);
    values.extend((0..4).map(|n| n.to_string()));
    let ends = |count: usize| vec!["by first | omega | simp | decide | grind"; count].join(", ");
    let mut whole: Vec<String> = Vec::new();
    for a in values.iter().take(if two { 6 } else { values.len() }) {
        let second: Vec<String> =
            if two { values.iter().take(6).map(|b| format!("{b}, ")).collect() } else { vec![String::new()] };
        whole.extend(second.iter().map(|b| format!("exact ⟨{a}, {b}{}⟩", ends(parts + 1))));
    }
    list.add(0.08, format!("first\n| {}", whole.join("\n| ")));
    if two {
        for a in values.iter().take(5) {
            for b in values.iter().take(4) {
                list.add(0.012, format!("refine ⟨{a}, {b}, ?_⟩"));
            }
        }
    }
}

/// Where nothing varies, pairs of numbers are decided one by one, small ones first.
fn ground(view: &View, target: &str, list: &mut List) {
    let (names, _) = binders_of_exists(target);
    if (names.len() != 2 && target.matches('∃').count() != 2) || view.goal.names().any(|name| view.in_target(name)) {
        return;
    }
    let mut pairs: Vec<(u32, u32)> = (0..GRID).flat_map(|a| (0..GRID).map(move |b| (a, b))).collect();
    pairs.sort_by_key(|(a, b)| (*a.max(b), a + b));
    let ways: Vec<String> = pairs.iter().map(|(a, b)| format!("exact ⟨{a}, {b}, by decide⟩")).collect();
    list.add(0.15, format!("first | {}", ways.join(" | ")));
}

/// Numbers above a variable, with a remainder if one is asked for; of two existences, the second beside the variable as well.
fn above(view: &View, target: &str, list: &mut List) {
    let Some((n, _)) = view.numbers().find(|(n, kind)| *kind == "Nat" && view.in_target(n)) else { return };
    let numerals: Vec<u64> = numerals(view.goal).into_iter().filter(|m| *m < 100).collect();
    let mut ways = Vec::new();
    if target.contains(['%', '∣']) {
        for m in numerals.iter().filter(|m| **m > 1).rev().take(3) {
            for r in [0].iter().chain(&numerals).filter(|r| *r < m) {
                let more = numerals.iter().max().map_or(1, |most| most + 1);
                ways.extend([1, more].map(|more| format!("exact ⟨{m} * ({n} + {more}) + {r}, by omega⟩")));
            }
        }
    } else if target.matches('∃').count() == 2 {
        let steps: Vec<u64> = (0..NEAR).collect();
        for a in &steps {
            ways.extend(steps.iter().map(|b| format!("exact ⟨{n} + {a}, by omega, {n} + {b}, by omega⟩")));
        }
    }
    if !ways.is_empty() {
        list.add(0.12, format!("first | {}", ways.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn no_numbers_where_nothing_is_counted() {
        let made = |target: &str| {
            let goal = Goal::parse(target).unwrap();
            let mut list = List::default();
            steps(&View::new(&goal), &mut list);
            list.tactics().iter().any(|t| t.contains("⟨0, "))
        };
        assert!(!made("q : α → Prop\n⊢ ∃ x, q x") && made("⊢ ∃ x, f x = 3") && made("⊢ ∃ x, x * x < y"));
    }

    #[test]
    fn pairs_and_numbers_above_are_tried_together() {
        let made = |target: &str| {
            let goal = Goal::parse(target).unwrap();
            let mut list = List::default();
            steps(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        assert!(made("⊢ ∃ a b, 0 < a ∧ a * a + b * b = 53").contains("exact ⟨2, 7, by decide⟩"));
        assert!(!made("n : Nat\n⊢ ∃ a b, n = a + b").contains("exact ⟨2, 7, by decide⟩"));
        assert!(made("n : Nat\n⊢ ∃ k, n < k ∧ k % 4 = 3").contains("exact ⟨4 * (n + 1) + 3, by omega⟩"));
        assert!(made("n : Nat\n⊢ ∃ m, n + 5 < m ∧ ∃ j, m = j + 3").contains("exact ⟨n + 6, by omega, n + 3, by omega⟩"));
    }

    #[test]
    fn values_come_from_the_goal_and_nest() {
        let goal = Goal::parse("n : Nat\nh : n % 2 = 1\n⊢ ∃ a b, n = 2 * a + b ∧ b < 2").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        assert!(made.contains(&"refine ⟨n, 1, ?_⟩") || made.contains(&"refine ⟨n, n + 1, ?_⟩"), "{made:#?}");
        assert!(made.iter().any(|t| t.contains("exact ⟨n / 2, ")) || made.iter().any(|t| t.contains("⟨n / 2, 1")), "{made:#?}");
        for tactic in made {
            assert_eq!(crate::lean::guard::check(tactic), Ok(()), "{tactic}");
        }
    }
}
