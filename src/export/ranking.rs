//! Goals as the training of ranker and value reads them: with their features, and what Lean said of each tactic there, or
//! whether they were proved.

use std::collections::HashMap;

use serde::Serialize;

use super::examples::ValueExample;
use super::verdicts::VerdictExample;
use crate::lean::Goal;
use crate::policy::ranker::features::{FIT, GoalView, VERSION};
use crate::policy::ranker::statements::Statements;

/// One goal of one search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// Of the features; training and networks must have the same.
    pub version: u32,
    pub theorem_key: String,
    pub weight: f32,
    pub features: Vec<u32>,
    pub candidates: Vec<Judged>,
}

/// A tactic at that goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    pub tactic: String,
    pub features: Vec<u32>,
    pub fit: [f32; FIT],
    /// The place of its verdict in [`super::Worth`].
    pub verdict: u8,
    pub seconds: Option<f32>,
    pub heartbeats: u64,
}

/// A goal, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ended {
    /// Of the features; training and networks must have the same.
    pub version: u32,
    /// Goals of one theorem are what a search chooses from.
    pub theorem_key: String,
    pub features: Vec<u32>,
    pub proved: bool,
    /// Tactics on the longest branch of its proof.
    pub depth: Option<u32>,
}

/// An example of the value with its goal's features; none of a goal that cannot be read.
pub fn ended(example: &ValueExample) -> Option<Ended> {
    let goal = Goal::parse_all(&example.goal).ok()?.into_iter().next()?;
    let ValueExample { theorem_key, proved, depth, .. } = example;
    let (theorem_key, features) = (theorem_key.clone(), GoalView::new(&goal).features);
    Some(Ended { version: VERSION, theorem_key, features, proved: *proved, depth: *depth })
}

/// One row for each goal, in the order of first verdicts; goals that cannot be read are left out.
pub fn rankings(verdicts: &[VerdictExample], statements: &Statements) -> Vec<Ranking> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<&VerdictExample>> = Vec::new();
    for judged in verdicts {
        let place = *places.entry(&judged.goal).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(judged);
    }
    let row = |group: Vec<&VerdictExample>| {
        let first = group.first()?;
        let goal = Goal::parse_all(&first.goal).ok()?.into_iter().next()?;
        let view = GoalView::new(&goal);
        let candidates = group.iter().map(|v| {
            let seen = view.candidate(&v.tactic, statements);
            Judged {
                tactic: v.tactic.clone(),
                features: seen.features,
                fit: seen.fit,
                verdict: v.worth() as u8,
                seconds: v.seconds,
                heartbeats: v.heartbeats,
            }
        });
        let (theorem_key, weight, candidates) = (first.theorem_key.clone(), first.weight, candidates.collect());
        Some(Ranking { version: VERSION, theorem_key, weight, features: view.features, candidates })
    };
    groups.into_iter().filter_map(row).collect()
}
