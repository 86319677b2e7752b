//! Networks run by ONNX Runtime on threads of their own: one that writes texts, one that ranks tactics, one that scores goals.
//!
//! [`runtime`] finds and loads the library, [`folder`] reads what a folder of networks holds, [`onnx`] runs the models,
//! [`decode`] chooses texts, [`service`] batches, [`shipped`] holds the default networks. What their
//! answers are for, `policy` and `value` say; knows nothing of servers.

pub mod decode;
pub mod folder;
pub mod goals;
pub mod onnx;
pub mod ranking;
pub mod runtime;
pub mod service;
pub mod shipped;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::lean::Goal;
pub use decode::{Decoding, Written};
use folder::Folder;
use goals::{GoalModel, GoalScore};
pub use onnx::Device;
use onnx::Running;
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
    pub device: Device,
}

impl Options {
    fn running(&self) -> Running {
        Running { threads: self.threads, device: self.device }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options { decoding: Decoding::Beam { width: 16 }, batching: Batching::default(), threads: 1, device: Device::Cpu }
    }
}

/// A folder of networks that runs.
pub struct Networks {
    folder: Arc<Folder>,
    fingerprint: String,
    policy: Service<Vec<Written>>,
    value: Option<Service<GoalScore>>,
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
        let mut writer = onnx::open_policy(&environment, &folder, options.running())?;
        let ends = folder.ends.clone();
        let answer = move |prompts: &[Vec<u32>]| decode::write(writer.as_mut(), prompts, options.decoding, &ends, TACTIC);
        let policy = Service::start("policy", options.batching, answer)?;
        let value = match &folder.value {
            Some(file) => {
                let mut model = GoalModel::open(&environment, file, options.running())?;
                Some(Service::start("value", options.batching, move |goals: &[Vec<u32>]| model.score(goals))?)
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
        let most = self.folder.context.saturating_sub(TACTIC).max(8);
        let prompts = goals.iter().map(|goal| Ok(self.folder.prompt(goal, most)?.ids)).collect::<Result<_>>()?;
        let written = self.policy.ask(prompts).await?;
        written.into_iter().map(|list| self.readable(list)).collect()
    }

    /// The file that says which features the value network reads.
    pub fn value_features(&self) -> PathBuf {
        self.folder.path.join("value.json")
    }

    /// What the value network says of each goal, by the goal's features.
    ///
    /// # Errors
    /// When the network does not run, or there is none.
    pub async fn scores(&self, goals: Vec<Vec<u32>>) -> Result<Vec<GoalScore>> {
        self.value.as_ref().context("the folder has no value.onnx")?.ask(goals).await
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
    pub fn failed(&self, what: &str, error: &anyhow::Error) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("the {what} network of {} fails: {error:#}", self.folder.path.display());
        }
    }
}
