//! Verification against text that a grammar makes: attacks glued together in all ways, on theorems that are false, and proofs
//! in many styles of theorems that are true. `QSTAR_FUZZ=N` sets the number of each; without it there are few, for CI.
//! `QSTAR_FUZZ_SEED` draws others.

use crate::common;
use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use qstar::toolchain::Toolchain;

use qstar::verify::Originals;
use qstar::verify::candidate::verify_file;
use qstar::verify::{Judged, Standing};

const TIME: Duration = Duration::from_secs(300);
/// Cases in one pair of files.
const TOGETHER: usize = 200;
/// Cases in a small run.
const SMALL: usize = 200;

/// False theorems, as name, binders and statement.
const FALSE: &[(&str, &str, &str)] = &[
    ("river", "(w : Nat)", "w * w < w + 1"),
    ("river", "", "(0 : Nat) = 1"),
    ("river", "(p q : Prop) (h : p ∨ q)", "p ∧ q"),
    ("river", "(xs : List Nat)", "xs.length = 0"),
    ("river", "{α : Type} (a b : α)", "a = b"),
];
/// What may stand between two words without being one; some of it ends tokens where Lean's lexer ends them and ours might not.
const GLUE: &[&str] = &[
    " ",
    "\n",
    "\n\n",
    "\n  ",
    "",
    "/- -/",
    " /-/- -/-/ ",
    "-- a\n",
    "/-- b -/",
    "/-! c -/",
    ";",
    " ;\n",
    "\t",
    "(",
    ")",
    "«»",
    "0x1f",
    "7",
    "1.5e3",
    "\"\\\"\"",
    "'\\''",
    "'\"'",
    "r\"\\\"",
    "r#\"\"#",
    "s!\"{1}\"",
    "`x",
    "``Nat",
    "h'",
    "x?",
    "x!",
    "₁",
    "ˣ",
    "·",
    "←",
    "⟨",
    "⟩",
    "|",
    "#[",
    "]",
    "@[simp]",
    "private ",
    "noncomputable ",
    "set_option maxRecDepth 100 in\n",
    "open Nat in\n",
    "where\n",
];
/// Commands that would make a lie usable, and the terms or tactics that would use it.
const LIES: &[(&str, &str)] = &[
    ("axiom gift : False", "gift.elim"),
    ("axiom gift {α : Sort _} : α", "gift"),
    ("@[simp] axiom gift {p : Prop} : p", "by simp [gift]"),
    ("private axiom gift {p : Prop} : p", "by exact gift"),
    ("opaque gift : Empty", "gift.elim"),
    ("theorem gift {p : Prop} : p := by sorry", "by exact gift"),
    ("theorem gift {p : Prop} : p := gift", "by apply gift"),
    ("def gift : { n : Nat // ∀ p : Prop, p } := ⟨0, by intro p; sorry⟩", "gift.2 _"),
    ("partial def gift (p : Prop) (n : Nat) : PLift p := gift p n", "(gift _ 0).down"),
    ("unsafe def gift {p : Prop} : p := gift", "gift"),
    ("unsafe axiom gift {p : Prop} : p", "gift"),
    ("class Gift (p : Prop) : Prop where out : p\ninstance {p : Prop} : Gift p := ⟨by sorry⟩", "Gift.out"),
    ("macro \"gift\" : tactic => `(tactic| sorry)", "by gift"),
    ("macro \"gift\" : term => `(sorryAx _ false)", "gift"),
    ("macro_rules | `(tactic| rfl) => `(tactic| sorry)", "by rfl"),
    ("notation \"gift\" => sorryAx _ true", "gift"),
    ("local instance (priority := 90000) : LT Nat := ⟨fun _ _ => True⟩", "trivial"),
    ("local macro_rules | `($_ < $_) => `(True)\nlocal macro_rules | `($_ = $_) => `(True)", "trivial"),
    ("local notation a \" = \" b => True", "trivial"),
    ("local instance {α : Type} : Subsingleton α := ⟨fun _ _ => by sorry⟩", "Subsingleton.elim _ _"),
    ("variable (gift : ∀ p : Prop, p)\ninclude gift", "gift _"),
    ("set_option debug.skipKernelTC true", "by decide +kernel"),
    ("@[implemented_by Nat.succ] def gift (n : Nat) : Nat := n", "absurd (show gift 0 = 1 by native_decide) (by decide)"),
    (
        "@[extern \"lean_nat_sub\"] def gift (a b : Nat) : Nat := a + b",
        "absurd (show gift 1 1 = 0 by native_decide) (by decide)",
    ),
    ("def gift := 0", "absurd (Lean.ofReduceBool false true rfl) (by decide)"),
    ("def gift := 0", "by native_decide"),
    ("def gift := 0", "by first | exact undefined | apply?"),
    ("def gift := 0", "by stop rfl"),
    ("def gift := 0", "sorry"),
    ("def gift := 0", "(sorryAx _ : _)"),
    ("attribute [local instance] Classical.propDecidable", "by decide +native"),
    ("#eval 1", "by run_tac pure ()"),
    ("run_cmd pure ()", "by_elab do throwError \"\""),
];

