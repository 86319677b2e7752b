//! Which model is asked, where and how: from flags, or from a file that can be kept and shared.
//!
//! ```toml
//! url = "http://localhost:8000/v1"
//! model = "Goedel-LM/Goedel-Prover-V2-8B"
//! format = "goedel-v2"
//! ```
//! A key is never part of it: it is read from the environment when it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files::read_text;
use crate::formats::{Api, Format, Sampling, Writes};
use crate::policy::usage::Limits;
use crate::source::hex;

/// The variable that holds the key, where a file names no other.
pub const KEY: &str = "QSTAR_MODEL_KEY";

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// OpenAI's `/v1`, as vLLM, llama.cpp, SGLang and most others have it.
    #[default]
    Openai,
    /// Ollama's own `/api/generate` for completions, so that it leaves the prompt as it is. Chats go to its `/v1`.
    Ollama,
}

/// An endpoint as flags or a file name it. What is not said is taken from the format.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wishes {
    pub url: Option<String>,
    pub model: Option<String>,
    pub format: Option<String>,
    pub protocol: Option<Protocol>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<u32>,
    pub samples: Option<u32>,
    pub stop: Option<Vec<String>>,
    /// Whether logarithms of probabilities are asked for; else frequency is the prior.
    pub logprobs: Option<bool>,
    /// Seconds for one request.
    pub timeout: Option<f64>,
    /// Times a request is sent again when the server is busy or fails.
    pub retries: Option<u32>,
    /// Requests at the same time.
    pub parallel: Option<usize>,
    /// Tokens and requests of one search.
    pub tokens: Option<u64>,
    pub requests: Option<u64>,
    /// Error rounds for one proof.
    pub rounds: Option<u32>,
    /// Whether the model is asked for plans as well.
    pub plan: Option<bool>,
    /// The variable of the environment that holds the key.
    pub key_env: Option<String>,
    /// Whether answers are kept on the disk.
    pub cache: Option<bool>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub url: String,
    /// Empty: the only one that the server has.
    pub model: String,
    pub format: Format,
    pub protocol: Protocol,
    pub sampling: Sampling,
    pub stop: Vec<String>,
    pub logprobs: bool,
    pub timeout: Duration,
    pub retries: u32,
    pub parallel: usize,
    pub limits: Limits,
    pub rounds: u32,
    pub plan: bool,
    pub key_env: String,
    pub cache: bool,
}

impl Wishes {
    /// Reads a file, TOML or JSON by its ending.
    ///
    /// # Errors
    /// Naming the file and what is wrong.
    pub fn read(path: &Path) -> Result<Wishes> {
        let text = read_text(path)?;
        let json = path.extension().is_some_and(|e| e == "json");
        let read: Result<Wishes> =
            if json { serde_json::from_str(&text).map_err(Into::into) } else { toml::from_str(&text).map_err(Into::into) };
        let help = "it names a served model (url, model, format, …; docs/models.md); a key is taken from the environment only";
        let mut wishes = read.with_context(|| format!("{}: {help}", path.display()))?;
        // A format's file lies where the endpoint's file says, seen from there.
        if let Some(format) = &wishes.format
            && let Some(folder) = path.parent()
            && Format::find(format).is_err()
            && folder.join(format).is_file()
        {
            wishes.format = Some(folder.join(format).to_string_lossy().into_owned());
        }
        Ok(wishes)
    }

    /// These, and where they say nothing, `others`.
    pub fn or(self, others: Wishes) -> Wishes {
        Wishes {
            url: self.url.or(others.url),
            model: self.model.or(others.model),
            format: self.format.or(others.format),
            protocol: self.protocol.or(others.protocol),
            temperature: self.temperature.or(others.temperature),
            top_p: self.top_p.or(others.top_p),
            max_tokens: self.max_tokens.or(others.max_tokens),
            samples: self.samples.or(others.samples),
            stop: self.stop.or(others.stop),
            logprobs: self.logprobs.or(others.logprobs),
            timeout: self.timeout.or(others.timeout),
            retries: self.retries.or(others.retries),
            parallel: self.parallel.or(others.parallel),
            tokens: self.tokens.or(others.tokens),
            requests: self.requests.or(others.requests),
            rounds: self.rounds.or(others.rounds),
            plan: self.plan.or(others.plan),
            key_env: self.key_env.or(others.key_env),
            cache: self.cache.or(others.cache),
        }
    }

