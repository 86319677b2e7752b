//! One Lean server process and one open document in it, over LSP on its standard streams.
//!
//! Knows how servers are started and spoken to; knows nothing of candidates or verdicts.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::protocol::{
    FileProgress, LeanDiagnostic, PlainGoal, PlainTermGoal, PublishDiagnostics, did_change, did_open, notification, request,
};
use super::transport::{FrameError, read_message, write_message};
use crate::toolchain::{ServerKind, Toolchain};

/// How long and how big a session may get.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time without any progress on a document.
    pub stall: Duration,
    /// Longest time for a start (process, imports).
    pub start: Duration,
    /// Resident memory of the process, in bytes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { stall: Duration::from_secs(12), start: Duration::from_secs(180), memory: 3 << 30 }
    }
}

/// Why a session can no longer be used. The process is ended when the session is dropped.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("Lean could not be started: {0}")]
    Spawn(std::io::Error),
    #[error("Lean ended or sent what is not a message ({0}){1}")]
    Broken(FrameError, String),
    #[error("Lean made no progress for {0:?}")]
    Hung(Duration),
    #[error("Lean ran out of memory ({0})")]
    Memory(String),
    #[error("Lean refused a request: {0}")]
    Refused(String),
}

/// What Lean said of one version of the document.
#[derive(Debug, Default)]
pub struct Elaboration {
    pub diagnostics: Vec<LeanDiagnostic>,
    /// `None` when all is elaborated; else the first line still at work when the session hung.
    pub stuck_at: Option<u32>,
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy)]
enum Patience {
    /// So long without any progress.
    Stall(Duration),
    Until(Instant),
}

impl Patience {
    fn left(self, progress: Instant) -> Duration {
        match self {
            Patience::Stall(time) => time.saturating_sub(progress.elapsed()),
            Patience::Until(deadline) => deadline.saturating_duration_since(Instant::now()),
        }
    }
}

/// A running server with one document.
pub struct Session {
    child: Child,
    group: Pid,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    complaints: Arc<Mutex<VecDeque<String>>>,
    uri: String,
    version: i32,
    last_id: i64,
    limits: Limits,
    memory: super::memory::Meter,
}

