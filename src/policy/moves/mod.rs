//! The portfolio: strong tactics with priors that look at the goal. The policy that every network must beat.
//!
//! General steps only; nothing here knows a theorem. Priors are guesses of how often a tactic is the next step,
//! lowered where a try is dear.

mod arithmetic;
mod bounds;
mod induction;
mod logic;
mod recurrence;
mod shape;

use super::{Answer, Policy, Proposal, Source};
use crate::lean::Goal;
use crate::lean::syntax::{Kind, tokens};

/// Proposals kept for one goal.
const MOST: usize = 70;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Portfolio {
    /// Definitions of the header, to be unfolded where a goal mentions them.
    definitions: Vec<String>,
    closers_only: bool,
}

impl Portfolio {
    /// A portfolio that knows the definitions in a header.
    pub fn for_header(header: &str) -> Portfolio {
        let definitions = definitions(header);
        Portfolio { definitions, closers_only: false }
    }

    /// Single tactics that end a goal, and no steps: the baseline of every benchmark.
    pub fn closers() -> Portfolio {
        Portfolio { closers_only: true, ..Portfolio::default() }
    }
}

impl Policy for Portfolio {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        let proposals = states.iter().map(|state| state.first().map_or_else(Vec::new, |goal| self.propose_for(goal)));
        Box::pin(std::future::ready(proposals.collect()))
    }
}

impl Portfolio {
    fn propose_for(&self, goal: &Goal) -> Vec<Proposal> {
        let mut list = List(Vec::new());
        closers(&mut list);
        if !self.closers_only {
            unfolding(goal, &self.definitions, &mut list);
            logic::target_steps(goal, &mut list);
            logic::hypothesis_steps(goal, &mut list);
            logic::names(goal, &mut list);
            induction::steps(goal, &mut list);
            arithmetic::steps(goal, &mut list);
            bounds::steps(goal, &mut list);
            recurrence::steps(goal, &mut list);
        }
        let mut seen = std::collections::HashSet::new();
        list.0.retain(|(tactic, _)| seen.insert(tactic.clone()));
        list.0.sort_by(|a, b| b.1.total_cmp(&a.1));
        list.0.truncate(MOST);
        list.0.into_iter().map(|(tactic, p)| Proposal { tactic, log_prior: p.ln(), by: Source::Portfolio }).collect()
    }
}

/// Proposals as they are gathered, with their probabilities.
struct List(Vec<(String, f64)>);

impl List {
    fn add(&mut self, probability: f64, tactic: impl Into<String>) {
        self.0.push((tactic.into(), probability));
    }
}

/// Tactics that try to end a goal.
fn closers(list: &mut List) {
    for (p, tactic) in [
        (0.30, "rfl"),
        (0.60, "omega"),
        (0.55, "grind"),
        (0.40, "simp_all"),
        (0.30, "decide"),
        (0.20, "assumption"),
        (0.22, "simp"),
        (0.12, "decide +kernel"),
        (0.10, "simp_all\nomega"),
        (0.10, "simp at *\nomega"),
        (0.05, "simp [Nat.mul_add, Nat.add_mul, Nat.pow_succ] at *\nomega"),
        (0.04, "norm_cast at *\nomega"),
        (0.02, "exact?"),
        (0.03, "contradiction"),
        (0.03, "exfalso\ngrind"),
    ] {
        list.add(p, tactic);
    }
}

/// Steps that open the user's own definitions.
fn unfolding(goal: &Goal, definitions: &[String], list: &mut List) {
    let text = goal.to_string();
    let words: std::collections::HashSet<&str> = text.split(|c: char| !(c.is_alphanumeric() || "_.'".contains(c))).collect();
    let used: Vec<&str> = definitions.iter().map(String::as_str).filter(|d| words.contains(d)).collect();
    if used.is_empty() {
        return;
    }
    let all = used.join(", ");
    list.add(0.50, format!("grind [{all}]"));
    list.add(0.45, format!("simp_all [{all}]"));
    list.add(0.30, format!("simp [{all}]"));
    list.add(0.20, format!("simp_all [{all}]\nomega"));
    list.add(0.20, format!("simp [{all}] at *\ngrind"));
    list.add(0.10, format!("unfold {}", used.join(" ")));
}

/// Names that a header defines.
fn definitions(header: &str) -> Vec<String> {
    let found = crate::source::commands(header).unwrap_or_default();
    let bodies = found
        .iter()
        .filter(|c| ["def", "abbrev"].contains(&c.keyword.as_str()))
        .map(|c| (&header[c.range.clone()], &c.keyword));
    let name = |(body, keyword): (&str, &String)| {
        let all = tokens(body).ok()?;
        let at = all.iter().position(|t| t.kind == Kind::Name && t.text == keyword)?;
        all.get(at + 1).filter(|t| t.kind == Kind::Name).map(|t| t.text.to_owned())
    };
    bodies.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::guard;

    fn tactics(goal: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        Portfolio::default().propose_for(&goal).into_iter().map(|p| p.tactic).collect()
    }

    #[test]
    fn proposals_fit_the_goal() {
        assert!(tactics("⊢ ∀ (n : Nat), n = n").contains(&"intro n".to_owned()));
        assert!(tactics("p q : Prop\nh : p ∧ q\n⊢ q").iter().any(|t| t.starts_with("obtain ⟨h1, h2⟩ := h")));
        assert!(tactics("n : Nat\n⊢ 3 ∣ n").iter().any(|t| t.starts_with("induction n with")));
        assert!(tactics("a✝ : p\n⊢ p").contains(&"rename_i a".to_owned()));
    }

    #[test]
    fn definitions_of_the_header_are_unfolded() {
        let portfolio = Portfolio::for_header("/-- doc -/\ndef sumTo : Nat → Nat\n  | 0 => 0\n  | n + 1 => sumTo n\n");
        let goal = Goal::parse("n : Nat\n⊢ sumTo n = 0").unwrap();
        assert!(portfolio.propose_for(&goal).iter().any(|p| p.tactic == "grind [sumTo]"));
    }

    #[test]
    fn every_proposal_passes_the_guard() {
        for goal in [
            "x y : Int\nh : 0 < y\ng : y < x\n⊢ x * y % 7 = 1",
            "n✝ : Nat\nih : ∃ k, k = n✝\nf : Nat → Nat\nhf : ∀ n ≥ 3, f n = f (n - 1)\nl : List Nat\n⊢ ∃ x, f x ^ 2 = gcd (x + 1) (2 * x) ∧ p",
        ] {
            for tactic in tactics(goal) {
                assert_eq!(guard::check(&tactic), Ok(()), "{tactic}");
            }
        }
    }

    #[test]
    fn priors_fall_and_are_probabilities() {
        let goal = Goal::parse("n : Nat\nh : n % 4 = 3\n⊢ n ^ 2 % 4 = 1").unwrap();
        let all = Portfolio::default().propose_for(&goal);
        assert!(all.windows(2).all(|w| w[0].log_prior >= w[1].log_prior) && all[0].log_prior < 0.0 && all.len() <= MOST);
    }
}
