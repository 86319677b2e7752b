//! One Lean server process and one open document in it, over LSP on its standard streams.
//!
//! Knows how servers are started and spoken to; knows nothing of candidates or verdicts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::clock::{Clock, Spent};
use super::memory::Watch;
use super::protocol::{
    FileProgress, LeanDiagnostic, PlainGoal, PlainTermGoal, PublishDiagnostics, did_change, did_open, notification, request,
};
use super::transport::{FrameError, read_message, write_message};
use super::words::{is_noise, last_words};
use crate::toolchain::{ServerKind, Toolchain};

/// How long and how big a session may get.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time without any progress on a document.
    pub stall: Duration,
    /// Longest time for a start (process, imports) without any sign of it.
    pub start: Duration,
    /// Private memory of the server and all that it has started, in bytes.
    pub memory: u64,
    /// How much of it beyond what the imports and a first document took.
    pub growth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { stall: Duration::from_secs(12), start: Duration::from_secs(600), memory: 3 << 30, growth: 3 << 30 }
    }
}

/// How long Lean may be silent while it works at a line.
type Patience<'a> = &'a (dyn Fn(u32) -> Option<Duration> + Sync);

/// How many times as long a silence may last on a machine that gives Lean no time.
const BUSIEST: u32 = 5;
/// Documents until a process has used most of its tactics once, and their code is made: the first candidate of all takes longer
/// than any of its kind will.
const YOUNG: i32 = 3;

impl Limits {
    /// The limits for a machine on which an import takes so long: the next start may take a few times that, and where reading
    /// the library is slow, so is a tactic that uses it for the first time.
    pub fn behind(self, import: Duration) -> Limits {
        let start = (import * 5).max(Duration::from_secs(60)).min(self.start);
        Limits { start, stall: self.stall.max(import.min(LONGEST_STALL)), ..self }
    }
}

/// How long one command of a header may take: people's own proofs are slower than candidates.
const HEADER: Duration = Duration::from_secs(120);
/// How many lines of a text are imports, and how many are a header, imports included.
#[derive(Debug, Clone, Copy)]
pub struct Beginning {
    pub imports: u32,
    pub header: u32,
}

/// The stall limit behind the slowest import.
const LONGEST_STALL: Duration = Duration::from_secs(60);

/// Why a session can no longer be used. The process is ended when the session is dropped.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("Lean could not be started: {0}")]
    Spawn(std::io::Error),
    #[error("Lean ended in the middle of its work{0}")]
    Ended(String),
    #[error("Lean sent what is no message ({0}){1}")]
    Broken(FrameError, String),
    #[error("Lean made no progress for {} s", .0.as_secs())]
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
    /// When Lean came to which line.
    pub reached: Vec<(u32, Instant)>,
    /// When Lean was past the imports, from the call on.
    pub header: Option<Duration>,
}

/// What the imports of a session took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub time: Duration,
    /// Private bytes, behind the first document.
    pub private: u64,
}

