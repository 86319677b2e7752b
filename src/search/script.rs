//! Parts of the graph as Lean text: the unfinished proof around a goal, and the finished proof of one.

use super::graph::{GoalId, Graph, Status, StepId};
use crate::lean::Hole;
use crate::lean::document::indent_into;

impl Graph {
    /// The place in the proof at which a tactic for this goal is tried: the way on which it was first reached.
    pub fn hole(&self, id: GoalId) -> Hole {
        let mut way = Vec::new();
        let mut at = id;
        while let Some((step, place)) = self.goal(at).origin {
            way.push((step, place));
            at = self.parent(step);
        }
        let Hole { mut before, mut after, mut indent, mut bullet, scoped } = self.place.clone();
        for &(step, place) in way.iter().rev() {
            let node = self.step(step);
            indent_into(&mut before, &node.tactic, indent);
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
    fn holes_leave_other_goals_to_sorry() {
        let goal = |target: &str| Goal { case: None, hypotheses: Vec::new(), target: target.to_owned() };
        let mut g = Graph::new(Hole::whole("example : p"), vec![goal("p")]);
        let new = g.add_step(g.root(), "constructor", -1.0, vec![goal("a"), goal("b"), goal("c")], |_, _| false).new;
        let hole = g.hole(new[1]);
        assert_eq!(hole.before, "example : p := by\n  constructor\n  · sorry\n  ·\n");
        assert_eq!(hole.after, "  · sorry\n");
        assert_eq!((hole.indent, hole.bullet), (4, Some((3, 2))));
    }
}
