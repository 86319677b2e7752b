//! What the portfolio sees of a goal's text: connectives, variables and their types, numerals, moduli.
//!
//! Guesses from printed text; a wrong guess costs one failed tactic.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;
pub use crate::lean::ways::split_top;

/// The outermost connective of a proposition, as far as its text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Forall,
    Implies,
    Not,
    Exists,
    And,
    Or,
    Iff,
    Equality,
    Other,
}

/// Without one pair of brackets around all of it.
pub fn unbracketed(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) else { return text };
    let mut depth = 0i32;
    let closed = inner.chars().all(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth >= 0
    });
    if closed && depth == 0 { inner } else { text }
}

/// Whether `split` finds something in a text: `if` or `match`, not `bif`.
pub fn branches(text: &str) -> bool {
    text.contains("match ") || text.match_indices("if ").any(|(at, _)| !text[..at].ends_with('b'))
}

/// The outermost connective.
pub fn shape(text: &str) -> Shape {
    let text = text.trim();
    if text.starts_with('∀') {
        return Shape::Forall;
    }
    if text.starts_with('∃') {
        return Shape::Exists;
    }
    // Loosest first, as Lean binds them.
    for (operator, shape) in [(" ↔ ", Shape::Iff), (" → ", Shape::Implies), (" ∨ ", Shape::Or), (" ∧ ", Shape::And)] {
        if split_top(text, operator).is_some() || split_top(text, operator.trim_end()).is_some_and(|(_, r)| r.starts_with('\n'))
        {
            return shape;
        }
    }
    if text.starts_with('¬') || split_top(text, " ≠ ").is_some() {
        return Shape::Not;
    }
    if split_top(text, " = ").is_some() { Shape::Equality } else { Shape::Other }
}

/// An accessible name and its type.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub ty: &'a str,
}

/// The accessible entries of a context.
pub fn entries(goal: &Goal) -> Vec<Entry<'_>> {
    let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| Entry { name: n, ty: &h.ty }));
    all.filter(|e| !is_inaccessible(e.name)).collect()
}

/// Whether a type is one of the number types that tactics know.
pub fn number_type(ty: &str) -> Option<&'static str> {
    match ty {
        "Nat" | "ℕ" => Some("Nat"),
        "Int" | "ℤ" => Some("Int"),
        _ => None,
    }
}

/// Whether an entry is a hypothesis (its type a proposition) rather than data.
pub fn is_proposition(ty: &str) -> bool {
    ty.contains(['=', '<', '≤', '>', '≥', '∧', '∨', '¬', '∃', '↔', '∣', '≠']) || ty.starts_with('∀')
}

/// Whether a numeral stands in a text.
pub fn speaks_of_a_number(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || "_'✝₀₁₂₃₄₅₆₇₈₉".contains(c)))
        .any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

/// Small moduli in the text: after `%`, and before `∣`.
pub fn moduli(goal: &Goal) -> BTreeSet<u32> {
    static MODULUS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"% (\d{1,3})\b|\b(\d{1,3}) ∣").expect("fixed"));
    let text = goal.to_string();
    let found = MODULUS.captures_iter(&text).filter_map(|c| c.get(1).or(c.get(2))?.as_str().parse().ok());
    found.filter(|m| (2..=20).contains(m)).collect()
}

/// The numerals in a goal's text.
pub fn numerals(goal: &Goal) -> BTreeSet<u64> {
    static NUMERAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[\s(\[-])(\d{1,9})\b").expect("fixed"));
    NUMERAL.captures_iter(&goal.to_string()).filter_map(|c| c[1].parse().ok()).collect()
}

/// A name like `wish` that the goal does not use.
pub fn fresh(goal: &Goal, wish: &str, taken: &mut Vec<String>) -> String {
    let used = |name: &str| goal.names().any(|n| n == name) || taken.iter().any(|n| n == name);
    let name =
        std::iter::once(wish.to_owned()).chain((1..).map(|i| format!("{wish}{i}"))).find(|n| !used(n)).unwrap_or_default();
    taken.push(name.clone());
    name
}

/// The names bound by leading `∀`s, and whether a hypothesis follows.
pub fn binders(target: &str) -> Vec<String> {
    static BINDER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^∀ (?:\{|\()?([^:(){},]+?)(?: :|[,)}]| [<>≤≥∈])").expect("fixed"));
    BINDER.captures(target.trim()).map(|c| c[1].split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
}

/// What stands between a leading `∃` and its comma, and what is said to exist.
pub fn exists(target: &str) -> Option<(&str, &str)> {
    target.trim().strip_prefix('∃').and_then(|rest| split_top(rest, ", "))
}

/// The names that a leading `∃` binds (one behind another is looked into), and their type where it is printed.
pub fn binders_of_exists(target: &str) -> (Vec<String>, Option<&str>) {
    let Some((head, body)) = exists(target) else { return (Vec::new(), None) };
    let (words, ty) = match head.trim().trim_matches(['(', ')']).split_once(" : ") {
        Some((words, ty)) => (words, Some(ty)),
        None => (head.trim(), None),
    };
    let mut names: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    names.extend(binders_of_exists(body).0);
    (names, ty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectives_are_seen() {
        let cases = [
            ("∀ (n : Nat), p n", Shape::Forall),
            ("p ∧ q → r", Shape::Implies),
            ("(p → q) ∧ r", Shape::And),
            ("a ∨ b ∧ c", Shape::Or),
            ("p ∧ q ↔ q ∧ p", Shape::Iff),
            ("¬p", Shape::Not),
            ("a ≠ b", Shape::Not),
            ("f (a = b) = c", Shape::Equality),
            ("∃ x, x = 1", Shape::Exists),
            ("3 ∣ n", Shape::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn binders_and_moduli_are_found() {
        assert_eq!(binders("∀ (a b : Nat), a = b"), ["a", "b"]);
        assert_eq!(binders("∀ n ≥ 5, x n = 1"), ["n"]);
        assert_eq!(binders("p"), Vec::<String>::new());
        assert_eq!(binders_of_exists("∃ a b, a = b ∧ ∃ c, c = a").0, ["a", "b"]);
        assert_eq!(
            binders_of_exists("∃ (x : List Nat), ∃ y, x = [y]"),
            (vec!["x".to_owned(), "y".to_owned()], Some("List Nat"))
        );
        let goal = Goal::parse("h : n % 7 = 3\n⊢ 3 ∣ n ^ 12").unwrap();
        assert_eq!(moduli(&goal).into_iter().collect::<Vec<_>>(), [3, 7]);
    }
}
