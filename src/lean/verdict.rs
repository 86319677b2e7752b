//! The oracle's words: what is asked (candidates at holes) and what is answered (verdicts).

use std::sync::Arc;

use serde::Serialize;

use super::goal::Goal;
use super::guard::Refusal;

/// A place in an unfinished proof of one statement. Everything but the hole is fixed text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hole {
    /// From `example` to the line before the hole, line breaks included.
    pub before: String,
    /// What stands after the hole: `sorry` for goals that are not this candidate's business.
    pub after: String,
    /// Column of the hole.
    pub indent: usize,
    /// Line (within `before`) and column of the bullet that focuses the hole; `None`: the theorem's own `by`.
    pub bullet: Option<(u32, u32)>,
    /// The text declares names: each candidate gets a namespace of its own, so that copies do not clash.
    pub scoped: bool,
}

impl Hole {
    /// The whole proof of `statement` (`example … : type`, without `:=`).
    pub fn whole(statement: &str) -> Hole {
        let before = format!("{statement} := by\n");
        Hole { before, after: String::new(), indent: 2, bullet: None, scoped: false }
    }
}

/// A tactic to be tried at a hole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    pub hole: Arc<Hole>,
    pub tactic: String,
    /// Budget, in thousands of small allocations (Lean's `maxHeartbeats`).
    pub heartbeats: u64,
    /// Lean is asked which of the tactic's ways was tried last ([`separate`](super::ways::separate)): the verdict is then a
    /// [`Verdict::Way`].
    pub tells_way: bool,
}

impl Candidate {
    /// One that is judged as a whole.
    pub fn new(hole: Arc<Hole>, tactic: String, heartbeats: u64) -> Candidate {
        Candidate { hole, tactic, heartbeats, tells_way: false }
    }
}

/// What Lean says of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "detail", rename_all = "snake_case")]
pub enum Verdict {
    /// No goal is left.
    Closed,
    /// Accepted; these goals are left.
    Goals(Vec<Goal>),
    /// Closed, goals left, or out of heartbeats, with this one of the candidate's ways (from 0): those before it failed, those behind
    /// it were not tried.
    Way { way: usize, verdict: Box<Verdict> },
    /// Lean's message.
    Failed(String),
    /// Out of heartbeats: more of them may help.
    TimedOut,
    /// No progress until the deadline, heartbeats or not: the worker had to be ended.
    Hung,
    /// Not sent: the guard's reason.
    #[serde(serialize_with = "as_text")]
    Refused(Refusal),
    /// The worker died on it again and again, or the document around it is broken.
    Crashed(String),
}

impl Verdict {
    /// The way that was tried last, if Lean told it, and the verdict itself.
    pub fn apart(self) -> (Option<usize>, Verdict) {
        match self {
            Verdict::Way { way, verdict } => (Some(way), *verdict),
            other => (None, other),
        }
    }
}

/// In words that a user can read.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Verdict::Closed => f.write_str("Lean accepts it"),
            Verdict::Goals(goals) => write!(f, "Lean accepts it, and {} goal(s) are left", goals.len()),
            Verdict::Way { verdict, .. } => verdict.fmt(f),
            Verdict::Failed(message) => write!(f, "Lean rejects it: {message}"),
            Verdict::TimedOut => f.write_str("Lean ran out of heartbeats on it"),
            Verdict::Hung => f.write_str("Lean made no progress on it, and was ended"),
            Verdict::Refused(refusal) => write!(f, "it was not given to Lean: {refusal}"),
            Verdict::Crashed(message) => f.write_str(message),
        }
    }
}

fn as_text<S: serde::Serializer>(refusal: &Refusal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(refusal)
}

/// A batch that shares its header and options.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Text before every candidate: imports, definitions, notations, open namespaces.
    pub header: Arc<str>,
    pub candidates: Vec<Candidate>,
}
