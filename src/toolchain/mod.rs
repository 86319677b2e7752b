//! Which Lean: finds one, makes the portable one where there is none, and knows how to start it.
//!
//! Depends on nothing else of qstar.

mod ahead;
mod confine;
mod glue;
mod invoke;
pub mod portable;
pub mod processes;
mod project;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use serde::Serialize;

pub use portable::cache_home;
pub use project::Project;

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
    /// The project inside which Lean runs, if any.
    project: Option<Project>,
    /// What `lean --version` prints.
    pub version: String,
    /// Its processes see the whole machine.
    #[serde(skip)]
    open: bool,
    /// What a native Lean's processes see, where they are confined.
    #[serde(skip)]
    bounds: Option<Arc<confine::Bounds>>,
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
    /// The project that the user named, wherever the file lies.
    pub project: Option<PathBuf>,
    /// Its processes shall see the whole machine, as `QSTAR_NO_SANDBOX` says too.
    pub no_sandbox: bool,
}

impl Wish {
    fn project(&self) -> Result<Option<Project>> {
        match (&self.project, &self.near) {
            (Some(named), _) => Project::named(named).map(Some),
            (None, near) => Ok(near.as_deref().and_then(Project::around)),
        }
    }
}

impl Toolchain {
    /// Finds a toolchain without making one. Order: named, project, PATH, cache. Where Lake does not run in a project that the
    /// user named, another Lean gets its compiled modules.
    ///
    /// # Errors
    /// When a toolchain or a project that the user named cannot be used. That none was found is `Ok(None)`.
    pub fn find(wish: &Wish) -> Result<Option<Toolchain>> {
        Ok(Toolchain::look(wish)?.map(|found| found.confined(wish)))
    }

