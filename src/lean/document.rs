//! A batch of candidates as one Lean document, and Lean's diagnostics as their verdicts.
//!
//! Each candidate is an `example` of its own: anonymous, so that nothing in the document can refer to it (a
//! declaration that fails is admitted and would be found by `exact?`). The word `example` can stand in no term or
//! tactic, so it ends whatever a broken candidate left unfinished.

use std::time::{Duration, Instant};

use super::goal::Goal;
use super::guard;
use super::protocol::LeanDiagnostic;
use super::runaway;
use super::session::Beginning;
use super::suggestion::is_question;
use super::verdict::{Candidate, Verdict};
use super::ways::{telling, told};

/// Longest message kept of a failed candidate, in characters.
const MAX_MESSAGE: usize = 1500;

/// Options for every oracle document, after the user's header: goals printed in full, no noise.
const OPTIONS: &str = "set_option pp.deepTerms true\nset_option pp.maxSteps 50000\nset_option linter.all false\n";

/// A declaration that ends whatever stands unfinished before it.
const SENTINEL: &str = "example : True := trivial\n";

/// The last word: where Lean answers it, all before it was read. A header may end the file, or swallow what follows.
const CANARY: &str = "#check (True.intro : True)\n";
/// What is told of a candidate that Lean passed by in silence.
pub const UNREACHED: &str = "Lean did not reach it: what stands before it ends the file, or leaves a comment or a string open";

/// Where a candidate stands in a document (lines from 0).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    first_line: u32,
    /// First line of the candidate's own text.
    tactic_line: u32,
    /// Last line of the candidate's own text.
    tactic_end: u32,
    last_line: u32,
    /// Where Lean reports what a candidate leaves unsolved: line and column of its bullet, or of the `by`.
    opener: (u32, u32),
    /// The tactic only asks, and Lean lets its goal go where it has no answer.
    asks: bool,
    /// Ways of which Lean tells the last that was tried; 0: it does not.
    ways: usize,
    /// How long Lean may be silent about it; `None`: as long as about anything.
    patience: Option<Duration>,
}

/// Begins the message of a verdict when the text before all candidates is to blame.
pub const BROKEN_HEADER: &str = "the header does not elaborate";

/// A batch compiled to text.
#[derive(Debug)]
pub struct Document {
    pub text: String,
    slots: Vec<Slot>,
    canary_line: u32,
}

/// The verdicts of one document, in order; `None` where the candidate must be tried again.
pub type Verdicts = Vec<Option<Verdict>>;

impl Document {
    /// Compiles candidates that passed the guard.
    pub fn compile(header: &str, candidates: &[&Candidate]) -> Document {
        let mut text = String::from(header.trim_end());
        text.push_str(if text.is_empty() { "" } else { "\n\n" });
        text.push_str(OPTIONS);
        let mut heartbeats = None;
        let mut line = text.lines().count() as u32;
        let mut slots = Vec::new();
        for candidate in candidates {
            let hole = &candidate.hole;
            if heartbeats.replace(candidate.heartbeats) != Some(candidate.heartbeats) {
                // Behind an `example`: an unfinished candidate would take `set_option` for its own.
                let sentinel = if slots.is_empty() { String::new() } else { format!("\n{SENTINEL}") };
                text.push_str(&format!("{sentinel}set_option maxHeartbeats {}\n", candidate.heartbeats));
                line += if slots.is_empty() { 1 } else { 3 };
            }
            text.push('\n');
            line += 1;
            let scope = hole.scoped.then(|| format!("QStarScope{}", slots.len()));
            if let Some(scope) = &scope {
                text.push_str(&format!("namespace {scope}\n"));
                line += 1;
            }
            let first_line = line;
            let start = text.len();
            text.push_str(&hole.before);
            let by = text[start..].find(" := by\n").map_or(0, |at| start + at + 4);
            let opener = match hole.bullet {
                Some((row, column)) => (first_line + row, column),
                None => {
                    let row = text[start..by].matches('\n').count() as u32;
                    let column = text[..by].rsplit('\n').next().unwrap_or("").encode_utf16().count() as u32;
                    (first_line + row, column)
                }
            };
            line += text[start..].matches('\n').count() as u32;
            let tactic_line = line;
            let start = text.len();
            let telling = Some(&candidate.tactic).filter(|_| candidate.tells_way).and_then(|tactic| telling(tactic));
            let (tactic, ways) = telling.as_ref().map_or((&candidate.tactic, 0), |(tactic, ways)| (tactic, *ways));
            indent_into(&mut text, tactic, hole.indent);
            line += text[start..].matches('\n').count() as u32;
            let tactic_end = line - 1;
            text.push_str(&hole.after);
            line += hole.after.matches('\n').count() as u32;
            let last_line = line - 1;
            if let Some(scope) = &scope {
                text.push_str(&format!("end {scope}\n"));
                line += 1;
            }
            let asks = is_question(&candidate.tactic);
            let patience = runaway::patience(candidate);
            slots.push(Slot { first_line, tactic_line, tactic_end, last_line, opener, asks, ways, patience });
        }
        // A last word, so that the last candidate, too, is followed by something that ends it.
        text.push('\n');
        text.push_str(SENTINEL);
        let canary_line = text.matches('\n').count() as u32;
        text.push_str(CANARY);
        Document { text, slots, canary_line }
    }

