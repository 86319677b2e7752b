//! What verdicts do to a search: steps into the graph, failures to the repairers, proofs to other goals, values to new
//! states.

use super::drafts::is_written;
use super::moves::Move;
use super::operators::refine::{Failure, Repairer};
use super::operators::{aggregate, facts, prune, safe, simplifier};
use super::{Added, Batch, Event, GoalId, Graph, Oracle, Search, Status, Tried, VerdictKind};
use crate::lean::goal::state_key;
use crate::lean::ways::{after_step, separate, together, ways, without};
use crate::lean::{Goal, Verdict, runaway};
use crate::policy::{Place, Proposal, Source};
use std::collections::HashMap;

/// What a second try costs, as a log-probability; and how many of the moves that its goal has then come before it at most, where
/// many are about as probable.
const SECOND_TRY_COST: f64 = 2.0;
const SECOND_TRY_WITHIN: usize = 24;
/// How much more than others a step may spend that proves facts, one behind the other.
const MANY_FACTS: u64 = 4;
/// What a goal's other moves lose when one hangs, as a log-probability: numbers that are too large for one tactic are so
/// for its kin, and each costs a worker.
const HUNG_COST: f64 = 2.5;
/// What a move loses that may run away: it is tried when little else is left.
const RUNAWAY_COST: f64 = 4.0;
/// What is left of the value of a goal that says too much.
const DOUBTFUL: f64 = 0.02;
/// Hangs at one goal after which what may run away is not tried there any more.
const MOST_HANGS: u32 = 2;
/// How probable it is that a remembered proof closes a goal with the same target, and that a side goal helps another.
const LEMMA_PRIOR: f64 = 0.9;
const SIDE_PRIOR: f64 = 0.05;