    fn look(wish: &Wish) -> Result<Option<Toolchain>> {
        let project = wish.project()?;
        let folder = project.as_ref().filter(|_| wish.project.is_some()).map(Project::as_folder);
        if let Some(lean) =
            wish.lean.clone().or_else(|| std::env::var_os("QSTAR_LEAN").filter(|v| !v.is_empty()).map(PathBuf::from))
        {
            // Workers run in another folder: a path must not depend on this one; a name alone is looked up on the PATH.
            let whole = if lean.components().count() > 1 { std::path::absolute(&lean)? } else { lean.clone() };
            let found = Toolchain::probe(whole, Source::Named, folder);
            return found
                .map(Some)
                .with_context(|| format!("the Lean named by --lean or QSTAR_LEAN, {}, does not run", lean.display()));
        }
        if let Some(project) = project
            && project.lake_runs()
            && let Ok(found) = Toolchain::probe("lean".into(), Source::Project, Some(project))
        {
            return Ok(Some(found));
        }
        if let Ok(found) = Toolchain::probe("lean".into(), Source::Path, folder.clone()) {
            return found.fitting().map(Some);
        }
        match portable::installed(&cache_home()?) {
            Some(lean) => {
                portable::node_version()?;
                Toolchain::probe(lean, Source::Portable, folder)?.fitting().map(Some)
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
        let folder = wish.project()?.filter(|_| wish.project.is_some()).map(|p| p.as_folder());
        if let Some(wanted) = folder.as_ref().and_then(Project::wants) {
            bail!("{}", unfit(&wanted, "there is no Lean"));
        }
        let home = cache_home()?;
        tracing::info!("no Lean was found: setting up the portable one in {} (once, about 20 s)", home.display());
        Ok(Toolchain::probe(portable::install(&home, progress)?, Source::Portable, folder)?.confined(wish))
    }

    /// Compiled modules are read only by the Lean that made them.
    fn fitting(self) -> Result<Toolchain> {
        match &self.project {
            Some(project) if !project.fits(&self.version) => {
                bail!("{}", unfit(&project.wants().unwrap_or_default(), &format!("what was found is {}", self.version)))
            }
            _ => Ok(self),
        }
    }

    fn probe(lean: PathBuf, source: Source, project: Option<Project>) -> Result<Toolchain> {
        let mut command = Command::new(&lean);
        if let Some(project) = project.as_ref().filter(|p| p.lake) {
            command.current_dir(&project.root);
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
        // Lean runs in the project's folder: a program that was named relative to this one must be found from there.
        let lean = if lean.components().count() > 1 { std::path::absolute(&lean).unwrap_or(lean) } else { lean };
        let server = if version.contains("wasm32") { ServerKind::Worker } else { ServerKind::Watchdog };
        Ok(Toolchain { lean, server, source, project, version, open: false, bounds: None, ahead: ahead::Ahead::default() })
    }

    /// A native Lean gets bounds, where the kernel can do that and Lean runs there.
    fn confined(mut self, wish: &Wish) -> Toolchain {
        self.open = wish.no_sandbox || std::env::var_os("QSTAR_NO_SANDBOX").is_some_and(|v| !v.is_empty());
        if self.open || self.server == ServerKind::Worker {
            return self;
        }
        if !confine::is_supported() {
            tracing::warn!(
                "this system has no Landlock: foreign Lean text runs with all that you may do (--no-sandbox: no warning)"
            );
            return self;
        }
        let bounds = confine::Bounds::new(&self.lean, self.library_folders(), self.project.as_ref().filter(|p| p.lake));
        let mut command = self.command(&["env", "lean"]).into_std();
        command.arg("--version");
        match bounds.of(&command).around(|| command.output()) {
            Ok(output) if String::from_utf8_lossy(&output.stdout).starts_with("Lean (version 4") => {
                self.bounds = Some(Arc::new(bounds));
            }
            Ok(output) => tracing::warn!(
                "Lean does not run confined, so foreign text runs with all that you may do (--no-sandbox: no warning): {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
            Err(error) => tracing::warn!("Lean cannot be confined: {error}"),
        }
        self
    }

    /// What keeps foreign text that Lean elaborates from the rest of the machine; `None` when nothing does.
    pub fn sandbox(&self) -> Option<&'static str> {
        match self.server {
            _ if self.open => None,
            ServerKind::Worker => Some("its own file system"),
            ServerKind::Watchdog => self.bounds.as_ref().map(|_| "Landlock"),
        }
    }

    /// Lets Lean's processes see the whole machine, as `QSTAR_NO_SANDBOX` does.
    pub fn without_sandbox(mut self) -> Toolchain {
        (self.open, self.bounds) = (true, None);
        self
    }

    /// The `lean` program.
    pub fn program(&self) -> &Path {
        &self.lean
    }

    pub fn server_kind(&self) -> ServerKind {
        self.server
    }

    /// The commit that Lean says it was built from.
    pub fn commit(&self) -> Option<&str> {
        let behind = self.version.split("commit ").nth(1)?;
        behind.split([',', ')']).next().map(str::trim).filter(|commit| !commit.is_empty())
    }

    /// The project inside which Lean runs.
    pub fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// The folder that documents are said to lie in.
    pub fn root(&self) -> PathBuf {
        self.project.as_ref().map_or_else(std::env::temp_dir, |p| p.root.clone())
    }

    /// Folders with the compiled modules (`.olean`) of the toolchain and the project.
    pub fn library_folders(&self) -> Vec<PathBuf> {
        let mut command = Command::new(&self.lean);
        let asked = command.arg("--print-libdir").current_dir(self.root()).output();
        let said = asked.ok().filter(|o| o.status.success()).map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        // The portable Lean does not know where it lies; its library stands beside it.
        let beside = self.lean.parent().and_then(Path::parent).map(|root| root.join("lib/lean"));
        let mut folders: Vec<PathBuf> = said.map(PathBuf::from).into_iter().chain(beside).filter(|f| f.is_dir()).collect();
        folders.extend(self.project.iter().flat_map(Project::library));
        folders.extend(self.lean_path());
        folders
    }

    /// Has a process ready for the next [`Toolchain::start`], where starting takes long: the portable Lean.
    pub fn prepare(&self) {
        if self.source == Source::Portable {
            self.ahead.prepare(self.command(&[]));
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
            None => match &self.bounds {
                Some(bounds) => {
                    let child = bounds.of(command.as_std()).around(|| ahead::spawn(&mut command))?;
                    confine::limit(child.id());
                    Ok(child)
                }
                None => ahead::spawn(&mut command),
            },
        }
    }

    /// Folders of the user's own `LEAN_PATH`; Lake puts others in its place.
    fn lean_path(&self) -> Vec<PathBuf> {
        let own = std::env::var_os("LEAN_PATH").filter(|_| !self.through_lake());
        own.iter().flat_map(std::env::split_paths).filter(|f| f.is_dir()).collect()
    }

    fn through_lake(&self) -> bool {
        self.project.as_ref().is_some_and(|p| p.lake)
    }

    /// Lean itself, or `lake` with the words that make it run Lean, in the project's folder.
    fn command(&self, lake: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(if self.through_lake() { Path::new("lake") } else { &self.lean });
        if self.through_lake() {
            command.args(lake);
        } else if let Some(project) = &self.project {
            let folders = project.library().into_iter().chain(self.lean_path());
            if let Ok(path) = std::env::join_paths(folders) {
                command.env("LEAN_PATH", path);
            }
        }
        if self.open {
            command.env("QSTAR_NO_SANDBOX", "1");
        }
        command.current_dir(self.root());
        command
    }

    /// The command of a language server; `uri` names the one document of a lone worker.
    pub fn server_command(&self, uri: &str) -> tokio::process::Command {
        const NO_DELAY: &str = "-Dserver.reportDelayMs=0";
        let mut command = self.command(&["serve", "--"]);
        match (self.through_lake(), self.server) {
            (true, _) => command.arg(NO_DELAY),
            (false, ServerKind::Watchdog) => command.args(["--server", NO_DELAY]),
            (false, ServerKind::Worker) => command.args(["--worker", NO_DELAY, uri]),
        };
        command
    }

    /// The command that elaborates one file in a fresh process and prints messages as JSON lines; with `olean`, what it
    /// compiles the file to is written there when there are no errors.
    pub fn check_command(&self, file: &Path, olean: Option<&PathBuf>) -> tokio::process::Command {
        let mut command = self.command(&["env", "lean"]);
        if let Some(olean) = olean {
            // Names of private things hold the module's name: the file's alone, wherever it lies.
            command.arg("-R").arg(file.parent().unwrap_or(Path::new("."))).arg("-o").arg(olean);
        }
        command.arg("--json").arg(file);
        command
    }

    /// Folders with the compiled modules of the project itself, its packages left out.
    pub fn own_folders(&self) -> Vec<PathBuf> {
        self.project.iter().flat_map(Project::own_library).collect()
    }

    /// Whether `#print axioms` works: the portable Lean takes every file for a module, and refuses there.
    pub fn lists_axioms(&self) -> bool {
        self.server == ServerKind::Watchdog
    }

    /// A program that comes with Lean.
    pub fn tool_command(&self, name: &str) -> tokio::process::Command {
        if self.through_lake() {
            return self.command(&["env", name]);
        }
        let mut command = tokio::process::Command::new(self.lean.with_file_name(name));
        command.current_dir(self.root());
        command
    }
}

fn unfit(wanted: &str, found: &str) -> String {
    format!(
        "the project wants {wanted} (lean-toolchain), and {found}; install elan (https://lean-lang.org/install), which gives \
         each project its own Lean, or name a Lean with --lean"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_lean_that_is_none_is_an_error() {
        for wrong in ["/nonexistent/lean", "/bin/true"] {
            let wish = Wish { lean: Some(wrong.into()), ..Wish::default() };
            let error = Toolchain::find(&wish).unwrap_err().to_string();
            assert!(error.contains("QSTAR_LEAN"), "{error}");
        }
    }
}
