//! Proof finishing: a proof that was found by search is made shorter and more stable while Lean still accepts it.
//!
//! Depends on the oracle and on text; the result is verified like any other proof.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::lean::suggestion::suggestions;
use crate::lean::{Candidate, Hole, Verdict, runaway};
use crate::search::Oracle;

/// Tactics that may end a proof, or a part of one, in the place of many steps.
const CLOSERS: &[&str] = &["rfl", "omega", "simp", "grind", "decide", "simp_all", "assumption"];
/// Rounds of shortening; each takes the shortest of all single changes that Lean accepts.
const ROUNDS: usize = 8;
/// Candidates of a round.
const MOST: usize = 160;
/// Candidates that are checked together, the shortest first; the first that Lean accepts is taken.
const AT_ONCE: usize = 32;
/// How an alternative ends whose goal is left open.
const HERE: &str = "=> ?_";
/// Budget of a candidate, as Lean's `maxHeartbeats`: a finished proof must not be slow.
const HEARTBEATS: u64 = 80_000;

/// A tactic block as a tree: tactics of one or more lines, and bullets with a block in each.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Tactic(Vec<String>),
    Bullet(Vec<Item>),
}

/// Makes a proof shorter: steps that are not needed go, and a closing tactic takes the place of a tail of steps where
/// Lean accepts it. Returns the proof as it was when nothing can go, and the shortest so far when the time is over.
pub async fn shorten<O: Oracle>(oracle: &O, place: &Arc<Hole>, proof: &str, until: Instant) -> String {
    let candidate = |items: &Vec<Item>| Candidate { hole: place.clone(), tactic: print(items), heartbeats: HEARTBEATS };
    let check = async |some: &[Vec<Item>]| {
        let verdicts = tokio::time::timeout_at(until.into(), oracle.check(some.iter().map(candidate).collect())).await;
        // Each hang costs a process, and a proof is there already.
        verdicts.ok().filter(|verdicts| !verdicts.contains(&Verdict::Hung) || verdicts.contains(&Verdict::Closed))
    };
    let mut best = parse(&proof.lines().collect::<Vec<_>>());
    if print(&best).trim_end() != proof.trim_end() {
        // A layout that this reader does not understand is left alone.
        return proof.to_owned();
    }
    'rounds: for _ in 0..ROUNDS {
        let mut shorter: Vec<Vec<Item>> = changes(&best);
        shorter.sort_by_key(|items| cost(items));
        shorter.retain(|items| cost(items) < cost(&best) && !runaway::stands_alone(&candidate(items)));
        shorter.truncate(MOST);
        for some in shorter.chunks(AT_ONCE) {
            let Some(verdicts) = check(some).await else { return print(&best) };
            if let Some(at) = verdicts.iter().position(|verdict| *verdict == Verdict::Closed) {
                best = some[at].clone();
                continue 'rounds;
            }
        }
        break;
    }
    let folded = fold(&best);
    if folded != best && check(std::slice::from_ref(&folded)).await.is_some_and(|verdicts| verdicts == [Verdict::Closed]) {
        best = folded;
    }
    print(&best)
}

/// Bullets behind an `induction` or `cases` whose alternatives leave their goals open (`| zero => ?_`) go where the goals are.
fn fold(items: &[Item]) -> Vec<Item> {
    let mut folded = Vec::new();
    let mut rest = items;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let lines = match first {
            Item::Bullet(inner) => {
                folded.push(Item::Bullet(fold(inner)));
                continue;
            }
            Item::Tactic(lines) => lines,
        };
        let open = lines.iter().filter(|l| l.starts_with('|') && l.ends_with(HERE)).count();
        let bodies: Vec<Vec<Item>> = match open {
            // One goal is left: all that follows is its proof.
            1 if !rest.is_empty() => vec![std::mem::take(&mut rest).to_vec()],
            _ => rest.iter().take(open).map_while(|i| if let Item::Bullet(b) = i { Some(b.clone()) } else { None }).collect(),
        };
        if open == 0 || bodies.len() != open {
            folded.push(first.clone());
            continue;
        }
        rest = rest.get(open..).unwrap_or_default();
        let mut bodies = bodies.into_iter();
        let mut whole = Vec::new();
        for line in lines {
            let body = if line.starts_with('|') && line.ends_with(HERE) { bodies.next() } else { None };
            let Some(body) = body else {
                whole.push(line.clone());
                continue;
            };
            let (before, text) = (line.trim_end_matches("?_"), print(&fold(&body)));
            match text.trim_end().split_once('\n') {
                None => whole.push(format!("{before}{}", text.trim_end())),
                Some(_) => {
                    whole.push(before.trim_end().to_owned());
                    whole.extend(text.lines().map(|l| format!("  {l}")));
                }
            }
        }
        folded.push(Item::Tactic(whole));
    }
    folded
}

