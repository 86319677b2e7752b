//! Repairs by the messages of Mathlib's tactics: what failed says what to try in its place.

use super::refine::{Failure, Repairer};

/// See the module.
pub struct Mathlib;

/// Words of a message, the tactic's first word, and what may do instead.
type Instead = (&'static str, &'static str, &'static [(&'static str, f64)]);

const INSTEAD: &[Instead] = &[
    (
        "linarith failed",
        "linarith",
        &[("nlinarith", 0.25), ("norm_num at *\nlinarith", 0.10), ("push_cast at *\nlinarith", 0.06)],
    ),
    (
        "linarith failed",
        "nlinarith",
        &[("norm_num at *\nnlinarith", 0.06), ("field_simp at *\nnlinarith", 0.05), ("polyrith", 0.02)],
    ),
    ("ring failed", "ring", &[("field_simp\nring", 0.15), ("push_cast\nring", 0.08), ("linarith", 0.08), ("nlinarith", 0.05)]),
    ("ring failed", "field_simp", &[("field_simp at *\nlinarith", 0.10), ("field_simp at *\nnlinarith", 0.08)]),
    ("ring failed", "linear_combination", &[("nlinarith", 0.10)]),
    ("positivity", "positivity", &[("norm_num", 0.10), ("nlinarith", 0.10), ("apply le_of_lt\npositivity", 0.05)]),
    ("could not find", "interval_cases", &[("omega", 0.10), ("nlinarith", 0.05)]),
    ("interval_cases failed", "interval_cases", &[("omega", 0.10), ("nlinarith", 0.05)]),
    ("gcongr did not make progress", "gcongr", &[("apply le_of_sub_nonneg\nring_nf\npositivity", 0.05), ("nlinarith", 0.10)]),
    ("aesop: failed", "aesop", &[("simp_all", 0.05), ("tauto", 0.05)]),
    ("failed to prove the goal", "aesop", &[("simp_all", 0.05), ("tauto", 0.05)]),
];

/// Messages that say that one line of several did nothing.
const IDLE: &[&str] = &["made no progress", "failed to simplify", "did not make progress", "no progress"];

impl Repairer for Mathlib {
    fn repair(&self, failure: &Failure) -> Vec<(String, f64)> {
        let (tactic, message) = (failure.tactic, failure.message);
        let word = tactic.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
        let mut found: Vec<(String, f64)> = Vec::new();
        for (says, first, others) in INSTEAD {
            if *first == word && message.contains(says) {
                found.extend(others.iter().map(|(other, p)| ((*other).to_owned(), *p)));
            }
        }
        // The call's own hints are as good for its kin.
        if word == "linarith"
            && message.contains("linarith failed")
            && let Some(hints) = tactic.strip_prefix("linarith ").filter(|hints| !hints.contains('\n'))
        {
            found.push((format!("nlinarith {hints}"), 0.25));
        }
        if IDLE.iter().any(|idle| message.contains(idle)) {
            let lines: Vec<&str> = tactic.lines().collect();
            // The message does not say which: each line that only rewrites is left out in turn.
            let rewrites = ["norm_num", "field_simp", "push_cast", "norm_cast", "ring_nf", "simp", "subst_vars", "push_neg"];
            let idle = |line: &&str| {
                rewrites.iter().any(|w| line.strip_prefix(w).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
            };
            for at in (0..lines.len()).filter(|at| lines.len() > 1 && idle(&lines[*at])) {
                let kept: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, l)| *l).collect();
                found.push((kept.join("\n"), 0.20));
            }
        }
        if message.contains("motive is not type correct") && word == "rw" {
            found.push((tactic.replacen("rw [", "simp only [", 1), 0.20));
        }
        if message.contains("did not find") && word == "rw" && !tactic.contains('\n') {
            found.push((tactic.replacen("rw [", "simp only [", 1), 0.10));
            if !tactic.contains('←') {
                found.push((tactic.replacen("rw [", "rw [← ", 1), 0.08));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;
    use crate::policy::{Answer, Policy, Proposal};
    use crate::search::event::VerdictKind;

    struct Nobody;

    impl Policy for Nobody {
        fn propose<'a>(&'a self, _: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
            Box::pin(std::future::ready(Vec::new()))
        }
    }

    fn repaired(tactic: &str, message: &str) -> Vec<String> {
        let goal = Goal::parse("x : ℝ\nh : 0 < x\n⊢ 0 < x ^ 3").unwrap();
        let failure = Failure { goal: &goal, tactic, verdict: VerdictKind::Failed, message, policy: &Nobody };
        let all: Vec<String> = Mathlib.repair(&failure).into_iter().map(|(tactic, _)| tactic).collect();
        all.iter().for_each(|tactic| assert_eq!(crate::lean::guard::check(tactic), Ok(()), "{tactic}"));
        all
    }

    #[test]
    fn mathlibs_messages_become_tactics() {
        let linarith = "linarith failed to find a contradiction\ncase a\nx : ℝ\n⊢ False\nfailed";
        assert!(repaired("linarith [sq_nonneg x]", linarith).contains(&"nlinarith [sq_nonneg x]".to_owned()));
        assert_eq!(repaired("norm_num at *\nlinarith", "norm_num made no progress"), ["linarith"]);
        assert_eq!(repaired("field_simp at *\nring_nf at *\nlinarith", "ring_nf failed: no progress").len(), 2);
        assert!(repaired("ring", "ring failed, ring_nf subsidiary goal").contains(&"field_simp\nring".to_owned()));
        assert_eq!(repaired("rw [foo]", "motive is not type correct:\n  fun _a => …"), ["simp only [foo]"]);
        assert!(
            repaired("positivity", "failed to prove positivity/nonnegativity/nonzeroness").contains(&"nlinarith".to_owned())
        );
        assert!(repaired("exact h", "type mismatch").is_empty());
    }
}
