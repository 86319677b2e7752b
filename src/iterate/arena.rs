//! The arena: new networks against the best so far, on the same held-out theorems with the same budget.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rollout::Outcome;
use crate::bench::gate::sign_test;

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub round: usize,
    /// Theorems proved by the best so far and by the new networks.
    pub before: usize,
    pub now: usize,
    /// Theorems proved by the new networks only, and by the old only.
    pub won: usize,
    pub lost: usize,
    /// Theorems that both prove, with fewer checks by the new ones, and by the old.
    pub quicker: usize,
    pub slower: usize,
    /// How often chance alone gives such a lead (one-sided sign test over theorems that differ).
    pub p: f64,
    pub promoted: bool,
}

/// Compares theorem by theorem: better is what proves, and of two that prove what needs fewer checks. Promoted is what
/// proves no fewer theorems and is ahead by more than chance explains.
pub fn compare(round: usize, old: &[Outcome], new: &[Outcome], significance: f64) -> Verdict {
    let known: BTreeMap<&str, &Outcome> = old.iter().map(|o| (o.theorem.as_str(), o)).collect();
    let pairs: Vec<(&Outcome, &Outcome)> = new.iter().filter_map(|n| Some((*known.get(n.theorem.as_str())?, n))).collect();
    let count = |test: &dyn Fn(&Outcome, &Outcome) -> bool| pairs.iter().filter(|(o, n)| test(o, n)).count();
    let won = count(&|o, n| !o.proved && n.proved);
    let lost = count(&|o, n| o.proved && !n.proved);
    let quicker = count(&|o, n| o.proved && n.proved && n.checks < o.checks);
    let slower = count(&|o, n| o.proved && n.proved && n.checks > o.checks);
    let (before, now) = (count(&|o, _| o.proved), count(&|_, n| n.proved));
    let p = sign_test(won + quicker, lost + slower);
    Verdict { round, before, now, won, lost, quicker, slower, p, promoted: now >= before && p < significance }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(list: &[(bool, u64)]) -> Vec<Outcome> {
        let one = |(i, &(proved, checks)): (usize, &(bool, u64))| Outcome {
            theorem: format!("t{i}"),
            proved,
            checks,
            goals: 1,
            proved_goals: 0,
            seconds: 1.0,
            lines: None,
            values: Vec::new(),
            steps_by: Vec::new(),
        };
        list.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_lead_that_chance_explains_is_no_reason_to_promote() {
        let old = outcomes(&[(true, 10), (true, 10), (false, 60), (true, 5)]);
        let verdict = compare(1, &old, &outcomes(&[(true, 8), (true, 12), (true, 60), (true, 5)]), 0.05);
        assert_eq!((verdict.before, verdict.now, verdict.won, verdict.quicker, verdict.slower), (3, 4, 1, 1, 1));
        assert!(!verdict.promoted && verdict.p > 0.4);
    }

    #[test]
    fn fewer_checks_count_and_fewer_proofs_do_not() {
        let old = outcomes(&[(true, 20); 12]);
        assert!(compare(1, &old, &outcomes(&[(true, 5); 12]), 0.05).promoted);
        let mut less = [(true, 5); 12];
        less[3] = (false, 60);
        assert!(!compare(1, &old, &outcomes(&less), 0.05).promoted);
    }
}
