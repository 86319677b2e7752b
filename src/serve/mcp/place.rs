//! What a call speaks of: a file below a root, or a text; and a place in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::serve::check::{Checked, End, Severity};
use crate::serve::desk::Desk;
use crate::serve::snippet::Position;
use crate::serve::work::Verdict;

/// One message of Lean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// What Lean says of a text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Diagnosed {
    /// `accepted`: no error and no `sorry`. `refused`: there are some. `could_not_check`: time was up, or Lean failed; the
    /// messages are a part then, and their absence means nothing.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub diagnostics: Vec<Diagnostic>,
    /// Each `sorry` and the goal that it leaves open.
    pub sorries: Vec<OpenGoal>,
    pub seconds: f64,
    /// Time was up: that is why nothing is known.
    #[serde(skip)]
    pub timed_out: bool,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OpenGoal {
    pub line: usize,
    pub column: usize,
    pub goal: String,
}

/// The text of a file that a client may see.
///
/// # Errors
/// Saying why not.
pub async fn read(desk: &Desk, file: &str) -> Result<String, String> {
    let path = desk.roots.file(file).map_err(|e| e.to_string())?;
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await.map_err(|e| e.to_string())?;
    read.map_err(|e| format!("cannot read {file}: {e}"))
}

/// A text given as such or by its file.
///
/// # Errors
/// When neither or both are given, or the file may not be read.
pub async fn text(desk: &Desk, code: Option<String>, file: Option<&str>) -> Result<String, String> {
    match (code, file) {
        (Some(code), None) => Ok(code),
        (None, Some(file)) => read(desk, file).await,
        _ => Err("give `code` or `file`, one of them".to_owned()),
    }
}

/// Whether it was accepted, and why not.
pub fn verdict(checked: &Checked) -> (Verdict, Option<String>) {
    match &checked.end {
        End::TimedOut { limit, line } => {
            let seconds = limit.as_secs_f64();
            (Verdict::CouldNotCheck, Some(format!("Lean timed out in {seconds} seconds, at line {line}; give it more time")))
        }
        End::Failed(reason) => (Verdict::CouldNotCheck, Some(format!("Lean failed: {reason}"))),
        End::Whole => match checked.messages.iter().find(|m| m.severity == Severity::Error) {
            Some(m) => (Verdict::Refused, Some(format!("line {}: {}", m.pos.line, first_line(&m.data)))),
            None if checked.sorries.is_empty() => (Verdict::Accepted, None),
            None => {
                let lines: Vec<String> = checked.sorries.iter().map(|s| s.pos.line.to_string()).collect();
                (Verdict::Refused, Some(format!("no errors, but it rests on `sorry` (line {})", lines.join(", "))))
            }
        },
    }
}

pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// An answer as agents read it.
pub fn diagnosed(checked: &Checked) -> Diagnosed {
    let (verdict, reason) = verdict(checked);
    let sorries = checked.sorries.iter().map(|s| OpenGoal { line: s.pos.line, column: s.pos.column + 1, goal: s.goal.clone() });
    let timed_out = matches!(checked.end, End::TimedOut { .. });
    let (diagnostics, sorries) = (diagnostics(checked), sorries.collect());
    Diagnosed { verdict, reason, diagnostics, sorries, seconds: checked.seconds, timed_out }
}

/// Messages as agents read them.
pub fn diagnostics(checked: &Checked) -> Vec<Diagnostic> {
    let one = |m: &crate::serve::check::Message| Diagnostic {
        severity: m.severity,
        message: m.data.clone(),
        line: m.pos.line,
        column: m.pos.column + 1,
        end_line: m.end_pos.line,
        end_column: m.end_pos.column + 1,
    };
    checked.messages.iter().map(one).collect()
}

/// A line of a text (from 1), where its text begins and where it ends.
///
/// # Errors
/// When the text has no such line.
pub fn line_of(text: &str, line: usize) -> Result<(&str, Position, Position), String> {
    let count = text.lines().count();
    let found = line.checked_sub(1).and_then(|l| text.lines().nth(l));
    let found = found.ok_or_else(|| format!("line {line} is not there: the text has {count}"))?;
    let start = found.chars().take_while(|c| c.is_whitespace()).count();
    let start = if start == found.chars().count() { 0 } else { start };
    Ok((found, Position { line, column: start }, Position { line, column: found.trim_end().chars().count() }))
}

/// A text in which a tactic stands in the place of what is at a line from a column on, and the place behind the tactic. A
/// tactic of several lines takes the place of as many.
pub fn with_tactic(text: &str, line: usize, column: usize, tactic: &str) -> (String, Position, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let head: String = lines[line - 1].chars().take(column).collect();
    let indent: String = head.chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect();
    let tactic = tactic.trim_end();
    let mut put: Vec<String> =
        tactic.lines().enumerate().map(|(i, t)| format!("{}{t}", if i == 0 { &head } else { &indent })).collect();
    if put.is_empty() {
        put.push(head);
    }
    let last = line + put.len() - 1;
    let end = Position { line: last, column: put[put.len() - 1].chars().count() };
    let rest = lines.iter().skip(last).map(|l| (*l).to_owned());
    let whole: Vec<String> = lines[..line - 1].iter().map(|l| (*l).to_owned()).chain(put).chain(rest).collect();
    (whole.join("\n") + "\n", end, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tactic_takes_the_place_of_its_line() {
        let text = "theorem t : p := by\n  · simp\n    done\n  rfl\n";
        let (one, end, last) = with_tactic(text, 2, 4, "omega");
        assert_eq!(
            (one.as_str(), end, last),
            ("theorem t : p := by\n  · omega\n    done\n  rfl\n", Position { line: 2, column: 9 }, 2)
        );
        let (two, end, last) = with_tactic(text, 2, 4, "intro x\nomega\n");
        assert_eq!(
            (two.as_str(), end, last),
            ("theorem t : p := by\n  · intro x\n    omega\n  rfl\n", Position { line: 3, column: 9 }, 3)
        );
    }
}
