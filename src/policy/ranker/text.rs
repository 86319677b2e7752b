//! Goals and tactics as words: names, numbers and signs; local names by what they stand for; the premises a tactic names.
//!
//! Text only. What is here decides the features of the ranker: a change makes networks trained before it worthless, so it
//! comes with a new [`super::features::VERSION`].

use std::collections::HashMap;

use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;

/// A word of a text, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    pub text: &'a str,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Name,
    Number,
    Sign,
}

/// Cuts a text in words; white space separates and is left out.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let (kind, end) = if first.is_ascii_digit() {
            (Kind::Number, length(rest, |c| c.is_ascii_digit()))
        } else if begins_name(first) {
            // A dot belongs to the name when more of it follows.
            let mut end = length(rest, in_name);
            while rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c| begins_name(c) || c.is_ascii_digit()) {
                end += 1 + length(&rest[end + 1..], in_name);
            }
            (Kind::Name, end)
        } else if first.is_ascii_punctuation() && !is_bracket(first) {
            (Kind::Sign, length(rest, |c| c.is_ascii_punctuation() && !is_bracket(c)))
        } else {
            (Kind::Sign, first.len_utf8())
        };
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Word { text, kind })
    })
}

fn length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn begins_name(c: char) -> bool {
    (c.is_alphabetic() && c != 'λ') || c == '_'
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || "_'!?✝".contains(c) || ('₀'..='₉').contains(&c)
}

fn is_bracket(c: char) -> bool {
    "()[]{}".contains(c)
}

/// Signs that relate or connect: what a proposition is about, the weakest first.
const RELATIONS: [&str; 20] =
    ["∀", "∃", "↔", "→", "∨", "∧", "¬", "=", "≠", "<", "≤", ">", "≥", "∣", "∈", "∉", "⊆", "==", "!=", "≍"];

/// The head of a type or a proposition: the weakest relation outside of brackets, or the first word.
pub fn head(text: &str) -> &str {
    let mut depth = 0usize;
    let mut best: Option<(usize, &str)> = None;
    let mut first = None;
    for word in words(text) {
        match word.text {
            "(" | "[" | "{" | "⟨" => depth += 1,
            ")" | "]" | "}" | "⟩" => depth = depth.saturating_sub(1),
            sign if depth == 0 => {
                first = first.or(Some(word.text));
                if let Some(rank) = RELATIONS.iter().position(|r| *r == sign)
                    && best.is_none_or(|(known, _)| rank < known)
                {
                    best = Some((rank, word.text));
                }
                // A quantifier holds all that follows.
                if matches!(sign, "∀" | "∃") {
                    break;
                }
            }
            _ => {}
        }
    }
    best.map(|(_, sign)| sign).or(first).unwrap_or("")
}

/// What the local names of a goal stand for: the head of each one's type.
pub fn locals(goal: &Goal) -> HashMap<&str, &str> {
    let entries = goal.hypotheses.iter().map(|h| (&h.names, head(&h.ty)));
    entries.flat_map(|(names, head)| names.iter().map(move |n| (n.as_str(), head))).collect()
}

/// The local name that a word is or begins with: `h`, and `h` of `h.1`.
pub fn local<'b>(locals: &HashMap<&str, &'b str>, word: &str) -> Option<&'b str> {
    let first = word.split_once('.').map_or(word, |(first, _)| first);
    locals.get(word).or_else(|| locals.get(first)).copied()
}

/// What a tactic's names stand for that it gives to hypotheses which have none that can be written, and the tactic behind that:
/// `rename_i a b` names the newest two.
pub fn given<'a>(tactic: &'a str, goal: &'a Goal) -> (HashMap<&'a str, &'a str>, &'a str) {
    let Some((names, rest)) = tactic.strip_prefix("rename_i ").and_then(|t| t.split_once('\n')) else {
        return (HashMap::new(), tactic);
    };
    let hidden: Vec<&str> = goal.names().filter(|n| is_inaccessible(n)).collect();
    (names.split_whitespace().rev().zip(hidden.into_iter().rev()).filter(|(name, _)| *name != "_").collect(), rest)
}

/// Words that tactics are made of, and that look like names of theorems.
const TACTICS: [&str; 14] = [
    "simp_all",
    "by_cases",
    "by_contra",
    "simp_arith",
    "rw_mod_cast",
    "exact_mod_cast",
    "push_cast",
    "norm_cast",
    "fun_induction",
    "fun_cases",
    "bv_decide",
    "native_decide",
    "ac_rfl",
    "exists_intro",
];

/// Whether a word of a tactic names a constant of a library: dotted from a capital letter, or spelt as theorems are.
pub fn is_constant(word: &str) -> bool {
    match word.split_once('.') {
        Some((first, _)) => first.starts_with(|c: char| c.is_uppercase()),
        None => word.trim_matches('_').contains('_') && !TACTICS.contains(&word),
    }
}

/// The first theorem or definition of the library that a tactic names at a goal.
pub fn premise<'a>(tactic: &'a str, goal: &str) -> Option<&'a str> {
    let mut named = words(tactic).filter(|w| w.kind == Kind::Name && is_constant(w.text)).map(|w| w.text).peekable();
    named.peek()?;
    let goal = Goal::parse(goal.split("\n\n").next().unwrap_or(goal)).ok();
    let locals = goal.as_ref().map(locals).unwrap_or_default();
    named.find(|name| local(&locals, name).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        words(text).map(|w| w.text).collect()
    }

    #[test]
    fn words_are_names_numbers_and_signs() {
        assert_eq!(cut("rw [← Nat.add_comm, h.1] at h₁ ⊢"), ["rw", "[", "←", "Nat.add_comm", ",", "h.1", "]", "at", "h₁", "⊢"]);
        assert_eq!(cut("∀ x, x<3 ∧ f (n+10)=.."), ["∀", "x", ",", "x", "<", "3", "∧", "f", "(", "n", "+", "10", ")", "=.."]);
        assert_eq!(cut("x✝.symm l.length."), ["x✝.symm", "l.length", "."]);
        assert!(cut(" \n ").is_empty());
    }

    #[test]
    fn heads_are_what_a_proposition_is_about() {
        assert_eq!(head("a + 1 = b ∧ c"), "∧");
        assert_eq!(head("∃ x, x = 1 → p"), "∃");
        assert_eq!(head("(a ∧ b) → c"), "→");
        assert_eq!(head("List (α × β)"), "List");
        assert_eq!(head("xs.length ≤ ys.length"), "≤");
        assert_eq!(head("(∀ x, p x)"), "");
    }

    #[test]
    fn premises_are_constants_and_no_local_names() {
        let goal = "n_pos : 0 < n\nn : Nat\n⊢ n + 0 = n";
        assert_eq!(premise("simp [n_pos, Nat.add_zero]", goal), Some("Nat.add_zero"));
        assert_eq!(premise("rw [and_comm]", goal), Some("and_comm"));
        assert_eq!(premise("simp_all", goal), None);
        assert_eq!(premise("exact n_pos", goal), None);
        assert_eq!(premise("induction n <;> simp", goal), None);
    }
}
