//! What a benchmark's attempts say: rates, pass@k, times; as a table, as Markdown, as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Attempt;
use crate::policy::usage::Usage;

/// The report of a run; its JSON is what `--baseline` reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub dataset: String,
    pub toolchain: String,
    pub settings: Vec<SettingSummary>,
    /// Theorems that must stay proved.
    #[serde(default)]
    pub must_keep: Vec<String>,
    /// Every attempt, without its certificate.
    pub attempts: Vec<Attempt>,
    /// What was planned and not made: the run was stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

/// An attempt that was planned and not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub theorem: String,
    pub setting: String,
    pub seed: u64,
}

/// One setting's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingSummary {
    pub name: String,
    pub theorems: usize,
    /// Proved with at least one seed.
    pub proved: usize,
    /// Theorems without a verdict: statements that this Lean does not understand, or could not judge. They count as not
    /// proved.
    pub errors: usize,
    /// Those of them that Lean could not judge: it hung or ended on them, or on their proof.
    #[serde(default)]
    pub unjudged: usize,
    /// Attempts that were planned and not made.
    #[serde(default)]
    pub left: usize,
    /// pass@1, pass@2, … up to the number of attempts at each theorem.
    pub pass_at: Vec<f64>,
    /// Sums over all attempts.
    pub checks: u64,
    pub seconds: f64,
    /// Median of the proved attempts; `None` when there are none.
    pub median_seconds: Option<f64>,
    /// What a served model has cost.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
}

impl Summary {
    /// Sums attempts up. Settings keep the order in which they are named.
    pub fn new(
        dataset: String,
        toolchain: String,
        names: &[String],
        must_keep: Vec<String>,
        attempts: Vec<Attempt>,
        left: Vec<Left>,
    ) -> Summary {
        let mine = |name: &String| SettingSummary {
            left: left.iter().filter(|l| l.setting == *name).count(),
            ..setting(name, attempts.iter().filter(|a| a.setting == *name))
        };
        let settings = names.iter().map(mine).collect();
        let attempts = attempts.into_iter().map(|a| Attempt { certificate: None, ..a }).collect();
        Summary { dataset, toolchain, settings, must_keep, attempts, left }
    }

    /// Theorems without a verdict under one setting, and whether it was Lean that could not give one.
    pub fn without_verdict(&self, setting: &str) -> BTreeMap<&str, bool> {
        let mut found: BTreeMap<&str, bool> = BTreeMap::new();
        for a in self.attempts.iter().filter(|a| a.setting == setting && a.error.is_some()) {
            *found.entry(&a.theorem).or_default() |= a.unjudged;
        }
        let proved = self.verdicts(setting);
        found.retain(|theorem, _| proved.get(theorem) == Some(&false));
        found
    }

    /// Whether each theorem was proved with any seed, under one setting.
    pub fn verdicts(&self, setting: &str) -> BTreeMap<&str, bool> {
        let mut proved: BTreeMap<&str, bool> = BTreeMap::new();
        for a in self.attempts.iter().filter(|a| a.setting == setting) {
            *proved.entry(&a.theorem).or_default() |= a.proved;
        }
        proved
    }

    /// Theorems that one setting proves and another does not: for each pair, in order, the names.
    pub fn differences(&self) -> Vec<(&str, &str, Vec<&str>)> {
        let mut found = Vec::new();
        for a in &self.settings {
            for b in self.settings.iter().filter(|b| b.name != a.name) {
                let others = self.verdicts(&b.name);
                let only = self.verdicts(&a.name).into_iter().filter(|&(t, p)| p && others.get(t) == Some(&false));
                found.push((a.name.as_str(), b.name.as_str(), only.map(|(t, _)| t).collect()));
            }
        }
        found
    }

    /// For the terminal.
    pub fn table(&self) -> String {
        let mut rows = vec![header(&self.settings)];
        let model = has_model(&self.settings);
        rows.extend(self.settings.iter().map(|s| row(s, model)));
        let widths: Vec<usize> =
            (0..rows[0].len()).map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for row in rows {
            let first = format!("{:w$}", row[0], w = widths[0]);
            let rest = row.iter().zip(&widths).skip(1).map(|(cell, &w)| format!("{cell:>w$}"));
            let _ = writeln!(text, "{}", std::iter::once(first).chain(rest).collect::<Vec<_>>().join("  "));
        }
        text
    }

