//! Names of the graph's nodes, as records write them. Depends on nothing.

use petgraph::graph::NodeIndex;
use serde::{Deserialize, Serialize};

/// A proof state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct GoalId(pub(super) NodeIndex);

/// A tactic that Lean accepted at a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct StepId(pub(super) NodeIndex);

impl From<u32> for GoalId {
    fn from(number: u32) -> GoalId {
        GoalId(NodeIndex::new(number as usize))
    }
}
impl From<GoalId> for u32 {
    fn from(id: GoalId) -> u32 {
        id.0.index() as u32
    }
}
impl From<u32> for StepId {
    fn from(number: u32) -> StepId {
        StepId(NodeIndex::new(number as usize))
    }
}
impl From<StepId> for u32 {
    fn from(id: StepId) -> u32 {
        id.0.index() as u32
    }
}