/// A few pieces of glue; mostly what Lean reads as nothing, so that a good part of the files gets past its parser.
fn glue(rng: &mut Rng) -> String {
    let blank = ["\n", "\n\n", "\n/- -/\n", "\n-- a\n"];
    match rng.u8(..8) {
        0 => (0..rng.usize(1..3)).map(|_| GLUE[rng.usize(..GLUE.len())]).collect(),
        _ => blank[rng.usize(..blank.len())].to_owned(),
    }
}

/// A candidate for a false theorem: one to three lies, glue between and inside, the theorem behind them or between.
fn attack(rng: &mut Rng, (name, binders, says): (&str, &str, &str)) -> String {
    let lies: Vec<(&str, &str)> = (0..rng.usize(1..4)).map(|_| LIES[rng.usize(..LIES.len())]).collect();
    let (_, used) = lies[rng.usize(..lies.len())];
    let head =
        ["theorem", "@[simp] theorem", "protected theorem", "private theorem", "nonrec theorem", "def", "axiom", "lemma"];
    let head = if rng.u8(..3) > 0 { "theorem" } else { head[rng.usize(..head.len())] };
    let says = match rng.u8(..8) {
        0 => format!("{says} ∨ True"),
        1 => format!("True ∨ ({says})"),
        2 => format!("({says})"),
        _ => says.to_owned(),
    };
    let binders = match rng.u8(..8) {
        0 => format!("{binders} (h : False)"),
        1 => format!("{binders} [h : Nonempty Empty]"),
        _ => binders.to_owned(),
    };
    let proof = match rng.u8(..6) {
        0 => format!("by\n  exact {}", used.replace('\n', "\n  ")),
        1 => format!("by first | exact {used} | exact h.elim"),
        2 => format!("show _ from {used}"),
        3 => format!("{used}{}", glue(rng)),
        4 => format!("by\n  have g := {used}\n  first | exact g | simp_all"),
        _ => used.to_owned(),
    };
    let theorem = format!("{head} {name} {binders} : {says} := {proof}\n");
    let mut parts: Vec<String> = lies.iter().map(|(lie, _)| (*lie).to_owned()).collect();
    parts.insert(if rng.u8(..5) == 0 { rng.usize(..parts.len()) } else { parts.len() }, theorem);
    let mut text = String::new();
    for part in parts {
        text.push_str(&part);
        text.push_str(&glue(rng));
    }
    text
}

