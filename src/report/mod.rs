//! A search as a picture: its events, gathered, on one HTML page that needs nothing else.
//!
//! Depends on the events of a search only, so that a page can be made of any trace, also one that was cut off.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::policy::Source;
use crate::search::event::{Event, VerdictKind};
use crate::search::{GoalId, Sink, StepId, StopReason};
use crate::verify::Certificate;

const PAGE: &str = include_str!("page.html");
/// Longest message of Lean kept for a tried tactic, in characters.
const MESSAGE: usize = 400;

/// What the page shows; its JSON stands in the page.
#[derive(Debug, Default, Serialize)]
pub struct Picture {
    theorem: String,
    statement: String,
    toolchain: String,
    /// `None`: the trace was cut off.
    end: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
    goals: BTreeMap<GoalId, GoalView>,
    steps: BTreeMap<StepId, StepView>,
    /// Seconds, checks, goals, value of the best open goal so far.
    clock: Vec<(f64, u64, usize, f64)>,
}

#[derive(Debug, Serialize)]
struct End {
    reason: String,
    proved: bool,
    checks: u64,
    proof: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct GoalView {
    state: String,
    depth: u32,
    value: f64,
    why: String,
    from: Option<StepId>,
    /// The step that proves it.
    proved: Option<StepId>,
    /// Why nothing is hoped for any more.
    dead: Option<String>,
    tried: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Tried {
    tactic: String,
    prior: f64,
    by: Source,
    verdict: VerdictKind,
    message: Option<String>,
    step: Option<StepId>,
}

#[derive(Debug, Serialize)]
struct StepView {
    goal: GoalId,
    tactic: String,
    left: Vec<GoalId>,
    retracted: bool,
}

impl Picture {
    /// Gathers the events of one search.
    ///
    /// # Errors
    /// When there is no goal among them.
    pub fn new(events: &[Event]) -> Result<Picture> {
        let mut picture = Picture::default();
        for event in events {
            picture.add(event);
        }
        ensure!(!picture.goals.is_empty(), "no search is in these events: there is no goal");
        Ok(picture)
    }

    /// Shows the certificate of the proof as well.
    pub fn with_certificate(mut self, certificate: Option<Certificate>) -> Picture {
        self.certificate = certificate;
        self
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::Begin { theorem, statement, toolchain, .. } => {
                self.theorem.clone_from(theorem);
                self.statement.clone_from(statement);
                self.toolchain.clone_from(toolchain);
            }
            Event::Goal { goal, state, depth, value, why, from, .. } => {
                let view = self.goals.entry(*goal).or_default();
                view.state.clone_from(state);
                (view.depth, view.value, view.from) = (*depth, *value, *from);
                view.why.clone_from(why);
            }
            Event::Tried { goal, tactic, log_prior, by, verdict, message, step, left, .. } => {
                let message = message.as_ref().map(|m| m.chars().take(MESSAGE).collect());
                let tried =
                    Tried { tactic: tactic.clone(), prior: log_prior.exp(), by: *by, verdict: *verdict, message, step: *step };
                let all = &mut self.goals.entry(*goal).or_default().tried;
                // A second try with more heartbeats replaces the first.
                match all.iter_mut().find(|t| t.tactic == *tactic && t.verdict == VerdictKind::TimedOut) {
                    Some(first) => *first = tried,
                    None => all.push(tried),
                }
                if let Some(step) = step {
                    let view = StepView { goal: *goal, tactic: tactic.clone(), left: left.clone(), retracted: false };
                    self.steps.insert(*step, view);
                }
            }
            Event::Proved { goal, step } => self.goals.entry(*goal).or_default().proved = Some(*step),
            Event::Exhausted { goal, reason } => {
                self.goals.entry(*goal).or_default().dead = Some(reason.clone());
            }
            // What is proved without the step is told again behind this.
            Event::Retracted { step, .. } => {
                self.goals.values_mut().for_each(|g| g.proved = None);
                if let Some(view) = self.steps.get_mut(step) {
                    view.retracted = true;
                }
            }
            Event::Clock { seconds, checks, goals } => {
                let open = self.goals.values().filter(|g| g.proved.is_none() && g.dead.is_none() && g.from.is_some());
                let best = open.map(|g| g.value).fold(0.0, f64::max);
                self.clock.push((*seconds, *checks, *goals, best));
            }
            Event::End { reason, checks, proof, .. } => {
                let proved = *reason == StopReason::Proved && proof.is_some();
                self.end = Some(End { reason: reason.to_string(), proved, checks: *checks, proof: proof.clone() });
            }
        }
    }

    /// The page. Data stands in it as JSON, with `<` escaped, so that no text of a goal can end the script.
    ///
    /// # Errors
    /// Never in practice: a picture is plain data.
    pub fn page(&self) -> Result<String> {
        fill_page(PAGE, self)
    }
}

/// A picture that grows with its search.
#[derive(Debug, Default)]
pub struct Sketch(Mutex<Picture>);

impl Sketch {
    /// What was seen.
    pub fn finish(self) -> Picture {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Sink for Sketch {
    fn put(&self, event: &Event) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(event);
    }
}

/// Puts data into a page in the place of `/*DATA*/null`.
///
/// # Errors
/// When the data cannot be written as JSON.
pub fn fill_page(page: &str, data: &impl Serialize) -> Result<String> {
    let data = serde_json::to_string(data)?.replace('<', "\\u003c").replace('\u{2028}', "\\u2028");
    Ok(page.replacen("/*DATA*/null", &data, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(number: u32, state: &str, from: Option<u32>) -> Event {
        let from = from.map(StepId::from);
        Event::Goal { goal: number.into(), state: state.into(), depth: 0, log_prior: 0.0, value: 0.5, why: String::new(), from }
    }

    fn tried(goal: u32, tactic: &str, verdict: VerdictKind, step: Option<u32>, left: &[u32]) -> Event {
        Event::Tried {
            goal: goal.into(),
            tactic: tactic.into(),
            one_of: None,
            log_prior: -1.0,
            by: Source::Portfolio,
            heartbeats: 1,
            verdict,
            message: None,
            step: step.map(StepId::from),
            left: left.iter().map(|&n| GoalId::from(n)).collect(),
        }
    }

    #[test]
    fn events_become_a_graph() {
        let picture = Picture::new(&[
            goal(0, "⊢ </script>", None),
            tried(0, "simp", VerdictKind::TimedOut, None, &[]),
            tried(0, "simp", VerdictKind::Goals, Some(1), &[2]),
            goal(2, "⊢ b", Some(1)),
            tried(2, "rfl", VerdictKind::Closed, Some(3), &[]),
            Event::Proved { goal: 2.into(), step: 3.into() },
            Event::Proved { goal: 0.into(), step: 1.into() },
            Event::Retracted { step: 3.into(), reason: "x".into() },
        ])
        .unwrap();
        let root = &picture.goals[&0.into()];
        assert_eq!((root.tried.len(), root.proved, picture.steps.len()), (1, None, 2));
        assert!(picture.steps[&3.into()].retracted);
        let page = picture.page().unwrap();
        assert!(!page.contains("⊢ </script>") && !page.contains("/*DATA*/"));
        assert!(Picture::new(&[]).is_err());
    }
}