    /// The lines before the first candidate: imports, the rest of the header, and options.
    pub fn beginning(&self) -> Beginning {
        let header = self.slots.first().map_or(self.canary_line, |s| s.first_line);
        let lines = self.text.lines().take(header as usize);
        let last = lines.enumerate().filter(|(_, line)| line.contains("import ")).last();
        Beginning { imports: last.map_or(0, |(at, _)| at as u32 + 1), header }
    }

    /// How long Lean took for each candidate, by when it came to which line; nothing where it did not say.
    pub fn times(&self, reached: &[(u32, Instant)]) -> Vec<Option<Duration>> {
        let at = |line: u32| reached.iter().find(|(there, _)| *there >= line).map(|(_, when)| *when);
        let time = |slot: &Slot| Some(at(slot.last_line + 1)?.saturating_duration_since(at(slot.first_line)?));
        self.slots.iter().map(time).collect()
    }

    /// How long Lean may be silent at a line; `None`: as long as anywhere.
    pub fn patience(&self, line: u32) -> Option<Duration> {
        self.slots.iter().find(|slot| line <= slot.last_line + 1)?.patience
    }

    /// Maps diagnostics back. Suspect candidates get `None`: those before or at a diagnostic that cannot be theirs
    /// alone. With `stuck_at` (the first line that Lean did not finish) the candidate there counts as hung and
    /// those after it get `None`.
    pub fn verdicts(&self, diagnostics: &[LeanDiagnostic], stuck_at: Option<u32>) -> Verdicts {
        let alone = self.slots.len() == 1;
        let mut found: Verdicts = Vec::with_capacity(self.slots.len());
        let mut broken_header = None;
        if stuck_at.is_some_and(|line| line < self.beginning().header) {
            broken_header = Some("Lean made no progress on it, and was ended".to_owned());
        }
        for d in diagnostics.iter().filter(|d| d.is_error()) {
            if self.slots.first().is_none_or(|s| d.start().line < s.first_line) {
                broken_header = Some(clip(&d.base.message));
            }
        }
        let reached = stuck_at.is_some() || diagnostics.iter().any(|d| d.start().line == self.canary_line);
        for (i, slot) in self.slots.iter().enumerate() {
            if let Some(message) = &broken_header {
                found.push(Some(Verdict::Failed(format!("{BROKEN_HEADER}: {message}"))));
                continue;
            }
            match stuck_at {
                Some(line) if line > slot.last_line + 1 => {}
                Some(line) if line >= slot.first_line || i == 0 => {
                    found.push(Some(Verdict::Hung));
                    continue;
                }
                Some(_) => {
                    found.push(None);
                    continue;
                }
                None if !reached => {
                    found.push(alone.then(|| Verdict::Failed(UNREACHED.into())));
                    continue;
                }
                None => {}
            }
            // An error at the next declaration's first word is this one's unfinished text.
            let next = slot.last_line + 2;
            let errors: Vec<&LeanDiagnostic> = diagnostics
                .iter()
                .filter(|d| d.is_error() && d.start().line >= slot.first_line && d.start().line < next)
                .collect();
            let spill = diagnostics.iter().any(|d| d.is_error() && d.start().line == next && d.start().character == 0);
            let into_me = slot.first_line > 0
                && diagnostics.iter().any(|d| d.is_error() && d.start().line == slot.first_line && d.start().character == 0);
            found.push(if spill && alone {
                Some(Verdict::Failed("the tactic is not finished".into()))
            } else if (spill || into_me) && !alone {
                None
            } else {
                Some(match slot.verdict(&errors) {
                    // Its answers are the message: repairs take them up.
                    Verdict::Closed | Verdict::Goals(_) if slot.asks => slot.answers(diagnostics),
                    verdict @ (Verdict::Closed | Verdict::Goals(_) | Verdict::TimedOut) => match slot.way(diagnostics) {
                        Some(way) => Verdict::Way { way, verdict: Box::new(verdict) },
                        None => verdict,
                    },
                    verdict => verdict,
                })
            });
        }
        found
    }
}

