//! Proof finishing: a proof that was found by search is made shorter and more stable while Lean still accepts it.
//!
//! Depends on the oracle and on text; the result is verified like any other proof.

use std::sync::Arc;

use crate::lean::suggestion::suggestions;
use crate::lean::{Candidate, Hole, Verdict};
use crate::search::Oracle;

/// Tactics that may end a proof, or a part of one, in the place of many steps.
const CLOSERS: &[&str] = &["rfl", "omega", "simp", "grind", "decide", "simp_all", "assumption"];
/// Rounds of shortening; each takes the best of all single changes.
const ROUNDS: usize = 8;
/// Candidates of a round.
const MOST: usize = 160;
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
/// Lean accepts it. Returns the proof as it was when nothing can go.
pub async fn shorten<O: Oracle>(oracle: &O, place: &Arc<Hole>, proof: &str) -> String {
    let candidate = |items: &Vec<Item>| Candidate { hole: place.clone(), tactic: print(items), heartbeats: HEARTBEATS };
    let mut best = parse(&proof.lines().collect::<Vec<_>>());
    if print(&best).trim_end() != proof.trim_end() {
        // A layout that this reader does not understand is left alone.
        return proof.to_owned();
    }
    for _ in 0..ROUNDS {
        let mut shorter: Vec<Vec<Item>> = changes(&best);
        shorter.sort_by_key(|items| cost(items));
        shorter.retain(|items| cost(items) < cost(&best));
        shorter.truncate(MOST);
        let verdicts = oracle.check(shorter.iter().map(candidate).collect()).await;
        match shorter.into_iter().zip(verdicts).find(|(_, verdict)| *verdict == Verdict::Closed) {
            Some((items, _)) => best = items,
            None => break,
        }
    }
    let folded = fold(&best);
    if folded != best && oracle.check(vec![candidate(&folded)]).await == [Verdict::Closed] {
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

/// The alternatives of a `first` on one line.
fn alternatives(tactic: &[String]) -> Vec<String> {
    let [line] = tactic else { return Vec::new() };
    let Some(list) = line.strip_prefix("first | ") else { return Vec::new() };
    let (mut found, mut depth) = (vec![String::new()], 0i32);
    for c in list.chars() {
        depth += i32::from("([{⟨".contains(c)) - i32::from(")]}⟩".contains(c));
        match (c, found.last_mut()) {
            ('|', _) if depth == 0 => found.push(String::new()),
            (c, Some(last)) => last.push(c),
            _ => {}
        }
    }
    found.iter().map(|f| f.trim().to_owned()).filter(|f| !f.is_empty()).collect()
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
                let one = |text: String| [&items[..i], &[Item::Tactic(vec![text])], &items[i + 1..]].concat();
                found.extend(alternatives(lines).into_iter().map(one));
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

    const PROOF: &str = "intro h\ninduction n with\n| zero => ?_\n| succ k ih => ?_\n· have : 1 = 1 := by\n    rfl\n  simp\n· constructor\n  · rfl\n  · omega\n";

    #[test]
    fn blocks_survive_the_round_trip() {
        let lines: Vec<&str> = PROOF.lines().collect();
        let items = parse(&lines);
        assert_eq!(print(&items), PROOF);
        assert_eq!(items.len(), 4);
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
        let short = shorten(&needs, &place, PROOF).await;
        assert!(!short.contains("intro") && !short.contains("have") && short.contains("· simp"), "{short}");
        let nothing = Fake(|_| false, Mutex::new(0));
        assert_eq!(shorten(&nothing, &place, PROOF).await, PROOF);
        let closer = Fake(|t| t == "omega\n", Mutex::new(0));
        assert_eq!(shorten(&closer, &place, PROOF).await, "omega\n");
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
        assert_eq!(shorten(&third, &Arc::new(Hole::whole("example : p")), proof).await, "exact ⟨3, by decide⟩\n");
        assert_eq!(alternatives(&[proof.trim().to_owned()]).len(), 3);
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
