//! Facts that a proof begins with (`search::operators::facts`): those that hold stay, without the tests that chose them, and what
//! follows is made shorter where they are stated without their proofs, since each of these takes Lean's time.

use std::sync::Arc;
use std::time::Instant;

use super::{HEARTBEATS, shorten};
use crate::lean::document::indent_into;
use crate::lean::ways::ways;
use crate::lean::{Candidate, Hole, Verdict};
use crate::search::Oracle;
use crate::search::operators::facts::{are_closed, fact, stand_in};

/// A proof that begins with facts, made shorter; none where it does not, or where Lean does not accept it in time.
pub async fn shorten_behind<O: Oracle>(oracle: &O, place: &Arc<Hole>, proof: &str, until: Instant) -> Option<String> {
    let lines: Vec<&str> = proof.lines().collect();
    let (facts, rest) = lines.split_at(lines.iter().take_while(|line| are_closed(line)).count());
    if facts.is_empty() || rest.is_empty() {
        return None;
    }
    let asked = vec![Candidate::new(place.clone(), facts.join("\n"), HEARTBEATS)];
    let verdicts = tokio::time::timeout_at(until.into(), oracle.check(asked)).await.ok()?;
    let [Verdict::Goals(goals)] = &verdicts[..] else { return None };
    let [goal] = &goals[..] else { return None };
    let known: Vec<&str> =
        facts.iter().copied().filter(|line| all_facts(line).iter().any(|fact| goal.names().any(|n| n == fact))).collect();
    let mut hole = Hole::clone(place);
    known
        .iter()
        .for_each(|line| indent_into(&mut hole.before, &stand_in(line, goal).unwrap_or((*line).to_owned()), place.indent));
    let rest = shorten(oracle, &Arc::new(hole), &(rest.join("\n") + "\n"), until).await;
    // A fact behind the last one that the end names is of no use where the end is nothing else.
    let last = known.iter().rposition(|line| all_facts(line).iter().any(|fact| rest.trim_end() == format!("exact {fact} ..")));
    let plain: Vec<String> = known[..last.map_or(known.len(), |at| at + 1)].iter().map(|line| untested(line)).collect();
    Some(format!("{}\n{rest}", plain.join("\n")))
}

fn all_facts(line: &str) -> Vec<String> {
    let all = line.strip_prefix("try ").and_then(ways).unwrap_or_default();
    all.iter().filter_map(|way| fact(way)).map(str::to_owned).collect()
}

/// A line without the instances that choose between its ways: the proofs of the others fail as well.
fn untested(line: &str) -> String {
    let Some(all) = line.strip_prefix("try ").and_then(ways) else { return line.to_owned() };
    let plain = |way: &String| match fact(way).and_then(|name| way.split_once(&format!("; clear {name}; "))) {
        Some((_, proved)) => format!("({proved}"),
        None => way.clone(),
    };
    let all: Vec<String> = all.iter().map(plain).collect();
    match &all[..] {
        [one] => one.strip_prefix('(').and_then(|one| one.strip_suffix(')')).unwrap_or(one).to_owned(),
        _ => format!("first | {}", all.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Never;

    impl Oracle for Never {
        async fn check(&self, _: Vec<Candidate>) -> Vec<Verdict> {
            unreachable!("nothing is to be asked")
        }
    }

    #[tokio::test]
    async fn facts_of_the_goals_own_hypotheses_stay_with_what_follows() {
        let place = Arc::new(Hole::whole("example : p"));
        assert_eq!(shorten_behind(&Never, &place, "try have := h a\nomega\n", Instant::now()).await, None);
    }

    #[test]
    fn a_fact_is_stated_without_its_tests() {
        let proved = "have law0 : ∀ (a : N), f a = a := by first | (intro a; simp) | fail";
        let tested = format!("(have law0 : f 0 = 0 := ⟨by first | rfl | fail⟩; clear law0; {proved})");
        assert_eq!(untested(&format!("try first | {tested}")), proved);
        assert_eq!(
            untested(&format!("try first | {tested} | (have law0 : p := h)")),
            format!("first | ({proved}) | (have law0 : p := h)")
        );
        assert_eq!(all_facts(&format!("try first | {tested}")), ["law0"]);
    }
}
