//! What Mathlib's tactics see of a goal: which numbers it is about, its hypotheses with conjunctions taken apart, relations.
//!
//! Guesses from printed text, as [`shape`](super::super::shape); a wrong guess costs one failed tactic.

use std::sync::LazyLock;

use regex::Regex;

use super::super::shape::{Shape, shape, split_top, unbracketed};
use crate::lean::Goal;
use crate::lean::goal::{is_inaccessible, mentions};

/// Kinds of numbers, from those in which others are cast to those that are cast into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    Nat,
    Int,
    Rat,
    NonNegative,
    Real,
    Complex,
    /// `ZMod n`.
    Residue,
}

impl Number {
    /// The kind that a type is, as Lean prints it.
    pub fn of(ty: &str) -> Option<Number> {
        Some(match ty.trim() {
            "ℕ" | "Nat" => Number::Nat,
            "ℤ" | "Int" => Number::Int,
            "ℚ" | "Rat" => Number::Rat,
            "NNReal" | "ℝ≥0" => Number::NonNegative,
            "ℝ" | "Real" => Number::Real,
            "ℂ" | "Complex" => Number::Complex,
            other if other.starts_with("ZMod ") => Number::Residue,
            _ => return None,
        })
    }

    /// Linear arithmetic and squares that are not negative hold.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Number::Complex | Number::Residue)
    }

    /// Division undoes multiplication.
    pub fn is_field(self) -> bool {
        matches!(self, Number::Rat | Number::NonNegative | Number::Real | Number::Complex)
    }
}

/// A hypothesis, or a part of one: the term that proves it and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub term: String,
    pub says: String,
}

impl Fact {
    /// Left side, relation, right side.
    pub fn relation(&self) -> Option<(&str, Relation, &str)> {
        relation(&self.says)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
}

/// The outermost relation, with greater turned into less.
pub fn relation(text: &str) -> Option<(&str, Relation, &str)> {
    if !matches!(shape(text), Shape::Equality | Shape::Not | Shape::Other) || text.starts_with('¬') {
        return None;
    }
    let found = [
        (" = ", Relation::Equal, false),
        (" ≠ ", Relation::Unequal, false),
        (" ≤ ", Relation::AtMost, false),
        (" < ", Relation::Less, false),
        (" ≥ ", Relation::AtMost, true),
        (" > ", Relation::Less, true),
    ];
    found.into_iter().find_map(|(sign, relation, turned)| {
        let (left, right) = split_top(text, sign)?;
        let (left, right) = (left.trim(), right.trim());
        Some(if turned { (right, relation, left) } else { (left, relation, right) })
    })
}

/// See the module.
pub struct Scene<'a> {
    pub goal: &'a Goal,
    /// Context and target.
    pub text: String,
    pub target: &'a str,
    pub shape: Shape,
    /// What the target's numbers are.
    pub number: Number,
    /// Variables that are numbers.
    pub variables: Vec<(&'a str, Number)>,
    /// Variables that are functions, as `f : ℝ → ℝ`.
    pub functions: Vec<&'a str>,
    pub facts: Vec<Fact>,
}

impl<'a> Scene<'a> {
    pub fn new(goal: &'a Goal) -> Scene<'a> {
        let named = || {
            let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| (n.as_str(), h.ty.as_str())));
            all.filter(|(name, _)| !is_inaccessible(name))
        };
        let variables: Vec<(&str, Number)> = named().filter_map(|(name, ty)| Some((name, Number::of(ty)?))).collect();
        let is_function = |ty: &str| ty.contains('→') && ty.rsplit('→').next().and_then(Number::of).is_some();
        let functions = named().filter(|(_, ty)| is_function(ty) && shape(ty) == Shape::Implies).map(|(n, _)| n).collect();
        let mut facts = Vec::new();
        for (name, ty) in named() {
            parts(name.to_owned(), ty, &mut facts);
        }
        let target = goal.target.trim();
        let number = number_of(goal, target, &variables);
        let text = goal.to_string();
        Scene { goal, text, target, shape: shape(target), number, variables, functions, facts }
    }

    /// Whether the goal's text holds one of these.
    pub fn has(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.text.contains(sign))
    }

    /// Whether the target holds one of these.
    pub fn asks(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.target.contains(sign))
    }

    /// The target's relation.
    pub fn relation(&self) -> Option<(&str, Relation, &str)> {
        relation(self.target)
    }

    /// The variables of a kind that some of the goal speaks of, those of the target first.
    pub fn variables_of(&self, is: impl Fn(Number) -> bool) -> Vec<&'a str> {
        let mut found: Vec<&str> = self.variables.iter().filter(|(_, n)| is(*n)).map(|(name, _)| *name).collect();
        found.sort_by_key(|name| !mentions(self.target, name));
        found
    }

    /// The proof that a variable is positive, if a hypothesis says so.
    pub fn positive(&self, variable: &str) -> Option<&str> {
        let found = self.facts.iter().find(|f| f.relation() == Some(("0", Relation::Less, variable)));
        found.map(|f| f.term.as_str())
    }

    /// Hypotheses that say what a function, or membership, is for all values: `∀ x, f x = …`, `∀ n, n ∈ S ↔ …`.
    pub fn laws(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(|f| f.says.starts_with('∀'))
    }

    /// Closed arguments of a function in the text: numerals, single words, what stands in brackets.
    pub fn arguments(&self, function: &str) -> Vec<String> {
        let Ok(call) = Regex::new(&format!(r"(?:^|[\s(|]){} (\([^()]*\)|[\w.]+)", regex::escape(function))) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let texts = self.facts.iter().filter(|f| !f.says.starts_with(['∀', '∃'])).map(|f| f.says.as_str());
        for text in texts.chain([self.target]) {
            for argument in call.captures_iter(text).map(|c| c[1].to_owned()) {
                let known = |word: &str| self.goal.names().any(|n| n == word) || word.starts_with(|c: char| c.is_ascii_digit());
                let words = argument.split(|c: char| !(c.is_alphanumeric() || "_'.₀₁₂₃₄₅₆₇₈₉".contains(c)));
                if words.filter(|w| !w.is_empty()).all(known) && !found.contains(&argument) {
                    found.push(argument);
                }
            }
        }
        found
    }
}

