//! Case splits: on data by their type, on conditions that stand in the goal, on `if` and `match`.

use super::candidate::{Family, List};
use super::header::Header;
use super::shape::{Entry, branches, fresh, split_top, unbracketed};
use super::terms::Kind;
use super::view::View;

/// Conditions that are split on.
const CONDITIONS: usize = 6;
/// Values with few forms that are split together, and how deep.
const FORMS: usize = 3;
const DEEPEST: usize = 2;

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    list.begin(Family::Cases);
    let mut taken = Vec::new();
    for entry in view.objects() {
        data(view, header, entry, &mut taken, list);
    }
    structures(view, list);
    forms(view, list);
    functions(view, list);
    for p in &view.propositions {
        list.add(0.15, format!("by_cases h{p} : {p}"));
        list.add_settled(0.05, format!("by_cases h{p} : {p}"), &[]);
    }
    if view.propositions.len() > 1 {
        let all: Vec<String> = view.propositions.iter().take(5).map(|p| format!("by_cases h{p} : {p}")).collect();
        list.add_settled(0.12, all.join(" <;> "), &[]);
    }
    conditions(view, list);
    splits(view, list);
}

fn data(view: &View, header: &Header, Entry { name: n, ty }: &Entry, taken: &mut Vec<String>, list: &mut List) {
    let share = if view.in_target(n) { 1.0 } else { 0.3 };
    match *ty {
        "Nat" | "ℕ" => {
            let k = fresh(view.goal, "k", taken);
            let split = format!("cases {n} with\n| zero => ?_\n| succ {k} => ?_");
            list.add_settled(0.03 * share, &split, &[]);
            list.add(0.05 * share, split);
            list.add_settled(0.015 * share, format!("rcases {n} with _ | _ | {n}"), &[]);
            list.add(0.01 * share, format!("rcases Nat.eq_zero_or_pos {n} with h | h"));
        }
        "Int" | "ℤ" => {
            list.add(0.01 * share, format!("cases {n}"));
            list.add(0.01 * share, format!("rcases Int.le_total 0 {n} with h | h"));
            list.add(0.01 * share, format!("obtain ⟨{n}, rfl | rfl⟩ := Int.eq_nat_or_neg {n}"));
        }
        "Bool" => {
            list.add(0.4, format!("cases {n}"));
            list.add_settled(0.15, format!("cases {n}"), &[]);
        }
        ty if ty.starts_with("List ") => {
            let split = format!("cases {n} with\n| nil => ?_\n| cons x xs => ?_");
            list.add_settled(0.09 * share, &split, &[]);
            list.add(0.06 * share, split);
        }
        ty if ty.starts_with("Option ") => {
            let split = format!("cases {n} with\n| none => ?_\n| some x => ?_");
            list.add_settled(0.3 * share, &split, &[]);
            list.add(0.2 * share, split);
        }
        ty if ty.starts_with("Fin ") || ty.contains(" × ") || ty.starts_with('{') => {
            list.add(0.15 * share, format!("obtain ⟨{n}, h{n}⟩ := {n}"));
            list.add_settled(0.06 * share, format!("obtain ⟨{n}, h{n}⟩ := {n}"), &[]);
        }
        ty if ["Except ", "Array ", "Sum ", "Subtype ", "PUnit", "Unit", "Ordering", "Char"]
            .iter()
            .any(|h| ty.starts_with(h))
            || ty.contains(" ⊕ ") =>
        {
            list.add(0.10 * share, format!("cases {n}"));
            list.add_settled(0.15 * share, format!("cases {n}"), &[]);
        }
        ty => {
            if let Some(own) = header.type_of(ty) {
                let p = if own.recursive { 0.5 } else { 1.0 };
                list.add(0.2 * p * share, format!("cases {n}"));
                list.add_settled(0.3 * p * share, format!("cases {n}"), &[]);
                list.add(0.05 * p * share, format!("cases {n} <;> rfl"));
            }
        }
    }
}

