//! The networks: a policy that writes tactics, a value that scores goals, run by ONNX Runtime on threads of their own.
//!
//! [`runtime`] finds and loads the library, [`folder`] reads what a folder of networks holds, [`onnx`] runs the models,
//! [`decode`] chooses texts, [`service`] batches, [`shipped`] holds the default networks. Depends on the `Policy` and `Value` traits; knows nothing of servers.

pub mod decode;
pub mod folder;
pub mod onnx;
pub mod runtime;
pub mod service;
pub mod shipped;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use crate::lean::Goal;
use crate::search::policy::{Answer, Policy, Proposal, Score, Source, Value};
pub use decode::{Decoding, Written};
use folder::{Folder, Prompt};
use onnx::ValueModel;
use service::{Batching, Service};

/// Tokens of a tactic, at most.
const TACTIC: usize = 48;

/// How networks are run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub decoding: Decoding,
    pub batching: Batching,
    /// Threads of each network.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { decoding: Decoding::Beam { width: 16 }, batching: Batching::default(), threads: 1 }
    }
}

/// A folder of networks that runs.
pub struct Networks {
    folder: Arc<Folder>,
    fingerprint: String,
    policy: Service<Vec<Written>>,
    value: Option<Service<(f32, f32)>>,
    /// A failure was told.
    told: AtomicBool,
}

impl Networks {
    /// Opens a folder and starts its threads.
    ///
    /// # Errors
    /// Naming the file that is missing or broken, or why ONNX Runtime does not load.
    pub fn open(folder: &Path, library: &Path, options: Options) -> Result<Networks> {
        let folder = Arc::new(Folder::open(folder)?);
        let environment = runtime::load(library)?;
        let mut writer = onnx::open_policy(&environment, &folder, options.threads)?;
        let ends = folder.ends.clone();
        let answer = move |prompts: &[Vec<u32>]| decode::write(writer.as_mut(), prompts, options.decoding, &ends, TACTIC);
        let policy = Service::start("policy", options.batching, answer)?;
        let value = match &folder.value {
            Some(file) => {
                let mut model = ValueModel::open(&environment, file, options.threads)?;
                Some(Service::start("value", options.batching, move |prompts: &[Vec<u32>]| model.score(prompts))?)
            }
            None => None,
        };
        let fingerprint = folder.fingerprint()?;
        Ok(Networks { folder, fingerprint, policy, value, told: AtomicBool::new(false) })
    }

    /// Tells these networks from all others.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether there is a value network among them.
    pub fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// Tactics for each goal, likeliest first, with the logarithms of their probabilities.
    ///
    /// # Errors
    /// When the network does not run.
    pub async fn tactics(&self, goals: &[&Goal]) -> Result<Vec<Vec<(String, f64)>>> {
        let prompts = self.prompts(goals, TACTIC)?;
        let written = self.policy.ask(prompts.into_iter().map(|p| p.ids).collect()).await?;
        written.into_iter().map(|list| self.readable(list)).collect()
    }

    fn prompts(&self, goals: &[&Goal], room: usize) -> Result<Vec<Prompt>> {
        goals.iter().map(|goal| self.folder.prompt(goal, self.folder.context.saturating_sub(room).max(8))).collect()
    }

    /// Tokens as text; what is the same as text is one tactic.
    fn readable(&self, written: Vec<Written>) -> Result<Vec<(String, f64)>> {
        let mut list: Vec<(String, f64)> = Vec::new();
        for one in written {
            let tactic = self.folder.decode(&one.ids)?.trim().to_owned();
            let log_prob = f64::from(one.log_prob);
            match list.iter_mut().find(|(known, _)| *known == tactic) {
                Some((_, p)) => *p = (p.exp() + log_prob.exp()).ln().min(0.0),
                None if tactic.is_empty() => {}
                None => list.push((tactic, log_prob)),
            }
        }
        list.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(list)
    }

    /// A search goes on without networks that fail; once it is said why.
    fn failed(&self, what: &str, error: &anyhow::Error) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("the {what} network of {} fails: {error:#}", self.folder.path.display());
        }
    }
}

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

/// The value of networks: a state of several goals is worth the product of theirs.
pub struct NetworkValue(pub Arc<Networks>);

impl Value for NetworkValue {
    fn score<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Score> {
        Box::pin(async move {
            let goals: Vec<&Goal> = states.iter().flat_map(|state| state.iter()).collect();
            let scores = match &self.0.value {
                Some(service) => match self.0.prompts(&goals, 0) {
                    Ok(prompts) => {
                        let cuts: Vec<usize> = prompts.iter().map(|p| p.cut).collect();
                        let ids = prompts.into_iter().map(|p| p.ids).collect();
                        service.ask(ids).await.map(|s| s.into_iter().zip(cuts).collect())
                    }
                    Err(error) => Err(error),
                },
                None => Err(anyhow::anyhow!("the folder has no value.onnx")),
            };
            let scores: Vec<((f32, f32), usize)> = scores.unwrap_or_else(|error| {
                self.0.failed("value", &error);
                vec![((0.5, 1.0), 0); goals.len()]
            });
            let mut scores = scores.into_iter();
            let mut state = |state: &&[Goal]| {
                let each: Vec<((f32, f32), usize)> = scores.by_ref().take(state.len()).collect();
                let value: f64 = each.iter().map(|((p, _), _)| f64::from(*p)).product();
                let word = |&((p, steps), cut): &((f32, f32), usize)| {
                    let cut = if cut == 0 { String::new() } else { format!(", without the {cut} oldest hypotheses") };
                    format!("the network gives {p:.2}, some {steps:.0} steps{cut}")
                };
                let why = each.iter().map(word).collect::<Vec<_>>().join("; times ");
                Score { value: value.clamp(1e-6, 1.0 - 1e-6), why }
            };
            states.iter().map(&mut state).collect()
        })
    }
}
