//! Lean processes started ahead: the portable Lean takes seconds until its module stands in memory, and a search that has
//! found a proof, or lost a worker, should not wait for that.
//!
//! A process in waiting has seen nothing of any file: it gets its arguments when it is wanted, and is used once.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// What the portable Lean takes for «your arguments come later» (see `main.js`).
const AWAIT: &str = "--qstar-await";

/// At most one process in waiting, shared by all copies of a toolchain. It ends with the last of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Ahead(Arc<Mutex<Option<Waiting>>>);

#[derive(Debug)]
struct Waiting {
    child: Child,
    environment: Vec<(OsString, Option<OsString>)>,
}

impl Ahead {
    /// Starts a process in waiting unless there is one.
    pub fn prepare(&self, mut lean: Command) {
        let Ok(mut waiting) = self.0.lock() else { return };
        let alive = waiting.as_mut().is_some_and(|w| matches!(w.child.try_wait(), Ok(None)));
        if !alive {
            let environment = environment(&lean);
            // Whether it works shows when it is wanted; without it, all goes as if it had not been tried.
            *waiting = spawn(lean.arg(AWAIT)).ok().map(|child| Waiting { child, environment });
        }
    }

    /// The process in waiting, told to go on as `command` says; `None` when there is none that could.
    pub async fn take(&self, command: &Command) -> Option<Child> {
        let fits = |w: &mut Waiting| w.environment == environment(command);
        let Waiting { mut child, .. } = self.0.lock().ok()?.take_if(fits)?;
        let asked = command.as_std();
        let args: Option<Vec<&str>> = asked.get_args().map(OsStr::to_str).collect();
        let folder = asked.get_current_dir().map_or_else(std::env::current_dir, |d| Ok(d.to_owned())).ok()?;
        let line = format!("{}\n", json!({"args": args?, "folder": folder}));
        child.stdin.as_mut()?.write_all(line.as_bytes()).await.ok()?;
        Some(child)
    }
}

/// What a command sets in its process's environment.
fn environment(command: &Command) -> Vec<(OsString, Option<OsString>)> {
    command.as_std().get_envs().map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned))).collect()
}

/// Starts a process, in a group of its own, with all its streams in our hands.
pub(super) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()
}
