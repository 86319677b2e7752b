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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub theorem: String,
    /// The setting's name ([`config::Setting::name`]).
    pub setting: String,
    pub seed: u64,
    pub proved: bool,
    /// Why the search ended; `None` when it could not begin.
    pub reason: Option<StopReason>,
    /// Why there is no verdict: the statement does not elaborate, it could not be judged, or its proof could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error is no word on the statement: Lean hung or ended on it, or on the proof that was found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unjudged: bool,
    /// A proof that was found and could not be verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
    /// What header and statement do that can bend a proof, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
