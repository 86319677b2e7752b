//! What a benchmark runs: a TOML file, each of whose values a flag can override.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::read_text;
use crate::policy::choice::{Minds, PolicyKind};
use crate::policy::served::endpoint::Wishes;
use crate::prover::Guide;
use crate::search::{Budget, Operator, Operators, StrategyKind};
use crate::value::{Value, ValueKind};

/// Every combination of these is one setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matrix {
    pub policy: Vec<PolicyKind>,
    pub strategy: Vec<StrategyKind>,
    /// Operators switched off, a list for each setting: `[[], ["refine"]]` compares with and without.
    pub without: Vec<Vec<Operator>>,
    /// Operators switched on that are off by default, likewise.
    pub with: Vec<Vec<Operator>>,
}

impl Default for Matrix {
    fn default() -> Self {
        let (policy, strategy) = (vec![PolicyKind::Portfolio], vec![StrategyKind::BestFirst]);
        Matrix { policy, strategy, without: vec![Vec::new()], with: vec![Vec::new()] }
    }
}

/// When a comparison with an earlier run fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateRules {
    /// Theorems that must stay proved if the baseline proved them.
    pub must_keep: Vec<String>,
    /// How far the rate of proved theorems may fall (0.05: five percentage points).
    pub tolerance: f64,
    /// A fall beyond the tolerance counts only when a sign test says that chance makes it less often than this.
    pub significance: f64,
    /// Theorems of the baseline may be missing in this run: those in both are compared.
    pub partial: bool,
}

impl Default for GateRules {
    fn default() -> Self {
        GateRules { must_keep: Vec::new(), tolerance: 0.02, significance: 0.05, partial: false }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Relative to the configuration's file.
    pub dataset: PathBuf,
    /// The Lake project whose imports are used; relative to the configuration's file.
    pub project: Option<PathBuf>,
    pub split: Option<String>,
    /// The first so many theorems only.
    pub first: Option<usize>,
    /// Seconds for each attempt.
    pub time: f64,
    /// Lean checks for each attempt.
    pub checks: u64,
    /// Attempts at each theorem, each with its own seed; gives pass@1 to pass@seeds.
    pub seeds: u64,
    /// Lean processes, and theorems worked on at a time. 0: as cores and memory allow.
    pub workers: usize,
    /// What scores states.
    pub value: ValueKind,
    /// The fingerprint of the networks in use; found when they are opened.
    #[serde(skip)]
    pub networks: Option<String>,
    /// A served model, as its file names it (docs/models.md).
    pub model: Wishes,
    /// The fingerprint of the served model; found when it is opened.
    #[serde(skip)]
    pub served: Option<String>,
    /// Keep every search's records, in the folder `records` of the run.
    pub records: bool,
    pub matrix: Matrix,
    pub gate: GateRules,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            dataset: PathBuf::new(),
            project: None,
            split: None,
            first: None,
            time: 60.0,
            checks: 100_000,
            seeds: 1,
            workers: 0,
            value: ValueKind::Heuristic,
            networks: None,
            model: Wishes::default(),
            served: None,
            records: false,
            matrix: Matrix::default(),
            gate: GateRules::default(),
        }
    }
}

/// One combination of the matrix with its budget. Attempts under equal settings are comparable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub policy: PolicyKind,
    #[serde(default, skip_serializing_if = "is_default")]
    pub value: ValueKind,
    /// Which networks guide it: their fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<String>,
    /// Which served model: its fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub strategy: StrategyKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Operator>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Operator>,
    pub time: f64,
    pub checks: u64,
}

fn is_default(value: &ValueKind) -> bool {
    *value == ValueKind::default()
}

impl Setting {
    /// Whether a network guides it.
    pub fn has_network(&self) -> bool {
        self.policy.has_network() || self.value == ValueKind::Network
    }

    /// The limits of an attempt.
    pub fn budget(&self) -> Budget {
        Budget { time: Duration::from_secs_f64(self.time), checks: self.checks, ..Budget::default() }
    }

    /// The operators that work.
    pub fn operators(&self) -> Operators {
        let with = self.with.iter().fold(Operators::default(), |all, o| all.set(*o, true));
        self.without.iter().fold(with, |all, o| all.set(*o, false))
    }

    /// What guides a search under this setting.
    pub fn guide<'a>(&self, minds: &'a Minds, value: &'a dyn Value) -> Guide<'a> {
        Guide {
            budget: self.budget(),
            strategy: self.strategy,
            operators: self.operators(),
            author: minds.author.as_deref(),
            ..Guide::new(minds.policy.as_ref(), value)
        }
    }

