//! The table of rounds: as JSON, as Markdown, as a page.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::arena::Verdict;
use super::rollout::Outcome;
use crate::files::put;
use crate::report::fill_page;

const PAGE: &str = include_str!("page.html");
/// Classes of the reliability plot.
const BINS: usize = 10;

/// One arena's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub round: usize,
    /// `portfolio`, `premises` (portfolio and library), `mixed` (networks, portfolio and library), `ranked` (portfolio
    /// and library, ordered by the ranker), `network`, `value` (scored by the value network).
    pub guided_by: String,
    pub theorems: usize,
    pub proved: usize,
    pub checks: u64,
    pub seconds: f64,
    /// Of the theorems that were proved.
    pub checks_of_proved: u64,
    pub median_checks: Option<u64>,
    pub mean_lines: Option<f64>,
    /// Checks of each proof, the cheapest first: so many theorems are proved within so many checks.
    pub curve: Vec<u64>,
    /// For each class of values (0 to 0.1, …): how many goals, their mean value, and the share that was proved.
    pub calibration: Vec<(usize, f64, f64)>,
}

impl Row {
    /// Sums up.
    pub fn new(round: usize, guided_by: &str, outcomes: &[Outcome]) -> Row {
        let proved: Vec<&Outcome> = outcomes.iter().filter(|o| o.proved).collect();
        let mut checks: Vec<u64> = proved.iter().map(|o| o.checks).collect();
        checks.sort_unstable();
        let lines: Vec<f64> = proved.iter().filter_map(|o| o.lines).map(|n| n as f64).collect();
        let mut bins = vec![(0usize, 0.0, 0.0); BINS];
        for &(value, proved) in outcomes.iter().flat_map(|o| &o.values) {
            let bin = &mut bins[((f64::from(value) * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + 1, bin.1 + f64::from(value), bin.2 + f64::from(u8::from(proved)));
        }
        let mean = |(n, value, proved): (usize, f64, f64)| (n, value / n.max(1) as f64, proved / n.max(1) as f64);
        Row {
            round,
            guided_by: guided_by.to_owned(),
            theorems: outcomes.len(),
            proved: proved.len(),
            checks: outcomes.iter().map(|o| o.checks).sum(),
            seconds: outcomes.iter().map(|o| o.seconds).sum(),
            checks_of_proved: checks.iter().sum(),
            median_checks: checks.get(checks.len() / 2).copied(),
            mean_lines: (!lines.is_empty()).then(|| lines.iter().sum::<f64>() / lines.len() as f64),
            curve: checks,
            calibration: bins.into_iter().map(mean).collect(),
        }
    }
}

/// All rounds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Table {
    pub rows: Vec<Row>,
    pub verdicts: Vec<Verdict>,
    /// What training said of each round's losses.
    pub losses: Vec<serde_json::Value>,
    /// The folder of the best networks.
    pub champion: Option<PathBuf>,
}

impl Table {
    /// Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| round | guided by | proved | checks | checks of the proved | median checks | seconds |\n\
             | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for r in &self.rows {
            let median = r.median_checks.map_or_else(|| "–".to_owned(), |n| n.to_string());
            let _ = writeln!(
                text,
                "| {} | {} | {} of {} | {} | {} | {median} | {:.0} |",
                r.round, r.guided_by, r.proved, r.theorems, r.checks, r.checks_of_proved, r.seconds
            );
        }
        text.push_str("\n| round | against the best so far | won | lost | quicker | slower | p | promoted |\n");
        text.push_str("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
        for v in &self.verdicts {
            let promoted = if v.promoted { "yes" } else { "no" };
            let _ = writeln!(
                text,
                "| {} | {} to {} | {} | {} | {} | {} | {:.4} | {promoted} |",
                v.round, v.now, v.before, v.won, v.lost, v.quicker, v.slower, v.p
            );
        }
        text
    }

    /// Writes `rounds.json`, `rounds.md` and `index.html`, each whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        put(&folder.join("rounds.json"), &serde_json::to_string_pretty(self)?)?;
        put(&folder.join("rounds.md"), &self.markdown())?;
        put(&folder.join("index.html"), &fill_page(PAGE, self)?)
    }
}
