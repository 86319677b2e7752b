//! Nothing lost, nothing passed by mistake: what goes wrong with one theorem, file or place is told as that, and the rest
//! is done. A scripted Lean hangs and crashes where the real one does so on bad days only.

mod places;
mod stops;

use crate::common;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

fn qstar(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    // The scripted Lean writes a file beside itself.
    command.current_dir(folder).env("QSTAR_NO_SANDBOX", "1").stdin(Stdio::null());
    command
}

/// The scripted Lean, as a program in the folder.
fn fake(folder: &Path) -> PathBuf {
    let lean = folder.join("lean");
    std::fs::write(&lean, include_str!("../common/fake_lean.py")).unwrap();
    std::fs::set_permissions(&lean, PermissionsExt::from_mode(0o755)).unwrap();
    lean
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn rows(folder: &Path, statements: &[&str]) -> PathBuf {
    let row =
        |(i, s): (usize, &&str)| json!({"name": format!("t{i}"), "formal_statement": format!("theorem t{i} : {s} := by")});
    let lines: Vec<String> = statements.iter().enumerate().map(row).map(|r| r.to_string()).collect();
    write(folder, "data.jsonl", &lines.join("\n"))
}

fn words(output: &Output) -> String {
    let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for internal in ["Some(", "None", "Closed", "Hung", "Crashed", "panicked", "SearchError", "Err("] {
        assert!(!text.contains(internal), "an internal word reaches the user: {internal}\n{text}");
    }
    text
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

#[test]
fn a_row_that_hangs_or_crashes_is_that_rows_result() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = rows(folder, &["hard", "HANG", "CRASH", "nonsense", "hard2"]);
    let bench = |more: &[&str]| {
        let mut command = qstar(folder);
        command.arg("--lean").arg(fake(folder)).args(["bench", "--policy", "closers", "--checks", "4", "--workers", "1"]);
        command.arg("--data").arg(&data).args(["--out", "run"]).args(more).output().unwrap()
    };
    let results =
        || -> Value { serde_json::from_str(&std::fs::read_to_string(folder.join("run/results.json")).unwrap()).unwrap() };
    let first = bench(&[]);
    let said = words(&first);
    assert_eq!(first.status.code(), Some(0), "{said}");
    let found = results();
    let attempts = found["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 5, "{found}");
    let unjudged: Vec<&str> =
        attempts.iter().filter(|a| a["unjudged"] == true).map(|a| a["theorem"].as_str().unwrap()).collect();
    assert_eq!(unjudged, ["t1", "t2"]);
    assert!(attempts[3]["error"].as_str().unwrap().contains("Unknown identifier"), "{found}");
    assert_eq!((&found["settings"][0]["errors"], &found["settings"][0]["unjudged"]), (&json!(3), &json!(2)));
    let junit = std::fs::read_to_string(folder.join("run/junit.xml")).unwrap();
    assert!(junit.contains("errors=\"3\"") && junit.contains("could not be judged"), "{junit}");
    // Again, and against itself: what has no verdict does not pass.
    let again = bench(&["--baseline", "run/results.json"]);
    assert_eq!((again.status.code(), results()), (Some(1), found), "{}", words(&again));
    assert!(words(&again).contains("without a verdict: `t1`, `t2`"), "{}", words(&again));
}

#[test]
fn a_proof_that_cannot_be_verified_is_shown_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = write(
        folder,
        "a.lean",
        "theorem a : nonsense := by\n  sorry\n\ntheorem b : CRASH := by\n  sorry\n\ntheorem c : easy := by\n  sorry\n\ntheorem d : hard := by\n  sorry\n",
    );
    fake(folder);
    let prove = |more: &[&str]| {
        let mut command = qstar(folder);
        // Named as it lies here; its workers run elsewhere.
        command.args(["--lean", "./lean"]).args(["prove", "--policy", "closers", "--workers", "1", "--checks", "20"]);
        command.arg(&file).args(more).output().unwrap()
    };
    let run = prove(&[]);
    let said = words(&run);
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("NOT VERIFIED: c") && said.contains("theorem c : easy := by\n  rfl"), "{said}");
    assert!(said.contains("theorem a: the statement does not elaborate: Unknown identifier"), "{said}");
    assert!(said.contains("theorem b: the statement could not be judged"), "{said}");
    assert!(said.contains("proved 0 of 4; 1 not proved; 1 not understood by Lean; 2 could not be judged"), "{said}");
    let found = json_lines(&prove(&["--json"]));
    assert_eq!(found.iter().map(|r| r["proved"].clone()).collect::<Vec<_>>(), vec![json!(false); 4]);
    // Verdicts come when they are known: verification goes on beside the next search.
    let c = found.iter().find(|r| r["name"] == "c").unwrap();
    assert!(c["unverified"]["proof"].as_str().unwrap().contains("rfl"), "{found:?}");
}

