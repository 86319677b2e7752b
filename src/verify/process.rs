//! A fresh Lean process for one file: its messages, and what it compiled the file to.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use serde::Deserialize;

use super::Rejection;
use crate::lean::words::last_words;
use crate::library::olean::whole::Whole;
use crate::toolchain::Toolchain;

/// One message of Lean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// From 1.
    pub line: usize,
    pub severity: String,
    pub text: String,
}

impl Message {
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }

    pub fn uses_sorry(&self) -> bool {
        self.text.contains("declaration uses") && self.text.contains("sorry")
    }
}

#[derive(Deserialize)]
struct Raw {
    severity: String,
    data: String,
    pos: Pos,
}
#[derive(Deserialize)]
struct Pos {
    line: usize,
}

/// What a file was compiled to: `.olean`, and `.olean.server` and `.olean.private` where its Lean writes them.
#[derive(Debug)]
pub struct Artifacts(Vec<Vec<u8>>);

/// Names of the parts of a compiled module, in the order in which they refer to each other.
pub const PARTS: &[&str] = &["olean", "olean.server", "olean.private"];

impl Artifacts {
    /// Reads the parts that stand beside a file `….olean`.
    ///
    /// # Errors
    /// When the first cannot be read.
    pub fn read(olean: &Path) -> std::io::Result<Artifacts> {
        let mut files = vec![std::fs::read(olean)?];
        for part in &PARTS[1..] {
            let path = olean.with_extension(part);
            if path.is_file() {
                files.push(std::fs::read(path)?);
            }
        }
        Ok(Artifacts(files))
    }

    /// Writes the parts beside `olean`, the first under that name.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, olean: &Path) -> std::io::Result<()> {
        let written = self.0.iter().zip(PARTS).map(|(bytes, part)| std::fs::write(olean.with_extension(part), bytes));
        written.collect()
    }

    /// Opens what was compiled.
    ///
    /// # Errors
    /// When it is broken, or of a Lean that is not known.
    pub fn open(&self) -> anyhow::Result<Whole<'_>> {
        Whole::parse(&self.slices())
    }

    /// The bytes of the parts.
    pub fn slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }
}

/// What became of a file.
#[derive(Debug)]
pub struct Compiled {
    pub messages: Vec<Message>,
    /// `None` when there were errors: Lean writes nothing then.
    pub artifacts: Option<Artifacts>,
}

impl Compiled {
    pub fn errors(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|m| m.is_error())
    }
}

/// Elaborates `text` as a file of its own; its messages in order.
///
/// # Errors
/// As [`compile`].
pub async fn run(toolchain: &Toolchain, text: &str, timeout: Duration) -> Result<Vec<Message>, Rejection> {
    Ok(again(toolchain, text, timeout, false).await?.messages)
}

/// Compiles `text` as a file of its own.
///
/// # Errors
/// [`Rejection::TimedOut`], or [`Rejection::Process`] when Lean does not run to its end.
pub async fn compile(toolchain: &Toolchain, text: &str, timeout: Duration) -> Result<Compiled, Rejection> {
    again(toolchain, text, timeout, true).await
}

/// A process that dies gets one more chance: it may have been memory, or whoever else works on the machine.
async fn again(toolchain: &Toolchain, text: &str, timeout: Duration, keep: bool) -> Result<Compiled, Rejection> {
    match beside(toolchain, text, timeout, keep).await {
        Err(Rejection::Process(reason)) => {
            tracing::info!("a verifying process is started again: {reason}");
            once(toolchain, text, timeout, keep).await
        }
        ended => ended,
    }
}

/// Rarely a process of the portable Lean spins before it has read a line. When half of the time is over another one is started
/// beside it, and the first to end has the word: both judge the same text.
async fn beside(toolchain: &Toolchain, text: &str, timeout: Duration, keep: bool) -> Result<Compiled, Rejection> {
    let mut first = pin!(once(toolchain, text, timeout, keep));
    tokio::select! {
        ended = &mut first => return ended,
        () = tokio::time::sleep(timeout / 2) => {}
    }
    tokio::select! {
        ended = first => ended,
        ended = once(toolchain, text, timeout / 2, keep) => match ended {
            Err(Rejection::TimedOut(_)) => Err(Rejection::TimedOut(timeout)),
            ended => ended,
        },
    }
}

async fn once(toolchain: &Toolchain, text: &str, timeout: Duration, keep: bool) -> Result<Compiled, Rejection> {
    let failed = |e: std::io::Error| Rejection::Process(e.to_string());
    let full = |e: std::io::Error| {
        Rejection::Process(format!("no file can be made for it in {}: {e}", std::env::temp_dir().display()))
    };
    let folder = tempfile::tempdir().map_err(full)?;
    let file = folder.path().join("QStarVerify.lean");
    let olean = folder.path().join("QStarVerify.olean");
    std::fs::write(&file, text).map_err(full)?;
    let mut child = toolchain.start(toolchain.check_command(&file, keep.then_some(&olean))).await.map_err(failed)?;
    drop(child.stdin.take());
    let output = tokio::time::timeout(timeout, child.wait_with_output()).await;
    let output = output.map_err(|_| Rejection::TimedOut(timeout))?.map_err(failed)?;
    // Names of private things hold the path; without the folder they are the same in every run.
    let name = folder.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let words = String::from_utf8_lossy(&output.stdout).replace(&name, "");
    // Lean ends with 0, or 1 when there were errors; anything else is a crash.
    let died = || {
        let words = last_words(String::from_utf8_lossy(&output.stderr).lines());
        Rejection::Process(if words.is_empty() { output.status.to_string() } else { words })
    };
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(died());
    }
    let mut messages = Vec::new();
    for line in words.lines().filter(|l| !l.trim().is_empty()) {
        let raw: Raw = serde_json::from_str(line).map_err(|_| Rejection::Process(format!("unexpected output: {line}")))?;
        messages.push(Message { line: raw.pos.line, severity: raw.severity, text: raw.data });
    }
    let errors = messages.iter().any(Message::is_error);
    if output.status.code() == Some(1) && !errors {
        return Err(died());
    }
    let artifacts = match keep && !errors {
        true => Some(Artifacts::read(&olean).map_err(|e| Rejection::Process(format!("Lean wrote no {}: {e}", PARTS[0])))?),
        false => None,
    };
    Ok(Compiled { messages, artifacts })
}