/// Every `first | … | …` of a line: where it stands, up to the bracket around it, and its alternatives.
fn firsts(line: &str) -> Vec<(Range<usize>, Vec<String>)> {
    let starts = line.match_indices("first | ").map(|(at, _)| at);
    let whole_word = |at: &usize| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || "_.'".contains(c));
    starts
        .filter(whole_word)
        .map(|at| {
            let end = segment_end(line, at);
            (at..end, alternatives(&line[at + "first | ".len()..end]))
        })
        .collect()
}

/// Where the bracket around a place is closed, or the line's end.
fn segment_end(line: &str, at: usize) -> usize {
    let mut depth = 0i32;
    for (i, c) in line[at..].char_indices() {
        depth += i32::from("([{⟨".contains(c)) - i32::from(")]}⟩".contains(c));
        if depth < 0 {
            return at + i;
        }
    }
    line.len()
}

/// A list of alternatives, cut at the bars that stand outside of brackets.
fn alternatives(list: &str) -> Vec<String> {
    let (mut found, mut depth, mut from) = (Vec::new(), 0i32, 0);
    for (i, c) in list.char_indices() {
        depth += i32::from("([{⟨".contains(c)) - i32::from(")]}⟩".contains(c));
        // Absolute values and `||` have no blanks on both sides.
        if c == '|' && depth == 0 && list[..i].ends_with(' ') && list[i + 1..].starts_with(' ') {
            found.push(list[from..i].trim().to_owned());
            from = i + 1;
        }
    }
    found.push(list[from..].trim().to_owned());
    found
}

/// A tactic with fewer alternatives in one of its `first`s: one alone, or where several goals need several, a half of
/// them, or one less.
fn fewer_alternatives(lines: &[String]) -> Vec<Vec<String>> {
    // One alternative to a line is the same as all on one.
    let joined = match lines {
        [first, rest @ ..] if first.trim_end().ends_with("first") && !rest.is_empty() => {
            let bars = rest.iter().all(|l| l.trim_start().starts_with("| "));
            bars.then(|| vec![lines.iter().map(|l| l.trim()).collect::<Vec<_>>().join(" ")])
        }
        _ => None,
    };
    let lines = joined.as_deref().unwrap_or(lines);
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        for (range, all) in firsts(line) {
            let mut put = |text: String| {
                let mut new = lines.to_vec();
                new[number] = format!("{}{text}{}", &line[..range.start], &line[range.end..]);
                found.push(new);
            };
            for one in &all {
                // In brackets where it stands behind a combinator: an alternative may be a sequence.
                let bare = range.start == 0 || !one.contains([';', '|']) && !one.contains("<;>");
                put(if bare { one.clone() } else { format!("({one})") });
            }
            if all.len() > 2 {
                let (left, right) = all.split_at(all.len() / 2);
                let list = |some: &[String]| format!("first | {}", some.join(" | "));
                put(list(left));
                put(list(right));
                (0..all.len()).for_each(|out| put(list(&[&all[..out], &all[out + 1..]].concat())));
            }
        }
    }
    found
}

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

