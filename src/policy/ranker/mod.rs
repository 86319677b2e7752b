//! The ranker: a network that reads a goal and a tactic and foretells Lean's verdict; as the scorer of other policies.
//!
//! [`text`] cuts goals and tactics in words, [`features`] makes of them the numbers that the network reads, [`statements`]
//! holds what theorems speak of. Depends on `network` for running it. Knows nothing of who proposes, and nothing of servers.

pub mod features;
pub mod statements;
pub mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Answer, Policy, Proposal};
use crate::lean::ways::{after_step, ways as tactic_ways};
use crate::lean::{Goal, runaway};
use crate::network::onnx::Running;
use crate::network::ranking::{Candidate, Foretold, Pairing, RankingModel};
use crate::network::runtime;
use crate::network::service::{Batching, Service};
use features::{Features, GoalView};
use statements::Statements;

/// Goals ranked together: all that wait, none is waited for.
const BATCHING: Batching = Batching { size: 8, wait: Duration::ZERO };
/// The file that says that a folder of networks has a ranker.
const HEAD: &str = "ranker.onnx";
/// What a tactic usually takes, in seconds.
const USUAL: f64 = 0.1;
/// How much the time that a tactic takes counts against its chance.
const COST: f64 = 0.2;
/// The ranker's share in a proposal's prior, as a logarithm.
const SHARE: f64 = 0.5;
/// How many times its place in the order by hand a proposal comes late at most.
const LATEST: usize = 2;
/// Of a proposal of several ways so many are scored for themselves, and none that is longer, in characters.
const WAYS: usize = 8;
const SHORT: usize = 24;

/// A ranker that runs, on a thread of its own.
pub struct Ranker {
    path: PathBuf,
    service: Service<Vec<Foretold>, Pairing>,
    /// A failure was told.
    told: AtomicBool,
}

#[derive(Deserialize)]
struct About {
    features: Features,
}

impl Ranker {
    /// Whether a folder of networks has one.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(HEAD).is_file()
    }

    /// Opens the ranker of a folder.
    ///
    /// # Errors
    /// Naming the file that is missing or broken, or why ONNX Runtime does not load.
    pub fn open(folder: &Path, library: &Path, threads: usize) -> Result<Ranker> {
        ensure!(
            Ranker::is_in(folder),
            "{} has no ranker ({HEAD}): `python3 -m qstar_training.ranker` trains one, `--networks` names another folder, and \
             `--policy mixed` does without",
            folder.display()
        );
        let file = folder.join("ranker.json");
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let about: About =
            serde_json::from_str(&text).with_context(|| format!("{} does not say its features", file.display()))?;
        ensure!(
            about.features == Features::HERE,
            "the ranker in {} was trained on other features ({:?}; this qstar has {:?}): train it again",
            folder.display(),
            about.features,
            Features::HERE
        );
        let mut model = RankingModel::open(&runtime::load(library)?, folder, Running::on_cpu(threads))?;
        let service = Service::start("ranker", BATCHING, move |pairings: &[Pairing]| model.foretell(pairings))?;
        Ok(Ranker { path: folder.to_owned(), service, told: AtomicBool::new(false) })
    }

    /// What is foretold of tactics at a state's first goal.
    ///
    /// # Errors
    /// When the network does not run.
    pub async fn foretell(&self, goal: &Goal, tactics: &[&str], statements: &Statements) -> Result<Vec<Foretold>> {
        let mut found = self.service.ask(vec![pairing(goal, tactics, statements)]).await?;
        found.pop().context("the ranker left a goal out")
    }
}

fn pairing(goal: &Goal, tactics: &[&str], statements: &Statements) -> Pairing {
    let view = GoalView::new(goal);
    let candidate = |tactic: &&str| {
        let seen = view.candidate(tactic, statements);
        Candidate { features: seen.features, fit: seen.fit.to_vec() }
    };
    Pairing { candidates: tactics.iter().map(candidate).collect(), goal: view.features }
}

/// The logarithm of the chance that a tactic helps, less for one that takes long.
fn log_prior(foretold: &Foretold) -> f64 {
    let (helps, seconds) = (f64::from(foretold.helps).clamp(1e-6, 1.0), f64::from(foretold.seconds).clamp(0.001, 60.0));
    helps.ln() - COST * (1.0 + seconds / USUAL).ln()
}

/// Orders proposals by their own priors and by what the ranker foretells. It has seen only what the searches tried, and these
/// followed the own priors: of what they put last it knows little, so both have their say, and what the ranker puts last is still
/// tried at twice its own place. The first of the new order gets the prior of the first, and so on: how much sooner one comes than
/// the next, and what deep goals are worth beside others, is as it was.
fn join(proposals: &mut [Proposal], foretold: &[Foretold]) {
    let mut both: Vec<(&mut Proposal, f64)> = proposals.iter_mut().zip(foretold.iter().map(log_prior)).collect();
    both.sort_by(|a, b| b.0.log_prior.total_cmp(&a.0.log_prior));
    let own: Vec<f64> = both.iter().map(|(p, _)| p.log_prior).collect();
    both.iter_mut().for_each(|(p, foretold)| *foretold = (1.0 - SHARE) * p.log_prior + SHARE * *foretold);
    let mut joined: Vec<f64> = both.iter().map(|(_, joined)| *joined).collect();
    joined.sort_by(|a, b| b.total_cmp(a));
    for (place, (_, score)) in both.iter_mut().enumerate() {
        *score = joined.get(LATEST * (place + 1) - 1).map_or(*score, |latest| score.max(*latest));
    }
    both.sort_by(|a, b| b.1.total_cmp(&a.1));
    both.iter_mut().zip(own).for_each(|((p, _), own)| p.log_prior = own);
    proposals.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
}

