//! Inductive predicates of the header: at the target their constructors, at hypotheses the ways in which they came about.

use super::candidate::{Family, List, settled};
use super::header::{DataType, Header};
use super::shape::{Entry, fresh};
use super::terms::parse;
use super::unfold::{speaks_of, words};
use super::view::View;

/// Hypotheses that are looked at, the newest first.
const NEWEST: usize = 3;
/// Constructors that are applied, and theorems of the header that go with them.
const APPLIED: usize = 6;
const THEOREMS: usize = 4;

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    at_target(view, header, list);
    let of_own = view.newest_facts().filter_map(|e| Some((e, header.type_of(e.ty).filter(|own| own.predicate)?)));
    of_own.take(NEWEST).for_each(|(fact, own)| came_about(view, header, fact, own, list));
}

/// What proves the target's predicate: constructors, one behind the other, and what the header knows of it.
fn at_target(view: &View, header: &Header, list: &mut List) {
    list.begin(Family::Apply);
    let Some(own) = header.type_of(&view.goal.target).filter(|own| own.predicate) else { return };
    let rules = rules(header, own);
    if !rules.is_empty() {
        let all = rules.join(", ");
        list.add_with(0.30, format!("first | solve_by_elim [{all}] | grind [{all}]"), &rules);
    }
    for (rank, constructor) in own.constructors.iter().map(|c| c.name.as_str()).take(APPLIED).enumerate() {
        let p = 1.0 / (1.0 + 0.2 * rank as f64);
        list.add_with(0.15 * p, format!("apply {constructor}"), &[constructor]);
        list.add_with(0.08 * p, settled(&format!("apply {constructor}"), &rules), &rules);
    }
}

/// Constructors of a predicate, and the newest theorems that speak of it.
fn rules<'h>(header: &'h Header, own: &'h DataType) -> Vec<&'h str> {
    let theorems = header.facts.iter().rev().filter(|f| speaks_of(&words(&f.statement), &own.name)).map(|f| f.name.as_str());
    own.constructors.iter().map(|c| c.name.as_str()).take(APPLIED).chain(theorems.take(THEOREMS)).collect()
}

/// A hypothesis by how it came about: by cases, and by induction where it is about variables alone or about what is given a name first.
fn came_about(view: &View, header: &Header, Entry { name, ty }: &Entry, own: &DataType, list: &mut List) {
    let rules = rules(header, own);
    list.begin(Family::Induction);
    let named = named_first(view, name, ty);
    let begins = match &named {
        None => vec![(0.25, format!("induction {name}")), (0.20, format!("cases {name}"))],
        Some(named) => vec![
            (0.25, format!("cases {name}")),
            (0.15, format!("{named}\ninduction {name}")),
            (0.10, format!("{named}\ncases {name}")),
        ],
    };
    for (p, begin) in begins {
        list.add(0.6 * p, &begin);
        list.add_with(p, settled(&begin, &rules), &rules);
    }
}

/// Names for what an inductive predicate is about that is no variable; Lean wants variables there.
fn named_first(view: &View, name: &str, ty: &str) -> Option<String> {
    let term = parse(ty)?;
    let mut taken = Vec::new();
    let variable = |text: &str| view.goal.names().any(|n| n == text);
    let mut seen: Vec<&str> = Vec::new();
    for argument in term.parts.iter().skip(1).map(|part| part.text) {
        let applied = argument.contains([' ', '.']) || argument.starts_with(|c: char| c.is_ascii_digit());
        if applied && !variable(argument) && !seen.contains(&argument) {
            seen.push(argument);
        }
    }
    let step = |argument: &&str| {
        let (e, x) = (fresh(view.goal, "e", &mut taken), fresh(view.goal, "i", &mut taken));
        format!("generalize {e} : {argument} = {x} at {name}")
    };
    (!seen.is_empty()).then(|| seen.iter().map(step).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    const HEADER: &str = "namespace Depot
inductive Way : Nat → Nat → Prop where
  | stay (a : Nat) : Way a a
  | two {a b : Nat} : Way a b → Way a (b + 2)
theorem Way.le {a b : Nat} (h : Way a b) : a ≤ b := by induction h <;> omega
";

    fn made(goal: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        let (header, mut list) = (Header::read(HEADER), List::default());
        steps(&View::behind(&header, &goal), &header, &mut list);
        list.ways()
    }

    #[test]
    fn constructors_are_applied_where_the_target_is_theirs() {
        let ways = made("a n : Nat\nih : Way a (a + 2 * n)\n⊢ Depot.Way a (a + 2 * n + 2)");
        for wanted in
            ["solve_by_elim [Depot.Way.stay, Depot.Way.two, Depot.Way.le]", "apply Depot.Way.two", "apply Depot.Way.stay"]
        {
            assert!(ways.iter().any(|way| way == wanted), "{wanted} is missing in {ways:#?}");
        }
        assert!(made("a : Nat\n⊢ a = a").is_empty());
    }

    #[test]
    fn hypotheses_are_about_variables_before_an_induction() {
        let ways = made("a b : Nat\nway : Way a b\n⊢ a ≤ b");
        assert!(ways.contains(&"induction way".to_owned()) && ways.contains(&"cases way".to_owned()), "{ways:#?}");
        let ways = made("a : Nat\nh : Way (a + 1) (2 * a)\n⊢ False");
        let named = "generalize e : a + 1 = i at h\ngeneralize e1 : 2 * a = i1 at h";
        for wanted in ["cases h".to_owned(), format!("{named}\ninduction h"), format!("{named}\ncases h")] {
            assert!(ways.contains(&wanted), "{wanted} is missing in {ways:#?}");
        }
    }
}
