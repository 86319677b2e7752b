//! Indexes of premises on the disk, one file for each set of imports and folders: reading a library takes seconds or minutes, opening
//! its index a moment.
//!
//! Knows files; what an index is, `store` says, and whether it still holds.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::source::hex;

/// Files kept; beyond that the oldest go.
const KEPT: usize = 32;

/// Where the index of some imports is kept. `None`: a module is nowhere, and may come.
pub fn place(home: &Path, folders: &[PathBuf], imports: &[String]) -> Option<PathBuf> {
    let mut hash = Sha256::new();
    for module in imports {
        let inner = format!("{}.olean", module.replace('.', "/"));
        let file = folders.iter().map(|f| f.join(&inner)).find(|f| f.is_file())?;
        hash.update(format!("{}\n", file.display()));
    }
    folders.iter().for_each(|folder| hash.update(format!("in {}\n", folder.display())));
    Some(home.join("premises").join(format!("{}.premises", hex(&hash.finalize()[..12]))))
}

/// Removes the oldest files of the folder, and those of earlier versions.
pub fn prune(folder: &Path) {
    let age = |path: &PathBuf| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let (mut files, earlier): (Vec<PathBuf>, Vec<PathBuf>) = listing
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "premises" || e == "json"))
        .partition(|path| path.extension().is_some_and(|e| e == "premises"));
    files.sort_by_key(age);
    for old in files.iter().take(files.len().saturating_sub(KEPT)).chain(&earlier) {
        // Another process may have been faster.
        let _ = std::fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_imports_has_its_place_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let library = home.path().join("lib");
        std::fs::create_dir_all(library.join("A")).unwrap();
        std::fs::write(library.join("A/B.olean"), "one").unwrap();
        std::fs::write(library.join("A.olean"), "two").unwrap();
        let of = |imports: &[&str]| {
            place(home.path(), std::slice::from_ref(&library), &imports.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["A.C"]), None);
        assert_ne!(of(&["A.B"]).unwrap(), of(&["A"]).unwrap());
        let file = of(&["A.B"]).unwrap();
        let folder = file.parent().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        for n in 0..KEPT + 3 {
            std::fs::write(folder.join(format!("{n}.premises")), "").unwrap();
        }
        std::fs::write(folder.join("earlier.json"), "").unwrap();
        prune(folder);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), KEPT);
    }
}
