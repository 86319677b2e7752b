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
    together(&left)
}

/// Ways as one tactic; `None` of none.
pub fn together(ways: &[String]) -> Option<String> {
    match ways {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!("first | {}", ways.join(" | "))),
    }
}

/// Words behind which a bar may belong to what they begin.
const OWN_BARS: &[&str] = &["with", "match", "fun", "λ", "first", "rcases", "obtain", "rintro", "=>"];

/// The ways of a `first | …`, where the text alone tells where each begins and ends: bars may belong to patterns, to strings, to
/// an inner `first`.
///
/// ```
/// use qstar::lean::ways::separate;
/// assert_eq!(separate("first | rfl | (rcases h with h | h <;> omega)").unwrap(), ["rfl", "(rcases h with h | h <;> omega)"]);
/// assert_eq!(separate("first | rcases h with h | h | rfl"), None);
/// assert_eq!((separate("rfl"), separate("first | rfl\nomega")), (None, None));
/// ```
pub fn separate(tactic: &str) -> Option<Vec<String>> {
    let list = tactic.strip_prefix("first | ")?;
    if list.contains(['\n', '"', '«']) || list.contains("--") || list.contains("/-") {
        return None;
    }
    let all = alternatives(list);
    let clear = |way: &String| {
        let outside = outside_of_brackets(way)?;
        let plain = !outside.split_whitespace().any(|word| word == "|" || OWN_BARS.contains(&word));
        (plain && !outside.trim().is_empty()).then_some(())
    };
    all.iter().all(|way| clear(way).is_some()).then_some(all)
}

/// What stands outside of brackets, an empty pair for each; `None` where they do not match.
fn outside_of_brackets(text: &str) -> Option<String> {
    let (mut outside, mut open) = (String::new(), Vec::new());
    for c in text.chars() {
        if let Some(at) = "([{⟨".chars().position(|o| o == c) {
            open.push(at);
        } else if let Some(at) = ")]}⟩".chars().position(|o| o == c) {
            (open.pop() == Some(at)).then_some(())?;
            outside.push_str(if open.is_empty() { "()" } else { "" });
        } else if open.is_empty() {
            outside.push(c);
        }
    }
    open.is_empty().then_some(outside)
}

/// What Lean says when a way begins, with its number behind it.
const WAY: &str = "way ";

/// A `first | …` of which each way says its number before it begins, so that Lean tells which one was the last to be tried; and
/// the number of ways. `None` for what is not [`separate`].
///
/// ```
/// use qstar::lean::ways::telling;
/// assert_eq!(telling("first | rfl | simp"), Some((r#"first | (trace "way 0"; rfl) | (trace "way 1"; simp)"#.to_owned(), 2)));
/// ```
pub fn telling(tactic: &str) -> Option<(String, usize)> {
    let all = separate(tactic)?;
    let told: Vec<String> = all.iter().enumerate().map(|(n, way)| format!("(trace \"{WAY}{n}\"; {way})")).collect();
    Some((format!("first | {}", told.join(" | ")), all.len()))
}

/// The highest number of a way that a message of Lean tells.
pub fn told(message: &str) -> Option<usize> {
    message.lines().filter_map(|line| line.strip_prefix(WAY)?.trim_end().parse().ok()).max()
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
