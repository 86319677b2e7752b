//! Hypotheses about all values, at terms of the goal and small numbers.

use super::candidate::{Family, List};
use super::shape::{Entry, binders, fresh, number_type};
use super::terms::{Kind, Term};
use super::view::View;

/// Hypotheses that are looked at, the newest first.
const NEWEST: usize = 5;
/// Values for one hypothesis.
const VALUES: usize = 10;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    list.begin(Family::Instantiate);
    let all: Vec<&Entry> = view.newest_facts().filter(|f| f.ty.starts_with('∀')).take(NEWEST).collect();
    for Entry { name, ty } in &all {
        let values = values(view, ty);
        let h = fresh(view.goal, "h", &mut Vec::new());
        for (i, value) in values.iter().enumerate() {
            list.add(0.06 / (1.0 + i as f64 * 0.4), format!("have {h} := {name} {value}"));
            list.add(0.012 / (1.0 + i as f64 * 0.4), format!("specialize {name} {value}"));
        }
        if binders(ty).len() > 1 || ty.matches('∀').count() > 1 {
            for (i, a) in values.iter().take(4).enumerate() {
                for (j, b) in values.iter().take(4).enumerate() {
                    list.add(0.03 / (1.0 + (i + j) as f64 * 0.5), format!("have {h} := {name} {a} {b}"));
                }
            }
        }
        together(name, &values, list);
        let small: Vec<String> = (0..4).map(|i| i.to_string()).collect();
        together(name, &small, list);
    }
    // Everything that is said of all values, at the first terms of the goal.
    if all.len() > 1 {
        let lines: Vec<String> = all
            .iter()
            .flat_map(|e| values(view, e.ty).into_iter().take(2).map(|v| format!("have := {} {v}", e.name)))
            .collect();
        list.add(0.03, format!("{}\ngrind", lines.join("\n")));
        list.add(0.02, format!("{}\nsimp_all", lines.join("\n")));
        list.add(0.02, format!("{}\nomega", lines.join("\n")));
    }
}

/// Several values at once, and a closer.
fn together(name: &str, values: &[String], list: &mut List) {
    if values.is_empty() {
        return;
    }
    let lines: Vec<String> = values.iter().take(4).map(|v| format!("have := {name} {v}")).collect();
    let all = lines.join("\n");
    list.add(0.05, format!("{all}\ngrind"));
    list.add(0.03, format!("{all}\nsimp_all\nomega"));
    list.add(0.02, format!("{all}\nsimp_all"));
    list.add(0.02, format!("{all}\nomega"));
}

/// Terms that may be meant by the first binder of a type: variables of its type, terms of the goal that look like it, numerals.
fn values(view: &View, ty: &str) -> Vec<String> {
    let wanted = binder_type(ty);
    let mut found: Vec<String> = Vec::new();
    let mut add = |value: String| {
        if !found.contains(&value) {
            found.push(value);
        }
    };
    let of_type = |e: &&Entry| wanted.is_none_or(|w| e.ty == w);
    view.data.iter().filter(of_type).filter(|e| view.in_target(e.name)).take(3).for_each(|e| add(e.name.to_owned()));
    let number = wanted.is_none_or(|w| number_type(w).is_some());
    if number {
        view.terms.iter().filter(|t| t.is_arithmetic()).take(3).for_each(|t| add(t.as_argument()));
        ["0", "1", "2"].into_iter().for_each(|n| add(n.to_owned()));
    }
    // What functions are applied to, unless it is a variable of another type.
    let fits = |t: &Term| view.data.iter().find(|e| e.name == t.text).is_none_or(|e| of_type(&e));
    for call in view.terms.iter().filter(|t| t.kind == Kind::Apply) {
        call.parts[1..].iter().filter(|a| !a.is_proposition() && fits(a)).take(2).for_each(|a| add(a.as_argument()));
    }
    view.data.iter().filter(of_type).take(4).for_each(|e| add(e.name.to_owned()));
    if !number {
        let inner = |t: &&Term| t.kind == Kind::Apply && t.text != view.goal.target.trim();
        view.terms.iter().filter(inner).take(3).for_each(|t| add(t.as_argument()));
    }
    found.truncate(VALUES);
    found
}

/// The type of the first binder, where it stands there.
fn binder_type(ty: &str) -> Option<&str> {
    let rest = ty.strip_prefix("∀ ")?;
    let rest = rest.strip_prefix(['(', '{'])?;
    let (_, ty) = rest.split_once(" : ")?;
    ty.split([')', '}']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn terms_of_the_goal_are_put_in() {
        let goal = Goal::parse(
            "f : Nat → Nat\na b : Nat\nh : ∀ (x : Nat), f x ≤ x\ng : ∀ (x y : Nat), f (x + y) = f x\n⊢ f (a + 1) ≤ b + 2",
        )
        .unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        for wanted in ["have h1 := h a", "have h1 := h (a + 1)", "have h1 := g a b", "have h1 := h 0"] {
            assert!(made.contains(&wanted), "{wanted} is missing in {made:#?}");
        }
        assert!(made.iter().any(|t| t.ends_with("\ngrind")));
    }

    #[test]
    fn values_have_the_type_that_is_asked() {
        let goal =
            Goal::parse("α : Type\nr : α → α → Prop\nx y : α\nn : Nat\nh : ∀ (a b : α), r a b → r b a\n⊢ r x y").unwrap();
        let values = values(&View::new(&goal), "∀ (a b : α), r a b → r b a");
        assert_eq!(values, ["x", "y"]);
        let goal = Goal::parse("α : Type\nf : α → α\nxs : List α\nh : ∀ (a : α), f a = a\n⊢ map f xs = xs").unwrap();
        let values = self::values(&View::new(&goal), "∀ (a : α), f a = a");
        assert!(!values.iter().any(|v| v == "f" || v == "xs"), "{values:?}");
    }
}