impl Slot {
    fn messages<'a>(&self, diagnostics: &'a [LeanDiagnostic]) -> impl Iterator<Item = &'a str> {
        let lines = self.tactic_line..=self.tactic_end;
        diagnostics.iter().filter(move |d| lines.contains(&d.start().line)).map(|d| d.base.message.as_str())
    }

    /// The last of its ways that was tried, if Lean was asked.
    fn way(&self, diagnostics: &[LeanDiagnostic]) -> Option<usize> {
        self.messages(diagnostics).filter_map(told).filter(|way| *way < self.ways).max()
    }

    fn answers(&self, diagnostics: &[LeanDiagnostic]) -> Verdict {
        let words = self.messages(diagnostics).filter(|m| m.contains("Try th"));
        let words: String = words.collect::<Vec<_>>().join("\n");
        Verdict::Failed(clip(if words.is_empty() { "a question proves nothing" } else { &words }))
    }

    fn verdict(&self, errors: &[&LeanDiagnostic]) -> Verdict {
        let mine = |d: &LeanDiagnostic| (self.tactic_line..=self.tactic_end).contains(&d.start().line);
        let left = |d: &LeanDiagnostic| d.is_unsolved_goals() && (d.start().line, d.start().character) == self.opener;
        let (unsolved, other): (Vec<&LeanDiagnostic>, Vec<&LeanDiagnostic>) = errors.iter().partition(|d| left(d));
        // What an inner proof left is told before the budget that ran out behind it.
        if other.iter().any(|d| ran_out(&d.base.message)) {
            return Verdict::TimedOut;
        }
        // The candidate's own error first; one before it means that statement or path do not hold.
        if let Some(d) = other.iter().find(|d| mine(d)).or(other.first()) {
            return Verdict::Failed(clip(&d.base.message));
        }
        match unsolved.first() {
            None => Verdict::Closed,
            Some(d) => {
                let goals = d.base.message.strip_prefix("unsolved goals\n").unwrap_or(&d.base.message);
                Goal::parse_all(goals).map_or_else(|e| Verdict::Failed(clip(&e.to_string())), Verdict::Goals)
            }
        }
    }
}

fn ran_out(message: &str) -> bool {
    message.contains("maximum number of heartbeats") || message.contains("(deterministic) timeout")
}

fn clip(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// Writes a tactic block at an indentation, its own relative layout kept.
pub fn indent_into(text: &mut String, tactic: &str, indent: usize) {
    let base = tactic.lines().next().map_or(0, |l| l.len() - l.trim_start_matches(' ').len());
    for line in tactic.lines() {
        let line = line.get(base..).unwrap_or("").trim_end();
        if !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(line);
        }
        text.push('\n');
    }
}

/// Lets a candidate through to Lean, or says why not.
///
/// # Errors
/// The guard's refusal.
pub fn admit(candidate: &Candidate) -> Result<(), guard::Refusal> {
    guard::check(&candidate.tactic)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lean::Hole;

    #[test]
    fn a_batch_becomes_one_document() {
        let whole = Arc::new(Hole::whole("example : p"));
        let inner = Arc::new(Hole {
            before: "example : q ∧ r := by\n  constructor\n  ·\n".into(),
            after: "  · sorry\n".into(),
            indent: 4,
            bullet: Some((2, 2)),
            scoped: false,
        });
        let candidates = [
            Candidate::new(whole, "intro x\nexact x".into(), 8000),
            Candidate::new(inner.clone(), "simp".into(), 8000),
            Candidate::new(inner, "grind".into(), 80_000),
        ];
        let document = Document::compile("open Nat\n", &candidates.iter().collect::<Vec<_>>());
        insta::assert_snapshot!(document.text, @r"
        open Nat

        set_option pp.deepTerms true
        set_option pp.maxSteps 50000
        set_option linter.all false
        set_option maxHeartbeats 8000

        example : p := by
          intro x
          exact x

        example : q ∧ r := by
          constructor
          ·
            simp
          · sorry

        example : True := trivial
        set_option maxHeartbeats 80000

        example : q ∧ r := by
          constructor
          ·
            grind
          · sorry

        example : True := trivial
        #check (True.intro : True)
        ");
        let place = |needle: &str| document.text.lines().position(|l| l == needle).unwrap() as u32;
        assert_eq!(document.slots[0].tactic_line, place("  intro x"));
        assert_eq!(document.slots[1].tactic_line, place("    simp"));
        assert_eq!(document.slots[2].opener, (place("    grind") - 1, 2));
    }

    #[test]
    fn a_budget_that_ran_out_is_told_before_an_inner_proof_that_is_not_whole() {
        let error = |column: u32, message: &str| {
            let at = lsp_types::Position::new(1, column);
            let base = lsp_types::Diagnostic::new_simple(lsp_types::Range::new(at, at), message.to_owned());
            LeanDiagnostic { base, lean_tags: Vec::new(), full_range: None, is_silent: None }
        };
        let slot = Slot {
            first_line: 0,
            tactic_line: 1,
            tactic_end: 1,
            last_line: 1,
            opener: (0, 12),
            asks: false,
            ways: 0,
            patience: None,
        };
        let inner = error(30, "unsolved goals\n⊢ p");
        let out = error(60, "(deterministic) timeout at `whnf`, maximum number of heartbeats (8000) has been reached");
        assert_eq!(slot.verdict(&[&inner, &out]), Verdict::TimedOut);
        assert_eq!(slot.verdict(&[&inner]), Verdict::Failed("unsolved goals\n⊢ p".to_owned()));
    }
}
