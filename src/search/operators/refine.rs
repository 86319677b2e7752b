//! *Refine*: a failed tactic and Lean's message become new tactics.
//!
//! A [`Repairer`] looks at one failure. Those here know Lean's messages; a network can be one, too.

use std::sync::LazyLock;

use regex::Regex;

use super::mathlib::Mathlib;
use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;
use crate::lean::suggestion::{is_side_question, suggestions};
use crate::policy::Policy;
use crate::search::event::VerdictKind;

/// A tactic that Lean did not accept.
pub struct Failure<'a> {
    pub goal: &'a Goal,
    pub tactic: &'a str,
    pub verdict: VerdictKind,
    pub message: &'a str,
    /// Who knows names of the library.
    pub policy: &'a dyn Policy,
}

/// Makes tactics out of failures.
pub trait Repairer: Send + Sync {
    /// New tactics, each with the probability that it is better.
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)>;
}

/// The repairers of this module, in one.
pub struct Repairers(Vec<Box<dyn Repairer>>);

impl Default for Repairers {
    fn default() -> Self {
        Repairers(vec![
            Box::new(Suggestions),
            Box::new(Prefix),
            Box::new(Mismatch),
            Box::new(Names),
            Box::new(Elsewhere),
            Box::new(Mathlib),
        ])
    }
}

impl Repairer for Repairers {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        self.0.iter().flat_map(|r| r.repair(failure)).filter(|(tactic, _)| tactic != failure.tactic).collect()
    }
}

/// Suggestions of one message that are taken up.
const SUGGESTED: usize = 4;

/// What Lean itself says to try.
struct Suggestions;

impl Repairer for Suggestions {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        // What answers a side question closed the goal there.
        let sure = if is_side_question(failure.tactic) { 0.9 } else { 0.3 };
        // The first is the one that Lean thinks best.
        let ranked = suggestions(failure.message).into_iter().take(SUGGESTED).enumerate();
        ranked.map(|(rank, text)| (text, sure / (1 + rank) as f64)).collect()
    }
}

/// A closing tactic of several lines that fails at its end: its beginning may be a step.
struct Prefix;

impl Repairer for Prefix {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        let lines: Vec<&str> = failure.tactic.lines().collect();
        // Lines that begin at the left are tactics of their own; others belong to the one before.
        let last = lines.iter().rposition(|l| !l.starts_with([' ', '|', '·', ')'])).unwrap_or(0);
        let used = failure.message.contains("unsolved goals")
            || failure.message.contains("could not prove")
            || failure.message.contains("failed")
            || failure.message.contains("no progress");
        if last == 0 || !used || failure.verdict != VerdictKind::Failed {
            return Vec::new();
        }
        vec![(lines[..last].join("\n"), 0.05)]
    }
}

/// A hypothesis that says nearly the same.
struct Mismatch;

impl Repairer for Mismatch {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        let Some(term) = failure.tactic.strip_prefix("exact ").filter(|t| !t.contains('\n') && !t.ends_with('?')) else {
            return Vec::new();
        };
        let message = failure.message.to_lowercase();
        if !message.contains("mismatch") {
            return Vec::new();
        }
        let word = if term.contains(' ') { format!("({term})") } else { term.to_owned() };
        let mut ways = vec![(format!("simpa using {word}"), 0.08), (format!("exact_mod_cast {word}"), 0.05)];
        if failure.goal.target.contains(['=', '↔', '≠']) {
            ways.push((format!("exact {word}.symm"), 0.10));
        }
        if failure.goal.target.contains(['≤', '≥']) {
            ways.extend([(format!("exact Nat.le_of_lt {word}"), 0.04), (format!("exact Nat.le_of_eq {word}"), 0.04)]);
        }
        ways
    }
}

/// A name that is not known: the nearest of the context, and of the library.
struct Names;