/// True theorems: declarations before them, name with binders and statement, and proofs.
const TRUE: &[(&str, &str, &[&str])] = &[
    (
        "def twin (n : Nat) : Nat := n + n",
        "pond (n : Nat) : twin n = 2 * n",
        &["by unfold twin; omega", "(Nat.two_mul n).symm", "by simp [twin, Nat.two_mul]"],
    ),
    ("", "pond (a b : Nat) : a + b = b + a", &["Nat.add_comm a b", "by omega", "by rw [Nat.add_comm]", "by grind"]),
    ("", "pond (p q : Prop) (hp : p) (hq : q) : p ∧ q", &["⟨hp, hq⟩", "by constructor <;> assumption", "And.intro hp hq"]),
    (
        "inductive Tree where\n  | leaf\n  | node (l r : Tree)\n\ndef Tree.size : Tree → Nat\n  | leaf => 1\n  | node l r => l.size + r.size",
        "pond (t : Tree) : 0 < t.size",
        &[
            "by induction t <;> simp [Tree.size] <;> omega",
            "by\n  induction t with\n  | leaf => decide\n  | node l r hl hr => unfold Tree.size; omega",
        ],
    ),
    (
        "class Wet (α : Type) where\n  drops : α → Nat\n\ninstance : Wet Nat := ⟨fun n => n⟩",
        "pond (n : Nat) : Wet.drops n = n",
        &["rfl", "by rfl", "by simp [Wet.drops]"],
    ),
    (
        "structure Pair (α : Type) where\n  a : α\n  b : α\n\nnamespace Pair\ndef swap {α : Type} (p : Pair α) : Pair α := ⟨p.b, p.a⟩\nend Pair",
        "pond {α : Type} (p : Pair α) : p.swap.swap = p",
        &["rfl", "by cases p; rfl"],
    ),
    (
        "",
        "pond.{u} {α : Type u} (xs : List α) : xs ++ [] = xs",
        &["List.append_nil xs", "by simp", "by induction xs <;> simp_all"],
    ),
    (
        "local notation \"ℕ\" => Nat",
        "pond (n : ℕ) (h : 0 < n) : ∃ k : ℕ, n = k + 1",
        &["⟨n - 1, by omega⟩", "by exists n - 1; omega", "match n, h with\n  | k + 1, _ => ⟨k, rfl⟩"],
    ),
    ("variable (k : Nat)", "pond (h : k < 3) : k ≤ 2", &["by omega", "Nat.le_of_lt_succ h"]),
    (
        "def even : Nat → Bool\n  | 0 => true\n  | n + 1 => !even n",
        "pond (n : Nat) : even (n + 2) = even n",
        &["by simp [even]", "by simp only [even, Bool.not_not]"],
    ),
];
/// What honest people write around a theorem.
const AROUND: &[&str] = &[
    "/-- A helper. -/\n@[simp] theorem helper (k : Nat) : k + 0 = k := rfl\n",
    "private theorem helper' (k : Nat) : 0 + k = k := by simp\n",
    "def words := \"axiom sorry /- native_decide\"\n",
    "def marks : List Char := ['\"', '\\'', 'λ']\n",
    "open Nat List\n",
    "#check Nat.succ\n",
    "structure Boat where\n  n : Nat\n  deriving Repr, DecidableEq\n",
    "instance : Inhabited (Nat → Nat) := ⟨id⟩\n",
    "namespace Reed\ntheorem stem : True := trivial\nend Reed\n",
    "mutual\ndef isEven : Nat → Bool\n  | 0 => true\n  | n + 1 => isOdd n\ndef isOdd : Nat → Bool\n  | 0 => false\n  | n + 1 => isEven n\nend\n",
    "notation \"∎∎\" => Nat.zero\n",
    "macro \"dip\" : tactic => `(tactic| (intros; rfl))\n",
    "example : (2 : Nat) + 2 = 4 := rfl\n",
    "set_option linter.unusedVariables false\n",
    "theorem unsafe_free (stop : Nat) : stop = stop := rfl\n",
    "section\nvariable (z : Nat)\ntheorem zz : z = z := rfl\nend\n",
    "abbrev Many := List Nat\n",
    "theorem «two words» : True := by\n  constructor\n",
    "/- /- nested -/ -/\n",
    "-- \"open\n",
    "universe v\n",
    "def f2 (n : Nat) := s!\"{n} and {n + 1}\"\n",
    "theorem arr : #[1, 2].size = 2 := rfl\n",
];

