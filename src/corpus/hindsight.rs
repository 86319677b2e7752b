//! Hindsight: goals that were proved inside of searches, posed as theorems (cf. Minimo, Poesia et al. 2024,
//! arXiv 2407.00695): what a search found on its way to nothing is a step for the next.
//!
//! A printed goal need not read back as the goal it was; Lean decides when it is searched. Depends on `search::Event`, on
//! goals and on `source`; knows nothing of records' files or of servers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::export::Split;
use crate::lean::Goal;
use crate::search::{Event, GoalId, StepId};
use crate::source::{Statement, hex};

/// A goal as a theorem: a row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub name: String,
    pub header: String,
    pub formal_statement: String,
    /// The theorem in whose search it was proved.
    pub from: String,
    /// That theorem's: what is held out stays so.
    pub split: Split,
}

/// Stands for the name until the statement's key gives one.
const PLACEHOLDER: &str = "goal_";

/// The goals of a search that were proved by more than one step, below the theorem's own.
pub fn goals(events: &[Event], header: &str) -> Vec<Row> {
    let Some(Event::Begin { theorem, statement, .. }) = events.first() else { return Vec::new() };
    let Ok(own) = Statement::parse(statement.trim()) else { return Vec::new() };
    let split = Split::of(&own.key());
    let mut states: HashMap<GoalId, (&str, bool)> = HashMap::new();
    let mut left: HashMap<StepId, usize> = HashMap::new();
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    for event in events {
        match event {
            Event::Goal { goal, state, from, .. } => drop(states.insert(*goal, (state, from.is_none()))),
            Event::Tried { step: Some(step), left: goals, .. } => drop(left.insert(*step, goals.len())),
            Event::Proved { goal, step } => {
                let hard = left.get(step).is_some_and(|n| *n > 0);
                let Some((state, false)) = states.get(goal).filter(|_| hard) else { continue };
                let Some((key, statement)) = pose(state).filter(|(key, _)| *key != own.key() && seen.insert(*key)) else {
                    continue;
                };
                let name = format!("goal_{}", hex(&key[..6]));
                let text = statement.text.replacen(PLACEHOLDER, &name, 1);
                let formal_statement = format!("{text} := by");
                rows.push(Row { name, header: header.to_owned(), formal_statement, from: theorem.clone(), split });
            }
            _ => {}
        }
    }
    rows
}

/// A state of one goal as a statement; `None` for what cannot be written as one.
fn pose(state: &str) -> Option<([u8; 32], Statement)> {
    static HIDDEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"([\p{L}_][\p{L}\p{N}_']*)✝([⁰¹²³⁴-⁹]*)").expect("fixed"));
    static UNIVERSE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:Type|Sort) ([a-z]\w*)").expect("fixed"));
    // Names that cannot be written get ones that can, each its own.
    let readable = HIDDEN.replace_all(state, |found: &regex::Captures| {
        let digits = found[2].chars().filter_map(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|d| d == c));
        format!("{}_{}", &found[1], digits.map(|d| d.to_string()).collect::<String>())
    });
    let goal = Goal::parse_all(&readable).ok().filter(|goals| goals.len() == 1)?.pop()?;
    // Unknowns are no theorem, and values of `let`s are no binders.
    if !goal.metavariables().iter().all(|m| goal.case.as_deref().is_some_and(|case| m[1..] == *case))
        || goal.hypotheses.iter().any(|h| h.value.is_some())
    {
        return None;
    }
    let binder = |h: &crate::lean::goal::Hypothesis| {
        let (names, ty) = (h.names.join(" "), h.ty.split_whitespace().collect::<Vec<_>>().join(" "));
        if names.starts_with("inst") { format!("[{names} : {ty}]") } else { format!("({names} : {ty})") }
    };
    let binders: Vec<String> = goal.hypotheses.iter().map(binder).collect();
    let target = goal.target.split_whitespace().collect::<Vec<_>>().join(" ");
    let universes: BTreeSet<&str> = UNIVERSE.captures_iter(&readable).filter_map(|c| Some(c.get(1)?.as_str())).collect();
    let universes = universes.into_iter().collect::<Vec<_>>().join(", ");
    let universes = if universes.is_empty() { String::new() } else { format!(".{{{universes}}}") };
    let between = if binders.is_empty() { "" } else { " " };
    let statement =
        Statement::parse(&format!("theorem {PLACEHOLDER}{universes} {}{between}: {target}", binders.join(" "))).ok()?;
    Some((statement.key(), statement))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;
    use crate::search::VerdictKind;

    #[test]
    fn goals_that_took_steps_become_theorems() {
        let goal = |n: u32, state: &str, from: Option<u32>| Event::Goal {
            goal: n.into(),
            state: state.into(),
            depth: 0,
            log_prior: 0.0,
            value: 0.5,
            why: String::new(),
            from: from.map(StepId::from),
        };
        let tried = |n: u32, step: u32, left: &[u32]| Event::Tried {
            goal: n.into(),
            tactic: "x".into(),
            one_of: None,
            log_prior: 0.0,
            by: Source::Portfolio,
            heartbeats: 1,
            verdict: VerdictKind::Goals,
            message: None,
            step: Some(step.into()),
            left: left.iter().map(|&g| g.into()).collect(),
        };
        let proved = |n: u32, step: u32| Event::Proved { goal: n.into(), step: step.into() };
        let statement = "theorem t (p : Prop) : p".to_owned();
        let begin = Event::Begin { theorem: "t".into(), statement, toolchain: String::new(), run: String::new() };
        let inner = "case succ\nα : Type u_1\ninst✝¹ : BEq α\nn✝ : Nat\nh : n✝ < 3 ∧\n    n✝ ≠ 1\n⊢ n✝ ≤ 2";
        let events = [
            begin,
            goal(0, "p : Prop\n⊢ p", None),
            tried(0, 1, &[2, 3, 4]),
            goal(2, inner, Some(1)),
            goal(3, "⊢ 1 = 1", Some(1)),
            goal(4, "⊢ 1 = ?x", Some(1)),
            tried(2, 5, &[3]),
            tried(3, 6, &[]),
            tried(4, 7, &[3]),
            proved(3, 6),
            proved(2, 5),
            proved(4, 7),
            proved(0, 1),
        ];
        let rows = goals(&events, "import Init");
        let [row] = &rows[..] else { panic!("{rows:?}") };
        let signature = ".{u_1} (α : Type u_1) [inst_1 : BEq α] (n_ : Nat) (h : n_ < 3 ∧ n_ ≠ 1) : n_ ≤ 2 := by";
        assert!(row.formal_statement.ends_with(signature), "{}", row.formal_statement);
        assert_eq!((row.from.as_str(), row.header.as_str()), ("t", "import Init"));
    }
}
