//! A policy in another order for each seed, so that attempts differ.

use sha2::{Digest, Sha256};

use super::usage::Usage;
use super::{Answer, Place, Policy, Proposal};
use crate::lean::Goal;
use crate::lean::goal::state_key;

/// A policy whose order is shaken by a seed, so that attempts with other seeds try other things first: Gumbel noise on
/// the log-probabilities draws without replacement (Kool et al. 2019, «Stochastic Beams and Where to Find Them»). The
/// noise hangs on seed, state and tactic alone: equal seeds give equal searches.
pub struct Seeded {
    inner: Box<dyn Policy>,
    seed: u64,
}

impl Seeded {
    pub fn new(inner: Box<dyn Policy>, seed: u64) -> Seeded {
        Seeded { inner, seed }
    }

    fn gumbel(&self, state: &str, tactic: &str) -> f64 {
        let text = format!("{}\0{state}\0{tactic}", self.seed);
        let digest = Sha256::digest(text.as_bytes());
        let bits = u64::from_le_bytes(std::array::from_fn(|i| digest[i])) >> 11;
        let uniform = (bits as f64 + 0.5) / (1u64 << 53) as f64;
        -(-uniform.ln()).ln()
    }
}

impl Policy for Seeded {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move { self.shake(states, self.inner.propose(states).await) })
    }

    fn propose_at<'a>(&'a self, places: &'a [Place<'a>]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let states: Vec<&[Goal]> = places.iter().map(|place| place.state).collect();
            self.shake(&states, self.inner.propose_at(places).await)
        })
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }

    fn is_spent(&self) -> bool {
        self.inner.is_spent()
    }

    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        self.inner.nearest(unknown)
    }
}

impl Seeded {
    fn shake(&self, states: &[&[Goal]], mut all: Vec<Vec<Proposal>>) -> Vec<Vec<Proposal>> {
        for (state, proposals) in states.iter().zip(&mut all) {
            let key = state_key(state);
            for proposal in proposals.iter_mut() {
                proposal.log_prior += self.gumbel(&key, &proposal.tactic);
            }
            proposals.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
            // Noise must not make a way look better than certain.
            let best = proposals.first().map_or(0.0, |p| p.log_prior.max(0.0));
            proposals.iter_mut().for_each(|p| p.log_prior -= best);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Moves;
    use futures::FutureExt;

    #[test]
    fn seeds_give_orders_of_their_own_and_the_same_each_time() {
        let goal = Goal { case: None, hypotheses: Vec::new(), target: "a ∧ b".to_owned() };
        let order = |seed| -> Vec<String> {
            let policy = Seeded::new(Box::new(Moves::default()), seed);
            policy
                .propose(&[std::slice::from_ref(&goal)])
                .now_or_never()
                .unwrap()
                .remove(0)
                .into_iter()
                .map(|p| p.tactic)
                .collect()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