/// A running server with one document.
pub struct Session {
    /// Before the child, so that those who were started by it are still known as such.
    memory: Watch,
    /// Reaped, and ended, when it is dropped.
    _child: Child,
    pid: u32,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    complaints: Arc<Mutex<VecDeque<String>>>,
    uri: String,
    version: i32,
    last_id: i64,
    imported: Option<Imported>,
    /// Of the document at work, where it has one.
    deadline: Option<Instant>,
    limits: Limits,
    /// Of a lone worker: a watchdog works little itself.
    clock: Option<Clock>,
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
        let mut child = toolchain.start(toolchain.server_command(&uri)).await.map_err(SessionError::Spawn)?;
        let pid = child.id().ok_or_else(|| SessionError::Spawn(std::io::ErrorKind::NotFound.into()))?;
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(SessionError::Spawn(std::io::ErrorKind::BrokenPipe.into()));
        };
        tokio::spawn(keep_last_lines(BufReader::new(errors), complaints.clone()));
        let mut session = Session {
            _child: child,
            pid,
            input,
            output: BufReader::new(output),
            complaints,
            uri,
            version: 0,
            last_id: 0,
            imported: None,
            deadline: None,
            limits,
            memory: Watch::start(pid, limits.memory),
            clock: (toolchain.server_kind() == ServerKind::Worker).then(|| Clock::new(pid)),
        };
        session.handshake(toolchain.server_kind()).await?;
        Ok(session)
    }

    async fn handshake(&mut self, kind: ServerKind) -> Result<(), SessionError> {
        let params = json!({"processId": std::process::id(), "rootUri": null, "capabilities": {}});
        match kind {
            // The watchdog answers; a lone worker is told the same but has nobody to answer for it.
            ServerKind::Watchdog => {
                let start = self.limits.start;
                self.call("initialize", params, |_| start, &mut Elaboration::default()).await?;
                self.send(&notification("initialized", json!({}))).await
            }
            ServerKind::Worker => self.send(&request(0, "initialize", params)).await,
        }
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Private memory of its processes, in bytes.
    pub fn private_memory(&self) -> u64 {
        self.memory.private()
    }

    /// What the imports took; `None` before the first document is elaborated.
    pub fn imported(&self) -> Option<Imported> {
        self.imported
    }

    /// Makes `text` the document and waits until Lean has elaborated it, or hangs.
    ///
    /// # Errors
    /// When the server is broken. A hang inside the document is no error here: it is reported in the result, since
    /// what was done before it counts; but the session must be dropped then.
    pub async fn elaborate(&mut self, text: &str) -> Result<Elaboration, SessionError> {
        self.elaborate_behind(text, Beginning { imports: 1, header: 1 }, &|_| None).await
    }

    /// As [`Session::elaborate`]; what is not done at the deadline counts as hung, progress or not, and nothing else does.
    ///
    /// # Errors
    /// As [`Session::elaborate`].
    pub async fn elaborate_until(&mut self, text: &str, deadline: Instant) -> Result<Elaboration, SessionError> {
        self.deadline = Some(deadline);
        let seen = self.elaborate(text).await;
        self.deadline = None;
        seen
    }

    /// The same, for a text whose first lines are a header: that may take longer than a candidate. `patience` says how long
    /// Lean may be silent at a line behind it; `None`: as long as anywhere.
    ///
    /// # Errors
    /// As [`Session::elaborate`].
    pub async fn elaborate_behind(
        &mut self,
        text: &str,
        beginning: Beginning,
        patience: Patience<'_>,
    ) -> Result<Elaboration, SessionError> {
        let first = self.version == 0;
        self.version += 1;
        let message = if first { did_open(&self.uri, 1, text) } else { did_change(&self.uri, self.version, text) };
        self.send(&message).await?;
        let Limits { start, stall, .. } = self.limits;
        // Where reading the library is slow, so is a tactic that uses it for the first time; a young process uses all of it so.
        let times = if self.version <= YOUNG { 2 } else { 1 };
        let least = self.imported.map_or(Duration::ZERO, |imported| imported.time * times);
        // Before the first word on progress, a new process is still starting.
        let patience = |at: Option<u32>| match at {
            None if first => start,
            Some(line) if line < beginning.imports => start,
            Some(line) if line < beginning.header => HEADER.max(stall),
            at => at.and_then(patience).map_or(stall, |patience| patience.max(least).min(stall)),
        };
        let (mut seen, since) = (Elaboration::default(), Instant::now());
        let params = json!({"uri": self.uri, "version": self.version});
        match self.call("textDocument/waitForDiagnostics", params, patience, &mut seen).await {
            Ok(_) => {
                seen.stuck_at = None;
                if first {
                    let private = self.memory.private();
                    self.memory.allow(private.saturating_add(self.limits.growth).min(self.limits.memory));
                    let time = seen.header.unwrap_or_else(|| since.elapsed());
                    self.imported = Some(Imported { time, private });
                    self.limits.stall = self.limits.behind(time).stall;
                }
            }
            Err(SessionError::Hung(_)) if seen.stuck_at.is_some() => {}
            Err(SessionError::Hung(_)) if self.deadline.is_some() => seen.stuck_at = Some(0),
            Err(e) => return Err(e),
        }
        Ok(seen)
    }

    /// The goals at a place of the current document (line and UTF-16 column, from 0).
    ///
    /// # Errors
    /// When the server is broken or refuses.
    pub async fn plain_goal(&mut self, line: u32, character: u32) -> Result<Option<PlainGoal>, SessionError> {
        let answer = self.ask_at("$/lean/plainGoal", line, character).await?;
        serde_json::from_value(answer).map_err(|e| SessionError::Refused(e.to_string()))
    }

    /// The goals before the tactic or the term that begins at a place; `None` where no proof stands.
    ///
    /// # Errors
    /// As [`Session::plain_goal`].
    pub async fn goals_at(&mut self, line: u32, character: u32) -> Result<Option<Vec<String>>, SessionError> {
        if let Some(goal) = self.plain_goal(line, character).await? {
            return Ok(Some(goal.goals));
        }
        let term = self.ask_at("$/lean/plainTermGoal", line, character).await?;
        let term: Option<PlainTermGoal> = serde_json::from_value(term).map_err(|e| SessionError::Refused(e.to_string()))?;
        Ok(term.map(|t| vec![t.goal]))
    }

    async fn ask_at(&mut self, method: &str, line: u32, character: u32) -> Result<Value, SessionError> {
        let params = json!({"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}});
        let stall = self.limits.stall;
        self.call(method, params, |_| stall, &mut Elaboration::default()).await
    }

    /// Sends a request and reads until its answer, keeping diagnostics and progress of the current version. `patience`
    /// says how long there may be no progress while Lean is at a line.
    async fn call(
        &mut self,
        method: &str,
        params: Value,
        patience: impl Fn(Option<u32>) -> Duration,
        seen: &mut Elaboration,
    ) -> Result<Value, SessionError> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&request(id, method, params)).await?;
        let mut progress = Silence::begin(&mut self.clock);
        let since = progress.since;
        loop {
            let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(SessionError::Hung(since.elapsed()));
            }
            let stall = left.map_or_else(|| patience(seen.stuck_at), |left| progress.since.elapsed() + left);
            // Short waits, so that memory is looked at while Lean works.
            let tick =
                stall.saturating_sub(progress.since.elapsed()).clamp(Duration::from_millis(50), Duration::from_millis(500));
            let Some(message) = Self::next_message(&mut self.output, tick).await else {
                self.check_memory()?;
                if progress.is_over(stall, &mut self.clock) {
                    return Err(SessionError::Hung(stall));
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
                        progress = Silence::begin(&mut self.clock);
                    }
                }
                (Some("$/lean/fileProgress"), None) => {
                    if let Ok(p) = serde_json::from_value::<FileProgress>(message["params"].take())
                        && p.text_document.version.is_none_or(|v| v == self.version)
                    {
                        let at = p.processing.iter().map(|r| r.range.start.line).min();
                        if at != seen.stuck_at {
                            progress = Silence::begin(&mut self.clock);
                            seen.reached.push((at.unwrap_or(u32::MAX), progress.since));
                        }
                        // At first all of the document is at work.
                        if seen.stuck_at.is_some() && at.is_none_or(|line| line > 0) {
                            seen.header.get_or_insert_with(|| since.elapsed());
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
            Err(_) => self.check_memory().and(Err(SessionError::Hung(self.limits.stall))),
        }
    }

    /// What was over its limit was ended already, by the watch.
    fn check_memory(&self) -> Result<(), SessionError> {
        if let Some((bytes, limit)) = self.memory.over() {
            return Err(SessionError::Memory(format!("{} MB, limit {} MB; --memory sets another", bytes >> 20, limit >> 20)));
        }
        // The portable Lean says so and then hangs.
        if self.last_words().contains("out of memory") {
            return Err(SessionError::Memory(self.last_words()));
        }
        Ok(())
    }

    fn broken(&self, error: FrameError) -> SessionError {
        if let Err(memory) = self.check_memory() {
            return memory;
        }
        let words = self.last_words();
        let words = if words.is_empty() { words } else { format!("; its last words: {words}") };
        match error {
            FrameError::Ended | FrameError::Truncated => SessionError::Ended(words),
            error => SessionError::Broken(error, words),
        }
    }

    fn last_words(&self) -> String {
        self.complaints.lock().map(|kept| last_words(kept.iter().map(String::as_str))).unwrap_or_default()
    }
}

/// Since when Lean has said nothing.
struct Silence {
    since: Instant,
    spent: Spent,
}

impl Silence {
    fn begin(clock: &mut Option<Clock>) -> Silence {
        Silence { since: Instant::now(), spent: clock.as_mut().map_or(Spent::default(), Clock::spent) }
    }

    /// Whether it has lasted for `stall`: of Lean's own time, or of time in which Lean had nothing to do. On a busy machine the
    /// time in which it could not get to work does not count.
    fn is_over(&self, stall: Duration, clock: &mut Option<Clock>) -> bool {
        let elapsed = self.since.elapsed();
        let long =
            |spent: Spent| spent.worked.saturating_sub(self.spent.worked) >= stall || spent.slept(self.spent, elapsed, stall);
        elapsed >= stall && (elapsed >= stall * BUSIEST || clock.as_mut().is_none_or(|c| long(c.spent())))
    }
}

async fn keep_last_lines<R: tokio::io::AsyncBufRead + Unpin>(mut reader: R, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
        let text: String = String::from_utf8_lossy(&line).trim().chars().take(300).collect();
        line.clear();
        if let Ok(mut kept) = kept.lock()
            && !is_noise(&text)
        {
            kept.push_back(text);
            if kept.len() > 5 {
                kept.pop_front();
            }
        }
    }
}
