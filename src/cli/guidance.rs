//! Flags of every command that searches: how long, guided by what, on how many Lean processes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::lean::LeanArgs;
use crate::bench::config::Setting;
use crate::network::{Device, Options};
use crate::policy::choice::{NetworkPlace, Policies, PolicyKind};
use crate::policy::served::endpoint::{Wishes, is_file};
use crate::recall::{self, Recall};
use crate::search::{Budget, Operator, StrategyKind};
use crate::toolchain::Toolchain;
use crate::value::ValueKind;

/// Where networks are.
#[derive(Args)]
pub struct NetworkArgs {
    /// A folder of networks (`model.onnx`, `tokenizer.json`, `config.json`; `value.onnx`), by default those that ship; or
    /// the file (.toml, .json) of a served model.
    #[arg(long, env = "QSTAR_NETWORKS", value_name = "FOLDER|FILE")]
    networks: Option<PathBuf>,
    /// ONNX Runtime's library; by default that in the cache, fetched with pip when it is not there.
    #[arg(long, value_name = "LIBRARY")]
    ort_lib: Option<PathBuf>,
    /// What runs networks: cpu, cuda or cuda:N (the CPU where no GPU can be used).
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
    #[command(flatten)]
    model: ModelArgs,
}

/// A served model (docs/models.md); its key is read from QSTAR_MODEL_KEY.
#[derive(Args)]
#[command(next_help_heading = "Served models")]
pub struct ModelArgs {
    /// A server that speaks OpenAI's /v1: http://localhost:8000/v1.
    #[arg(long, env = "QSTAR_MODEL_URL", value_name = "URL")]
    model_url: Option<String>,
    /// The model's name at the server; not needed where it serves one.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How the model is asked: a name (bfs-prover, internlm2.5-step, deepseek-v1.5, goedel-v2, kimina, chat-tactic,
    /// chat-proof, …) or a file of a format.
    #[arg(long, value_name = "NAME|FILE")]
    format: Option<String>,
    /// Answers to each question.
    #[arg(long, value_name = "N")]
    model_samples: Option<u32>,
    #[arg(long, value_name = "T", help = "Temperature of the model")]
    temperature: Option<f64>,
    /// Tokens of an answer.
    #[arg(long, value_name = "N")]
    model_max_tokens: Option<u32>,
    /// Seconds for one request.
    #[arg(long, value_name = "SECONDS")]
    model_timeout: Option<f64>,
    /// Requests at the same time.
    #[arg(long, value_name = "N")]
    model_parallel: Option<usize>,
    /// Tokens, read and written, that the model may cost for each theorem.
    #[arg(long, value_name = "N")]
    model_tokens: Option<u64>,
    /// Requests for each theorem.
    #[arg(long, value_name = "N")]
    model_requests: Option<u64>,
    /// Error rounds for one proof.
    #[arg(long, value_name = "N")]
    model_rounds: Option<u32>,
    /// Ask the model for plans as well: proofs whose steps are left to the search.
    #[arg(long)]
    model_plan: bool,
    /// Do not keep the model's answers on the disk, nor use those that are there.
    #[arg(long)]
    no_model_cache: bool,
}

impl ModelArgs {
    fn wishes(&self) -> Wishes {
        Wishes {
            url: self.model_url.clone(),
            model: self.model.clone(),
            format: self.format.clone(),
            temperature: self.temperature,
            max_tokens: self.model_max_tokens,
            samples: self.model_samples,
            timeout: self.model_timeout,
            parallel: self.model_parallel,
            tokens: self.model_tokens,
            requests: self.model_requests,
            rounds: self.model_rounds,
            plan: self.model_plan.then_some(true),
            cache: self.no_model_cache.then_some(false),
            ..Wishes::default()
        }
    }
}

impl NetworkArgs {
    pub fn place(&self) -> NetworkPlace {
        let file = self.networks.clone().filter(|path| is_file(path));
        let folder = self.networks.clone().filter(|_| file.is_none());
        let (library, options, model) =
            (self.ort_lib.clone(), Options { device: self.device, ..Options::default() }, self.model.wishes());
        NetworkPlace { folder, library, options, model, model_file: file }
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
        Setting { policy, value, networks: None, model: None, strategy, without, with, time, checks }
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
    /// What scores proof states [default: heuristic].
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
    /// The policy that was named; a served model that was named guides unless something else is.
    fn policy(&self) -> Option<PolicyKind> {
        self.policy.or(self.search.place().names_model().then_some(PolicyKind::ModelMixed))
    }

    fn wishes_network(&self) -> bool {
        self.policy().is_none_or(PolicyKind::has_network) || self.value == Some(ValueKind::Network)
    }

    /// Nobody asked for networks in so many words: without ONNX Runtime the search goes without them.
    fn may_go_without(&self) -> bool {
        let named = self.search.place().folder.is_some() || self.search.networks.ort_lib.is_some();
        self.policy().is_none() && self.value != Some(ValueKind::Network) && !named
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
    /// When networks are wished and do not load, or a served model and it cannot be reached.
    pub async fn setting(&self, toolchain: &Arc<Toolchain>, fetched: &Fetched) -> Result<(Setting, Policies)> {
        let setting = self.search.setting();
        let library = fetched.as_ref().and_then(|f| f.as_ref().ok()).cloned();
        let mut policies = Policies::new(toolchain.clone()).with_networks(NetworkPlace { library, ..self.search.place() });
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
        let policy = self.policy().unwrap_or(PolicyKind::Mixed);
        let model = if policy.has_model() { Some(policies.open_model().await?) } else { None };
        let value = self.value.unwrap_or(ValueKind::Heuristic);
        let networks = networks.map(|n| n.fingerprint().to_owned());
        Ok((Setting { policy, value, networks, model, ..setting }, policies))
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
