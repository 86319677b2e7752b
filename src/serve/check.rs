//! Whole snippets, judged by warm workers: what Lean says of each, and whether that is all it had to say.
//!
//! Equal snippets are judged once: who asks while one is being judged waits for the same answer. Depends on `lean` only.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use lru::LruCache;
use lsp_types::DiagnosticSeverity;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::snippet::{Position, Text};
use crate::lean::protocol::LeanDiagnostic;
use crate::lean::syntax::{Kind, tokens};
use crate::lean::{Pool, Reading, Snippet};

/// Answers kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
/// Answers with more text than this are not kept, and not given in full.
const LONGEST: usize = 256 << 10;
/// Messages of one answer.
const MOST: usize = 1000;
/// `sorry`s whose goals are asked for.
const SORRIES: usize = 64;

/// One message of Lean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Message {
    pub severity: Severity,
    pub pos: Position,
    #[serde(rename = "endPos")]
    pub end_pos: Position,
    pub data: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Info,
}

/// A `sorry`, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sorry {
    pub pos: Position,
    #[serde(rename = "endPos")]
    pub end_pos: Position,
    pub goal: String,
}

/// How far Lean came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Whole,
    /// Time was up while this line was being elaborated; what is said is a part.
    TimedOut {
        limit: Duration,
        line: usize,
    },
    /// Lean died on it, again and again.
    Failed(String),
}

/// What became of a snippet.
#[derive(Debug, Clone)]
pub struct Checked {
    pub end: End,
    pub messages: Vec<Message>,
    pub sorries: Vec<Sorry>,
    /// Goals at the places that were asked for.
    pub goals: Vec<Option<Vec<String>>>,
    pub seconds: f64,
    /// Bytes that the worker held.
    pub memory: u64,
}

impl Checked {
    pub fn has_errors(&self) -> bool {
        self.messages.iter().any(|m| m.severity == Severity::Error)
    }

    /// Nothing is known of it.
    pub fn failed(reason: String) -> Checked {
        let (messages, sorries, goals) = (Vec::new(), Vec::new(), Vec::new());
        Checked { end: End::Failed(reason), messages, sorries, goals, seconds: 0.0, memory: 0 }
    }
}

type Key = [u8; 32];
type Flight = Shared<BoxFuture<'static, Arc<Checked>>>;

/// Judges snippets.
pub struct Checker {
    kept: Mutex<LruCache<Key, Arc<Checked>>>,
    flights: Mutex<HashMap<Key, WeakShared<BoxFuture<'static, Arc<Checked>>>>>,
}

/// A snippet and how it is to be judged.
pub struct Question<'a> {
    pub code: &'a str,
    pub time: Duration,
    /// Places whose goals are wanted.
    pub places: Vec<Position>,
    /// Nothing that was judged before may answer.
    pub fresh: bool,
}

