//! The gate: compares a run with an earlier one, and says whether a change made the prover worse.

use std::fmt::Write;

use serde::Serialize;

use super::config::GateRules;
use super::summary::{Summary, code_list};

/// An attempt counts as slower when it takes this many times as long, and at least [`SLOWER_SECONDS`] more.
const SLOWER_FACTOR: f64 = 2.0;
const SLOWER_SECONDS: f64 = 5.0;

/// One setting's comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub setting: String,
    /// Theorems in both runs; only they are compared.
    pub common: usize,
    /// Theorems of the baseline, and must-keep ones, that this run does not have; empty when that is wished.
    pub missing: Vec<String>,
    /// Theorems of this run that have no verdict, though they had one, or that Lean could not judge.
    pub unjudged: Vec<String>,
    /// Attempts of this run that were not made.
    pub left: usize,
    pub before: usize,
    pub now: usize,
    pub lost: Vec<String>,
    pub won: Vec<String>,
    /// Proved in both, but much slower now: name, seconds before, seconds now.
    pub slower: Vec<(String, f64, f64)>,
    /// How often chance alone loses at least as many of the theorems that differ.
    pub p: f64,
    /// Theorems of the must-keep list that were lost.
    pub broken: Vec<String>,
    /// The rate fell by more than the tolerance, and not by chance.
    pub worse: bool,
}

impl Comparison {
    /// What is not known is not passed.
    pub fn passes(&self) -> bool {
        self.broken.is_empty() && !self.worse && self.missing.is_empty() && self.unjudged.is_empty() && self.left == 0
    }
}

/// Compares every setting that both runs have. Empty: nothing to compare.
pub fn compare(baseline: &Summary, run: &Summary, rules: &GateRules) -> Vec<Comparison> {
    let must: Vec<&String> = rules.must_keep.iter().chain(&baseline.must_keep).collect();
    let both = run.settings.iter().filter(|s| baseline.settings.iter().any(|b| b.name == s.name));
    both.map(|setting| {
        let (then, now) = (baseline.verdicts(&setting.name), run.verdicts(&setting.name));
        let pairs: Vec<(&str, bool, bool)> =
            then.iter().filter_map(|(&theorem, &before)| Some((theorem, before, *now.get(theorem)?))).collect();
        let names = |keep: fn(bool, bool) -> bool| -> Vec<String> {
            pairs.iter().filter(|(_, a, b)| keep(*a, *b)).map(|(t, ..)| (*t).to_owned()).collect()
        };
        let (lost, won) = (names(|a, b| a && !b), names(|a, b| !a && b));
        let (before, after) = (names(|a, _| a).len(), names(|_, b| b).len());
        let seconds = |summary: &Summary, theorem: &str| {
            let mine = summary.attempts.iter().filter(|a| a.proved && a.setting == setting.name && a.theorem == theorem);
            mine.map(|a| a.seconds).min_by(f64::total_cmp).unwrap_or(0.0)
        };
        let slower = names(|a, b| a && b)
            .into_iter()
            .map(|t| (seconds(baseline, &t), seconds(run, &t), t))
            .filter(|(a, b, _)| *b > a * SLOWER_FACTOR && b - a > SLOWER_SECONDS)
            .map(|(a, b, t)| (t, a, b))
            .collect();
        let p = sign_test(lost.len(), won.len());
        let fall = (before as f64 - after as f64) / pairs.len().max(1) as f64;
        let broken = lost.iter().filter(|t| must.contains(t)).cloned().collect();
        let worse = fall > rules.tolerance && p < rules.significance;
        let known = baseline.without_verdict(&setting.name);
        let none = run.without_verdict(&setting.name).into_iter();
        let unjudged = none.filter(|(t, by_lean)| *by_lean || !known.contains_key(t)).map(|(t, _)| t.to_owned()).collect();
        let absent = |t: &&str| !now.contains_key(t);
        let mut missing: Vec<String> = must.iter().map(|t| t.as_str()).filter(absent).map(str::to_owned).collect();
        if !rules.partial {
            missing.extend(then.keys().copied().filter(absent).map(str::to_owned));
        }
        missing.sort();
        missing.dedup();
        let (common, left, setting) = (pairs.len(), setting.left, setting.name.clone());
        Comparison { setting, common, missing, unjudged, left, before, now: after, lost, won, slower, p, broken, worse }
    })
    .collect()
}

/// One-sided sign test: the chance of at least `lost` heads in `lost + won` throws of a fair coin.
pub fn sign_test(lost: usize, won: usize) -> f64 {
    let n = lost + won;
    // Terms as logarithms: 2^-n underflows for large n.
    let ln_factorial = |m: usize| (1..=m).map(|i| (i as f64).ln()).sum::<f64>();
    let term = |i: usize| (ln_factorial(n) - ln_factorial(i) - ln_factorial(n - i) - n as f64 * 2f64.ln()).exp();
    (lost..=n).map(term).sum::<f64>().min(1.0)
}

