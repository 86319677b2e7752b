//! Definitions of the user's own header, opened where a goal speaks of them.

use std::collections::HashSet;

use super::candidate::{Family, List};
use super::header::{Definition, Header};
use super::terms::{Kind, Term};
use super::view::View;
use crate::policy::features::spoken;

/// Definitions opened together though the goal does not name them.
const FEW: usize = 10;

/// The words of a text, dotted names whole, and what stands in them by field notation.
pub fn words(text: &str) -> HashSet<&str> {
    let whole = text.split(|c: char| !(c.is_alphanumeric() || "_.'!?".contains(c))).filter(|w| !w.is_empty());
    whole.flat_map(spoken).collect()
}

/// Whether one of the words is a name, or shows it by field notation or in an open namespace.
pub fn speaks_of(words: &HashSet<&str>, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    words.contains(name) || words.contains(last)
}

/// Definitions that a goal speaks of.
pub fn used<'h>(header: &'h Header, goal: &str) -> Vec<&'h Definition> {
    let words = words(goal);
    header.definitions.iter().filter(|d| speaks_of(&words, &d.name)).collect()
}

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    let text = view.goal.to_string();
    let used = used(header, &text);
    list.begin(Family::Unfold);
    let names: Vec<&str> = used.iter().map(|d| d.name.as_str()).collect();
    if !names.is_empty() {
        open(&names, 1.0, list);
        each(&names, list);
        let plain: Vec<&str> = used.iter().filter(|d| !d.recursive).map(|d| d.name.as_str()).collect();
        if !plain.is_empty() && plain.len() < names.len() {
            list.add_with(0.12, format!("unfold {}", plain.join(" ")), &plain);
            list.add_with(0.08, format!("simp only [{}] at *", plain.join(", ")), &plain);
        }
        with_facts(view, header, &names, list);
    }
    let all: Vec<&str> = header.definitions.iter().map(|d| d.name.as_str()).collect();
    if all.len() > names.len() && all.len() <= FEW {
        open(&all, 0.25, list);
    }
    list.begin(Family::Induction);
    for definition in used.iter().filter(|d| d.recursive) {
        along(view, definition, &names, list);
    }
}

/// All of them at once.
fn open(names: &[&str], share: f64, list: &mut List) {
    let all = names.join(", ");
    for (p, tactic) in [
        (0.50, format!("grind [{all}]")),
        (0.45, format!("simp_all [{all}]")),
        (0.30, format!("simp [{all}]")),
        (0.20, format!("simp_all [{all}]\nomega")),
        (0.20, format!("simp [{all}] at *\ngrind")),
        (0.05, format!("simp [{all}]\ngrind")),
        (0.05, format!("simp [{all}]\nomega")),
        (0.03, format!("simp [{all}] <;> split <;> simp_all")),
        (0.03, format!("simp only [{all}]")),
        (0.03, format!("simp [{all}] at *")),
        (0.10, format!("unfold {}", names.join(" "))),
        (0.04, format!("repeat' unfold {}\nrepeat' split\nall_goals grind", names.join(" "))),
        (0.04, format!("unfold {}\nrepeat' split\nall_goals simp_all", names.join(" "))),
    ] {
        list.add_with(p * share, tactic, names);
    }
}

fn each(names: &[&str], list: &mut List) {
    if names.len() < 2 {
        return;
    }
    for name in names {
        list.add_with(0.06, format!("simp [{name}]"), &[name]);
        list.add_with(0.05, format!("rw [{name}]"), &[name]);
        list.add_with(0.05, format!("unfold {name}"), &[name]);
        list.add_with(0.05, format!("simp_all [{name}]"), &[name]);
        list.add_with(0.04, format!("unfold {name} at *"), &[name]);
    }
}

/// Definitions together with the laws that the header gives.
fn with_facts(view: &View, header: &Header, names: &[&str], list: &mut List) {
    let facts: Vec<&str> = super::earlier::ranked(view, header).into_iter().take(5).map(|(f, _)| f.name.as_str()).collect();
    if facts.is_empty() {
        return;
    }
    let both: Vec<&str> = names.iter().chain(&facts).copied().collect();
    let all = both.join(", ");
    list.add_with(0.15, format!("grind [{all}]"), &both);
    list.add_with(0.12, format!("simp_all [{all}]"), &both);
    list.add_with(0.06, format!("simp [{all}]"), &both);
}

/// Induction and cases along a recursive function, where it is applied.
fn along(view: &View, definition: &Definition, names: &[&str], list: &mut List) {
    let name = &definition.name;
    let mut calls: Vec<String> = applications(view, name).into_iter().take(2).collect();
    calls.insert(0, name.clone());
    for (rank, call) in calls.iter().enumerate() {
        let p = 1.0 / (1.0 + rank as f64);
        list.add_settled(0.30 * p, format!("fun_induction {call}"), names);
        list.add_with(0.08 * p, format!("fun_induction {call}"), names);
        list.add_settled(0.05 * p, format!("fun_cases {call}"), names);
    }
}

/// Applications of a function in the goal, as they are printed but with the whole name.
pub fn applications(view: &View, name: &str) -> Vec<String> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_it = |head: &str| head == name || head == last || name.ends_with(&format!(".{head}"));
    let call = |t: &Term| {
        let head = t.head().filter(|_| t.kind == Kind::Apply)?;
        let arguments: Vec<String> = t.parts[1..].iter().map(Term::as_argument).collect();
        is_it(head).then(|| format!("{name} {}", arguments.join(" ")))
    };
    let mut found: Vec<String> = view.terms.iter().filter_map(call).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn definitions_are_opened_where_the_goal_speaks_of_them() {
        let header = Header::read(
            "namespace A\ndef rev (xs : List Nat) : List Nat :=\n  match xs with\n  | [] => []\n  | y :: ys => rev ys ++ [y]\nend A\ndef two : Nat := 2\ntheorem rev_nil : A.rev [] = [] := rfl\n",
        );
        let goal = Goal::parse("xs ys : List Nat\n⊢ A.rev (xs ++ ys) = A.rev ys ++ A.rev xs").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &header, &mut list);
        let made = list.ways();
        for wanted in [
            "grind [A.rev]",
            "simp_all [A.rev, two]",
            "fun_induction A.rev (xs ++ ys) <;> grind [A.rev]",
            "grind [A.rev, rev_nil]",
        ] {
            assert!(made.iter().any(|tactic| tactic == wanted), "{wanted} is missing in {made:#?}");
        }
        assert!(used(&header, "xs : List Nat\n⊢ xs.rev = rev xs").len() == 1);
        assert!(used(&header, "⊢ reverse xs = two'").is_empty());
        assert!(used(&header, "xs : List Nat\n⊢ xs.rev.length = xs.length").len() == 1, "a field of a field");
    }
}
