//! A whole document, judged as it stands: what is asked, and all that Lean said of it.
//!
//! Unlike a batch, its text may be anything. It has a document of its own, and what could have changed the process that
//! read it takes that process along.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::Regex;

use super::protocol::LeanDiagnostic;

/// A text to be elaborated, and places in it whose goals are wanted.
#[derive(Debug, Clone)]
pub struct Snippet {
    /// What the text begins with: all that it imports, in one line each.
    pub imports: String,
    pub text: Arc<str>,
    /// For the elaboration; the start of a worker and its imports are not counted.
    pub time: Duration,
    /// Lines and UTF-16 columns, from 0.
    pub places: Vec<(u32, u32)>,
}

/// What Lean said of a document.
#[derive(Debug, Clone)]
pub struct Reading {
    pub diagnostics: Vec<LeanDiagnostic>,
    /// `None` when all was elaborated; else the first line still at work when time was up.
    pub stuck_at: Option<u32>,
    /// For each place: its goals (none: the proof is complete there), or `None` where no proof stands.
    pub goals: Vec<Option<Vec<String>>>,
    /// Time of the elaboration.
    pub time: Duration,
    /// Private memory of the worker's processes, in bytes.
    pub memory: u64,
}

/// Attributes that only mark declarations.
const MARKS: &[&str] = &[
    "simp",
    "grind",
    "ext",
    "norm_cast",
    "push_cast",
    "reducible",
    "irreducible",
    "inline",
    "always_inline",
    "noinline",
    "specialize",
    "instance",
    "default_instance",
    "class",
    "elab_as_elim",
    "induction_eliminator",
    "cases_eliminator",
    "refl",
    "symm",
    "trans",
    "congr",
    "gcongr",
    "aesop",
    "simps",
    "to_additive",
    "nolint",
    "deprecated",
    "inherit_doc",
    "match_pattern",
    "coe",
    "mono",
    "fun_prop",
    "measurability",
    "continuity",
    "bound",
    "rw",
    "simp_arith",
    "semireducible",
];

/// Whether a text could run code of its own while it is elaborated, and so leave something behind in the process: then
/// nothing else may be judged there afterwards. The bare text is looked at, comments and strings included: what a
/// tokenizer takes for a comment need not be one to Lean.
pub fn runs_code(text: &str) -> bool {
    static WAYS: LazyLock<Regex> = LazyLock::new(|| {
        let ways = r"#eval|run_(cmd|elab|meta|tac)|by_elab|\belab\b|\belab_rules|\bmacro|simproc|initialize|unsafe|implemented_by|extern|eval%";
        Regex::new(ways).expect("a fixed pattern")
    });
    static ATTRIBUTES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"@\[|\battribute\b\s*\[?").expect("a fixed pattern"));
    let unknown = |place: regex::Match<'_>| {
        let list = text[place.end()..].split(']').next().unwrap_or("");
        !place.as_str().ends_with('[')
            || list.split(',').any(|one| {
                let word = one.split_whitespace().find(|w| !["local", "scoped"].contains(w)).unwrap_or("");
                let word = word.trim_start_matches('-').split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
                !word.is_some_and(|w| MARKS.contains(&w))
            })
    };
    WAYS.is_match(text) || ATTRIBUTES.find_iter(text).any(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_code_is_seen() {
        for text in [
            "#eval 1",
            "open Lean in\nrun_cmd skip",
            "elab \"x\" : tactic => pure ()",
            "macro \"x\" : term => `(1)",
            "@[extern \"lean_io_exit\"] opaque f : Nat",
            "@[simp, tactic foo] def f := 1",
            "attribute /- -/ [tactic] f",
            "unsafe def f := 1",
            "/- -/ #eval 1",
            "@[init] def f := 1",
            "\"\\\"\" #eval",
        ] {
            assert!(runs_code(text), "{text}");
        }
        for text in [
            "theorem t : 1 = 1 := rfl -- a definition, elaborated by Lean",
            "@[simp] theorem t : 1 = 1 := by simp",
            "attribute [local simp, -grind] foo",
            "@[simp ↓, scoped grind =] theorem t : p := h",
        ] {
            assert!(!runs_code(text), "{text}");
        }
    }
}
