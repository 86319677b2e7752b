//! Theorems that say of another type what the goal says of its own. A type is often made of another one (arrays of lists, hash maps
//! of hash maps with dependent values, words of bit vectors), and so are its theorems: they follow as they stand, or by
//! simplification with them once the values are taken apart.

use super::candidate::{Family, List};
use super::cases::opened;
use super::library::as_they_stand;
use super::view::View;
use crate::policy::premises::Retrieved;

/// Theorems that simplify, each for itself.
const ALONE: usize = 3;

/// The steps of this module.
pub fn steps(view: &View, siblings: &[Retrieved], list: &mut List) {
    list.begin(Family::Library);
    let Some(best) = siblings.first() else { return };
    let all: Vec<&str> = siblings.iter().map(|r| r.name).collect();
    let terms = as_they_stand(view, siblings);
    list.add_with(0.25 * best.score, terms.clone(), &all);
    let names: Vec<&str> = siblings.iter().filter(|r| r.speaks).map(|r| r.name).collect();
    if names.is_empty() {
        return;
    }
    // One that is no rule makes `simp` refuse all.
    let mut ways = vec![format!("simp_all [{}]", names.join(", "))];
    if names.len() > 1 {
        ways.extend(names.iter().take(ALONE).map(|name| format!("simp_all [{name}]")));
    }
    let ways = format!("first | {}", ways.join(" | "));
    match opened(view) {
        Some(open) => {
            list.add_with(0.40 * best.score, format!("{open}\n{ways}"), &names);
            list.add_with(0.30 * best.score, format!("{open}\ntry simp at *\n{terms}"), &all);
        }
        None => list.add_with(0.15 * best.score, ways, &names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn values_are_taken_apart_for_them() {
        let goal = Goal::parse("n : Nat\nxs : Vector Nat n\nh : 0 < n\n⊢ xs.count 0 = 0").unwrap();
        let sibling = |name| Retrieved { name, rewrites: true, speaks: true, score: 0.5 };
        let mut list = List::default();
        steps(&View::new(&goal), &[sibling("Array.a"), sibling("Array.b")], &mut list);
        let made = list.tactics();
        assert!(made[0].starts_with("first | exact Array.a ..") && made[0].contains("exact Array.b h.1"), "{made:#?}");
        assert_eq!(
            made[1],
            "obtain ⟨xs, rfl⟩ := xs\nfirst | simp_all [Array.a, Array.b] | simp_all [Array.a] | simp_all [Array.b]"
        );
    }
}
