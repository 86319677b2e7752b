//! Lean as the oracle: sessions with a server, batches as documents, goals, and a pool of workers.
//!
//! Depends on `toolchain` only. Must not know about search, models or files of problems.

mod clock;
pub mod document;
pub mod goal;
pub mod guard;
mod memory;
pub mod pool;
pub mod protocol;
pub mod queue;
pub mod reading;
mod room;
pub mod runaway;
pub mod session;
pub mod suggestion;
pub mod syntax;
pub mod transport;
pub mod verdict;
pub mod ways;
pub mod words;
mod worker;

pub use goal::{Goal, Hypothesis};
pub use pool::{Pool, PoolOptions};
pub use reading::{Reading, Snippet};
pub use session::{Limits, Session, SessionError};
pub use verdict::{Batch, Candidate, Hole, Verdict};
