//! A served model that writes tactics, as a policy: many goals are asked at once, as many as the client lets through.

use std::sync::Arc;

use futures::future::join_all;

use super::answer::Sample;
use super::client::Client;
use crate::formats::answer;
use crate::formats::{Question, Theorem};
use crate::lean::Goal;
use crate::policy::usage::{Meter, Usage};
use crate::policy::{Answer, Place, Policy, Proposal, Source};

/// See the module.
pub struct ServedPolicy {
    client: Arc<Client>,
    theorem: Theorem,
    seed: u64,
    meter: Arc<Meter>,
}

impl ServedPolicy {
    pub fn new(client: Arc<Client>, theorem: Theorem, seed: u64, meter: Arc<Meter>) -> ServedPolicy {
        ServedPolicy { client, theorem, seed, meter }
    }

    async fn tactics(&self, place: &Place<'_>) -> Vec<Proposal> {
        let format = &self.client.endpoint().format;
        let state = place.state.iter().map(Goal::to_string).collect::<Vec<_>>().join("\n\n");
        let question =
            Question { theorem: Some(&self.theorem), state: &state, proof_before: place.before, ..Question::default() };
        let prompt = match format.prompt(&question) {
            Ok(prompt) => prompt,
            Err(error) => {
                tracing::warn!("{error:#}");
                return Vec::new();
            }
        };
        // What is wrong with the server is told by the client, once.
        let samples = self.client.ask(&prompt, self.seed, &self.meter).await.unwrap_or_default();
        proposals(&samples, |text| answer::lean(&format.read, text).as_deref().and_then(answer::tactic))
    }
}

/// Distinct tactics, likeliest first. Where the server says no probabilities, frequency is the prior.
fn proposals(samples: &[Sample], read: impl Fn(&str) -> Option<String>) -> Vec<Proposal> {
    let mut found: Vec<(String, usize, Option<f64>)> = Vec::new();
    for sample in samples {
        let Some(tactic) = read(&sample.text) else { continue };
        match found.iter_mut().find(|(known, ..)| *known == tactic) {
            Some((_, count, best)) => {
                *count += 1;
                *best = best.zip(sample.log_prob).map(|(a, b)| a.max(b)).or(*best).or(sample.log_prob);
            }
            None => found.push((tactic, 1, sample.log_prob)),
        }
    }
    let all = samples.len().max(1) as f64;
    let known = found.iter().all(|(.., p)| p.is_some());
    let prior = |count: usize, p: Option<f64>| p.filter(|_| known).unwrap_or_else(|| (count as f64 / all).ln());
    let proposal = |(tactic, count, p)| Proposal { tactic, log_prior: prior(count, p), by: Source::Model };
    let mut proposals: Vec<Proposal> = found.into_iter().map(proposal).collect();
    proposals.sort_by(|a, b| b.log_prior.total_cmp(&a.log_prior));
    proposals
}

impl Policy for ServedPolicy {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move {
            let places: Vec<Place> = states.iter().map(|&state| Place { state, before: "" }).collect();
            join_all(places.iter().map(|place| self.tactics(place))).await
        })
    }

    fn propose_at<'a>(&'a self, places: &'a [Place<'a>]) -> Answer<'a, Vec<Proposal>> {
        Box::pin(async move { join_all(places.iter().map(|place| self.tactics(place))).await })
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }

    fn is_spent(&self) -> bool {
        self.meter.is_spent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, log_prob: Option<f64>) -> Sample {
        Sample { text: text.to_owned(), log_prob, cut: false }
    }

    fn read(samples: &[Sample]) -> Vec<(String, f64)> {
        let all = proposals(samples, answer::tactic);
        all.into_iter().map(|p| (p.tactic, (p.log_prior.exp() * 1e6).round() / 1e6)).collect()
    }

    #[test]
    fn probabilities_where_the_server_tells_them_else_frequency() {
        let told = [sample("simp", Some(0.2_f64.ln())), sample("rfl", Some(0.5_f64.ln())), sample("simp", Some(0.2_f64.ln()))];
        assert_eq!(read(&told), [("rfl".to_owned(), 0.5), ("simp".to_owned(), 0.2)]);
        let untold = [sample("simp", None), sample("rfl", Some(-9.0)), sample(" simp\n", None), sample("", None)];
        assert_eq!(read(&untold), [("simp".to_owned(), 0.5), ("rfl".to_owned(), 0.25)]);
        assert!(read(&[]).is_empty());
    }
}
