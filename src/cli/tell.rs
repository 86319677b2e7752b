//! What is said of a search: while it runs, and when it has ended.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::{say, spinner};
use crate::dataset::header::{Finding, Severity};
use crate::prover::Outcome;
use crate::search::{Progress, StopReason};

/// What became of it, with what must be known of it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    findings: &'a [Finding],
}

/// The progress line: live on a terminal, a plain line now and then when piped.
pub struct Line {
    bar: indicatif::ProgressBar,
    name: String,
    plain: Option<std::sync::Mutex<Instant>>,
}

impl Line {
    pub fn new(name: &str) -> Line {
        let plain = (!std::io::stderr().is_terminal()).then(|| std::sync::Mutex::new(Instant::now()));
        Line { bar: spinner(), name: name.to_owned(), plain }
    }

    pub fn tell(&self, p: &Progress) {
        let Progress { checks, goals, depth, trying } = p;
        let message = format!("{}: {checks} checks, {goals} goals, depth {depth}, trying {trying}", self.name);
        match &self.plain {
            None => {
                self.bar.set_message(message);
                self.bar.tick();
            }
            Some(last) => {
                if let Ok(mut last) = last.lock()
                    && last.elapsed() >= Duration::from_secs(10)
                {
                    eprintln!("{message}");
                    *last = Instant::now();
                }
            }
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What helps when a search ended so.
pub fn remedy(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Time => "; try a longer --time",
        StopReason::Checks => "; try more --checks",
        _ => "",
    }
}

/// A theorem that has no outcome, in its place between the others.
pub fn fail(name: &str, why: &str, findings: &[Finding], as_json: bool) -> Result<()> {
    eprintln!("qstar: theorem {name}: {why}");
    if as_json {
        return say(json!({"name": name, "proved": false, "error": why, "findings": findings}));
    }
    say(format_args!("-- no verdict: {name}: {}\n", why.lines().next().unwrap_or("")))
}

/// The outcome of a search, with what must be known of it.
pub fn report(outcome: &Outcome, findings: &[Finding], as_json: bool) -> Result<()> {
    if as_json {
        return say(serde_json::to_string(&Told { outcome, findings })?);
    }
    let mut lines = Vec::new();
    if !outcome.usage.is_empty() {
        lines.push(format!("-- the model: {}", outcome.usage));
    }
    let Outcome { name, seconds, checks, goals, reason, .. } = outcome;
    lines.push(match (&outcome.proof, &outcome.unverified) {
        (Some(_), _) => format!("-- proved: {name} ({seconds:.1} s, {checks} checks)"),
        (None, Some(unverified)) => {
            format!("-- NOT VERIFIED: {name} ({seconds:.1} s, {checks} checks): {}", unverified.why)
        }
        (None, None) => {
            let remedy = remedy(*reason);
            format!("-- not proved: {name} ({seconds:.1} s, {checks} checks, {goals} goals): {reason}{remedy}")
        }
    });
    for finding in findings {
        let word = if finding.severity == Severity::Warned { "warning" } else { "note" };
        lines.push(format!("-- {word}: {}", finding.text));
    }
    let text = outcome.proof.as_ref().or(outcome.unverified.as_ref().map(|u| &u.proof));
    lines.push(text.cloned().unwrap_or_default());
    say(lines.join("\n"))
}
