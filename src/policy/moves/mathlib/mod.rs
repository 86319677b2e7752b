//! Moves with the tactics of Mathlib and of other libraries, for goals behind headers that import them.
//!
//! Written from what Mathlib prints and takes; no Mathlib runs where this is tested. A tactic that Lean does not know is tried
//! once: the search drops its name when Lean says so.

mod analysis;
mod closers;
mod hints;
mod integers;
mod linear;
mod scene;
mod sets;
mod steps;

use crate::lean::Goal;
use crate::lean::syntax::imports;

use super::candidate::{Family, List};
use scene::Scene;

/// Closers that decide statements about whole numbers, and cannot see what reals or fractions are.
const OF_WHOLE_NUMBERS: &[&str] = &[super::closers::DECIDE, super::closers::SIMPLIFY];
/// What they lose where the target is about ℚ, ℝ or ℂ.
const NOT_OF_FIELDS: f64 = 0.1;

/// Tactics that a header's imports bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kit {
    mathlib: bool,
    aesop: bool,
    duper: bool,
    canonical: bool,
    hammer: bool,
    smt: bool,
}

impl Kit {
    /// By the imports of a header.
    pub fn of(header: &str) -> Kit {
        let all = imports(header);
        let modules = || all.lines().filter_map(|l| l.split_whitespace().last());
        let has = |root: &str| modules().any(|m| m == root || m.strip_prefix(root).is_some_and(|rest| rest.starts_with('.')));
        Kit {
            mathlib: has("Mathlib"),
            aesop: has("Mathlib") || has("Aesop"),
            duper: has("Duper") || has("Hammer"),
            canonical: has("Canonical"),
            hammer: has("Hammer"),
            smt: has("Smt"),
        }
    }
}

/// The steps of this module, by what is imported; closers of whole numbers that were added before come late at ℚ, ℝ, ℂ.
pub fn steps(goal: &Goal, kit: Kit, list: &mut List) {
    list.begin(Family::Mathlib);
    for (is, probability, tactic) in [
        (kit.aesop, 0.16, "aesop"),
        (kit.hammer, 0.40, "hammer"),
        (kit.canonical, 0.25, "canonical"),
        (kit.duper, 0.25, "duper [*]"),
        (kit.smt, 0.20, "smt [*]"),
    ] {
        if is {
            list.add(probability, tactic);
        }
    }
    if kit.mathlib {
        let scene = Scene::new(goal);
        if scene.number.is_field() {
            list.damp(NOT_OF_FIELDS, |c| OF_WHOLE_NUMBERS.contains(&c.tactic.as_str()));
        }
        for family in [closers::add, linear::add, integers::add, analysis::add, sets::add, steps::add] {
            family(&scene, list);
        }
    }
}

#[cfg(test)]
mod tests_support {
    use super::*;
    use crate::lean::guard;

    /// The first moves for a goal behind `import Mathlib`, the best first; each passes the guard.
    pub fn first(goal: &str, most: usize) -> Vec<String> {
        let mut list = List::default();
        steps(&Goal::parse(goal).unwrap(), Kit { mathlib: true, aesop: true, ..Kit::default() }, &mut list);
        let tactics: Vec<String> = list.best(most).into_iter().map(|c| c.tactic).collect();
        tactics.iter().for_each(|tactic| assert_eq!(guard::check(tactic), Ok(()), "{tactic}"));
        tactics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_choose() {
        assert_eq!(Kit::of("import Std\nopen Nat"), Kit::default());
        let mathlib =
            Kit::of("import Mathlib.Tactic.Ring\n\nset_option maxHeartbeats 400000\n\nopen BigOperators Real Nat Topology Rat");
        assert!(mathlib.mathlib && mathlib.aesop && !mathlib.duper);
        assert!(!Kit::of("import MathlibExtra").mathlib);
        let tactics = |header: &str| {
            let mut list = List::default();
            steps(&Goal::parse("p q : Prop\n⊢ p → q").unwrap(), Kit::of(header), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(tactics("import Aesop"), ["aesop"]);
        assert_eq!(tactics("import Duper\nimport Canonical"), ["canonical", "duper [*]"]);
        assert!(tactics("import Hammer").contains(&"hammer".to_owned()));
        assert!(tactics("").is_empty());
    }
}
