//! Policies by name: what the command line and benchmarks choose from, made for a header.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
use crate::lean::syntax::imports;
use crate::premises::Premises;
use crate::search::operators::Mix;
use crate::search::policy::Seeded;
use crate::search::{Policy, Portfolio, Proposal};
use crate::toolchain::Toolchain;

/// Share of the library's theorems in the mixture with the portfolio.
const PREMISES_SHARE: f64 = 0.25;

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
}

/// Makes policies; indexes of libraries are read once for each set of imports.
pub struct Policies {
    toolchain: Arc<Toolchain>,
    libraries: Mutex<HashMap<String, Arc<Premises>>>,
}

impl Policies {
    pub fn new(toolchain: Arc<Toolchain>) -> Policies {
        Policies { toolchain, libraries: Mutex::default() }
    }

    /// The policy for goals behind a header. Seed 0 leaves its order as it is.
    ///
    /// # Errors
    /// When the library's files are broken.
    pub fn make(&self, kind: PolicyKind, header: &str, seed: u64) -> Result<Box<dyn Policy>> {
        let policy: Box<dyn Policy> = match kind {
            PolicyKind::Portfolio => Box::new(Portfolio::for_header(header)),
            PolicyKind::Closers => Box::new(Portfolio::closers()),
            PolicyKind::Premises => {
                let library = Box::new(Shared(self.library(header)?));
                let portfolio = Box::new(Portfolio::for_header(header));
                Box::new(Mix::default().with(1.0 - PREMISES_SHARE, portfolio).with(PREMISES_SHARE, library))
            }
        };
        Ok(if seed == 0 { policy } else { Box::new(Seeded::new(policy, seed)) })
    }

    fn library(&self, header: &str) -> Result<Arc<Premises>> {
        let imports = imports(header);
        let mut libraries = self.libraries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = libraries.get(&imports) {
            return Ok(known.clone());
        }
        let modules: Vec<String> =
            imports.lines().filter_map(|l| l.split_whitespace().last()).map(str::to_owned).chain(["Init".to_owned()]).collect();
        let read = Arc::new(Premises::read(&self.toolchain.library_folders(), &modules)?);
        tracing::info!("{} theorems of the library are indexed", read.len());
        libraries.insert(imports, read.clone());
        Ok(read)
    }
}

/// One index for many searches.
struct Shared(Arc<Premises>);

impl Policy for Shared {
    fn propose(&self, states: &[&[Goal]]) -> Vec<Vec<Proposal>> {
        self.0.propose(states)
    }
}
