//! `qstar fill` on files with `sorry` in every place where people leave one.

use crate::common;
use std::path::Path;
use std::process::Command;

use qstar::lean::syntax::imports;
use qstar::lean::{Limits, Session};
use serde_json::Value;

/// Name, text, and how many of its `sorry`s must be filled: all, unless said otherwise.
const CASES: &[(&str, &str)] = &[
    ("by_own_line", "theorem a (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n"),
    ("by_same_line", "theorem a (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry\n"),
    ("term", "theorem a (n : Nat) : n + 0 = n := sorry\n"),
    ("no_final_newline", "theorem a (n : Nat) : n + 0 = n := by\n  sorry"),
    ("crlf", "theorem a (p q : Prop) (h : p ∧ q) : q ∧ p := by\r\n  sorry\r\n\r\n-- the end\r\n"),
    ("crlf_inside", "theorem a (p q : Prop) (h : p ∧ q) : q ∧ p := by\r\n  constructor\r\n  · sorry\r\n  · exact h.1\r\n"),
    ("tabs_in_comments", "/- a\ttab\n\tand another -/\ntheorem a (n : Nat) : n ≤ n + 1 := by\n  sorry --\ttab\n"),
    ("two_theorems", "theorem a (n : Nat) : n ≤ n + 1 := by\n  sorry\n\ntheorem b (n : Nat) : n * 1 = n := by\n  sorry\n"),
    ("bullets", "theorem a (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  constructor\n  · sorry\n  · sorry\n"),
    (
        "nested_bullets",
        "theorem a (p q r : Prop) (hp : p) (hq : q) (hr : r) : (p ∧ q) ∧ r := by\n  constructor\n  · constructor\n    · sorry\n    · exact hq\n  · sorry\n",
    ),
    ("have_by", "theorem a (n : Nat) (h : 2 < n) : 1 < n * 2 := by\n  have k : 1 < n := by sorry\n  omega\n"),
    ("have_term", "theorem a (n : Nat) (h : 2 < n) : 1 < n * 2 := by\n  have k : 1 < n := sorry\n  omega\n"),
    (
        "induction_cases",
        "theorem a (n : Nat) : 0 + n = n := by\n  induction n with\n  | zero => sorry\n  | succ k ih => sorry\n",
    ),
    ("match_term", "theorem a (n : Nat) : n = 0 ∨ 0 < n :=\n  match n with\n  | 0 => sorry\n  | k + 1 => sorry\n"),
    ("exact_term", "theorem a (p q : Prop) (h : p ∧ q) : q := by\n  exact sorry\n"),
    ("anonymous_constructor", "theorem a (p q : Prop) (hp : p) (hq : q) : p ∧ q := ⟨sorry, sorry⟩\n"),
    ("argument", "theorem a (p q : Prop) (f : p → q → p ∧ q) (hp : p) (hq : q) : p ∧ q := f sorry hq\n"),
    ("semicolon", "theorem a (p q : Prop) : p ∧ q → p := by\n  intro h; sorry\n"),
    ("all_goals", "theorem a (b c : Bool) : (b && c) = (c && b) := by\n  cases b <;> cases c <;> sorry\n"),
    ("first", "theorem a (n : Nat) : n < n + 1 := by\n  first | (simp at *; done; fail) | sorry\n"),
    (
        "calc",
        "theorem a (x y z : Nat) (h : x = y) (g : y = z) : x = z := by\n  calc\n    x = y := by sorry\n    _ = z := sorry\n",
    ),
    ("fun_term", "theorem a (p q : Prop) : p ∧ q → q := fun h => sorry\n"),
    (
        "where_local",
        "theorem a (n : Nat) : n + n = 2 * n := by\n  exact twice n\nwhere\n  twice (m : Nat) : m + m = 2 * m := by\n    sorry\n",
    ),
    ("structure_field", "structure Small where\n  n : Nat\n  h : n < 10\n\ndef small : Small where\n  n := 3\n  h := sorry\n"),
    (
        "instance_field",
        "class Weak (α : Type) where\n  op : α → α → α\n  comm : ∀ a b, op a b = op b a\n\nnoncomputable instance : Weak Nat where\n  op a b := a + b\n  comm := by\n    sorry\n",
    ),
    (
        "section_variables",
        "section\nvariable (p q : Prop)\nvariable {n : Nat} (h : 0 < n)\n\ntheorem a : p ∧ q → q := by\n  sorry\n\ninclude h in\ntheorem b : n ≠ 0 := by\n  sorry\n\nend\n",
    ),
    (
        "namespace",
        "namespace Deep.Down\n\ndef f (n : Nat) := n + 1\n\ntheorem a (n : Nat) : f n = n + 1 := by\n  sorry\n\nend Deep.Down\n",
    ),
    (
        "indented_namespace",
        "namespace A\n  def f (n : Nat) := n + 1\n\n  /-- About `f`. -/\n  @[simp]\n  theorem a (n : Nat) : f n = n + 1 := by\n    sorry\n\n  theorem b : f 1 = 2 := sorry\nend A\n",
    ),
    ("private", "private def f (n : Nat) := n * 2\n\nprivate theorem a (n : Nat) : f n = 2 * n := by\n  sorry\n"),
    (
        "protected_noncomputable",
        "protected theorem Nat.mine (n : Nat) : n < n + 2 := by\n  sorry\n\nnoncomputable def x : { n : Nat // n < 2 } := ⟨1, sorry⟩\n",
    ),
    (
        "mutual_block",
        "mutual\ndef even : Nat → Bool\n  | 0 => true\n  | n + 1 => odd n\ndef odd : Nat → Bool\n  | 0 => false\n  | n + 1 => even n\nend\n\nmutual\ntheorem a (n : Nat) (h : 3 ≤ n) : 0 < n := by\n  sorry\ntheorem b (n : Nat) : n ≤ n * 1 := by\n  sorry\nend\n",
    ),
    ("recursive_theorem", "theorem a : ∀ n : Nat, 0 * n = 0\n  | 0 => rfl\n  | n + 1 => by\n    have := a n\n    sorry\n"),
    ("example_command", "example (a b : Nat) : a + b = b + a := by\n  sorry\n"),
    ("open_before", "open Nat in\ntheorem a (n : Nat) : succ n = n + 1 := by\n  sorry\n"),
    (
        "uses_open_lemma",
        "theorem hard (f : Nat → Nat) : f 0 = f 1 := by\n  sorry\n\ntheorem a (g : Nat → Nat) : g 0 + 1 = g 1 + 1 := by\n  have := hard g\n  sorry\n",
    ),
    ("false_stays", "theorem a (n : Nat) : n < n := by\n  sorry\n\ntheorem b (n : Nat) : n ≤ n := by\n  sorry\n"),
    ("data_stays", "def a : Nat := sorry\n\ntheorem b : 1 + 1 = 2 := sorry\n"),
    ("error_elsewhere", "theorem a : Nat.notThere = 1 := rfl\n\ntheorem b : 1 + 1 = 2 := by\n  sorry\n"),
    (
        "inner_and_outer",
        "theorem a (n : Nat) (h : n % 4 = 3) : n % 2 = 1 ∧ n ≠ 0 := by\n  have k : n % 2 = 1 := by\n    sorry\n  refine ⟨k, ?_⟩\n  intro z\n  sorry\n",
    ),
    ("unicode_before", "theorem «α β» (αβγ : Nat) (𝒳 : αβγ = 3) : αβγ < 5 := by have 𝒴 : αβγ = 3 := sorry; omega\n"),
    ("import_std", "import Std\n\ntheorem a (xs : List Nat) : (xs ++ []).length = xs.length := by\n  sorry\n"),
];

