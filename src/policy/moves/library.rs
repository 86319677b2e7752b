//! Theorems of the library that were retrieved for a goal, in every way they are used; and pairs of them.

use super::candidate::{Family, List, settled};
use super::view::View;
use crate::lean::suggestion::SIDE_QUESTIONS;
use crate::policy::premises::Retrieved;

/// Theorems that make pairs.
const PAIRED: usize = 4;

/// Theorems that are tried as they stand.
const AT_ONCE: usize = 8;

/// Theorems that [`forward`] applies.
const FORWARD: usize = 5;

/// How likely a question's answer is to help for what it costs: it looks through the whole library, and the first one waits for
/// a Lean of its own that imports some 15 s.
const QUESTIONS: f64 = 0.01;

/// Questions to Lean itself, each less likely than the one before.
pub fn questions(list: &mut List) {
    list.begin(Family::Question);
    for (rank, question) in SIDE_QUESTIONS.iter().enumerate() {
        list.add(QUESTIONS / (1.0 + rank as f64), *question);
    }
}

/// The steps of this module.
pub fn steps(view: &View, retrieved: &[Retrieved], list: &mut List) {
    list.begin(Family::Library);
    let names: Vec<&str> = retrieved.iter().filter(|r| r.speaks).map(|r| r.name).collect();
    if names.len() > 1 {
        for (most, share) in [(5, 1.0), (10, 0.4)] {
            let some = &names[..most.min(names.len())];
            let all = some.join(", ");
            list.add_with(0.20 * share, format!("grind [{all}]"), some);
            list.add_with(0.12 * share, format!("simp_all [{all}]"), some);
            list.add_with(0.05 * share, format!("simp [{all}]"), some);
        }
    }
    if let Some(best) = retrieved.first() {
        let first = &retrieved[..retrieved.len().min(AT_ONCE)];
        let names: Vec<&str> = first.iter().map(|r| r.name).collect();
        list.add_with(0.30 * best.score, as_they_stand(view, first), &names);
    }
    forward(view, &retrieved[..retrieved.len().min(FORWARD)], list);
    for (rank, theorem) in retrieved.iter().enumerate() {
        one(view, theorem, theorem.score / (2.0 + rank as f64), list);
    }
    pairs(retrieved, list);
}

/// Theorems that may be the target as they stand: a term is made or fails in a moment, so all of them are one tactic.
pub fn as_they_stand(view: &View, theorems: &[Retrieved]) -> String {
    let mut ways = Vec::new();
    // What is said of a type that is made of another one is often said of its first part.
    let all: Vec<&str> = view.facts.iter().map(|fact| fact.name).collect();
    let parts: String = all.iter().map(|fact| format!(" {fact}.1")).collect();
    for Retrieved { name, rewrites, .. } in theorems {
        ways.push(format!("exact {name} .."));
        ways.push(format!("exact ⟨{name} ..⟩"));
        if !all.is_empty() {
            ways.push(format!("exact ⟨{name}{parts}⟩"));
        }
        if all.len() > 1 {
            ways.push(format!("exact {name} {}", all.join(" ")));
            ways.push(format!("exact {name}{parts}"));
        }
        if *rewrites {
            ways.push(format!("exact ({name} ..).symm"));
        }
        for fact in view.newest_facts().take(4) {
            ways.extend(["", "_ "].map(|before| format!("exact {name} {before}{}", fact.name)));
            ways.push(format!("exact {name} {}.1", fact.name));
        }
        ways.push(format!("(apply {name} <;> assumption)"));
    }
    format!("first | {}", ways.join(" | "))
}

