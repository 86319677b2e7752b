//! What records teach a language model, in the shapes that TRL and most trainers take: a chat as `messages`, a completion as
//! `prompt` and `completion`, a line each, in the words of a format.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::examples::{Examples, PolicyExample, Split, gather};
use super::table::Lines;
use crate::formats::{Format, Message, Prompt, Question, Theorem, Writes, whole};
use crate::record;
use crate::search::Event;
use crate::source::hex;

/// Weight of a step that is part of a proof.
const PROVES: f32 = 1.0;

/// Writes the lines of all records, one set of files for each format; the number of lines by file and split.
///
/// # Errors
/// When nothing is found, a dataset cannot be read, or a file cannot be written.
pub fn write(
    records: &[PathBuf],
    exclude: &[PathBuf],
    out: &Path,
    formats: &[Format],
) -> Result<BTreeMap<String, BTreeMap<Split, usize>>> {
    let files = record::files(records)?;
    let excluded = super::excluded(exclude)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let mut all: Vec<(String, &Format, Lines, HashSet<String>)> = Vec::new();
    for format in formats {
        let name = format!("dialogues.{}", format.name);
        let lines = Lines::begin(out, &name)?;
        all.push((name, format, lines, HashSet::new()));
    }
    for file in files {
        let events = record::read(&file)?;
        let Some(search) = Search::of(&events).filter(|search| !excluded.contains(&search.examples.key)) else { continue };
        let split = Split::of(&search.examples.key);
        for (_, format, lines, seen) in &mut all {
            for line in search.lines(format)? {
                if seen.insert(hex(&Sha256::digest(line.to_string())[..12])) {
                    lines.put(split, &line)?;
                }
            }
        }
    }
    all.into_iter().map(|(name, _, lines, _)| Ok((name, lines.finish()?))).collect()
}

/// What is taken of one search's records.
struct Search {
    theorem: Theorem,
    proof: Option<String>,
    examples: Examples,
}

impl Search {
    fn of(events: &[Event]) -> Option<Search> {
        let Some(Event::Begin { theorem, statement, .. }) = events.first() else { return None };
        let proof = events.iter().find_map(|event| if let Event::End { proof, .. } = event { proof.clone() } else { None });
        let statement = format!("{statement} := by");
        let theorem = Theorem { name: theorem.clone(), header: String::new(), statement, informal: None };
        Some(Search { theorem, proof, examples: gather(events) })
    }

    /// Of a format for tactics a line for each step of a proof, of one for proofs the theorem's own.
    fn lines(&self, format: &Format) -> Result<Vec<Value>> {
        let question = Question { theorem: Some(&self.theorem), ..Question::default() };
        match format.writes {
            Writes::Tactic => {
                let proving = self.examples.policy.iter().filter(|example| example.weight >= PROVES);
                let line = |example: &PolicyExample| {
                    dialogue(format, &Question { state: &example.goal, ..question.clone() }, &written(format, &example.tactic))
                };
                proving.map(line).collect()
            }
            Writes::Proof => {
                let Some(proof) = &self.proof else { return Ok(Vec::new()) };
                let text = whole(&self.theorem, proof);
                let answer = if format.read.block {
                    format!("```lean4\n{text}\n```")
                } else {
                    // A completion goes on behind the statement.
                    format!(
                        "{}\n```",
                        text.strip_prefix(self.theorem.statement.as_str()).unwrap_or(&text).trim_start_matches('\n')
                    )
                };
                Ok(vec![dialogue(format, &question, &answer)?])
            }
        }
    }
}

/// A question and its answer.
fn dialogue(format: &Format, question: &Question, answer: &str) -> Result<Value> {
    Ok(match format.prompt(question)? {
        Prompt::Text(prompt) => json!({"prompt": prompt, "completion": answer}),
        Prompt::Chat(mut messages) => {
            messages.push(Message { role: "assistant".to_owned(), content: answer.to_owned() });
            json!({"messages": messages})
        }
    })
}

/// A tactic with what the format's reading leaves out.
fn written(format: &Format, tactic: &str) -> String {
    let prefix = format.read.prefix.as_deref().unwrap_or("");
    if format.read.block { format!("```lean4\n{tactic}\n```") } else { format!("{prefix}{tactic}") }
}
