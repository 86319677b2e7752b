//! Policies and values by name: what the command line and benchmarks choose from, made for a header.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use lru::LruCache;
use serde::{Deserialize, Serialize};

use crate::lean::syntax::imports;
use crate::library::{Modules, modules_of};
use crate::network::{Networks, Options, runtime, shipped};
use crate::toolchain::{Toolchain, cache_home};
use crate::value::network::NetworkValue;
use crate::value::{Heuristic, Value, ValueKind};

use super::author::Author;
use super::memory::Memory;
use super::premises::Premises;
use super::ranker::statements::Statements;
use super::ranker::{Ranked, Ranker};
use super::served::Served;
use super::served::endpoint::{Endpoint, Wishes};
use super::text::NetworkPolicy;
use super::usage::Meter;
use super::{Mix, Moves, Policy, Seeded};
use crate::formats::Theorem;

/// Share of the network in the mixture with the moves.
const NETWORK_SHARE: f64 = 0.6;

/// Share of a served model in the mixture with portfolio and library.
const MODEL_SHARE: f64 = 0.7;

/// The tactics that guide a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// The whole portfolio.
    #[default]
    Portfolio,
    /// Single closing tactics only: what one line proves.
    Closers,
    /// The portfolio, and theorems of the library that fit the goal.
    Premises,
    /// The policy network alone.
    Network,
    /// The portfolio and theorems of the library, ranked by the ranker.
    Ranked,
    /// The policy network, the portfolio, and theorems of the library; ranked, where there is a ranker.
    Mixed,
    /// A served model alone (`--model-url`).
    Model,
    /// A served model, the portfolio, and theorems of the library.
    ModelMixed,
}

impl PolicyKind {
    /// Whether a network is needed.
    pub fn has_network(self) -> bool {
        matches!(self, PolicyKind::Network | PolicyKind::Ranked | PolicyKind::Mixed)
    }

    /// Whether a served model is needed.
    pub fn has_model(self) -> bool {
        matches!(self, PolicyKind::Model | PolicyKind::ModelMixed)
    }
}

/// What guides one search.
pub struct Minds {
    pub policy: Box<dyn Policy>,
    /// Who writes whole proofs, where a served model does.
    pub author: Option<Box<dyn Author>>,
}

/// Where the networks are, and the library that runs them.
#[derive(Debug, Clone, Default)]
pub struct NetworkPlace {
    /// A folder of networks; by default those that ship.
    pub folder: Option<PathBuf>,
    /// ONNX Runtime; by default that in the cache, fetched when it is not there.
    pub library: Option<PathBuf>,
    pub options: Options,
    /// A served model, as flags or a configuration name it.
    pub model: Wishes,
    /// The file of a served model.
    pub model_file: Option<PathBuf>,
}

impl NetworkPlace {
    /// Whether a served model is named.
    pub fn names_model(&self) -> bool {
        self.model_file.is_some() || self.model != Wishes::default()
    }

    /// The served model that is named: what flags say goes before what the file says.
    ///
    /// # Errors
    /// When the file cannot be read, or something is missing or makes no sense.
    pub fn endpoint(&self) -> Result<Endpoint> {
        let file = self.model_file.as_deref().map_or_else(|| Ok(Wishes::default()), Wishes::read)?;
        self.model.clone().or(file).endpoint()
    }

    /// The folder that was named, or that of the networks that ship.
    ///
    /// # Errors
    /// When the cache cannot be written to.
    pub fn folder(&self) -> Result<PathBuf> {
        self.folder.clone().map_or_else(|| shipped::unpack(&cache_home()?), Ok)
    }

    /// ONNX Runtime's library; fetched into the cache when it is nowhere.
    ///
    /// # Errors
    /// When what was named is not there, or it cannot be fetched; with the remedy.
    pub fn library(&self) -> Result<PathBuf> {
        let home = cache_home()?;
        if let Some(library) = runtime::find(self.library.as_deref(), &home)? {
            return Ok(library);
        }
        tracing::info!(target: "qstar::toolchain", "fetching ONNX Runtime into {} (once)", home.display());
        runtime::install(&home, &ProgressBar::hidden())
    }
}

/// What was read of libraries: modules once, and the newest indexes.
struct Libraries {
    modules: Arc<Mutex<Modules>>,
    /// By imports.
    indexes: LruCache<String, Arc<Premises>>,
    /// Indexes on their way, by imports.
    pending: HashMap<String, Receiver<Result<Premises>>>,
}

