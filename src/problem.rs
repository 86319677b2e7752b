//! A theorem to prove, from wherever it came: a Lean file, a dataset row, the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::lean::syntax::Kind;
use crate::source::{Statement, commands};

/// A statement and what stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub name: String,
    /// Imports, definitions, notations, open namespaces; kept as they are, but for other theorems without proof.
    pub header: String,
    pub statement: Statement,
}

/// One row of a dataset in JSON lines.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "id", alias = "problem_id")]
    name: String,
    #[serde(default)]
    header: Option<String>,
    #[serde(alias = "statement", alias = "lean4_code")]
    formal_statement: String,
}

impl Problem {
    /// From a statement's text.
    ///
    /// # Errors
    /// When the text is no statement without proof.
    pub fn from_statement(header: &str, statement: &str) -> Result<Problem> {
        let statement =
            Statement::parse(statement.trim()).with_context(|| format!("not a statement to prove: {}", statement.trim()))?;
        let name = statement.name.clone().unwrap_or_else(|| "example".to_owned());
        Ok(Problem { name, header: header.to_owned(), statement })
    }

    /// Theorems that end in `sorry` in a Lean file; with `name`, that one only.
    ///
    /// Other theorems whose proof is missing are left out of the header: a proof must not rest on them.
    ///
    /// # Errors
    /// When the file cannot be read or cut, or has no such theorem.
    pub fn from_lean_file(path: &Path, name: Option<&str>) -> Result<Vec<Problem>> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = open_theorems(&text).with_context(|| format!("cannot read {} as Lean", path.display()))?;
        let names: Vec<String> = found.iter().map(|p| p.name.clone()).collect();
        let wanted: Vec<Problem> = found.into_iter().filter(|p| name.is_none_or(|n| n == p.name)).collect();
        if let (Some(name), true) = (name, wanted.is_empty()) {
            bail!("{} has no theorem `{name}` that ends in `sorry`; those it has: {}", path.display(), names.join(", "));
        }
        ensure!(!wanted.is_empty(), "{} has no theorem that ends in `sorry`", path.display());
        Ok(wanted)
    }

    /// Rows of a dataset in JSON lines; with `name`, that one only.
    ///
    /// # Errors
    /// Naming file and line of a bad row.
    pub fn from_jsonl(path: &Path, name: Option<&str>) -> Result<Vec<Problem>> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut found = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let at = || format!("{}:{}: bad row (needs `name` and `formal_statement`)", path.display(), i + 1);
            let row: Row = serde_json::from_str(line).with_context(at)?;
            if name.is_some_and(|n| n != row.name) {
                continue;
            }
            let mut problem =
                Problem::from_statement(row.header.as_deref().unwrap_or(""), &row.formal_statement).with_context(at)?;
            problem.name = row.name;
            found.push(problem);
        }
        ensure!(
            !found.is_empty(),
            "{} has no row{}",
            path.display(),
            name.map(|n| format!(" named `{n}`")).unwrap_or_default()
        );
        Ok(found)
    }

    /// `FILE.lean`, `FILE.lean:name` or `DATA.jsonl`, as on the command line.
    ///
    /// # Errors
    /// As the loaders of the two kinds of files.
    pub fn load(place: &str, name: Option<&str>) -> Result<Vec<Problem>> {
        let (path, inner) = match place.rsplit_once(':') {
            Some((path, inner)) if !Path::new(place).exists() => (PathBuf::from(path), Some(inner)),
            _ => (PathBuf::from(place), None),
        };
        let name = inner.or(name);
        match path.extension().and_then(|e| e.to_str()) {
            Some("lean") => Problem::from_lean_file(&path, name),
            Some("jsonl") => Problem::from_jsonl(&path, name),
            _ => bail!("{place}: expected a .lean or .jsonl file"),
        }
    }
}

/// The theorems of a file that have no proof, each with its header.
pub fn open_theorems(text: &str) -> Result<Vec<Problem>> {
    let commands = commands(text)?;
    let mut found: Vec<Problem> = Vec::new();
    let mut header = text[..commands.first().map_or(text.len(), |c| c.range.start)].to_owned();
    for command in &commands {
        let body = &text[command.range.clone()];
        let statement = ["theorem", "lemma", "example"]
            .contains(&command.keyword.as_str())
            .then(|| Statement::parse(body.trim()).ok())
            .flatten();
        match statement {
            Some(statement) => {
                let name = statement.name.clone().unwrap_or_else(|| format!("example_{}", found.len() + 1));
                found.push(Problem { name, header: header.clone(), statement });
            }
            // An unfinished proof of another kind stays out as well.
            None if is_theorem_with_sorry(&command.keyword, body) => {}
            None => header.push_str(body),
        }
    }
    Ok(found)
}

fn is_theorem_with_sorry(keyword: &str, body: &str) -> bool {
    ["theorem", "lemma", "example"].contains(&keyword)
        && crate::lean::syntax::tokens(body).is_ok_and(|t| t.iter().any(|t| t.kind == Kind::Name && t.text == "sorry"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_open_theorems_stay_out_of_the_header() {
        let file = "open Nat\ndef f (n : Nat) := n\n\ntheorem a : f 1 = 1 := by\n  sorry\n\ntheorem b : f 2 = 2 := rfl\n\ntheorem c : f 3 = 3 := sorry\n";
        let found = open_theorems(file).unwrap();
        assert_eq!(found.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(found[1].header, "open Nat\ndef f (n : Nat) := n\n\ntheorem b : f 2 = 2 := rfl\n\n");
    }

    #[test]
    fn bad_rows_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "{\"name\":\"x\",\"formal_statement\":\"theorem x : 1 = 1 := by\"}\n{oops}\n").unwrap();
        let error = Problem::from_jsonl(&path, None).unwrap_err().to_string();
        assert!(error.contains("a.jsonl:2"), "{error}");
        assert!(Problem::from_jsonl(&path, Some("x")).is_err(), "a bad row is named even when another is asked for");
    }
}
