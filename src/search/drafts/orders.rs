//! What a search orders from its author: proofs, repairs of the best of them, plans.
//!
//! One order for proofs or a plan is out at a time, and a few repairs; so a slow author delays nothing but itself.

use super::Kept;
use crate::policy::Source;
use crate::policy::author::{Draft, Flawed, Order};
use crate::search::{GoalId, Oracle, Search};

/// Orders out at a time.
const AT_ONCE: usize = 4;
/// Orders in a row that brought nothing new before no more are given.
const BARREN: u32 = 3;
/// Checks that others have for the goals which a sketch leaves open before something new is ordered.
const PATIENCE: u64 = 400;
/// Facts named to a planner, of each kind.
const FACTS: usize = 12;

/// What was ordered.
#[derive(Default)]
pub(in crate::search) struct Orders {
    fresh: u64,
    plans: u64,
    barren: u32,
    /// Checks when the last plan or fresh proof was ordered.
    since: u64,
    /// Out, by number: the order and the rounds that a repair goes back to.
    out: Vec<(u64, Order)>,
    next: u64,
}

impl Orders {
    /// Orders that are out: to be given again when a search goes on after a stop.
    pub(in crate::search) fn out(&self) -> Vec<(u64, Order)> {
        self.out.clone()
    }
}

impl<O: Oracle> Search<'_, O> {
    /// The next order, if one is to be given; it counts as out. `idle`: nothing else is in work.
    pub(in crate::search) fn order(&mut self, idle: bool) -> Option<(u64, Order)> {
        let author = self.author?;
        if author.is_spent() || self.orders.out.len() >= AT_ONCE {
            return None;
        }
        let order = self.mend(author.rounds()).or_else(|| self.begin_anew(author.plans(), idle))?;
        let number = self.orders.next;
        self.orders.next += 1;
        self.orders.out.push((number, order.clone()));
        Some((number, order))
    }

    /// The repair of the draft that came nearest: the value of the goal where it failed, and fewer rounds first.
    fn mend(&mut self, rounds: usize) -> Option<Order> {
        if !self.operators.resume {
            return None;
        }
        let open = |search: &Self, kept: &Kept| -> Vec<usize> {
            (0..kept.faults.len()).filter(|&i| !search.graph.is_proved(kept.faults[i].0)).collect()
        };
        let mut best: Option<(f64, usize, usize)> = None;
        for (place, &number) in self.drafts.ended.iter().enumerate() {
            let kept = &self.drafts.all[number];
            let faults = open(self, kept);
            if faults.is_empty() || kept.rounds.len() >= rounds || kept.by == Source::Sketch {
                continue;
            }
            let value = faults.iter().map(|&i| self.graph.goal(kept.faults[i].0).value).fold(1.0, f64::min);
            let score = value / (faults.len() + kept.rounds.len()) as f64;
            if best.is_none_or(|(known, ..)| score > known) {
                best = Some((score, place, number));
            }
        }
        let (_, place, number) = best?;
        self.drafts.ended.swap_remove(place);
        let kept = &self.drafts.all[number];
        let mut faults: Vec<_> = open(self, kept).into_iter().map(|i| kept.faults[i].1.clone()).collect();
        faults.sort_by_key(|f| f.line);
        let flawed = Flawed { answer: kept.draft.answer.clone(), proof: kept.draft.proof.clone(), faults };
        Some(Order::Mend(kept.rounds.iter().cloned().chain([flawed]).collect()))
    }

    /// Proofs or a plan from nothing, when what there was is judged and brought something.
    fn begin_anew(&mut self, plans: bool, idle: bool) -> Option<Order> {
        let busy = self.drafts.is_waiting() || self.orders.out.iter().any(|(_, o)| !matches!(o, Order::Mend(_)));
        if busy || self.orders.barren >= BARREN {
            return None;
        }
        let (proved, open) = self.left_to_others();
        if !open.is_empty() && !idle && self.spent.checks < self.orders.since + PATIENCE {
            return None;
        }
        self.orders.since = self.spent.checks;
        if plans && self.orders.plans < self.orders.fresh + 1 {
            let told = |goals: Vec<GoalId>| goals.into_iter().take(FACTS).map(|g| self.state(g)).collect();
            let (proved, failed) = (told(proved), told(open));
            self.orders.plans += 1;
            return Some(Order::Plan { nth: self.orders.plans - 1, proved, failed });
        }
        self.orders.fresh += 1;
        Some(Order::Fresh(self.orders.fresh - 1))
    }

    /// Takes up what an author wrote.
    pub(in crate::search) fn receive(&mut self, number: u64, drafts: Vec<Draft>) {
        let Some(place) = self.orders.out.iter().position(|(n, _)| *n == number) else { return };
        let (_, order) = self.orders.out.swap_remove(place);
        let mut new = false;
        for draft in drafts {
            let (by, rounds) = match &order {
                Order::Mend(rounds) => (Source::Mend, rounds.clone()),
                Order::Plan { .. } => (Source::Sketch, Vec::new()),
                Order::Fresh(_) => (Source::Draft, Vec::new()),
            };
            new |= self.take_up(draft, by, rounds);
        }
        match (new, &order) {
            (true, _) => self.orders.barren = 0,
            (false, Order::Mend(_)) => {}
            (false, _) => self.orders.barren += 1,
        }
    }
}
