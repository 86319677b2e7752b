//! Hypotheses taken apart, by the shape of their types.

use super::candidate::{Family, List};
use super::shape::{Entry, Shape, fresh, is_proposition, shape, split_top, unbracketed};
use super::view::View;

/// Hypotheses that are looked at, the newest first.
const NEWEST: usize = 8;
/// Nesting that one pattern reaches into.
const DEEPEST: usize = 4;

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    list.begin(Family::Destruct);
    let mut every = Vec::new();
    for Entry { name, ty } in view.newest_facts().take(NEWEST) {
        let mut taken = Vec::new();
        match shape(ty) {
            Shape::And => {
                let parts = 1 + ty.matches('∧').count().min(4);
                let names: Vec<String> = (0..parts).map(|_| fresh(view.goal, "h", &mut taken)).collect();
                list.add(0.6, format!("obtain ⟨{}⟩ := {name}", names.join(", ")));
                list.add(0.02, format!("have := {name}.1"));
                list.add(0.02, format!("have := {name}.2"));
            }
            Shape::Or => list.add(0.6, format!("rcases {name} with {name} | {name}")),
            Shape::Exists => {
                let (w, h) = (fresh(view.goal, "w", &mut taken), fresh(view.goal, "h", &mut taken));
                list.add(0.6, format!("obtain ⟨{w}, {h}⟩ := {name}"));
                list.add(0.1, format!("obtain ⟨{w}, rfl⟩ := {name}"));
            }
            Shape::Iff => {
                list.add(0.1, format!("obtain ⟨h1, h2⟩ := {name}"));
                list.add(0.03, format!("have := {name}.mp"));
                list.add(0.03, format!("have := {name}.mpr"));
            }
            Shape::Equality => {
                if let Some((left, right)) = split_top(ty, " = ") {
                    let variable = |t: &str| view.data.iter().any(|e| e.name == t.trim() && !is_proposition(e.ty));
                    if variable(left) || variable(right) {
                        list.add(0.30, format!("subst {name}"));
                    }
                    if left.contains(['⟨', '(', ':']) || left.starts_with("some ") || left.starts_with("Sum.") {
                        list.add(0.05, format!("injection {name}"));
                    }
                    list.add(0.02, format!("cases {name}"));
                }
            }
            // What an inductive predicate says may have come about in few ways.
            Shape::Other if !ty.contains(['<', '≤', '∣', '%']) => {
                list.add(0.06, format!("cases {name}"));
                list.add_settled(0.03, format!("cases {name}"), &[]);
            }
            Shape::Forall | Shape::Implies | Shape::Not | Shape::Other => {}
        }
        // Whole patterns where there is something inside.
        let pattern = pattern(view, ty, name, DEEPEST, &mut Vec::new());
        if pattern != **name {
            if nested(&pattern) {
                list.add(0.25, format!("rcases {name} with {pattern}"));
            }
            every.push((name, pattern));
        }
    }
    if every.len() > 1 {
        let all: Vec<String> = every.iter().map(|(name, pattern)| format!("rcases {name} with {pattern}")).collect();
        list.add(0.10, all.join("\n"));
    }
}

fn nested(pattern: &str) -> bool {
    pattern.matches(['⟨', '|']).count() > 1
}

/// A pattern that takes a proposition apart as far as its text shows.
fn pattern(view: &View, ty: &str, name: &str, depth: usize, taken: &mut Vec<String>) -> String {
    let ty = unbracketed(ty);
    let again = |part: &str, taken: &mut Vec<String>| match depth {
        0 => fresh(view.goal, "h", taken),
        _ => pattern(view, part, "", depth - 1, taken),
    };
    match shape(ty) {
        Shape::And => {
            let Some((left, right)) = split_top(ty, " ∧ ") else { return name.to_owned() };
            let (a, b) = (again(left, taken), again(right, taken));
            format!(
                "⟨{a}, {}⟩",
                b.strip_prefix('⟨').and_then(|b| b.strip_suffix('⟩')).filter(|b| !b.contains('|')).unwrap_or(&b)
            )
        }
        Shape::Or => {
            let Some((left, right)) = split_top(ty, " ∨ ") else { return name.to_owned() };
            let (a, b) = (again(left, taken), again(right, taken));
            format!("({a} | {})", b.strip_prefix('(').and_then(|b| b.strip_suffix(')')).unwrap_or(&b))
        }
        Shape::Exists => {
            let Some((binders, body)) = split_top(ty, ", ") else { return name.to_owned() };
            let words = binders.trim_start_matches(['∃', ' ', '(']).split(" :").next().unwrap_or("x");
            let names: Vec<String> =
                words.split_whitespace().map(|w| fresh(view.goal, w.trim_matches(['(', ')']), taken)).collect();
            format!("⟨{}, {}⟩", names.join(", "), again(body, taken))
        }
        _ if name.is_empty() => fresh(view.goal, "h", taken),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn patterns_follow_the_type() {
        let goal = Goal::parse("a b : Prop\nh : ∃ n, (p n ∧ q n) ∨ n = 0\ng : a ∧ (b ∨ a)\n⊢ a").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        assert!(made.contains(&"rcases h with ⟨n, (⟨h1, h2⟩ | h3)⟩"), "{made:#?}");
        assert!(made.contains(&"rcases g with ⟨h1, (h2 | h3)⟩"), "{made:#?}");
        assert!(made.iter().any(|t| t.lines().count() == 2), "all at once");
        for tactic in made {
            assert_eq!(crate::lean::guard::check(tactic), Ok(()), "{tactic}");
        }
    }
}
