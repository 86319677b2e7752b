//! Whether what a header imports is compiled, by the Lean at hand, and not older than its source.
//!
//! Looks at the beginnings of files only: a library of thousands of modules is looked through in a moment.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memmap2::Mmap;

use super::file_of;
use super::olean::Head;

/// What was found of a header's imports and all that they import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Modules that are there.
    pub modules: usize,
    /// Modules that are compiled nowhere.
    pub missing: Vec<String>,
    /// Modules whose file is broken or was made by another Lean, each with the reason.
    pub foreign: Vec<(String, String)>,
    /// Modules of the project whose source was changed after they were compiled.
    pub stale: Vec<String>,
}

/// Looks through what `imports` need; `commit` is that of the Lean at hand, `sources` the project's folder.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn look(folders: &[PathBuf], imports: &[String], commit: Option<&str>, sources: Option<&Path>) -> Result<Built> {
    let mut built = Built::default();
    let mut seen: HashSet<String> = imports.iter().cloned().collect();
    let mut queue: VecDeque<String> = imports.iter().cloned().collect();
    while let Some(name) = queue.pop_front() {
        let Some(file) = folders.iter().map(|f| file_of(f, &name)).find(|f| f.is_file()) else {
            built.missing.push(name);
            continue;
        };
        let cannot = || format!("cannot read {}", file.display());
        let open = File::open(&file).with_context(cannot)?;
        // SAFETY: the map is read only; a file that another process cuts off while it is read ends this one, as it would Lean.
        let bytes = unsafe { Mmap::map(&open) }.with_context(cannot)?;
        match Head::read(&bytes) {
            Ok(head) => {
                built.modules += 1;
                if let Some(commit) = commit.filter(|commit| !head.commit.is_empty() && !head.commit.starts_with(*commit)) {
                    built.foreign.push((name.clone(), format!("made by the Lean of commit {}, not {commit}", head.commit)));
                }
                queue.extend(head.imports.into_iter().filter(|module| seen.insert(module.clone())));
            }
            Err(error) => built.foreign.push((name.clone(), format!("{error:#}"))),
        }
        let source = sources.map(|root| file_of(root, &name).with_extension("lean"));
        let changed = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
        if let Some((source, compiled)) = source.and_then(|source| Some((changed(&source)?, changed(&file)?)))
            && source > compiled
        {
            built.stale.push(name);
        }
    }
    Ok(built)
}