#[test]
fn a_lean_that_judges_nothing_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lean = write(folder, "lean", "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Lean (version 4.99.0, wasm32)'\nexit 1\n");
    std::fs::set_permissions(&lean, PermissionsExt::from_mode(0o755)).unwrap();
    let data = rows(folder, &["a", "b", "c", "d", "e"]);
    let search = ["--policy", "closers", "--workers", "1", "--checks", "4"];
    let run = qstar(folder).arg("--lean").arg(&lean).arg("prove").arg(&data).args(search).output().unwrap();
    let said = words(&run);
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("Lean does not work") && said.contains("4 not tried"), "{said}");
    let run = qstar(folder).arg("--lean").arg(&lean).arg("bench").arg("--data").arg(&data).args(search).output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", words(&run));
    assert!(words(&run).contains("stopped: 0 of 5 attempts"), "{}", words(&run));
}

#[test]
fn sigterm_and_ctrl_c_stop_at_once_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = rows(folder, &["hard", "HANG", "hard2"]);
    let search = ["--policy", "closers", "--workers", "1", "--checks", "4"];
    let whole = rows(
        &{
            let f = folder.join("whole");
            std::fs::create_dir(&f).unwrap();
            f
        },
        &["hard", "hard2", "hard3"],
    );
    let mut done = qstar(folder);
    done.arg("--lean").arg(fake(folder)).arg("bench").arg("--data").arg(whole).args(search).args(["--out", "before"]);
    assert!(done.output().unwrap().status.success());
    for (signal, words_of) in [(Signal::SIGTERM, "bench"), (Signal::SIGINT, "bench"), (Signal::SIGTERM, "prove")] {
        let mut command = qstar(folder);
        command.arg("--lean").arg(folder.join("lean")).arg(words_of).args(search);
        match words_of {
            "bench" => command.arg("--data").arg(&data).args(["--out", "run", "--baseline", "before/results.json"]),
            _ => command.arg(&data),
        };
        let hanging = folder.join("hanging");
        let _ = std::fs::remove_file(&hanging);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while !hanging.exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "{words_of}: the second row is not reached");
            std::thread::sleep(Duration::from_millis(20));
        }
        let start = Instant::now();
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = words(&output);
        assert_eq!(output.status.code(), Some(4), "{words_of}: {said}");
        assert!(start.elapsed() < Duration::from_secs(8), "{words_of}: {:?}", start.elapsed());
        if words_of == "bench" {
            let text = std::fs::read_to_string(folder.join("run/results.json")).unwrap();
            let found: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (found["attempts"].as_array().unwrap().len(), found["left"].as_array().unwrap().len()),
                (1, 2),
                "{said}"
            );
            assert!(said.contains("Gate FAILED") && said.contains("2 attempts were not made"), "{said}");
            let junit = std::fs::read_to_string(folder.join("run/junit.xml")).unwrap();
            assert!(junit.contains("not attempted: the run was stopped"), "{junit}");
        } else {
            assert!(said.contains("2 not tried"), "{said}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_told_before_the_search() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let guarded = write(folder, "guarded.lean", "old");
    std::fs::set_permissions(&guarded, PermissionsExt::from_mode(0o444)).unwrap();
    // A Lean that does not run would be told otherwise.
    let statement = ["--statement", "theorem t : HANG := by"];
    for (out, part) in [
        ("guarded.lean", "write-protected"),
        ("no/such/folder/P.lean", "cannot write"),
        ("/proc/P.lean", "cannot write"),
        (".", "a folder"),
    ] {
        for flag in ["--out", "--report", "--trace"] {
            let mut command = qstar(folder);
            let run = command.args(["--lean", "/nonexistent", "prove"]).args(statement).args([flag, out]).output().unwrap();
            assert_eq!(run.status.code(), Some(2), "{flag} {out}: {}", words(&run));
            assert!(words(&run).contains(part), "{flag} {out}: {}", words(&run));
        }
    }
    assert_eq!(std::fs::read_to_string(&guarded).unwrap(), "old");
    let data = rows(folder, &["hard"]);
    for out in ["data.jsonl", "/proc/run"] {
        let mut command = qstar(folder);
        let run = command
            .arg("--lean")
            .arg(fake(folder))
            .arg("bench")
            .arg("--data")
            .arg(&data)
            .args(["--out", out])
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(2), "bench {out}: {}", words(&run));
    }
}

