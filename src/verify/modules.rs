//! The modules that a compiled file imports: which of them are the project's own, and whether Lean's insides are among them.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::process::Artifacts;
use crate::library::file_of;
use crate::library::olean::Head;
use crate::library::olean::whole::Whole;
use crate::toolchain::Toolchain;

/// The compiled modules of the project itself that a file imports, directly or not: their proofs are looked into as well.
/// Those of the toolchain and of the project's packages are trusted, and the certificate says so.
///
/// # Errors
/// When one of them cannot be read.
pub fn of_project(toolchain: &Toolchain, file: &Artifacts) -> Result<Vec<Artifacts>> {
    let folders = toolchain.own_folders();
    let mut found = Vec::new();
    let mut queue: VecDeque<String> = if folders.is_empty() { VecDeque::new() } else { file.open()?.imports.into() };
    let mut seen: HashSet<String> = queue.iter().cloned().collect();
    while let Some(name) = queue.pop_front() {
        let Some(path) = folders.iter().map(|f| file_of(f, &name)).find(|p| p.is_file()) else { continue };
        let module = Artifacts::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        queue.extend(module.open()?.imports.into_iter().filter(|i| seen.insert(i.clone())));
        found.push(module);
    }
    Ok(found)
}

/// Opens modules that were read.
///
/// # Errors
/// When one is broken.
pub fn open(modules: &[Artifacts]) -> Result<Vec<Whole<'_>>> {
    modules.iter().map(Artifacts::open).collect()
}

/// Whether one of the imported modules is a certain one, or imports it, directly or not.
///
/// # Errors
/// When a module on the way is broken.
pub fn reach(toolchain: &Toolchain, imported: Vec<String>, wanted: &str) -> Result<bool> {
    let folders = toolchain.library_folders();
    // What `prelude` and Init hold knows nothing of Lean's insides; so most files need no look.
    let mut queue: VecDeque<String> = imported.into();
    let mut seen: HashSet<String> = queue.iter().cloned().collect();
    while let Some(name) = queue.pop_front() {
        if name == wanted {
            return Ok(true);
        }
        if name == "Init" || name.starts_with("Init.") {
            continue;
        }
        let Some(path) = folders.iter().map(|f| file_of(f, &name)).find(|p: &PathBuf| p.is_file()) else { continue };
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let next = Head::read(&bytes).map(|head| head.imports).with_context(|| format!("cannot read {}", path.display()))?;
        queue.extend(next.into_iter().filter(|i| seen.insert(i.clone())));
    }
    Ok(false)
}
