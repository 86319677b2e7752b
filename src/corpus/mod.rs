//! The curriculum: theorems to search on, so that there is something to learn from.
//!
//! [`synthetic`] makes them up, family by family, from a seed. Knows nothing of Lean's server or of search.

pub mod synthetic;
