//! The graph against a plain computation: whatever the order, cycles and shared goals, what is proved is exactly what
//! follows, and no proof uses a goal to prove itself.

use std::collections::HashSet;

use proptest::prelude::*;
use qstar::lean::{Goal, Hole};
use qstar::search::{GoalId, Graph, Status};

fn goal(number: usize) -> Goal {
    Goal { case: None, hypotheses: Vec::new(), target: format!("p{number}") }
}

/// Steps as (goal, goals that are left), by number; goal 0 is the root.
fn steps() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    prop::collection::vec((0..9usize, prop::collection::vec(0..9usize, 0..4)), 1..60)
}

/// Everything that follows from the steps, by going over them until nothing changes.
fn fixpoint(steps: &[(usize, Vec<usize>)]) -> HashSet<usize> {
    let mut proved = HashSet::new();
    loop {
        let new: Vec<usize> = steps
            .iter()
            .filter(|(g, left)| !proved.contains(g) && left.iter().all(|l| proved.contains(l)))
            .map(|s| s.0)
            .collect();
        if new.is_empty() {
            return proved;
        }
        proved.extend(new);
    }
}

/// Walks the proof of a goal and says whether it comes back to a goal that it is in the middle of proving.
fn is_circular(graph: &Graph, goal: GoalId, above: &mut Vec<GoalId>) -> bool {
    let Status::Proved(step) = graph.goal(goal).status else { return true };
    if above.contains(&goal) {
        return true;
    }
    above.push(goal);
    let circular = graph.step(step).goals.iter().any(|&next| is_circular(graph, next, above));
    above.pop();
    circular
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_proved_is_what_follows(steps in steps(), retract in any::<prop::sample::Index>()) {
        let mut graph = Graph::new(Hole::whole("example : p0"), vec![goal(0)]);
        let mut ids: Vec<Option<GoalId>> = vec![None; 9];
        ids[0] = Some(graph.root());
        // Steps of goals that are not reached yet wait until they are.
        let mut waiting = steps;
        let mut added = Vec::new();
        while let Some(at) = waiting.iter().position(|(g, _)| ids[*g].is_some()) {
            let (from, left) = waiting.remove(at);
            let result = graph.add_step(ids[from].unwrap(), "t", -1.0, left.iter().map(|&n| goal(n)).collect(), |_, _| false);
            for id in result.new {
                let number: usize = graph.goal(id).state[0].target[1..].parse().unwrap();
                ids[number] = Some(id);
            }
            match result.step {
                Some(step) => added.push((step, (from, left))),
                None => prop_assert!(left.contains(&from), "only a step back to its own goal is not added"),
            }
        }
        let check = |graph: &Graph, steps: &[(usize, Vec<usize>)]| {
            let expected = fixpoint(steps);
            for (number, id) in ids.iter().enumerate().filter_map(|(n, id)| Some((n, (*id)?))) {
                prop_assert_eq!(graph.is_proved(id), expected.contains(&number), "p{}", number);
                if graph.is_proved(id) {
                    prop_assert!(!is_circular(graph, id, &mut Vec::new()));
                    prop_assert!(graph.proof(id).is_some());
                }
            }
            Ok(())
        };
        let plain: Vec<(usize, Vec<usize>)> = added.iter().map(|(_, s)| s.clone()).collect();
        check(&graph, &plain)?;
        if !added.is_empty() {
            let gone = retract.index(added.len());
            graph.retract(added[gone].0);
            let rest: Vec<(usize, Vec<usize>)> = plain.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, s)| s.clone()).collect();
            check(&graph, &rest)?;
        }
    }

    #[test]
    fn what_cannot_be_proved_any_more_is_exhausted_only_when_all_was_tried(steps in steps()) {
        let mut graph = Graph::new(Hole::whole("example : p0"), vec![goal(0)]);
        let root = graph.root();
        for (_, left) in &steps {
            graph.add_step(root, "t", -1.0, left.iter().map(|&n| goal(n)).collect(), |_, _| false);
        }
        if !graph.is_proved(root) {
            prop_assert_eq!(graph.goal(root).status, Status::Open);
            graph.mark_expanded(root);
            let reachable = steps.iter().any(|(_, left)| !left.is_empty() && !left.contains(&0));
            prop_assert_eq!(graph.goal(root).status == Status::Open, reachable);
        }
    }
}
