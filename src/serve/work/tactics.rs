//! Many tactics at one goal.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::lean::{Batch, Candidate, Goal, Hole};
use crate::serve::desk::{Desk, STOPS};
use crate::source::Statement;

/// Tactics to be tried at one goal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct TacticsAsk {
    /// A statement (`theorem t (n : Nat) : n + 0 = n`), or a goal as Lean prints it (`n : Nat\n⊢ n + 0 = n`).
    pub goal: String,
    /// What stands before it: imports, definitions, open namespaces.
    #[serde(default)]
    pub header: String,
    /// Tactics that were done already, one line or block each.
    #[serde(default)]
    pub before: Vec<String>,
    /// Each is tried by itself.
    pub tactics: Vec<String>,
    /// Lean's `maxHeartbeats` for each [default: 80000].
    #[serde(default)]
    pub heartbeats: Option<u64>,
}

/// What became of one tactic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tried {
    pub tactic: String,
    /// `accepted`: Lean takes it, and `goals` are left (none: the goal is proved).
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As Lean prints them.
    pub goals: Vec<String>,
}

/// Budget of a tactic where none is named.
const TACTIC_HEARTBEATS: u64 = 80_000;

/// The tactic that every goal allows.
const NOTHING: &str = "skip";

/// Tries tactics at a goal; one answer for each.
///
/// # Errors
/// When there is no Lean, the goal cannot be read, or there was no time for all of them.
pub async fn tactics(desk: &Desk, client: &str, ask: TacticsAsk) -> Result<Vec<Tried>, String> {
    let outfit = desk.outfit().await?;
    let pool = outfit.pool.client(client);
    let (statement, universes) = statement_of(&ask.goal)?;
    let hole = Arc::new(Hole::whole(&statement));
    let heartbeats = ask.heartbeats.unwrap_or(TACTIC_HEARTBEATS).clamp(1, 10_000_000);
    let done: String = ask.before.iter().map(|t| format!("{t}\n")).collect();
    let candidate = |tactic: String| Candidate::new(hole.clone(), tactic, heartbeats);
    // The first does nothing: where it fails, it is the goal that is wrong.
    let tactics = ask.tactics.iter().map(|tactic| candidate(format!("{done}{tactic}")));
    let candidates = std::iter::once(candidate(NOTHING.to_owned())).chain(tactics).collect();
    let header = format!("{}\n{universes}", ask.header.trim_end());
    let batch = Batch { header: header.trim().into(), candidates };
    let verdicts = tokio::select! {
        verdicts = pool.check(batch) => verdicts,
        () = tokio::time::sleep(desk.limits.time) => {
            return Err(format!("not judged within {} seconds: send fewer tactics at a time", desk.limits.time.as_secs_f64()));
        }
        () = desk.closing() => return Err(STOPS.to_owned()),
    };
    let mut verdicts = verdicts.into_iter();
    if let Some(crate::lean::Verdict::Failed(message)) = verdicts.next() {
        return Err(format!("Lean does not understand the goal: {message}"));
    }
    Ok(ask.tactics.into_iter().zip(verdicts).map(|(tactic, verdict)| tried(tactic, verdict)).collect())
}

fn tried(tactic: String, verdict: crate::lean::Verdict) -> Tried {
    use crate::lean::Verdict as Lean;
    let none = Vec::new;
    let (verdict, reason, goals) = match verdict {
        Lean::Way { verdict, .. } => return tried(tactic, *verdict),
        Lean::Closed => (Verdict::Accepted, None, none()),
        Lean::Goals(goals) => (Verdict::Accepted, None, goals.iter().map(Goal::to_string).collect()),
        Lean::Failed(message) => (Verdict::Refused, Some(message), none()),
        Lean::Refused(refusal) => (Verdict::Refused, Some(refusal.to_string()), none()),
        Lean::TimedOut => (Verdict::CouldNotCheck, Some("out of heartbeats: give it more".into()), none()),
        Lean::Hung => (Verdict::CouldNotCheck, Some("Lean made no progress on it and was ended".into()), none()),
        Lean::Crashed(reason) => (Verdict::CouldNotCheck, Some(format!("Lean could not judge it: {reason}")), none()),
    };
    Tried { tactic, verdict, reason, goals }
}

/// A goal as a nameless statement, and the command that declares its universes.
fn statement_of(goal: &str) -> Result<(String, String), String> {
    if !goal.contains('⊢') {
        let statement = Statement::parse(goal.trim()).map_err(|e| format!("neither a statement nor a goal of Lean: {e:#}"))?;
        return Ok((statement.as_example(), statement.universe_command()));
    }
    let goal = Goal::parse(goal.trim()).map_err(|e| e.to_string())?;
    let binders: String = goal
        .hypotheses
        .iter()
        .map(|h| match &h.value {
            Some(_) => Err(format!("`{}` has a value; give the statement and the tactics before it", h.names.join(" "))),
            None => Ok(format!(" ({} : {})", h.names.join(" "), h.ty)),
        })
        .collect::<Result<_, _>>()?;
    if crate::lean::goal::is_inaccessible(&binders) {
        return Err("the goal has names that cannot be written (✝); give the statement and the tactics before it".into());
    }
    Ok((format!("example{binders} : {}", goal.target), String::new()))
}