/// What a theorem says as it stands or of hypotheses, for a tactic that then closes: one alternative or another, where it says
/// that one holds. A hypothesis that it does not take fails in a moment.
fn forward(view: &View, retrieved: &[Retrieved], list: &mut List) {
    let facts: Vec<&str> = view.newest_facts().take(3).map(|f| f.name).collect();
    let mut arguments: Vec<String> = facts.iter().map(|f| (*f).to_owned()).collect();
    arguments.extend(facts.iter().flat_map(|a| facts.iter().filter(move |b| *b != a).map(move |b| format!("{a} {b}"))));
    let alternatives = retrieved.iter().map(|r| format!("(cases {} <;> simp_all)", r.name));
    let of_hypotheses = retrieved
        .iter()
        .flat_map(|r| arguments.iter().map(|with| format!("(have := {} {with}; first | omega | grind)", r.name)));
    let ways: Vec<String> = alternatives.chain(of_hypotheses).collect();
    if let Some(best) = retrieved.first().filter(|_| !ways.is_empty()) {
        let names: Vec<&str> = retrieved.iter().map(|r| r.name).collect();
        list.add_with(0.20 * best.score, format!("first | {}", ways.join(" | ")), &names);
    }
}

fn one(view: &View, Retrieved { name, rewrites, speaks, .. }: &Retrieved, p: f64, list: &mut List) {
    let premises = &[*name];
    let mut add = |share: f64, tactic: String| list.add_with(share * p, tactic, premises);
    add(0.25, format!("apply {name}"));
    add(0.10, settled(&format!("apply {name}"), &[]));
    if *speaks {
        add(0.08, format!("grind [{name}]"));
    }
    add(0.03, format!("simpa using {name} .."));
    if *rewrites {
        add(0.30, format!("rw [{name}]"));
        add(0.15, format!("simp [{name}]"));
        add(0.10, format!("rw [← {name}]"));
        add(0.06, format!("simp_all [{name}]"));
        add(0.04, format!("simp only [{name}]"));
        add(0.03, format!("apply {name}.mpr"));
        add(0.03, format!("apply {name}.mp"));
        for fact in view.newest_facts().take(3) {
            add(0.08, format!("rw [{name}] at {}", fact.name));
            add(0.04, format!("simp [{name}] at {}", fact.name));
        }
    }
    for fact in view.newest_facts().take(4) {
        add(0.04, format!("have := {name} {}", fact.name));
    }
}

/// Two at once: one rewrite behind another, or both for a tactic that closes.
fn pairs(retrieved: &[Retrieved], list: &mut List) {
    let first: Vec<&Retrieved> = retrieved.iter().take(PAIRED).collect();
    for (i, a) in first.iter().enumerate() {
        for (j, b) in first.iter().enumerate().filter(|(j, _)| *j != i) {
            let p = a.score * b.score / (2.0 + (i + j) as f64);
            let both = &[a.name, b.name];
            if a.rewrites && b.rewrites {
                list.add_with(0.10 * p, format!("rw [{}, {}]", a.name, b.name), both);
            }
            if i < j && a.speaks && b.speaks {
                list.add_with(0.10 * p, format!("grind [{}, {}]", a.name, b.name), both);
                list.add_with(0.08 * p, format!("simp [{}, {}]", a.name, b.name), both);
            }
            if a.rewrites {
                list.add_with(0.05 * p, format!("rw [{}]\napply {}", a.name, b.name), both);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn retrieved_theorems_are_used_in_every_way() {
        let goal = Goal::parse("a b : Nat\nh : a + b = 0\n⊢ b + a = 0").unwrap();
        let retrieved = [
            Retrieved { name: "Nat.add_comm", rewrites: true, speaks: true, score: 0.9 },
            Retrieved { name: "Nat.le_of_add", rewrites: false, speaks: true, score: 0.5 },
        ];
        let mut list = List::default();
        steps(&View::new(&goal), &retrieved, &mut list);
        assert!(list.ways().iter().any(|way| way == "apply Nat.le_of_add <;> simp_all"));
        let best = list.best(400);
        for wanted in [
            "rw [Nat.add_comm]",
            "rw [Nat.add_comm] at h",
            "grind [Nat.add_comm, Nat.le_of_add]",
            "first | (cases Nat.add_comm <;> simp_all) | (cases Nat.le_of_add <;> simp_all) \
             | (have := Nat.add_comm h; first | omega | grind) | (have := Nat.le_of_add h; first | omega | grind)",
        ] {
            assert!(best.iter().any(|c| c.tactic == wanted), "{wanted}");
        }
        assert!(best.iter().all(|c| !c.premises.is_empty() && c.premises.iter().all(|p| c.tactic.contains(p))));
    }
}
