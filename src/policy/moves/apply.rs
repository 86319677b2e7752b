//! Hypotheses and their consequences, applied to the target.

use super::candidate::{Family, List};
use super::shape::{Entry, Shape, shape};
use super::view::View;

/// Hypotheses that are looked at, the newest first.
const NEWEST: usize = 8;

/// Relations that go on from one to the next, with the lemma for each pair of signs.
const CHAINS: &[(&str, &str, &str)] = &[
    ("=", "=", "Eq.trans"),
    ("↔", "↔", "Iff.trans"),
    ("≤", "≤", "Nat.le_trans"),
    ("<", "<", "Nat.lt_trans"),
    ("<", "≤", "Nat.lt_of_lt_of_le"),
    ("≤", "<", "Nat.lt_of_le_of_lt"),
    ("∣", "∣", "Nat.dvd_trans"),
];

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    list.begin(Family::Apply);
    let all: Vec<&Entry> = view.newest_facts().take(NEWEST).collect();
    for (rank, Entry { name, ty }) in all.iter().enumerate() {
        let p = 1.0 / (1.0 + 0.2 * rank as f64);
        list.add(0.03 * p, format!("exact {name}"));
        match shape(ty) {
            Shape::Not => {
                list.add(0.12 * p, format!("apply {name}"));
                list.add(0.02 * p, format!("exact absurd ‹_› {name}"));
                list.add(0.02 * p, format!("exact ({name} ‹_›).elim"));
            }
            Shape::Forall | Shape::Implies => implications(view, name, ty, p, list),
            Shape::Iff => {
                list.add(0.08 * p, format!("apply {name}.mp"));
                list.add(0.08 * p, format!("apply {name}.mpr"));
                list.add(0.03 * p, format!("exact {name}.symm"));
            }
            Shape::Equality => {
                list.add(0.03 * p, format!("exact {name}.symm"));
                list.add(0.02 * p, format!("exact congrArg _ {name}"));
                list.add(0.02 * p, format!("simpa using {name}"));
            }
            Shape::And => {
                list.add(0.03 * p, format!("exact {name}.1"));
                list.add(0.03 * p, format!("exact {name}.2"));
            }
            _ => list.add(0.03 * p, format!("simpa using {name}")),
        }
    }
    chains(&all, list);
}

/// A hypothesis with premises: as many holes as it has, or premises found by a closer.
fn implications(view: &View, name: &str, ty: &str, p: f64, list: &mut List) {
    list.add(0.10 * p, format!("apply {name}"));
    list.add(0.05 * p, format!("exact {name} .."));
    list.add_settled(0.10 * p, format!("apply {name}"), &[]);
    let arity = ty.matches('→').count().clamp(1, 4);
    list.add(0.04 * p, format!("refine {name}{} ", " ?_".repeat(arity)).trim_end().to_owned());
    // Premises that stand in the context, what the type asks for first.
    let mut facts: Vec<&Entry> = view.newest_facts().filter(|f| f.name != name).collect();
    facts.sort_by_key(|f| !ty.contains(f.ty));
    for fact in facts.into_iter().take(4) {
        list.add(0.03 * p, format!("exact {name} {}", fact.name));
        list.add(0.03 * p, format!("have := {name} {}", fact.name));
        list.add(0.02 * p, format!("exact {name} _ {}", fact.name));
        list.add(0.02 * p, format!("have := {name} _ {}", fact.name));
    }
    if ty.trim_end().ends_with("False") {
        list.add(0.06 * p, format!("exfalso\napply {name}"));
    }
}

/// Two relations that meet.
fn chains(all: &[&Entry], list: &mut List) {
    let sign = |ty: &str| {
        let one = ["=", "≤", "<", "∣", "↔"].into_iter().filter(|s| ty.contains(&format!(" {s} "))).collect::<Vec<_>>();
        if let [one] = one[..] { Some(one) } else { None }
    };
    let simple: Vec<(&str, &str)> = all.iter().filter_map(|e| Some((e.name, sign(e.ty)?))).take(5).collect();
    for (a, first) in &simple {
        for (b, second) in &simple {
            if a != b
                && let Some((_, _, lemma)) = CHAINS.iter().find(|(l, r, _)| l == first && r == second)
            {
                list.add(0.012, format!("exact {lemma} {a} {b}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn hypotheses_are_used_as_what_they_are() {
        let goal = Goal::parse("p q : Prop\na b c : Nat\nh1 : p → q\nh2 : p\nh3 : a ≤ b\nh4 : b < c\nh5 : ¬p\nh6 : p ↔ q\n⊢ q")
            .unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        for wanted in ["exact h1 h2", "refine h1 ?_", "exact Nat.lt_of_le_of_lt h3 h4", "apply h5", "apply h6.mp"] {
            assert!(made.contains(&wanted), "{wanted} is missing in {made:#?}");
        }
    }
}
