//! A folder of networks, in the layout of Hugging Face's ONNX exports: what is in it, read and checked before it is run.
//!
//! ```text
//! config.json              sizes of the policy
//! generation_config.json   tokens that end a tactic (else config.json says it)
//! tokenizer.json           text to tokens and back
//! model.onnx               a decoder with past_key_values (or decoder_model_merged.onnx); or, encoder and decoder:
//! encoder_model.onnx, decoder_model.onnx, decoder_with_past_model.onnx
//! value.onnx               optional: scores goals by their features (see [`super::goals`])
//! qstar.json               optional: how a goal is asked, `{"format": "NAME"}` or `{"prompt": "…{{ state }}…"}`
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use crate::files::read_text;
use crate::formats::{Api, Format, Question, Reading, Writes, answer, render};
use crate::lean::Goal;
use crate::source::hex;

/// Where a goal goes in a prompt, in short and in the words of a format.
const GOAL: &str = "{goal}";
const STATE: &str = "{{ state }}";

/// How the policy's files are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    Decoder { model: PathBuf },
    EncoderDecoder { encoder: PathBuf, first: PathBuf, next: PathBuf },
}

/// See the module.
pub struct Folder {
    pub path: PathBuf,
    pub layout: Layout,
    pub value: Option<PathBuf>,
    /// Tokens of a prompt and its tactic together, at most.
    pub context: usize,
    /// Tokens that end a tactic.
    pub ends: Vec<u32>,
    /// The token a decoder behind an encoder starts from.
    pub start: u32,
    tokenizer: Tokenizer,
    /// A template that speaks of `state`.
    prompt: String,
    /// How what it writes is read.
    reading: Reading,
    /// The tokenizer adds its own special tokens (only where no prompt says what stands around a goal).
    special: bool,
}

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(alias = "n_positions", alias = "n_ctx", alias = "seq_length")]
    max_position_embeddings: Option<usize>,
    eos_token_id: Option<Ends>,
    decoder_start_token_id: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Generation {
    eos_token_id: Option<Ends>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Ends {
    One(u32),
    Some(Vec<u32>),
}

#[derive(Debug, Deserialize)]
struct Own {
    prompt: Option<String>,
    /// A format of a model that writes tactics.
    format: Option<String>,
}

impl Own {
    /// The template and how answers are read.
    fn asked(self, file: &Path) -> Result<(String, Reading)> {
        let place = || file.display().to_string();
        match (self.prompt, self.format) {
            (Some(prompt), None) => {
                ensure!(prompt.contains(GOAL) || prompt.contains("state"), "{}: `prompt` has no {GOAL}", place());
                let prompt = if prompt.contains(GOAL) { literal(&prompt) } else { prompt };
                Ok((prompt, Reading::default()))
            }
            (None, Some(name)) => {
                let format = Format::find(&name).with_context(place)?;
                let fits = format.api == Api::Completion && format.writes == Writes::Tactic;
                ensure!(fits, "{}: the format {name} is not of a completion that writes tactics", place());
                Ok((format.prompt, format.read))
            }
            _ => bail!("{}: it needs `prompt` or `format`, and not both", place()),
        }
    }
}

/// A prompt in which only `{goal}` means something, as a template.
fn literal(prompt: &str) -> String {
    let parts: Vec<String> = prompt
        .split(GOAL)
        .map(|text| if text.contains('{') { format!("{{% raw %}}{text}{{% endraw %}}") } else { text.to_owned() })
        .collect();
    parts.join(STATE)
}

/// A goal as tokens, and how many of its oldest hypotheses did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub ids: Vec<u32>,
    pub cut: usize,
}

