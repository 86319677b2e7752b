//! Indexes of premises on the disk, one file for each set of imports: reading a library takes seconds, its index a moment.
//!
//! Knows files; what an index is, its parent says.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::Postings;
use crate::files::put;
use crate::source::hex;

/// Files kept; beyond that the oldest go.
const KEPT: usize = 32;
/// Changes when an index is made otherwise.
const FORMAT: &str = "premises 3";

/// Where the index of some imports is kept. A module that was built anew has another place: so have those that import it, for Lake
/// builds them anew as well, and what stands in the header is enough to look at. `None`: a module is nowhere.
pub fn place(home: &Path, folders: &[PathBuf], imports: &[String]) -> Option<PathBuf> {
    let mut hash = Sha256::new_with_prefix(FORMAT);
    for module in imports {
        let inner = format!("{}.olean", module.replace('.', "/"));
        let file = folders.iter().map(|f| f.join(&inner)).find(|f| f.is_file())?;
        let about = file.metadata().ok()?;
        let built = about.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        hash.update(format!("\n{} {} {}", file.display(), about.len(), built.as_nanos()));
    }
    Some(home.join("premises").join(format!("{}.json", hex(&hash.finalize()[..12]))))
}

/// The index in a file; `None` when there is none that can be read.
pub fn open(file: &Path) -> Option<Postings> {
    let found: Postings = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let known = |list: &Vec<u32>| !list.is_empty() && list.iter().all(|&n| (n as usize) < found.names.len());
    (found.names.len() == found.rewrites.len() && found.features.values().all(known)).then_some(found)
}

/// Keeps an index.
///
/// # Errors
/// When the cache cannot be written to.
pub fn keep(file: &Path, index: &Postings) -> Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    put(file, &serde_json::to_string(index)?)?;
    let age = |path: &PathBuf| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort_by_key(age);
    for old in files.iter().take(files.len().saturating_sub(KEPT)) {
        // Another process may have been faster.
        let _ = std::fs::remove_file(old);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_kept_under_what_its_modules_are() {
        let home = tempfile::tempdir().unwrap();
        let library = home.path().join("lib");
        std::fs::create_dir_all(library.join("A")).unwrap();
        std::fs::write(library.join("A/B.olean"), "one").unwrap();
        let (folders, imports) = ([library.clone()], ["A.B".to_owned()]);
        assert_eq!(place(home.path(), &folders, &["A.C".to_owned()]), None);
        let file = place(home.path(), &folders, &imports).unwrap();
        assert!(open(&file).is_none());
        let features = [("Eq".into(), vec![0])].into();
        let index = Postings { names: vec!["A.t".into()], rewrites: vec![true], features, definitions: vec!["A.f".into()] };
        keep(&file, &index).unwrap();
        assert_eq!(open(&file), Some(index.clone()));
        std::fs::write(&file, "{\"names\":[").unwrap();
        assert!(open(&file).is_none(), "what was cut off is made again");
        std::fs::write(&file, r#"{"names":["A.t"],"rewrites":[true],"features":{"Eq":[1]},"definitions":[]}"#).unwrap();
        assert!(open(&file).is_none(), "there is no second theorem");
        std::fs::write(library.join("A/B.olean"), "built anew").unwrap();
        assert_ne!(place(home.path(), &folders, &imports).unwrap(), file);
        for n in 0..KEPT + 3 {
            keep(&file.with_file_name(format!("{n}.json")), &index).unwrap();
        }
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), KEPT);
    }
}
