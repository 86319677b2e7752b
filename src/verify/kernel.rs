//! Kernels that did not see the elaboration: they check what a compiled file holds from nothing.
//!
//! `leanchecker` comes with Lean 4.28 and newer; nanoda is given an export ([`super::nanoda`]); another program is named by its
//! path and is given the compiled file.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use super::process::Artifacts;
use super::{Rejection, nanoda};
use crate::toolchain::Toolchain;

/// Name of the module that is replayed.
const MODULE: &str = "QStarVerify";

/// Which kernel replays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kernel {
    /// `leanchecker` of the toolchain, or of the Lake project's.
    LeanChecker,
    /// nanoda, by the path of its program.
    Nanoda(PathBuf),
    /// A program that takes the path of an `.olean` file and ends with 0 when it agrees.
    Program(PathBuf),
}

impl std::str::FromStr for Kernel {
    type Err = String;

    fn from_str(text: &str) -> Result<Kernel, String> {
        match text {
            "" | "nanoda=" => Err("a kernel is `leanchecker`, `nanoda`, `nanoda=PATH` or the path of a program".into()),
            "leanchecker" => Ok(Kernel::LeanChecker),
            "nanoda" => Ok(Kernel::Nanoda(nanoda::PROGRAM.into())),
            path if path.starts_with("nanoda=") => Ok(Kernel::Nanoda(path["nanoda=".len()..].into())),
            path => Ok(Kernel::Program(path.into())),
        }
    }
}

impl Kernel {
    /// Checks a compiled file; of nanoda the theorems that are named, with all that they reach. What an agreement rests on is
    /// told where there is something to tell.
    ///
    /// # Errors
    /// [`Rejection::Kernel`] when the kernel does not agree; [`Rejection::NoKernel`] when it could not check it.
    pub async fn replay(
        &self,
        toolchain: &Toolchain,
        source: &str,
        files: &Artifacts,
        theorems: &[String],
        timeout: Duration,
    ) -> Result<Option<String>, Rejection> {
        let program = match self {
            Kernel::Nanoda(path) => return nanoda::check(path, toolchain, files, theorems, timeout).await,
            Kernel::Program(path) => Some(path),
            Kernel::LeanChecker => None,
        };
        let failed = |e: std::io::Error| Rejection::NoKernel(format!("it does not run: {e}"));
        let late = |_| Rejection::NoKernel(format!("it did not finish within {} s (--time)", timeout.as_secs()));
        let folder = tempfile::tempdir().map_err(failed)?;
        files.write(&folder.path().join(format!("{MODULE}.olean"))).map_err(failed)?;
        std::fs::write(folder.path().join(format!("{MODULE}.lean")), source).map_err(failed)?;
        let mut command = match program {
            None => {
                let mut command = toolchain.tool_command("leanchecker");
                command.arg(MODULE);
                command
            }
            Some(path) => {
                let mut command = tokio::process::Command::new(path);
                command.arg(folder.path().join(format!("{MODULE}.olean")));
                command
            }
        };
        let mut paths = vec![folder.path().to_owned()];
        paths.extend(toolchain.library_folders());
        let search = std::env::join_paths(paths).map_err(|e| Rejection::NoKernel(e.to_string()))?;
        let output = command.env("LEAN_PATH", search).stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(timeout, output).await.map_err(late)?.map_err(failed)?;
        match output.status.code() {
            Some(0) => Ok(None),
            Some(1) => {
                let words = [output.stdout, output.stderr].concat();
                Err(Rejection::Kernel(String::from_utf8_lossy(&words).trim().chars().take(600).collect()))
            }
            _ => Err(Rejection::NoKernel(format!("it ended with {}", output.status))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_names() {
        let read = |text: &str| text.parse::<Kernel>();
        assert_eq!(read("leanchecker"), Ok(Kernel::LeanChecker));
        assert_eq!(read("nanoda"), Ok(Kernel::Nanoda("nanoda_bin".into())));
        assert_eq!(read("nanoda=/a/b"), Ok(Kernel::Nanoda("/a/b".into())));
        assert_eq!(read("./nanoda"), Ok(Kernel::Program("./nanoda".into())));
        assert!(read("").is_err() && read("nanoda=").is_err());
    }
}