/// Kind and severity of what is found.
type Found = (&'static str, &'static str);
/// Header, statement, status, and what is found.
type Row = (&'static str, &'static str, &'static str, &'static [Found]);

const ROWS: &[Row] = &[
    ("set_option debug.byAsSorry true", "(n : Nat) : n * n < n + 1", "refused", &[("option", "refused")]),
    ("set_option debug.terminalTacticsAsSorry true", "(n : Nat) : n * n < n + 1", "refused", &[("option", "refused")]),
    ("set_option warn . «sorry» false", "(n : Nat) : n < n", "refused", &[("option", "refused")]),
    ("#eval IO.FS.writeFile (toString 1) (toString 1)", "(n : Nat) : n + 0 = n", "refused", &[("code", "refused")]),
    ("", ": (sorry : Nat) = (sorry : Nat)", "refused", &[("sorry", "refused")]),
    ("def f (n : Nat) := n\n#exit", "(n : Nat) : f n = n", "refused", &[("end", "refused")]),
    ("open Nat\n/- what follows is", "(n : Nat) : n + 0 = n", "refused", &[("unfinished", "refused")]),
    ("#guard_msgs (drop all) in", "(n : Nat := 4) : n * n < n + 1", "elaborates", &[("messages", "told")]),
    (
        "axiom gift {p : Prop} : p\nmacro_rules | `(tactic| omega) => `(tactic| exact gift)",
        "(n : Nat) : n * n < n + 1",
        "elaborates",
        &[("axiom", "told"), ("syntax", "told")],
    ),
    (
        "local instance (priority := 90000) wet : LT Nat := ⟨fun _ _ => True⟩",
        "(n : Nat) : n * n < n + 1",
        "elaborates",
        &[("instance", "told")],
    ),
    ("local macro_rules | `($_ = $_) => `(True)", ": 3 = 4", "elaborates", &[("syntax", "told")]),
    ("local instance (priority := 90000) three : OfNat Nat 3 := ⟨4⟩", ": (3 : Nat) = 4", "elaborates", &[("instance", "told")]),
    ("theorem gift : ∀ n : Nat, n * n < n + 1 := sorry", "(n : Nat) : n * n < n + 1", "elaborates", &[("sorry", "told")]),
    ("", "(f : Nat → Nat) (h : f x = x) : f (f x) = x", "elaborates", &[("auto_bound", "warned")]),
    ("", "(n : Nat) (h : n < n) : n = 7", "elaborates", &[("contradiction", "warned")]),
    ("", ": (3 : Nat) / 5 = 0", "elaborates", &[("arithmetic", "warned")]),
    ("", "(n : Nat) (h : 0 < n) : n - 1 < n", "elaborates", &[("arithmetic", "warned")]),
    ("", "(n : Nat) (h : 2 ∣ n) : n * 2 = 2 * n", "elaborates", &[]),
    ("structure P where\n  x : Nat\ninstance : Add P := ⟨fun a _ => a⟩", "(a b : P) : a + b = a", "elaborates", &[]),
    ("", "(p : Prop) : p + p", "error", &[]),
];

