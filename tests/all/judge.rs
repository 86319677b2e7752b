//! Candidate files of all kinds beside their original, judged by what Lean made of them: many in one pair of files, each in a
//! namespace of its own, so that a few Lean processes are enough. What speaks against a whole file is tried alone.

use crate::common;
use std::collections::HashMap;
use std::time::Duration;

use qstar::verify::Originals;
use qstar::verify::Standing;
use qstar::verify::candidate::verify_file;

const TIME: Duration = Duration::from_secs(300);
/// False, so that every acceptance is a hole.
const FALSE: &str = "theorem river (w : Nat) : w * w < w + 1 := by\n  sorry\n";
const TRUE: &str = "def twin (n : Nat) : Nat := n + n\n\ntheorem pond (n : Nat) : twin n = 2 * n := by\n  sorry\n";

/// Name and text of each case: `## name`, and what follows.
fn cases(text: &str) -> Vec<(&str, &str)> {
    text.split("## ").skip(1).filter_map(|case| case.split_once('\n')).collect()
}

/// The cases in two files, each case in a namespace with its number.
fn together(cases: &[(&str, &str)], original: &str, before: &str) -> (String, String) {
    let wrap = |i: usize, text: &str| format!("namespace C{i}\nsection\n{text}\nend\nend C{i}\n");
    let ours = (0..cases.len()).map(|i| wrap(i, original)).collect();
    let theirs = cases.iter().enumerate().map(|(i, (_, text))| wrap(i, &format!("{before}{text}"))).collect();
    (ours, theirs)
}

#[tokio::test]
async fn no_attack_is_accepted() {
    let (toolchain, originals) = (common::toolchain(), Originals::default());
    let cases = cases(include_str!("../fixtures/judge/attacks.txt"));
    let (ours, theirs) = together(&cases, FALSE, "");
    let judged = verify_file(&toolchain, &originals, &ours, &theirs, TIME, None).await.unwrap();
    assert_eq!(judged.len(), cases.len());
    let accepted: Vec<_> = judged.iter().filter(|j| j.verdict == Standing::Accepted).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
    // For reasons of their own, not because something spoke against the whole.
    let reasons: HashMap<&str, usize> = judged.iter().filter_map(|j| j.reason.as_deref()).fold(HashMap::new(), |mut all, r| {
        *all.entry(r).or_default() += 1;
        all
    });
    assert!(reasons.len() > cases.len() / 4, "{reasons:#?}");
}

/// Attacks that need an original of their own: what it declares is changed, or what its words mean. A changed declaration
/// speaks against the whole file, so these pairs (`alone`) get candidates of their own.
#[tokio::test]
async fn no_change_of_meaning_is_accepted() {
    let (toolchain, originals) = (common::toolchain(), Originals::default());
    let cases = cases(include_str!("../fixtures/judge/pairs.txt"));
    let pair = |text: &'static str| text.split_once("---\n").unwrap();
    let (alone, shared): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(name, _)| name.ends_with(" alone"));
    let wrap = |(i, text): (usize, &str)| format!("namespace C{i}\nsection\n{text}\nend\nend C{i}\n");
    let ours: String = shared.iter().map(|(_, text)| pair(text).0).enumerate().map(wrap).collect();
    let theirs: String = shared.iter().map(|(_, text)| pair(text).1).enumerate().map(wrap).collect();
    let judged = verify_file(&toolchain, &originals, &ours, &theirs, TIME, None).await.unwrap();
    assert!(judged.len() >= shared.len());
    let accepted: Vec<_> = judged.iter().filter(|j| j.verdict == Standing::Accepted).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
    let common = judged.iter().filter(|j| j.reason == judged[0].reason).count();
    assert!(common < judged.len() / 2, "one reason for most: {:?}", judged[0].reason);
    // One original for all of these, elaborated once; each candidate changes its own part and leaves the others as they are.
    let ours: Vec<&str> = alone.iter().map(|(_, text)| pair(text).0).collect();
    let file = |parts: &[&str]| -> String { parts.iter().copied().enumerate().map(wrap).collect() };
    let original = file(&ours);
    for (changed, (name, text)) in alone.iter().enumerate() {
        let mut theirs = ours.clone();
        theirs[changed] = pair(text).1;
        let judged = verify_file(&toolchain, &originals, &original, &file(&theirs), TIME, None).await.unwrap();
        assert!(judged.iter().all(|j| j.verdict == Standing::Refused), "{name}: {judged:#?}");
        // For what was changed there, not because something is wrong with all.
        let own = format!("C{changed}.");
        let reason = judged.iter().find(|j| j.name.starts_with(&own)).and_then(|j| j.reason.as_deref()).unwrap_or_default();
        assert!(reason.contains(&own), "{name}: {reason}");
    }
}

#[tokio::test]
async fn every_honest_style_is_accepted() {
    let (toolchain, originals) = (common::toolchain(), Originals::default());
    let cases = cases(include_str!("../fixtures/judge/honest.txt"));
    let (ours, theirs) = together(&cases, TRUE, "def twin (n : Nat) : Nat := n + n\n\n");
    let judged = verify_file(&toolchain, &originals, &ours, &theirs, TIME, None).await.unwrap();
    assert_eq!(judged.len(), cases.len());
    let refused: Vec<_> = judged.iter().filter(|j| j.verdict != Standing::Accepted).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[tokio::test]
async fn what_speaks_against_a_file_speaks_against_all_of_it() {
    let (toolchain, originals) = (common::toolchain(), Originals::default());
    let original = format!("def lake (n : Nat) := n\n\n{TRUE}");
    let honest = TRUE.replace("sorry", "unfold twin; omega");
    let kept = format!("def lake (n : Nat) := n\n\n{honest}");
    for (candidate, why) in [
        (honest.clone(), "lacks"),
        (kept.replace("lake (n : Nat) := n", "lake (n : Nat) := n + 0 * n"), "not what it is in the original"),
        (format!("module\n{kept}"), "`module`"),
        (kept.replace("theorem", "set_option debug.skipKernelTC true in\ntheorem"), "skipKernelTC"),
        (kept.replace("theorem", "set_option «debug».byAsSorry true in\ntheorem"), "debug"),
        (format!("{kept}\n#eval IO.FS.writeFile \"qstar-was-here\" \"x\"\n"), "command of the candidate fails"),
        (
            format!(
                "macro \"m\" : command => do\n  let n := Lean.mkIdent (Lean.Name.mkSimple (\"debug.skip\" ++ \"KernelT\" ++ \"C\"))\n  `(set_option $n true)\n{kept}"
            ),
            "under `debug`",
        ),
        (
            format!(
                "macro \"m\" : command => do\n  let n := Lean.mkIdent (Lean.Name.mkStr (Lean.Name.mkSimple \"debug\") \"skipKernel\\x54C\")\n  return ⟨Lean.Syntax.node1 .none `x n⟩\n{kept}"
            ),
            "escapes",
        ),
        (kept.replace("def lake (n : Nat) := n", "def lake (n : Nat) := n + 12345678901234567890124"), "not what it is"),
    ] {
        let judged = verify_file(&toolchain, &originals, &original, &candidate, TIME, None).await.unwrap();
        let reason = judged[0].reason.clone().unwrap_or_default();
        assert!(!judged[0].proved && reason.contains(why), "{candidate}\n{reason}");
    }
    let judged = verify_file(&toolchain, &originals, &original, &kept, TIME, None).await.unwrap();
    assert_eq!((judged[0].verdict, &judged[0].reason), (Standing::Accepted, &None));
}
