//! Datasets: theorems to prove, in the formats that people have, told apart by looking.
//!
//! JSON lines, a folder of Lean files, one Lean file. Depends on `problem`; whether a statement elaborates is asked in
//! [`check`] and [`inspect`], which alone know the oracle.

pub mod check;
mod code;
pub mod header;
pub mod inspect;
pub mod rows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::files::{below, read_lean};
use crate::problem::Problem;
use crate::source::hex;
use header::Finding;

/// A theorem of a dataset.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Unique in its dataset.
    pub name: String,
    /// File and line, for messages.
    pub place: String,
    pub split: Option<String>,
    /// The row's other fields (informal statement and proof, source, tags), as they were.
    pub more: BTreeMap<String, Value>,
    /// Others wrote it: a row, not a user's own file.
    pub foreign: bool,
    /// What header and statement of a foreign one do that can bend a proof.
    pub findings: Vec<Finding>,
    /// The theorem, or why the text is none, or why it is not touched.
    pub problem: Result<Problem, String>,
}

/// What to take of a dataset.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The theorem of that name only.
    pub name: Option<String>,
    /// Rows of that split only.
    pub split: Option<String>,
    /// The first so many.
    pub first: Option<usize>,
}

/// Loads every entry of a dataset: `DATA.jsonl`, `FILE.lean`, or a folder with Lean files in it.
///
/// # Errors
/// When a file cannot be read, or a row is no JSON object with a name and a statement (file and line are named). A
/// statement that cannot be read as one is not an error here: its entry says so.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let mut entries = if path.is_dir() {
        folder(path)?
    } else {
        match path.extension().and_then(|e| e.to_str()) {
            Some("jsonl" | "ndjson" | "json") => rows::load(path)?,
            Some("lean") => lean_file(path)?,
            _ => bail!("{}: expected a .jsonl file, a .lean file or a folder of .lean files", path.display()),
        }
    };
    ensure!(!entries.is_empty(), "{} has no theorem without proof", path.display());
    make_unique(&mut entries);
    Ok(entries)
}

/// The entries that were asked for.
///
/// # Errors
/// When there are none.
pub fn select(entries: Vec<Entry>, selection: &Selection) -> Result<Vec<Entry>> {
    let names: Vec<String> = entries.iter().take(8).map(|e| e.name.clone()).collect();
    let wanted = |e: &Entry| {
        selection.name.as_ref().is_none_or(|n| *n == e.name)
            && selection.split.as_ref().is_none_or(|s| e.split.as_ref() == Some(s))
    };
    let found: Vec<Entry> = entries.into_iter().filter(wanted).take(selection.first.unwrap_or(usize::MAX)).collect();
    ensure!(
        !found.is_empty(),
        "the dataset has no theorem{}{}; it has {}, …",
        selection.name.as_ref().map(|n| format!(" `{n}`")).unwrap_or_default(),
        selection.split.as_ref().map(|s| format!(" in the split `{s}`")).unwrap_or_default(),
        names.join(", ")
    );
    Ok(found)
}

/// Bytes of a theorem's name in a file's name: systems take 255 for the whole.
const LONGEST: usize = 150;

/// A theorem's name as part of a file's name. Different names may give the same ([`file_names`]).
pub fn file_name(theorem: &str) -> String {
    let mut plain: String = theorem.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    if plain.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| plain.is_char_boundary(at)).unwrap_or(0);
        plain.truncate(end);
        plain.push_str(&format!("-{}", &hex(&Sha256::digest(theorem))[..8]));
    }
    plain
}

/// The theorems' names as parts of files' names, each another one, also where a system takes `A` for `a`.
pub fn file_names<'a>(theorems: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut used = HashSet::new();
    let mut unique = |theorem: &str| {
        let plain = file_name(theorem);
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        names.find(|name| used.insert(name.to_lowercase())).unwrap_or_default()
    };
    theorems.into_iter().map(&mut unique).collect()
}