/// Every change of one place.
fn changes(items: &[Item]) -> Vec<Vec<Item>> {
    let mut found = Vec::new();
    for (i, item) in items.iter().enumerate() {
        for closer in CLOSERS {
            let tail = [Item::Tactic(vec![(*closer).to_owned()])];
            found.push([&items[..i], &tail[..]].concat());
        }
        match item {
            Item::Tactic(lines) => {
                found.push([&items[..i], &items[i + 1..]].concat());
                let put = |lines: Vec<String>| [&items[..i], &[Item::Tactic(lines)], &items[i + 1..]].concat();
                found.extend(fewer_alternatives(lines).into_iter().map(put));
            }
            Item::Bullet(inner) => {
                let inside = changes(inner).into_iter().filter(|new| !new.is_empty());
                found.extend(inside.map(|new| [&items[..i], &[Item::Bullet(new)], &items[i + 1..]].concat()));
            }
        }
    }
    found.retain(|new| !new.is_empty());
    found
}

/// Steps first, then characters.
fn cost(items: &[Item]) -> (usize, usize) {
    items.iter().fold((0, 0), |(steps, length), item| match item {
        Item::Tactic(lines) => (steps + lines.len(), length + lines.iter().map(String::len).sum::<usize>()),
        Item::Bullet(inner) => {
            let (s, l) = cost(inner);
            (steps + s, length + l)
        }
    })
}

/// Reads the lines of a block whose tactics begin in the first column.
fn parse(lines: &[&str]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        // Deeper lines, and alternatives of `induction`, belong to the tactic before them.
        let end = (at + 1..lines.len()).find(|&i| !lines[i].starts_with([' ', '|'])).unwrap_or(lines.len());
        match line.strip_prefix("· ") {
            Some(first) => {
                let mut inner = vec![first];
                inner.extend(lines[at + 1..end].iter().map(|l| l.strip_prefix("  ").unwrap_or(l)));
                items.push(Item::Bullet(parse(&inner)));
            }
            None => items.push(Item::Tactic(lines[at..end].iter().map(|l| (*l).to_owned()).collect())),
        }
        at = end;
    }
    items
}

