//! How a model is asked and how its answer is read: templates, built in by name or in a user's file.
//!
//! A format is data (TOML, or JSON of the same shape); those of the public models stand beside this file. Templates are
//! Jinja's, rendered by minijinja: what is filled in is never read as a template again. [`answer`] finds the Lean in what a
//! model wrote. Depends on `lean` for tokens; knows nothing of servers, networks or searches.

pub mod answer;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use crate::files::read_text;

/// Formats that are built in: their names, and their texts.
const BUILT_IN: &[(&[&str], &str)] = &[
    (&["bfs-prover", "openproof"], include_str!("bfs-prover.toml")),
    (&["reprover"], include_str!("reprover.toml")),
    (&["internlm2-step"], include_str!("internlm2-step.toml")),
    (&["internlm2.5-step"], include_str!("internlm2.5-step.toml")),
    (&["deepseek-v1.5", "stp", "goedel-sft", "leanabell"], include_str!("deepseek-v1.5.toml")),
    (&["deepseek-v1.5-cot"], include_str!("deepseek-v1.5-cot.toml")),
    (&["goedel-v2", "deepseek-v2"], include_str!("goedel-v2.toml")),
    (&["kimina"], include_str!("kimina.toml")),
    (&["chat-tactic"], include_str!("chat-tactic.toml")),
    (&["chat-proof"], include_str!("chat-proof.toml")),
];

/// Names of the formats that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().flat_map(|(names, _)| names.iter().copied())
}

/// Which of a server's two doors is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `/v1/completions`: the prompt is sent as it is.
    Completion,
    /// `/v1/chat/completions`: the server puts messages into the model's own template.
    Chat,
}

/// What a model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writes {
    /// The next step at a goal.
    Tactic,
    /// A whole proof of a theorem.
    Proof,
}

/// How the text of an answer is freed from what stands around the Lean in it; applied in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Everything up to the last of these goes: the end of the model's thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<String>,
    /// The last block of Lean code is taken.
    pub block: bool,
    /// What follows the last of these is taken: the model repeats its prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Left out at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Marks that are left out wherever they stand.
    pub strip: Vec<String>,
    /// The answer ends before the first of these.
    pub until: Vec<String>,
}

/// How answers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    pub temperature: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    pub max_tokens: u32,
    /// Answers to each question.
    pub samples: u32,
}

impl Sampling {
    /// # Errors
    /// Naming the value that makes no sense.
    pub fn validate(&self) -> Result<()> {
        ensure!((0.0..=10.0).contains(&self.temperature), "`temperature` must lie between 0 and 10");
        ensure!(self.top_p.is_none_or(|p| p > 0.0 && p <= 1.0), "`top_p` must be more than 0 and at most 1");
        ensure!((1..=1_000_000).contains(&self.max_tokens), "`max_tokens` must lie between 1 and a million");
        ensure!((1..=256).contains(&self.samples), "`samples` must lie between 1 and 256");
        Ok(())
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Its name; of a file, the file's.
    #[serde(default)]
    pub name: String,
    pub api: Api,
    pub writes: Writes,
    /// The system message of a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The question.
    pub prompt: String,
    /// The next message of a chat after an answer that Lean did not accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
    /// The question for a plan: a proof whose steps are left to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Words that end an answer.
    #[serde(default)]
    pub stop: Vec<String>,
    #[serde(default)]
    pub read: Reading,
    pub sampling: Sampling,
}

/// A theorem as a model sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Theorem {
    pub name: String,
    /// What stands before it: imports, definitions, open namespaces.
    pub header: String,
    /// The statement, with `:= by` at its end.
    pub statement: String,
    /// The statement in words, where it is known.
    pub informal: Option<String>,
}

/// A place in a proof that Lean does not accept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// Line of the proof, from 0, and how many lines are to blame.
    pub line: usize,
    pub lines: usize,
    /// Lean's words.
    pub message: String,
    /// The goal there.
    pub state: String,
}

/// A proof that Lean does not accept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flawed {
    /// What the author answered, word for word.
    pub answer: String,
    pub proof: String,
    pub faults: Vec<Fault>,
}

/// What may be asked, with all that a template may speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question<'a> {
    pub theorem: Option<&'a Theorem>,
    /// The goals, as Lean prints them.
    pub state: &'a str,
    /// The accepted steps that led there.
    pub proof_before: &'a str,
    pub premises: &'a [String],
    /// Earlier answers, oldest first: error rounds.
    pub rounds: &'a [Flawed],
    /// For a plan: facts that are proved, and such that could not be.
    pub proved: &'a [String],
    pub failed: &'a [String],
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    pub role: String,
    pub content: String,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompt {
    Text(String),
    Chat(Vec<Message>),
}

/// Lines shown before the place of an error.
const BEFORE: usize = 4;
/// Errors shown of one proof.
const FAULTS: usize = 8;

