//! What Lean adds to the Language Server Protocol, and the messages that a session sends.
//!
//! Protocol types stay here and in `session`; everything above speaks of documents and verdicts.

use lsp_types::{Diagnostic, DiagnosticSeverity, Position, Range};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A diagnostic with Lean's own fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeanDiagnostic {
    #[serde(flatten)]
    pub base: Diagnostic,
    /// 1: unsolved goals; 2: goals accomplished.
    #[serde(default)]
    pub lean_tags: Vec<u32>,
    /// Where the message belongs; `base.range` ends with its first line.
    #[serde(default)]
    pub full_range: Option<Range>,
    /// Not meant to be shown, as «goals accomplished».
    #[serde(default)]
    pub is_silent: Option<bool>,
}

impl LeanDiagnostic {
    pub fn is_error(&self) -> bool {
        self.base.severity.is_none_or(|s| s == DiagnosticSeverity::ERROR)
    }

    pub fn is_unsolved_goals(&self) -> bool {
        self.lean_tags.contains(&1) || self.base.message.starts_with("unsolved goals\n")
    }

    pub fn start(&self) -> Position {
        self.base.range.start
    }
}

/// `textDocument/publishDiagnostics`, with the version that Lean always sends.
#[derive(Debug, Deserialize)]
pub struct PublishDiagnostics {
    pub version: Option<i32>,
    pub diagnostics: Vec<LeanDiagnostic>,
}

/// `$/lean/fileProgress`: the ranges that are still being elaborated; none when all is done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileProgress {
    pub text_document: VersionedDocument,
    pub processing: Vec<Processing>,
}

#[derive(Debug, Deserialize)]
pub struct VersionedDocument {
    pub version: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub struct Processing {
    pub range: Range,
}

/// `$/lean/plainGoal`'s answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainGoal {
    pub rendered: String,
    pub goals: Vec<String>,
}

/// `$/lean/plainTermGoal`'s answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainTermGoal {
    pub goal: String,
}

pub fn request(id: i64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The first version of a document. `dependencyBuildMode: never`: imports are used as they are built.
pub fn did_open(uri: &str, version: i32, text: &str) -> Value {
    let item = json!({"uri": uri, "languageId": "lean", "version": version, "text": text});
    notification("textDocument/didOpen", json!({"textDocument": item, "dependencyBuildMode": "never"}))
}

/// A later version, as a whole: Lean itself finds the first command that differs.
pub fn did_change(uri: &str, version: i32, text: &str) -> Value {
    let params = json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]});
    notification("textDocument/didChange", params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lean_fields_are_read() {
        let range = json!({"start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 4}});
        let message = json!({"uri": "file:///a", "version": 3, "diagnostics": [
            {"range": range, "fullRange": range, "severity": 1, "leanTags": [1], "message": "unsolved goals\n⊢ p", "source": "Lean 4"}]});
        let published: PublishDiagnostics = serde_json::from_value(message).unwrap();
        assert!(published.diagnostics[0].is_error() && published.diagnostics[0].is_unsolved_goals());
        assert_eq!(published.diagnostics[0].start(), Position::new(1, 2));
    }
}
