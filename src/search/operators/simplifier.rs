//! Simplifying steps against each other: what `simp_all [a, b]` leaves alone, `simp [a]` does not change. So one of them waits for
//! the verdict on another that does more, and goes when that one found nothing.
//!
//! Works on the text of tactics only.

use std::collections::BTreeSet;

use crate::lean::ways::{cut, ways};

/// A simplifying step: which hypotheses it sees, whether the library's set is used, and what it was given besides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Simplifier<'a> {
    /// Hypotheses are simplified and used.
    everything: bool,
    /// Only what is given is used.
    only: bool,
    /// Theorems and options.
    given: BTreeSet<&'a str>,
}

impl<'a> Simplifier<'a> {
    /// Of a step that is nothing else.
    fn read(step: &'a str) -> Option<Simplifier<'a>> {
        let step = step.trim();
        let (mut everything, rest) = match step.strip_prefix("simp_all") {
            Some(rest) => (true, rest),
            None => (false, step.strip_prefix("simp")?),
        };
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let (head, list) = match rest.split_once(" [") {
            Some((head, list)) => (head, list),
            None => (rest, "]"),
        };
        let (list, place) = list.rsplit_once(']')?;
        let mut given: BTreeSet<&str> = cut(list, ",").into_iter().map(str::trim).filter(|one| !one.is_empty()).collect();
        everything |= given.remove("*");
        let mut only = false;
        let mut words: Vec<&str> = head.split_whitespace().chain(place.split_whitespace()).collect();
        if let [.., "at", "*"] = words[..] {
            words.truncate(words.len() - 2);
            everything = true;
        }
        for word in words {
            match word {
                "only" => only = true,
                option if option.starts_with('+') => drop(given.insert(option)),
                _ => return None,
            }
        }
        Some(Simplifier { everything, only, given })
    }

    fn does_no_more_than(&self, other: &Simplifier) -> bool {
        self.everything <= other.everything && self.only >= other.only && self.given.is_subset(&other.given)
    }
}

/// The first step of a tactic, without the bracket around it.
fn first(tactic: &str) -> &str {
    let tactic = tactic.trim_start_matches('(');
    let end = ["\n", ";", "<;>", ")"].iter().filter_map(|stop| tactic.find(stop)).min().unwrap_or(tactic.len());
    tactic[..end].trim()
}

/// Whether a tactic, or each of its alternatives, begins by simplifying, and finds nothing to do where `other` finds nothing: one
/// that only simplifies, or that does so when all else has failed.
pub fn is_weaker(tactic: &str, other: &str) -> bool {
    let last = ways(other).and_then(|mut all| all.pop());
    let Some(other) = Simplifier::read(last.as_deref().unwrap_or(other)) else { return false };
    let weaker = |one: &str| Simplifier::read(first(one)).is_some_and(|one| one.does_no_more_than(&other));
    ways(tactic).map_or_else(|| weaker(tactic), |all| all.iter().all(|one| weaker(one)))
}

/// Whether a simplifying step failed because there was nothing for it.
pub fn found_nothing(message: &str) -> bool {
    message.contains("simp_all made no progress") || message.contains("`simp` made no progress")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stronger_one_leaves_alone_a_weaker_one_does_not_change() {
        for (weak, strong) in [
            ("simp", "simp_all"),
            ("simp at *\nomega", "simp_all"),
            ("simp_all <;> grind", "simp_all"),
            ("first | (simp_all; omega) | (simp at *; omega)", "simp_all"),
            ("simp only [f, Nat.add_comm n m]", "simp [f, Nat.add_comm n m, g]"),
            ("simp [*]", "simp_all [f]"),
            ("simp", "first | assumption | grind | simp_all"),
            ("first | simp [f] | simp [g]", "simp_all +arith [f, g]"),
            ("simp only [f] at *", "simp_all [f]"),
        ] {
            assert!(is_weaker(weak, strong), "{weak} / {strong}");
        }
        for (tactic, other) in [
            ("simp [f]", "simp_all"),
            ("simp_all", "simp"),
            ("simp_all +arith", "simp_all"),
            ("first | simp | rfl", "simp_all"),
            ("constructor <;> simp", "simp_all"),
            ("simp [f]", "simp only [f]"),
            ("simp at h", "simp_all"),
            ("simp", "simp_all <;> omega"),
            ("simp", "first | simp_all | rfl"),
            ("simpa", "simp_all"),
            ("omega", "simp_all"),
        ] {
            assert!(!is_weaker(tactic, other), "{tactic} / {other}");
        }
    }
}
