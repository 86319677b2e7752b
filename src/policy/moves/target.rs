//! What a target's connective asks for.

use super::candidate::{Family, List};
use super::shape::{self, Shape, fresh, shape, split_top};
use super::view::View;

/// Steps that the target's shape asks for.
pub fn steps(view: &View, list: &mut List) {
    let goal = view.goal;
    let target = goal.target.trim();
    let mut taken = Vec::new();
    list.begin(Family::Target);
    match shape(target) {
        Shape::Forall => {
            let wishes = shape::binders(target);
            let names: Vec<String> = wishes.iter().map(|w| fresh(goal, w, &mut taken)).collect();
            let names = if names.is_empty() { vec![fresh(goal, "x", &mut taken)] } else { names };
            list.add(0.85, format!("intro {}", names.join(" ")));
            if target.starts_with("∀ ") && target.contains(['≥', '≤', '<', '>', '∈']) {
                list.add(0.7, format!("intro {} {}", names.join(" "), fresh(goal, "h", &mut taken)));
            }
            list.add(0.03, "intros");
        }
        Shape::Implies => {
            list.add(0.85, format!("intro {}", fresh(goal, "h", &mut taken)));
            let (a, b) = (fresh(goal, "h", &mut taken), fresh(goal, "h", &mut taken));
            let premise = split_top(target, " → ").map(|(left, _)| shape(left));
            match premise {
                Some(Shape::And) => list.add(0.6, format!("rintro ⟨{a}, {b}⟩")),
                Some(Shape::Exists) => list.add(0.4, format!("rintro ⟨{a}, {b}⟩")),
                Some(Shape::Or) => list.add(0.4, format!("rintro ({a} | {a})")),
                Some(Shape::Equality) => list.add(0.1, "rintro rfl"),
                _ => {}
            }
            list.add(0.03, "intros");
        }
        Shape::Not => list.add(0.7, format!("intro {}", fresh(goal, "h", &mut taken))),
        Shape::And => {
            list.add(0.6, "constructor");
            list.add_settled(0.4, "constructor", &[]);
            let parts = 1 + target.matches(" ∧ ").count().min(6);
            if parts > 2 {
                list.add(0.2, format!("refine ⟨{}⟩", vec!["?_"; parts].join(", ")));
            }
        }
        Shape::Iff => {
            list.add(0.8, "constructor");
            let h = fresh(goal, "h", &mut taken);
            list.add(0.2, format!("refine ⟨fun {h} => ?_, fun {h} => ?_⟩"));
            list.add_settled(0.3, format!("refine ⟨fun {h} => ?_, fun {h} => ?_⟩"), &[]);
        }
        Shape::Or => {
            list.add(0.25, "left");
            list.add(0.25, "right");
            if let Some((left, _)) = split_top(target, " ∨ ") {
                list.add(0.15, format!("by_cases {} : {left}", fresh(goal, "h", &mut taken)));
            }
            list.add(0.04, "apply Classical.or_iff_not_imp_left.mpr");
        }
        Shape::Equality | Shape::Exists | Shape::Other => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn each_connective_has_its_steps() {
        let made = |text: &str| {
            let goal = Goal::parse(text).unwrap();
            let mut list = List::default();
            steps(&View::new(&goal), &mut list);
            list.tactics().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(made("⊢ ∀ (n : Nat), n = n").contains(&"intro n".to_owned()));
        assert!(made("⊢ p ∧ q → r").contains(&"rintro ⟨h1, h2⟩".to_owned()));
        assert!(made("⊢ a = b → r").contains(&"rintro rfl".to_owned()));
        assert!(made("⊢ p ∧ q ∧ r").contains(&"refine ⟨?_, ?_, ?_⟩".to_owned()));
        assert!(made("h : p\n⊢ p ↔ q").contains(&"refine ⟨fun h1 => ?_, fun h1 => ?_⟩".to_owned()));
        assert!(made("⊢ a = b").is_empty());
    }
}