impl<'a> Question<'a> {
    pub fn new(code: &'a str, time: Duration) -> Question<'a> {
        Question { code, time, places: Vec::new(), fresh: false }
    }

    fn key(&self, time: Option<Duration>) -> Key {
        let mut hash = Sha256::new().chain_update(format!("{:?} {time:?}\0", self.places));
        hash.update(self.code);
        hash.finalize().into()
    }
}

impl Default for Checker {
    fn default() -> Checker {
        Checker { kept: Mutex::new(LruCache::new(KEPT)), flights: Mutex::default() }
    }
}

impl Checker {
    /// Judges a snippet on the workers of `pool`, or answers as before. Dropping the future gives the answer up, and the
    /// work with it when nobody else waits.
    pub async fn check(&self, pool: &Arc<Pool>, question: Question<'_>) -> Arc<Checked> {
        let (whole, flight) = (question.key(None), question.key(Some(question.time)));
        if question.fresh {
            return judge(pool.clone(), Text::new(question.code), question.time, question.places).await;
        }
        if let Some(known) = held(&self.kept).get(&whole) {
            return known.clone();
        }
        let known = held(&self.flights).get(&flight).and_then(WeakShared::upgrade);
        let work: Flight = known.unwrap_or_else(|| {
            let text = Text::new(question.code);
            let work = judge(pool.clone(), text, question.time, question.places).boxed().shared();
            let mut flights = held(&self.flights);
            flights.retain(|_, f| f.upgrade().is_some());
            if let Some(weak) = work.downgrade() {
                flights.insert(flight, weak);
            }
            work
        });
        let checked = work.await;
        held(&self.flights).remove(&flight);
        let size: usize = checked.messages.iter().map(|m| m.data.len()).sum();
        // What depended on the clock or on luck is asked anew.
        if checked.end == End::Whole && size < LONGEST {
            held(&self.kept).put(whole, checked.clone());
        }
        checked
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn judge(pool: Arc<Pool>, text: Text, time: Duration, places: Vec<Position>) -> Arc<Checked> {
    let holes = holes(&text.document);
    let wanted = places.iter().map(|&p| text.place(p));
    let asked = wanted.clone().flatten();
    let places = holes.iter().map(|h| h.0).chain(asked).collect();
    let snippet = Snippet { imports: text.imports.clone(), text: text.document.as_str().into(), time, places };
    let reading = match pool.read(snippet).await {
        Ok(reading) => reading,
        Err(reason) => return Arc::new(Checked::failed(reason)),
    };
    let mut goals = reading.goals.iter();
    let mut sorries: Vec<Sorry> = Vec::new();
    for (&(start, length), goal) in holes.iter().zip(goals.by_ref()) {
        if let Some(goal) = goal.as_ref().and_then(|g| g.first()) {
            let pos = text.original(start.0, start.1);
            let end_pos = Position { column: pos.column + length, ..pos };
            sorries.push(Sorry { pos, end_pos, goal: goal.clone() });
        }
    }
    let goals = wanted.map(|place| place.and_then(|_| goals.next().cloned().flatten())).collect();
    let messages = messages(&text, &reading);
    // One that no word stands for, as that of `apply?`.
    let hidden = messages.iter().filter(|m| m.severity == Severity::Warning && says_sorry(&m.data));
    let hidden: Vec<Sorry> = hidden.map(|m| Sorry { pos: m.pos, end_pos: m.end_pos, goal: String::new() }).collect();
    if sorries.is_empty() {
        sorries = hidden;
    }
    let end = match reading.stuck_at {
        None => End::Whole,
        Some(line) => End::TimedOut { limit: time, line: text.original(line, 0).line },
    };
    let (seconds, memory) = (reading.time.as_secs_f64(), reading.memory);
    Arc::new(Checked { end, messages, sorries, goals, seconds, memory })
}

/// Lean's warning that a declaration rests on `sorry`.
fn says_sorry(data: &str) -> bool {
    data.starts_with("declaration uses") && data.contains("sorry")
}

/// The words of a document that leave a goal open: line and UTF-16 column, and length.
fn holes(document: &str) -> Vec<((u32, u32), usize)> {
    let tokens = tokens(document).unwrap_or_default();
    let words = tokens.iter().filter(|t| t.kind == Kind::Name && ["sorry", "admit"].contains(&t.text));
    words
        .take(SORRIES)
        .map(|t| {
            let before = &document[..t.start];
            let line = before.matches('\n').count();
            let character = before.rsplit('\n').next().unwrap_or("").encode_utf16().count();
            ((line as u32, character as u32), t.text.len())
        })
        .collect()
}

/// Lean's messages in the order of their places, silent ones left out, not longer in all than an answer may be.
fn messages(text: &Text, reading: &Reading) -> Vec<Message> {
    let shown = |d: &&LeanDiagnostic| d.is_silent != Some(true) && !d.lean_tags.contains(&2);
    let mut left = LONGEST;
    let mut messages: Vec<Message> = reading
        .diagnostics
        .iter()
        .filter(shown)
        .take(MOST)
        .map(|d| {
            let range = d.full_range.unwrap_or(d.base.range);
            let severity = match d.base.severity {
                None | Some(DiagnosticSeverity::ERROR) => Severity::Error,
                Some(DiagnosticSeverity::WARNING) => Severity::Warning,
                Some(_) => Severity::Info,
            };
            let data = if d.base.message.len() <= left {
                d.base.message.clone()
            } else {
                let cut = (0..=left).rev().find(|&i| d.base.message.is_char_boundary(i)).unwrap_or(0);
                format!("{}… (cut)", &d.base.message[..cut])
            };
            left = left.saturating_sub(data.len());
            let pos = text.original(range.start.line, range.start.character);
            let end_pos = text.original(range.end.line, range.end.character);
            Message { severity, pos, end_pos, data }
        })
        .collect();
    messages.sort_by_key(|m| m.pos);
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_words_not_letters() {
        let document = "/-! -/\ntheorem t : 𝔸 ∧ p := ⟨sorry, by\n  admit⟩ -- sorry\n#eval \"sorry\"";
        assert_eq!(holes(document), [((1, 23), 5), ((2, 2), 5)]);
    }
}
