//! Candidates that may run away: tactics that compute where numbers are large. Heartbeats do not bound them, because the
//! arithmetic of large numbers counts none; all that helps is to end the process.
//!
//! Guesses from text. They say what is tried late, what is tried alone and how long Lean may be silent about it; they
//! decide nothing. Knows nothing of servers or search.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use super::verdict::Candidate;

/// Larger exponents are not computed by most tactics (Lean's `exponentiation.threshold`); what computes them may not end.
const LARGEST_EXPONENT: u64 = 256;
/// Larger exponents take the kernel seconds.
const KERNEL_EXPONENT: u64 = 200_000;
/// How far a tactic may have to count one by one.
const LONGEST_COUNT: u64 = 500;
/// How long Lean may be silent about a first try, a try that may run away, and one that is worth more.
const FIRST: Duration = Duration::from_secs(3);
const RISKY: Duration = Duration::from_secs(2);
/// A budget (`maxHeartbeats`) up to this is a first try.
const FIRST_HEARTBEATS: u64 = 20_000;
/// Tactics that compute powers of literals.
const EVALUATE: &[&str] = &["omega", "grind", "decide", "rfl", "simp_all"];
/// Tactics that count through all cases.
const COUNT: &[&str] = &["decide", "rfl", "simp_all", "interval_cases"];

/// Whether a tactic may compute without end where `text` (a goal, or a statement with the way to one) stands.
pub fn may_run_away(text: &str, tactic: &str) -> bool {
    let names =
        |list: &[&str]| tactic.split(|c: char| !(c.is_alphanumeric() || "_'!?.".contains(c))).any(|w| list.contains(&w));
    let computed = if is_the_kernels(tactic) { KERNEL_EXPONENT } else { LARGEST_EXPONENT };
    // What generalizes puts the power out of sight first.
    let evaluates = names(EVALUATE) && !names(&["generalize"]);
    (evaluates && has_power_over(text, computed)) || (names(COUNT) && counts_far(text))
}

/// Whether a goal holds numbers that some tactics compute with without end.
pub fn is_large(text: &str) -> bool {
    has_power_over(text, LARGEST_EXPONENT) || counts_far(text)
}

/// The kernel computes powers in one go, and seconds of it are well spent.
fn is_the_kernels(tactic: &str) -> bool {
    tactic.trim() == "decide +kernel"
}

/// Whether a candidate should have a document of its own.
pub fn stands_alone(candidate: &Candidate) -> bool {
    may_run_away(&candidate.hole.before, &candidate.tactic)
}

/// How long Lean may work on a candidate without any progress; `None`: as long as on anything.
pub fn patience(candidate: &Candidate) -> Option<Duration> {
    let (text, tactic) = (&candidate.hole.before, &candidate.tactic);
    // Questions build an index of the library first.
    if tactic.contains('?') || (is_the_kernels(tactic) && has_power_over(text, KERNEL_EXPONENT)) {
        None
    } else if may_run_away(text, tactic) {
        Some(RISKY)
    } else {
        (candidate.heartbeats <= FIRST_HEARTBEATS).then_some(FIRST)
    }
}

/// A literal power whose exponent is larger, or itself a power.
fn has_power_over(text: &str, exponent: u64) -> bool {
    static POWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d\)? ?\^ ?\(?(\d+)( ?[\^*] ?\d)?").expect("fixed"));
    POWER.captures_iter(text).any(|c| c.get(2).is_some() || c[1].parse().map_or(true, |e: u64| e > exponent))
}

/// A bound or a length that is large.
fn counts_far(text: &str) -> bool {
    static BOUND: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:[∀∃] ?\w+ ?[<≤∈]|range|Fin|replicate) ?\(?(\d{3,})").expect("fixed"));
    BOUND.captures_iter(text).any(|c| c[1].parse().map_or(true, |n: u64| n > LONGEST_COUNT))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lean::Hole;

    #[test]
    fn powers_and_counts_are_seen() {
        for (text, tactic) in [
            ("⊢ 7 ^ 888888 % 11 = 9", "omega"),
            ("⊢ (7 ^ 888888) % 11 = 9", "decide +kernel"),
            ("⊢ 2 ^ (3 ^ 10) % 7 = 1", "grind"),
            ("⊢ 7 ^ 888888 % 11 = 9", "simp_all [Nat.pow_mod]"),
            ("⊢ ∀ x < 5000, x * x < 25000000", "decide"),
            ("⊢ (List.range 20000).length = 20000", "intro x\nrfl"),
            ("⊢ 2 ^ 99999999999999999999999 % 3 = 2", "omega"),
        ] {
            assert!(may_run_away(text, tactic), "{text} by {tactic}");
        }
        for (text, tactic) in [
            ("⊢ 7 ^ 88 % 11 = 9", "omega"),
            ("⊢ 7 ^ 888 % 11 = 9", "decide +kernel"),
            ("⊢ 7 ^ 888888 % 11 = 9", "generalize 7 ^ 888888 = p at *\nomega"),
            ("⊢ 7 ^ 888888 % 11 = 9", "simp [Nat.pow_mod]"),
            ("⊢ x ^ 2 % 1000 = 1", "omega"),
            ("⊢ 3 ∣ 2 ^ (2 * n + 1) + 1", "omega"),
            ("⊢ ∀ x < 50, x * x < 2500", "decide"),
        ] {
            assert!(!may_run_away(text, tactic), "{text} by {tactic}");
        }
    }

    #[test]
    fn large_goals_are_seen() {
        assert!(is_large("⊢ 7 ^ 888888 % 11 = 9") && is_large("⊢ ∀ x < 5000, x * x < 25000000"));
        assert!(!is_large("n : Nat\n⊢ n ^ 2 < 1000000"));
    }

    #[test]
    fn patience_grows_with_the_promise() {
        let of = |statement: &str, tactic: &str, heartbeats| {
            let hole = Arc::new(Hole::whole(statement));
            patience(&Candidate::new(hole, tactic.to_owned(), heartbeats))
        };
        let (large, small) = ("example : 7 ^ 888888 % 11 = 9", "example (n : Nat) : n < n + 1");
        assert!(of(large, "omega", 8_000) < of(small, "omega", 8_000));
        for (statement, tactic, heartbeats) in
            [(small, "omega", 80_000), (large, "decide +kernel", 8_000), (small, "exact?", 8_000)]
        {
            assert_eq!(of(statement, tactic, heartbeats), None, "{tactic}");
        }
    }
}