/// A policy whose proposals the ranker scores.
pub struct Ranked {
    inner: Box<dyn Policy>,
    ranker: Arc<Ranker>,
    statements: Arc<Statements>,
}

impl Ranked {
    pub fn new(inner: Box<dyn Policy>, ranker: Arc<Ranker>, statements: Arc<Statements>) -> Ranked {
        Ranked { inner, ranker, statements }
    }

    /// Scores of all states' proposals. One of several ways is worth at least what its best way is.
    async fn scores(&self, states: &[&[Goal]], all: &[Vec<Proposal>]) -> Result<Vec<Vec<Foretold>>> {
        let ways: Vec<Vec<(usize, String)>> = all.iter().map(|proposals| ways(proposals)).collect();
        let pairings = states.iter().zip(all).zip(&ways).map(|((state, proposals), ways)| {
            let own = proposals.iter().map(|p| p.tactic.as_str());
            let tactics: Vec<&str> = own.chain(ways.iter().map(|(_, way)| way.as_str())).collect();
            state.first().map_or_else(Pairing::default, |goal| pairing(goal, &tactics, &self.statements))
        });
        let mut scores = self.ranker.service.ask(pairings.collect()).await?;
        for ((foretold, proposals), ways) in scores.iter_mut().zip(all).zip(&ways) {
            let of_ways = foretold.split_off(proposals.len().min(foretold.len()));
            for ((place, _), way) in ways.iter().zip(of_ways) {
                if log_prior(&way) > log_prior(&foretold[*place]) {
                    foretold[*place] = way;
                }
            }
        }
        Ok(scores)
    }
}

/// The short ways in proposals of several, each with its proposal's place.
fn ways(proposals: &[Proposal]) -> Vec<(usize, String)> {
    let of_several = proposals.iter().enumerate().filter_map(|(place, p)| Some((place, p, tactic_ways(&p.tactic)?)));
    of_several
        .flat_map(|(place, p, all)| {
            // A step that all of them begin with is as long as it is.
            let step = after_step(&p.tactic).map_or(0, |(step, _)| step.len());
            // Terms come first, what searches comes last.
            let mut short: Vec<String> = all.into_iter().filter(|way| way[step..].chars().count() <= SHORT).collect();
            if short.len() > WAYS {
                short.drain(WAYS / 2..short.len() - WAYS / 2);
            }
            short.into_iter().map(move |way| (place, way))
        })
        .collect()
}

impl Policy for Ranked {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let mut all = self.inner.propose(states).await;
            match self.scores(states, &all).await {
                Ok(scores) => {
                    for ((proposals, foretold), state) in all.iter_mut().zip(&scores).zip(states) {
                        // Where tactics may run away the order by hand says which to try late; half of it would be too little.
                        if !state.first().is_some_and(|goal| runaway::is_large(&goal.to_string())) {
                            join(proposals, foretold);
                        }
                    }
                }
                // A search goes on with the proposals' own priors; once it is said why.
                Err(error) if !self.ranker.told.swap(true, Ordering::Relaxed) => {
                    tracing::warn!("the ranker of {} fails: {error:#}", self.ranker.path.display());
                }
                Err(_) => {}
            }
            all
        })
    }

    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        self.inner.nearest(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;

    #[test]
    fn the_short_ways_of_a_proposal_are_scored_for_themselves() {
        let proposal = |tactic: &str| Proposal { tactic: tactic.into(), log_prior: -1.0, by: Source::Portfolio };
        let long = "(have := Nat.mul_le_mul h g; omega)";
        let all = [proposal("simp"), proposal(&format!("first | rfl | {long} | omega"))];
        assert_eq!(ways(&all), [(1, "rfl".to_owned()), (1, "omega".to_owned())]);
    }

    #[test]
    fn own_priors_and_the_ranker_both_have_their_say() {
        let proposal = |tactic: &str, p: f64| Proposal { tactic: tactic.into(), log_prior: p.ln(), by: Source::Portfolio };
        let foretold = |helps, seconds| Foretold { verdict: [0.2; 5], helps, seconds };
        let mut proposals = vec![proposal("simp", 0.5), proposal("omega", 0.4), proposal("rfl", 0.01), proposal("grind", 0.4)];
        join(&mut proposals, &[foretold(0.02, 0.1), foretold(0.2, 0.1), foretold(0.3, 0.1), foretold(0.2, 9.0)]);
        let order: Vec<&str> = proposals.iter().map(|p| p.tactic.as_str()).collect();
        assert_eq!(order, ["omega", "simp", "grind", "rfl"]);
        assert!((proposals[0].log_prior - 0.5f64.ln()).abs() < 1e-9, "the best is worth what the best was");
        join(&mut [], &[]);
    }

    #[test]
    fn what_the_ranker_puts_last_comes_at_twice_its_own_place() {
        let proposal = |n: usize| Proposal { tactic: n.to_string(), log_prior: -(n as f64) / 50.0, by: Source::Portfolio };
        let foretold = |helps| Foretold { verdict: [0.2; 5], helps, seconds: 0.1 };
        for unwanted in [0, 3, 30, 60] {
            let mut proposals: Vec<Proposal> = (0..100).map(proposal).collect();
            let scores: Vec<Foretold> = (0..100).map(|n| foretold(if n == unwanted { 1e-6 } else { 0.5 })).collect();
            join(&mut proposals, &scores);
            let place = proposals.iter().position(|p| p.tactic == unwanted.to_string()).unwrap();
            assert_eq!(place + 1, (2 * (unwanted + 1)).min(100), "{unwanted}");
        }
    }
}
