//! The guard's cut into tokens beside Lean's own: soups of tokens that the guard lets through, cut by both. What one of them takes
//! for a comment or for white space, the other must not take for code. `QSTAR_SOUPS` sets how many, `QSTAR_SOUPS_SEED` draws others.

use crate::common;
use std::collections::BTreeSet;

use fastrand::Rng;
use qstar::lean::guard;
use qstar::lean::syntax::{Kind, tokens};

/// Soups that the guard lets through, unless `QSTAR_SOUPS` says otherwise.
const SOUPS: usize = 2000;
/// Soups in one list of a Lean file: long lists are slow to elaborate.
const TOGETHER: usize = 500;

/// What tokens are made of, and what begins or ends one where another lexer might not see it.
const PIECES: &[&str] = &[
    "h",
    "x'",
    "x?",
    "Nat.succ",
    "h.1",
    "«a b»",
    "«a",
    "»",
    "_",
    "αβ",
    "λ",
    "fun",
    "ℝ",
    "𝒳",
    "x₁",
    "ˣ",
    "ħ",
    "é",
    "0",
    "7",
    "0x1f",
    "0b12",
    "1.5e3",
    "1_0",
    "12.",
    ".5",
    "'a'",
    "'\\''",
    "'\"'",
    "'",
    "'\\n'",
    "'\\x41'",
    "'\\u0041'",
    "\"s\"",
    "\"\\\"\"",
    "\"-- no\"",
    "\"/-\"",
    "\"",
    "r\"\\\"",
    "r#\"\"\"#",
    "r#\"a\"#",
    "r",
    "#",
    "s!\"{x}\"",
    "s!\"{\"a\"}\"",
    "-- a\n",
    "--",
    "/- b -/",
    "/- /- c -/ -/",
    "/-",
    "-/",
    "/-- d -/",
    "/-! e -/",
    "/--/",
    "/-/",
    "-",
    "/",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "⟨",
    "⟩",
    "#[",
    "]'",
    "|",
    "·",
    "←",
    "<-",
    "->",
    "→",
    ":=",
    ":",
    "<;>",
    ";",
    ",",
    ".",
    "..",
    "@",
    "`x",
    "``Nat",
    "$",
    "%",
    "^",
    "▸",
    "∣",
    "¬",
    "exact",
    "simp",
    "rfl",
    "by",
    "at",
    "have",
    "then",
    "axiom",
    "theorem",
    "end",
    "def",
    "#eval",
    "#exit",
    "set_option",
    "open",
    "in",
    "macro",
    "section",
    "variable",
    "\n",
    "\n  ",
    " ",
    "  ",
    "\t",
    "\r\n",
    "\u{a0}",
    "\u{200b}",
    "\u{2028}",
    "+++",
    "--+",
    "xs[0]'h",
    "@[simp]",
    "!",
    "?_",
    "?x",
    "⁻¹",
    "∎",
];
/// Words that begin a command: none of them may come through as a token of its own.
const COMMANDS: &[&str] =
    &["axiom", "theorem", "end", "def", "#eval", "#exit", "macro", "section", "variable", "initialize", "elab"];

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn soup(rng: &mut Rng) -> String {
    (0..rng.usize(1..9)).map(|_| format!("{}{}", PIECES[rng.usize(..PIECES.len())], ["", "", " "][rng.usize(..3)])).collect()
}

/// Tokens that stand side by side are one piece of code: Lean and we do not cut `h.1` alike, and need not.
fn joined(spans: impl IntoIterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for (start, end) in spans {
        match all.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => all.push((start, end)),
        }
    }
    all
}

#[tokio::test]
async fn what_the_guard_lets_through_is_cut_as_lean_cuts_it() {
    let toolchain = common::toolchain();
    let (wanted, mut rng) = (number("QSTAR_SOUPS", SOUPS), Rng::with_seed(number("QSTAR_SOUPS_SEED", 1) as u64));
    let mut soups: BTreeSet<String> = BTreeSet::new();
    while soups.len() < wanted {
        let text = soup(&mut rng);
        if guard::check(&text).is_ok() {
            soups.insert(text);
        }
    }
    let soups: Vec<String> = soups.into_iter().collect();
    let mut file = include_str!("../fixtures/lexer/Cut.lean").to_owned();
    for (i, part) in soups.chunks(TOGETHER).enumerate() {
        // Lean's strings have JSON's escapes.
        let texts: Vec<String> = part.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
        file.push_str(&format!("def soups{i} : List String := [\n{}]\n", texts.join(",\n")));
        file.push_str(&format!("run_cmd do\n  let env ← Lean.getEnv\n  (IO.print (told env soups{i} \"\") : IO Unit)\n"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Cut.lean");
    std::fs::write(&path, file).unwrap();
    let output = toolchain.check_command(&path, None).output().await.unwrap();
    let (said, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> = Vec::new();
    for message in said.lines() {
        let message: serde_json::Value = serde_json::from_str(message).unwrap();
        assert_eq!(message["severity"], "information", "{message}");
        lines.extend(message["data"].as_str().unwrap().lines().map(str::to_owned));
    }
    assert_eq!(lines.len(), soups.len(), "{words}");
    let (mut compared, mut wrong) = (0, Vec::new());
    for (text, line) in soups.iter().zip(&lines) {
        let theirs: Vec<(char, usize, usize)> = line
            .split_whitespace()
            .filter(|token| *token != "!")
            .map(|token| {
                let (start, end) = token[1..].split_once('-').unwrap();
                (token.chars().next().unwrap(), start.parse().unwrap(), end.trim_end_matches('!').parse().unwrap())
            })
            .collect();
        let command = theirs.iter().find(|(kind, start, end)| *kind == 's' && COMMANDS.contains(&&text[*start..*end]));
        // Where Lean stops, it refuses the text.
        let whole = !line.contains('!');
        let ours = tokens(text).unwrap();
        let ours = joined(ours.iter().filter(|t| t.kind != Kind::Comment).map(|t| (t.start, t.end())));
        compared += usize::from(whole);
        if command.is_some() || whole && joined(theirs.iter().map(|t| (t.1, t.2))) != ours {
            wrong.push(format!("{text:?}\n  Lean: {line}\n  here: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), soups.len(), wrong[..wrong.len().min(12)].join("\n"));
    assert!(compared > soups.len() / 2, "Lean cut {compared} of {} to their ends", soups.len());
    println!("{compared} of {} cut to their ends, all alike", soups.len());
}