    /// The endpoint.
    ///
    /// # Errors
    /// When something is missing or makes no sense.
    pub fn endpoint(self) -> Result<Endpoint> {
        let url =
            self.url.context("where is the model? Give --model-url URL (http://localhost:8000/v1), or `url` in its file")?;
        let url = url.trim_end_matches('/').to_owned();
        ensure!(
            url.starts_with("http://") || url.starts_with("https://"),
            "`{url}` is no address of a server: http://… is needed"
        );
        let host = url.split("://").nth(1).unwrap_or("").split('/').next().unwrap_or("");
        if host.contains('@') || url.contains('?') {
            bail!("the server's address must hold no user, password or key: keys are read from {KEY}");
        }
        let format = self.format.context("how is the model asked? Give --format NAME (docs/models.md names them)")?;
        let format = Format::find(&format)?;
        let own = format.sampling;
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(own.temperature),
            top_p: self.top_p.or(own.top_p),
            max_tokens: self.max_tokens.unwrap_or(own.max_tokens),
            samples: self.samples.unwrap_or(own.samples),
        };
        sampling.validate()?;
        let slow = if format.writes == Writes::Proof { 900.0 } else { 120.0 };
        let timeout = self.timeout.unwrap_or(slow);
        ensure!(timeout > 0.0 && timeout <= 86_400.0, "`timeout` must lie between 0 and 86400 seconds");
        let parallel = self.parallel.unwrap_or(8);
        ensure!((1..=1024).contains(&parallel), "`parallel` must lie between 1 and 1024");
        let stop = self.stop.unwrap_or_else(|| format.stop.clone());
        ensure!(stop.len() <= 4, "more than 4 stop words: servers take no more");
        Ok(Endpoint {
            url,
            model: self.model.unwrap_or_default(),
            protocol: self.protocol.unwrap_or_default(),
            sampling,
            stop,
            logprobs: self.logprobs.unwrap_or(format.writes == Writes::Tactic),
            timeout: Duration::from_secs_f64(timeout),
            retries: self.retries.unwrap_or(4).min(100),
            parallel,
            limits: Limits { tokens: self.tokens, requests: self.requests },
            rounds: self.rounds.unwrap_or(2),
            plan: self.plan.unwrap_or(false),
            key_env: self.key_env.unwrap_or_else(|| KEY.to_owned()),
            cache: self.cache.unwrap_or(true),
            format,
        })
    }
}

impl Endpoint {
    /// Tells apart what answers differently: model, format and sampling, but not where it is served, nor what may be spent.
    pub fn fingerprint(&self) -> String {
        let what = serde_json::json!({
            "model": self.model, "format": self.format, "sampling": self.sampling, "stop": self.stop,
            "rounds": self.rounds, "plan": self.plan, "limits": self.limits, "logprobs": self.logprobs,
        });
        let short = &Sha256::digest(what.to_string().as_bytes())[..4];
        let name = self.model.rsplit('/').next().unwrap_or("");
        format!("{}{}{}-{}", name, if name.is_empty() { "" } else { "-" }, self.format.name, hex(short))
    }

    /// Whether a completion goes through Ollama's own door.
    pub fn is_raw(&self) -> bool {
        self.protocol == Protocol::Ollama && self.format.api == Api::Completion
    }
}

/// Whether a path names a file of an endpoint rather than a folder of networks.
pub fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "json" || e == "toml") && !path.is_dir()
}

/// Where answers are kept.
pub fn cache_file(home: &Path) -> PathBuf {
    home.join("answers.sqlite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, suffix: &str) -> Result<Endpoint> {
        let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Wishes::read(file.path())?.endpoint()
    }

    #[test]
    fn a_file_names_an_endpoint() {
        let text = "url = 'http://h:1/v1/'\nmodel = 'a/B'\nformat = 'bfs-prover'\nsamples = 3\n";
        let endpoint = read(text, ".toml").unwrap();
        assert_eq!((endpoint.url.as_str(), endpoint.sampling.samples, endpoint.logprobs), ("http://h:1/v1", 3, true));
        let json = r#"{"url": "http://h:1/v1", "model": "a/B", "format": "bfs-prover", "samples": 3}"#;
        assert_eq!(read(json, ".json").unwrap(), endpoint);
        assert!(endpoint.fingerprint().starts_with("B-bfs-prover-"), "{}", endpoint.fingerprint());
        let warm = read(&format!("{text}temperature = 0.3\n"), ".toml").unwrap();
        assert_ne!(warm.fingerprint(), endpoint.fingerprint());
    }

    #[test]
    fn keys_have_no_place_in_it() {
        for bad in [
            "url = 'http://h/v1'\nformat = 'kimina'\nkey = 'secret'\n",
            "url = 'http://user:secret@h/v1'\nformat = 'kimina'\n",
            "url = 'http://h/v1?key=secret'\nformat = 'kimina'\n",
        ] {
            let error = format!("{:#}", read(bad, ".toml").unwrap_err());
            assert!(error.contains("environment") || error.contains(KEY), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (bad, word) in [
            ("format = 'kimina'", "--model-url"),
            ("url = 'h:1'\nformat = 'kimina'", "http://"),
            ("url = 'http://h'", "--format"),
            ("url = 'http://h'\nformat = 'kimono'", "kimina"),
            ("url = 'http://h'\nformat = 'kimina'\nsamples = 0", "samples"),
            ("url = 'http://h'\nformat = 'kimina'\ntimeout = -1", "timeout"),
        ] {
            let error = format!("{:#}", read(bad, ".toml").unwrap_err());
            assert!(error.contains(word), "{bad}: {error}");
        }
    }
}