/// The comparison in words, as Markdown that also reads well in a terminal.
pub fn report(comparisons: &[Comparison]) -> String {
    let mut text = String::new();
    for c in comparisons {
        let verdict = if c.passes() { "passed" } else { "FAILED" };
        let _ = writeln!(
            text,
            "\n**Gate {verdict}** ({}): {} of {} proved, {} before; {} lost, {} won, {} slower; p = {:.3}",
            c.setting,
            c.now,
            c.common,
            c.before,
            c.lost.len(),
            c.won.len(),
            c.slower.len(),
            c.p
        );
        let mut list = |what: &str, names: &[String]| {
            if !names.is_empty() {
                let _ = writeln!(text, "- {what}: {}", code_list(&names.iter().map(String::as_str).collect::<Vec<_>>()));
            }
        };
        list("missing in this run", &c.missing);
        list("without a verdict", &c.unjudged);
        list("must be kept, and lost", &c.broken);
        list("lost", &c.lost);
        list("won", &c.won);
        if c.left > 0 {
            let _ = writeln!(text, "- unfinished: {} attempts were not made", c.left);
        }
        for (theorem, before, now) in &c.slower {
            let _ = writeln!(text, "- slower: `{theorem}`, {before:.1} s before, {now:.1} s now");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::summary::tests::summary;

    /// A run of `n` theorems in which those of the listed numbers are proved.
    fn run(n: usize, proved: impl Fn(usize) -> bool) -> Summary {
        let names: Vec<String> = (0..n).map(|i| format!("t{i:02}")).collect();
        let attempts: Vec<(&str, &str, u64, bool)> =
            names.iter().enumerate().map(|(i, t)| (t.as_str(), "x", 0, proved(i))).collect();
        summary(&attempts)
    }

    #[test]
    fn a_planted_regression_fails() {
        let comparison = compare(&run(60, |i| i < 40), &run(60, |i| i < 32), &GateRules::default()).remove(0);
        assert!(comparison.worse && !comparison.passes(), "{comparison:?}");
        assert_eq!((comparison.lost.len(), comparison.won.len(), comparison.before, comparison.now), (8, 0, 40, 32));
        assert!((comparison.p - 1.0 / 256.0).abs() < 1e-9);
        assert!(report(&[comparison]).contains("Gate FAILED"));
    }

    #[test]
    fn noise_passes() {
        // Three lost and two won at the edge of the budget: one fewer, which chance does half of the time.
        let noisy = run(60, |i| (i < 40 && ![3, 17, 30].contains(&i)) || i == 45 || i == 50);
        let comparison = compare(&run(60, |i| i < 40), &noisy, &GateRules::default()).remove(0);
        assert!(comparison.passes() && comparison.lost.len() == 3 && comparison.won.len() == 2, "{comparison:?}");
        let three = compare(&run(60, |i| i < 40), &run(60, |i| i < 37), &GateRules::default()).remove(0);
        assert!(three.passes(), "beyond the tolerance, but chance does it once in eight: {three:?}");
    }

    #[test]
    fn a_theorem_that_must_be_kept_fails_alone() {
        let rules = GateRules { must_keep: vec!["t03".into(), "t59".into()], ..GateRules::default() };
        let comparison = compare(&run(60, |i| i < 40), &run(60, |i| i < 40 && i != 3), &rules).remove(0);
        assert_eq!((comparison.broken.clone(), comparison.passes()), (vec!["t03".to_owned()], false));
        let mut baseline = run(60, |i| i < 40);
        baseline.must_keep = vec!["t03".into()];
        assert!(!compare(&baseline, &run(60, |i| i != 3), &GateRules::default())[0].passes(), "listed in the baseline");
    }

    #[test]
    fn theorems_of_one_run_only_are_not_compared() {
        let comparison = compare(&run(60, |i| i < 40), &run(20, |_| true), &GateRules::default()).remove(0);
        assert_eq!((comparison.common, comparison.lost.len()), (20, 0));
    }

    #[test]
    fn what_is_not_known_does_not_pass() {
        let base = run(20, |i| i < 10);
        let fails = |run: &Summary, rules: &GateRules, part: &str| {
            let compared = compare(&base, run, rules);
            assert!(!compared[0].passes() && report(&compared).contains(part), "{}", report(&compared));
        };
        let strict = GateRules::default();
        assert!(compare(&base, &base, &strict)[0].passes());
        fails(&run(19, |i| i < 10), &strict, "missing in this run: `t19`");
        let partial = GateRules { partial: true, ..GateRules::default() };
        assert!(compare(&base, &run(19, |i| i < 10), &partial)[0].passes());
        fails(&base, &GateRules { must_keep: vec!["nowhere".into()], ..partial.clone() }, "missing in this run: `nowhere`");
        let mut unjudged = base.clone();
        (unjudged.attempts[15].error, unjudged.attempts[15].unjudged) = (Some("Lean ended".into()), true);
        fails(&unjudged, &strict, "without a verdict: `t15`");
        let mut error = base.clone();
        error.attempts[15].error = Some("unknown".into());
        fails(&error, &strict, "without a verdict: `t15`");
        assert!(compare(&error, &error, &strict)[0].passes(), "an error that the baseline has, too");
        let mut stopped = base.clone();
        stopped.settings[0].left = 3;
        fails(&stopped, &strict, "3 attempts were not made");
    }

    #[test]
    fn the_sign_test_is_exact() {
        assert!((sign_test(0, 0) - 1.0).abs() < 1e-12);
        assert!((sign_test(3, 2) - 0.5).abs() < 1e-12);
        assert!(sign_test(900, 100) < 1e-100);
    }
}