impl Folder {
    /// Reads and checks a folder.
    ///
    /// # Errors
    /// Naming the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Folder> {
        ensure!(path.is_dir(), "there is no folder of networks at {}", path.display());
        let file = |name: &str| path.join(name);
        let present = |name: &str| Some(file(name)).filter(|f| f.is_file());
        let layout = if let Some(model) = present("model.onnx").or_else(|| present("decoder_model_merged.onnx")) {
            Layout::Decoder { model }
        } else if let Some(encoder) = present("encoder_model.onnx") {
            let need = |name: &str| {
                present(name).with_context(|| format!("{} is missing beside encoder_model.onnx", file(name).display()))
            };
            Layout::EncoderDecoder { encoder, first: need("decoder_model.onnx")?, next: need("decoder_with_past_model.onnx")? }
        } else {
            bail!("{} has no model.onnx (nor decoder_model_merged.onnx, nor encoder_model.onnx)", path.display());
        };
        let config: Config = read(&file("config.json"))?;
        let generation: Option<Generation> = present("generation_config.json").map(|f| read(&f)).transpose()?;
        let ends = match generation.and_then(|g| g.eos_token_id).or(config.eos_token_id) {
            Some(Ends::One(id)) => vec![id],
            Some(Ends::Some(ids)) if !ids.is_empty() => ids,
            _ => bail!("{} does not say what ends a text (`eos_token_id`)", file("config.json").display()),
        };
        let own: Option<Own> = present("qstar.json").map(|f| read(&f)).transpose()?;
        let special = own.is_none();
        let (prompt, reading) =
            own.map_or_else(|| Ok((STATE.to_owned(), Reading::default())), |own| own.asked(&file("qstar.json")))?;
        render(&prompt, &Question::default(), 0).with_context(|| file("qstar.json").display().to_string())?;
        let tokenizer = file("tokenizer.json");
        let tokenizer =
            Tokenizer::from_file(&tokenizer).map_err(|e| anyhow!("{} is no tokenizer: {e}", tokenizer.display()))?;
        let vocabulary = tokenizer.get_vocab_size(true);
        if let Some(end) = ends.iter().find(|&&e| e as usize >= vocabulary) {
            bail!("{}: token {end} ends a text, but the tokenizer has only {vocabulary}", file("config.json").display());
        }
        Ok(Folder {
            path: path.to_owned(),
            layout,
            value: present("value.onnx"),
            context: config.max_position_embeddings.unwrap_or(2048),
            ends,
            start: config.decoder_start_token_id.unwrap_or(0),
            tokenizer,
            prompt,
            reading,
            special,
        })
    }

    /// Tells these networks from all others: a hash of their files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let policy: Vec<&PathBuf> = match &self.layout {
            Layout::Decoder { model } => vec![model],
            Layout::EncoderDecoder { encoder, first, next } => vec![encoder, first, next],
        };
        let ranker = ["ranker_goal.onnx", "ranker_candidate.onnx", "ranker.onnx"].map(|name| self.path.join(name));
        let ranker = ranker.iter().filter(|file| file.is_file());
        for file in policy.into_iter().chain(&self.value).chain([&self.path.join("tokenizer.json")]).chain(ranker) {
            hash.update(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        Ok(hex(&hash.finalize()[..6]))
    }

    /// The prompt of a goal in at most `most` tokens: the oldest hypotheses are left out first, then the target's beginning.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn prompt(&self, goal: &Goal, most: usize) -> Result<Prompt> {
        let mut goal = goal.clone();
        let mut cut = 0;
        loop {
            let state = goal.to_string();
            let text = render(&self.prompt, &Question { state: &state, ..Question::default() }, 0)?;
            let mut ids = self.encode(&text)?;
            if ids.len() <= most {
                return Ok(Prompt { ids, cut });
            }
            if goal.case.take().is_some() {
                continue;
            }
            if goal.hypotheses.is_empty() {
                // The first token says what this is.
                ids.drain(1..=ids.len() - most);
                return Ok(Prompt { ids, cut });
            }
            goal.hypotheses.remove(0);
            cut += 1;
        }
    }

    /// # Errors
    /// When the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoded = self.tokenizer.encode(text, self.special).map_err(|e| anyhow!("the tokenizer fails on `{text}`: {e}"))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// A tactic's tokens as text, without special ones and what its format leaves out; empty when there is none.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let text = self.tokenizer.decode(ids, true).map_err(|e| anyhow!("the tokenizer cannot decode: {e}"))?;
        if self.reading == Reading::default() {
            return Ok(text);
        }
        Ok(answer::lean(&self.reading, &text).as_deref().and_then(answer::tactic).unwrap_or_default())
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text = read_text(path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what Hugging Face's exports have there", path.display()))
}
