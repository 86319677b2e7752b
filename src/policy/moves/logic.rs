//! Steps of logic: what a target's connective asks for, what a hypothesis offers, names for what has none.

use super::List;
use super::shape::{self, Entry, Shape, entries, fresh, is_proposition, number_type, numerals, shape, split_top};
use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;

/// Steps that the target's shape asks for.
pub fn target_steps(goal: &Goal, list: &mut List) {
    let target = goal.target.trim();
    let mut taken = Vec::new();
    match shape(target) {
        Shape::Forall => {
            let wishes = shape::binders(target);
            let names: Vec<String> = wishes.iter().map(|w| fresh(goal, w, &mut taken)).collect();
            let names = if names.is_empty() { vec![fresh(goal, "x", &mut taken)] } else { names };
            list.add(0.85, format!("intro {}", names.join(" ")));
            if target.starts_with("∀ ") && target.contains(['≥', '≤', '<', '>', '∈']) {
                list.add(0.7, format!("intro {} {}", names.join(" "), fresh(goal, "h", &mut taken)));
            }
        }
        Shape::Implies => {
            list.add(0.85, format!("intro {}", fresh(goal, "h", &mut taken)));
            let (a, b) = (fresh(goal, "h", &mut taken), fresh(goal, "h", &mut taken));
            if split_top(target, " → ").is_some_and(|(left, _)| shape(left) == Shape::And) {
                list.add(0.6, format!("rintro ⟨{a}, {b}⟩"));
            }
        }
        Shape::Not => list.add(0.7, format!("intro {}", fresh(goal, "h", &mut taken))),
        Shape::And => {
            list.add(0.7, "constructor");
            list.add(0.3, "refine ⟨?_, ?_⟩");
            list.add(0.15, "constructor <;> grind");
        }
        Shape::Iff => list.add(0.8, "constructor"),
        Shape::Or => {
            list.add(0.25, "left");
            list.add(0.25, "right");
            if let Some((left, _)) = split_top(target, " ∨ ") {
                list.add(0.15, format!("by_cases {} : {left}", fresh(goal, "h", &mut taken)));
            }
        }
        Shape::Exists => {
            for n in 0..4 {
                list.add(0.2 / f64::from(n + 1), format!("refine ⟨{n}, ?_⟩"));
            }
            for entry in entries(goal).iter().filter(|e| !is_proposition(e.ty)).take(4) {
                list.add(0.15, format!("refine ⟨{}, ?_⟩", entry.name));
                if number_type(entry.ty).is_some() {
                    list.add(0.06, format!("refine ⟨{} + 1, ?_⟩", entry.name));
                }
            }
            let values = witnesses(goal);
            for (p, end) in [(0.25, "decide"), (0.12, "omega")] {
                let ways: Vec<String> = values.iter().map(|v| format!("exact ⟨{v}, by {end}⟩")).collect();
                list.add(p, format!("first | {}", ways.join(" | ")));
            }
            list.add(0.12, "constructor");
            list.add(0.05, "exact ⟨_, rfl⟩");
            list.add(0.10, format!("apply Classical.byContradiction\nintro {}", fresh(goal, "h", &mut taken)));
        }
        Shape::Equality => {
            list.add(0.05, "funext x");
            list.add(0.04, "ext");
            list.add(0.06, "congr 1");
            list.add(0.03, "symm");
            list.add(0.05, "ac_rfl");
        }
        Shape::Other => {}
    }
    if target.contains("if ") || target.contains("match ") {
        list.add(0.5, "split");
    }
    if !matches!(shape(target), Shape::Forall | Shape::Implies | Shape::Not) {
        list.add(0.02, format!("apply Classical.byContradiction\nintro {}", fresh(goal, "h", &mut taken)));
    }
}

