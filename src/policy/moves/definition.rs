//! Definitions of the library that the goal speaks of, looked into: many theorems follow by unfolding what they are about, behind a
//! split of their data, or by induction along it.

use super::candidate::{Family, List};
use super::cases;
use super::shape::Entry;
use super::view::View;

/// Data of one kind that is split at a goal.
const SPLIT: usize = 2;

/// The steps of this module.
pub fn steps(view: &View, definitions: &[&str], list: &mut List) {
    list.begin(Family::Definition);
    if definitions.is_empty() {
        return;
    }
    let all = definitions.join(", ");
    for (p, tactic) in [(0.35, "simp"), (0.35, "grind"), (0.15, "simp_all")] {
        list.add(p, format!("{tactic} [{all}]"));
    }
    for (rank, name) in definitions.iter().enumerate() {
        let p = 1.0 / (1.0 + rank as f64);
        list.add_settled(0.30 * p, format!("fun_induction {name}"), &[]);
        list.add(0.08 * p, format!("unfold {name}"));
    }
    for (rank, (split, inductive)) in splits(view).into_iter().enumerate() {
        let p = if inductive { 1.0 } else { 0.7 } / (1.0 + rank as f64);
        list.add_settled(0.30 * p, split, definitions);
    }
}

/// Inductions and cases on data that the target speaks of, and whether they are inductions: these first. Numbers vary along an
/// induction on a list: they are places in it more often than not.
fn splits(view: &View) -> Vec<(String, bool)> {
    let data: Vec<&Entry> = view.objects().filter(|e| view.in_target(e.name)).collect();
    let numbers: Vec<&str> = data.iter().filter(|e| ["Nat", "ℕ"].contains(&e.ty)).map(|e| e.name).collect();
    let along = if numbers.is_empty() { String::new() } else { format!(" generalizing {}", numbers.join(" ")) };
    let lists = data
        .iter()
        .filter(|e| e.ty.starts_with("List ") && !view.is_appended(e.name))
        .map(|e| (format!("induction {}{along}", e.name), true));
    let lockstep = super::induction::lockstep(view).into_iter().map(|step| (step, true));
    let steps = numbers.iter().map(|name| (format!("induction {name}"), true));
    let boxed = |ty: &str| ["Option ", "Array ", "Except "].iter().any(|head| ty.starts_with(head)) || ty.contains(['⊕', '×']);
    let cases = data.iter().filter(|e| boxed(e.ty)).map(|e| (format!("cases {}", e.name), false));
    let deep = cases::split(view).map(|split| (split, false));
    lists.take(SPLIT).chain(lockstep.take(SPLIT)).chain(deep).chain(cases.take(SPLIT)).chain(steps.take(SPLIT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn what_the_goal_speaks_of_is_looked_into() {
        let goal = Goal::parse("α : Type\nxs ys : List α\n⊢ (xs ++ ys).length = ys.length + xs.length").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &["List.length"], &mut list);
        let made = list.ways();
        for wanted in ["unfold List.length", "induction xs <;> grind [List.length]"] {
            assert!(made.iter().any(|tactic| tactic == wanted), "{wanted} is missing in {made:#?}");
        }
    }

    #[test]
    fn splits_are_of_what_the_target_speaks_of() {
        let splits = |goal: &str| -> Vec<String> {
            splits(&View::new(&Goal::parse(goal).unwrap())).into_iter().map(|(split, _)| split).collect()
        };
        assert_eq!(
            splits("xs : List Nat\no : Option Nat\ni : Nat\n⊢ (xs.drop i).length = o.size"),
            ["induction xs generalizing i", "induction xs generalizing i <;> cases i", "cases o", "induction i"]
        );
        assert_eq!(splits("o : Option (Option Nat)\n⊢ o.join = p")[0], "rcases o with _ | (_ | _)");
    }
}
