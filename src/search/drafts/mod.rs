//! Whole proofs in the graph: a written proof is tried as it is, and where Lean refuses it, step by step.
//!
//! A draft is cut into pieces by its layout ([`cut`]) and followed through the graph by threads. A thread is what Lean's
//! own state would be at that place of the proof: goals in order, and the pieces that are still to come. What Lean accepts
//! becomes steps and goals like any other, so drafts share what they have in common, and any policy goes on from there. At
//! a piece that fails, the proofs inside it are left open (`?_`) and followed by threads of their own; what then still
//! fails is a fault. A draft whose threads have all ended at faults may be mended by its author.

pub mod cut;
mod orders;
mod spans;

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::moves::Move;
use super::{GoalId, Oracle, Search, Status, VerdictKind};
use crate::lean::Goal;
use crate::policy::author::{Draft, Fault, Flawed};
use crate::policy::{Proposal, Source};
use cut::{Block, Form, Piece, cut};
pub(super) use orders::Orders;

/// Budget of a piece, as Lean's `maxHeartbeats`: what a proof would have as a whole.
const HEARTBEATS: u64 = 200_000;
/// How probable a piece is: its author meant it.
const PRIOR: f64 = 0.9;
/// Drafts of one search, at most.
const MOST: usize = 2000;

/// A draft on its way through the graph.
struct Kept {
    draft: Draft,
    by: Source,
    /// Earlier rounds, the oldest first.
    rounds: Vec<Flawed>,
    /// Threads that have not ended.
    threads: usize,
    faults: Vec<(GoalId, Fault)>,
    /// Goals that it leaves to others.
    gaps: Vec<GoalId>,
}

/// What of a piece is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The draft as a whole.
    Whole,
    /// The piece as it was written.
    Written,
    /// The piece with holes in the place of its proofs.
    Opened,
}

/// A place in a draft: see the module.
#[derive(Clone)]
struct Thread {
    draft: usize,
    goals: VecDeque<GoalId>,
    rest: VecDeque<Arc<Piece>>,
    stage: Stage,
}

/// The drafts of a search.
#[derive(Default)]
pub(super) struct Drafts {
    all: Vec<Kept>,
    /// Threads that wait for Lean's word on a tactic at a goal.
    waiting: HashMap<(GoalId, String), Vec<Thread>>,
    /// Pieces that Lean refused, and its words.
    refused: HashMap<(GoalId, String), String>,
    /// Threads whose word has come.
    ready: Vec<(Thread, Result<Vec<GoalId>, String>)>,
    /// Hashes of the drafts there were.
    seen: HashSet<u64>,
    /// Drafts whose threads have all ended.
    ended: Vec<usize>,
}

impl Drafts {
    /// Whether Lean's word on something written is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.ready.is_empty()
    }

    /// Hears what became of a piece at a goal.
    pub(super) fn judged(&mut self, goal: GoalId, tactic: &str, verdict: Result<Vec<GoalId>, String>) {
        let key = (goal, tactic.to_owned());
        for thread in self.waiting.remove(&key).unwrap_or_default() {
            self.ready.push((thread, verdict.clone()));
        }
        if let Err(message) = verdict {
            self.refused.insert(key, message);
        }
    }
}

/// Whether a step came from a written proof.
pub(super) fn is_written(by: Source) -> bool {
    matches!(by, Source::Draft | Source::Mend | Source::Sketch)
}

