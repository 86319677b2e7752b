//! Features of constants and of printed goals: what they are compared by. Depends on `lean::Goal`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::lean::Goal;

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

/// Operations that mean another thing on each type: with the types beside them they are features of their own.
const OVERLOADED: &[&str] = &[
    "HAdd.hAdd",
    "HSub.hSub",
    "HMul.hMul",
    "HDiv.hDiv",
    "HMod.hMod",
    "HPow.hPow",
    "HAppend.hAppend",
    "Dvd.dvd",
    "LE.le",
    "LT.lt",
    "Membership.mem",
    "Eq",
    "GetElem.getElem",
];
/// Types whose operations have theorems of their own.
const TYPES: &[&str] = &[
    "Nat", "Int", "Rat", "List", "Array", "Option", "Fin", "Bool", "BitVec", "String", "Char", "Vector", "Prod", "Except",
    "Float", "UInt8", "UInt16", "UInt32", "UInt64", "USize",
];
/// How much the hypotheses say of what is needed, beside the target.
const HYPOTHESIS_WEIGHT: f64 = 0.35;

/// Features of a constant: its name, and its last part, by which field notation shows it.
fn of_constant(name: &str) -> Vec<String> {
    match name.rsplit_once('.') {
        Some((_, last)) => vec![name.to_owned(), format!(".{last}")],
        None => vec![name.to_owned()],
    }
}

/// An operation on a type.
fn on(operation: &str, ty: &str) -> String {
    format!("{operation} {ty}")
}

/// Features of a theorem: of the constants of its type, of its operations on its types, and of its conclusion.
pub(super) fn of_constants(uses: &[String], conclusion: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = uses.iter().flat_map(|name| of_constant(name)).collect();
    let types: Vec<&String> = uses.iter().filter(|u| TYPES.contains(&u.as_str())).collect();
    for operation in uses.iter().filter(|u| OVERLOADED.contains(&u.as_str())) {
        found.extend(types.iter().map(|ty| on(operation, ty)));
    }
    found.extend(conclusion.map(|c| format!("⊢ {c}")));
    found
}

/// Features of a goal with their weights: names and notations of the target, less so those of the hypotheses; fields with the
/// types of what they are taken of; operations with the types of what stands beside them; what the target is made by.
pub(super) fn of_goal(goal: &Goal) -> BTreeMap<String, f64> {
    let mut found: BTreeMap<String, f64> = BTreeMap::new();
    let mut add = |feature: String, weight: f64| {
        let known = found.entry(feature).or_default();
        *known = weight.max(*known);
    };
    let head = |ty: &str| {
        ty.split_whitespace().next().map(|head| match head {
            "ℕ" => "Nat".to_owned(),
            "ℤ" => "Int".to_owned(),
            "ℚ" => "Rat".to_owned(),
            other => other.to_owned(),
        })
    };
    let heads: HashMap<&str, String> =
        goal.hypotheses.iter().flat_map(|h| h.names.iter().filter_map(|n| Some((n.as_str(), head(&h.ty)?)))).collect();
    let texts = goal.hypotheses.iter().map(|h| (h.ty.as_str(), HYPOTHESIS_WEIGHT)).chain([(goal.target.as_str(), 1.0)]);
    for (text, weight) in texts {
        of_text(text).into_iter().for_each(|feature| add(feature, weight));
        let mut operations = Vec::new();
        let mut types = HashSet::new();
        for word in words(text) {
            if let Some((_, constant)) = NOTATIONS.iter().find(|(notation, _)| *notation == word) {
                operations.push(*constant);
            }
            // Not in `of_text`: rankers were trained on what it says.
            fields(word).for_each(|field| add(format!(".{field}"), weight));
            let (name, field) = word.split_once('.').map_or((word, None), |(name, field)| (name, Some(field)));
            if let Some(ty) = heads.get(name) {
                types.insert(ty.clone());
                if let Some(field) = field {
                    add(format!("{ty}.{}", field.split('.').next().unwrap_or(field)), weight);
                }
            }
        }
        for operation in operations.iter().filter(|o| OVERLOADED.contains(o)) {
            types.iter().filter(|ty| TYPES.contains(&ty.as_str())).for_each(|ty| add(on(operation, ty), weight));
        }
    }
    let made_by = [
        (" ↔ ", "Iff"),
        (" ∧ ", "And"),
        (" = ", "Eq"),
        (" ≤ ", "LE.le"),
        (" < ", "LT.lt"),
        (" ≠ ", "Ne"),
        (" ∣ ", "Dvd.dvd"),
        (" ∈ ", "Membership.mem"),
    ];
    if let Some((_, constant)) = made_by.iter().find(|(sign, _)| goal.target.contains(sign)) {
        add(format!("⊢ {constant}"), 1.0);
    }
    found
}

/// Whether a goal's feature is one that a theorem about another type can have as well: a notation, the last part of a name, or what
/// the target is made by.
pub(super) fn is_of_any_type(feature: &str) -> bool {
    feature.starts_with("⊢ ")
        || feature.strip_prefix('.').is_some_and(|last| !last.contains('.'))
        || NOTATIONS.iter().any(|(_, constant)| *constant == feature)
}

/// Words and notations of printed text, as they stand there.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}_][\p{L}\p{N}_'!?.]*|\+\+|::|&&|\|\||[-+*/%^∣≤≥<>=≠¬∧∨↔∃∈×↑]").expect("fixed"));
    WORD.find_iter(text).map(|m| m.as_str().trim_end_matches('.'))
}

/// A word, and what stands in it by field notation.
pub(super) fn spoken(word: &str) -> impl Iterator<Item = &str> {
    std::iter::once(word).chain(fields(word))
}

/// What a word takes of what stands before it: `turn` and `count` of `s.turn.count`.
fn fields(word: &str) -> impl Iterator<Item = &str> {
    word.split('.').skip(1).filter(|field| field.starts_with(|c: char| c.is_alphabetic() || c == '_'))
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
