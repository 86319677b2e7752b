//! Flags of every command that searches: how long, guided by what, on how many Lean processes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use crate::bench::config::Setting;
use crate::network::Options;
use crate::policies::{NetworkPlace, Policies, PolicyKind, ValueKind};
use crate::search::{Budget, Operator, StrategyKind};
use crate::toolchain::Toolchain;

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

#[derive(Args)]
pub struct Guidance {
    /// Seconds for each theorem.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    time: f64,
    /// Lean checks for each theorem.
    #[arg(long, default_value_t = Budget::default().checks)]
    checks: u64,
    /// The tactics that guide the search.
    #[arg(long, value_enum, default_value_t = PolicyKind::Portfolio)]
    policy: PolicyKind,
    /// What scores proof states.
    #[arg(long, value_enum, default_value_t = ValueKind::Heuristic)]
    value: ValueKind,
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

impl Guidance {
    /// The setting that the flags describe, and the policies it is made of: networks are opened, so that what is wrong with
    /// them is told before anything is searched.
    ///
    /// # Errors
    /// When networks are wished and do not load.
    pub fn setting(&self, toolchain: &Arc<Toolchain>) -> Result<(Setting, Policies)> {
        let Guidance { time, checks, policy, value, strategy, ref without, ref with, .. } = *self;
        let (without, with) = (without.clone(), with.clone());
        let mut setting = Setting { policy, value, networks: None, strategy, without, with, time, checks };
        let policies = Policies::new(toolchain.clone()).with_networks(self.networks.place());
        if setting.has_network() {
            setting.networks = Some(policies.networks()?.fingerprint().to_owned());
        }
        Ok((setting, policies))
    }

    /// Where networks are.
    pub fn place(&self) -> NetworkPlace {
        self.networks.place()
    }

    /// Number of Lean processes.
    pub fn workers(&self) -> usize {
        self.workers.map_or_else(default_workers, usize::from)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if value > 0.0 && value <= 1e7 { Ok(value) } else { Err("must be more than 0 and at most 10 million".to_owned()) }
}

/// A portable worker uses more than one core by itself and 1.5 GB.
pub fn default_workers() -> usize {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let by_memory = usize::try_from(system.available_memory() >> 30).unwrap_or(1) / 2;
    let by_cores = std::thread::available_parallelism().map_or(1, |n| n.get() / 2);
    by_cores.min(by_memory).max(1)
}