/// How long a search waits for an index that is made for the first time; Mathlib's takes longer, and searches begin without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Indexes kept: searches of one header come together.
const INDEXES: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

impl Default for Libraries {
    fn default() -> Self {
        Libraries { modules: Arc::default(), indexes: LruCache::new(INDEXES), pending: HashMap::new() }
    }
}

/// Makes policies; indexes of libraries are read once for each set of imports.
pub struct Policies {
    toolchain: Arc<Toolchain>,
    libraries: Mutex<Libraries>,
    place: NetworkPlace,
    networks: Mutex<Option<Arc<Networks>>>,
    served: Option<Served>,
    ranker: Mutex<Option<Arc<Ranker>>>,
    memory: Option<Arc<Memory>>,
    /// How long a search waits for the index of its library.
    patience: Duration,
}

impl Policies {
    pub fn new(toolchain: Arc<Toolchain>) -> Policies {
        Policies {
            toolchain,
            libraries: Mutex::default(),
            place: NetworkPlace::default(),
            networks: Mutex::default(),
            served: None,
            ranker: Mutex::default(),
            memory: None,
            patience: PATIENCE,
        }
    }

    /// Says where networks are.
    pub fn with_networks(mut self, place: NetworkPlace) -> Policies {
        self.place = place;
        self
    }

    /// Opens the served model that is named, so that what is wrong with it is told before anything is searched; its
    /// fingerprint.
    ///
    /// # Errors
    /// When none is named, or it cannot be reached; with the remedy.
    pub async fn open_model(&mut self) -> Result<String> {
        let named = self.place.names_model();
        ensure!(
            named,
            "a served model is wished, but none is named: give --model-url URL --format NAME, or --networks FILE.toml"
        );
        let served = Served::open(self.place.endpoint()?, &cache_home()?).await?;
        let fingerprint = served.endpoint().fingerprint();
        self.served = Some(served);
        Ok(fingerprint)
    }

    /// Lets the moves remember what helped before.
    pub fn with_memory(mut self, memory: Option<Arc<Memory>>) -> Policies {
        self.memory = memory;
        self
    }

    /// Waits for indexes however long they take, so that every search of a run has them.
    pub fn with_all_premises(mut self) -> Policies {
        self.patience = Duration::MAX;
        self
    }

    /// The moves behind a header, with theorems of the library as soon as they are indexed.
    fn moves_with_premises(&self, header: &str) -> Result<Moves> {
        let moves = self.moves(header);
        Ok(match self.library(header)? {
            Some(premises) => moves.with_premises(premises),
            None => moves,
        })
    }

    /// The moves behind a header, with what is remembered.
    fn moves(&self, header: &str) -> Moves {
        let moves = Moves::for_header(header);
        match &self.memory {
            Some(memory) => moves.with_memory(memory.clone()),
            None => moves,
        }
    }

    /// The networks, opened once.
    ///
    /// # Errors
    /// When there are none, or they or ONNX Runtime do not load; with the remedy.
    pub fn networks(&self) -> Result<Arc<Networks>> {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*networks {
            return Ok(known.clone());
        }
        let opened = Networks::open(&self.place.folder()?, &self.place.library()?, self.place.options)?;
        Ok(networks.insert(Arc::new(opened)).clone())
    }

    /// The ranker, opened once.
    ///
    /// # Errors
    /// As [`Policies::networks`].
    fn ranker(&self, folder: &Path) -> Result<Arc<Ranker>> {
        let mut ranker = self.ranker.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = &*ranker {
            return Ok(known.clone());
        }
        let opened = Ranker::open(folder, &self.place.library()?, self.place.options.threads)?;
        Ok(ranker.insert(Arc::new(opened)).clone())
    }

    /// A policy with the ranker as its scorer.
    fn ranked(&self, inner: Box<dyn Policy>, header: &str) -> Result<Box<dyn Policy>> {
        let ranker = self.ranker(&self.place.folder()?)?;
        Ok(Box::new(Ranked::new(inner, ranker, self.statements(header)?)))
    }

    /// The value by which states are scored.
    ///
    /// # Errors
    /// As [`Policies::networks`]; when there is no value among them, or one of other features.
    pub fn value(&self, kind: ValueKind) -> Result<Box<dyn Value>> {
        Ok(match kind {
            ValueKind::Heuristic => Box::new(Heuristic),
            ValueKind::Network => Box::new(NetworkValue::new(self.networks()?)?),
        })
    }