/// Every open theorem of a Lean file; each keeps the file's text before it as its header.
fn lean_file(path: &Path) -> Result<Vec<Entry>> {
    let text = read_lean(path)?;
    let found = crate::problem::open_theorems(&text).with_context(|| format!("cannot read {} as Lean", path.display()))?;
    let entry = |problem: Problem| {
        let at = text.find(&problem.statement.text).unwrap_or(0);
        Entry {
            name: problem.name.clone(),
            place: format!("{}:{}", path.display(), text[..at].matches('\n').count() + 1),
            split: None,
            more: BTreeMap::new(),
            foreign: false,
            findings: Vec::new(),
            problem: Ok(problem),
        }
    };
    Ok(found.into_iter().map(entry).collect())
}

/// The Lean files below a folder, in the order of their paths; a folder named after a split gives it.
fn folder(path: &Path) -> Result<Vec<Entry>> {
    let is_lean = |p: &Path| p.extension().is_some_and(|e| e == "lean") && p.file_name().is_none_or(|n| n != "lakefile.lean");
    let files = below(path, is_lean)?;
    let mut found = Vec::new();
    for file in files {
        let split = split_of(path, &file);
        found.extend(lean_file(&file)?.into_iter().map(|e| Entry { split: split.clone(), ..e }));
    }
    Ok(found)
}

fn split_of(root: &Path, file: &Path) -> Option<String> {
    let inner = file.strip_prefix(root).ok()?;
    let names = inner.parent()?.components().map(|c| c.as_os_str().to_string_lossy().to_lowercase());
    names.into_iter().find(|n| ["train", "valid", "validation", "test"].contains(&n.as_str()))
}

/// Names that occur twice get their file's stem or a number behind them.
fn make_unique(entries: &mut [Entry]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    for entry in entries.iter() {
        *count.entry(entry.name.clone()).or_default() += 1;
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for entry in entries.iter_mut().filter(|e| count[&e.name] > 1) {
        let file = entry.place.rsplit_once(':').map_or(entry.place.as_str(), |(f, _)| f);
        let stem = PathBuf::from(file).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let number = seen.entry(entry.name.clone()).or_default();
        *number += 1;
        entry.name = if stem == entry.name || file.ends_with('l') {
            format!("{}#{number}", entry.name)
        } else {
            format!("{}#{stem}.{number}", entry.name)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_folder_of_files_is_a_dataset() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "Valid/b.lean", "import Std\nopen Nat\n\ntheorem b : 1 = 1 := by\n  sorry\n");
        write(folder.path(), "Test/a.lean", "/-- Informal. -/\ntheorem a : 1 = 1 := sorry\ntheorem b : 2 = 2\n");
        write(folder.path(), "lakefile.lean", "package x\n");
        write(folder.path(), ".lake/packages/c.lean", "theorem c : 1 = 1 := sorry\n");
        let found = load(folder.path()).unwrap();
        let seen: Vec<(&str, Option<&str>)> = found.iter().map(|e| (e.name.as_str(), e.split.as_deref())).collect();
        assert_eq!(seen, [("a", Some("test")), ("b#a.1", Some("test")), ("b#2", Some("valid"))]);
        assert_eq!(found[2].problem.as_ref().unwrap().header.trim(), "import Std\nopen Nat");
        assert!(found[2].place.ends_with("b.lean:4"), "{}", found[2].place);
    }

    #[test]
    fn each_theorem_has_a_file_of_its_own() {
        assert_eq!(file_names(["a'", "a_", "b#1", "b_1", "A_", "α.β"]), ["a_", "a_-2", "b_1", "b_1-2", "A_-3", "α.β"]);
        let long = |end: &str| format!("{}{end}", "ψ".repeat(200));
        let names = file_names([long("1").as_str(), long("2").as_str()]);
        assert!(names.iter().all(|n| n.len() < 200) && names[0] != names[1], "{names:?}");
    }

    #[test]
    fn what_is_asked_for_and_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "a.lean", "theorem a : 1 = 1 := sorry\n");
        let all = load(&path).unwrap();
        let none = Selection { name: Some("b".into()), ..Selection::default() };
        assert!(select(all.clone(), &none).unwrap_err().to_string().contains("no theorem `b`"));
        assert_eq!(select(all, &Selection::default()).unwrap().len(), 1);
        assert!(load(&write(folder.path(), "x.csv", "")).is_err());
        assert!(load(&write(folder.path(), "done.lean", "theorem a : 1 = 1 := rfl\n")).is_err());
    }
}
