//! Which Lean: finds one, makes the portable one where there is none, and knows how to start it.
//!
//! Depends on nothing else of qstar.

mod ahead;
mod glue;
pub mod portable;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::Serialize;

pub use portable::cache_home;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerKind {
    /// `lean --server` or `lake serve`: a watchdog that answers the handshake and starts a worker per document.
    Watchdog,
    /// `lean --worker`: one document, no watchdog (the portable Lean cannot start child processes).
    Worker,
}

/// Where a toolchain was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `--lean` or `QSTAR_LEAN`.
    Named,
    /// The Lake project's own, through elan.
    Project,
    /// `lean` on the PATH.
    Path,
    /// The cache folder.
    Portable,
}

/// A Lean that was found and asked for its version.
#[derive(Debug, Clone, Serialize)]
pub struct Toolchain {
    lean: PathBuf,
    server: ServerKind,
    pub source: Source,
    /// The Lake project inside which Lean runs, if any.
    project: Option<PathBuf>,
    /// What `lean --version` prints.
    pub version: String,
    #[serde(skip)]
    ahead: ahead::Ahead,
}

/// What decides which Lean is used.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// A program named by the user.
    pub lean: Option<PathBuf>,
    /// The file or folder that is worked on; its Lake project's toolchain is used.
    pub near: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a toolchain without making one. Order: named, project, PATH, cache.
    ///
    /// # Errors
    /// When a toolchain that the user named does not run. That none was found is `Ok(None)`.
    pub fn find(wish: &Wish) -> Result<Option<Toolchain>> {
        if let Some(lean) =
            wish.lean.clone().or_else(|| std::env::var_os("QSTAR_LEAN").filter(|v| !v.is_empty()).map(PathBuf::from))
        {
            let found = Toolchain::probe(lean.clone(), Source::Named, None);
            return found
                .map(Some)
                .with_context(|| format!("the Lean named by --lean or QSTAR_LEAN, {}, does not run", lean.display()));
        }
        let project = wish.near.as_deref().and_then(project_root);
        if let Some(root) = project
            && Command::new("lake").arg("--version").current_dir(&root).output().is_ok_and(|o| o.status.success())
            && let Ok(found) = Toolchain::probe("lean".into(), Source::Project, Some(root))
        {
            return Ok(Some(found));
        }
        if let Ok(found) = Toolchain::probe("lean".into(), Source::Path, None) {
            return Ok(Some(found));
        }
        match portable::installed(&cache_home()?) {
            Some(lean) => {
                portable::node_version()?;
                Toolchain::probe(lean, Source::Portable, None).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Finds a toolchain, or sets up the portable one and says so.
    ///
    /// # Errors
    /// As [`Toolchain::find`] and [`portable::install`].
    pub fn find_or_install(wish: &Wish, progress: &ProgressBar) -> Result<Toolchain> {
        if let Some(found) = Toolchain::find(wish)? {
            return Ok(found);
        }
        let home = cache_home()?;
        tracing::info!("no Lean was found: setting up the portable one in {} (once, about 20 s)", home.display());
        Toolchain::probe(portable::install(&home, progress)?, Source::Portable, None)
    }

    fn probe(lean: PathBuf, source: Source, project: Option<PathBuf>) -> Result<Toolchain> {
        let mut command = Command::new(&lean);
        if let Some(root) = &project {
            command.current_dir(root);
        }
        let output = command.arg("--version").output().with_context(|| format!("cannot start {}", lean.display()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // The exit code says nothing: the portable Lean's is not 0 here.
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(
            version.starts_with("Lean (version 4"),
            "`{} --version` printed `{version}`, which is not a Lean 4 {}",
            lean.display(),
            words.trim()
        );
        let server = if version.contains("wasm32") { ServerKind::Worker } else { ServerKind::Watchdog };
        Ok(Toolchain { lean, server, source, project, version, ahead: ahead::Ahead::default() })
    }

    /// The `lean` program.
    pub fn program(&self) -> &Path {
        &self.lean
    }

    pub fn server_kind(&self) -> ServerKind {
        self.server
    }

    /// The folder that documents are said to lie in.
    pub fn root(&self) -> PathBuf {
        self.project.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Folders with the compiled modules (`.olean`) of the toolchain and the project.
    pub fn library_folders(&self) -> Vec<PathBuf> {
        let mut command = Command::new(&self.lean);
        let asked = command.arg("--print-libdir").current_dir(self.root()).output();
        let said = asked.ok().filter(|o| o.status.success()).map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        // The portable Lean does not know where it lies; its library stands beside it.
        let beside = self.lean.parent().and_then(Path::parent).map(|root| root.join("lib/lean"));
        let mut folders: Vec<PathBuf> = said.map(PathBuf::from).into_iter().chain(beside).filter(|f| f.is_dir()).collect();
        if let Some(project) = &self.project {
            let built = |root: &Path| [root.join(".lake/build/lib/lean"), root.join(".lake/build/lib")];
            folders.extend(built(project));
            let packages = std::fs::read_dir(project.join(".lake/packages")).into_iter().flatten().flatten();
            folders.extend(packages.flat_map(|p| built(&p.path())));
        }
        folders
    }

    /// Has a process ready for the next [`Toolchain::start`], where starting takes long: the portable Lean.
    pub fn prepare(&self) {
        if self.server == ServerKind::Worker {
            let mut lean = tokio::process::Command::new(&self.lean);
            lean.current_dir(self.root());
            self.ahead.prepare(lean);
        }
    }

    /// Starts a command of this toolchain in a process of its own, which has seen nothing else: the one in waiting, or a new one.
    /// All its streams are pipes, and it ends when it is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(&self, mut command: tokio::process::Command) -> std::io::Result<tokio::process::Child> {
        let ours = command.as_std().get_program() == self.lean;
        match if ours { self.ahead.take(&command).await } else { None } {
            Some(child) => Ok(child),
            None => ahead::spawn(&mut command),
        }
    }

    /// The command of a language server; `uri` names the one document of a lone worker.
    pub fn server_command(&self, uri: &str) -> tokio::process::Command {
        const NO_DELAY: &str = "-Dserver.reportDelayMs=0";
        let mut command = match (&self.project, self.server) {
            (Some(_), ServerKind::Watchdog) => tokio::process::Command::new("lake"),
            _ => tokio::process::Command::new(&self.lean),
        };
        match (&self.project, self.server) {
            (Some(_), ServerKind::Watchdog) => command.args(["serve", "--", NO_DELAY]),
            (None, ServerKind::Watchdog) => command.args(["--server", NO_DELAY]),
            (_, ServerKind::Worker) => command.args(["--worker", NO_DELAY, uri]),
        };
        command.current_dir(self.root());
        command
    }

    /// The command that elaborates one file in a fresh process and prints messages as JSON lines.
    pub fn check_command(&self, file: &Path) -> tokio::process::Command {
        let mut command = match &self.project {
            Some(_) => {
                let mut lake = tokio::process::Command::new("lake");
                lake.arg("env").arg("lean");
                lake
            }
            None => tokio::process::Command::new(&self.lean),
        };
        command.arg("--json").arg(file).current_dir(self.root());
        command
    }
}

/// The folder of the Lake project around `near`.
fn project_root(near: &Path) -> Option<PathBuf> {
    let near = near.canonicalize().ok()?;
    near.ancestors().find(|d| d.join("lakefile.toml").is_file() || d.join("lakefile.lean").is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_lean_that_is_none_is_an_error() {
        for wrong in ["/nonexistent/lean", "/bin/true"] {
            let wish = Wish { lean: Some(wrong.into()), near: None };
            let error = Toolchain::find(&wish).unwrap_err().to_string();
            assert!(error.contains("QSTAR_LEAN"), "{error}");
        }
    }

    #[test]
    fn the_project_is_the_nearest_folder_with_a_lakefile() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(top.path().join("lakefile.toml"), "").unwrap();
        assert_eq!(project_root(&inner), Some(top.path().canonicalize().unwrap()));
    }
}
