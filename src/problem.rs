//! A theorem to prove: its statement and what stands before it, from a text or a Lean file.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::files::read_lean;
use crate::lean::syntax::Kind;
use crate::source::{Statement, commands};

/// A statement and what stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub name: String,
    /// Imports, definitions, notations, open namespaces; kept as they are, but for other theorems without proof.
    pub header: String,
    pub statement: Statement,
    /// The statement in words, where a dataset has them.
    pub informal: Option<String>,
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
        Ok(Problem { name, header: header.to_owned(), statement, informal: None })
    }

    /// Theorems that end in `sorry` in a Lean file; with `name`, that one only.
    ///
    /// Other theorems whose proof is missing are left out of the header: a proof must not rest on them.
    ///
    /// # Errors
    /// When the file cannot be read or cut, or has no such theorem.
    pub fn from_lean_file(path: &Path, name: Option<&str>) -> Result<Vec<Problem>> {
        let text = read_lean(path)?;
        let found = open_theorems(&text).with_context(|| format!("cannot read {} as Lean", path.display()))?;
        let names: Vec<String> = found.iter().map(|p| p.name.clone()).collect();
        let wanted: Vec<Problem> = found.into_iter().filter(|p| name.is_none_or(|n| n == p.name)).collect();
        if let (Some(name), true) = (name, wanted.is_empty()) {
            bail!("{} has no theorem `{name}` that ends in `sorry`; those it has: {}", path.display(), names.join(", "));
        }
        ensure!(!wanted.is_empty(), "{} has no theorem that ends in `sorry`", path.display());
        Ok(wanted)
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
                found.push(Problem { name, header: header.clone(), statement, informal: None });
            }
            // An unfinished proof of another kind stays out as well.
            None if is_open_theorem(&command.keyword, body) => {}
            None => header.push_str(body),
        }
    }
    Ok(found)
}

/// Whether a command is a theorem with `sorry` in it.
pub fn is_open_theorem(keyword: &str, body: &str) -> bool {
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
}
