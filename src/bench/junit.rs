//! A benchmark as JUnit XML: one suite a setting, one test case a theorem, so that any CI shows it.

use std::time::Duration;

use anyhow::Result;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary::Summary;

/// The report as XML. A theorem that is not proved is a skipped case (a benchmark is no list of duties); one of the
/// names in `broken` (lost, though it must be kept) is a failure; one without a verdict is an error: its statement does not
/// elaborate, Lean could not judge it, or the run was stopped before it.
///
/// # Errors
/// When the text cannot be written as XML.
pub fn write(summary: &Summary, broken: &[String]) -> Result<String> {
    let mut report = Report::new("qstar bench");
    for setting in &summary.settings {
        let mut suite = TestSuite::new(setting.name.as_str());
        for (theorem, proved) in summary.verdicts(&setting.name) {
            let mine = || summary.attempts.iter().filter(|a| a.setting == setting.name && a.theorem == theorem);
            let error = mine().find_map(|a| a.error.as_deref());
            let status = if proved {
                TestCaseStatus::success()
            } else if let Some(message) = error {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                let unjudged = mine().any(|a| a.unjudged);
                let what = if unjudged { "it could not be judged" } else { "the statement does not elaborate" };
                status.set_message(what).set_description(clean(message));
                status
            } else if broken.iter().any(|b| b == theorem) {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message("proved in the baseline, and must stay proved");
                status
            } else {
                let reason = mine().find_map(|a| a.reason).map_or(String::new(), |r| format!(": {r}"));
                let mut status = TestCaseStatus::skipped();
                status.set_message(format!("not proved{reason}"));
                status
            };
            let mut case = TestCase::new(theorem, status);
            let seconds: f64 = mine().map(|a| a.seconds).sum();
            case.set_classname(summary.dataset.as_str()).set_time(Duration::from_secs_f64(seconds.max(0.0)));
            suite.add_test_case(case);
        }
        for left in summary.left.iter().filter(|l| l.setting == setting.name) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message("not attempted: the run was stopped");
            let mut case = TestCase::new(format!("{} (seed {})", left.theorem, left.seed), status);
            case.set_classname(summary.dataset.as_str());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    // The schema of Jenkins' readers (junit-10.xsd) knows `skipped` on suites, not on the root.
    let text = report.to_string()?;
    let skipped = report.test_suites.iter().map(|s| s.skipped).sum::<usize>();
    Ok(text.replacen(&format!(" skipped=\"{skipped}\""), "", 1))
}

/// Without the control characters that XML cannot hold.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::summary::tests::summary;

    #[test]
    fn every_kind_of_case_can_be_read_again() {
        let mut s =
            summary(&[("a<b>\u{7}", "x", 0, true), ("lost", "x", 0, false), ("open", "x", 0, false), ("bad", "x", 0, false)]);
        s.attempts[3].error = Some("unknown \u{1b}[0m `ℝ` & more".into());
        s.left.push(crate::bench::summary::Left { theorem: "never".into(), setting: "x".into(), seed: 0 });
        let text = write(&s, &["lost".into()]).unwrap();
        let read = Report::deserialize_from_str(&text).unwrap();
        let cases = &read.test_suites[0].test_cases;
        let kind = |name: &str| &cases.iter().find(|c| c.name.as_str().starts_with(name)).unwrap().status;
        assert!(matches!(kind("a<b>"), TestCaseStatus::Success { .. }));
        assert!(matches!(kind("lost"), TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. }));
        assert!(matches!(kind("bad"), TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. }));
        assert!(matches!(kind("open"), TestCaseStatus::Skipped { .. }));
        assert!(matches!(kind("never"), TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. }));
        assert!(text.contains("errors=\"2\""), "{text}");
    }
}
