//! The ranker: a network that reads a goal and a tactic and foretells Lean's verdict.
//!
//! [`text`] cuts goals and tactics in words, [`features`] makes of them what the network reads. Knows nothing of servers.

pub mod features;
pub mod statements;
pub mod text;