fn print(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        match item {
            Item::Tactic(lines) => lines.iter().for_each(|l| text.push_str(&format!("{l}\n"))),
            Item::Bullet(inner) => {
                for (i, line) in print(inner).lines().enumerate() {
                    text.push_str(&format!("{}{line}\n", if i == 0 { "· " } else { "  " }));
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Duration;

    const PROOF: &str = "intro h\ninduction n with\n| zero => ?_\n| succ k ih => ?_\n· have : 1 = 1 := by\n    rfl\n  simp\n· constructor\n  · rfl\n  · omega\n";

    #[test]
    fn blocks_survive_the_round_trip() {
        let lines: Vec<&str> = PROOF.lines().collect();
        let items = parse(&lines);
        assert_eq!(print(&items), PROOF);
        assert_eq!(items.len(), 4);
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    /// Hangs on what holds `decide`.
    struct Hanging(Mutex<usize>);

    impl Oracle for Hanging {
        async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
            *self.0.lock().unwrap() += 1;
            let hangs = |c: Candidate| if c.tactic.contains("decide") { Verdict::Hung } else { Verdict::Failed(String::new()) };
            candidates.into_iter().map(hangs).collect()
        }
    }

    #[tokio::test]
    async fn a_hang_ends_it() {
        let proof = (0..40).map(|i| format!("have h{i} : {i} = {i} := rfl\n")).collect::<String>();
        let hanging = Hanging(Mutex::new(0));
        assert_eq!(shorten(&hanging, &Arc::new(Hole::whole("example : p")), &proof, soon()).await, proof);
        assert_eq!(*hanging.0.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn time_that_is_over_ends_it() {
        let stuck = shorten(&Stuck, &Arc::new(Hole::whole("example : p")), PROOF, Instant::now()).await;
        assert_eq!(stuck, PROOF);
    }

    /// Never answers.
    struct Stuck;

    impl Oracle for Stuck {
        async fn check(&self, _: Vec<Candidate>) -> Vec<Verdict> {
            std::future::pending().await
        }
    }

    /// Accepts what `accepts` says; text only, no Lean.
    struct Fake(fn(&str) -> bool, Mutex<usize>);

    impl Oracle for Fake {
        async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
            *self.1.lock().unwrap() += candidates.len();
            let verdict = |c: Candidate| if (self.0)(&c.tactic) { Verdict::Closed } else { Verdict::Failed(String::new()) };
            candidates.into_iter().map(verdict).collect()
        }
    }

    #[tokio::test]
    async fn what_is_not_needed_goes() {
        let place = Arc::new(Hole::whole("example : p"));
        let needs = Fake(|t| t.contains("induction") && t.contains("omega") && t.contains("· simp"), Mutex::new(0));
        let short = shorten(&needs, &place, PROOF, soon()).await;
        assert!(!short.contains("intro") && !short.contains("have") && short.contains("· simp"), "{short}");
        let large = Arc::new(Hole::whole("example : 7 ^ 888888 % 11 = 9"));
        let asked = Fake(|t| t == "omega\n", Mutex::new(0));
        assert_eq!(shorten(&asked, &large, "intro h\nomega\n", soon()).await, "intro h\nomega\n", "what may hang is not tried");
        let nothing = Fake(|_| false, Mutex::new(0));
        assert_eq!(shorten(&nothing, &place, PROOF, soon()).await, PROOF);
        let closer = Fake(|t| t == "omega\n", Mutex::new(0));
        assert_eq!(shorten(&closer, &place, PROOF, soon()).await, "omega\n");
    }

    #[test]
    fn bullets_go_into_the_alternatives_they_belong_to() {
        let folded = |text: &str| print(&fold(&parse(&text.lines().collect::<Vec<_>>())));
        let whole = "intro h\ninduction n with\n| zero => simp\n| succ k ih =>\n  constructor\n  · rfl\n  · omega\n";
        let two = "intro h\ninduction n with\n| zero => ?_\n| succ k ih => ?_\n· simp\n· constructor\n  · rfl\n  · omega\n";
        assert_eq!(folded(two), whole);
        let one = "intro h\ninduction n with\n| zero => simp\n| succ k ih => ?_\nconstructor\n· rfl\n· omega\n";
        assert_eq!(folded(one), whole);
        let nested = "cases p with\n| inl h => ?_\n| inr h => ?_\n· cases q with\n  | inl h => ?_\n  | inr h => omega\n  simp\n· grind\n";
        let inside = "cases p with\n| inl h =>\n  cases q with\n  | inl h => simp\n  | inr h => omega\n| inr h => grind\n";
        assert_eq!(folded(nested), inside);
        let other = "induction n with\n| zero => ?_\n| succ k ih => ?_\nall_goals simp\n";
        assert_eq!(folded(other), other, "what is no bullet stays");
    }

    #[tokio::test]
    async fn of_alternatives_the_one_that_works_stays() {
        let proof = "first | exact ⟨0, by decide⟩ | exact ⟨(1 | 2), rfl⟩ | exact ⟨3, by decide⟩\n";
        let third = Fake(|t| t.contains("⟨3, by decide⟩"), Mutex::new(0));
        assert_eq!(shorten(&third, &Arc::new(Hole::whole("example : p")), proof, soon()).await, "exact ⟨3, by decide⟩\n");
        assert_eq!(alternatives(proof.trim().strip_prefix("first | ").unwrap()).len(), 3);
        let inside = "intro n\ncases n <;> (first | omega | exact |x| | (simp; rfl) | grind)\n";
        let needs = Fake(|t| t.contains("omega") && t.contains("(simp; rfl)") && t.contains("cases"), Mutex::new(0));
        let short = shorten(&needs, &Arc::new(Hole::whole("example : p")), inside, soon()).await;
        assert_eq!(short, "cases n <;> (first | omega | (simp; rfl))\n", "two of four are needed");
        let listed = "first\n  | omega\n  | grind\n";
        let second = Fake(|t| t.trim() == "grind" || t.contains("| grind"), Mutex::new(0));
        assert_eq!(shorten(&second, &Arc::new(Hole::whole("example : p")), listed, soon()).await, "grind\n");
    }

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