    /// What guides a search for a theorem; with an empty statement, for a goal behind its header. Seed 0 leaves the order of
    /// proposals as it is.
    ///
    /// # Errors
    /// When the library's files are broken, as [`Policies::networks`], or when a served model is wished and not open.
    pub fn minds(&self, kind: PolicyKind, theorem: &Theorem, seed: u64) -> Result<Minds> {
        if !kind.has_model() {
            return Ok(Minds { policy: self.make(kind, &theorem.header, seed)?, author: None });
        }
        let served = self.served.as_ref().context("the served model is not open")?;
        let meter = Arc::new(Meter::new(served.limits()));
        let author = served.author(theorem, seed, meter.clone());
        let mut mix = Mix::default();
        if let Some(policy) = served.policy(theorem, seed, meter) {
            mix = mix.with(MODEL_SHARE, policy);
        }
        if kind == PolicyKind::ModelMixed {
            mix = mix.with(1.0 - MODEL_SHARE, self.make(PolicyKind::Premises, &theorem.header, seed)?);
        }
        Ok(Minds { policy: Box::new(mix), author })
    }

    fn make(&self, kind: PolicyKind, header: &str, seed: u64) -> Result<Box<dyn Policy>> {
        let policy: Box<dyn Policy> = match kind {
            PolicyKind::Model | PolicyKind::ModelMixed => bail!("a served model is made for a theorem"),
            PolicyKind::Portfolio => Box::new(self.moves(header)),
            PolicyKind::Closers => Box::new(Moves::closers()),
            PolicyKind::Premises => Box::new(self.moves_with_premises(header)?),
            PolicyKind::Ranked => self.ranked(Box::new(self.moves_with_premises(header)?), header)?,
            PolicyKind::Network => Box::new(NetworkPolicy(self.networks()?)),
            PolicyKind::Mixed => {
                let network = Box::new(NetworkPolicy(self.networks()?));
                let moves = Box::new(self.moves_with_premises(header)?);
                let mix = Box::new(Mix::default().with(NETWORK_SHARE, network).with(1.0 - NETWORK_SHARE, moves));
                if Ranker::is_in(&self.place.folder()?) { self.ranked(mix, header)? } else { mix }
            }
        };
        Ok(if seed == 0 { policy } else { Box::new(Seeded::new(policy, seed)) })
    }

    /// What the theorems of the library speak of that a header imports; nothing while they are being indexed.
    ///
    /// # Errors
    /// When the library's files are broken.
    pub fn statements(&self, header: &str) -> Result<Arc<Statements>> {
        Ok(self.library(header)?.map_or_else(Arc::default, |library| library.statements()))
    }

    /// The index behind a header; `None` while it is made for the first time and takes long.
    ///
    /// # Errors
    /// When the library's files are broken.
    pub fn library(&self, header: &str) -> Result<Option<Arc<Premises>>> {
        let imports = imports(header);
        let mut libraries = self.libraries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = libraries.indexes.get(&imports) {
            return Ok(Some(known.clone()));
        }
        let (pending, first) = match libraries.pending.remove(&imports) {
            Some(pending) => (pending, false),
            None => (self.index(&imports, libraries.modules.clone())?, true),
        };
        let patience = if first { self.patience } else { Duration::ZERO };
        let answer = match pending.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => {
                if first {
                    tracing::warn!(
                        "the theorems of the library are indexed in the background; until then searches go on without them"
                    );
                }
                libraries.pending.insert(imports, pending);
                return Ok(None);
            }
            answer => answer.context("the thread that reads the library ended")?,
        };
        let read = Arc::new(answer?);
        tracing::info!("{} theorems of the library are indexed", read.len());
        libraries.indexes.put(imports, read.clone());
        Ok(Some(read))
    }

    /// Opens or makes an index on a thread of its own.
    fn index(&self, imports: &str, modules: Arc<Mutex<Modules>>) -> Result<Receiver<Result<Premises>>> {
        let (answer, pending) = sync_channel(1);
        let (home, folders, roots) = (cache_home()?, self.toolchain.library_folders(), modules_of(imports));
        std::thread::spawn(move || {
            let mut known = modules.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody may wait for it any more.
            let _ = answer.send(Premises::open(&home, &folders, &roots, &mut known));
        });
        Ok(pending)
    }
}
