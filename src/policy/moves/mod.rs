//! Moves: several hundred candidates a goal, made by templates from what stands in the goal, in the header before it, and
//! in what is retrieved from the library. Which of them matter is for a ranker to say; until then priors by hand do.
//!
//! Each family is a module: a function from a goal as [`view::View`] shows it to candidates. General steps only; nothing here
//! knows a theorem. Depends on `lean::Goal`, `source` and the index of premises; asks nobody and reads no files.

mod apply;
mod arithmetic;
mod bounds;
mod candidate;
mod cases;
mod closers;
mod conjecture;
mod definition;
mod destruct;
mod division;
mod divisors;
mod earlier;
mod forms;
mod ground;
pub mod header;
mod hidden;
mod induction;
mod instantiate;
mod library;
mod mathlib;
mod notation;
mod predicate;
mod recurrence;
mod rewrite;
mod runaway;
mod shape;
mod siblings;
mod signature;
mod signs;
mod solve;
mod squares;
mod target;
mod terms;
mod theory;
mod unfold;
mod view;
mod witness;

use std::sync::Arc;

use super::memory::Memory;
use super::premises::Premises;
use super::{Answer, Policy, Proposal};
use crate::lean::Goal;
use candidate::List;
pub use candidate::{Candidate, Family};
use header::Header;
use hidden::Named;
use view::View;

/// Candidates kept for one goal.
pub const MOST: usize = 400;
/// Theorems retrieved for a goal.
const RETRIEVED: usize = 12;
/// Theorems retrieved that say of another type what the goal says of its own.
const SIBLINGS: usize = 5;
/// How much less an induction is worth inside another one. In records of 3,000 searches such steps were part of a proof at 1.5 % of
/// the tries, other inductions at 7.6 %.
const NESTED: f64 = 0.2;
/// Share of what the library brings, beside all other moves.
const LIBRARY_SHARE: f64 = 0.25;

/// See the module.
///
/// ```
/// use qstar::lean::Goal;
/// use qstar::policy::Moves;
/// let moves = Moves::for_header("def twice (n : Nat) : Nat := n + n");
/// let goal = Goal::parse("n : Nat\n⊢ twice n = 2 * n").unwrap();
/// let candidates = moves.candidates(&goal);
/// assert!(candidates.len() > 40);
/// assert!(candidates.iter().any(|c| c.tactic == "grind [twice]" && c.premises == ["twice"]));
/// ```
#[derive(Clone)]
pub struct Moves {
    header: Header,
    premises: Option<Arc<Premises>>,
    memory: Option<Arc<Memory>>,
    closers_only: bool,
    /// Tactics that the header's imports bring.
    kit: mathlib::Kit,
    most: usize,
}

impl Default for Moves {
    fn default() -> Self {
        Moves {
            header: Header::default(),
            premises: None,
            memory: None,
            closers_only: false,
            kit: mathlib::Kit::default(),
            most: MOST,
        }
    }
}

impl Moves {
    /// Moves that know what a header declares.
    pub fn for_header(header: &str) -> Moves {
        Moves { header: Header::read(header), kit: mathlib::Kit::of(header), ..Moves::default() }
    }

    /// Single tactics that end a goal, and no steps: the baseline of every benchmark.
    pub fn closers() -> Moves {
        Moves { closers_only: true, ..Moves::default() }
    }

    /// With theorems and definitions of a library.
    pub fn with_premises(self, premises: Arc<Premises>) -> Moves {
        Moves { premises: Some(premises), ..self }
    }

    /// With what helped at goals like this one before.
    pub fn with_memory(self, memory: Arc<Memory>) -> Moves {
        Moves { memory: Some(memory), ..self }
    }

    /// Candidates kept for one goal.
    pub fn with_most(self, most: usize) -> Moves {
        Moves { most, ..self }
    }

    /// The candidates of a goal, the best prior first, each tactic once.
    pub fn candidates(&self, goal: &Goal) -> Vec<Candidate> {
        let mut list = List::default();
        if self.closers_only {
            closers::single(&mut list);
            return list.best(self.most);
        }
        let named = Named::of(goal);
        self.families(named.as_ref().map_or(goal, |named| &named.goal), &mut list);
        if let Some(named) = &named {
            list.rewrite(|tactic| named.written(tactic));
            named.step(&mut list);
        }
        if let Some(memory) = &self.memory {
            memory.recall(goal).into_iter().for_each(|candidate| list.push(candidate));
        }
        list.best(self.most)
    }

    /// What every family makes of a goal.
    fn families(&self, goal: &Goal, list: &mut List) {
        let view = View::behind(&self.header, goal);
        self.of_view(&view, list);
        if view.is_in_induction() {
            list.damp(NESTED, |c| ["induction ", "fun_induction "].iter().any(|begin| c.tactic.starts_with(begin)));
        }
    }