    /// For tables: `portfolio, best-first`.
    pub fn name(&self) -> String {
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let model = self.model.as_ref().map_or(String::new(), |model| format!(" {model}"));
        let (policy, strategy) = (word(serde_json::to_value(self.policy)), word(serde_json::to_value(self.strategy)));
        let mut name = format!("{policy}{model}, {strategy}");
        if self.value == ValueKind::Network {
            name.push_str(", value network");
        }
        for operator in &self.without {
            name.push_str(&format!(", without {}", word(serde_json::to_value(operator))));
        }
        for operator in &self.with {
            name.push_str(&format!(", with {}", word(serde_json::to_value(operator))));
        }
        name
    }
}

impl Config {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// Naming file, line and what is wrong.
    pub fn read(path: &Path) -> Result<Config> {
        let text = read_text(path)?;
        let mut config: Config = toml::from_str(&text).with_context(|| format!("{} is no benchmark", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        if !config.dataset.as_os_str().is_empty() {
            config.dataset = folder.join(&config.dataset);
        }
        config.project = config.project.map(|project| folder.join(project));
        Ok(config)
    }

    /// # Errors
    /// When a value makes no sense.
    pub fn validate(&self) -> Result<()> {
        ensure!(!self.dataset.as_os_str().is_empty(), "which dataset? Set `dataset` in the configuration, or give --data");
        ensure!(self.time > 0.0 && self.time <= 1e7, "`time` must be more than 0 seconds, not {}", self.time);
        ensure!(self.checks > 0, "`checks` must be at least 1");
        ensure!((1..=1000).contains(&self.seeds), "`seeds` must lie between 1 and 1000, not {}", self.seeds);
        ensure!(!self.settings().is_empty(), "the matrix is empty");
        ensure!((0.0..=1.0).contains(&self.gate.tolerance), "`gate.tolerance` must lie between 0 and 1");
        ensure!((0.0..=1.0).contains(&self.gate.significance), "`gate.significance` must lie between 0 and 1");
        Ok(())
    }

    /// All combinations of the matrix.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for &policy in &self.matrix.policy {
            for &strategy in &self.matrix.strategy {
                for without in &self.matrix.without {
                    settings.extend(self.matrix.with.iter().map(|with| {
                        let (without, with) = (without.clone(), with.clone());
                        let (value, networks) = (self.value, self.networks.clone());
                        let model = self.served.clone().filter(|_| policy.has_model());
                        Setting {
                            policy,
                            value,
                            networks,
                            model,
                            strategy,
                            without,
                            with,
                            time: self.time,
                            checks: self.checks,
                        }
                    }));
                }
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::read(file.path())
    }

    #[test]
    fn a_configuration_is_read_and_its_matrix_multiplied() {
        let config = read("dataset = 'x.jsonl'\nchecks = 50\n[matrix]\npolicy = ['portfolio', 'closers']\n").unwrap();
        config.validate().unwrap();
        assert!(config.dataset.is_absolute() || config.dataset.parent().is_some());
        let names: Vec<String> = config.settings().iter().map(Setting::name).collect();
        assert_eq!(names, ["portfolio, best-first", "closers, best-first"]);
        assert_eq!(config.settings()[1].checks, 50);
        let config = read("dataset = 'x'\n[matrix]\nstrategy = ['mcts']\nwithout = [[], ['refine', 'aggregate']]\n").unwrap();
        let names: Vec<String> = config.settings().iter().map(Setting::name).collect();
        assert_eq!(names, ["portfolio, mcts", "portfolio, mcts, without refine, without aggregate"]);
        let config = read("dataset = 'x'\n[matrix]\nwith = [['prune-false'], []]\n").unwrap();
        let operators: Vec<bool> = config.settings().iter().map(|s| s.operators().prune_false).collect();
        assert_eq!(operators, [true, false]);
        assert!(read("dataset = 'x'\n[matrix]\nwith = []\n").unwrap().validate().is_err());
    }

    #[test]
    fn mistakes_are_named() {
        let error = format!("{:#}", read("dataset = 'x'\nchekcs = 50\n").unwrap_err());
        assert!(error.contains("chekcs") && error.contains("line 2"), "{error}");
        assert!(Config { time: 0.0, dataset: "x".into(), ..Config::default() }.validate().is_err());
        assert!(Config::default().validate().unwrap_err().to_string().contains("--data"));
    }
}
