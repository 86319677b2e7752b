//! Parts of the graph as Lean text: the unfinished proof around a goal, and the finished proof of one.
//!
//! The goals of a step stand under bullets. But for a fact that is stated first and proved afterwards (`have … := ?_`): there
//! the proof stands where the hole was, and what uses the fact goes on at the left.

use super::graph::{Graph, Status, StepNode};
use super::ids::{GoalId, StepId};
use crate::lean::Hole;
use crate::lean::document::indent_into;

/// The end of a fact that is proved afterwards.
const HOLE: &str = ":= ?_";
/// Lean has what uses the fact before its proof.
const USE: usize = 0;
const PROOF: usize = 1;

/// The text of a step that states a fact, up to its `by`.
fn stated(step: &StepNode) -> Option<String> {
    let text = step.tactic.strip_suffix(HOLE).filter(|t| t.starts_with("have ") && step.goals.len() == 2)?;
    Some(format!("{text}:= by"))
}

impl Graph {
    /// The steps that lead to a goal and which of their goals the way takes, on the way on which it was first reached; the last first.
    fn way(&self, id: GoalId) -> impl Iterator<Item = (StepId, usize)> {
        std::iter::successors(self.goal(id).origin, |&(step, _)| self.goal(self.parent(step)).origin)
    }

    /// The steps that lead to a goal, on the way on which it was first reached.
    pub fn steps_before(&self, id: GoalId) -> Vec<&str> {
        let mut way: Vec<&str> = self.way(id).map(|(step, _)| self.step(step).tactic.as_str()).collect();
        way.reverse();
        way
    }

    /// What the steps that lead to a goal may take of Lean's budget beyond a usual candidate's, as `maxHeartbeats`: a candidate there
    /// elaborates them before itself.
    pub fn extra_before(&self, id: GoalId) -> u64 {
        self.way(id).map(|(step, _)| self.step(step).extra).sum()
    }

    /// The place in the proof at which a tactic for this goal is tried: the way on which it was first reached.
    pub fn hole(&self, id: GoalId) -> Hole {
        let way: Vec<(StepId, usize)> = self.way(id).collect();
        let Hole { mut before, mut after, mut indent, mut bullet, scoped } = self.place.clone();
        for &(step, place) in way.iter().rev() {
            let node = self.step(step);
            if let Some(stated) = stated(node) {
                indent_into(&mut before, &stated, indent);
                let pad = " ".repeat(indent + 2);
                if place == PROOF {
                    let line = before.matches('\n').count() as u32 - 1;
                    let last = before.trim_end().rsplit('\n').next().unwrap_or("");
                    bullet = Some((line, last.encode_utf16().count() as u32 - 2));
                    after = format!("{}sorry\n{after}", " ".repeat(indent));
                    indent += 2;
                } else {
                    before.push_str(&format!("{pad}sorry\n"));
                }
                continue;
            }
            indent_into(&mut before, node.stand_in.as_ref().unwrap_or(&node.tactic), indent);
            if node.goals.len() > 1 {
                let pad = " ".repeat(indent);
                (0..place).for_each(|_| before.push_str(&format!("{pad}· sorry\n")));
                bullet = Some((before.matches('\n').count() as u32, indent as u32));
                before.push_str(&format!("{pad}·\n"));
                let rest: String = (place + 1..node.goals.len()).map(|_| format!("{pad}· sorry\n")).collect();
                after = rest + &after;
                indent += 2;
            }
        }
        Hole { before, after, indent, bullet, scoped }
    }

    /// The proof of a proved goal as a tactic block, and the step of each of its lines.
    pub fn proof(&self, id: GoalId) -> Option<(String, Vec<StepId>)> {
        let (mut text, mut lines) = (String::new(), Vec::new());
        self.write_proof(id, 0, &mut text, &mut lines)?;
        Some((text, lines))
    }

    fn write_proof(&self, id: GoalId, indent: usize, text: &mut String, lines: &mut Vec<StepId>) -> Option<()> {
        let Status::Proved(step) = self.goal(id).status else { return None };
        let node = self.step(step);
        if let Some(stated) = stated(node) {
            indent_into(text, &stated, indent);
            lines.resize(text.matches('\n').count(), step);
            self.write_proof(node.goals[PROOF], indent + 2, text, lines)?;
            return self.write_proof(node.goals[USE], indent, text, lines);
        }
        indent_into(text, &node.tactic, indent);
        lines.resize(text.matches('\n').count(), step);
        if let [only] = node.goals[..] {
            return self.write_proof(only, indent, text, lines);
        }
        for &goal in &node.goals {
            let start = text.len() + indent;
            self.write_proof(goal, indent + 2, text, lines)?;
            text.replace_range(start..start + 2, "· ");
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn a_fact_is_proved_where_it_is_stated() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let mut g = Graph::new(Hole::whole("example : p"), vec![goal("p")]);
        let new = g.add_step(g.root(), "have h :\n  a := ?_", -1.0, vec![goal("p'"), goal("a")], |_, _| false).new;
        let (used, proof) = (g.hole(new[USE]), g.hole(new[PROOF]));
        assert_eq!(used.before, "example : p := by\n  have h :\n    a := by\n    sorry\n");
        assert_eq!((used.after.as_str(), used.indent, used.bullet), ("", 2, None));
        assert_eq!(proof.before, "example : p := by\n  have h :\n    a := by\n");
        assert_eq!((proof.after.as_str(), proof.indent, proof.bullet), ("  sorry\n", 4, Some((2, 9))));
        g.add_step(new[PROOF], "simp", -1.0, vec![], |_, _| false);
        g.add_step(new[USE], "exact h", -1.0, vec![], |_, _| false);
        let (text, lines) = g.proof(g.root()).unwrap();
        assert_eq!((text.as_str(), lines.len()), ("have h :\n  a := by\n  simp\nexact h\n", 4));
        assert_eq!(g.steps_before(new[PROOF]), ["have h :\n  a := ?_"]);
    }

    #[test]
    fn holes_leave_other_goals_to_sorry() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let mut g = Graph::new(Hole::whole("example : p"), vec![goal("p")]);
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("a"), goal("b"), goal("c")], |_, _| false).new;
        let hole = g.hole(new[1]);
        assert_eq!(hole.before, "example : p := by\n  constructor\n  · sorry\n  ·\n");
        assert_eq!(hole.after, "  · sorry\n");
        assert_eq!((hole.indent, hole.bullet), (4, Some((3, 2))));
    }

    #[test]
    fn budgets_of_steps_add_up_on_the_way_to_a_goal() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let mut g = Graph::new(Hole::whole("example : p"), vec![goal("p")]);
        let mut at = g.root();
        for (extra, target) in [(24_000, "a"), (0, "b"), (72_000, "c")] {
            let added = g.add_step(at, "t", -1.0, vec![goal(target)], |_, _| false);
            g.again(added.step.unwrap(), extra, None);
            at = added.new[0];
        }
        assert_eq!((g.extra_before(g.root()), g.extra_before(at)), (0, 96_000));
    }
}