impl<O: Oracle> Search<'_, O> {
    /// Takes a draft of the theorem up; `false` when there was one like it.
    pub(super) fn take_up(&mut self, draft: Draft, by: Source, rounds: Vec<Flawed>) -> bool {
        let mut hasher = DefaultHasher::new();
        draft.proof.hash(&mut hasher);
        if self.drafts.all.len() >= MOST || !self.drafts.seen.insert(hasher.finish()) {
            return false;
        }
        let number = self.drafts.all.len();
        let kept = Kept { draft, by, rounds, threads: 1, faults: Vec::new(), gaps: Vec::new() };
        let pieces = cut(&kept.draft.proof);
        // With a gap in it it cannot hold as a whole.
        let gaps = pieces.iter().any(|p| p.gap);
        if gaps && !self.operators.resume {
            return false;
        }
        let stage = if gaps { Stage::Written } else { Stage::Whole };
        self.drafts.all.push(kept);
        let rest = if gaps { pieces.into() } else { VecDeque::new() };
        self.follow(vec![Thread { draft: number, goals: [self.graph.root()].into(), rest, stage }]);
        true
    }

    /// Goes on with threads on which Lean has said its word.
    pub(super) fn go_on(&mut self) {
        let ready = std::mem::take(&mut self.drafts.ready);
        let mut work = Vec::new();
        for (thread, verdict) in ready {
            match verdict {
                Ok(goals) => self.arrived(thread, &goals, &mut work),
                Err(message) => self.failed(thread, &message, &mut work),
            }
        }
        self.follow(work);
    }

    /// Follows threads until each waits for Lean or has ended.
    fn follow(&mut self, mut work: Vec<Thread>) {
        while let Some(thread) = work.pop() {
            self.step(thread, &mut work);
        }
    }

    /// Takes a thread one piece on.
    fn step(&mut self, mut thread: Thread, work: &mut Vec<Thread>) {
        let Some(&goal) = thread.goals.front() else { return self.end(&thread) };
        // What is proved needs no more; which of the pieces are meant for others cannot be told.
        if self.graph.is_proved(goal)
            && !matches!(thread.rest.front().map(|p| &p.form), Some(Form::Bullet { .. } | Form::Case { .. }))
        {
            return self.end(&thread);
        }
        if thread.stage != Stage::Written {
            return self.attempt(thread, work);
        }
        let Some(piece) = thread.rest.front().cloned() else {
            let line = self.drafts.all[thread.draft].draft.proof.lines().count().saturating_sub(1);
            return self
                .fault(&thread, Fault { line, lines: 1, message: "unsolved goals".to_owned(), state: self.state(goal) });
        };
        let coupled = self.graph.goal(goal).state.len() > 1;
        match &piece.form {
            Form::Gap => {
                self.drafts.all[thread.draft].gaps.push(goal);
                thread.goals.pop_front();
                thread.rest.pop_front();
                work.push(thread);
            }
            Form::Bullet { names, block } if !coupled => self.focus(thread, 0, names, block, work),
            Form::Case { tag, names, block } if !coupled => {
                let place = thread.goals.iter().position(|&g| self.has_tag(g, tag)).unwrap_or(0);
                self.focus(thread, place, names, block, work);
            }
            _ => self.attempt(thread, work),
        }
    }

    fn has_tag(&self, goal: GoalId, tag: &str) -> bool {
        let case = self.graph.goal(goal).state.first().and_then(|g| g.case.as_deref());
        case.is_some_and(|case| case == tag || case.strip_suffix(tag).is_some_and(|rest| rest.ends_with('.')))
    }

    /// A block works on one of the goals, the rest on the others.
    fn focus(&mut self, mut thread: Thread, place: usize, names: &[String], block: &Block, work: &mut Vec<Thread>) {
        thread.rest.pop_front();
        let Some(goal) = thread.goals.remove(place) else { return self.end(&thread) };
        self.drafts.all[thread.draft].threads += 1;
        let rename = (!names.is_empty()).then(|| {
            let line = block.first().map_or(0, |p| p.line);
            Arc::new(Piece { text: format!("rename_i {}", names.join(" ")), line, lines: 1, gap: false, form: Form::Plain })
        });
        let rest = rename.into_iter().chain(block.iter().cloned()).collect();
        let inner = Thread { draft: thread.draft, goals: [goal].into(), rest, stage: Stage::Written };
        // The last is followed first: a draft is read from its beginning.
        work.extend([thread, inner]);
    }

    /// Asks Lean, unless its word is known.
    fn attempt(&mut self, mut thread: Thread, work: &mut Vec<Thread>) {
        let goal = thread.goals[0];
        let tactic = match (thread.stage, thread.rest.front().map(|p| (&p.form, p.gap, &p.text))) {
            (Stage::Whole, _) => self.drafts.all[thread.draft].draft.proof.clone(),
            (Stage::Opened, Some((Form::Open { opener, .. }, ..))) | (_, Some((Form::Open { opener, .. }, true, _))) => {
                thread.stage = Stage::Opened;
                opener.clone()
            }
            (_, Some((_, _, text))) => text.clone(),
            (_, None) => return self.end(&thread),
        };
        let same = |step: &super::StepId| {
            let step = self.graph.step(*step);
            step.tactic == tactic && !step.retracted
        };
        let known = self.graph.steps(goal).find(same);
        if let Some(step) = known {
            let goals = self.graph.step(step).goals.clone();
            return self.arrived(thread, &goals, work);
        }
        let key = (goal, tactic);
        if let Some(message) = self.drafts.refused.get(&key).cloned() {
            return self.failed(thread, &message, work);
        }
        let by = self.drafts.all[thread.draft].by;
        let proposal = Proposal { tactic: key.1.clone(), log_prior: PRIOR.ln(), by };
        self.drafts.waiting.entry(key).or_default().push(thread);
        self.graph.reopen(goal);
        self.add_moves(goal, vec![Move { proposal, heartbeats: HEARTBEATS, probe: false }]);
    }

    /// Lean has accepted what a thread tried.
    fn arrived(&mut self, mut thread: Thread, found: &[GoalId], work: &mut Vec<Thread>) {
        thread.goals.pop_front();
        let piece = thread.rest.pop_front();
        let mut goals: Vec<GoalId> = found.to_vec();
        if let (Stage::Opened, Some(piece)) = (thread.stage, &piece)
            && let Form::Open { opener, blocks, holes } = &piece.form
            && !found.is_empty()
        {
            // What is stated comes before its proof among Lean's goals.
            let main = usize::from(opener.starts_with("have "));
            if found.len() != holes + main {
                let state = self.state(found[0]);
                let message = "its parts do not leave the goals that they are written for".to_owned();
                return self.fault(&thread, Fault { line: piece.line, lines: piece.lines, message, state });
            }
            let mut own = Vec::new();
            for (place, block) in blocks {
                own.push(place + main);
                let goal = found[place + main];
                if !self.graph.is_proved(goal) {
                    self.drafts.all[thread.draft].threads += 1;
                    let rest = block.iter().cloned().collect();
                    work.push(Thread { draft: thread.draft, goals: [goal].into(), rest, stage: Stage::Written });
                }
            }
            goals = found.iter().enumerate().filter(|(place, _)| !own.contains(place)).map(|(_, &g)| g).collect();
        }
        thread.stage = Stage::Written;
        for goal in goals.into_iter().rev() {
            thread.goals.push_front(goal);
        }
        work.push(thread);
    }

    /// Lean has refused what a thread tried.
    fn failed(&mut self, mut thread: Thread, message: &str, work: &mut Vec<Thread>) {
        if thread.stage == Stage::Whole {
            if !self.operators.resume {
                return self.end(&thread);
            }
            thread.rest = cut(&self.drafts.all[thread.draft].draft.proof).into();
            thread.stage = Stage::Written;
            // A proof of one step was just tried.
            let whole = &self.drafts.all[thread.draft].draft.proof;
            if !(thread.rest.len() == 1 && thread.rest[0].text == *whole) {
                return work.push(thread);
            }
        }
        let Some(piece) = thread.rest.front().cloned() else { return self.end(&thread) };
        if thread.stage == Stage::Written && matches!(piece.form, Form::Open { .. }) {
            thread.stage = Stage::Opened;
            return work.push(thread);
        }
        let state = self.state(thread.goals[0]);
        self.fault(&thread, Fault { line: piece.line, lines: piece.lines, message: message.to_owned(), state });
    }

    fn fault(&mut self, thread: &Thread, fault: Fault) {
        let goal = thread.goals.front().copied().unwrap_or(self.graph.root());
        self.drafts.all[thread.draft].faults.push((goal, fault));
        self.end(thread);
    }

    fn end(&mut self, thread: &Thread) {
        let kept = &mut self.drafts.all[thread.draft];
        kept.threads = kept.threads.saturating_sub(1);
        if kept.threads == 0 {
            self.drafts.ended.push(thread.draft);
        }
    }

    pub(super) fn state(&self, goal: GoalId) -> String {
        self.graph.goal(goal).state.iter().map(Goal::to_string).collect::<Vec<_>>().join("\n\n")
    }

    /// What Lean's verdict on a written piece means for its threads.
    pub(super) fn hear(&mut self, goal: GoalId, tactic: &str, kind: VerdictKind, left: Result<Vec<GoalId>, &str>) {
        let verdict = left.map_err(|message| match (kind, message) {
            (VerdictKind::TimedOut, _) => "it takes too long: (deterministic) timeout".to_owned(),
            (VerdictKind::Hung | VerdictKind::Crashed, _) => "Lean does not come to an end with it".to_owned(),
            (_, message) => message.to_owned(),
        });
        self.drafts.judged(goal, tactic, verdict);
    }

    /// Goals that drafts left open and that are still so, and those that are proved by now: what a planner should know.
    pub(super) fn left_to_others(&self) -> (Vec<GoalId>, Vec<GoalId>) {
        let mut gaps: Vec<GoalId> = self.drafts.all.iter().flat_map(|kept| kept.gaps.iter().copied()).collect();
        gaps.sort_unstable();
        gaps.dedup();
        gaps.into_iter()
            .filter(|&g| g != self.graph.root())
            .partition(|&g| matches!(self.graph.goal(g).status, Status::Proved(_)))
    }
}
