//! Questions to a served model over HTTP: sent again when the server is busy, bounded in number, size and time, counted,
//! and kept on the disk.
//!
//! Knows requests and answers as JSON; nothing of templates or Lean. The key goes into one header and nowhere else.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use futures::future::join_all;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::answer::{Answer, Sample, read};
use super::cache::Cache;
use super::endpoint::{Endpoint, Protocol};
use crate::formats::{Api, Prompt};
use crate::policy::usage::Meter;
use crate::source::hex;

/// Bytes of one answer of the server.
const MOST_BODY: usize = 32 << 20;
/// For a connection, and for the question which models there are.
const CONNECT: Duration = Duration::from_secs(10);
/// Waits before a request is sent again: the first, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A server that did not answer is left alone for so long.
const AWAY: Duration = Duration::from_secs(30);
/// Seeds of answers to one question that are asked for one at a time lie so far apart.
const APART: u64 = 0x9E37_79B1;
/// Characters of a server's message that are told.
const MESSAGE: usize = 300;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("the budget for the model is used up")]
    Budget,
    #[error("the server does not answer: {0}")]
    Away(String),
    #[error("the server refuses the request: {0}")]
    Refused(String),
}

/// One try that failed.
enum Failure {
    /// Worth another try, after so long where the server says it.
    Again(String, Option<Duration>),
    /// The same request will fail again.
    Never(StatusCode, String),
}

/// See the module.
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    key: Option<String>,
    slots: Semaphore,
    cache: Option<Cache>,
    /// The model's name where none was given: the only one of the server.
    found: OnceLock<String>,
    /// Completions go through Ollama's own door.
    raw: AtomicBool,
    /// The server gives one answer at a time.
    single: AtomicBool,
    /// The server refuses the wish for probabilities.
    plain: AtomicBool,
    away: Mutex<Option<(Instant, String)>>,
    told: AtomicBool,
}

impl Client {
    /// Sets a client up; nothing is sent.
    ///
    /// # Errors
    /// When the key cannot be part of a request, or the cache is not to be had.
    pub fn new(endpoint: Endpoint, cache: Option<&Path>) -> Result<Client> {
        let key = std::env::var(&endpoint.key_env).ok().filter(|key| !key.is_empty());
        let mut headers = HeaderMap::new();
        if let Some(key) = &key {
            let value = HeaderValue::from_str(&format!("Bearer {key}"));
            let mut value = value.map_err(|_| anyhow!("the key in {} holds characters that no key has", endpoint.key_env))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder =
            reqwest::Client::builder().default_headers(headers).connect_timeout(CONNECT).redirect(redirect::Policy::none());
        // No certificates are looked for where none are needed, and no proxy stands before this machine itself.
        let builder = builder.tls_built_in_root_certs(endpoint.url.starts_with("https://"));
        let builder = if is_here(&endpoint.url) { builder.no_proxy() } else { builder };
        let http = builder.build().context("the HTTP client cannot be set up")?;
        let cache = cache.filter(|_| endpoint.cache).map(Cache::open).transpose()?;
        let slots = Semaphore::new(endpoint.parallel);
        let (found, raw) = (OnceLock::new(), AtomicBool::new(endpoint.is_raw()));
        let (single, plain) = (AtomicBool::new(false), AtomicBool::new(false));
        let (away, told) = (Mutex::new(None), AtomicBool::new(false));
        Ok(Client { http, endpoint, key, slots, cache, found, raw, single, plain, away, told })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks the server which models it has.
    ///
    /// # Errors
    /// When it cannot be reached, refuses the key, or has no such model; with the remedy.
    pub async fn check(&self) -> Result<()> {
        let url = &self.endpoint.url;
        let start = "start it, or correct --model-url; without it: --policy portfolio";
        let sent = self.http.get(format!("{url}/models")).timeout(CONNECT).send().await;
        let response = sent.map_err(|e| anyhow!("no model server answers at {url} ({}); {start}", self.cause(&e)))?;
        let status = response.status();
        let body = body(response).await.map_err(|e| anyhow!("the server at {url} broke off ({e}); {start}"))?;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let had = if self.key.is_some() { "refuses the key in" } else { "wants a key: set" };
            bail!("the server at {url} {had} {}", self.endpoint.key_env);
        }
        if status.is_redirection() {
            bail!("the server at {url} sends elsewhere ({status}); give the address it names");
        }
        if self.endpoint.protocol == Protocol::Openai && self.endpoint.format.api == Api::Completion && self.is_ollama().await {
            // Its `/v1/completions` would put the prompt into the model's chat template.
            self.raw.store(true, Ordering::Relaxed);
        }
        // Not every server tells its models.
        if !status.is_success() {
            tracing::debug!("the server at {url} does not tell its models: {status}");
            return Ok(());
        }
        let models: Vec<String> =
            serde_json::from_slice::<Models>(&body).map(|m| m.data.into_iter().map(|m| m.id).collect()).unwrap_or_default();
        let wished = &self.endpoint.model;
        match &models[..] {
            _ if models.iter().any(|m| m == wished || m.strip_suffix(":latest") == Some(wished)) => {}
            [only] if wished.is_empty() => {
                let _ = self.found.set(only.clone());
            }
            [] if !wished.is_empty() => {}
            [] => bail!("the server at {url} tells no models; name one with --model"),
            some => {
                let some = some.iter().take(20).map(|m| clip(m, 100)).collect::<Vec<_>>().join(", ");
                let what =
                    if wished.is_empty() { "serves several models".to_owned() } else { format!("serves no model `{wished}`") };
                bail!("the server at {url} {what}; name one of these with --model: {some}");
            }
        }
        Ok(())
    }

    async fn is_ollama(&self) -> bool {
        let sent = self.http.get(self.root()).timeout(CONNECT).send().await;
        match sent {
            Ok(response) => body(response).await.is_ok_and(|b| String::from_utf8_lossy(&b).starts_with("Ollama is running")),
            Err(_) => false,
        }
    }

    fn root(&self) -> String {
        self.endpoint.url.strip_suffix("/v1").unwrap_or(&self.endpoint.url).to_owned()
    }

    fn model(&self) -> &str {
        self.found.get().map_or(&self.endpoint.model, String::as_str)
    }

    /// Answers to a prompt: as many as the endpoint's samples, or fewer. Equal seeds give equal questions.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn ask(&self, prompt: &Prompt, seed: u64, meter: &Meter) -> Result<Vec<Sample>, Unanswered> {
        let key = self.key_of(prompt, seed);
        if let Some(kept) = self.cache.as_ref().and_then(|cache| cache.get(&key)) {
            meter.cached();
            return Ok(kept);
        }
        let answered = self.sample(prompt, seed, meter).await;
        match &answered {
            Ok(samples) if !samples.is_empty() => {
                if let Some(cache) = &self.cache {
                    cache.put(&key, samples);
                }
            }
            Ok(_) => {}
            Err(error) => {
                meter.failed();
                self.warn(error);
            }
        }
        answered
    }