/// Numbers that a goal's own numerals make likely as witnesses: small ones, and those around and above each numeral.
fn witnesses(goal: &Goal) -> Vec<u64> {
    let near = numerals(goal).into_iter().filter(|n| *n <= 5000).take(6);
    let mut found: Vec<u64> = (0..13).chain(near.flat_map(|n| (n.saturating_sub(1)..n + 7).chain([2 * n, 3 * n]))).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Steps that take hypotheses apart or use them.
pub fn hypothesis_steps(goal: &Goal, list: &mut List) {
    let all = entries(goal);
    let propositions: Vec<&Entry> = all.iter().filter(|e| is_proposition(e.ty)).collect();
    let mut taken = Vec::new();
    for Entry { name, ty } in propositions.iter().rev().take(8) {
        match shape(ty) {
            Shape::And => {
                let parts = 1 + ty.matches('∧').count().min(4);
                let names: Vec<String> = (0..parts).map(|_| fresh(goal, "h", &mut taken)).collect();
                list.add(0.6, format!("obtain ⟨{}⟩ := {name}", names.join(", ")));
            }
            Shape::Or => list.add(0.6, format!("rcases {name} with {name} | {name}")),
            Shape::Exists => {
                let (w, h) = (fresh(goal, "w", &mut taken), fresh(goal, "h", &mut taken));
                list.add(0.6, format!("obtain ⟨{w}, {h}⟩ := {name}"));
            }
            Shape::Iff => list.add(0.1, format!("obtain ⟨h1, h2⟩ := {name}")),
            Shape::Not => list.add(0.12, format!("apply {name}")),
            Shape::Forall | Shape::Implies => universal(goal, name, ty, list, &mut taken),
            Shape::Equality => {
                list.add(0.10, format!("rw [{name}]"));
                list.add(0.04, format!("rw [← {name}]"));
                if let Some((left, right)) = split_top(ty, " = ") {
                    let is_variable = |t: &str| all.iter().any(|e| e.name == t.trim() && !is_proposition(e.ty));
                    if is_variable(left) || is_variable(right) {
                        list.add(0.30, format!("subst {name}"));
                    }
                }
            }
            Shape::Other => {}
        }
        list.add(0.05, format!("simp [{name}]"));
        list.add(0.03, format!("simp at {name}"));
        list.add(0.03, format!("exact {name}"));
    }
    if propositions.len() > 1 {
        let names: Vec<&str> = propositions.iter().map(|e| e.name).collect();
        list.add(0.08, format!("simp [{}]", names.join(", ")));
    }
    let pairs = propositions.iter().filter(|e| e.ty.contains(['<', '≤', '≥', '>', '='])).count();
    if (1..6).contains(&pairs) {
        list.add(0.03, "cases ‹_ ∨ _›");
    }
}

/// A hypothesis that speaks of all values: apply it, or look at small ones.
fn universal(goal: &Goal, name: &str, ty: &str, list: &mut List, taken: &mut Vec<String>) {
    list.add(0.10, format!("apply {name}"));
    list.add(0.06, format!("rw [{name}]"));
    let h = fresh(goal, "h", taken);
    let entries = entries(goal);
    let values = entries.iter().filter(|e| number_type(e.ty).is_some()).map(|e| e.name.to_owned()).take(3);
    for (i, value) in values.chain(["0", "1", "2"].map(str::to_owned)).enumerate() {
        list.add(0.06 / (1.0 + i as f64 * 0.5), format!("have {h} := {name} {value}"));
    }
    if ty.matches("∀").count() >= 1 {
        let many: Vec<String> = (0..4).map(|i| format!("{name} {i}")).collect();
        list.add(0.05, format!("have := {}\ngrind", many.join("\nhave := ")));
        list.add(0.03, format!("have := {}\nsimp_all\nomega", many.join("\nhave := ")));
    }
}

/// Names for hypotheses that have none that can be written.
pub fn names(goal: &Goal, list: &mut List) {
    let hidden: Vec<&str> = goal.names().filter(|n| is_inaccessible(n)).collect();
    if hidden.is_empty() {
        return;
    }
    let mut taken = Vec::new();
    let names: Vec<String> = hidden
        .iter()
        .map(|n| n.trim_end_matches(|c: char| !c.is_alphanumeric()).trim_end_matches('✝'))
        .map(|n| fresh(goal, n.split(['✝', '.']).next().filter(|n| !n.is_empty()).unwrap_or("h"), &mut taken))
        .collect();
    list.add(0.35, format!("rename_i {}", names.join(" ")));
}
