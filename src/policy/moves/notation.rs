//! Notations that mean what a type's own instance says (`∈`, `∪`, `⊆`, `∅`, …), opened: behind them stands a function that has
//! definitions and theorems.

use std::sync::LazyLock;

use regex::Regex;

use super::candidate::{Family, List};
use super::view::View;

/// Notations, and what of their classes is opened. Not those of numbers: opened, they are what no tactic for numbers knows.
const NOTATIONS: &[(&str, &str)] = &[
    ("∈", "Membership.mem"),
    ("∪", "Union.union"),
    ("∩", "Inter.inter"),
    (" \\ ", "SDiff.sdiff"),
    ("⊆", "HasSubset.Subset"),
    ("⊂", "HasSSubset.SSubset"),
    ("∅", "EmptyCollection.emptyCollection"),
    ("insert ", "Insert.insert"),
    ("<$>", "Functor.map"),
    (">>=", "Bind.bind"),
    ("pure ", "Pure.pure"),
    (" == ", "BEq.beq"),
    ("]?", "GetElem?.getElem?"),
    ("]!", "GetElem?.getElem!"),
    ("≤", "LE.le"),
    (" < ", "LT.lt"),
];
/// Types whose notations Lean's tactics know: opened, they are what no theorem speaks of.
const KNOWN: &[&str] = &[
    "List", "Array", "Vector", "Option", "Prod", "Sum", "Subtype", "Nat", "Int", "Bool", "Fin", "String", "Char", "Unit",
    "Type", "Sort", "Prop",
];
/// Those that are opened only where nothing is a number.
const ORDERS: &[&str] = &["LE.le", "LT.lt"];

/// An element with no mark behind it, `xs[i]`: the bracket of a list's literal stands apart from what is before it.
static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\w)\]✝'?!]\[[^\[\]]*\](?:[^?!]|$)").expect("a regular expression"));

/// The steps of this module; `definitions` that the goal speaks of are opened with them.
pub fn steps(view: &View, definitions: &[&str], list: &mut List) {
    if !view.data.is_empty() && !view.data.iter().any(|e| has_own_notations(e.ty)) {
        return;
    }
    let numbers = view.numbers().next().is_some();
    let text = view.goal.to_string();
    // `m.insert k` is no notation.
    let stands = |notation: &str| {
        let of_its_own = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._".contains(c));
        text.match_indices(notation).any(|(at, _)| !notation.starts_with(char::is_alphabetic) || of_its_own(at))
    };
    let behind = |(notation, name): &(&'static str, &'static str)| {
        (stands(notation) && !(numbers && ORDERS.contains(name))).then_some(*name)
    };
    let element = ELEMENT.is_match(&text).then_some("GetElem.getElem");
    let names: Vec<&str> = NOTATIONS.iter().filter_map(behind).chain(element).collect();
    if names.is_empty() {
        return;
    }
    list.begin(Family::Definition);
    let all = names.join(", ");
    list.add(0.25, format!("simp_all [{all}]"));
    list.add(0.15, format!("simp [{all}]"));
    list.add(0.05, format!("simp only [{all}] at *"));
    if !definitions.is_empty() {
        list.add(0.15, format!("simp_all [{all}, {}]", definitions.join(", ")));
    }
}

/// Whether notations may mean something of its own at a type: not at a variable for types, nor at one that Lean's tactics know.
fn has_own_notations(ty: &str) -> bool {
    let names = ty
        .split(|c: char| !(c.is_alphanumeric() || "_'.".contains(c)))
        .filter(|n| n.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|name| name.split('.').next().unwrap_or(name)).any(|head| !KNOWN.contains(&head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    fn made(goal: &str, definitions: &[&str]) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), definitions, &mut list);
        list.tactics().iter().map(|tactic| (*tactic).to_owned()).collect()
    }

    #[test]
    fn notations_of_the_goal_are_opened_and_no_others() {
        let tactics = made("t s : Bag\nk : Key\nh : k ∈ t\n⊢ k ∈ t ∪ s", &["Bag.union"]);
        for wanted in ["simp_all [Membership.mem, Union.union]", "simp_all [Membership.mem, Union.union, Bag.union]"] {
            assert!(tactics.iter().any(|tactic| tactic == wanted), "{wanted} is missing in {tactics:#?}");
        }
        assert!(made("a b : Nat\n⊢ a ≤ b", &[]).is_empty());
        assert_eq!(made("a b : Point\n⊢ a ≤ b", &[])[0], "simp_all [LE.le]");
        assert_eq!(made("m : Map\n⊢ (m.insert 1)[1] = m[m[0]]", &[])[0], "simp_all [GetElem.getElem]");
        assert_eq!(made("m : Map\n⊢ m[1]? = none", &[])[0], "simp_all [GetElem?.getElem?]");
        for known in
            ["l : List Nat\nn : Nat\n⊢ n ∈ l", "α : Type\na b : α\n⊢ (a == b) = true", "f : α → List α\na : α\n⊢ a ∈ f a"]
        {
            assert!(made(known, &["List.filter"]).is_empty(), "{known}");
        }
        assert!(!made("m : Std.HashMap Nat Nat\nl : List Nat\n⊢ 1 ∈ m", &[]).is_empty());
        assert!(made("l : List Nat\n⊢ [1] ++ [2] = #[1, 2].toList", &[]).is_empty());
    }
}
