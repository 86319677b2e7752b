//! What Lean says of a text, and at a place of it: messages, goals, tactics in the place of a line.

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use schemars::JsonSchema;
use serde::Serialize;

use super::Agent;
use super::place::{self, Diagnosed};
use crate::serve::check::{End, Question, Severity};
use crate::serve::snippet::Position;
use crate::serve::work::{Tried, Verdict};

/// Seconds for a snippet where none are named.
const CHECK_TIME: f64 = 60.0;

/// What is to be shown at a place.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Goals<G = String> {
    /// `accepted`: these are the goals. `could_not_check`: they are not known.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `goals`, `complete` (none are left there), `no_goal_at_position`; `still_elaborating` when time was up, `unknown` when
    /// Lean failed.
    pub status: String,
    /// At the place that was named; of a statement: its goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goals: Option<Vec<G>>,
    /// Before the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goals_before: Option<Vec<G>>,
    /// After the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goals_after: Option<Vec<G>>,
    /// The line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub line_context: String,
}

impl<G> Goals<G> {
    /// The same with each goal written in another way.
    pub fn map<H>(self, write: impl Fn(G) -> H) -> Goals<H> {
        let all = |goals: Option<Vec<G>>| goals.map(|goals| goals.into_iter().map(&write).collect());
        Goals {
            verdict: self.verdict,
            reason: self.reason,
            status: self.status,
            goals: all(self.goals),
            goals_before: all(self.goals_before),
            goals_after: all(self.goals_after),
            line_context: self.line_context,
        }
    }
}

/// One tactic at a place of a text: what became of it, and Lean's messages there.
pub struct Attempt {
    pub tried: Tried,
    pub diagnostics: Vec<place::Diagnostic>,
    pub timed_out: bool,
}

impl Agent {
    /// What Lean says of a text.
    pub(super) async fn diagnose(
        &self,
        context: &RequestContext<RoleServer>,
        code: &str,
        time: Option<f64>,
    ) -> Result<Diagnosed, String> {
        let question = Question::new(code, self.desk.time(time, CHECK_TIME));
        let checked = self.run(context, self.desk.check_for(&self.client(context), question)).await?;
        checked.map(|checked| place::diagnosed(&checked))
    }

    /// The goals at a place of a text.
    pub(super) async fn goals_at(
        &self,
        context: &RequestContext<RoleServer>,
        code: &str,
        line: usize,
        column: Option<usize>,
        time: Option<f64>,
    ) -> Result<Goals, String> {
        let (text, start, end) = place::line_of(code, line)?;
        let places = match column {
            Some(column) => vec![Position { line, column: column.saturating_sub(1) }],
            None => vec![start, end],
        };
        let question = Question { places, ..Question::new(code, self.desk.time(time, CHECK_TIME)) };
        let checked = self.run(context, self.desk.check_for(&self.client(context), question)).await?;
        let checked = checked?;
        let line_context = text.to_owned();
        if checked.end != End::Whole {
            let (verdict, reason) = place::verdict(&checked);
            let status = if matches!(checked.end, End::TimedOut { .. }) { "still_elaborating" } else { "unknown" }.to_owned();
            let (goals, goals_before, goals_after) = (None, None, None);
            return Ok(Goals { verdict, reason, status, goals, goals_before, goals_after, line_context });
        }
        let mut found = checked.goals.iter().cloned();
        let (here, after) = (found.next().flatten(), found.next().flatten());
        let last = if column.is_some() { &here } else { &after };
        let status = match last {
            None => "no_goal_at_position",
            Some(goals) if goals.is_empty() => "complete",
            Some(_) => "goals",
        };
        let (verdict, reason, status) = (Verdict::Accepted, None, status.to_owned());
        Ok(match column {
            Some(_) => {
                let goals = Some(here.unwrap_or_default());
                Goals { verdict, reason, status, goals, goals_before: None, goals_after: None, line_context }
            }
            None => Goals { verdict, reason, status, goals: None, goals_before: here, goals_after: after, line_context },
        })
    }

    /// Tries each tactic in the place of a line.
    pub(super) async fn attempts_at(
        &self,
        context: &RequestContext<RoleServer>,
        code: &str,
        line: usize,
        column: Option<usize>,
        tactics: &[String],
        time: Option<f64>,
    ) -> Result<Vec<Attempt>, String> {
        let (_, start, _) = place::line_of(code, line)?;
        let column = column.map_or(start.column, |c| c.saturating_sub(1));
        let time = self.desk.time(time, 30.0);
        let client = self.client(context);
        let one = async |tactic: &String| -> Result<Attempt, String> {
            if let Err(refusal) = crate::lean::guard::check(tactic) {
                let (verdict, reason) = (Verdict::Refused, Some(refusal.to_string()));
                let tried = Tried { tactic: tactic.clone(), verdict, reason, goals: Vec::new() };
                return Ok(Attempt { tried, diagnostics: Vec::new(), timed_out: false });
            }
            let (text, end, last) = place::with_tactic(code, line, column, tactic);
            let question = Question { places: vec![end], ..Question::new(&text, time) };
            let checked = self.desk.check_for(&client, question).await?;
            let diagnostics: Vec<_> =
                place::diagnostics(&checked).into_iter().filter(|d| (line..=last).contains(&d.line)).collect();
            let goals = checked.goals.first().cloned().flatten();
            let error = diagnostics.iter().find(|d| d.severity == Severity::Error);
            let (verdict, reason) = match (&checked.end, error, &goals) {
                (End::Whole, Some(error), _) => (Verdict::Refused, Some(error.message.clone())),
                (End::Whole, None, Some(_)) => (Verdict::Accepted, None),
                (End::Whole, None, None) => (Verdict::Refused, Some("no proof stands at this place".to_owned())),
                _ => place::verdict(&checked),
            };
            let goals = if verdict == Verdict::Accepted { goals.unwrap_or_default() } else { Vec::new() };
            let timed_out = matches!(checked.end, End::TimedOut { .. });
            Ok(Attempt { tried: Tried { tactic: tactic.clone(), verdict, reason, goals }, diagnostics, timed_out })
        };
        let all = async {
            let mut attempts = Vec::new();
            for tactic in tactics {
                attempts.push(one(tactic).await?);
            }
            Ok::<_, String>(attempts)
        };
        self.run(context, all).await?
    }
}
