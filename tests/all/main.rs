//! All tests of the crate from outside, in one program: it is linked once, and one test waits while another works.

mod bench;
mod cli;
mod common;
mod corpus;
#[cfg(feature = "parquet")]
mod export;
mod faults;
mod fill;
mod fuzz;
mod graph;
mod iterate;
mod judge;
mod kernel;
mod lexer;
#[cfg(feature = "models")]
mod models;
mod native;
mod network;
mod olean;
mod oracle;
mod page;
mod policies;
mod prover;
mod scale;
mod search;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "models")]
mod served;
mod standin;
mod verify;
