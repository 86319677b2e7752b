//! An AlphaGo-shaped theorem prover for Lean 4.
//!
//! A policy proposes tactics, a value scores proof states, a search keeps them in an AND/OR graph, and a real Lean
//! decides. See `docs/architecture.md` for how one theorem flows through.
//!
//! # Layout
//! - [`toolchain`]: which Lean, and the portable one for machines without.
//! - [`lean`]: the oracle: sessions with a server, batches of candidates, goals, a pool of workers.

pub mod bench;
pub mod cli;
pub mod dataset;
pub mod fill;
pub mod finish;
pub mod lean;
pub mod problem;
pub mod prover;
pub mod record;
pub mod report;
pub mod search;
pub mod source;
pub mod toolchain;
pub mod verify;
