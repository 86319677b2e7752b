//! The policy of the network that writes tactics as text.

use std::sync::Arc;

use super::{Answer, Policy, Proposal, Source};
use crate::lean::Goal;
use crate::lean::syntax::{Kind, tokens};
use crate::network::Networks;

/// Words behind which names are new.
const BINDERS: [&str; 14] = [
    "fun",
    "with",
    "intro",
    "intros",
    "rintro",
    "obtain",
    "rcases",
    "have",
    "by_cases",
    "generalize",
    "rename_i",
    "next",
    "case",
    "at",
];

/// The policy of networks.
pub struct NetworkPolicy(pub Arc<Networks>);

impl Policy for NetworkPolicy {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let goals: Vec<&Goal> = states.iter().filter_map(|state| state.first()).collect();
            let answers = self.0.tactics(&goals).await.unwrap_or_else(|error| {
                self.0.failed("policy", &error);
                vec![Vec::new(); goals.len()]
            });
            let mut answers = answers.into_iter();
            let proposal = |(tactic, log_prior)| Proposal { tactic, log_prior, by: Source::Network };
            let mut of = |state: &&[Goal]| {
                let (goal, mut written) = (state.first()?, answers.next()?);
                written.retain(|(tactic, _)| !is_of_another_goal(tactic, goal));
                Some(written)
            };
            states.iter().map(|s| of(s).unwrap_or_default().into_iter().map(proposal).collect()).collect()
        })
    }
}

/// Whether a tactic uses a name such as `h`, `x₁` or `ih` that the goal does not have: the network has it from other goals.
fn is_of_another_goal(tactic: &str, goal: &Goal) -> bool {
    let Ok(tokens) = tokens(tactic) else { return false };
    let is_local = |name: &str| {
        let rest = name.strip_prefix("ih").or_else(|| name.strip_prefix(|c: char| c.is_ascii_lowercase()));
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_numeric() || c == '\''))
    };
    let is_known = |name: &str| goal.names().any(|known| known == name);
    // What is taken apart is a local name, whatever it looks like.
    let opened = tokens.windows(2).any(|t| {
        ["cases", "induction", "subst"].contains(&t[0].text)
            && t[1].kind == Kind::Name
            && !t[1].text.contains('.')
            && !is_known(t[1].text)
    });
    opened
        || tokens.iter().all(|t| !BINDERS.contains(&t.text) && !["∀", "∃", "=>", "λ"].contains(&t.text))
            && tokens.iter().any(|t| t.kind == Kind::Name && is_local(t.text) && !is_known(t.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_goals_are_known() {
        let goal = Goal::parse("n : Nat\nh₁ : n = 0\n⊢ n + 0 = 0").unwrap();
        for tactic in ["simp [h]", "cases a <;> simp_all", "rw [ih]", "exact h₂", "rw [ih']", "cases as with | nil => simp"] {
            assert!(is_of_another_goal(tactic, &goal), "{tactic}");
        }
        for tactic in ["simp [h₁]", "intro h", "cases n <;> simp_all", "exact fun h => h", "simp [foo, Nat.h]", "omega", "rfl"]
        {
            assert!(!is_of_another_goal(tactic, &goal), "{tactic}");
        }
    }
}
