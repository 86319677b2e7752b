//! Features of constants and of printed goals: what they are compared by. Depends on nothing of qstar.

use std::sync::LazyLock;

use regex::Regex;

/// Notations and the constants behind them.
const NOTATIONS: &[(&str, &str)] = &[
    ("+", "HAdd.hAdd"),
    ("-", "HSub.hSub"),
    ("*", "HMul.hMul"),
    ("/", "HDiv.hDiv"),
    ("%", "HMod.hMod"),
    ("^", "HPow.hPow"),
    ("∣", "Dvd.dvd"),
    ("≤", "LE.le"),
    ("≥", "LE.le"),
    ("<", "LT.lt"),
    (">", "LT.lt"),
    ("=", "Eq"),
    ("≠", "Ne"),
    ("¬", "Not"),
    ("∧", "And"),
    ("∨", "Or"),
    ("↔", "Iff"),
    ("∃", "Exists"),
    ("++", "HAppend.hAppend"),
    ("::", "List.cons"),
    ("∈", "Membership.mem"),
    ("×", "Prod"),
    ("ℕ", "Nat"),
    ("ℤ", "Int"),
    ("ℚ", "Rat"),
    ("&&", "and"),
    ("||", "or"),
    ("↑", "Nat.cast"),
];

/// Features of a constant: its name, and its last part, by which field notation shows it.
pub(super) fn of_constant(name: &str) -> Vec<String> {
    match name.rsplit_once('.') {
        Some((_, last)) => vec![name.to_owned(), format!(".{last}")],
        None => vec![name.to_owned()],
    }
}

/// Words and notations of printed text, as they stand there.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}_][\p{L}\p{N}_'!?.]*|\+\+|::|&&|\|\||[-+*/%^∣≤≥<>=≠¬∧∨↔∃∈×↑]").expect("fixed"));
    WORD.find_iter(text).map(|m| m.as_str().trim_end_matches('.'))
}

/// Features of printed text: notations, names, and the last parts of dotted names.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in words(text) {
        match NOTATIONS.iter().find(|(notation, _)| *notation == word) {
            Some((_, constant)) => found.extend(of_constant(constant)),
            None => {
                found.push(word.to_owned());
                found.extend(word.rsplit_once('.').map(|(_, last)| format!(".{last}")));
                // `gcd a b` under `open Nat`.
                found.push(format!(".{word}"));
            }
        }
    }
    found
}
