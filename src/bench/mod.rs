//! Proof benchmarks: a configuration over a dataset, attempts in a crash-safe store, reports, and a gate for CI.
//!
//! [`store`] and the reports know nothing of Lean; only [`run`] does.

pub mod config;
pub mod gate;
pub mod junit;
pub mod page;
pub mod run;
pub mod store;
pub mod summary;
pub mod worker;

use serde::{Deserialize, Serialize};

use crate::policy::usage::Usage;
use crate::search::StopReason;
use crate::verify::Certificate;

/// One attempt at one theorem, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub theorem: String,
    /// The setting's name ([`config::Setting::name`]).
    pub setting: String,
    pub seed: u64,
    pub proved: bool,
    /// Why the search ended; `None` when it could not begin.
    pub reason: Option<StopReason>,
    /// Why the search could not begin: the statement does not elaborate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Candidates given to Lean.
    pub checks: u64,
    /// Goal nodes of the graph.
    pub goals: usize,
    /// Wall time of search and verification.
    pub seconds: f64,
    /// What a served model has cost.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The picture of its search, relative to the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Proofs that the search found and the verifier refused.
    #[serde(default)]
    pub rejected: Vec<String>,
}