    fn of_view(&self, view: &View, list: &mut List) {
        let goal = view.goal;
        closers::usual(view, list);
        closers::more(view, list);
        unfold::steps(view, &self.header, list);
        let own: Vec<&str> = unfold::used(&self.header, &goal.to_string()).iter().map(|d| d.name.as_str()).collect();
        notation::steps(view, &own, list);
        earlier::steps(view, &self.header, list);
        target::steps(view, list);
        destruct::steps(view, list);
        apply::steps(view, list);
        rewrite::steps(view, list);
        instantiate::steps(view, list);
        cases::steps(view, &self.header, list);
        induction::steps(view, &self.header, list);
        conjecture::steps(view, &self.header, list);
        predicate::steps(view, &self.header, list);
        witness::steps(view, list);
        solve::steps(view, list);
        forms::steps(view, list);
        arithmetic::steps(goal, list);
        bounds::steps(goal, list);
        divisors::steps(view, list);
        division::steps(view, list);
        squares::steps(view, list);
        recurrence::steps(goal, list);
        runaway::steps(view, list);
        mathlib::steps(goal, self.kit, list);
        let Some(premises) = &self.premises else { return };
        list.damp(1.0 - LIBRARY_SHARE, |_| true);
        let mut found = List::default();
        library::steps(view, &premises.retrieve(goal, RETRIEVED), &mut found);
        siblings::steps(view, &premises.siblings(goal, SIBLINGS), &mut found);
        library::questions(&mut found);
        let definitions = premises.definitions(goal);
        definition::steps(view, &definitions, &mut found);
        notation::steps(view, &definitions, &mut found);
        found.damp(LIBRARY_SHARE, |_| true);
        list.append(found);
    }
}

impl Policy for Moves {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        let proposal = |c: Candidate| Proposal { tactic: c.tactic, log_prior: c.log_prior, by: c.family.source() };
        let of = |goal: &Goal| self.candidates(goal).into_iter().map(proposal).collect();
        let proposals = states.iter().map(|state| state.first().map_or_else(Vec::new, of));
        Box::pin(std::future::ready(proposals.collect()))
    }

    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        self.premises.as_ref().map_or_else(Vec::new, |p| p.nearest(unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::guard;

    const GOALS: &[&str] = &[
        "x y : Int\nh : 0 < y\ng : y < x\n⊢ x * y % 7 = 1",
        "n✝ : Nat\nih : ∃ k, k = n✝\nf : Nat → Nat\nhf : ∀ n ≥ 3, f n = f (n - 1)\nl : List Nat\n⊢ ∃ x, f x ^ 2 = gcd (x + 1) (2 * x) ∧ p",
        "α : Type u_1\nβ : Type u_2\nf : α → β\np : β → Bool\nxs ys : List α\nih : ∀ (zs : List α), List.map f (xs ++ zs) = List.map f xs ++ List.map f zs\nh : ¬(a = b ∨ c)\n⊢ (if xs.length ≤ 2 then xs else ys).length = match o with\n  | none => 0\n  | some x => x + 1",
        "p q r : Prop\nh : p ∧ q → r\nhp : p\n⊢ (p ∧ q) ∨ ¬q ↔ p",
    ];

    fn tactics(goal: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        Moves::default().candidates(&goal).into_iter().map(|c| c.tactic).collect()
    }

    #[test]
    fn closers_of_whole_numbers_come_late_at_reals() {
        let goal = Goal::parse("x y : ℝ\nh : x ^ 2 = 2 * x * y - y ^ 2\n⊢ x = y").unwrap();
        let place = |moves: &Moves| moves.candidates(&goal).iter().position(|c| c.tactic == closers::SIMPLIFY).unwrap();
        assert!(place(&Moves::for_header("import Mathlib")) > place(&Moves::for_header("")) + 5);
    }

    #[test]
    fn proposals_fit_the_goal() {
        assert!(tactics("⊢ ∀ (n : Nat), n = n").contains(&"intro n".to_owned()));
        assert!(tactics("p q : Prop\nh : p ∧ q\n⊢ q").iter().any(|t| t.starts_with("obtain ⟨h1, h2⟩ := h")));
        assert!(tactics("n : Nat\n⊢ 3 ∣ n").iter().any(|t| t.starts_with("induction n with")));
        assert!(tactics("a✝ : p\n⊢ p").contains(&"rename_i a".to_owned()));
    }

    #[test]
    fn every_proposal_passes_the_guard() {
        for goal in GOALS {
            for tactic in tactics(goal) {
                assert_eq!(guard::check(&tactic), Ok(()), "{tactic}");
            }
        }
    }

    #[test]
    fn there_are_many_and_they_are_made_in_no_time() {
        let goals: Vec<Goal> = GOALS.iter().map(|g| Goal::parse(g).unwrap()).collect();
        let count: Vec<usize> = goals.iter().map(|g| Moves::default().candidates(g).len()).collect();
        assert!(count.iter().all(|n| (60..=MOST).contains(n)), "{count:?}");
        let since = std::time::Instant::now();
        (0..10).for_each(|_| goals.iter().for_each(|g| drop(Moves::default().candidates(g))));
        // Some 1 ms each without optimisation; the bound only catches what runs away.
        assert!(since.elapsed().as_millis() < 4000, "{:?} for 40 goals", since.elapsed());
    }

    #[test]
    fn priors_fall_and_are_probabilities() {
        let goal = Goal::parse("n : Nat\nh : n % 4 = 3\n⊢ n ^ 2 % 4 = 1").unwrap();
        let all = Moves::default().with_most(60).candidates(&goal);
        assert!(all.windows(2).all(|w| w[0].log_prior >= w[1].log_prior) && all[0].log_prior < 0.0 && all.len() == 60);
    }
}