/// Takes a conjunction apart: `h : p ∧ q ∧ r` gives `h.1`, `h.2.1`, `h.2.2`.
fn parts(term: String, says: &str, found: &mut Vec<Fact>) {
    let says = says.trim();
    if shape(says) == Shape::And
        && let Some((left, right)) = split_top(says, " ∧ ")
    {
        parts(format!("{term}.1"), unbracketed(left), found);
        parts(format!("{term}.2"), unbracketed(right), found);
    } else if says.contains(['=', '<', '≤', '>', '≥', '≠', '∣', '∀', '∃', '¬', '∨', '↔', '≡']) || says.contains("Prime")
    {
        found.push(Fact { term, says: says.to_owned() });
    }
}

/// A term as an argument: bracketed when it is more than one word.
pub fn argument(term: &str) -> String {
    if term.contains([' ', '/', '*', '+', '-']) && unbracketed(term) == term.trim() {
        format!("({term})")
    } else {
        term.to_owned()
    }
}

fn number_of(goal: &Goal, target: &str, variables: &[(&str, Number)]) -> Number {
    static ASCRIBED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r": (ℕ|ℤ|ℚ|ℝ|ℂ)\)").expect("fixed"));
    let spoken = variables.iter().filter(|(name, _)| mentions(target, name)).map(|(_, number)| *number);
    let results = goal.hypotheses.iter().filter(|h| h.names.iter().any(|n| mentions(target, n)));
    let results = results.filter_map(|h| Number::of(h.ty.rsplit('→').next()?));
    let ascribed = ASCRIBED.captures_iter(target).filter_map(|c| Number::of(&c[1]));
    let complex = target.contains("Complex.I").then_some(Number::Complex);
    let real = ["√", "Real.", "π"].iter().any(|sign| target.contains(sign)).then_some(Number::Real);
    let guess = if target.contains(" / ") || target.contains('⁻') { Number::Real } else { Number::Nat };
    spoken.chain(results).chain(ascribed).chain(complex).chain(real).max().unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(goal: &str, see: impl FnOnce(&Scene)) {
        see(&Scene::new(&Goal::parse(goal).unwrap()));
    }

    #[test]
    fn numbers_and_facts_are_seen() {
        scene(
            "x y : ℝ\nm : ℚ\nf : ℝ → ℝ\nh₀ : 0 < x ∧ (0 < y ∧ x ≠ y)\nh₁ : ∀ (x : ℝ), f x = x ^ 2\nh₂ : f (x + 1) = 3\n⊢ x + y ≥ 2",
            |s| {
                assert_eq!(s.number, Number::Real);
                assert_eq!(s.variables_of(Number::is_field), ["x", "y", "m"]);
                assert_eq!(s.functions, ["f"]);
                assert_eq!((s.positive("x"), s.positive("y"), s.positive("m")), (Some("h₀.1"), Some("h₀.2.1"), None));
                assert_eq!(s.relation(), Some(("2", Relation::AtMost, "x + y")));
                assert_eq!(s.laws().map(|f| f.term.as_str()).collect::<Vec<_>>(), ["h₁"]);
                assert_eq!(s.arguments("f"), ["(x + 1)"]);
            },
        );
        scene("n : ℕ\nh : ∀ k : ℕ, k = 1\n⊢ n ^ 2 % 4 = 1", |s| assert_eq!(s.number, Number::Nat));
        scene("n : ℕ\n⊢ √↑n = 2", |s| assert_eq!(s.number, Number::Real));
        scene("⊢ 120 / 100 * 30 = 10", |s| assert_eq!(s.number, Number::Real));
        scene("x : ZMod 7\n⊢ x * x = 1", |s| assert!(s.number == Number::Residue && !s.number.is_ordered()));
    }

    #[test]
    fn relations_are_the_outermost() {
        assert_eq!(relation("a / b ≥ c + 1"), Some(("c + 1", Relation::AtMost, "a / b")));
        assert_eq!(relation("∀ x, x = 1"), None);
        assert_eq!(relation("a = b ∧ c = d"), None);
        assert_eq!(relation("a = 1 → b = 2"), None);
        assert_eq!((unbracketed("(a + b)"), unbracketed("(a) + (b)")), ("a + b", "(a) + (b)"));
        assert_eq!(
            (argument("a + b"), argument("(a + b)"), argument("h.1")),
            ("(a + b)".into(), "(a + b)".into(), "h.1".into())
        );
    }
}
