//! Datasets in JSON: one object a line, or one array of objects.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Entry;
use super::header::{look, refusal};
use crate::files::read_text;
use crate::problem::{Problem, open_theorems};

/// Fields that may hold the name and the statement; the first that is there is taken, the others are kept.
const NAMES: &[&str] = &["name", "id", "problem_id", "full_name"];
const STATEMENTS: &[&str] = &["formal_statement", "lean4_code", "lean4_statement", "formal_theorem", "statement"];

/// Fields that may say the statement in words.
const INFORMAL: &[&str] = &["informal_prefix", "informal_statement", "nl_statement", "informal_stmt", "natural_language"];

/// Words without the marks of a Lean comment around them.
fn words(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix("/--").and_then(|t| t.strip_suffix("-/")).unwrap_or(text).trim().to_owned()
}

/// Loads rows; blank lines are skipped.
///
/// # Errors
/// Naming file and line of a row without name or statement.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let text = read_text(path)?;
    if text.trim_start().starts_with('[') {
        let rows: Vec<Value> =
            serde_json::from_str(&text).with_context(|| format!("{} is no JSON array of rows", path.display()))?;
        let named = rows.into_iter().enumerate();
        return named.map(|(i, row)| entry(row, &format!("{}: row {}", path.display(), i + 1))).collect();
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            let place = format!("{}:{}", path.display(), i + 1);
            let row = serde_json::from_str(line).with_context(|| format!("{place}: not JSON"))?;
            entry(row, &place)
        })
        .collect()
}

/// One row; `place` names it in messages.
///
/// # Errors
/// When it is no object with a name and a statement.
pub fn entry(row: Value, place: &str) -> Result<Entry> {
    let help = "needs a name (`name`, `id` or `problem_id`) and a statement (`formal_statement`, `lean4_code` or `statement`)";
    let Value::Object(fields) = row else { bail!("{place}: bad row: {help}") };
    let mut more: BTreeMap<String, Value> = fields.into_iter().collect();
    let mut take = |keys: &[&str]| keys.iter().find_map(|k| more.remove(*k).filter(|v| !v.is_null()));
    let name = match take(NAMES) {
        Some(Value::String(name)) if !name.trim().is_empty() => name,
        Some(Value::Number(number)) => number.to_string(),
        _ => bail!("{place}: bad row: {help}"),
    };
    let Some(Value::String(text)) = take(STATEMENTS) else { bail!("{place}: bad row: {help}") };
    let mut string = |key: &str| match more.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => bail!("{place}: bad row: `{key}` must be a text"),
    };
    let (header, split) = (string("header")?, string("split")?);
    let header = header.unwrap_or_default();
    let mut problem = problem(&header, &text, &name).map_err(|e| format!("{e:#}"));
    let findings = match &problem {
        Ok(p) => look(&p.header, &p.statement.text),
        Err(_) => look(&header, ""),
    };
    if let Some(reason) = refusal(&findings) {
        problem = Err(format!("refused: {reason}"));
    }
    let informal = INFORMAL.iter().find_map(|key| more.get(*key)?.as_str()).map(words).filter(|w| !w.is_empty());
    let problem = problem.map(|p| Problem { name: name.clone(), informal, ..p });
    Ok(Entry { name, place: place.to_owned(), split, more, foreign: true, findings, problem })
}

/// A statement alone, or a whole Lean text with one in it: the theorem of the row's name, else the last one open.
fn problem(header: &str, text: &str, name: &str) -> Result<Problem> {
    let alone = match Problem::from_statement(header, text) {
        Ok(problem) => return Ok(problem),
        Err(error) => error,
    };
    let Ok(mut found) = open_theorems(text) else { return Err(alone) };
    let at = found.iter().position(|p| p.name == name).or(found.len().checked_sub(1));
    let Some(at) = at else { return Err(alone) };
    let inner = found.swap_remove(at);
    let header =
        if header.trim().is_empty() { inner.header.clone() } else { format!("{}\n{}", header.trim_end(), inner.header) };
    Ok(Problem { header, ..inner })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Entry>> {
        let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(file.path())
    }

    #[test]
    fn the_layouts_of_the_hubs_are_read() {
        let text = concat!(
            r#"{"name":"a","split":"valid","header":"open Nat","formal_statement":"theorem a : 1 = 1 := by","informal_prefix":"/-- One. -/"}"#,
            "\n\n",
            r#"{"problem_id":"b","lean4_code":"import Std\n\nlemma helper : 2 = 2 := rfl\n\ntheorem b : 1 = 1 := by sorry"}"#,
            "\n",
            r#"{"id":7,"problem_id":"x","statement":"theorem c : 1 = 1"}"#,
            "\n",
            r#"{"id":"d","statement":"theorem d : 1 = 1 := rfl"}"#,
        );
        let found = rows(text).unwrap();
        assert_eq!(found.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["a", "b", "7", "d"]);
        assert_eq!(found[0].more["informal_prefix"], "/-- One. -/");
        assert_eq!(found[0].problem.as_ref().unwrap().informal.as_deref(), Some("One."));
        assert_eq!((found[0].split.as_deref(), found[1].split.as_deref()), (Some("valid"), None));
        let problem = found[1].problem.as_ref().unwrap();
        assert_eq!(
            (problem.statement.text.as_str(), problem.header.trim()),
            ("theorem b : 1 = 1", "import Std\n\nlemma helper : 2 = 2 := rfl")
        );
        assert!(found[3].problem.as_ref().unwrap_err().contains("proof already"), "{:?}", found[3].problem);
    }

    #[test]
    fn bad_rows_are_named() {
        for bad in [
            "{oops}",
            "[1]",
            r#"{"name":"","statement":"theorem x : p"}"#,
            r#"{"name":"x"}"#,
            r#"{"formal_statement":"theorem x : p"}"#,
            "3",
        ] {
            let error =
                format!("{:#}", rows(&format!("{}\n{bad}\n", r#"{"name":"a","statement":"theorem a : p"}"#)).unwrap_err());
            assert!(error.contains(".jsonl:2"), "{bad}: {error}");
        }
    }

    #[test]
    fn an_array_is_a_dataset() {
        // Some editors put a mark before it.
        for mark in ["", "\u{feff}"] {
            assert_eq!(rows(&format!(r#"{mark}[{{"name":"a","statement":"theorem a : p"}}]"#)).unwrap().len(), 1);
        }
    }
}
