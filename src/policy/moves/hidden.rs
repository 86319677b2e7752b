//! Hypotheses whose names cannot be written (`x✝`): the families work on a goal in which they have names, and a tactic that uses
//! one gives it first, so that no step is spent on naming.

use super::candidate::{Family, List};
use super::shape::fresh;
use crate::lean::goal::{is_inaccessible, mentions};
use crate::lean::{Goal, Hypothesis};

/// A goal in which every hypothesis has a name that can be written, but instances, which no tactic mentions.
pub struct Named {
    pub goal: Goal,
    /// For each hidden name, the oldest first: the one given; `None` for an instance.
    given: Vec<Option<String>>,
}

impl Named {
    /// `None` when nothing is hidden.
    pub fn of(goal: &Goal) -> Option<Named> {
        let hidden: Vec<&str> = goal.names().filter(|n| is_inaccessible(n)).collect();
        let mut taken = Vec::new();
        let given: Vec<Option<String>> = hidden
            .iter()
            .map(|name| {
                let wish = name.split(['✝', '.']).next().filter(|n| !n.is_empty()).unwrap_or("h");
                (!wish.starts_with("inst")).then(|| fresh(goal, wish, &mut taken))
            })
            .collect();
        given.iter().any(Option::is_some).then(|| {
            // The longest first: `x✝¹` begins as `x✝` does.
            let mut pairs: Vec<(&str, &str)> =
                hidden.iter().zip(&given).filter_map(|(old, new)| Some((*old, new.as_deref()?))).collect();
            pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
            let named = |text: &str| pairs.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
            let hypotheses = goal.hypotheses.iter().map(|h| Hypothesis {
                names: h.names.iter().map(|n| named(n)).collect(),
                ty: named(&h.ty),
                value: h.value.as_deref().map(named),
            });
            let goal = Goal { case: goal.case.clone(), hypotheses: hypotheses.collect(), target: named(&goal.target) };
            Named { goal, given }
        })
    }

    /// A tactic for the goal as it was: what it uses of the given names is named first. `rename_i` names the newest.
    pub fn written(&self, tactic: &str) -> String {
        let used = |name: &Option<String>| name.as_deref().is_some_and(|name| mentions(tactic, name));
        match self.given.iter().position(used) {
            Some(first) => format!("{}\n{tactic}", self.naming(first, used)),
            None => tactic.to_owned(),
        }
    }

    /// The step that names all of them: for those that write tactics and cannot name.
    pub fn step(&self, list: &mut List) {
        list.begin(Family::Rename);
        if let Some(first) = self.given.iter().position(Option::is_some) {
            list.add(0.03, self.naming(first, Option::is_some));
        }
    }

    fn naming(&self, first: usize, used: impl Fn(&Option<String>) -> bool) -> String {
        let names: Vec<&str> =
            self.given[first..].iter().map(|name| name.as_deref().filter(|_| used(name)).unwrap_or("_")).collect();
        format!("rename_i {}", names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_named_first() {
        let text =
            "α : Type\ninst✝ : BEq α\nx✝¹ : Option α\nax : Nat\nx✝ : Nat\nh✝ : x✝ = ax\ninst✝¹ : Inhabited α\n⊢ f x✝¹ = x✝";
        let named = Named::of(&Goal::parse(text).unwrap()).unwrap();
        assert_eq!(
            named.goal.to_string(),
            "α : Type\ninst✝ : BEq α\nx : Option α\nax : Nat\nx1 : Nat\nh : x1 = ax\ninst✝¹ : Inhabited α\n⊢ f x = x1"
        );
        assert_eq!(named.written("cases x <;> simp_all"), "rename_i x _ _ _\ncases x <;> simp_all");
        assert_eq!(named.written("rw [h]"), "rename_i h _\nrw [h]");
        assert_eq!(named.written("simp [ax]"), "simp [ax]");
        let mut list = List::default();
        named.step(&mut list);
        assert_eq!(list.tactics(), ["rename_i x x1 h _"]);
        assert!(Named::of(&Goal::parse("inst✝ : BEq α\nn : Nat\n⊢ n = n").unwrap()).is_none());
    }
}
