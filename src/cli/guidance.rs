//! Flags of every command that searches: how long, guided by what, on how many Lean processes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::lean::LeanArgs;
use crate::bench::config::Setting;
use crate::network::Options;
use crate::policy::choice::{NetworkPlace, Policies, PolicyKind};
use crate::recall::{self, Recall};
use crate::search::{Budget, Operator, StrategyKind};
use crate::toolchain::Toolchain;
use crate::value::ValueKind;

/// Where networks are.
#[derive(Args)]
pub struct NetworkArgs {
    /// A folder of networks (`model.onnx`, `tokenizer.json`, `config.json`; `value.onnx`); by default those that ship.
    #[arg(long, env = "QSTAR_NETWORKS", value_name = "FOLDER")]
    networks: Option<PathBuf>,
    /// ONNX Runtime's library; by default that in the cache, fetched with pip when it is not there.
    #[arg(long, value_name = "LIBRARY")]
    ort_lib: Option<PathBuf>,
}

impl NetworkArgs {
    pub fn place(&self) -> NetworkPlace {
        NetworkPlace { folder: self.networks.clone(), library: self.ort_lib.clone(), options: Options::default() }
    }
}

/// What is remembered.
#[derive(Args)]
pub struct MemoryArgs {
    /// Remember what proves goals in this folder, and try what helped at goals like the one at hand: in this run and later ones.
    /// What `qstar corpus project` and `qstar export` write, and records, may lie there, too.
    #[arg(long, value_name = "FOLDER")]
    remember: Option<PathBuf>,
}

impl MemoryArgs {
    /// The memory that is wished.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn recall(&self) -> Result<Option<Recall>> {
        self.remember.as_deref().map(recall::open).transpose()
    }
}

/// How long and how.
#[derive(Args)]
pub struct SearchArgs {
    /// Seconds for each theorem.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    time: f64,
    /// Lean checks for each theorem.
    #[arg(long, default_value_t = Budget::default().checks)]
    checks: u64,
    #[command(flatten)]
    networks: NetworkArgs,
    /// How goals are selected.
    #[arg(long, value_enum, default_value_t = StrategyKind::BestFirst)]
    strategy: StrategyKind,
    /// Operators to switch off.
    #[arg(long, value_delimiter = ',')]
    without: Vec<Operator>,
    /// Operators to switch on that are off by default.
    #[arg(long, value_delimiter = ',')]
    with: Vec<Operator>,
    /// Lean processes; by default as cores and memory allow.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
}

impl SearchArgs {
    /// A setting without networks.
    pub fn setting(&self) -> Setting {
        let SearchArgs { time, checks, strategy, ref without, ref with, .. } = *self;
        let (without, with) = (without.clone(), with.clone());
        let (policy, value) = (PolicyKind::Portfolio, ValueKind::Heuristic);
        Setting { policy, value, networks: None, strategy, without, with, time, checks }
    }

    /// Where networks are.
    pub fn place(&self) -> NetworkPlace {
        self.networks.place()
    }

    /// Number of Lean processes.
    pub fn workers(&self, lean: &LeanArgs) -> usize {
        self.workers.map_or_else(|| lean.default_workers(), usize::from)
    }
}

#[derive(Args)]
pub struct Guidance {
    /// The tactics that guide the search [default: mixed; where ONNX Runtime cannot be had, portfolio].
    #[arg(long, value_enum)]
    policy: Option<PolicyKind>,
    /// What scores proof states [default: network where the policy has one, else heuristic].
    #[arg(long, value_enum)]
    value: Option<ValueKind>,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// ONNX Runtime, as it was found or fetched; `None`: no network is wished.
pub type Fetched = Option<Result<PathBuf>>;

impl Guidance {
    fn wishes_network(&self) -> bool {
        self.policy.is_none_or(PolicyKind::has_network) || self.value == Some(ValueKind::Network)
    }

    /// Nobody asked for networks in so many words: without ONNX Runtime the search goes without them.
    fn may_go_without(&self) -> bool {
        let named = self.search.networks.networks.is_some() || self.search.networks.ort_lib.is_some();
        self.policy.is_none() && self.value != Some(ValueKind::Network) && !named
    }

    /// Finds ONNX Runtime or fetches it, while other things are made ready.
    pub async fn fetch(&self) -> Fetched {
        if !self.wishes_network() {
            return None;
        }
        let place = self.search.place();
        let library = tokio::task::spawn_blocking(move || place.library()).await;
        Some(library.map_err(anyhow::Error::from).flatten())
    }

    /// The setting that the flags describe, and the policies it is made of: networks are opened, so that what is wrong with
    /// them is told before anything is searched.
    ///
    /// # Errors
    /// When networks are wished and do not load.
    pub fn setting(&self, toolchain: &Arc<Toolchain>, fetched: &Fetched) -> Result<(Setting, Policies)> {
        let setting = self.search.setting();
        let library = fetched.as_ref().and_then(|f| f.as_ref().ok()).cloned();
        let policies = Policies::new(toolchain.clone()).with_networks(NetworkPlace { library, ..self.search.place() });
        let networks = match fetched {
            None => None,
            Some(Ok(_)) => Some(policies.networks()),
            Some(Err(error)) => Some(Err(anyhow::anyhow!("{error:#}"))),
        };
        let networks = match networks.transpose() {
            Err(error) if self.may_go_without() => {
                tracing::warn!("searching without networks: {error:#}");
                return Ok((setting, policies));
            }
            opened => opened?,
        };
        let policy = self.policy.unwrap_or(PolicyKind::Mixed);
        let scores = networks.as_ref().is_some_and(|n| policy.has_network() && n.has_value());
        let value = self.value.unwrap_or(if scores { ValueKind::Network } else { ValueKind::Heuristic });
        let networks = networks.map(|n| n.fingerprint().to_owned());
        Ok((Setting { policy, value, networks, ..setting }, policies))
    }

    /// The memory that is wished.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn recall(&self) -> Result<Option<Recall>> {
        self.memory.recall()
    }

    /// Number of Lean processes.
    pub fn workers(&self, lean: &LeanArgs) -> usize {
        self.search.workers(lean)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if value > 0.0 && value <= 1e7 { Ok(value) } else { Err("must be more than 0 and at most 10 million".to_owned()) }
}
