//! A served model that writes whole proofs, as an author: from nothing, after an error in its family's own way, or plans.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::client::Client;
use crate::formats::answer;
use crate::formats::{Api, Format, Prompt, Question, Theorem, Writes};
use crate::lean::Goal;
use crate::lean::document::indent_into;
use crate::lean::guard::MAX_BYTES;
use crate::policy::author::{Author, Draft, Flawed, Order};
use crate::policy::usage::{Meter, Usage};

/// The format whose words are used for plans where a model's own has none.
const PLANNER: &str = "chat-proof";
/// Seeds of one search lie so far from those of the next.
const STRIDE: u64 = 1 << 12;

/// See the module.
pub struct ServedAuthor {
    client: Arc<Client>,
    theorem: Theorem,
    seed: u64,
    meter: Arc<Meter>,
}

impl ServedAuthor {
    pub fn new(client: Arc<Client>, theorem: Theorem, seed: u64, meter: Arc<Meter>) -> ServedAuthor {
        ServedAuthor { client, theorem, seed, meter }
    }

    fn format(&self) -> &Format {
        &self.client.endpoint().format
    }

    /// What is sent, its number among those with the same text, and what stands before the answer in the proof.
    fn question(&self, theorem: &Theorem, order: &Order) -> anyhow::Result<Option<(Prompt, u64, String)>> {
        let format = self.format();
        let empty = Question { theorem: Some(theorem), ..Question::default() };
        if format.writes == Writes::Tactic && !matches!(order, Order::Plan { .. }) {
            return Ok(None);
        }
        Ok(match order {
            Order::Fresh(nth) => Some((format.prompt(&empty)?, *nth, String::new())),
            Order::Mend(rounds) if format.api == Api::Chat => {
                let sent = format.repair.is_some().then(|| format.prompt(&Question { rounds, ..empty })).transpose()?;
                sent.map(|prompt| (prompt, 0, String::new()))
            }
            Order::Mend(rounds) => {
                // A completion goes on behind what was accepted.
                let before = rounds.last().map(accepted).unwrap_or_default();
                let mut shown = String::new();
                indent_into(&mut shown, &before, 2);
                let prompt = format.prompt(&Question { proof_before: &shown, ..empty })?;
                (!before.is_empty()).then_some((prompt, 0, before))
            }
            Order::Plan { nth, proved, failed } => {
                let question = Question { proved, failed, ..empty };
                let own = format.plan(&question)?;
                let sent = own.map_or_else(|| Format::find(PLANNER)?.plan(&question), |own| Ok(Some(own)))?;
                sent.map(|prompt| (prompt, *nth, String::new()))
            }
        })
    }

    async fn drafts(&self, order: &Order, state: &str) -> Vec<Draft> {
        let stated;
        let theorem = if self.theorem.statement.is_empty() {
            let Some(statement) = Goal::parse(state).ok().as_ref().and_then(as_statement) else { return Vec::new() };
            stated = Theorem { statement, ..self.theorem.clone() };
            &stated
        } else {
            &self.theorem
        };
        let (prompt, nth, before) = match self.question(theorem, order) {
            Ok(Some(question)) => question,
            Ok(None) => return Vec::new(),
            Err(error) => {
                tracing::warn!("{error:#}");
                return Vec::new();
            }
        };
        let seed = self.seed.wrapping_mul(STRIDE).wrapping_add(nth);
        let samples = self.client.ask(&prompt, seed, &self.meter).await.unwrap_or_default();
        let mut drafts: Vec<Draft> = Vec::new();
        for sample in samples {
            // Words without any code are no proof.
            if self.format().read.block && !sample.text.contains("```") {
                continue;
            }
            let Some(text) = answer::lean(&self.format().read, &sample.text) else { continue };
            let proof = match &prompt {
                Prompt::Text(_) => behind(&before, &text),
                Prompt::Chat(_) => answer::proof(theorem, &text),
            };
            if let Some(proof) = proof.filter(|p| !drafts.iter().any(|known| known.proof == *p)) {
                drafts.push(Draft { proof, answer: sample.text });
            }
        }
        drafts
    }
}

/// The lines of a proof before its first error.
fn accepted(flawed: &Flawed) -> String {
    let end = flawed.faults.iter().map(|f| f.line).min().unwrap_or(0);
    flawed.proof.lines().take(end).collect::<Vec<_>>().join("\n")
}

/// A completion behind lines that stand already, indented as they were shown.
fn behind(before: &str, text: &str) -> Option<String> {
    if before.is_empty() {
        return answer::tactic(text);
    }
    let mut whole = String::new();
    indent_into(&mut whole, before, 2);
    whole.push_str(text);
    Some(answer::level(&whole)).filter(|w| w.len() <= MAX_BYTES)
}

/// A goal as a theorem's statement; `None` where names or values cannot be written.
pub fn as_statement(goal: &Goal) -> Option<String> {
    let mut text = "theorem goal".to_owned();
    for hypothesis in &goal.hypotheses {
        let names = &hypothesis.names;
        if hypothesis.value.is_some() || hypothesis.ty.contains('✝') {
            return None;
        }
        let instance = names.iter().all(|n| n.starts_with("inst✝"));
        if names.iter().any(|n| n.contains('✝')) && !instance {
            return None;
        }
        let binder =
            if instance { format!(" [{}]", hypothesis.ty) } else { format!(" ({} : {})", names.join(" "), hypothesis.ty) };
        text.push_str(&binder);
    }
    let open = goal.target.contains(['✝', '?']);
    (!open).then(|| format!("{text} : {} := by", goal.target))
}

impl Author for ServedAuthor {
    fn write<'a>(&'a self, order: &'a Order, state: &'a str) -> BoxFuture<'a, Vec<Draft>> {
        Box::pin(self.drafts(order, state))
    }

    fn rounds(&self) -> usize {
        self.client.endpoint().rounds as usize
    }

    fn plans(&self) -> bool {
        self.client.endpoint().plan
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }

    fn is_spent(&self) -> bool {
        self.meter.is_spent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::author::Fault;

    #[test]
    fn a_goal_can_be_stated() {
        let goal = Goal::parse("α : Type\ninst✝ : Inhabited α\nx y : α\nh : x = y\n⊢ y = x").unwrap();
        let text = "theorem goal (α : Type) [Inhabited α] (x y : α) (h : x = y) : y = x := by";
        assert_eq!(as_statement(&goal).as_deref(), Some(text));
        assert_eq!(as_statement(&Goal::parse("x✝ : Nat\n⊢ x✝ = x✝").unwrap()), None);
    }

    #[test]
    fn a_completion_goes_on_behind_what_was_accepted() {
        let faults = vec![Fault { line: 2, ..Fault::default() }];
        let flawed = Flawed { proof: "intro h\nconstructor\n· bad".into(), faults, ..Flawed::default() };
        assert_eq!(accepted(&flawed), "intro h\nconstructor");
        let whole = behind("intro h\nconstructor", "  · exact h\n  · rfl").unwrap();
        assert_eq!(whole, "intro h\nconstructor\n· exact h\n· rfl");
    }
}
