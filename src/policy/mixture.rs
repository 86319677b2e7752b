//! *Generate*: several policies as one, each with a weight; what two of them propose is one proposal.

use std::collections::HashSet;

use futures::future::join_all;

use super::usage::Usage;
use super::{Answer, Place, Policy, Proposal};
use crate::lean::Goal;
use crate::lean::ways::ways;

/// A mixture of policies: probabilities are added, weighted.
///
/// ```
/// use qstar::lean::Goal;
/// use qstar::policy::{Mix, Moves, Policy};
/// let mix = Mix::default().with(0.7, Box::new(Moves::default())).with(0.3, Box::new(Moves::closers()));
/// let goal = Goal::parse("n : Nat\n⊢ n + 0 = n").unwrap();
/// # futures::executor::block_on(async {
/// assert!(mix.propose(&[&[goal]]).await[0].iter().any(|p| p.tactic == "simp"));
/// # });
/// ```
#[derive(Default)]
pub struct Mix {
    parts: Vec<(f64, Box<dyn Policy>)>,
}

impl Mix {
    /// Adds a policy. Weights need not add up to one.
    pub fn with(mut self, weight: f64, policy: Box<dyn Policy>) -> Mix {
        self.parts.push((weight, policy));
        self
    }
}

impl Policy for Mix {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let all = join_all(self.parts.iter().map(|(_, policy)| policy.propose(states))).await;
            self.mix(states.len(), all)
        })
    }

    fn propose_at<'a>(&'a self, places: &'a [Place<'a>]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let all = join_all(self.parts.iter().map(|(_, policy)| policy.propose_at(places))).await;
            self.mix(places.len(), all)
        })
    }

    fn usage(&self) -> Usage {
        self.parts.iter().fold(Usage::default(), |sum, (_, policy)| sum.plus(policy.usage()))
    }

    fn is_spent(&self) -> bool {
        self.parts.iter().any(|(_, policy)| policy.is_spent())
    }

    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        let mut all: Vec<(f64, &str)> = self.parts.iter().flat_map(|(_, policy)| policy.nearest(unknown)).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all
    }
}

impl Mix {
    fn mix(&self, states: usize, answers: Vec<Vec<Vec<Proposal>>>) -> Vec<Vec<Proposal>> {
        let total: f64 = self.parts.iter().map(|(weight, _)| weight).sum();
        let mut mixed: Vec<Vec<Proposal>> = vec![Vec::new(); states];
        for ((weight, _), answer) in self.parts.iter().zip(answers) {
            for (all, proposals) in mixed.iter_mut().zip(answer) {
                for mut p in proposals {
                    p.log_prior += (weight / total).ln();
                    match all.iter_mut().find(|known| known.tactic == p.tactic) {
                        Some(known) => known.log_prior = (known.log_prior.exp() + p.log_prior.exp()).ln(),
                        None => all.push(p),
                    }
                }
            }
        }
        for all in &mut mixed {
            // What stands among the alternatives of another proposal is tried with that one.
            let covered: HashSet<String> = all.iter().filter_map(|p| ways(&p.tactic)).flatten().collect();
            all.retain(|p| !covered.contains(&p.tactic));
            all.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
        }
        mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;
    use futures::FutureExt;

    struct Fixed(&'static [(&'static str, f64)]);

    impl Policy for Fixed {
        fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
            let one =
                |(tactic, p): &(&str, f64)| Proposal { tactic: (*tactic).into(), log_prior: p.ln(), by: Source::Portfolio };
            Box::pin(std::future::ready(states.iter().map(|_| self.0.iter().map(one).collect()).collect()))
        }
    }

    #[test]
    fn what_another_proposal_tries_as_well_is_not_tried_twice() {
        let mix = Mix::default()
            .with(1.0, Box::new(Fixed(&[("first | omega | rfl", 0.4), ("simp", 0.2)])))
            .with(1.0, Box::new(Fixed(&[("omega", 0.8), ("omega; rfl", 0.1)])));
        let goal = Goal::parse("⊢ p").unwrap();
        let mixed = mix.propose(&[&[goal]]).now_or_never().unwrap().remove(0);
        assert_eq!(mixed.iter().map(|p| p.tactic.as_str()).collect::<Vec<_>>(), ["first | omega | rfl", "simp", "omega; rfl"]);
    }

    #[test]
    fn probabilities_of_equal_proposals_are_added() {
        let mix = Mix::default()
            .with(3.0, Box::new(Fixed(&[("a", 0.4), ("b", 0.2)])))
            .with(1.0, Box::new(Fixed(&[("b", 0.8), ("c", 0.1)])));
        let goal = Goal::parse("⊢ p").unwrap();
        let mixed = mix.propose(&[&[goal]]).now_or_never().unwrap().remove(0);
        let found: Vec<(&str, f64)> =
            mixed.iter().map(|p| (p.tactic.as_str(), (p.log_prior.exp() * 1e6).round() / 1e6)).collect();
        assert_eq!(found, [("b", 0.35), ("a", 0.3), ("c", 0.025)]);
    }
}
