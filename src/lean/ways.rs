//! Tactics of several ways: `first | …`, and steps whose goals are each tried in several ways; cut at what stands outside of brackets.
//!
//! Works on the text of tactics only.

/// Characters of a tactic that are shown where it is only mentioned.
pub const BRIEF: usize = 60;

/// The tactics that a tactic of several ways tries: of `first | …`, or of a step whose goals are each tried in several ways.
///
/// ```
/// use qstar::lean::ways::ways;
/// assert_eq!(ways("first | rfl | (simp; omega)").unwrap(), ["rfl", "(simp; omega)"]);
/// assert_eq!(ways("cases n <;> (first | rfl | skip)").unwrap(), ["cases n <;> rfl", "cases n <;> skip"]);
/// assert_eq!(ways("cases n"), None);
/// ```
pub fn ways(tactic: &str) -> Option<Vec<String>> {
    if let Some(list) = tactic.strip_prefix("first | ") {
        return Some(alternatives(list));
    }
    let (step, all) = after_step(tactic)?;
    Some(all.into_iter().map(|way| format!("{step}{way}")).collect())
}

/// A step, with what joins it to what follows, and the ways in which each of the goals that it leaves is tried.
///
/// ```
/// use qstar::lean::ways::after_step;
/// let (step, ways) = after_step("cases n <;> (first | rfl | (simp <;> try omega) | skip)").unwrap();
/// assert_eq!((step, &ways[..]), ("cases n <;> ", &["rfl".to_owned(), "simp".to_owned(), "skip".to_owned()][..]));
/// ```
pub fn after_step(tactic: &str) -> Option<(&str, Vec<String>)> {
    let (step, list) = tactic.strip_suffix(')')?.rsplit_once("(first | ")?;
    if tactic.starts_with("first | ") || !(step.ends_with("<;> ") || step.ends_with("\nall_goals ")) {
        return None;
    }
    // What then tries something else does at least what it begins with.
    let begins = |way: &str| match way.trim().strip_prefix('(').and_then(|way| way.split_once(" <;> try ")) {
        Some((begins, _)) => begins.to_owned(),
        None => way.trim().to_owned(),
    };
    Some((step, cut(list, " | ").into_iter().map(begins).collect()))
}

/// A tactic without the ways that were tried; `None` when there are no others.
///
/// ```
/// use qstar::lean::ways::without;
/// let tried = ["omega".to_owned(), "simp".to_owned()];
/// assert_eq!(without("first | rfl | omega | exact h", &tried).as_deref(), Some("first | rfl | exact h"));
/// assert_eq!(without("first | rfl | simp", &tried).as_deref(), Some("rfl"));
/// assert_eq!((without("simp", &tried), without("simp [h]", &tried).as_deref()), (None, Some("simp [h]")));
/// ```
pub fn without(tactic: &str, tried: &[String]) -> Option<String> {
    let Some(list) = tactic.strip_prefix("first | ") else {
        return (!tried.iter().any(|one| one == tactic)).then(|| tactic.to_owned());
    };
    let mut left = alternatives(list);
    left.retain(|way| !tried.contains(way));
    match &left[..] {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!("first | {}", left.join(" | "))),
    }
}

/// A tactic in one line of at most [`BRIEF`] characters, for people: of several ways the first, and how many more there are.
///
/// ```
/// use qstar::lean::ways::brief;
/// assert_eq!(brief("first | rfl | omega | simp"), "rfl or 2 others");
/// assert_eq!(brief("cases n <;> (first | rfl | skip)"), "cases n <;> rfl or 1 other");
/// assert_eq!(brief("intro h\nomega"), "intro h; omega");
/// ```
pub fn brief(tactic: &str) -> String {
    let all = ways(tactic).unwrap_or_default();
    let (first, more) = (all.first().map_or(tactic, String::as_str), all.len().saturating_sub(1));
    let line = first.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let mut brief: String = line.chars().take(BRIEF).collect();
    if brief.len() < line.len() {
        brief.push('…');
    }
    match more {
        0 => brief,
        1 => format!("{brief} or 1 other"),
        _ => format!("{brief} or {more} others"),
    }
}

/// The alternatives behind `first | `, cut at the bars that stand outside of brackets. Absolute values and `||` have no blanks on
/// both sides.
pub fn alternatives(list: &str) -> Vec<String> {
    cut(list, " | ").into_iter().map(|one| one.trim().to_owned()).collect()
}

/// Text cut at a separator, wherever it stands outside of brackets.
pub fn cut<'a>(mut text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some((one, rest)) = split_top(text, separator) {
        found.push(one);
        text = rest;
    }
    found.push(text);
    found
}

/// Splits `text` at its outermost `operator`, brackets and binders respected.
pub fn split_top<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0i32;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '⟨' => depth += 1,
            ')' | ']' | '}' | '⟩' => depth -= 1,
            _ if depth == 0 && text[i..].starts_with(operator) => return Some((&text[..i], &text[i + operator.len()..])),
            _ => {}
        }
    }
    None
}
