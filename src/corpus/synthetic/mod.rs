//! Synthetic theorems: true by construction, different from each other, the same for the same seed.
//!
//! They use core Lean alone, so that every toolchain understands them. How hard they are varies: some fall to one tactic,
//! others want an induction with a strengthened claim, and some are beyond the portfolio.

mod arithmetic;
mod logic;
mod recursion;

use std::collections::HashSet;

use anyhow::{Context, Result};
use fastrand::Rng;
use serde::Serialize;

use crate::export::Split;
use crate::source::{Statement, hex};

/// Draws in a row that bring nothing new before a family counts as used up.
const PATIENCE: usize = 2000;

/// Kinds of theorems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// What follows from propositional hypotheses (found by truth table).
    Propositional,
    /// Integers that two linear equations determine; sums of linear inequalities.
    Linear,
    /// Residues of polynomials, divisibility.
    Modular,
    /// Products of linear forms, multiplied out.
    Polynomial,
    /// Squares are not negative.
    Inequality,
    /// Lengths and membership in lists that are appended, reversed and mapped.
    Lists,
    /// Closed forms of recurrences.
    Recurrence,
}

impl Family {
    pub const ALL: [Family; 7] = [
        Family::Propositional,
        Family::Linear,
        Family::Modular,
        Family::Polynomial,
        Family::Inequality,
        Family::Lists,
        Family::Recurrence,
    ];

    /// Binders and claim of a theorem.
    fn draw(self, rng: &mut Rng) -> Option<String> {
        match self {
            Family::Propositional => logic::propositional(rng),
            Family::Linear => Some(arithmetic::linear(rng)),
            Family::Modular => arithmetic::modular(rng),
            Family::Polynomial => Some(arithmetic::polynomial(rng)),
            Family::Inequality => Some(arithmetic::inequality(rng)),
            Family::Lists => Some(recursion::lists(rng)),
            Family::Recurrence => Some(recursion::recurrence(rng)),
        }
    }

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
    let name = format!("{}_{digits}", family.name());
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
        let rows = generate(&Family::ALL, 700, 1).unwrap();
        assert_eq!(rows.len(), 700);
        assert_eq!(rows, generate(&Family::ALL, 700, 1).unwrap());
        assert_ne!(rows, generate(&Family::ALL, 700, 2).unwrap());
        let names: HashSet<&str> = rows.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names.len(), rows.len());
        for family in Family::ALL {
            assert!(rows.iter().filter(|r| r.family == family).count() >= 90, "{family:?}");
        }
        let train = rows.iter().filter(|r| r.split == Split::Train).count();
        assert!((490..630).contains(&train), "{train} of 700 train");
    }

    #[test]
    fn a_family_that_is_used_up_ends() {
        let rows = generate(&[Family::Inequality], 1_000_000, 0).unwrap();
        assert!(rows.len() < 100_000, "{}", rows.len());
    }
}
