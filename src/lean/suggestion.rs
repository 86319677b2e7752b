//! What Lean suggests in its messages («Try this», «Try these»), in every form in which it prints that; and the questions that
//! make it suggest something.
//!
//! Text only; knows nothing of servers.

/// Tactics that let their goal go with a `sorry` when all they found is a beginning.
const QUESTIONS: &[&str] = &["apply?", "rw?"];

/// Questions that look for theorems in the whole library. They need a module that no header has, so they are asked in a
/// document of their own, and only what they answer is tried.
pub const SIDE_QUESTIONS: &[&str] =
    &["grind? +suggestions", "try?", "simp_all? +suggestions", "simp? +suggestions", "(exact?)", "rw?"];

/// The module behind the side questions.
const SIDE_MODULE: &str = "Lean.LibrarySuggestions.Default";

/// Whether a tactic proves nothing but makes Lean suggest something.
pub fn is_question(tactic: &str) -> bool {
    is_side_question(tactic) || QUESTIONS.iter().any(|q| tactic.contains(q))
}

/// Whether a tactic is one of [`SIDE_QUESTIONS`].
pub fn is_side_question(tactic: &str) -> bool {
    SIDE_QUESTIONS.contains(&tactic)
}

/// The header under which side questions are asked; `None` for headers that choose all their imports themselves.
pub fn side_header(header: &str) -> Option<String> {
    let first = super::syntax::imports(header);
    let own = first.starts_with("prelude") || first.starts_with("module");
    (!own).then(|| format!("import {SIDE_MODULE}\n{header}"))
}

/// The suggestions in a message, in Lean's order, each as it would be written as a tactic block.
///
/// ```
/// use qstar::lean::suggestion::suggestions;
/// let message = "Try these:\n  [apply] grind only [List.map_map,\n    List.map_id]\n  [apply] simp";
/// assert_eq!(suggestions(message), ["grind only [List.map_map,\n  List.map_id]", "simp"]);
/// assert_eq!(suggestions("Try this: exact h.symm"), ["exact h.symm"]);
/// ```
pub fn suggestions(message: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in message.lines() {
        if let Some(rest) =
            ["Try this:", "Try these:"].iter().find_map(|mark| line.split_once(mark)).map(|(_, rest)| rest.trim())
        {
            inside = true;
            if !rest.is_empty() {
                found.push(marked(rest).unwrap_or(rest).to_owned());
            }
            continue;
        }
        let text = line.trim();
        if !inside || text.starts_with("--") || text.starts_with("Remaining subgoals") {
            continue;
        }
        if text.is_empty() {
            inside = false;
        } else if let Some(new) = marked(text) {
            found.push(new.to_owned());
        } else if line.starts_with([' ', '\t']) {
            match found.last_mut() {
                // Layout inside a suggestion is kept, relative to the margin at which Lean prints it.
                Some(last) if !last.is_empty() => {
                    let kept = line.strip_prefix("  ").unwrap_or(line);
                    let pad = if kept.starts_with(' ') { "" } else { "  " };
                    last.push_str(&format!("\n{pad}{}", kept.trim_end()));
                }
                _ => found.push(text.to_owned()),
            }
        } else {
            inside = false;
        }
    }
    found.retain(|s| !s.is_empty());
    found
}

/// What stands behind a mark of a suggestion in a list.
fn marked(text: &str) -> Option<&str> {
    ["[apply]", "•"].iter().find_map(|mark| text.strip_prefix(mark)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let cases: &[(&str, &[&str])] = &[
            ("Try this: simp only [h]", &["simp only [h]"]),
            ("Try this:\n  exact foo a b", &["exact foo a b"]),
            ("Try this:\n  [apply] exact foo a\n  -- Remaining subgoals:\n  -- ⊢ p\n", &["exact foo a"]),
            (
                "Try these:\n  [apply] grind only [= List.getLast?_reverse]\n  [apply] grind =>\n    instantiate only [= a]\n    cases #12",
                &["grind only [= List.getLast?_reverse]", "grind =>\n  instantiate only [= a]\n  cases #12"],
            ),
            ("Try these:\n• exact a\n• exact b\n", &["exact a", "exact b"]),
            ("found a proof\n\nTry this: rfl\n\nand another\nTry this: [apply] simp", &["rfl", "simp"]),
            ("unsolved goals", &[]),
            ("Try this:", &[]),
        ];
        for (message, expected) in cases {
            assert_eq!(suggestions(message), *expected, "{message}");
        }
    }

    #[test]
    fn questions_are_told_from_tactics() {
        assert!(is_question("rw?") && is_question("apply?") && is_question("try?"));
        assert!(!is_question("exact?") && !is_question("simp"));
        assert!(is_side_question("grind? +suggestions") && !is_side_question("apply?"));
        assert_eq!(
            side_header("import Std\nopen Nat").as_deref(),
            Some("import Lean.LibrarySuggestions.Default\nimport Std\nopen Nat")
        );
        assert_eq!(side_header("prelude\nimport Init.Core"), None);
    }
}
