//! The policy of the network that writes tactics as text.

use std::sync::Arc;

use super::{Answer, Policy, Proposal, Source};
use crate::lean::Goal;
use crate::network::Networks;

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
            let mut of = |state: &&[Goal]| if state.is_empty() { None } else { answers.next() };
            states.iter().map(|s| of(s).unwrap_or_default().into_iter().map(proposal).collect()).collect()
        })
    }
}