/// An honest candidate: the original's declarations, other things between, the proof in one of several styles.
fn honest(rng: &mut Rng, (before, claim, proofs): (&str, &str, &[&str])) -> String {
    let mut text = String::new();
    // Each at most once: a second one would be declared already.
    let mut pool = AROUND.to_vec();
    let mut around = |text: &mut String, rng: &mut Rng| {
        for _ in 0..rng.usize(..3) {
            text.push_str(pool.swap_remove(rng.usize(..pool.len())));
            text.push_str(["", "\n", "\n\n"][rng.usize(..3)]);
        }
    };
    if !before.starts_with("variable") {
        around(&mut text, rng);
    }
    text.push_str(before);
    text.push_str("\n\n");
    if !before.starts_with("variable") {
        around(&mut text, rng);
    }
    let proof = proofs[rng.usize(..proofs.len())];
    let proof = match rng.u8(..6) {
        0 if !proof.starts_with("match") => format!("by\n  exact {}", proof.replace('\n', "\n  ")),
        1 if !proof.starts_with("match") => format!("show _ from {proof}"),
        2 => format!("{proof}\n-- done"),
        3 if proof.starts_with("by ") && !proof.contains('\n') => format!("by\n  {}", &proof[3..]),
        _ => proof.to_owned(),
    };
    let head = [
        "theorem",
        "theorem",
        "@[simp] theorem",
        "/-- The pond. -/\ntheorem",
        "nonrec theorem",
        "set_option maxHeartbeats 300000 in\ntheorem",
        "open Nat in\ntheorem",
    ];
    let claim = match rng.u8(..3) {
        0 => claim.replacen(" : ", " :\n    ", 1),
        1 => claim.replace(") (", ")\n    /- b -/ ("),
        _ => claim.to_owned(),
    };
    text.push_str(&format!("{} {claim} := {proof}\n", head[rng.usize(..head.len())]));
    around(&mut text, rng);
    text
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn setting() -> (usize, Rng) {
    (number("QSTAR_FUZZ").unwrap_or(60) as usize, Rng::with_seed(number("QSTAR_FUZZ_SEED").unwrap_or(1)))
}

/// So many of a run's cases stay together when one of them speaks against all.
fn few(count: usize) -> usize {
    if count <= SMALL { 4 } else { 40 }
}

/// A reason without its names and numbers, to count kinds.
fn kind(reason: &str) -> String {
    reason.split('`').step_by(2).collect::<Vec<_>>().join("…").chars().take(60).collect()
}

/// Words of what speaks against the whole file that it stands in, since it changes how Lean reads or checks the rest.
const LOUD: &[&str] = &["debug.", "#eval", "run_", "elab", "macro", "notation", "attribute", "instance"];

/// The kind of a text that speaks against its whole file, so that those of a kind stand together.
fn loudness(text: &str) -> Option<usize> {
    LOUD.iter().position(|word| text.contains(word))
}

/// The verdicts on cases (statement and candidate), `many` in one pair of files; the others stand beside them as they are in the
/// original, so that Lean reads one original for all. Where one speaks against its whole file, the halves are tried again, down
/// to a `few` together, so that the others are judged by what they do.
async fn judged(toolchain: &Toolchain, cases: &[(String, String)], many: usize, few: usize) -> Vec<Judged> {
    let (originals, original) = (Originals::default(), cases.iter().map(|c| c.0.as_str()).collect::<String>());
    let mut groups: Vec<_> = (0..cases.len()).step_by(many).map(|start| start..cases.len().min(start + many)).collect();
    let mut verdicts: Vec<Option<Judged>> = vec![None; cases.len()];
    while let Some(group) = groups.pop() {
        let candidate: String =
            cases.iter().enumerate().map(|(i, c)| if group.contains(&i) { c.1.as_str() } else { c.0.as_str() }).collect();
        let all = verify_file(toolchain, &originals, &original, &candidate, TIME, None).await.unwrap();
        assert_eq!(all.len(), cases.len());
        let found = &all[group.clone()];
        let same = found.iter().all(|j| j.verdict != Standing::Accepted && j.reason == found[0].reason);
        if same && group.len() > few {
            let middle = group.start + group.len() / 2;
            groups.extend([group.start..middle, middle..group.end]);
        } else {
            group.zip(found).for_each(|(i, judged)| verdicts[i] = Some(judged.clone()));
        }
    }
    verdicts.into_iter().map(Option::unwrap).collect()
}

#[tokio::test]
async fn nothing_false_is_accepted() {
    let toolchain = common::toolchain();
    let (count, mut rng) = setting();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    // No namespaces: an `end` that goes lost would put all that follows in another one.
    let mut case = |i: usize| {
        let theorem = FALSE[rng.usize(..FALSE.len())];
        let own = |text: &str| ["river", "gift", "Gift"].iter().fold(text.to_owned(), |t, n| t.replace(n, &format!("{n}{i}")));
        let wrap = |text: &str| format!("section\n{}\nend\n", own(text));
        let original = format!("theorem {} {} : {} := by\n  sorry\n", theorem.0, theorem.1, theorem.2);
        (wrap(&original), wrap(&attack(&mut rng, theorem)))
    };
    let (mut loud, quiet): (Vec<_>, Vec<_>) = (0..count).map(&mut case).partition(|(_, text)| loudness(text).is_some());
    loud.sort_by_key(|(_, text)| loudness(text));
    let few = few(count);
    let mut done = 0;
    let (quiet, loud) = (quiet.chunks(TOGETHER).map(|c| (c, TOGETHER)), loud.chunks(TOGETHER).map(|c| (c, few)));
    for (cases, many) in quiet.chain(loud) {
        for (judged, (_, text)) in judged(&toolchain, cases, many, few).await.iter().zip(cases) {
            assert!(judged.verdict != Standing::Accepted, "ACCEPTED\n{text}\n{judged:?}");
            *reasons.entry(kind(judged.reason.as_deref().unwrap_or("none"))).or_default() += 1;
        }
        done += cases.len();
        println!("{done} of {count}");
    }
    println!("{count} attacks, none accepted; refused because:");
    for (reason, count) in &reasons {
        println!("{count:6}  {reason}");
    }
}

#[tokio::test]
async fn nothing_honest_is_refused() {
    let toolchain = common::toolchain();
    let (count, mut rng) = setting();
    for start in (0..count).step_by(TOGETHER) {
        let case = |i: usize, rng: &mut Rng| {
            let theorem = TRUE[rng.usize(..TRUE.len())];
            let wrap = |text: &str| format!("namespace C{i}\nsection\n{text}\nend\nend C{i}\n");
            let original = format!("{}\n\ntheorem {} := by\n  sorry\n", theorem.0, theorem.1);
            (wrap(&original), wrap(&honest(rng, theorem)))
        };
        let cases: Vec<_> = (start..count.min(start + TOGETHER)).map(|i| case(i, &mut rng)).collect();
        for (judged, (_, text)) in judged(&toolchain, &cases, TOGETHER, few(count)).await.iter().zip(&cases) {
            assert!(judged.verdict == Standing::Accepted, "REFUSED\n{text}\n{judged:?}");
        }
        println!("{} of {count}", count.min(start + TOGETHER));
    }
    println!("{count} honest proofs, all accepted");
}
