//! Proof states: goals as Lean prints them, parsed, printed back, and reduced to a key.
//!
//! Text only; knows nothing of servers or search.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// One entry of a goal's context: names that share a type, and the value for a `let`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hypothesis {
    pub names: Vec<String>,
    /// The type, with Lean's line breaks.
    #[serde(rename = "type")]
    pub ty: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

/// A goal: what is known and what is to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Goal {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub case: Option<String>,
    pub hypotheses: Vec<Hypothesis>,
    pub target: String,
}

/// Lean's text was not a list of goals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a goal as Lean prints it: {0}")]
pub struct GoalError(pub String);

/// An inaccessible name (`x✝`, `h✝²`) cannot be written in a proof.
pub fn is_inaccessible(name: &str) -> bool {
    name.contains('✝')
}

/// Whether a name stands in a text as a word of its own; of names with odd characters, whether it stands there at all.
pub fn mentions(text: &str, name: &str) -> bool {
    let odd = |c: char| !(c.is_alphanumeric() || "_'".contains(c));
    if name.contains(odd) { text.contains(name) } else { text.split(odd).any(|word| word == name) }
}

impl Goal {
    /// Parses one goal.
    ///
    /// ```
    /// use qstar::lean::Goal;
    /// let goal = Goal::parse("case succ\nn k : Nat\nih : n = k\n⊢ n + 1 = k + 1").unwrap();
    /// assert_eq!(goal.case.as_deref(), Some("succ"));
    /// assert_eq!(goal.hypotheses[0].names, ["n", "k"]);
    /// assert_eq!(goal.target, "n + 1 = k + 1");
    /// ```
    ///
    /// # Errors
    /// When there is no target, or a line is neither a hypothesis nor the continuation of one.
    pub fn parse(text: &str) -> Result<Goal, GoalError> {
        let wrong = |what: &str| GoalError(what.chars().take(200).collect());
        let mut case = None;
        let mut hypotheses = Vec::new();
        let mut entry: Option<String> = None;
        let mut lines = text.trim_end().lines().peekable();
        if let Some(tag) = lines.peek().and_then(|l| l.strip_prefix("case ")) {
            case = Some(tag.trim().to_owned());
            lines.next();
        }
        while let Some(line) = lines.next() {
            if let Some(first) = line.strip_prefix("⊢") {
                if let Some(e) = entry.take() {
                    hypotheses.push(parse_entry(&e)?);
                }
                let mut target = first.strip_prefix(' ').unwrap_or(first).to_owned();
                for more in lines {
                    target.push('\n');
                    target.push_str(more);
                }
                return Ok(Goal { case, hypotheses, target });
            }
            if line.starts_with([' ', '\t']) {
                let e = entry.as_mut().ok_or_else(|| wrong(line))?;
                e.push('\n');
                e.push_str(line);
            } else if let Some(e) = entry.replace(line.to_owned()) {
                hypotheses.push(parse_entry(&e)?);
            }
        }
        Err(wrong(text))
    }

    /// Parses several goals, separated by blank lines as in Lean's «unsolved goals» message.
    ///
    /// # Errors
    /// As [`Goal::parse`].
    pub fn parse_all(text: &str) -> Result<Vec<Goal>, GoalError> {
        text.split("\n\n").filter(|part| !part.trim().is_empty()).map(Goal::parse).collect()
    }

    /// The text by which equal goals are recognised: white space collapsed, inaccessible names and metavariables
    /// numbered by appearance, the case tag left out. Accessible names are kept: proofs mention them, so that a
    /// proof of one node is a proof of every state that meets in it.
    pub fn key(&self) -> String {
        let untagged = Goal { case: None, ..self.clone() };
        canonical(&untagged.to_string())
    }

    /// Metavariables in the goal (`?n`, `?m.12`): goals that share one are coupled.
    pub fn metavariables(&self) -> Vec<String> {
        static META: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\?[\p{L}_][\p{L}\p{N}_.✝¹²³⁴-⁹⁰]*").expect("fixed"));
        let text = self.to_string();
        let mut found: Vec<String> = META.find_iter(&text).map(|m| m.as_str().to_owned()).collect();
        found.extend(self.case.iter().map(|tag| format!("?{tag}")));
        found.sort();
        found.dedup();
        found
    }

    /// All names in the context, oldest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hypotheses.iter().flat_map(|h| h.names.iter().map(String::as_str))
    }
}

/// The key of a state of several goals.
pub fn state_key(goals: &[Goal]) -> String {
    let all: Vec<String> = goals.iter().map(|g| Goal { case: None, ..g.clone() }.to_string()).collect();
    canonical(&all.join("\n\n"))
}

fn parse_entry(text: &str) -> Result<Hypothesis, GoalError> {
    let wrong = || GoalError(text.chars().take(200).collect());
    // ` : ` may stand after a line break when the list of names fills the line.
    let (names, rest) = text.split_once(" :").ok_or_else(wrong)?;
    let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    if names.is_empty() {
        return Err(wrong());
    }
    let (ty, value) = match top_level_assign(rest) {
        Some(at) => (&rest[..at], Some(rest[at + 2..].trim_start_matches([' ', '\n']).to_owned())),
        None => (rest, None),
    };
    let ty = ty.trim_end().strip_prefix(' ').unwrap_or(ty.trim_end());
    Ok(Hypothesis { names, ty: ty.to_owned(), value })
}

/// The place of the `:=` that is in no bracket (types may hold `let x := …` inside brackets).
fn top_level_assign(text: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '⟨' => depth += 1,
            ')' | ']' | '}' | '⟩' => depth -= 1,
            ':' if depth == 0 && text[i..].starts_with(":= ") | text[i..].starts_with(":=\n") => return Some(i),
            _ => {}
        }
    }
    None
}

