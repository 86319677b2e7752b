//! Verdicts as examples: what Lean said of each tactic, the failures included. This is what the ranker learns from.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::lean::ways::separate;
use crate::policy::Source;
use crate::policy::ranker::text::premise;
use crate::search::{Event, GoalId, StepId, VerdictKind};

/// What a tactic was good for at its goal, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// It closed the goal.
    Closed,
    /// It left goals that were all proved.
    Helped,
    /// Lean accepted it, and nothing came of it.
    Progress,
    /// Lean, or the guard, refused it.
    Failed,
    /// It ran out of its budget, or hung.
    TimedOut,
}

impl Worth {
    const ALL: [Worth; 5] = [Worth::Closed, Worth::Helped, Worth::Progress, Worth::Failed, Worth::TimedOut];

    pub fn name(self) -> &'static str {
        match self {
            Worth::Closed => "closed",
            Worth::Helped => "helped",
            Worth::Progress => "progress",
            Worth::Failed => "failed",
            Worth::TimedOut => "timed_out",
        }
    }
}

/// A tactic that Lean judged at a goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "parquet", derive(parquet_derive::ParquetRecordWriter))]
pub struct VerdictExample {
    pub theorem: String,
    /// Equal for theorems that differ in name and layout only.
    pub theorem_key: String,
    /// The proof state as Lean prints it.
    pub goal: String,
    pub tactic: String,
    /// Who proposed it, by the names of the records.
    pub by: String,
    /// The theorem or definition of the library that it names, if one.
    pub premise: Option<String>,
    /// `closed`, `helped`, `progress`, `failed` or `timed_out`.
    pub verdict: String,
    /// The budget that it was judged under.
    pub heartbeats: u64,
    /// Its share of the time that its batch took; none where the records do not say.
    pub seconds: Option<f32>,
    /// More for theorems that searches seldom prove.
    pub weight: f32,
}

impl VerdictExample {
    pub fn worth(&self) -> Worth {
        Worth::ALL.into_iter().find(|w| w.name() == self.verdict).unwrap_or(Worth::Failed)
    }
}

/// A verdict on its way to a row.
#[derive(Clone)]
struct Judged<'a> {
    goal: GoalId,
    tactic: Cow<'a, str>,
    by: Source,
    verdict: VerdictKind,
    heartbeats: u64,
    seconds: Option<f32>,
    /// Ways that share its check's time with it; 0: it is the check itself.
    way_of: usize,
    step: Option<StepId>,
    left: &'a [GoalId],
}

/// What a check of several ways says of each: those before the last that was tried failed, and of those behind it nothing is known.
fn ways_of<'a>(whole: &Judged<'a>, last: &str) -> Vec<Judged<'a>> {
    let Some(mut ways) = separate(&whole.tactic) else { return Vec::new() };
    match whole.verdict {
        VerdictKind::Failed => {}
        VerdictKind::Closed | VerdictKind::Goals | VerdictKind::TimedOut => match ways.iter().position(|way| way == last) {
            Some(at) => ways.truncate(at + 1),
            None => return Vec::new(),
        },
        // Nobody knows which of them it was.
        _ => return Vec::new(),
    }
    let way_of = ways.len();
    let one = |way: String| {
        let verdict = if way == last { whole.verdict } else { VerdictKind::Failed };
        Judged { tactic: way.into(), verdict, way_of, ..whole.clone() }
    };
    ways.into_iter().map(one).collect()
}