    /// For a comment under a pull request.
    pub fn markdown(&self) -> String {
        let mut text = format!("### qstar on {}\n\n{}\n\n", self.dataset, self.toolchain);
        let head = header(&self.settings);
        let _ = writeln!(text, "| {} |\n| --- |{}", head.join(" | "), " ---: |".repeat(head.len() - 1));
        for s in &self.settings {
            let _ = writeln!(text, "| {} |", row(s, has_model(&self.settings)).join(" | "));
        }
        for (a, b, only) in self.differences().iter().filter(|d| !d.2.is_empty()) {
            let _ = writeln!(text, "\n{} more with «{a}» than with «{b}»: {}", only.len(), code_list(only));
        }
        for s in self.settings.iter().filter(|s| s.left > 0) {
            let _ = writeln!(text, "\n**Unfinished**: {} attempts with «{}» were not made", s.left, s.name);
        }
        let mut noted: Vec<(&str, &str)> = Vec::new();
        for a in self.attempts.iter().filter(|a| a.proved) {
            noted.extend(a.notes.iter().map(|note| (a.theorem.as_str(), note.as_str())));
        }
        noted.sort_unstable();
        noted.dedup();
        for (theorem, note) in noted {
            let _ = writeln!(text, "\nProved with a note: `{theorem}`: {note}");
        }
        for s in &self.settings {
            let missing: Vec<&str> = self.verdicts(&s.name).into_iter().filter(|(_, p)| !p).map(|(t, _)| t).collect();
            let _ = writeln!(
                text,
                "\n<details><summary>Not proved with «{}»: {}</summary>\n\n{}\n\n</details>",
                s.name,
                missing.len(),
                code_list(&missing)
            );
        }
        text
    }
}

/// Names as code, so that Markdown takes nothing in them for its own.
pub fn code_list(names: &[&str]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

fn header(settings: &[SettingSummary]) -> Vec<String> {
    let passes = settings.iter().map(|s| s.pass_at.len()).max().unwrap_or(1);
    let mut head = vec!["setting".to_owned(), "proved".to_owned()];
    head.extend((1..=passes).filter(|k| shown(*k, passes)).map(|k| format!("pass@{k}")));
    head.extend(["errors", "unjudged", "left", "checks", "checks/s", "median s"].map(str::to_owned));
    if has_model(settings) {
        head.extend(["tokens", "requests", "model s"].map(str::to_owned));
    }
    head
}

/// Whether a served model was asked under any setting: only then its cost has columns.
fn has_model(settings: &[SettingSummary]) -> bool {
    settings.iter().any(|s| !s.usage.is_empty())
}

fn row(s: &SettingSummary, model: bool) -> Vec<String> {
    let passes = s.pass_at.len();
    let mut row = vec![s.name.clone(), format!("{} of {}", s.proved, s.theorems)];
    let percent = |rate: &f64| format!("{:.1} %", rate * 100.0);
    row.extend(s.pass_at.iter().enumerate().filter(|(i, _)| shown(i + 1, passes)).map(|(_, rate)| percent(rate)));
    let speed = if s.seconds > 0.0 { format!("{:.1}", s.checks as f64 / s.seconds) } else { "-".to_owned() };
    let median = s.median_seconds.map_or("-".to_owned(), |m| format!("{m:.1}"));
    let counts = [s.errors, s.unjudged, s.left].map(|n| n.to_string());
    row.extend(counts);
    row.extend([s.checks.to_string(), speed, median]);
    if model {
        row.extend([s.usage.tokens().to_string(), s.usage.requests.to_string(), format!("{:.1}", s.usage.seconds)]);
    }
    row
}

/// Of many k, the powers of two and the last.
fn shown(k: usize, last: usize) -> bool {
    k.is_power_of_two() || k == last
}

fn setting<'a>(name: &str, attempts: impl Iterator<Item = &'a Attempt>) -> SettingSummary {
    let mut by_theorem: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        by_theorem.entry(&attempt.theorem).or_default().push(attempt);
    }
    let all = || by_theorem.values().flatten();
    let tries = by_theorem.values().map(Vec::len).min().unwrap_or(0);
    let rate = |k: usize| {
        let each = by_theorem.values().map(|a| pass_at_k(a.len(), a.iter().filter(|a| a.proved).count(), k));
        each.sum::<f64>() / by_theorem.len().max(1) as f64
    };
    let mut times: Vec<f64> = all().filter(|a| a.proved).map(|a| a.seconds).collect();
    times.sort_by(f64::total_cmp);
    SettingSummary {
        name: name.to_owned(),
        theorems: by_theorem.len(),
        proved: by_theorem.values().filter(|a| a.iter().any(|a| a.proved)).count(),
        errors: by_theorem.values().filter(|a| a.iter().all(|a| a.error.is_some())).count(),
        unjudged: by_theorem.values().filter(|a| !a.iter().any(|a| a.proved) && a.iter().any(|a| a.unjudged)).count(),
        left: 0,
        pass_at: (1..=tries).map(rate).collect(),
        checks: all().map(|a| a.checks).sum(),
        seconds: all().map(|a| a.seconds).sum(),
        median_seconds: times.get(times.len() / 2).copied(),
        usage: all().fold(Usage::default(), |sum, a| sum.plus(a.usage)),
    }
}