/// Of these cases some stay: how many are filled.
const PARTLY: &[(&str, usize)] = &[("uses_open_lemma", 1), ("false_stays", 1), ("data_stays", 1), ("error_elsewhere", 1)];
/// These have a file of their own for their beginning, end or lines; as those that stay in part have.
const ALONE: &[&str] =
    &["by_own_line", "no_final_newline", "crlf", "crlf_inside", "tabs_in_comments", "unicode_before", "import_std"];
/// Cases in a file where they may stand together: each file is verified by processes of its own.
const TOGETHER: usize = 10;

/// The cases as files: name and text.
fn files() -> Vec<(String, String)> {
    let alone = |name: &str| ALONE.contains(&name) || PARTLY.iter().any(|(n, _)| *n == name);
    let (own, rest): (Vec<_>, Vec<_>) = CASES.iter().partition(|(name, _)| alone(name));
    let own = own.into_iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let groups = rest.chunks(TOGETHER).map(|group| {
        let names: Vec<&str> = group.iter().map(|(name, _)| *name).collect();
        let texts = group.iter().map(|(name, text)| format!("namespace c_{name}\n\n{text}\nend c_{name}\n\n"));
        (names.join("-"), texts.collect())
    });
    // Imports come last: a session that has made them goes on with the same ones alone.
    let mut files: Vec<(String, String)> = own.chain(groups).collect();
    files.sort_by_key(|(_, text)| !imports(text).is_empty());
    files
}