/// Values in the target of types with one constructor, taken apart all at once; `None` when there are none.
pub fn opened(view: &View) -> Option<String> {
    const ONE: &[&str] =
        &["Array ", "Vector ", "Subtype ", "Fin ", "{", "UInt", "USize", "Int8", "Int16", "Int32", "Int64", "ISize", "Char"];
    let varies = |length: &str| view.data.iter().any(|e| e.name == length);
    let open = |name: &str, ty: &str| match ty.strip_prefix("Vector ").and_then(|of| of.rsplit(' ').next()) {
        // The length is that of the array.
        Some(length) if varies(length) => format!("obtain ⟨{name}, rfl⟩ := {name}"),
        _ => format!("cases {name}"),
    };
    let one = |ty: &str| ONE.iter().any(|head| ty.starts_with(head));
    let values = view.objects().filter(|e| one(e.ty) && view.in_target(e.name));
    let all: Vec<String> = values.map(|e| open(e.name, e.ty)).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

/// A statement about arrays becomes one about lists.
fn structures(view: &View, list: &mut List) {
    if let Some(open) = opened(view) {
        list.add_settled(0.15, &open, &[]);
        list.add(0.05, format!("{open}\nsimp"));
        list.add(0.06, open);
    }
}

/// Values with few forms in the target, split all at once, as deep as their types say; `None` where `cases` does the same.
pub fn split(view: &View) -> Option<String> {
    let patterns = view.objects().filter(|e| view.in_target(e.name)).filter_map(|e| Some((e.name, pattern(e.ty, 0)?)));
    let splits: Vec<String> = patterns.take(FORMS).map(|(name, pattern)| format!("rcases {name} with {pattern}")).collect();
    let plain = splits.len() == 1 && !splits[0].contains(['⟨', '(']) && splits[0].matches('|').count() == 1;
    (!splits.is_empty() && !plain).then(|| splits.join(" <;> "))
}

fn forms(view: &View, list: &mut List) {
    if let Some(all) = split(view) {
        list.add_settled(0.18, &all, &[]);
        list.add(0.05, format!("{all} <;> rfl"));
    }
}

/// A function on a type with few values, from which few forms come: all its values at once, and those of its arguments.
fn functions(view: &View, list: &mut List) {
    for function in &view.data {
        let Some((from, to)) = split_top(function.ty, " → ") else { continue };
        let points: &[&str] = match from.trim() {
            "Bool" => &["true", "false"],
            "Ordering" => &[".lt", ".eq", ".gt"],
            _ => continue,
        };
        if pattern(to, 0).is_none() {
            continue;
        }
        let mut taken = Vec::new();
        let arguments = view.objects().filter(|e| e.ty == from.trim() && view.in_target(e.name)).take(FORMS);
        let mut splits: Vec<String> = arguments.map(|e| format!("cases {}", e.name)).collect();
        for point in points {
            splits.push(format!("cases {} : {} {point}", fresh(view.goal, "h", &mut taken), function.name));
        }
        list.add_settled(0.15, splits.join(" <;> "), &[]);
    }
}

/// How a value of a type with few forms can look; `None` for other types.
fn pattern(ty: &str, depth: usize) -> Option<String> {
    let ty = ty.trim();
    let inner = |part: &str| match depth {
        DEEPEST => "_".to_owned(),
        _ => pattern(unbracketed(part), depth + 1)
            .map_or("_".to_owned(), |p| if p.contains('|') && !p.starts_with('⟨') { format!("({p})") } else { p }),
    };
    if let Some((left, right)) = split_top(ty, " × ") {
        return Some(format!("⟨{}, {}⟩", inner(left), inner(right)));
    }
    if let Some((left, right)) = split_top(ty, " ⊕ ") {
        return Some(format!("{} | {}", inner(left), inner(right)));
    }
    if let Some(of) = ty.strip_prefix("Option ") {
        return Some(format!("_ | {}", inner(of)));
    }
    match ty {
        "Bool" => Some("_ | _".to_owned()),
        "Ordering" => Some("_ | _ | _".to_owned()),
        _ => None,
    }
}

/// Conditions of `if`, and tests whose result is a `Bool`.
fn conditions(view: &View, list: &mut List) {
    let mut found: Vec<(&str, f64)> = Vec::new();
    let h = fresh(view.goal, "h", &mut Vec::new());
    for term in &view.terms {
        match term.kind {
            Kind::If => {
                if let Some(condition) = term.parts.first().filter(|c| view.terms.iter().any(|t| t.text == c.text)) {
                    // No `split` for this one.
                    let p = if term.text.starts_with("bif") { 0.5 } else { 0.12 };
                    found.push((condition.text, p));
                }
            }
            Kind::Binary("==" | "!=") => {
                let [a, b] = &term.parts[..] else { continue };
                list.add(0.04, format!("by_cases {h} : {} = {}", a.text, b.text));
            }
            Kind::Binary("<" | "≤" | ">" | "≥" | "=" | "∣" | "∈") if term.text != view.goal.target.trim() => {
                found.push((term.text, 0.03));
            }
            _ => {}
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (condition, p) in found.iter().take(CONDITIONS) {
        list.add(*p, format!("by_cases {h} : {condition}"));
        list.add_settled(*p * 0.7, format!("by_cases {h} : {condition}"), &[]);
    }
    // Two numbers that are compared or subtracted: which is larger?
    let numbers: Vec<&str> = view.numbers().filter(|(n, _)| view.in_target(n)).map(|(n, _)| n).take(3).collect();
    let kind = view.numbers().next().map_or("Nat", |(_, kind)| kind);
    let compares = view.goal.target.contains([' ', '-']) && view.goal.target.contains(['-', '<', '≤', '≠']);
    if compares {
        for (i, a) in numbers.iter().enumerate() {
            for b in &numbers[i + 1..] {
                list.add(0.015, format!("rcases {kind}.lt_trichotomy {a} {b} with {h} | {h} | {h}"));
                list.add(0.015, format!("rcases {kind}.le_total {a} {b} with {h} | {h}"));
            }
        }
    }
    for call in view.terms.iter().filter(|t| t.kind == Kind::Apply && t.text != view.goal.target.trim()).take(3) {
        list.add(0.012, format!("cases {h} : {}", call.text));
        list.add_settled(0.012, format!("cases {h} : {}", call.text), &[]);
        list.add(0.008, format!("generalize {h} : {} = z at *", call.text));
    }
}

/// `if` and `match`, wherever they stand.
fn splits(view: &View, list: &mut List) {
    if branches(&view.goal.target) {
        list.add(0.3, "split");
        list.add_settled(0.4, "split", &[]);
        list.add_settled(0.05, "split <;> split", &[]);
    }
    for fact in view.newest_facts().filter(|f| branches(f.ty)).take(3) {
        list.add(0.15, format!("split at {}", fact.name));
        list.add_settled(0.20, format!("split at {}", fact.name), &[]);
    }
    if view.facts.iter().any(|f| f.ty.contains(" ∨ ")) {
        list.add(0.03, "cases ‹_ ∨ _›");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    fn made(goal: &str, header: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &Header::read(header), &mut list);
        list.ways()
    }

    #[test]
    fn data_is_split_by_its_type() {
        let tactics = made(
            "o : Option Nat\nt : Tree\nb : Bool\n⊢ f o t b = 1",
            "inductive Tree where\n  | leaf\n  | node (l r : Tree)\n",
        );
        for wanted in ["cases b", "cases t <;> simp_all", "cases o with\n| none => ?_\n| some x => ?_\nall_goals simp_all"] {
            assert!(tactics.contains(&wanted.to_owned()), "{wanted} is missing in {tactics:#?}");
        }
    }

    #[test]
    fn functions_are_not_taken_apart_and_structures_all_at_once() {
        let tactics = made(
            "p : Nat → Prop\nq : { a // p a } → Prop\ng : List Nat → Nat\nx : Array Nat\ny : Array Nat\n⊢ x = y ∨ q z ∨ g l = 0",
            "",
        );
        assert!(
            !tactics.iter().any(|t| ["cases q", "obtain ⟨q", "cases g"].iter().any(|open| t.starts_with(open))),
            "{tactics:#?}"
        );
        assert!(tactics.contains(&"cases x\ncases y\nall_goals simp_all".to_owned()), "{tactics:#?}");
    }

    #[test]
    fn values_with_few_forms_are_split_as_deep_as_their_types_say() {
        assert_eq!(pattern("Option (Option Nat)", 0).as_deref(), Some("_ | (_ | _)"));
        assert_eq!(pattern("Nat × Bool × List Nat", 0).as_deref(), Some("⟨_, ⟨(_ | _), _⟩⟩"));
        assert_eq!(pattern("List Bool", 0), None);
        let tactics = made("a b : Option Nat\n⊢ min a b = a ∨ min a b = b", "");
        assert!(tactics.contains(&"rcases a with _ | _ <;> rcases b with _ | _ <;> simp_all".to_owned()), "{tactics:#?}");
        let tactics = made("a : Option Nat\n⊢ f a = a", "");
        assert!(!tactics.iter().any(|t| t.starts_with("rcases a with")), "that is `cases`: {tactics:#?}");
    }

    #[test]
    fn a_function_with_few_values_is_split_into_them() {
        let tactics = made("f : Bool → Bool\nb : Bool\n⊢ f (f (f b)) = f b", "");
        let wanted = "cases b <;> cases h : f true <;> cases h1 : f false <;> simp_all";
        assert!(tactics.contains(&wanted.to_owned()), "{tactics:#?}");
        assert!(!made("f : Bool → Nat\n⊢ f true = 1", "").iter().any(|t| t.contains("f false")));
    }

    #[test]
    fn conditions_of_the_goal_are_split_on() {
        let tactics = made("a b : Nat\n⊢ (if a ≤ b then b else a) - a = b - a", "");
        assert!(tactics.contains(&"by_cases h : a ≤ b <;> simp_all".to_owned()), "{tactics:#?}");
        assert!(tactics.contains(&"split".to_owned()));
        let tactics =
            made("xs : List Nat\np : Nat → Bool\nx : Nat\n⊢ (bif p x then xs else x :: xs).length ≤ xs.length + 1", "");
        assert!(tactics.contains(&"by_cases h : p x <;> simp_all".to_owned()), "{tactics:#?}");
        assert!(!tactics.contains(&"split".to_owned()));
        assert!(made("p q : Prop\n⊢ p ∨ q", "").iter().any(|t| t == "by_cases hp : p <;> by_cases hq : q <;> simp_all"));
    }
}
