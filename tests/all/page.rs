//! The pages in a real browser (`chromium`): opened, driven, and read; no console error.

use crate::common;
use std::path::Path;
use std::process::Command;

use qstar::policy::Source;
use qstar::report::Picture;
use qstar::search::{Event, GoalId, StepId, VerdictKind};

/// Whether there is a browser. In CI there must be one; elsewhere these tests do without, and say so.
fn has_browser() -> bool {
    let found = Command::new("chromium").arg("--version").output().is_ok_and(|o| o.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "no `chromium` on this machine (Debian: apt-get install chromium)");
    if !found {
        eprintln!("not tested: there is no `chromium` to open the page in");
    }
    found
}

/// Opens a page with `script` added at its end, and returns the document as it is then, and what the console said.
fn open(page: &str, script: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page.replace("</body>", &format!("<script>{script}</script></body>"))).unwrap();
    let profile = folder.path().join("profile");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom", "--virtual-time-budget=3000", "--window-size=1500,900"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(&file)
        .output()
        .expect("chromium starts");
    let console: Vec<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|l| l.contains("CONSOLE") || l.contains("Uncaught"))
        .map(str::to_owned)
        .collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), console.join("\n"))
}

/// Clicks the second goal in sight, and leaves what the panel says and how many goals are in sight.
const DRIVE: &str = "
const before = document.querySelectorAll('.node').length;
const node = document.querySelectorAll('.node')[1];
node.dispatchEvent(new MouseEvent('mouseenter'));
document.body.dataset.panel = document.getElementById('panel').innerText.replaceAll('\\n', ' ');
document.body.dataset.fits = document.getElementById('panel').scrollWidth <= document.getElementById('panel').clientWidth;
node.dispatchEvent(new MouseEvent('click', { bubbles: true }));
document.getElementById('unfold').click();
document.body.dataset.seen = before + '/' + document.querySelectorAll('.node').length;
document.querySelector('[data-tab=proof]').click();
document.body.dataset.proof = document.getElementById('panel').innerText.replaceAll('\\n', ' ');
document.querySelector('[data-tab=search]').click();
document.body.dataset.search = document.getElementById('panel').innerText.replaceAll('\\n', ' ');
";

fn attribute<'a>(document: &'a str, name: &str) -> &'a str {
    let start = document.find(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no data-{name}")) + name.len() + 7;
    &document[start..start + document[start..].find('"').unwrap()]
}

#[test]
fn the_picture_of_a_real_search_can_be_explored() {
    if !has_browser() {
        return;
    }
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let (page, trace) = (folder.path().join("out.html"), folder.path().join("out.jsonl"));
    let statement = "theorem swap (p q r : Prop) (h : p ∧ q ∧ r) : (r ∧ q) ∧ p := by";
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    // The portfolio tries much at once, so there is a graph to look at; networks close this goal with their first word.
    command.args(["prove", "--statement", statement, "--policy", "portfolio", "--checks", "200", "--report"]).arg(&page);
    command.arg("--trace").arg(&trace);
    assert!(command.output().unwrap().status.success());
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(
        !text.contains("http:") && !text.contains("https:")
            || text.matches("http").count() == text.matches("http://www.w3.org").count()
    );
    let (document, console) = open(&text, DRIVE);
    assert_eq!(console, "");
    assert!(attribute(&document, "panel").contains("⊢") && attribute(&document, "panel").contains("Tried"));
    assert_eq!(attribute(&document, "fits"), "true", "nothing of a goal stands outside the panel");
    assert!(attribute(&document, "proof").contains("Certificate") && attribute(&document, "proof").contains("theorem swap"));
    assert!(attribute(&document, "search").contains("portfolio"));
    // The same page from the trace alone, cut off in the middle, too.
    let from_trace = |path: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_qstar")).arg("report").arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        open(&std::fs::read_to_string(path.with_extension("html")).unwrap(), "")
    };
    assert_eq!(from_trace(&trace).1, "");
    let whole = std::fs::read_to_string(&trace).unwrap();
    let half = folder.path().join("half.jsonl");
    let end = (whole.len() / 2..).find(|&i| whole.is_char_boundary(i)).unwrap();
    std::fs::write(&half, &whole[..end]).unwrap();
    let (document, console) = from_trace(&half);
    assert!(console.is_empty() && document.contains("cut off"), "{console}");
}

/// A search of many goals, as deep as wide, with goals that are reached in several ways.
fn large(goals: u32) -> Vec<Event> {
    let mut events = vec![Event::Goal {
        goal: 0.into(),
        state: "⊢ p 0".into(),
        depth: 0,
        log_prior: 0.0,
        value: 0.5,
        why: "small".into(),
        from: None,
    }];
    for n in 1..goals {
        let (parent, step) = ((n - 1) / 3, StepId::from(goals + n));
        events.push(Event::Tried {
            goal: parent.into(),
            tactic: format!("apply step_{n}"),
            one_of: None,
            log_prior: -1.0,
            by: Source::Portfolio,
            heartbeats: 1,
            verdict: VerdictKind::Goals,
            message: None,
            step: Some(step),
            left: vec![GoalId::from(n), GoalId::from(n / 2)],
        });
        let state = format!("n : Nat\nh : n = {n}\n⊢ p {n} ∧ q {}", n * 7);
        events.push(Event::Goal {
            goal: n.into(),
            state,
            depth: 1,
            log_prior: -1.0,
            value: 1.0 / f64::from(n),
            why: String::new(),
            from: Some(step),
        });
    }
    events
}

#[test]
fn two_thousand_goals_are_drawn() {
    if !has_browser() {
        return;
    }
    let page = Picture::new(&large(2000)).unwrap().page().unwrap();
    let (document, console) = open(&page, DRIVE);
    assert_eq!(console, "");
    let seen = attribute(&document, "seen");
    let (folded, all) = seen.split_once('/').unwrap();
    assert!(folded.parse::<usize>().unwrap() < 40 && all == "2000", "{seen}");
}
