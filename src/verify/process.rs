//! A fresh Lean process for one file.

use std::time::Duration;

use serde::Deserialize;

use super::Rejection;
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

/// Elaborates `text` as a file of its own; its messages in order. A process that dies gets one more chance: it may have
/// been memory, or whoever else works on the machine.
///
/// # Errors
/// [`Rejection::TimedOut`], or [`Rejection::Process`] when Lean does not run to its end.
pub async fn run(toolchain: &Toolchain, text: &str, timeout: Duration) -> Result<Vec<Message>, Rejection> {
    match once(toolchain, text, timeout).await {
        Err(Rejection::Process(reason)) => {
            tracing::info!("a verifying process is started again: {reason}");
            once(toolchain, text, timeout).await
        }
        ended => ended,
    }
}

async fn once(toolchain: &Toolchain, text: &str, timeout: Duration) -> Result<Vec<Message>, Rejection> {
    let failed = |e: std::io::Error| Rejection::Process(e.to_string());
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = folder.path().join("QStarVerify.lean");
    std::fs::write(&file, text).map_err(failed)?;
    let mut child = toolchain.start(toolchain.check_command(&file)).await.map_err(failed)?;
    drop(child.stdin.take());
    let output = tokio::time::timeout(timeout, child.wait_with_output()).await;
    let output = output.map_err(|_| Rejection::TimedOut(timeout))?.map_err(failed)?;
    // Names of private things hold the path; without the folder they are the same in every run.
    let name = folder.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let words = String::from_utf8_lossy(&output.stdout).replace(&name, "");
    // Lean ends with 0, or 1 when there were errors; anything else is a crash.
    let died = || {
        let last: String = String::from_utf8_lossy(&output.stderr).lines().rev().take(3).collect::<Vec<_>>().join(" | ");
        Rejection::Process(format!("{}: {last}", output.status))
    };
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(died());
    }
    let mut messages = Vec::new();
    for line in words.lines().filter(|l| !l.trim().is_empty()) {
        let raw: Raw = serde_json::from_str(line).map_err(|_| Rejection::Process(format!("unexpected output: {line}")))?;
        messages.push(Message { line: raw.pos.line, severity: raw.severity, text: raw.data });
    }
    if output.status.code() == Some(1) && !messages.iter().any(Message::is_error) {
        return Err(died());
    }
    Ok(messages)
}