    /// What answers hang on, as a name for them.
    fn key_of(&self, prompt: &Prompt, seed: u64) -> String {
        let Endpoint { sampling, stop, logprobs, .. } = &self.endpoint;
        let raw = self.raw.load(Ordering::Relaxed);
        let what = json!([self.model(), prompt, sampling, stop, logprobs, raw, seed]);
        hex(&Sha256::digest(what.to_string()))
    }

    async fn sample(&self, prompt: &Prompt, seed: u64, meter: &Meter) -> Result<Vec<Sample>, Unanswered> {
        let wanted = self.endpoint.sampling.samples;
        let single = self.single.load(Ordering::Relaxed) || self.raw.load(Ordering::Relaxed);
        let mut samples = self.request(prompt, if single { 1 } else { wanted }, seed, meter).await?;
        // A server that gives one answer at a time is asked again.
        if !samples.is_empty() && samples.len() < wanted as usize {
            let more = (samples.len() as u64..u64::from(wanted))
                .map(|i| self.request(prompt, 1, seed.wrapping_add(i.wrapping_mul(APART)), meter));
            for answers in join_all(more).await {
                match answers {
                    Ok(answers) => samples.extend(answers),
                    Err(error) => tracing::debug!("one sample of several is missing: {error}"),
                }
            }
        }
        samples.truncate(wanted as usize);
        Ok(samples)
    }

    /// One request, sent until it is answered or there is no hope.
    async fn request(&self, prompt: &Prompt, n: u32, seed: u64, meter: &Meter) -> Result<Vec<Sample>, Unanswered> {
        let Ok(_slot) = self.slots.acquire().await else { return Err(Unanswered::Away("it was closed".to_owned())) };
        let mut pause = PAUSE;
        let mut tries = 0;
        let mut n = n;
        loop {
            if let Some((since, why)) = &*self.lock()
                && since.elapsed() < AWAY
            {
                return Err(Unanswered::Away(why.clone()));
            }
            if !meter.begin() {
                return Err(Unanswered::Budget);
            }
            let start = Instant::now();
            let logprobs = self.endpoint.logprobs && !self.plain.load(Ordering::Relaxed);
            let answer = self.once(prompt, n, seed).await;
            let took = start.elapsed();
            match answer {
                Ok(answer) => {
                    meter.end(answer.prompt_tokens, answer.answer_tokens, took);
                    *self.lock() = None;
                    return Ok(answer.samples);
                }
                Err(Failure::Again(why, after)) => {
                    meter.end(0, 0, took);
                    if tries >= self.endpoint.retries {
                        *self.lock() = Some((Instant::now(), why.clone()));
                        return Err(Unanswered::Away(why));
                    }
                    tries += 1;
                    tracing::debug!("the model's server: {why}; again in {pause:?}");
                    // Not all at the same moment.
                    tokio::time::sleep(after.unwrap_or(pause).min(LONGEST_PAUSE).mul_f64(1.0 + fastrand::f64() / 4.0)).await;
                    pause *= 2;
                }
                Err(Failure::Never(status, why)) => {
                    meter.end(0, 0, took);
                    // Some servers take one answer at a time, or tell no probabilities, and refuse who asks for them.
                    let form = matches!(
                        status,
                        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_IMPLEMENTED
                    );
                    if form && n > 1 {
                        self.single.store(true, Ordering::Relaxed);
                        n = 1;
                        continue;
                    }
                    if form && logprobs {
                        self.plain.store(true, Ordering::Relaxed);
                        continue;
                    }
                    return Err(Unanswered::Refused(why));
                }
            }
        }
    }

