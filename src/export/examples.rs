//! The examples in one search's events.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::theorem_key;
use super::verdicts::{VerdictExample, verdicts};
use crate::policy::Source;
use crate::search::{Event, GoalId, StepId, VerdictKind};
use crate::source::hex;

/// Weight of a step that Lean accepted and that proved nothing, beside 1 for one that did.
const ACCEPTED: f32 = 0.1;
/// Tries after which a goal that is open when the budget ends counts as not to be proved within it.
const IN_VAIN: usize = 12;
/// Pairs made of one goal: so many closing tactics, each against so many failing ones.
const CHOSEN: usize = 2;
const REJECTED: usize = 4;

/// The part of the data that a theorem belongs to, for ever: by a hash of its statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    /// Eight in ten train, one validates, one tests.
    pub fn of(key: &[u8; 32]) -> Split {
        match u16::from_be_bytes([key[0], key[1]]) % 10 {
            0..8 => Split::Train,
            8 => Split::Validation,
            _ => Split::Test,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

/// A tactic that Lean accepted at a goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "parquet", derive(parquet_derive::ParquetRecordWriter))]
pub struct PolicyExample {
    pub theorem: String,
    /// Equal for theorems that differ in name and layout only.
    pub theorem_key: String,
    /// The proof state as Lean prints it.
    pub goal: String,
    pub tactic: String,
    /// 1 for a step of a proof (of this goal, if not of the theorem), less for one that was only accepted.
    pub weight: f32,
}

/// How a goal ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "parquet", derive(parquet_derive::ParquetRecordWriter))]
pub struct ValueExample {
    pub theorem: String,
    pub theorem_key: String,
    pub goal: String,
    pub proved: bool,
    /// Tactics of its proof.
    pub steps: Option<u32>,
    /// Tactics on the longest branch of its proof.
    pub depth: Option<u32>,
    /// Equal for goals that steps from one goal led to; none for the theorem's own.
    pub family: Option<String>,
    /// Why nothing was hoped for any more.
    pub reason: Option<String>,
}

/// Two tactics of one goal: the first closes it, the second fails.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "parquet", derive(parquet_derive::ParquetRecordWriter))]
pub struct Preference {
    pub theorem: String,
    pub theorem_key: String,
    pub goal: String,
    pub chosen: String,
    pub rejected: String,
    /// Lean's words on the second.
    pub message: Option<String>,
}

/// All that one search teaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    pub key: [u8; 32],
    /// The theorem was proved.
    pub proved: bool,
    pub policy: Vec<PolicyExample>,
    pub value: Vec<ValueExample>,
    pub preference: Vec<Preference>,
    pub verdict: Vec<VerdictExample>,
}

#[derive(Default)]
struct Seen<'a> {
    state: &'a str,
    from: Option<StepId>,
    tried: Vec<Tried<'a>>,
    proved: Option<StepId>,
    dead: Option<&'a str>,
}

struct Tried<'a> {
    tactic: &'a str,
    verdict: VerdictKind,
    step: Option<StepId>,
    message: Option<&'a str>,
}

