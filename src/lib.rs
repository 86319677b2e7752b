//! An AlphaGo-shaped theorem prover for Lean 4.
//!
//! A policy proposes tactics, a value scores proof states, a search keeps them in an AND/OR graph, and a real Lean
//! decides. See `docs/architecture.md` for how one theorem flows through.
//!
//! # Layout
//! - [`toolchain`]: which Lean, and the portable one for machines without.
//! - [`lean`]: the oracle: sessions with a server, batches of candidates, goals, a pool of workers.
//! - [`source`], [`problem`], [`dataset`]: statements, and the files they come from.
//! - [`search`]: the AND/OR graph, strategies, operators.
//! - [`policy`]: what proposes tactics: moves made from the goal, premises, networks, mixtures; [`value`]: what scores states.
//! - [`formats`]: how language models are asked, and how their answers are read.
//! - [`library`], [`network`]: what compiled modules hold; networks run by ONNX Runtime.
//! - [`verify`]: «proved», certificates, proofs from elsewhere.
//! - [`prover`], [`finish`], [`fill`]: from statement to certificate; shorter proofs; the `sorry`s of a file.
//! - [`files`]: written whole or not at all, and found below folders.
//! - [`record`], [`report`], [`recall`]: what a search leaves behind, as lines, as a page, and as a memory for later ones.
//! - [`corpus`], [`export`]: theorems to learn from, and training data from records.
//! - [`bench`]: benchmarks, their store, reports, the gate, tasks for outside engines.
//! - [`iterate`]: the loop: search, train, compare, promote.
//! - `serve`: all of it for many clients, over MCP and HTTP (feature `serve`).
//! - [`cli`]: the command line.

pub mod bench;
pub mod cli;
pub mod corpus;
pub mod dataset;
pub mod export;
pub mod files;
pub mod fill;
pub mod finish;
pub mod formats;
pub mod iterate;
pub mod lean;
pub mod library;
pub mod network;
pub mod policy;
pub mod problem;
pub mod prover;
pub mod recall;
pub mod record;
pub mod report;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod source;
pub mod toolchain;
pub mod value;
pub mod verify;
