//! Tactics that end a goal: singly, as the baseline of every benchmark has them, and in the moves those that fail in a moment
//! together, as one candidate. A check costs its way to Lean and the elaboration of the path to its goal, which a dozen of them
//! may share; and a budget in checks goes to steps.

use super::candidate::{Family, List};
use super::shape::{Entry, Shape, branches, shape, split_top};
use super::view::View;
use crate::lean::runaway::is_large;

/// Hypotheses that [`at_once`] looks at, the newest first.
const NEWEST: usize = 6;

/// Those that every search without steps has.
pub fn single(list: &mut List) {
    list.begin(Family::Closer);
    for (p, tactic) in [
        (0.60, "omega"),
        (0.30, "rfl"),
        (0.30, "decide"),
        (0.20, "assumption"),
        (0.12, "decide +kernel"),
        (0.10, "simp_all\nomega"),
        (0.10, "simp at *\nomega"),
        (0.03, "contradiction"),
        (0.05, EXPAND),
        (0.04, CAST),
    ] {
        list.add(p, tactic);
    }
    searching(list);
}

/// Those that every other search has.
pub fn usual(view: &View, list: &mut List) {
    list.begin(Family::Closer);
    // What is decided has no variables.
    let open = view.goal.names().any(|name| view.in_target(name));
    list.add(if open { 0.005 } else { 0.30 }, DECIDE);
    let finite = |ty: &str| ty == "Bool" || ty.strip_prefix("Fin ").is_some_and(|n| n.parse::<u64>().is_ok());
    if open && view.objects().any(|e| finite(e.ty) && view.in_target(e.name)) {
        list.add(0.10, "decide +revert");
    }
    // On large numbers one that computes for ever would stop all behind it.
    if is_large(&view.goal.to_string()) {
        list.add(0.60, first(&[at_once(view), vec!["omega".into(), "rfl".into()]].concat()));
        list.add(0.15, SIMPLIFY);
        searching(list);
        return;
    }
    list.add(0.85, whole(view));
    for (p, tactic) in [(0.22, "simp"), (0.03, SIMPLIFY), (0.02, "exact?"), (0.03, "exfalso\ngrind")] {
        list.add(p, tactic);
    }
}

/// All that ends a goal often, the quickest first, and what `simp_all` makes of it otherwise: one check tells whether a goal needs
/// a step, so that a budget in checks goes to steps, and every goal that a step leaves is looked at.
fn whole(view: &View) -> String {
    let searching = ["omega", "(simp_all <;> omega)", "grind", "rfl", "simp_all"].map(str::to_owned);
    first(&[at_once(view), searching.to_vec()].concat())
}

fn first(ways: &[String]) -> String {
    format!("first | {}", ways.join(" | "))
}

/// Decided by evaluation, or by the kernel's.
pub const DECIDE: &str = "first | decide | decide +kernel";
/// Whole numbers behind what `simp` sees through.
pub const SIMPLIFY: &str = "first | (simp_all; omega) | (simp at *; omega)";

/// Whole numbers behind products that are multiplied out.
const EXPAND: &str = "simp [Nat.mul_add, Nat.add_mul, Nat.pow_succ] at *\nomega";
/// Whole numbers behind casts.
const CAST: &str = "norm_cast at *\nomega";

/// Tactics that look for a proof by themselves.
fn searching(list: &mut List) {
    for (p, tactic) in [(0.55, "grind"), (0.40, "simp_all"), (0.22, "simp"), (0.02, "exact?"), (0.03, "exfalso\ngrind")] {
        list.add(p, tactic);
    }
}

/// What ends a goal at once or fails at once: terms made of the hypotheses.
fn at_once(view: &View) -> Vec<String> {
    let mut ways = vec!["assumption".to_owned(), "contradiction".to_owned()];
    let facts: Vec<&Entry> = view.newest_facts().take(NEWEST).collect();
    match shape(view.goal.target.trim()) {
        Shape::Exists => {
            for Entry { name, .. } in &facts {
                ways.extend([format!("exact ⟨_, {name}⟩"), format!("exact ⟨_, _, {name}⟩")]);
            }
            ways.extend(["exact ⟨_, ‹_›, ‹_›⟩", "exact ⟨_, rfl⟩"].map(str::to_owned));
        }
        Shape::And => ways.push("exact ⟨‹_›, ‹_›⟩".to_owned()),
        Shape::Or => ways.extend(["exact .inl ‹_›", "exact .inr ‹_›"].map(str::to_owned)),
        Shape::Forall | Shape::Implies => ways.extend(["(intros; assumption)", "(intros; rfl)"].map(str::to_owned)),
        Shape::Not => ways.push("nofun".to_owned()),
        Shape::Iff | Shape::Equality | Shape::Other => {}
    }
    let mut equal = false;
    for Entry { name, ty } in &facts {
        match shape(ty) {
            Shape::And => ways.extend([format!("exact {name}.1"), format!("exact {name}.2")]),
            Shape::Not => ways.push(format!("exact absurd ‹_› {name}")),
            Shape::Iff => ways.push(format!("exact {name}.symm")),
            Shape::Equality => {
                ways.push(format!("exact {name}.symm"));
                equal = true;
            }
            Shape::Forall | Shape::Implies => {
                ways.extend([format!("exact {name} .."), format!("(apply {name} <;> assumption)")]);
            }
            // Of most orders this is what their own irreflexivity unfolds to.
            Shape::Other if split_top(ty, " < ").is_some_and(|(a, b)| a.trim() == b.trim()) => {
                ways.push(format!("exact absurd {name} (Nat.lt_irrefl _)"));
            }
            Shape::Exists | Shape::Or | Shape::Other => {}
        }
    }
    if equal {
        ways.extend(["(subst_vars; assumption)", "(subst_vars; rfl)"].map(str::to_owned));
    }
    ways
}

