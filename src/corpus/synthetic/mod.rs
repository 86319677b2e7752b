//! Synthetic theorems: true by construction, different from each other, the same for the same seed.
//!
//! They use core Lean alone, so that every toolchain understands them. How hard they are varies: some fall to one tactic,
//! others want an induction with a strengthened claim, and some are beyond the portfolio.

mod arithmetic;
mod data;
mod existence;
mod functions;
mod logic;
mod numbers;
mod quantifiers;
mod recursion;

use std::collections::HashSet;

use anyhow::{Context, Result};
use fastrand::Rng;
use serde::Serialize;

use crate::export::Split;
use crate::source::{Statement, hex};

/// Draws in a row that bring nothing new before a family counts as used up.
const PATIENCE: usize = 2000;

/// The families: for each its name, and how a theorem of it is drawn (binders and claim; `None` when what was drawn is no
/// theorem).
macro_rules! families {
    ($($(#[$doc:meta])* $name:ident => $draw:expr,)*) => {
        /// Kinds of theorems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, clap::ValueEnum)]
        #[serde(rename_all = "kebab-case")]
        pub enum Family { $($(#[$doc])* $name,)* }

        impl Family {
            pub const ALL: &[Family] = &[$(Family::$name,)*];

            /// Binders and claim of a theorem.
            fn draw(self, rng: &mut Rng) -> Option<String> {
                match self {
                    $(Family::$name => {
                        let draw: fn(&mut Rng) -> Option<String> = $draw;
                        draw(rng)
                    })*
                }
            }
        }
    };
}

families! {
    /// What follows from propositional hypotheses (found by truth table).
    Propositional => logic::propositional,
    /// Integers that two linear equations determine; sums of linear inequalities.
    Linear => |rng| Some(arithmetic::linear(rng)),
    /// Residues of polynomials, divisibility.
    Modular => arithmetic::modular,
    /// Products of linear forms, multiplied out.
    Polynomial => |rng| Some(arithmetic::polynomial(rng)),
    /// Squares are not negative.
    Inequality => |rng| Some(arithmetic::inequality(rng)),
    /// Lengths and membership in lists that are appended, reversed and mapped.
    Lists => |rng| Some(recursion::lists(rng)),
    /// Closed forms of recurrences.
    Recurrence => |rng| Some(recursion::recurrence(rng)),
    /// Solutions of linear equations, to be found.
    Witness => |rng| Some(existence::witness(rng)),
    /// Witnesses inside of witnesses, each hanging on what is given.
    NestedWitness => |rng| Some(existence::nested_witness(rng)),
    /// From what a division leaves to the number, and back.
    Quotient => |rng| Some(existence::quotient(rng)),
    /// Numbers beyond a bound with a residue of their own.
    Beyond => |rng| Some(existence::beyond(rng)),
    /// Sums of squares and products whose parts are to be found.
    Parts => |rng| Some(existence::parts(rng)),
    /// What holds of all numbers below a bound.
    BoundedAll => existence::bounded_all,
    /// All solutions of a congruence below a bound.
    BoundedSolutions => existence::bounded_solutions,
    /// Something below a bound has a property.
    BoundedSome => |rng| Some(existence::bounded_some(rng)),
    /// Numbers of finite types.
    Finite => |rng| Some(existence::finite(rng)),
    /// Divisors of sums, and of what they divide.
    Divides => |rng| Some(numbers::divides(rng)),
    /// Residues of sums and products from those of their parts.
    Residues => |rng| Some(numbers::residues(rng)),
    /// Residues that powers can have.
    PowerResidues => numbers::power_residues,
    /// Divisors of products of numbers in a row.
    Consecutive => |rng| Some(numbers::consecutive(rng)),
    /// Greatest common divisors and least common multiples of given numbers.
    GcdOfNumbers => |rng| Some(numbers::gcd_of_numbers(rng)),
    /// Laws of greatest common divisors and least common multiples.
    GcdLaws => |rng| Some(numbers::gcd_laws(rng)),
    /// Inequalities between naturals: sums, products, chains.
    Order => |rng| Some(numbers::order(rng)),
    /// Minimum and maximum.
    Extremes => |rng| Some(numbers::extremes(rng)),
    /// Subtraction that stops at zero.
    Truncated => |rng| Some(numbers::truncated(rng)),
    /// Absolute values of integers.
    Absolute => |rng| Some(numbers::absolute(rng)),
    /// Where an element of a list is when it is in another.
    Membership => |rng| Some(data::membership(rng)),
    /// Maps and filters over appended lists.
    Maps => |rng| Some(data::maps(rng)),
    /// Sums, repetition, beginnings and ends of lists.
    Folds => |rng| Some(data::folds(rng)),
    /// Values that may be missing.
    Options => |rng| Some(data::options(rng)),
    /// Equations between truth values.
    Booleans => data::booleans,
    /// Functions on truth values, of which there are few.
    FiniteFunctions => |rng| Some(data::finite_functions(rng)),
    /// Pairs and their parts.
    Pairs => |rng| Some(data::pairs(rng)),
    /// Choices by a condition.
    Choices => |rng| Some(data::choices(rng)),
    /// Additive functions.
    Additive => |rng| Some(functions::additive(rng)),
    /// The value of a function that is given step by step.
    Value => |rng| Some(functions::value(rng)),
    /// What a recurrence keeps.
    Invariant => |rng| Some(functions::invariant(rng)),
    /// Functions that undo themselves or each other.
    Inverse => |rng| Some(functions::inverse(rng)),
    /// Chains of equations, used inside of functions.
    Congruence => |rng| Some(functions::congruence(rng)),
    /// What follows from the laws of an operation.
    Operations => |rng| Some(functions::operations(rng)),
    /// Chains of implications under quantifiers.
    Chain => |rng| Some(quantifiers::chain(rng)),
    /// Quantifiers and connectives that change places.
    Exchange => |rng| Some(quantifiers::exchange(rng)),
    /// Transitive and symmetric relations.
    Relations => |rng| Some(quantifiers::relations(rng)),
    /// Groups of facts about one thing, of which some are wanted.
    Facts => |rng| Some(quantifiers::facts(rng)),
    /// Two theorems of other families at once, or one behind the other.
    Composed => composed,
}

/// Two theorems of other families as one.
fn composed(rng: &mut Rng) -> Option<String> {
    let mut part = || {
        let family = pick(rng, Family::ALL);
        // Of itself there would be no end.
        let signature = (family != Family::Composed).then(|| family.draw(rng)).flatten()?;
        let (binders, claim) = signature.split_once(": ").filter(|(b, _)| b.is_empty()).or_else(|| split(&signature))?;
        Some(if binders.is_empty() { format!("({claim})") } else { format!("(∀ {}, {claim})", binders.trim()) })
    };
    let (first, second) = (part()?, part()?);
    Some(if rng.bool() {
        format!(": {first} ∧ {second}")
    } else {
        format!("(p : Prop) (h : {first} → p) : p ∧ {second}")
    })
}

/// Binders and claim: at the colon outside of brackets.
fn split(signature: &str) -> Option<(&str, &str)> {
    let mut depth = 0i32;
    for (place, c) in signature.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' if depth == 0 => return Some((&signature[..place], signature[place + 1..].trim_start())),
            _ => {}
        }
    }
    None
}

impl Family {
    fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// A theorem, as a row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its family and the beginning of its key.
    pub name: String,
    pub formal_statement: String,
    pub family: Family,
    /// By a hash of the statement: the same in every corpus, and in `qstar export`.
    pub split: Split,
}

/// Draws theorems from families in turn; fewer than `count` when those are used up.
///
/// # Errors
/// When a statement that was made is none: a mistake in this module.
pub fn generate(families: &[Family], count: usize, seed: u64) -> Result<Vec<Row>> {
    let mut rng = Rng::with_seed(seed);
    let mut live: Vec<(Family, usize)> = families.iter().map(|&f| (f, 0)).collect();
    let (mut known, mut rows) = (HashSet::new(), Vec::new());
    let mut turn = 0;
    while rows.len() < count && !live.is_empty() {
        turn %= live.len();
        let (family, fruitless) = &mut live[turn];
        let signature = family.draw(&mut rng);
        let row = signature.map(|s| row(*family, &s)).transpose()?.filter(|(key, _)| known.insert(*key));
        match row {
            Some((_, row)) => {
                rows.push(row);
                *fruitless = 0;
                turn += 1;
            }
            None => {
                *fruitless += 1;
                if *fruitless >= PATIENCE {
                    live.remove(turn);
                }
            }
        }
    }
    Ok(rows)
}

fn row(family: Family, signature: &str) -> Result<([u8; 32], Row)> {
    let statement = Statement::parse(&format!("theorem t {signature}"));
    let key = statement.with_context(|| format!("no statement: {signature}"))?.key();
    let digits = hex(&key[..5]);
    let name = format!("{}_{digits}", family.name().replace('-', "_"));
    let formal_statement = format!("theorem {name} {signature} := by");
    Ok((key, Row { name, formal_statement, family, split: Split::of(&key) }))
}

/// One of a slice.
fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_theorems_and_none_twice() {
        let rows = generate(Family::ALL, 1800, 1).unwrap();
        assert_eq!(rows.len(), 1800);
        assert_eq!(rows, generate(Family::ALL, 1800, 1).unwrap());
        assert_ne!(rows, generate(Family::ALL, 1800, 2).unwrap());
        let names: HashSet<&str> = rows.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names.len(), rows.len());
        // Small families are used up early; no family fills more than its share by much.
        for family in Family::ALL {
            let count = rows.iter().filter(|r| r.family == *family).count();
            assert!((3..=90).contains(&count), "{family:?}: {count}");
        }
        assert!(Family::ALL.len() >= 37);
        let train = rows.iter().filter(|r| r.split == Split::Train).count();
        assert!((1300..1580).contains(&train), "{train} of 1800 train");
    }

    #[test]
    fn a_family_that_is_used_up_ends() {
        let rows = generate(&[Family::Inequality], 1_000_000, 0).unwrap();
        assert!(rows.len() < 100_000, "{}", rows.len());
    }
}