/// The verdicts of one search, each tactic of a goal (and each of its ways) once, in the order of goals and of first tries. `weight`
/// is 1; the export knows other searches of the theorem.
pub fn verdicts(events: &[Event], theorem: &str, theorem_key: &str) -> Vec<VerdictExample> {
    let mut states: HashMap<GoalId, &str> = HashMap::new();
    let (mut proved, mut retracted) = (HashSet::new(), HashSet::new());
    let mut judged: Vec<Judged> = Vec::new();
    let (mut before, mut of_batch) = (Some(0.0), 0);
    for event in events {
        match event {
            Event::Goal { goal, state, .. } => drop(states.insert(*goal, state)),
            // Not proposals for the goal itself: what holds elsewhere, and the question whether the goal is false.
            Event::Tried { by: Source::Aggregate | Source::Prune, .. } => {}
            Event::Tried { goal, tactic, one_of, by, verdict, heartbeats, step, left, .. } => {
                let whole = Judged {
                    goal: *goal,
                    tactic: one_of.as_ref().unwrap_or(tactic).into(),
                    by: *by,
                    verdict: *verdict,
                    heartbeats: *heartbeats,
                    seconds: None,
                    way_of: 0,
                    step: *step,
                    left,
                };
                judged.extend(ways_of(&whole, tactic));
                judged.push(whole);
            }
            Event::Clock { seconds, .. } => {
                let batch = &mut judged[of_batch..];
                if let (Some(before), false) = (before, batch.is_empty()) {
                    let checks = batch.iter().filter(|j| j.way_of == 0).count();
                    let each = ((seconds - before).max(0.0) / checks as f64) as f32;
                    batch.iter_mut().for_each(|j| j.seconds = Some(each / j.way_of.max(1) as f32));
                }
                (before, of_batch) = (Some(*seconds), judged.len());
            }
            Event::Proved { goal, .. } => drop(proved.insert(*goal)),
            // What is proved without the step is told again behind this.
            Event::Retracted { step, .. } => {
                retracted.insert(*step);
                proved.clear();
            }
            Event::Exhausted { .. } | Event::Begin { .. } | Event::End { .. } => {}
        }
    }
    // The best of a goal's tries with one tactic: a second one had more to spend.
    let mut best: BTreeMap<(GoalId, &str), (usize, Worth)> = BTreeMap::new();
    for (place, j) in judged.iter().enumerate() {
        let worth = match j.verdict {
            VerdictKind::Closed | VerdictKind::Goals if j.step.is_some_and(|s| retracted.contains(&s)) => continue,
            VerdictKind::Closed => Worth::Closed,
            VerdictKind::Goals if j.step.is_some() && j.left.iter().all(|g| proved.contains(g)) => Worth::Helped,
            VerdictKind::Goals => Worth::Progress,
            VerdictKind::Failed | VerdictKind::Refused => Worth::Failed,
            VerdictKind::TimedOut | VerdictKind::Hung => Worth::TimedOut,
            // Lean's fault, or the machine's.
            VerdictKind::Crashed => continue,
        };
        let known = best.entry((j.goal, &j.tactic)).or_insert((place, worth));
        if worth < known.1 {
            *known = (place, worth);
        }
    }
    let mut rows: Vec<(usize, Worth)> = best.into_values().collect();
    rows.sort_unstable();
    let row = |(place, worth): (usize, Worth)| {
        let Judged { goal, tactic, by, heartbeats, seconds, .. } = &judged[place];
        let (heartbeats, seconds) = (*heartbeats, *seconds);
        let goal = (*states.get(goal)?).to_owned();
        let by = serde_json::to_value(by).ok()?.as_str()?.to_owned();
        let premise = premise(tactic, &goal).map(str::to_owned);
        let (theorem, theorem_key) = (theorem.to_owned(), theorem_key.to_owned());
        let (tactic, verdict) = (tactic.to_string(), worth.name().to_owned());
        Some(VerdictExample { theorem, theorem_key, goal, tactic, by, premise, verdict, heartbeats, seconds, weight: 1.0 })
    };
    rows.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::StopReason;

    fn goal(n: u32) -> Event {
        let state = format!("⊢ p{n}");
        Event::Goal { goal: n.into(), state, depth: 0, log_prior: 0.0, value: 0.5, why: String::new(), from: None }
    }

    fn tried(n: u32, tactic: &str, by: Source, verdict: VerdictKind, step: Option<u32>, left: &[u32]) -> Event {
        Event::Tried {
            goal: n.into(),
            tactic: tactic.into(),
            one_of: None,
            log_prior: -1.0,
            by,
            heartbeats: 8000,
            verdict,
            message: None,
            step: step.map(StepId::from),
            left: left.iter().map(|&g| g.into()).collect(),
        }
    }

    #[test]
    fn every_verdict_is_a_row_and_says_what_came_of_it() {
        use {Source::*, VerdictKind::*};
        let events = [
            goal(0),
            tried(0, "omega", Portfolio, Failed, None, &[]),
            tried(0, "grind", Portfolio, TimedOut, None, &[]),
            tried(0, "rw [Nat.add_comm]", Premises, Goals, Some(10), &[1]),
            tried(0, "intro x", Portfolio, Goals, Some(11), &[2]),
            tried(0, "skip", Portfolio, Goals, None, &[]),
            Event::Clock { seconds: 1.0, checks: 5, goals: 3 },
            goal(1),
            goal(2),
            tried(1, "decide", Portfolio, Hung, None, &[]),
            tried(1, "rfl", Portfolio, Closed, Some(12), &[]),
            tried(1, "exact Lean.trick", Premises, Refused, None, &[]),
            tried(1, "kernel", Portfolio, Crashed, None, &[]),
            tried(0, "have : q := by simp", Aggregate, Goals, Some(13), &[1]),
            tried(0, "grind", Portfolio, Closed, Some(14), &[]),
            Event::Proved { goal: 1.into(), step: 12.into() },
            Event::Proved { goal: 0.into(), step: 10.into() },
            Event::End { reason: StopReason::Proved, checks: 12, goals: 3, proof: None },
        ];
        let found = verdicts(&events, "t", "k");
        let rows: Vec<(&str, &str, &str)> =
            found.iter().map(|r| (r.goal.as_str(), r.tactic.as_str(), r.verdict.as_str())).collect();
        assert_eq!(
            rows,
            [
                ("⊢ p0", "omega", "failed"),
                ("⊢ p0", "rw [Nat.add_comm]", "helped"),
                ("⊢ p0", "intro x", "progress"),
                ("⊢ p0", "skip", "progress"),
                ("⊢ p1", "decide", "timed_out"),
                ("⊢ p1", "rfl", "closed"),
                ("⊢ p1", "exact Lean.trick", "failed"),
                ("⊢ p0", "grind", "closed"),
            ]
        );
        assert_eq!((found[0].seconds, found[5].seconds), (Some(0.2), None));
        assert_eq!((found[1].premise.as_deref(), found[0].premise.as_deref()), (Some("Nat.add_comm"), None));
        assert_eq!(found[1].by, "premises");
    }

    #[test]
    fn each_way_of_a_check_has_a_verdict_as_far_as_it_is_known() {
        use {Source::*, VerdictKind::*};
        let one_of = |whole: &str, tried: Event| match tried {
            Event::Tried { goal, tactic, log_prior, by, heartbeats, verdict, message, step, left, .. } => {
                let one_of = Some(whole.to_owned());
                Event::Tried { goal, tactic, one_of, log_prior, by, heartbeats, verdict, message, step, left }
            }
            other => other,
        };
        let events = [
            goal(0),
            tried(0, "first | rfl | decide", Portfolio, Failed, None, &[]),
            one_of("first | omega | simp_all | grind", tried(0, "simp_all", Portfolio, Goals, Some(10), &[1])),
            tried(0, "first | exact a | exact b", Portfolio, Hung, None, &[]),
            tried(0, "first | rcases h with a | b | rfl", Portfolio, Failed, None, &[]),
            Event::Clock { seconds: 8.0, checks: 4, goals: 2 },
            goal(1),
            one_of("first | omega | grind | exact c", tried(1, "grind", Portfolio, TimedOut, None, &[])),
        ];
        let found = verdicts(&events, "t", "k");
        let rows: Vec<(&str, &str, Option<f32>)> =
            found.iter().map(|r| (r.tactic.as_str(), r.verdict.as_str(), r.seconds)).collect();
        assert_eq!(
            rows,
            [
                ("rfl", "failed", Some(1.0)),
                ("decide", "failed", Some(1.0)),
                ("first | rfl | decide", "failed", Some(2.0)),
                ("omega", "failed", Some(1.0)),
                ("simp_all", "progress", Some(1.0)),
                ("first | omega | simp_all | grind", "progress", Some(2.0)),
                ("first | exact a | exact b", "timed_out", Some(2.0)),
                ("first | rcases h with a | b | rfl", "failed", Some(2.0)),
                ("omega", "failed", None),
                ("grind", "timed_out", None),
                ("first | omega | grind | exact c", "timed_out", None),
            ]
        );
    }

    #[test]
    fn what_the_verifier_refused_is_no_verdict() {
        let events = [
            goal(0),
            tried(0, "trick", Source::Portfolio, VerdictKind::Closed, Some(1), &[]),
            Event::Proved { goal: 0.into(), step: 1.into() },
            Event::Retracted { step: 1.into(), reason: "refused".into() },
            tried(0, "omega", Source::Portfolio, VerdictKind::Failed, None, &[]),
        ];
        let found: Vec<String> = verdicts(&events, "t", "k").into_iter().map(|r| r.tactic).collect();
        assert_eq!(found, ["omega"]);
    }
}