/// Gathers the examples of a search whose first event is its beginning.
pub fn gather(events: &[Event]) -> Examples {
    let (mut theorem, mut key) = ("", [0; 32]);
    let mut goals: BTreeMap<GoalId, Seen> = BTreeMap::new();
    let mut left: HashMap<StepId, &[GoalId]> = HashMap::new();
    let mut parents: HashMap<StepId, GoalId> = HashMap::new();
    let mut retracted = HashSet::new();
    for event in events {
        match event {
            Event::Begin { theorem: name, statement, .. } => (theorem, key) = (name.as_str(), theorem_key(statement)),
            Event::Goal { goal, state, from, .. } => {
                let seen = goals.entry(*goal).or_default();
                (seen.state, seen.from) = (state, *from);
            }
            // A proof remembered from elsewhere is no step, and the question whether a goal is false proves nothing.
            Event::Tried { by: Source::Aggregate | Source::Prune, step, left: goals, .. } => {
                left.extend(step.map(|s| (s, goals.as_slice())));
            }
            Event::Tried { goal, tactic, verdict, message, step, left: rest, .. } => {
                left.extend(step.map(|s| (s, rest.as_slice())));
                parents.extend(step.map(|s| (s, *goal)));
                let tried = Tried { tactic, verdict: *verdict, step: *step, message: message.as_deref() };
                goals.entry(*goal).or_default().tried.push(tried);
            }
            Event::Proved { goal, step } => goals.entry(*goal).or_default().proved = Some(*step),
            Event::Exhausted { goal, reason } => goals.entry(*goal).or_default().dead = Some(reason),
            // What is proved without the step is told again behind this.
            Event::Retracted { step, .. } => {
                retracted.insert(*step);
                goals.values_mut().for_each(|g| g.proved = None);
            }
            Event::Clock { .. } | Event::End { .. } => {}
        }
    }
    let theorem = theorem.to_owned();
    let theorem_key = hex(&key[..8]);
    let verdict = verdicts(events, &theorem, &theorem_key);
    let proved = matches!(events.last(), Some(Event::End { proof: Some(_), .. }));
    let mut found = Examples { key, proved, policy: Vec::new(), value: Vec::new(), preference: Vec::new(), verdict };
    let mut sizes = HashMap::new();
    for (&id, seen) in goals.iter().filter(|(_, seen)| !seen.state.is_empty()) {
        let (theorem, theorem_key, goal) = (|| theorem.clone(), || theorem_key.clone(), || seen.state.to_owned());
        let accepted = seen.tried.iter().filter(|t| t.step.is_some_and(|s| !retracted.contains(&s)));
        for (tried, step) in accepted.filter_map(|t| Some((t, t.step?))) {
            let proves = left[&step].iter().all(|g| goals.get(g).is_some_and(|g| g.proved.is_some()));
            let (tactic, weight) = (tried.tactic.to_owned(), if proves { 1.0 } else { ACCEPTED });
            let (theorem, theorem_key, goal) = (theorem(), theorem_key(), goal());
            found.policy.push(PolicyExample { theorem, theorem_key, goal, tactic, weight });
        }
        let judged = seen.tried.len();
        let in_vain = (judged >= IN_VAIN).then(|| format!("open after {judged} tries, when the budget ended"));
        if seen.proved.is_some() || seen.dead.is_some() || in_vain.is_some() {
            let size = seen.proved.is_some().then(|| size(id, &goals, &left, &mut sizes));
            let (steps, depth) = (size.map(|(steps, _)| steps), size.map(|(_, depth)| depth));
            let reason = seen.dead.map(str::to_owned).or(in_vain).filter(|_| steps.is_none());
            let parent = seen.from.and_then(|step| goals.get(parents.get(&step)?));
            let family = parent.map(|p| hex(&Sha256::digest(format!("{}\0{}", theorem_key(), p.state).as_bytes())[..8]));
            let (theorem, theorem_key, goal, proved) = (theorem(), theorem_key(), goal(), steps.is_some());
            found.value.push(ValueExample { theorem, theorem_key, goal, proved, steps, depth, family, reason });
        }
        let closing = seen.tried.iter().filter(|t| t.verdict == VerdictKind::Closed && t.step.is_some());
        for chosen in closing.filter(|t| t.step.is_some_and(|s| !retracted.contains(&s))).take(CHOSEN) {
            let failing = seen.tried.iter().filter(|t| matches!(t.verdict, VerdictKind::Failed | VerdictKind::TimedOut));
            for bad in failing.take(REJECTED) {
                let (chosen, rejected) = (chosen.tactic.to_owned(), bad.tactic.to_owned());
                let message = bad.message.map(str::to_owned);
                let (theorem, theorem_key, goal) = (theorem(), theorem_key(), goal());
                found.preference.push(Preference { theorem, theorem_key, goal, chosen, rejected, message });
            }
        }
    }
    found
}