/// Others, where the goal looks as if they could work.
pub fn more(view: &View, list: &mut List) {
    list.begin(Family::Closer);
    let text = view.goal.to_string();
    let has = |signs: &[&str]| signs.iter().any(|s| text.contains(s));
    let quantified = has(&["∀", "→"]);
    let branching = branches(&text);
    let mut add = |when: bool, p: f64, tactic: &str| {
        if when {
            list.add(p, tactic);
        }
    };
    add(true, 0.03, "simp_all\ngrind");
    add(true, 0.02, "simp [*]");
    add(true, 0.015, "simp_all +decide");
    add(has(&["*", "^"]), 0.05, EXPAND);
    add(has(&["↑", "Int", "Rat", "Fin"]), 0.04, CAST);
    add(true, 0.01, "solve_by_elim");
    add(has(&["+", "-", "*", "≤", "<"]), 0.02, "simp +arith");
    add(has(&["+", "-", "*", "≤", "<"]), 0.015, "simp_all +arith");
    add(quantified, 0.03, "intros\nsimp_all");
    add(quantified, 0.03, "intros\ngrind");
    add(quantified, 0.02, "intros\nomega");
    add(branching, 0.03, "grind +splitImp");
    add(branching || has(&["∨"]), 0.04, "repeat' split\nall_goals simp_all");
    add(branching, 0.03, "repeat' split\nall_goals grind");
    add(branching, 0.03, "repeat' split\nall_goals omega");
    add(has(&["×", ".1", ".fst", "⟨"]), 0.02, "ext <;> simp_all");
    add(has(&["¬", "False", "≠"]), 0.03, "simp_all [Classical.not_forall]");
    add(has(&["BitVec", "UInt", "Int8", "Int16", "Int32", "Int64"]), 0.02, "simp_all [BitVec.toNat_eq]\nomega");
    add(view.target.as_ref().is_some_and(|t| t.kind == super::terms::Kind::Binary("=")), 0.02, "ac_rfl");
    add(!view.facts.is_empty(), 0.02, "simp_all only [ne_eq, Decidable.not_not, and_self, true_and, and_true]");
    add(view.facts.iter().any(|f| f.ty.contains(" = ")), 0.02, "subst_vars\nsimp_all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn what_fails_at_once_is_tried_together() {
        let made = |text: &str| whole(&View::new(&Goal::parse(text).unwrap()));
        assert_eq!(
            made("⊢ 1 = 1"),
            "first | assumption | contradiction | omega | (simp_all <;> omega) | grind | rfl | simp_all"
        );
        let large = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            usual(&View::new(&goal), &mut list);
            list.tactics().contains(&"grind")
        };
        assert!(large("⊢ 7 ^ 888888 % 11 = 9") && !large("⊢ 7 ^ 8 % 11 = 9"), "each alone where numbers are large");
        let some = made("α : Type\np q : α → Prop\nw : α\nh : p w\ng : ∀ x, p x → q x\n⊢ ∃ x, p x");
        for way in ["| exact ⟨_, h⟩ |", "| (apply g <;> assumption) |"] {
            assert!(some.contains(way), "{some}");
        }
        assert_eq!(crate::lean::guard::check(&some), Ok(()));
        assert!(made("p : Pos\nh : p < p\n⊢ False").contains("| exact absurd h (Nat.lt_irrefl _) |"));
    }

    #[test]
    fn closers_fit_the_goal() {
        let made = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            more(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(made("⊢ (if a then b else c) = d").iter().any(|t| t.starts_with("repeat' split")));
        assert!(!made("⊢ a = b").iter().any(|t| t.contains("split") || t.starts_with("intros")));
    }
}
