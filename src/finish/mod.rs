//! Proof finishing: a proof that was found by search is made shorter and more stable while Lean still accepts it.
//!
//! Depends on the oracle and on text; the result is verified like any other proof.

mod block;
pub mod facts;
pub mod stable;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::lean::ways::alternatives;
use crate::lean::{Candidate, Hole, Verdict, runaway};
use crate::search::Oracle;
use block::{Item, cost, fold, parse, print, segment_end};

/// Tactics that may end a proof, or a part of one, in the place of many steps.
const CLOSERS: &[&str] = &["rfl", "omega", "simp", "grind", "decide", "simp_all", "assumption"];
/// Rounds of shortening; each takes the shortest of all single changes that Lean accepts.
const ROUNDS: usize = 8;
/// Candidates of a round.
const MOST: usize = 160;
/// Candidates that are checked together, the shortest first; the first that Lean accepts is taken.
const AT_ONCE: usize = 32;
/// Budget of a candidate, as Lean's `maxHeartbeats`: a finished proof must not be slow.
const HEARTBEATS: u64 = 80_000;

/// Makes a proof shorter: steps that are not needed go, and a closing tactic takes the place of a tail of steps where
/// Lean accepts it. Returns the proof as it was when nothing can go, and the shortest so far when the time is over.
pub async fn shorten<O: Oracle>(oracle: &O, place: &Arc<Hole>, proof: &str, until: Instant) -> String {
    let candidate = |items: &Vec<Item>| Candidate::new(place.clone(), print(items), HEARTBEATS);
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
            let mut put_at = |range: &Range<usize>, text: String| {
                let mut new = lines.to_vec();
                new[number] = format!("{}{text}{}", &line[..range.start], &line[range.end..]);
                found.push(new);
            };
            let enclosed = line[..range.start].ends_with('(') && line[range.end..].starts_with(')');
            for one in &all {
                // In brackets where it stands behind a combinator: an alternative may be a sequence. One pair is enough.
                let bare = range.start == 0 || !one.contains([';', '|']) && !one.contains("<;>");
                match (enclosed, bare || one.starts_with('(') && one.ends_with(')')) {
                    (true, true) => put_at(&(range.start - 1..range.end + 1), one.clone()),
                    (false, false) => put_at(&range, format!("({one})")),
                    _ => put_at(&range, one.clone()),
                }
            }
            let mut put = |text: String| put_at(&range, text);
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
        let inside = "cases n <;> (first | omega | (simp; rfl) | grind [f])\n";
        let one = Fake(|t| t.contains("cases") && t.contains("grind [f]"), Mutex::new(0));
        let place = Arc::new(Hole::whole("example : p"));
        assert_eq!(shorten(&one, &place, inside, soon()).await, "cases n <;> grind [f]\n", "one needs no brackets");
        let steps = Fake(|t| t.contains("cases") && t.contains("(simp; rfl)"), Mutex::new(0));
        assert_eq!(shorten(&steps, &place, inside, soon()).await, "cases n <;> (simp; rfl)\n", "one pair is enough");
        let listed = "first\n  | omega\n  | grind\n";
        let second = Fake(|t| t.trim() == "grind" || t.contains("| grind"), Mutex::new(0));
        assert_eq!(shorten(&second, &Arc::new(Hole::whole("example : p")), listed, soon()).await, "grind\n");
    }
}
