//! Kernels that did not see the elaboration: they replay a compiled file from nothing.
//!
//! `leanchecker` comes with Lean 4.28 and newer; another program is named by its path and is given the compiled file.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use super::Rejection;
use super::process::Artifacts;
use crate::toolchain::Toolchain;

/// Name of the module that is replayed.
const MODULE: &str = "QStarVerify";

/// Which kernel replays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kernel {
    /// `leanchecker` of the toolchain, or of the Lake project's.
    LeanChecker,
    /// A program that takes the path of an `.olean` file and ends with 0 when it agrees.
    Program(PathBuf),
}

impl std::str::FromStr for Kernel {
    type Err = String;

    fn from_str(text: &str) -> Result<Kernel, String> {
        match text {
            "" => Err("a kernel is named by `leanchecker` or by the path of a program".into()),
            "leanchecker" => Ok(Kernel::LeanChecker),
            path => Ok(Kernel::Program(path.into())),
        }
    }
}

impl Kernel {
    /// Replays a compiled file.
    ///
    /// # Errors
    /// [`Rejection::Kernel`] when the kernel does not agree; [`Rejection::Process`] when it does not run.
    pub async fn replay(
        &self,
        toolchain: &Toolchain,
        source: &str,
        files: &Artifacts,
        timeout: Duration,
    ) -> Result<(), Rejection> {
        let failed = |e: std::io::Error| Rejection::Process(format!("the kernel that --kernel names does not run: {e}"));
        let folder = tempfile::tempdir().map_err(failed)?;
        files.write(&folder.path().join(format!("{MODULE}.olean"))).map_err(failed)?;
        std::fs::write(folder.path().join(format!("{MODULE}.lean")), source).map_err(failed)?;
        let mut command = match self {
            Kernel::LeanChecker => {
                let mut command = toolchain.tool_command("leanchecker");
                command.arg(MODULE);
                command
            }
            Kernel::Program(path) => {
                let mut command = tokio::process::Command::new(path);
                command.arg(folder.path().join(format!("{MODULE}.olean")));
                command
            }
        };
        let mut paths = vec![folder.path().to_owned()];
        paths.extend(toolchain.library_folders());
        let search = std::env::join_paths(paths).map_err(|e| Rejection::Process(e.to_string()))?;
        let output = command.env("LEAN_PATH", search).stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(timeout, output).await.map_err(|_| Rejection::TimedOut(timeout))?.map_err(failed)?;
        match output.status.code() {
            Some(0) => Ok(()),
            Some(1) => {
                let words = [output.stdout, output.stderr].concat();
                Err(Rejection::Kernel(String::from_utf8_lossy(&words).trim().chars().take(600).collect()))
            }
            _ => Err(Rejection::Process(format!("the kernel ended with {}", output.status))),
        }
    }
}