    async fn once(&self, prompt: &Prompt, n: u32, seed: u64) -> Result<Answer, Failure> {
        let work = async {
            let response = self.post(prompt, n, seed).send().await.map_err(|e| Failure::Again(self.cause(&e), None))?;
            let status = response.status();
            let after =
                response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok()).map(Duration::from_secs);
            let body = body(response).await.map_err(|why| Failure::Again(why, None))?;
            if !status.is_success() {
                let why = self.clean(&format!("{status}: {}", said(&body)));
                let busy = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
                let again = busy || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
                return Err(if again { Failure::Again(why, after) } else { Failure::Never(status, why) });
            }
            read(&body, prompt)
                .ok_or_else(|| Failure::Again("its answer is not in the shape of the OpenAI API".to_owned(), None))
        };
        match tokio::time::timeout(self.endpoint.timeout, work).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Again(format!("no answer within {:?}", self.endpoint.timeout), None)),
        }
    }

    fn post(&self, prompt: &Prompt, n: u32, seed: u64) -> RequestBuilder {
        let Endpoint { url, sampling, stop, .. } = &self.endpoint;
        let seed = seed & 0x7fff_ffff;
        if let (Prompt::Text(text), true) = (prompt, self.raw.load(Ordering::Relaxed)) {
            let mut options =
                json!({"temperature": sampling.temperature, "num_predict": sampling.max_tokens, "stop": stop, "seed": seed});
            if let Some(top_p) = sampling.top_p {
                options["top_p"] = json!(top_p);
            }
            let request = json!({"model": self.model(), "prompt": text, "raw": true, "stream": false, "options": options});
            return self.http.post(format!("{}/api/generate", self.root())).json(&request);
        }
        let mut request = json!({
            "model": self.model(), "temperature": sampling.temperature, "max_tokens": sampling.max_tokens, "seed": seed, "stream": false,
        });
        if let Some(top_p) = sampling.top_p {
            request["top_p"] = json!(top_p);
        }
        if n > 1 {
            request["n"] = json!(n);
        }
        if !stop.is_empty() {
            request["stop"] = json!(stop);
        }
        let logprobs = self.endpoint.logprobs && !self.plain.load(Ordering::Relaxed);
        let door = match prompt {
            Prompt::Text(text) => {
                request["prompt"] = json!(text);
                if logprobs {
                    request["logprobs"] = json!(1);
                }
                "completions"
            }
            Prompt::Chat(messages) => {
                request["messages"] = json!(messages);
                if logprobs {
                    request["logprobs"] = json!(true);
                }
                "chat/completions"
            }
        };
        self.http.post(format!("{url}/{door}")).json(&request)
    }

    /// What went wrong, without the address and without the key.
    fn cause(&self, error: &reqwest::Error) -> String {
        let mut words = Vec::new();
        let mut at: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = at {
            words.push(error.to_string());
            at = error.source();
        }
        // The innermost says it best.
        self.clean(words.last().map_or("", String::as_str))
    }

    fn clean(&self, text: &str) -> String {
        let text = self.key.as_ref().map_or_else(|| text.to_owned(), |key| text.replace(key, "***"));
        clip(&text, MESSAGE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A search goes on without a model; once it is said why.
    fn warn(&self, error: &Unanswered) {
        if *error == Unanswered::Budget {
            tracing::debug!("{error}");
        } else if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("the model at {}: {error}; the search goes on without it", self.endpoint.url);
        }
    }
}

/// Whether an address is on this machine.
fn is_here(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or("");
    ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
}

/// A response's bytes, no more than may be.
async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MOST_BODY => return Err("its answer has no end".to_owned()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(_) => return Err("the connection was cut".to_owned()),
        }
    }
}

/// The message of an error's body, whole: a key in it is found only where it is not cut.
fn said(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let known = json
        .as_ref()
        .and_then(|v| [&v["error"]["message"], &v["error"], &v["message"], &v["detail"]].into_iter().find_map(Value::as_str));
    known.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

/// The first characters of a text, in one line that changes no terminal.
fn clip(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect::<String>().trim().to_owned()
}

#[derive(Deserialize)]
struct Models {
    #[serde(default)]
    data: Vec<ModelName>,
}

#[derive(Deserialize)]
struct ModelName {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_change_no_terminal() {
        assert_eq!(clip("a\x1b[31mb\nc", 5), "a [31");
        assert_eq!(said(br#"{"error":{"message":"no"}}"#), "no");
        assert_eq!(said(b"<html>"), "<html>");
    }
}