fn fill(files: &[std::path::PathBuf], more: &[&str]) -> (Vec<Value>, i32) {
    common::toolchain();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    command.arg("fill").args(["--json", "--checks", "60", "--time", "120", "--workers", "2"]).args(more).args(files);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    // Files with the same imports come together.
    rows.sort_by_key(|r| files.iter().position(|f| f.to_str() == r["file"].as_str()));
    (rows, output.status.code().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(format!("{name}.lean"));
    std::fs::write(&path, text).unwrap();
    path
}

/// Everything outside the edits is as it was, and each edit replaces one `sorry` (and blanks before it).
fn assert_only_sorrys_changed(name: &str, old: &str, new: &str, row: &Value) {
    let (mut expected, mut at) = (String::new(), 0);
    for edit in row["sorrys"].as_array().unwrap().iter().filter(|s| !s["edit"].is_null()).map(|s| &s["edit"]) {
        let place = |key: &str| edit[key].as_u64().unwrap() as usize;
        let (start, end) = (place("start"), place("end"));
        assert_eq!(old[start..end].trim_start_matches(' '), "sorry", "{name}");
        expected.push_str(&old[at..start]);
        expected.push_str(edit["text"].as_str().unwrap());
        at = end;
    }
    expected.push_str(&old[at..]);
    assert_eq!(new, expected, "{name}");
    assert_eq!(new.contains("\r\n"), old.contains("\r\n"), "{name}");
    assert_eq!(new.replace("\r\n", "").contains('\n'), old.replace("\r\n", "").contains('\n'), "{name}: line ends");
    assert_eq!(new.ends_with('\n'), old.ends_with('\n'), "{name}: final newline");
}

#[tokio::test]
async fn every_placement_is_filled_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    assert!(CASES.len() >= 40);
    let cases = files();
    let files: Vec<_> = cases.iter().map(|(name, text)| write(folder.path(), name, text)).collect();
    let (rows, code) = fill(&files, &[]);
    assert_eq!((rows.len(), code), (cases.len(), 1), "some stay open");
    // A warm session of its own judges the results once more.
    let mut session = Session::start(&common::toolchain(), Limits::default()).await.unwrap();
    let mut wrong = Vec::new();
    for ((name, old), row) in cases.iter().zip(&rows) {
        let new = std::fs::read_to_string(folder.path().join(format!("{name}.lean"))).unwrap();
        let all = row["sorrys"].as_array().unwrap();
        let filled = all.iter().filter(|s| s["status"] == "filled").count();
        let wanted = PARTLY.iter().find(|(n, _)| n == name).map_or(all.len(), |(_, n)| *n);
        if filled != wanted || all.is_empty() {
            wrong.push(format!("{name}: {filled} filled, {wanted} wanted: {row}\n{new}"));
        }
        assert_only_sorrys_changed(name, old, &new, row);
        // What was imported cannot be changed in a session.
        if !imports(&new).is_empty() {
            session = Session::start(&common::toolchain(), Limits::default()).await.unwrap();
        }
        let seen = session.elaborate(&new.replace("\r\n", "\n")).await.unwrap();
        let errors: Vec<&str> = seen.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.base.message.as_str()).collect();
        if errors.len() != usize::from(name == "error_elsewhere") {
            wrong.push(format!("{name}: {errors:?}\n{new}"));
        }
        if seen.diagnostics.iter().any(|d| d.base.message.contains("sorry")) != (filled < all.len()) {
            wrong.push(format!("{name}: its `sorry`s are not told as they are\n{new}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let conditional: Vec<&str> = cases
        .iter()
        .zip(&rows)
        .filter(|(_, row)| row["sorrys"].as_array().unwrap().iter().any(|s| s["conditional"] == true))
        .map(|((name, _), _)| name.as_str())
        .collect();
    assert_eq!(conditional, ["uses_open_lemma", "data_stays"], "what stands on an open `sorry` is told");
}

#[test]
fn nothing_is_written_when_only_asked() {
    let folder = tempfile::tempdir().unwrap();
    let old = "theorem a (n : Nat) : n ≤ n + 1 := by\n  sorry\n";
    let path = write(folder.path(), "a", old);
    let (rows, code) = fill(std::slice::from_ref(&path), &["--check"]);
    assert_eq!((code, &rows[0]["written"]), (0, &Value::Bool(false)));
    let output = Command::new(env!("CARGO_BIN_EXE_qstar")).args(["fill", "--diff"]).arg(&path).output().unwrap();
    let diff = String::from_utf8(output.stdout).unwrap();
    assert!(diff.contains("-  sorry\n+  ") && diff.starts_with("--- "), "{diff}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
}

#[test]
fn rights_of_the_file_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a", "theorem a (n : Nat) : n ≤ n + 1 := by\n  sorry\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(fill(std::slice::from_ref(&path), &[]).1, 0);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("sorry"));
}
