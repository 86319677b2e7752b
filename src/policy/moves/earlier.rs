//! Theorems, axioms and laws that stand earlier in the user's own file: what is proved there is often meant to be used.

use super::candidate::{Family, List, settled};
use super::header::{Fact, Header};
use super::unfold::words;
use super::view::View;

/// Facts that are offered for a goal.
const OFFERED: usize = 10;
/// Facts and hypotheses of which [`forward`] makes consequences.
const FORWARD: usize = 4;

/// The facts that speak of what the goal speaks of, the best first, with scores in (0, 1]. Of equals the newest is first.
pub fn ranked<'h>(view: &View, header: &'h Header) -> Vec<(&'h Fact, f64)> {
    let text = view.goal.to_string();
    let goal = words(&text);
    let symbols =
        |text: &str| -> Vec<char> { "+-*/%^∣≤<=≠∧∨¬↔∃∈×&|:".chars().filter(|c| text.contains(*c)).collect() };
    let mine = symbols(&view.goal.target);
    let score = |fact: &Fact| {
        let theirs = words(&fact.statement);
        let common = theirs.iter().filter(|w| w.len() > 1 && goal.contains(**w)).count() as f64;
        let signs = symbols(&fact.statement);
        let shared = signs.iter().filter(|c| mine.contains(c)).count() as f64;
        (common + 0.5 * shared) / (1.0 + common + 0.5 * signs.len() as f64 + 0.1 * theirs.len() as f64)
    };
    let mut all: Vec<(&Fact, f64)> = header.facts.iter().rev().map(|f| (f, score(f))).filter(|(_, s)| *s > 0.0).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(OFFERED);
    all
}

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    let chosen = ranked(view, header);
    list.begin(Family::Earlier);
    let names: Vec<&str> = chosen.iter().map(|(f, _)| f.name.as_str()).collect();
    if names.len() > 1 {
        for most in [3, names.len()] {
            let some = &names[..most.min(names.len())];
            let all = some.join(", ");
            list.add_with(0.20, format!("grind [{all}]"), some);
            list.add_with(0.15, format!("simp_all [{all}]"), some);
            list.add_with(0.08, format!("simp [{all}]"), some);
        }
    }
    for (rank, (Fact { name, rewrites, .. }, score)) in chosen.iter().enumerate() {
        let p = (0.3 + score) / (1.0 + 0.5 * rank as f64);
        let one = &[name.as_str()];
        list.add_with(0.12 * p, format!("grind [{name}]"), one);
        list.add_with(0.10 * p, format!("apply {name}"), one);
        list.add_with(0.10 * p, format!("exact {name} .."), one);
        list.add_with(0.08 * p, settled(&format!("apply {name}"), &[]), one);
        if *rewrites {
            list.add_with(0.16 * p, format!("rw [{name}]"), one);
            list.add_with(0.08 * p, format!("rw [← {name}]"), one);
            list.add_with(0.08 * p, format!("simp [{name}]"), one);
            list.add_with(0.05 * p, format!("simp_all [{name}]"), one);
            list.add_with(0.03 * p, format!("simp [← {name}]"), one);
            for fact in view.newest_facts().take(3) {
                list.add_with(0.04 * p, format!("rw [{name}] at {}", fact.name), one);
            }
        }
        list.add_with(0.02 * p, format!("have := @{name}\nsimp_all"), one);
    }
    pairs(&chosen, list);
    forward(view, &chosen, list);
}

/// What the facts say of the hypotheses: every consequence at once for a tactic that then closes, and each as a step.
fn forward(view: &View, chosen: &[(&Fact, f64)], list: &mut List) {
    let of_something = |f: &Fact| f.statement.contains(['(', '→']);
    let facts: Vec<&str> = chosen.iter().filter(|(f, _)| of_something(f)).map(|(f, _)| f.name.as_str()).take(FORWARD).collect();
    let hypotheses: Vec<&str> = view.newest_facts().map(|e| e.name).take(FORWARD).collect();
    let consequences = || facts.iter().flat_map(|fact| hypotheses.iter().map(move |h| (*fact, format!("have := {fact} {h}"))));
    let all: Vec<String> = consequences().map(|(_, have)| format!("try {have}")).collect();
    if !all.is_empty() {
        list.add_with(0.12, format!("{}\nfirst | omega | grind | simp_all", all.join("\n")), &facts);
    }
    for (rank, (fact, have)) in consequences().enumerate() {
        list.add_with(0.03 / (1.0 + 0.3 * rank as f64), have, &[fact]);
    }
}

/// Two rewrites, one behind the other.
fn pairs(chosen: &[(&Fact, f64)], list: &mut List) {
    let rules: Vec<&str> = chosen.iter().filter(|(f, _)| f.rewrites).map(|(f, _)| f.name.as_str()).take(4).collect();
    for (i, a) in rules.iter().enumerate() {
        for (j, b) in rules.iter().enumerate() {
            let p = 0.04 / (1.0 + (i + j) as f64);
            if i != j {
                list.add_with(p, format!("rw [{a}, {b}]"), &[a, b]);
            }
            if i < j {
                list.add_with(p, format!("simp [{a}, {b}]"), &[a, b]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn facts_about_the_same_things_come_first() {
        let header = Header::read(
            "axiom mul_comm' (a b : G) : op a b = op b a\ntheorem other : p ∧ q := by simp\ntheorem op_assoc (a b c : G) : op (op a b) c = op a (op b c) := by grind\n",
        );
        let goal = Goal::parse("a b c : G\nh : op a b = c\n⊢ op b a = c").unwrap();
        let view = View::new(&goal);
        let names: Vec<&str> = ranked(&view, &header).into_iter().map(|(f, _)| f.name.as_str()).collect();
        assert_eq!(names, ["mul_comm'", "op_assoc"]);
        let mut list = List::default();
        steps(&view, &header, &mut list);
        for wanted in [
            "rw [mul_comm']",
            "rw [← op_assoc]",
            "rw [op_assoc, mul_comm']",
            "rw [mul_comm'] at h",
            "grind [mul_comm', op_assoc]",
        ] {
            assert!(list.tactics().contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn what_facts_say_of_all_hypotheses_is_gathered() {
        let header = Header::read(
            "inductive Way : Nat → Nat → Prop\ntheorem Way.le {a b : Nat} (h : Way a b) : a ≤ b := by induction h <;> omega\n",
        );
        let goal = Goal::parse("a b : Nat\nh : Way a b\ng : Way b a\n⊢ a = b").unwrap();
        let mut list = List::default();
        steps(&View::behind(&header, &goal), &header, &mut list);
        let all = "try have := Way.le g\ntry have := Way.le h\nfirst | omega | grind | simp_all";
        assert!(list.tactics().contains(&all) && list.tactics().contains(&"have := Way.le h"), "{:#?}", list.tactics());
    }
}