/// The chance that at least one of `k` attempts drawn from `n`, of which `c` succeeded, is a success: the unbiased
/// estimator of Chen et al. 2021, «Evaluating Large Language Models Trained on Code», section 2.1.
pub fn pass_at_k(n: usize, c: usize, k: usize) -> f64 {
    if n < c + k {
        return 1.0;
    }
    1.0 - ((n - c + 1)..=n).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A summary of made-up attempts: (theorem, setting, seed, proved).
    pub fn summary(attempts: &[(&str, &str, u64, bool)]) -> Summary {
        let attempts: Vec<Attempt> = attempts
            .iter()
            .map(|&(theorem, setting, seed, proved)| Attempt {
                theorem: theorem.into(),
                setting: setting.into(),
                seed,
                proved,
                checks: 10,
                goals: 3,
                seconds: 2.0,
                ..Attempt::default()
            })
            .collect();
        let mut names: Vec<String> = Vec::new();
        for a in &attempts {
            if !names.contains(&a.setting) {
                names.push(a.setting.clone());
            }
        }
        Summary::new("made up".into(), "Lean".into(), &names, Vec::new(), attempts, Vec::new())
    }

    #[test]
    fn pass_at_k_counts_subsets() {
        assert!((pass_at_k(4, 1, 1) - 0.25).abs() < 1e-12);
        assert!((pass_at_k(4, 2, 2) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!((pass_at_k(3, 0, 3), pass_at_k(3, 3, 1), pass_at_k(3, 1, 3)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn what_a_model_costs_stands_in_the_tables() {
        let mut s = summary(&[("a", "x", 0, true), ("a", "y", 0, true)]);
        s.settings[1].usage = Usage { requests: 3, prompt_tokens: 40, answer_tokens: 2, seconds: 1.25, ..Usage::default() };
        assert!(s.markdown().contains("| median s | tokens | requests | model s |"), "{}", s.markdown());
        assert!(s.markdown().contains("| 42 | 3 | 1.2 |") && s.markdown().contains("| 0 | 0 | 0.0 |"), "{}", s.markdown());
    }

    #[test]
    fn figures_and_differences() {
        let s = summary(&[
            ("a", "x", 0, true),
            ("a", "x", 1, false),
            ("b", "x", 0, false),
            ("b", "x", 1, false),
            ("a", "y", 0, false),
            ("a", "y", 1, false),
            ("b", "y", 0, true),
            ("b", "y", 1, true),
        ]);
        assert_eq!((s.settings[0].proved, s.settings[0].pass_at.clone()), (1, vec![0.25, 0.5]));
        assert_eq!(s.differences(), [("x", "y", vec!["a"]), ("y", "x", vec!["b"])]);
        assert!(s.table().lines().nth(1).unwrap().contains("1 of 2"), "{}", s.table());
        assert!(s.markdown().contains("| x | 1 of 2 | 25.0 % | 50.0 % | 0 | 0 | 0 | 40 | 5.0 | 2.0 |"), "{}", s.markdown());
        assert!(!s.table().contains("tokens"), "{}", s.table());
        let copy: Summary = serde_json::from_str(&serde_json::to_string(&s).unwrap()).unwrap();
        assert_eq!(copy, s);
    }
}
