//! The matchmaker: which theorems a round searches, and how many checks each may cost, by what earlier rounds found.
//!
//! Most checks of a fixed budget go where they teach nothing: on theorems that fall at once, and on those that are far out of
//! reach (cf. AlphaProof's matchmaker, Nature 2025). So a theorem gets few checks first; what fell at once is not searched
//! again; near misses (something inside was proved) come again with half as much more; the rest waits for better networks.

use std::collections::HashMap;

use super::rollout::Outcome;

/// A proof in so few checks teaches nothing a second time.
const AT_ONCE: u64 = 2;
/// How much the checks grow with every search that proved nothing.
const GROWTH: f64 = 1.5;

/// What is known of a theorem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct History {
    searches: u32,
    /// Checks of the cheapest proof.
    proof: Option<u64>,
    /// Goals inside were proved in the newest search.
    near: bool,
}

/// Earlier rounds' outcomes, by theorem.
#[derive(Debug, Clone, Default)]
pub struct Matchmaker(HashMap<String, History>);

impl Matchmaker {
    /// Takes in what a round found.
    pub fn learn(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let known = self.0.entry(outcome.theorem.clone()).or_default();
            known.searches += 1;
            known.near = !outcome.proved && outcome.proved_goals > 0;
            if outcome.proved {
                known.proof = Some(known.proof.map_or(outcome.checks, |n| n.min(outcome.checks)));
            }
        }
    }

    /// Whether a theorem was searched before.
    pub fn knows(&self, theorem: &str) -> bool {
        self.0.contains_key(theorem)
    }

    /// Places of the theorems for a round of at most `count`, with their checks: near misses (half of the round at most), new
    /// ones, those out of reach, then those whose proofs took longest. `first` checks for a new one, `most` for any.
    pub fn choose(&self, theorems: &[&str], count: usize, first: u64, most: u64) -> Vec<(usize, u64)> {
        let checks = |searches: u32| ((first as f64 * GROWTH.powf(f64::from(searches))) as u64).clamp(1, most.max(1));
        let (mut near, mut new, mut far, mut proved) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (place, name) in theorems.iter().enumerate() {
            match self.0.get(*name) {
                None => new.push((place, checks(0))),
                Some(History { proof: Some(n), .. }) if *n <= AT_ONCE => {}
                Some(History { proof: Some(n), .. }) => proved.push((*n, place)),
                Some(history) if history.near => near.push((place, checks(history.searches))),
                Some(history) => far.push((history.searches, place)),
            }
        }
        // Those that were searched least first; of the proved, those that took the most.
        far.sort_unstable();
        proved.sort_unstable_by(|a, b| b.cmp(a));
        let spare = near.split_off(near.len().min(count.div_ceil(2)));
        let far = far.into_iter().map(|(searches, place)| (place, checks(searches)));
        let proved = proved.into_iter().map(|(n, place)| (place, n.clamp(first, most.max(first))));
        near.into_iter().chain(new).chain(spare).chain(far).chain(proved).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(theorem: &str, proved: bool, checks: u64, proved_goals: usize) -> Outcome {
        let theorem = theorem.to_owned();
        let (values, steps_by) = (Vec::new(), Vec::new());
        Outcome { theorem, proved, checks, proved_goals, goals: 3, seconds: 1.0, lines: None, values, steps_by }
    }

    #[test]
    fn near_misses_get_more_and_what_fell_at_once_is_dropped() {
        let mut matchmaker = Matchmaker::default();
        let all = ["easy", "near", "far", "slow", "new"];
        let chosen = |m: &Matchmaker, count| -> Vec<(&str, u64)> {
            m.choose(&all, count, 20, 40).into_iter().map(|(place, checks)| (all[place], checks)).collect()
        };
        assert_eq!(chosen(&matchmaker, 2), [("easy", 20), ("near", 20)]);
        matchmaker.learn(&[
            outcome("easy", true, 1, 1),
            outcome("near", false, 20, 2),
            outcome("far", false, 20, 0),
            outcome("slow", true, 35, 4),
        ]);
        assert_eq!(chosen(&matchmaker, 9), [("near", 30), ("new", 20), ("far", 30), ("slow", 35)]);
        matchmaker.learn(&[outcome("near", false, 30, 1)]);
        assert_eq!(chosen(&matchmaker, 1), [("near", 40)], "never more than the most");
    }
}