impl Session {
    /// Starts a server. The document is opened by the first [`Session::elaborate`].
    ///
    /// # Errors
    /// When the process cannot be started or does not answer the handshake.
    pub async fn start(toolchain: &Toolchain, limits: Limits) -> Result<Session, SessionError> {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let uri = format!("file://{}/QStarOracle{number}.lean", toolchain.root().display()).replace(' ', "%20");
        let mut command = toolchain.server_command(&uri);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(SessionError::Spawn)?;
        let pid = child.id().ok_or_else(|| SessionError::Spawn(std::io::ErrorKind::NotFound.into()))?;
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(SessionError::Spawn(std::io::ErrorKind::BrokenPipe.into()));
        };
        tokio::spawn(keep_last_lines(BufReader::new(errors), complaints.clone()));
        let mut session = Session {
            child,
            group: Pid::from_raw(pid as i32),
            input,
            output: BufReader::new(output),
            complaints,
            uri,
            version: 0,
            last_id: 0,
            limits,
            memory: super::memory::Meter::new(pid),
        };
        session.handshake(toolchain.server_kind()).await?;
        Ok(session)
    }

    async fn handshake(&mut self, kind: ServerKind) -> Result<(), SessionError> {
        let params = json!({"processId": std::process::id(), "rootUri": null, "capabilities": {}});
        match kind {
            // The watchdog answers; a lone worker is told the same but has nobody to answer for it.
            ServerKind::Watchdog => {
                self.call("initialize", params, Patience::Stall(self.limits.start), &mut Elaboration::default()).await?;
                self.send(&notification("initialized", json!({}))).await
            }
            ServerKind::Worker => self.send(&request(0, "initialize", params)).await,
        }
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.group.as_raw() as u32
    }

    /// Resident memory in bytes, as last measured.
    pub fn resident(&mut self) -> u64 {
        self.memory.resident()
    }

    /// Makes `text` the document and waits until Lean has elaborated it, or hangs.
    ///
    /// # Errors
    /// When the server is broken. A hang inside the document is no error here: it is reported in the result, since
    /// what was done before it counts; but the session must be dropped then.
    pub async fn elaborate(&mut self, text: &str) -> Result<Elaboration, SessionError> {
        self.elaborate_until(text, None).await
    }

    /// As [`Session::elaborate`]; what is not done at the deadline counts as hung, progress or not.
    ///
    /// # Errors
    /// As [`Session::elaborate`].
    pub async fn elaborate_until(&mut self, text: &str, deadline: Option<Instant>) -> Result<Elaboration, SessionError> {
        let first = self.version == 0;
        self.version += 1;
        let message = if first { did_open(&self.uri, 1, text) } else { did_change(&self.uri, self.version, text) };
        self.send(&message).await?;
        // Who names a deadline means it: nothing else ends the document.
        let patience = match deadline {
            Some(deadline) => Patience::Until(deadline),
            None if first => Patience::Stall(self.limits.start),
            None => Patience::Stall(self.limits.stall),
        };
        let mut seen = Elaboration::default();
        let params = json!({"uri": self.uri, "version": self.version});
        match self.call("textDocument/waitForDiagnostics", params, patience, &mut seen).await {
            Ok(_) => seen.stuck_at = None,
            Err(SessionError::Hung(_)) if deadline.is_some() => seen.stuck_at = seen.stuck_at.or(Some(0)),
            Err(SessionError::Hung(_)) if seen.stuck_at.is_some() => {}
            Err(e) => return Err(e),
        }
        Ok(seen)
    }

    /// The goals at a place of the current document (line and UTF-16 column, from 0), before the tactic or the term that
    /// begins there; `None` where no proof stands.
    ///
    /// # Errors
    /// When the server is broken or refuses.
    pub async fn goals_at(&mut self, line: u32, character: u32) -> Result<Option<Vec<String>>, SessionError> {
        let refused = |e: serde_json::Error| SessionError::Refused(e.to_string());
        let tactic = self.ask_at("$/lean/plainGoal", line, character).await?;
        if let Some(goal) = serde_json::from_value::<Option<PlainGoal>>(tactic).map_err(refused)? {
            return Ok(Some(goal.goals));
        }
        let term = self.ask_at("$/lean/plainTermGoal", line, character).await?;
        let term: Option<PlainTermGoal> = serde_json::from_value(term).map_err(refused)?;
        Ok(term.map(|t| vec![t.goal]))
    }

    async fn ask_at(&mut self, method: &str, line: u32, character: u32) -> Result<Value, SessionError> {
        let params = json!({"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}});
        self.call(method, params, Patience::Stall(self.limits.stall), &mut Elaboration::default()).await
    }

    /// Sends a request and reads until its answer, keeping diagnostics and progress of the current version.
    async fn call(
        &mut self,
        method: &str,
        params: Value,
        patience: Patience,
        seen: &mut Elaboration,
    ) -> Result<Value, SessionError> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&request(id, method, params)).await?;
        let mut progress = Instant::now();
        loop {
            // Short waits, so that memory is looked at while Lean works.
            let left = patience.left(progress);
            if left.is_zero() && matches!(patience, Patience::Until(_)) {
                return Err(SessionError::Hung(progress.elapsed()));
            }
            let tick = left.min(Duration::from_millis(500));
            let Some(message) = Self::next_message(&mut self.output, tick).await else {
                self.check_memory()?;
                if patience.left(progress).is_zero() {
                    return Err(SessionError::Hung(progress.elapsed()));
                }
                continue;
            };
            let mut message = message.map_err(|e| self.broken(e))?;
            match (message.get("method").and_then(Value::as_str), message.get("id").cloned()) {
                (None, Some(got)) if got == json!(id) => {
                    self.check_memory()?;
                    return match message.get("error") {
                        Some(error) => Err(SessionError::Refused(error.to_string())),
                        None => Ok(message["result"].take()),
                    };
                }
                // The server asks for things of an editor; it is content with nothing.
                (Some(_), Some(theirs)) => self.send(&json!({"jsonrpc": "2.0", "id": theirs, "result": null})).await?,
                (Some("textDocument/publishDiagnostics"), None) => {
                    if let Ok(p) = serde_json::from_value::<PublishDiagnostics>(message["params"].take())
                        && p.version.is_none_or(|v| v == self.version)
                    {
                        seen.diagnostics = p.diagnostics;
                        progress = Instant::now();
                    }
                }
                (Some("$/lean/fileProgress"), None) => {
                    if let Ok(p) = serde_json::from_value::<FileProgress>(message["params"].take())
                        && p.text_document.version.is_none_or(|v| v == self.version)
                    {
                        let at = p.processing.iter().map(|r| r.range.start.line).min();
                        if at != seen.stuck_at {
                            progress = Instant::now();
                        }
                        seen.stuck_at = at;
                    }
                }
                _ => {}
            }
        }
    }

    /// Waits up to `tick` for a message to begin, then reads it whole: a read must not be dropped in the middle.
    async fn next_message(output: &mut BufReader<ChildStdout>, tick: Duration) -> Option<Result<Value, FrameError>> {
        if let Err(e) = timeout(tick, output.fill_buf()).await.ok()? {
            return Some(Err(e.into()));
        }
        Some(timeout(Duration::from_secs(10), read_message(output)).await.unwrap_or(Err(FrameError::Truncated)))
    }

    async fn send(&mut self, message: &Value) -> Result<(), SessionError> {
        let sent = timeout(self.limits.stall, write_message(&mut self.input, message)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(self.broken(e.into())),
            Err(_) => Err(SessionError::Hung(self.limits.stall)),
        }
    }

    fn check_memory(&mut self) -> Result<(), SessionError> {
        let resident = self.memory.resident();
        if resident > self.limits.memory {
            return Err(SessionError::Memory(format!("{} MB, limit {} MB", resident >> 20, self.limits.memory >> 20)));
        }
        // The portable Lean says so and then hangs.
        if self.last_words().contains("out of memory") {
            return Err(SessionError::Memory(self.last_words()));
        }
        Ok(())
    }

    fn broken(&self, error: FrameError) -> SessionError {
        let words = self.last_words();
        SessionError::Broken(error, if words.is_empty() { words } else { format!("; its last words: {words}") })
    }

    fn last_words(&self) -> String {
        let kept = self.complaints.lock().map(|k| k.iter().cloned().collect::<Vec<_>>()).unwrap_or_default();
        kept.join(" | ")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The group holds the watchdog's workers, or Node under the launcher. It may be gone already.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = self.child.start_kill();
    }
}

async fn keep_last_lines<R: tokio::io::AsyncBufRead + Unpin>(mut reader: R, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
        let text: String = String::from_utf8_lossy(&line).trim().chars().take(300).collect();
        line.clear();
        // The portable Lean reports each module it opens.
        if let Ok(mut kept) = kept.lock()
            && !text.is_empty()
            && !text.contains(".olean")
            && !text.contains("mainModule")
        {
            kept.push_back(text);
            if kept.len() > 5 {
                kept.pop_front();
            }
        }
    }
}