impl<O: Oracle> Search<'_, O> {
    /// What a batch has brought: into the graph, scored, and backed up.
    pub(super) async fn land(&mut self, batch: Batch, verdicts: Vec<Verdict>) {
        let mut new: HashMap<GoalId, usize> = HashMap::new();
        let mut all = Vec::new();
        for (tried, verdict) in batch.tried.into_iter().zip(verdicts) {
            let goal = tried.goal;
            let found = self.expand(tried, verdict);
            *new.entry(goal).or_default() += found.len();
            all.extend(found);
        }
        self.spent.nodes = self.graph.goals();
        self.score(&all).await;
        self.go_on();
        self.settle();
        for goal in batch.selected {
            self.strategy.landed(&self.graph, goal, new.get(&goal).copied().unwrap_or(0));
        }
        let (seconds, checks, goals) = (self.spent.since.elapsed().as_secs_f64(), self.spent.checks, self.spent.nodes);
        self.tell(|| Event::Clock { seconds, checks, goals });
    }

    /// Adds what Lean accepted to the graph, repairs what it did not; returns the goals that are new.
    fn expand(&mut self, Tried { goal, step }: Tried, verdict: Verdict) -> Vec<GoalId> {
        self.moves.landed(goal, &step.proposal.tactic);
        let Move { ref proposal, heartbeats, probe } = step;
        let (way, verdict) = verdict.apart();
        // Of several ways the one that worked is the step: what stands behind it does not try the others again.
        let mut ways = way.and_then(|_| separate(&proposal.tactic)).unwrap_or_default().into_iter().skip(way.unwrap_or(0));
        let last = ways.next();
        let tactic = last.as_deref().unwrap_or(&proposal.tactic);
        let (kind, left, message) = match verdict {
            Verdict::Closed => (VerdictKind::Closed, Some(Vec::new()), None),
            Verdict::Goals(goals) => (VerdictKind::Goals, Some(goals), None),
            Verdict::Failed(message) => (VerdictKind::Failed, None, Some(message)),
            Verdict::TimedOut => (VerdictKind::TimedOut, None, None),
            Verdict::Hung => (VerdictKind::Hung, None, None),
            Verdict::Refused(refusal) => (VerdictKind::Refused, None, Some(refusal.to_string())),
            Verdict::Crashed(message) => (VerdictKind::Crashed, None, Some(message)),
            // Taken apart above; there are no ways of ways.
            Verdict::Way { .. } => (VerdictKind::Crashed, None, None),
        };
        tracing::debug!(tactic = proposal.tactic, ?kind, message);
        if let (VerdictKind::Failed, Some(said)) = (kind, &message)
            && let Some(word) = prune::unsupported(&proposal.tactic, said)
            && !self.unsupported.contains(&word)
        {
            self.forget(goal, |tactic| prune::needs(tactic, &word));
            self.unsupported.push(word);
        }
        if facts::are_closed(&proposal.tactic) && !self.facts_tried.contains(&proposal.tactic) {
            self.forget(goal, |tactic| tactic == proposal.tactic);
            self.facts_tried.push(proposal.tactic.clone());
        }
        if message.as_deref().is_some_and(simplifier::found_nothing) {
            self.moves.forget_at(goal, |other| simplifier::is_weaker(other, &proposal.tactic));
        }
        if kind == VerdictKind::Hung {
            self.hung(goal);
        }
        let mut added = Added::default();
        let written = is_written(proposal.by);
        if probe {
            if kind == VerdictKind::Goals {
                self.graph.give_up(goal, "its negation is proved");
            }
        } else if let Some(mut left) = left {
            if self.operators.prune_unused {
                left = left.into_iter().map(prune::cleared).collect();
            }
            let same = left.len() == 1 && state_key(&left) == state_key(&self.graph.goal(goal).state);
            let prune = self.operators.prune_cycles && !written;
            let back = |graph: &Graph, known: &[GoalId]| prune && prune::leads_back(graph, goal, known);
            let safe = self.graph.goal(goal).state.first().is_some_and(|g| safe::loses_nothing(tactic, g));
            let stand_in = left.first().and_then(|goal| facts::stand_in(tactic, goal));
            let prior = if safe { 0.0 } else { proposal.log_prior };
            added = self.graph.add_step(goal, tactic, prior, left, back);
            if let Some(step) = added.step {
                let extra = heartbeats.saturating_sub(self.budget.heartbeats);
                self.graph.again(step, extra, stand_in);
            }
            if written {
                let goals = added.step.map(|step| self.graph.step(step).goals.clone()).or(same.then(|| vec![goal]));
                self.hear(goal, &proposal.tactic, kind, goals.ok_or("it leads back to a goal above"));
            }
        } else {
            if written {
                self.hear(goal, &proposal.tactic, kind, Err(message.as_deref().unwrap_or("")));
            }
            if self.operators.refine {
                let failed = Proposal { tactic: tactic.to_owned(), ..proposal.clone() };
                self.refine(goal, &failed, heartbeats, kind, message.as_deref().unwrap_or(""));
            }
            // What stood behind one that ran out was not tried.
            let behind = together(&ways.collect::<Vec<_>>());
            let behind = behind.map(|tactic| Move { proposal: Proposal { tactic, ..proposal.clone() }, ..step.clone() });
            self.add_moves(goal, behind.into_iter().collect());
        }
        let left = added.step.map_or_else(Vec::new, |step| self.graph.step(step).goals.clone());
        self.tell(|| Event::Tried {
            goal,
            tactic: tactic.to_owned(),
            one_of: last.is_some().then(|| proposal.tactic.clone()),
            log_prior: proposal.log_prior,
            by: proposal.by,
            heartbeats,
            verdict: kind,
            message,
            step: added.step,
            left: left.clone(),
        });
        // A goal that was known has one way more to help.
        for known in left.iter().filter(|g| !added.new.contains(g)) {
            self.strategy.open(&self.graph, &self.moves, *known);
        }
        if self.moves.is_idle(goal) {
            self.graph.mark_expanded(goal);
        }
        added.new
    }

    /// A tactic ran away at a goal: its kin is tried later, and soon not at all.
    fn hung(&mut self, goal: GoalId) {
        self.moves.discourage(goal, HUNG_COST);
        let hangs = self.hangs.entry(goal).or_default();
        *hangs += 1;
        if *hangs == MOST_HANGS
            && let Some(text) = self.graph.goal(goal).state.first().map(Goal::to_string)
        {
            self.moves.forget_at(goal, |tactic| runaway::may_run_away(&text, tactic));
        }
    }

    /// Drops untried moves everywhere, while the verdict of one at `goal` is being heard.
    fn forget(&mut self, goal: GoalId, unwanted: impl Fn(&str) -> bool) {
        for other in self.moves.forget(unwanted) {
            if other != goal && self.moves.is_idle(other) {
                self.graph.mark_expanded(other);
            }
        }
    }

    /// Makes new moves of a failed one.
    fn refine(&mut self, goal: GoalId, failed: &Proposal, heartbeats: u64, verdict: VerdictKind, message: &str) {
        if verdict == VerdictKind::TimedOut && heartbeats < self.budget.more_heartbeats() {
            let later = failed.log_prior - SECOND_TRY_COST;
            let log_prior = self.moves.at(goal, SECOND_TRY_WITHIN).map_or(later, |soon| soon.max(later));
            let again = Proposal { log_prior, ..failed.clone() };
            self.add_moves(goal, vec![Move { proposal: again, heartbeats: self.budget.more_heartbeats(), probe: false }]);
        }
        let Some(state) = self.graph.goal(goal).state.first() else { return };
        // What is a repair already is not repaired again: no chain of repairs without end.
        if verdict == VerdictKind::Failed && failed.by != Source::Refine {
            let failure = Failure { goal: state, tactic: &failed.tactic, verdict, message, policy: self.policy };
            let first = self.budget.heartbeats;
            let repaired = self.repairers.repair(&failure).into_iter();
            let repaired = repaired.map(|(tactic, p)| new_move(tactic, p, Source::Refine, first)).collect();
            self.add_moves(goal, repaired);
        }
    }

    pub(super) fn add_moves(&mut self, goal: GoalId, moves: Vec<Move>) {
        if self.moves.add(goal, moves) > 0 {
            self.graph.goal_mut(goal).expanded = false;
            self.strategy.open(&self.graph, &self.moves, goal);
        }
    }

    /// Tells what is proved now, and lets other goals profit from it.
    fn settle(&mut self) {
        for goal in self.tell_changes() {
            if !self.operators.aggregate {
                continue;
            }
            let (Some((proof, _)), [state]) = (self.graph.proof(goal), &self.graph.goal(goal).state[..]) else { continue };
            let (state, proof) = (state.clone(), proof.trim_end().to_owned());
            self.lemmas.learn(self.header, &state, &proof);
            let same: Vec<GoalId> = self.targets.get(&state.target).cloned().unwrap_or_default();
            for other in same.into_iter().filter(|&g| g != goal) {
                self.offer_lemmas(other);
            }
            for sibling in self.graph.siblings(goal) {
                let theirs = &self.graph.goal(sibling).state;
                if let Some(side) = theirs.first().and_then(|g| aggregate::side_goal(&state, &proof, g)) {
                    self.add_moves(sibling, vec![new_move(side, SIDE_PRIOR, Source::Aggregate, self.budget.heartbeats)]);
                }
            }
        }
    }

    fn offer_lemmas(&mut self, goal: GoalId) {
        let node = self.graph.goal(goal);
        let ([state], Status::Open) = (&node.state[..], node.status) else { return };
        let (proofs, heartbeats) = (self.lemmas.proofs(self.header, state), self.budget.heartbeats);
        let moves = proofs.into_iter().map(|proof| new_move(proof, LEMMA_PRIOR, Source::Aggregate, heartbeats)).collect();
        self.add_moves(goal, moves);
    }

    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sink) = self.sink {
            sink.put(&event());
        }
    }

    fn tell_goal(&self, goal: GoalId, why: String) {
        self.tell(|| {
            let node = self.graph.goal(goal);
            let state: Vec<String> = node.state.iter().map(Goal::to_string).collect();
            Event::Goal {
                goal,
                state: state.join("\n\n"),
                depth: node.depth,
                log_prior: node.log_prior,
                value: node.value,
                why,
                from: node.origin.map(|(step, _)| step),
            }
        });
    }

    /// Tells what became of goals; returns those that are proved now.
    pub(super) fn tell_changes(&mut self) -> Vec<GoalId> {
        let mut proved = Vec::new();
        for (goal, status) in self.graph.take_changes() {
            // It may have been opened again since.
            if self.graph.goal(goal).status != status {
                continue;
            }
            match status {
                Status::Proved(step) => {
                    self.tell(|| Event::Proved { goal, step });
                    proved.push(goal);
                }
                Status::Exhausted => {
                    self.tell(|| Event::Exhausted {
                        goal,
                        reason: self.graph.goal(goal).given_up.unwrap_or("nothing is left to try").to_owned(),
                    });
                }
                Status::Open => {}
            }
        }
        proved
    }

    /// Asks policy and value about new goals and opens them.
    pub(super) async fn score(&mut self, new: &[GoalId]) {
        let states: Vec<Vec<Goal>> = new.iter().map(|&g| self.graph.goal(g).state.clone()).collect();
        let states: Vec<&[Goal]> = states.iter().map(Vec::as_slice).collect();
        if new.is_empty() {
            return;
        }
        let before: Vec<String> = new.iter().map(|&g| self.graph.steps_before(g).join("\n")).collect();
        let places: Vec<Place> = states.iter().zip(&before).map(|(&state, before)| Place { state, before }).collect();
        let asked = async { futures::join!(self.value.score(&states), self.policy.propose_at(&places)) };
        // A policy that is far away must not hold the search when its time is over.
        let left = self.budget.time.saturating_sub(self.spent.since.elapsed());
        let (scores, proposed) = tokio::select! {
            answers = asked => answers,
            () = tokio::time::sleep(left) => return,
            () = self.cancel.cancelled() => return,
        };
        for (((&goal, score), proposals), state) in new.iter().zip(scores).zip(proposed).zip(&states) {
            let (value, why) = match state.iter().any(prune::says_too_much) {
                true => (score.value * DOUBTFUL, format!("{}; says too much", score.why)),
                false => (score.value, score.why),
            };
            self.graph.goal_mut(goal).value = value;
            self.tell_goal(goal, why);
            let text = state.first().map(Goal::to_string).unwrap_or_default();
            let late = |mut p: Proposal| {
                p.log_prior -= if runaway::may_run_away(&text, &p.tactic) { RUNAWAY_COST } else { 0.0 };
                p
            };
            // What the step before has tried at this goal is not tried again.
            let before = self.graph.goal(goal).origin.map(|(step, _)| self.graph.step(step).tactic.as_str());
            let tried = before.and_then(after_step).map_or_else(Vec::new, |(_, tried)| tried);
            let new = |p: Proposal| Some(Proposal { tactic: without(&p.tactic, &tried)?, ..p });
            let share = self.operators.share;
            let each = |p: Proposal| if share { vec![p] } else { singly(p) };
            let known = |tactic: &String| self.facts_tried.contains(tactic);
            let works = |p: &Proposal| !self.unsupported.iter().any(|word| prune::needs(&p.tactic, word)) && !known(&p.tactic);
            // The proofs of several facts add up.
            let usual = self.budget.heartbeats;
            let more = (MANY_FACTS * usual).min(self.budget.more_heartbeats());
            let heartbeats = |p: &Proposal| if facts::adds_facts(&p.tactic) { more } else { usual };
            let step = |proposal: Proposal| Move { heartbeats: heartbeats(&proposal), proposal, probe: false };
            self.moves.add(goal, proposals.into_iter().flat_map(each).filter_map(new).filter(works).map(late).map(step));
            if let [state] = state {
                if self.operators.prune_false && goal != self.graph.root() {
                    let probe = prune::refutation(state).map(|tactic| Move {
                        heartbeats: prune::PROBE_HEARTBEATS,
                        probe: true,
                        ..new_move(tactic, 1.0, Source::Prune, self.budget.heartbeats)
                    });
                    self.moves.add(goal, probe);
                }
                self.targets.entry(state.target.clone()).or_default().push(goal);
            }
            if self.operators.aggregate {
                self.offer_lemmas(goal);
            }
            if self.moves.is_idle(goal) {
                self.graph.mark_expanded(goal);
            }
            self.strategy.open(&self.graph, &self.moves, goal);
        }
    }
}

/// The ways of a proposal as proposals of their own, each less probable than the one before.
fn singly(proposal: Proposal) -> Vec<Proposal> {
    let Some(all) = ways(&proposal.tactic) else { return vec![proposal] };
    let later = |(place, tactic): (usize, String)| Proposal {
        tactic,
        log_prior: proposal.log_prior - (1.0 + place as f64).ln(),
        by: proposal.by,
    };
    all.into_iter().enumerate().map(later).collect()
}

fn new_move(tactic: String, probability: f64, by: Source, heartbeats: u64) -> Move {
    Move { proposal: Proposal { tactic, log_prior: probability.ln(), by }, heartbeats, probe: false }
}
