//! Names of the graph's nodes, as records write them. Depends on nothing.

use petgraph::graph::NodeIndex;
use serde::{Deserialize, Serialize};

/// The name of one kind of node: a number of its own type.
macro_rules! id {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "u32", into = "u32")]
        pub struct $name(pub(super) NodeIndex);

        impl From<u32> for $name {
            fn from(number: u32) -> $name {
                $name(NodeIndex::new(number as usize))
            }
        }
        impl From<$name> for u32 {
            fn from(id: $name) -> u32 {
                id.0.index() as u32
            }
        }
    };
}

id!(
    /// A proof state.
    GoalId
);
id!(
    /// A tactic that Lean accepted at a goal.
    StepId
);
