//! The curriculum: theorems to search on, so that there is something to learn from.
//!
//! [`synthetic`] makes them up, family by family, from a seed; [`library`] takes those of compiled modules; [`project`] reads
//! what people proved, step by step; [`hindsight`] poses goals that searches proved on their way. Knows nothing of how a
//! search works.

pub mod hindsight;
pub mod library;
pub mod project;
pub mod synthetic;
