//! Rewriting with hypotheses: in both directions, at the target and at other hypotheses.

use super::candidate::{Family, List};
use super::shape::Entry;
use super::view::View;

/// Hypotheses that rewrite, and hypotheses in which they do, the newest first.
const RULES: usize = 6;
const PLACES: usize = 4;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    list.begin(Family::Rewrite);
    let rules: Vec<&Entry> = view.newest_facts().filter(|f| f.ty.contains(" = ") || f.ty.contains(" ↔ ")).take(RULES).collect();
    for Entry { name, ty } in &rules {
        // What holds for all values rewrites wherever it fits.
        let (ahead, back) = if ty.contains('∀') { (0.08, 0.04) } else { (0.10, 0.04) };
        list.add(ahead, format!("rw [{name}]"));
        list.add(back, format!("rw [← {name}]"));
        list.add(0.02, format!("simp only [{name}]"));
        list.add(0.015, format!("simp [← {name}]"));
        list.add(0.015, format!("simp only [{name}] at *"));
        for place in view.newest_facts().filter(|f| f.name != *name).take(PLACES) {
            list.add(0.03, format!("rw [{name}] at {}", place.name));
            list.add(0.015, format!("rw [← {name}] at {}", place.name));
        }
    }
    for a in rules.iter().take(4) {
        for b in rules.iter().take(4).filter(|b| b.name != a.name) {
            list.add(0.02, format!("rw [{}, {}]", a.name, b.name));
            list.add(0.008, format!("rw [← {}, {}]", a.name, b.name));
        }
    }
    for Entry { name, .. } in view.newest_facts().take(8) {
        list.add(0.05, format!("simp [{name}]"));
        list.add(0.03, format!("simp at {name}"));
        list.add(0.01, format!("simp [{name}] at *"));
        list.add(0.01, format!("grind [{name}]"));
    }
    let names: Vec<&str> = view.facts.iter().map(|e| e.name).collect();
    if names.len() > 1 {
        list.add(0.08, format!("simp [{}]", names.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn both_directions_and_all_places() {
        let goal = Goal::parse("f : Nat → Nat\na b : Nat\nh : ∀ (x : Nat), f x = x\ng : a = f b\n⊢ f a = b").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        for wanted in ["rw [h]", "rw [← g]", "rw [h] at g", "rw [g, h]", "simp [h, g]"] {
            assert!(made.contains(&wanted), "{wanted} is missing in {made:#?}");
        }
    }
}