fn canonical(text: &str) -> String {
    static VOLATILE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}_][\p{L}\p{N}_'.]*✝[⁰¹²³⁴-⁹]*|\?[\p{L}_][\p{L}\p{N}_.]*|\s+").expect("fixed"));
    let mut seen: Vec<String> = Vec::new();
    VOLATILE
        .replace_all(text.trim(), |found: &regex::Captures| {
            let name = &found[0];
            if name.trim().is_empty() {
                return if name.contains("\n\n") { "\n".to_owned() } else { " ".to_owned() };
            }
            let number = seen.iter().position(|s| s == name).unwrap_or_else(|| {
                seen.push(name.to_owned());
                seen.len() - 1
            });
            format!("{}{number}", if name.starts_with('?') { '?' } else { '✝' })
        })
        .into_owned()
}

impl fmt::Display for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} :{}{}", self.names.join(" "), if self.ty.starts_with('\n') { "" } else { " " }, self.ty)?;
        self.value.as_ref().map_or(Ok(()), |value| write!(f, " := {value}"))
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(tag) = &self.case {
            writeln!(f, "case {tag}")?;
        }
        for h in &self.hypotheses {
            writeln!(f, "{h}")?;
        }
        write!(f, "⊢ {}", self.target)
    }
}

/// Whether any two of the goals share a metavariable, or one goal's tag is another's metavariable.
pub fn is_coupled(goals: &[Goal]) -> bool {
    let mut seen: HashMap<String, usize> = HashMap::new();
    goals.iter().enumerate().any(|(i, goal)| {
        let in_text = Goal { case: None, ..goal.clone() }.metavariables();
        let tag = goal.case.iter().map(|t| format!("?{t}"));
        let clash = in_text.iter().any(|m| {
            seen.get(m).is_some_and(|&j| j != i) || goals.iter().any(|g| g.case.as_ref().is_some_and(|t| *m == format!("?{t}")))
        });
        seen.extend(in_text.iter().cloned().chain(tag).map(|m| (m, i)));
        clash
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAN: &str = "case h.left\nα : Type u_1\ninst✝ : Inhabited α\nx y✝ : α\nf : α → Nat := fun a =>\n  let b := 1;\n  b\nh :\n  ∀ (z : α),\n    f z = 1\n⊢ f x = 1 ∧\n    f x = ?w";

    #[test]
    fn lean_text_survives_the_round_trip() {
        let goal = Goal::parse(LEAN).unwrap();
        assert_eq!(goal.to_string(), LEAN);
        assert_eq!(goal.hypotheses[3].value.as_deref(), Some("fun a =>\n  let b := 1;\n  b"));
        assert_eq!(goal.hypotheses[4].names, ["h"]);
        assert_eq!(goal.metavariables(), ["?h.left", "?w"]);
    }

    #[test]
    fn keys_ignore_layout_tags_and_inaccessible_names_only() {
        let a = Goal::parse("case x\nn✝ : Nat\nh : n✝ = 1\n⊢ n✝ + 1 = ?m.5").unwrap();
        let b = Goal::parse("n✝¹ : Nat\nh : n✝¹ =\n    1\n⊢ n✝¹ + 1 = ?m.71").unwrap();
        let c = Goal::parse("n✝¹ : Nat\ng : n✝¹ = 1\n⊢ n✝¹ + 1 = ?m.71").unwrap();
        assert_eq!(a.key(), b.key());
        assert_ne!(a.key(), c.key());
        let crossed = Goal::parse("a✝ b✝ : Nat\n⊢ a✝ < b✝").unwrap().key();
        assert_ne!(crossed, Goal::parse("a✝ b✝ : Nat\n⊢ b✝ < a✝").unwrap().key());
    }

    #[test]
    fn text_that_is_no_goal_is_refused() {
        for text in ["", "h : p", "  x : y\n⊢ p", "nonsense\n⊢ p"] {
            assert!(Goal::parse(text).is_err(), "{text:?}");
        }
    }

    fn word() -> impl Strategy<Value = String> {
        "[a-zαβℕ][a-z0-9₀']{0,4}(✝[¹²]?)?"
    }
    fn term() -> impl Strategy<Value = String> {
        prop::collection::vec(prop_oneof![word(), Just("+ 1 =".into()), Just("(∀ x : ℕ, x)".into())], 1..5)
            .prop_flat_map(|w| prop_oneof![Just(w.join(" ")), Just(w.join("\n    "))])
    }
    fn goal() -> impl Strategy<Value = Goal> {
        let hypothesis = (prop::collection::vec(word(), 1..4), term(), prop::option::of(term()))
            .prop_map(|(names, ty, value)| Hypothesis { names, ty, value });
        (prop::option::of("[a-z]{1,5}(\\.[a-z]{1,3})?"), prop::collection::vec(hypothesis, 0..5), term())
            .prop_map(|(case, hypotheses, target)| Goal { case, hypotheses, target })
    }

    proptest! {
        #[test]
        fn printing_then_parsing_is_the_identity(goals in prop::collection::vec(goal(), 1..4)) {
            let text: Vec<String> = goals.iter().map(Goal::to_string).collect();
            prop_assert_eq!(Goal::parse_all(&text.join("\n\n")).unwrap(), goals);
        }

        #[test]
        fn keys_do_not_depend_on_line_breaks(goal in goal()) {
            let mut flat = goal.clone();
            flat.target = flat.target.replace("\n    ", " ");
            prop_assert_eq!(goal.key(), flat.key());
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,60}(\n\\PC{0,20}){0,4}") {
            let _ = Goal::parse_all(&text);
        }
    }
}