impl Repairer for Names {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        static UNKNOWN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"[Uu]nknown (?:identifier|constant|free variable) [`'‘]([^`'’\s]+)").expect("fixed"));
        let Some(found) = UNKNOWN.captures(failure.message) else { return Vec::new() };
        let wrong = &found[1];
        let mut near: Vec<(f64, &str)> = failure
            .goal
            .names()
            .filter(|n| !is_inaccessible(n) && *n != wrong)
            .map(|n| (strsim::jaro_winkler(n, wrong), n))
            .filter(|(score, _)| *score > 0.6)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.truncate(2);
        near.extend(failure.policy.nearest(wrong));
        let Ok(word) = Regex::new(&format!(r"(^|[^\w.']){}($|[^\w'])", regex::escape(wrong))) else { return Vec::new() };
        let put =
            |n: &str| word.replace_all(failure.tactic, |c: &regex::Captures| format!("{}{n}{}", &c[1], &c[2])).into_owned();
        near.into_iter().map(|(score, n)| (put(n), 0.2 * score)).collect()
    }
}

/// Tactics of a library that is not there, and what core Lean has in their place.
struct Elsewhere;

const SUBSTITUTES: &[(&str, &[&str])] = &[
    ("linarith", &["omega", "grind"]),
    ("nlinarith", &["grind"]),
    ("polyrith", &["grind"]),
    ("ring", &["grind", "ac_rfl"]),
    ("ring_nf", &["grind", "simp"]),
    ("norm_num", &["simp", "decide", "omega"]),
    ("positivity", &["omega", "grind"]),
    ("field_simp", &["grind"]),
    ("aesop", &["grind", "simp_all"]),
    ("tauto", &["grind", "simp_all"]),
    ("interval_cases", &["omega", "decide"]),
    ("push_neg", &["simp at *"]),
    ("gcongr", &["grind"]),
];

impl Repairer for Elsewhere {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        if !failure.message.contains("unknown tactic") {
            return Vec::new();
        }
        let first = failure.tactic.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
        let Some((_, others)) = SUBSTITUTES.iter().find(|(name, _)| *name == first) else { return Vec::new() };
        others.iter().map(|t| ((*t).to_owned(), 0.3)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Answer, Proposal};

    /// Knows one name.
    struct Librarian;

    impl Policy for Librarian {
        fn propose<'a>(&'a self, _: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
            Box::pin(std::future::ready(Vec::new()))
        }

        fn nearest(&self, _: &str) -> Vec<(f64, &str)> {
            vec![(0.9, "Nat.add_comm")]
        }
    }

    fn repaired(goal: &str, tactic: &str, message: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        let failure = Failure { goal: &goal, tactic, verdict: VerdictKind::Failed, message, policy: &Librarian };
        Repairers::default().repair(&failure).into_iter().map(|(tactic, _)| tactic).collect()
    }

    #[test]
    fn messages_become_tactics() {
        let goal = "n : Nat\nhyp : 1 = n\n⊢ n = 1";
        assert_eq!(repaired(goal, "exact hyp", "Type mismatch"), ["simpa using hyp", "exact_mod_cast hyp", "exact hyp.symm"]);
        assert_eq!(repaired(goal, "simp_all\nomega", "omega could not prove the goal"), ["simp_all"]);
        assert_eq!(repaired(goal, "rw [hyp1]", "Unknown identifier `hyp1`"), ["rw [hyp]", "rw [Nat.add_comm]"]);
        assert_eq!(repaired(goal, "rw [add_com]", "Unknown constant `add_com`"), ["rw [Nat.add_comm]"]);
        assert_eq!(repaired(goal, "linarith", "unknown tactic"), ["omega", "grind"]);
        assert_eq!(repaired(goal, "apply?", "…\nTry this:\n  [apply] exact hyp.symm\n"), ["exact hyp.symm"]);
        assert_eq!(
            repaired(goal, "grind? +suggestions", "Try these:\n  [apply] grind only [a]\n  [apply] grind"),
            ["grind only [a]", "grind"]
        );
        assert!(repaired(goal, "omega", "omega could not prove the goal").is_empty());
    }
}