/// Tactics in a proved goal's proof, and on its longest branch. A goal is proved by a step whose goals were proved before it,
/// so this ends.
fn size(
    goal: GoalId,
    goals: &BTreeMap<GoalId, Seen>,
    left: &HashMap<StepId, &[GoalId]>,
    known: &mut HashMap<GoalId, (u32, u32)>,
) -> (u32, u32) {
    if let Some(&size) = known.get(&goal) {
        return size;
    }
    let step = goals.get(&goal).and_then(|g| g.proved);
    let rest = step.and_then(|s| left.get(&s)).copied().unwrap_or_default();
    let (mut steps, mut depth) = (1u32, 1u32);
    for &part in rest {
        let (of_part, deep) = size(part, goals, left, known);
        (steps, depth) = (steps.saturating_add(of_part), depth.max(deep.saturating_add(1)));
    }
    known.insert(goal, (steps, depth));
    (steps, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Event {
        let statement = "theorem t (p q : Prop) (h : p ∧ q) : q ∧ p";
        Event::Begin { theorem: "t".into(), statement: statement.into(), toolchain: String::new(), run: String::new() }
    }

    fn goal(n: u32, from: Option<u32>) -> Event {
        let (state, from) = (format!("⊢ p{n}"), from.map(StepId::from));
        Event::Goal { goal: n.into(), state, depth: 0, log_prior: 0.0, value: 0.5, why: String::new(), from }
    }

    fn tried(n: u32, tactic: &str, verdict: VerdictKind, step: Option<u32>, left: &[u32]) -> Event {
        Event::Tried {
            goal: n.into(),
            tactic: tactic.into(),
            one_of: None,
            log_prior: -1.0,
            by: Source::Portfolio,
            heartbeats: 1,
            verdict,
            message: (verdict == VerdictKind::Failed).then(|| "no".into()),
            step: step.map(StepId::from),
            left: left.iter().map(|&g| g.into()).collect(),
        }
    }

    #[test]
    fn proofs_weigh_more_than_steps_and_ends_become_values() {
        let events = [
            begin(),
            goal(0, None),
            tried(0, "omega", VerdictKind::Failed, None, &[]),
            tried(0, "constructor", VerdictKind::Goals, Some(10), &[1, 2]),
            tried(0, "intro x", VerdictKind::Goals, Some(11), &[3]),
            goal(1, Some(10)),
            goal(2, Some(10)),
            goal(3, Some(11)),
            tried(1, "rfl", VerdictKind::Failed, None, &[]),
            tried(1, "simp", VerdictKind::Closed, Some(12), &[]),
            Event::Proved { goal: 1.into(), step: 12.into() },
            tried(2, "exact h.1", VerdictKind::Closed, Some(13), &[]),
            Event::Proved { goal: 2.into(), step: 13.into() },
            Event::Proved { goal: 0.into(), step: 10.into() },
            Event::Exhausted { goal: 3.into(), reason: "its negation is proved".into() },
        ];
        let found = gather(&events);
        let policy: Vec<(&str, f32)> = found.policy.iter().map(|e| (e.tactic.as_str(), e.weight)).collect();
        assert_eq!(policy, [("constructor", 1.0), ("intro x", ACCEPTED), ("simp", 1.0), ("exact h.1", 1.0)]);
        let value: Vec<(&str, Option<u32>, Option<u32>)> =
            found.value.iter().map(|e| (e.goal.as_str(), e.steps, e.depth)).collect();
        assert_eq!(
            value,
            [("⊢ p0", Some(3), Some(2)), ("⊢ p1", Some(1), Some(1)), ("⊢ p2", Some(1), Some(1)), ("⊢ p3", None, None)]
        );
        // The three goals below the first came of steps from one goal.
        assert!(found.value[0].family.is_none() && found.value[1].family.is_some());
        assert!(found.value[1..].iter().all(|e| e.family == found.value[1].family));
        assert_eq!(found.value[3].reason.as_deref(), Some("its negation is proved"));
        let [pair] = &found.preference[..] else { panic!("{:?}", found.preference) };
        assert_eq!((pair.chosen.as_str(), pair.rejected.as_str()), ("simp", "rfl"));
    }

    #[test]
    fn what_the_verifier_refused_teaches_nothing() {
        let events = [
            begin(),
            goal(0, None),
            tried(0, "trick", VerdictKind::Closed, Some(1), &[]),
            Event::Proved { goal: 0.into(), step: 1.into() },
            Event::Retracted { step: 1.into(), reason: "refused".into() },
        ];
        let found = gather(&events);
        assert!(found.policy.is_empty() && found.value.is_empty() && found.preference.is_empty(), "{found:?}");
    }
}