impl Format {
    /// A format by its name, or from a file.
    ///
    /// # Errors
    /// When there is none of that name, or the file is none; naming what is wrong.
    pub fn find(name: &str) -> Result<Format> {
        if let Some((names, text)) = BUILT_IN.iter().find(|(names, _)| names.contains(&name)) {
            let format: Format = toml::from_str(text).with_context(|| format!("the built-in format {}", names[0]))?;
            return Ok(Format { name: names[0].to_owned(), ..format });
        }
        let path = Path::new(name);
        if !path.is_file() {
            bail!("there is no format `{name}`: name a file, or one of {}", names().collect::<Vec<_>>().join(", "));
        }
        let text = read_text(path)?;
        let json = path.extension().is_some_and(|e| e == "json");
        let read = if json {
            serde_json::from_str(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str(&text).map_err(Into::into)
        };
        let mut format: Format = read.with_context(|| format!("{} is no format", path.display()))?;
        if format.name.is_empty() {
            format.name = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        }
        format.validate().with_context(|| format!("{} is no format that can be used", path.display()))?;
        Ok(format)
    }

    /// # Errors
    /// When a template does not render, or a value makes no sense.
    pub fn validate(&self) -> Result<()> {
        self.sampling.validate()?;
        ensure!(self.stop.len() <= 4, "more than 4 stop words: servers take no more");
        let theorem = Theorem { name: "t".into(), statement: "theorem t : True := by".into(), ..Theorem::default() };
        let flawed =
            Flawed { answer: "trivial".into(), proof: "trivial".into(), faults: vec![Fault { lines: 1, ..Fault::default() }] };
        let question = Question { theorem: Some(&theorem), state: "⊢ True", ..Question::default() };
        self.prompt(&question).context("`prompt`")?;
        if self.repair.is_some() {
            ensure!(self.api == Api::Chat, "`repair` is a chat's next message; a completion goes on behind what was accepted");
            self.prompt(&Question { rounds: &[flawed], ..question.clone() }).context("`repair`")?;
        }
        self.plan(&question).context("`plan`")?;
        Ok(())
    }

    /// What is sent for a question.
    ///
    /// # Errors
    /// When a template does not render.
    pub fn prompt(&self, question: &Question) -> Result<Prompt> {
        let first = render(&self.prompt, question, 0)?;
        if self.api == Api::Completion {
            return Ok(Prompt::Text(first));
        }
        let mut messages = self.begin(first);
        if let Some(repair) = &self.repair {
            for (round, flawed) in question.rounds.iter().enumerate() {
                messages.push(message("assistant", flawed.answer.clone()));
                messages.push(message("user", render(repair, question, round + 1)?));
            }
        }
        Ok(Prompt::Chat(messages))
    }

    /// What is sent for a plan; `None` when the format has no words for that.
    ///
    /// # Errors
    /// When the template does not render.
    pub fn plan(&self, question: &Question) -> Result<Option<Prompt>> {
        let Some(plan) = &self.plan else { return Ok(None) };
        let text = render(plan, question, 0)?;
        Ok(Some(if self.api == Api::Completion { Prompt::Text(text) } else { Prompt::Chat(self.begin(text)) }))
    }

    fn begin(&self, first: String) -> Vec<Message> {
        let system = self.system.clone().map(|words| message("system", words));
        system.into_iter().chain([message("user", first)]).collect()
    }
}

/// Renders a template for a question; `round` counts error rounds from 1, and 0 is the first question.
///
/// # Errors
/// When the template is none, or speaks of what there is not.
pub fn render(template: &str, question: &Question, round: usize) -> Result<String> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    let nothing = Theorem::default();
    let theorem = question.theorem.unwrap_or(&nothing);
    let flawed = round.checked_sub(1).and_then(|at| question.rounds.get(at));
    let code = flawed.map_or(String::new(), |f| whole(theorem, &f.proof));
    let shift = theorem.statement.lines().count()
        + if theorem.header.trim().is_empty() { 0 } else { theorem.header.trim().lines().count() + 1 };
    let errors: Vec<_> = flawed.iter().flat_map(|f| &f.faults).take(FAULTS).map(|fault| shown(&code, fault, shift)).collect();
    let context = minijinja::context! {
        name => theorem.name,
        header => theorem.header.trim(),
        statement => theorem.statement,
        informal => theorem.informal.as_deref().unwrap_or(""),
        state => question.state,
        proof_before => question.proof_before,
        premises => question.premises,
        proved => question.proved,
        failed => question.failed,
        round => round,
        proof => flawed.map_or("", |f| &f.proof),
        errors => errors,
    };
    environment.render_str(template, context).map_err(|e| anyhow::anyhow!("the template does not render: {e:#}"))
}

/// A theorem with a proof, as a text of its own.
pub fn whole(theorem: &Theorem, proof: &str) -> String {
    let header = theorem.header.trim();
    let gap = if header.is_empty() { "" } else { "\n\n" };
    let mut text = format!("{header}{gap}{}\n", theorem.statement);
    crate::lean::document::indent_into(&mut text, proof, 2);
    text.trim_end().to_owned()
}

#[derive(Serialize)]
struct Shown<'a> {
    message: &'a str,
    state: &'a str,
    /// The lines before the error and those to blame, these between `<error>` and `</error>`.
    marked: String,
    /// The line with two before and two behind it, numbered.
    numbered: String,
    line: usize,
}

fn shown<'a>(code: &str, fault: &'a Fault, shift: usize) -> Shown<'a> {
    let lines: Vec<&str> = code.lines().collect();
    let at = (fault.line + shift).min(lines.len().saturating_sub(1));
    let end = (at + fault.lines.max(1)).min(lines.len());
    let mut marked: Vec<String> = lines[at.saturating_sub(BEFORE)..end].iter().map(|l| (*l).to_owned()).collect();
    if let Some(first) = marked.len().checked_sub(end - at).filter(|_| end > at) {
        let blank = marked[first].len() - marked[first].trim_start().len();
        marked[first].insert_str(blank, "<error>");
        if let Some(last) = marked.last_mut() {
            last.push_str("</error>");
        }
    }
    let numbered = (at.saturating_sub(2)..(at + 3).min(lines.len()))
        .map(|i| format!("{:03}{}| {}", i + 1, if i == at { " >" } else { "  " }, lines[i]))
        .collect::<Vec<_>>();
    Shown {
        message: &fault.message,
        state: &fault.state,
        marked: marked.join("\n"),
        numbered: numbered.join("\n"),
        line: at + 1,
    }
}

fn message(role: &str, content: String) -> Message {
    Message { role: role.to_owned(), content }
}
