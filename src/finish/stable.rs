//! Calls that search each time they are run, and what Lean says that they found in their place. Text only.

use std::ops::Range;

use super::block::segment_end;
use crate::lean::suggestion::suggestions;

/// Tactics that look for what closes or changes a goal; Lean says what they found.
const SEARCHERS: &[&str] =
    &["aesop?", "apply?", "apply_rules?", "dsimp?", "exact?", "grind?", "hint", "rw?", "simp?", "simp_all?", "simpa?"];

/// The tactic of a line that searches each time it is run: where it stands.
fn searcher(line: &str) -> Option<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || "([{)]};,".contains(c);
    let mut at = 0;
    for word in line.split_inclusive(ends) {
        let plain = word.trim_end_matches(ends);
        if SEARCHERS.contains(&plain) {
            let end = segment_end(line, at);
            let stop = [" <;> ", "; ", " | "].iter().filter_map(|s| line[at..end].find(s)).min();
            return Some(at..stop.map_or(end, |s| at + s));
        }
        at += word.len();
    }
    None
}

/// Whether a proof has tactics that search each time it is run.
pub fn searches(proof: &str) -> bool {
    proof.lines().any(|line| searcher(line).is_some())
}

/// A proof in which tactics that search give way to what they found (Lean's answers, with the line they belong to, from
/// 0). Those without an answer stay.
pub fn found_instead(proof: &str, answers: &[(usize, String)]) -> String {
    let mut text = String::new();
    for (number, line) in proof.lines().enumerate() {
        let mut mine = answers.iter().filter(|(at, _)| *at == number).filter_map(|(_, message)| suggestion(message));
        match (searcher(line), mine.next(), mine.next()) {
            (Some(range), Some(answer), None) => {
                text.push_str(&format!("{}{answer}{}\n", &line[..range.start], &line[range.end..]));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Open-ended calls (`simp`, `simp_all`, `grind`) as calls that say what they used; `None` when there are none.
///
/// The text asks; [`stable`] reads the answers.
pub fn ask_for_stable(proof: &str) -> Option<String> {
    let mut asked = false;
    let lines: Vec<String> = proof
        .lines()
        .map(|line| {
            let start = line.len() - line.trim_start_matches([' ', '·']).len();
            let (before, tactic) = line.split_at(start);
            let word = tactic.split([' ', '[']).next().unwrap_or("");
            if ["simp", "simp_all", "grind"].contains(&word) && !tactic.starts_with("simp only") {
                asked = true;
                format!("{before}{word}?{}", &tactic[word.len()..])
            } else {
                line.to_owned()
            }
        })
        .collect();
    asked.then(|| lines.join("\n") + "\n")
}

/// Puts Lean's answers («Try this: …», with the line they belong to, from 0) into a proof that asked for them.
pub fn stable(asking: &str, answers: &[(usize, String)]) -> String {
    let mut text = String::new();
    for (number, line) in asking.lines().enumerate() {
        let start = line.len() - line.trim_start_matches([' ', '·']).len();
        let asks = line[start..].split([' ', '[']).next().is_some_and(|w| w.ends_with('?'));
        match answers.iter().find(|(at, _)| *at == number).and_then(|(_, message)| suggestion(message)) {
            Some(answer) if asks => text.push_str(&format!("{}{answer}\n", &line[..start])),
            _ if asks => text.push_str(&format!("{}\n", line.replacen('?', "", 1))),
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// The first suggestion of a message that fits on one line.
fn suggestion(message: &str) -> Option<String> {
    // A block of tactics behind `=>` does not.
    let one = suggestions(message).into_iter().find(|s| !s.contains("=>\n"))?;
    Some(one.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_searches_gives_way_to_what_it_found() {
        let proof = "intro h\n· exact?\n· constructor <;> exact?\nhave : p := by simp? [h]; rfl\nomega\n";
        assert!(searches(proof) && !searches("exact h?\nomega\n") && searches("cases h <;> (rw? ; rfl)"));
        let answers = [
            (1, "Try this:\n  [apply] exact And.intro h\n    rfl".to_owned()),
            (2, "Try this: exact a".to_owned()),
            (2, "Try this: exact b".to_owned()),
            (3, "Try this: simp only [h]".to_owned()),
        ];
        let found = found_instead(proof, &answers);
        let wanted = "intro h\n· exact And.intro h rfl\n· constructor <;> exact?\nhave : p := by simp only [h]; rfl\nomega\n";
        assert_eq!(found, wanted, "two answers for one place are left alone");
    }

    #[test]
    fn open_ended_calls_are_replaced_by_what_they_used() {
        let asking = ask_for_stable("intro h\n· simp [h]\n· grind\n").unwrap();
        assert_eq!(asking, "intro h\n· simp? [h]\n· grind?\n");
        let answers = [(1, "Try this:\n  [apply] simp only [h,\n    Nat.add_zero]".to_owned())];
        assert_eq!(stable(&asking, &answers), "intro h\n· simp only [h, Nat.add_zero]\n· grind\n");
        assert!(ask_for_stable("omega\nsimp only [h]\n").is_none());
    }
}