#[test]
fn each_row_is_judged_alone_and_what_its_header_does_is_told() {
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |(i, (header, statement, ..)): (usize, &Row)| {
        let statement = format!("theorem r{i} {statement} := by");
        json!({"name": format!("r{i}"), "header": header, "formal_statement": statement}).to_string()
    };
    let mut lines: Vec<String> = ROWS.iter().enumerate().map(row).collect();
    // A header that our reader takes for finished and Lean does not: it must not touch the row behind it.
    lines.push(
        json!({"name": "odd", "header": "def x := 1\nend Nowhere", "formal_statement": "theorem odd : x = 1 := by"})
            .to_string(),
    );
    lines.push(json!({"name": "lemma", "formal_statement": "lemma a (n : Nat) : n = n := by"}).to_string());
    lines.push(
        json!({"name": "honest", "header": "open Nat", "formal_statement": "theorem honest (n : Nat) : n + 0 = n := by"})
            .to_string(),
    );
    let data = write(folder, "rows.jsonl", &lines.join("\n"));
    let run = qstar(folder).args(["dataset", "check", "--json"]).arg(&data).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", words(&run));
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let mut wrong = Vec::new();
    for ((header, statement, status, findings), seen) in ROWS.iter().zip(report["theorems"].as_array().unwrap()) {
        let none = Vec::new();
        let found: Vec<(&str, &str)> = seen["findings"]
            .as_array()
            .unwrap_or(&none)
            .iter()
            .map(|f| (f["kind"].as_str().unwrap(), f["severity"].as_str().unwrap()))
            .collect();
        if seen["status"] != *status || found != *findings {
            wrong.push(format!("{header} ⊢ {statement}: {seen}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let last = |back: usize| &report["theorems"][lines.len() - back];
    assert_eq!((&last(1)["status"], &last(3)["status"]), (&json!("elaborates"), &json!("error")));
    assert!(
        last(2)["message"].as_str().unwrap().contains("`lemma`: it is Mathlib's")
            || last(2)["message"].as_str().unwrap().contains("Mathlib"),
        "{}",
        last(2)
    );
    let table = qstar(folder).args(["dataset", "check"]).arg(&data).output().unwrap();
    let said = words(&table);
    for part in [
        "refused: the header sets an option that blinds Lean (debug.byAsSorry)",
        "note: the header has the axiom `gift`",
        "warning: `x` is bound by Lean itself",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!folder.join("1").exists(), "nothing was written");
}

#[test]
fn every_proof_is_written_though_other_statements_fail() {
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = "open Nat\n\ntheorem a (n : Nat) : n + 0 = n := by\n  sorry\n\ntheorem bad : Nat.notThere = 1 := by\n  sorry\n\n\
        lemma c (n : Nat) : n = n := by\n  sorry\n\ndef f (n : Nat) := n + 1\n\ntheorem d (n : Nat) : f n = n + 1 := by\n  sorry\n\n\
        namespace N\n\ntheorem a (n : Nat) : n = n := by\n  sorry\n\nend N\n";
    let file = write(folder, "a.lean", text);
    let start = Instant::now();
    let search = ["--policy", "portfolio", "--workers", "1", "--time", "60", "--out", "P.lean"];
    let run = qstar(folder).arg("prove").arg(&file).args(search).output().unwrap();
    let said = words(&run);
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("proved 3 of 5; 2 not understood by Lean"), "{said}");
    assert!(said.contains("Lean does not know the word `lemma`"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(200), "each phase keeps to its time");
    let proofs = std::fs::read_to_string(folder.join("P.lean")).unwrap();
    let places: Vec<Option<usize>> = ["theorem a", "def f", "theorem d"].iter().map(|p| proofs.find(p)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{proofs}");
    assert!(!proofs.contains("notThere"));
    // Two theorems of one name have a certificate each.
    assert!(["P.a.json", "P.a-2.json", "P.d.json"].iter().all(|name| folder.join(name).exists()));
    // Its definitions stand where the proofs need them.
    let judged = qstar(folder).args(["fill", "--check", "P.lean"]).output().unwrap();
    assert_eq!(judged.status.code(), Some(0), "{}\n{proofs}", words(&judged));
}

#[test]
fn files_are_filled_each_for_itself_and_what_is_left_is_told() {
    common::toolchain();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let easy = "theorem a (n : Nat) : n + 0 = n := by\n  sorry\n";
    let guarded = write(folder, "guarded.lean", easy);
    std::fs::set_permissions(&guarded, PermissionsExt::from_mode(0o444)).unwrap();
    write(folder, "open.lean", "theorem a : 1 = 1 := by\n  sorry\n/- no end");
    write(folder, "macro.lean", &format!("macro \"later\" : term => `(sorry)\n\ndef hidden : Nat := later\n\n{easy}"));
    write(folder, "string.lean", &format!("def hidden : String := s!\"{{(sorry : Nat)}}\"\n\n{easy}"));
    write(
        folder,
        "broken.lean",
        "def f (n : Nat) : Nat := notThere n\n\ntheorem a : f x = 1 := by\n  sorry\n\ntheorem b : 1 + 1 = 2 := by\n  sorry\n",
    );
    write(folder, "lemma.lean", "lemma a (n : Nat) : n = n := by\n  sorry\n");
    write(folder, "good.lean", easy);
    write(folder, "marked.lean", &format!("\u{feff}{easy}"));
    nix::unistd::mkfifo(&folder.join("pipe.lean"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The last is the first by another name.
    std::os::unix::fs::symlink("good.lean", folder.join("again.lean")).unwrap();
    let names = ["guarded", "missing", "marked", "pipe", "open", "macro", "string", "broken", "lemma", "good", "again"]
        .map(|n| format!("{n}.lean"));
    let run = qstar(folder).args(["fill", "--json", "--policy", "portfolio", "--workers", "1"]).args(&names).output().unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", words(&run));
    let found = json_lines(&run);
    let of =
        |name: &str| found.iter().find(|r| r["file"] == format!("{name}.lean")).unwrap_or_else(|| panic!("{name}: {found:?}"));
    let read = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.lean"))).unwrap();
    // What may not be written is not, and its proof is told.
    assert!(of("guarded")["error"].as_str().unwrap().contains("write-protected") && read("guarded") == easy);
    assert_eq!(of("guarded")["sorrys"][0]["status"], "filled");
    assert_eq!(std::fs::metadata(&guarded).unwrap().permissions().mode() & 0o777, 0o444);
    for (name, why) in
        [("missing", "No such file"), ("marked", "byte order mark"), ("pipe", "it is no file"), ("open", "comment")]
    {
        assert!(of(name)["error"].as_str().unwrap().contains(why), "{}", of(name));
    }
    assert!(words(&run).contains("what is found is only shown") && found.len() == names.len() - 1, "{}", words(&run));
    assert!(of("good")["written"] == true && !read("good").contains("sorry"));
    // A `sorry` that Lean still warns of.
    for name in ["macro", "string"] {
        assert_eq!(
            (&of(name)["sorrys"].as_array().unwrap().last().unwrap()["status"], &of(name)["written"]),
            (&json!("filled"), &json!(true)),
            "{}",
            of(name)
        );
    }
    assert_eq!(of("macro")["remaining"][0]["line"], 3);
    // The goal with a name that Lean made up is not shown, the error before it is; what does not need it is filled.
    let broken = of("broken");
    assert!(broken["sorrys"][0]["message"].as_str().unwrap().contains("error before it, at line 1"), "{broken}");
    assert!(broken["sorrys"][0]["goal"].is_null() && broken["sorrys"][1]["status"] == "filled", "{broken}");
    assert!(of("lemma")["sorrys"][0]["message"].as_str().unwrap().contains("`lemma`") && read("lemma").contains("sorry"));
    // The exit code says that something is left.
    let check = |name: &str| qstar(folder).args(["fill", "--check", name]).output().unwrap();
    let left = check("macro.lean");
    assert!(left.status.code() == Some(1) && words(&left).contains("macro.lean:3: a `sorry` is left"), "{}", words(&left));
    let text = qstar(folder).args(["fill", "--policy", "portfolio", "guarded.lean"]).output().unwrap();
    assert!(text.status.code() == Some(2) && words(&text).contains("+  "), "{}", words(&text));
}
