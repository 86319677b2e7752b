//! Projects: a Lake project, or a folder of compiled modules; where its libraries lie and which Lean it wants.
//!
//! Knows Lake's folders and its manifest; starts nothing but `lake --version`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;

/// A folder whose compiled modules are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    pub root: PathBuf,
    /// Lean runs through `lake`; else the compiled modules are named to it in `LEAN_PATH`.
    pub lake: bool,
}

/// Where Lake puts compiled modules: newer ones into the inner folder, older ones into the outer one.
fn built(root: &Path) -> [PathBuf; 2] {
    [root.join(".lake/build/lib/lean"), root.join(".lake/build/lib")]
}

impl Project {
    /// A folder that the user named: a Lake project, or any folder with compiled modules where Lake has them, or in itself.
    ///
    /// # Errors
    /// When it is no folder, or neither.
    pub fn named(folder: &Path) -> Result<Project> {
        let Ok(root) = folder.canonicalize() else {
            bail!("the project {} is not there; --project (or QSTAR_PROJECT) names a folder", folder.display());
        };
        if !root.is_dir() {
            bail!("the project {} is a file; --project (or QSTAR_PROJECT) names the folder of its lakefile", folder.display());
        }
        let project = Project { lake: has_lakefile(&root), root };
        if !project.lake && project.library().is_empty() {
            let near = around(&project.root).map(|root| format!("; do you mean {}?", root.display())).unwrap_or_default();
            bail!("{} is no Lake project (no lakefile) and holds no compiled modules (.olean){near}", folder.display());
        }
        Ok(project)
    }

    /// The Lake project around a file or folder.
    pub fn around(near: &Path) -> Option<Project> {
        Some(Project { root: around(&near.canonicalize().ok()?)?, lake: true })
    }

    /// Whether Lake runs there: through elan it does when the project's toolchain is to be had.
    pub fn lake_runs(&self) -> bool {
        let version = Command::new("lake").arg("--version").current_dir(&self.root).output();
        self.lake && version.is_ok_and(|o| o.status.success())
    }

    /// The same, without Lake.
    pub fn as_folder(&self) -> Project {
        Project { root: self.root.clone(), lake: false }
    }

    /// The Lean that `lean-toolchain` names, such as `leanprover/lean4:v4.24.0`.
    pub fn wants(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join("lean-toolchain")).ok()?;
        Some(text.trim().to_owned()).filter(|t| !t.is_empty())
    }

    /// Whether the Lean of that version line (`Lean (version 4.24.0, …)`) is the one wanted. What names no version fits.
    pub fn fits(&self, version: &str) -> bool {
        let Some(wanted) = self.wants() else { return true };
        let number = wanted.rsplit(':').next().unwrap_or(&wanted).trim_start_matches('v');
        !number.starts_with(|c: char| c.is_ascii_digit()) || version.contains(&format!("version {number},"))
    }

    /// Folders with compiled modules: the project's own, those of its packages, and itself when modules lie in it.
    pub fn library(&self) -> Vec<PathBuf> {
        let mut folders = self.own_library();
        folders.extend(self.packages().iter().flat_map(|root| built(root)).filter(|f| f.is_dir()));
        folders
    }

    /// Those of them that hold the project's own modules.
    pub fn own_library(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = built(&self.root).into_iter().filter(|f| f.is_dir()).collect();
        if holds_modules(&self.root) {
            folders.push(self.root.clone());
        }
        folders
    }

    /// The folders of its packages: those that Lake fetched, and those that the manifest names by path.
    pub fn packages(&self) -> Vec<PathBuf> {
        let manifest = std::fs::read_to_string(self.root.join("lake-manifest.json")).unwrap_or_default();
        let manifest: Value = serde_json::from_str(&manifest).unwrap_or_default();
        let fetched = self.root.join(manifest["packagesDir"].as_str().unwrap_or(".lake/packages"));
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(fetched).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        found.sort();
        let by_path = manifest["packages"].as_array().into_iter().flatten().filter(|p| p["type"] == "path");
        found.extend(by_path.filter_map(|p| p["dir"].as_str()).map(|dir| self.root.join(dir)));
        found
    }
}

fn has_lakefile(folder: &Path) -> bool {
    folder.join("lakefile.toml").is_file() || folder.join("lakefile.lean").is_file()
}

fn around(near: &Path) -> Option<PathBuf> {
    near.ancestors().find(|d| has_lakefile(d)).map(Path::to_owned)
}

fn holds_modules(folder: &Path) -> bool {
    let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.any(|file| file.path().extension().is_some_and(|e| e == "olean"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_the_nearest_folder_with_a_lakefile() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(top.path().join("lakefile.toml"), "").unwrap();
        let root = top.path().canonicalize().unwrap();
        assert_eq!(Project::around(&inner), Some(Project { root: root.clone(), lake: true }));
        let error = Project::named(&inner).unwrap_err().to_string();
        assert!(error.contains(&format!("do you mean {}", root.display())), "{error}");
        for wrong in [top.path().join("nowhere"), top.path().join("lakefile.toml")] {
            assert!(Project::named(&wrong).unwrap_err().to_string().contains("--project"));
        }
    }

    #[test]
    fn libraries_are_the_projects_own_and_those_of_its_packages() {
        let top = tempfile::tempdir().unwrap();
        let make = |folder: &str| std::fs::create_dir_all(top.path().join(folder)).unwrap();
        for folder in ["p/.lake/build/lib/lean", "p/.lake/packages/mathlib/.lake/build/lib", "beside/.lake/build/lib/lean"] {
            make(folder);
        }
        let root = top.path().join("p").canonicalize().unwrap();
        std::fs::write(root.join("lakefile.toml"), "").unwrap();
        std::fs::write(root.join("lake-manifest.json"), r#"{"packages": [{"type": "path", "dir": "../beside"}]}"#).unwrap();
        std::fs::write(root.join("lean-toolchain"), "leanprover/lean4:v4.24.0\n").unwrap();
        let project = Project::named(&root).unwrap();
        assert!(project.lake);
        let folders = project.library();
        let ends = |end: &str| folders.iter().any(|f| f.ends_with(end));
        assert!(ends("p/.lake/build/lib/lean") && ends("mathlib/.lake/build/lib") && ends("beside/.lake/build/lib/lean"));
        assert!(project.fits("Lean (version 4.24.0, x86_64-unknown-linux-gnu, commit 1, Release)"));
        assert!(!project.fits("Lean (version 4.24.0-rc1, x86_64-unknown-linux-gnu, commit 1, Release)"));
        std::fs::write(root.join("lean-toolchain"), "stable\n").unwrap();
        assert!(project.fits("Lean (version 4.9.0, commit 1)"), "it names no version");
    }

    #[test]
    fn a_folder_of_compiled_modules_is_a_project() {
        let top = tempfile::tempdir().unwrap();
        assert!(Project::named(top.path()).is_err());
        std::fs::write(top.path().join("Mathlib.olean"), "").unwrap();
        let project = Project::named(top.path()).unwrap();
        assert!(!project.lake && project.library() == [project.root.clone()]);
    }
}
