//! What the ranker sees of a goal and of a tactic: hashed n-grams of their words, and a few figures of how they fit.
//!
//! Local names are replaced by what they stand for, so that equal moves on equal things look equal whatever they are called;
//! a tactic's features then hang on the tactic alone, and its encoding can be kept for other goals. Computed here only:
//! `qstar export` writes them for training, the search asks for them, so that the two cannot differ.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::statements::Statements;
use super::text::{Kind, Word, given, head, is_constant, local, locals, words};
use crate::lean::Goal;
use crate::policy::features::of_text;

/// Of networks and of this module: they must be the same.
pub const VERSION: u32 = 1;
/// Numbers that a feature of a goal, of a tactic can have; 0 fills up.
pub const GOAL_BUCKETS: u32 = 16384;
pub const CANDIDATE_BUCKETS: u32 = 12288;
/// Features kept of a goal and of a tactic: the first ones.
pub const GOAL_MOST: usize = 320;
pub const CANDIDATE_MOST: usize = 112;
/// Figures of how a tactic fits a goal.
pub const FIT: usize = 11;

/// Sizes that a network for these features must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    pub version: u32,
    pub goal_buckets: u32,
    pub candidate_buckets: u32,
    pub fit: usize,
}

impl Features {
    /// Those of this module.
    pub const HERE: Features =
        Features { version: VERSION, goal_buckets: GOAL_BUCKETS, candidate_buckets: CANDIDATE_BUCKETS, fit: FIT };
}

/// A goal as the ranker sees it, made once for all its candidates.
pub struct GoalView<'a> {
    goal: &'a Goal,
    locals: HashMap<&'a str, &'a str>,
    /// Hashes of the names in the target and in the hypotheses, of their parts, and of the constants behind notations.
    target: HashSet<u64>,
    context: HashSet<u64>,
    hypotheses: usize,
    target_words: usize,
    pub features: Vec<u32>,
}

/// A tactic at a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateView {
    pub features: Vec<u32>,
    pub fit: [f32; FIT],
}

/// Features on their way: each once, in order of appearance.
struct Bag {
    buckets: u32,
    most: usize,
    seen: HashSet<u32>,
    list: Vec<u32>,
}

impl Bag {
    fn new(buckets: u32, most: usize) -> Bag {
        Bag { buckets, most, seen: HashSet::with_capacity(most), list: Vec::with_capacity(most) }
    }

    fn put(&mut self, zone: u64, parts: &[u64]) {
        if self.list.len() >= self.most {
            return;
        }
        let hash = parts.iter().fold(mix(0x9e37_79b9_7f4a_7c15, zone), |h, &p| mix(h, p));
        let feature = 1 + ((hash ^ (hash >> 29)) % u64::from(self.buckets - 1)) as u32;
        if self.seen.insert(feature) {
            self.list.push(feature);
        }
    }

    /// One, two and three words in a row.
    fn grams(&mut self, zone: u64, words: &[u64], longest: usize) {
        for n in 1..=longest {
            for window in words.windows(n) {
                self.put(zone + n as u64, window);
            }
        }
    }
}

/// FNV-1a over bytes.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Two hashes as one; a round of splitmix64.
fn mix(a: u64, b: u64) -> u64 {
    let mut z = (a.rotate_left(23) ^ b).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Zones of features; room for the lengths of n-grams between them.
const TARGET: u64 = 10;
const CONTEXT: u64 = 20;
const PARTS: u64 = 30;
const SHAPE: u64 = 40;
const TACTIC: u64 = 50;
const SKELETON: u64 = 60;
const PREMISE: u64 = 70;
const ABOUT: u64 = 80;

/// A word as it counts: a local name by what it stands for, a large number by its length.
fn level(word: Word<'_>, locals: &HashMap<&str, &str>) -> u64 {
    match word.kind {
        Kind::Number if word.text.len() > 2 => mix(hash("#"), word.text.len() as u64),
        Kind::Name => match local(locals, word.text) {
            // What follows the name stays: `.1`, `.symm`.
            Some(role) => mix(mix(hash("$"), hash(role)), hash(word.text.split_once('.').map_or("", |(_, rest)| rest))),
            None => hash(word.text),
        },
        _ => hash(word.text),
    }
}

/// Names of a text, their parts, and the constants behind notations.
fn names(text: &str, into: &mut HashSet<u64>) {
    for word in words(text).filter(|w| w.kind != Kind::Number) {
        into.insert(hash(word.text));
        if word.kind == Kind::Name {
            into.extend(parts(word.text).map(hash));
        }
    }
    into.extend(of_text(text).iter().map(|constant| hash(constant)));
}

/// `List`, `length`, `append` of `List.length_append`.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '_']).filter(|part| part.len() > 1)
}

impl<'a> GoalView<'a> {
    /// Looks at a state's first goal, which is worked on.
    pub fn new(goal: &'a Goal) -> GoalView<'a> {
        let locals = locals(goal);
        let mut bag = Bag::new(GOAL_BUCKETS, GOAL_MOST);
        let levelled: Vec<u64> = words(&goal.target).map(|w| level(w, &locals)).collect();
        bag.put(SHAPE, &[hash("head"), hash(head(&goal.target))]);
        bag.put(SHAPE, &[hash("case"), hash(goal.case.as_deref().unwrap_or(""))]);
        bag.put(SHAPE, &[hash("length"), u64::from(levelled.len().checked_ilog2().unwrap_or(0))]);
        bag.put(SHAPE, &[hash("context"), goal.hypotheses.len().min(12) as u64]);
        bag.put(SHAPE, &[hash("unknown"), u64::from(goal.target.contains('?'))]);
        bag.grams(TARGET, &levelled, 2);
        let (mut target, mut context) = (HashSet::new(), HashSet::new());
        names(&goal.target, &mut target);
        for word in words(&goal.target).filter(|w| w.kind == Kind::Name && local(&locals, w.text).is_none()) {
            parts(word.text).for_each(|part| bag.put(PARTS, &[hash(part)]));
        }
        // The newest say most, and come first where not all have room.
        for hypothesis in goal.hypotheses.iter().rev() {
            names(&hypothesis.ty, &mut context);
            bag.put(CONTEXT, &[hash("head"), hash(head(&hypothesis.ty))]);
        }
        bag.grams(TARGET + 2, &levelled, 3);
        for hypothesis in goal.hypotheses.iter().rev() {
            let levelled: Vec<u64> = words(&hypothesis.ty).map(|w| level(w, &locals)).collect();
            bag.grams(CONTEXT, &levelled, 2);
        }
        let target_words = levelled.len();
        GoalView { goal, locals, target, context, hypotheses: goal.hypotheses.len(), target_words, features: bag.list }
    }

    /// A tactic at this goal; `statements` are those of the theorems that it may name.
    pub fn candidate<'t>(&'t self, tactic: &'t str, statements: &Statements) -> CandidateView {
        let mut bag = Bag::new(CANDIDATE_BUCKETS, CANDIDATE_MOST);
        let (mut levelled, mut skeleton) = (Vec::new(), Vec::new());
        let (mut used, mut used_in_target, mut constants) = (0u32, 0u32, Vec::new());
        // A step is the same whether its hypotheses had names or are named first.
        let (given, tactic) = given(tactic, self.goal);
        let mut locals = Cow::Borrowed(&self.locals);
        for (name, hidden) in &given {
            let role = self.locals.get(hidden).copied().unwrap_or("");
            locals.to_mut().insert(name, role);
        }
        for word in words(tactic) {
            levelled.push(level(word, &locals));
            let is_local = word.kind == Kind::Name && local(&locals, word.text).is_some();
            if is_local {
                used += 1;
                let first = word.text.split_once('.').map_or(word.text, |(first, _)| first);
                used_in_target += u32::from(self.target.contains(&hash(given.get(first).unwrap_or(&first))));
                skeleton.push(hash("$"));
            } else if word.kind == Kind::Name && is_constant(word.text) {
                constants.push(word.text);
                skeleton.push(hash("@"));
            } else if word.kind == Kind::Number {
                skeleton.push(hash("#"));
            } else {
                skeleton.push(hash(word.text));
            }
        }
        bag.put(TACTIC, &[hash("first"), levelled.first().copied().unwrap_or(0)]);
        bag.put(TACTIC, &levelled);
        bag.put(SKELETON, &skeleton);
        bag.grams(TACTIC, &levelled, 2);
        bag.grams(SKELETON, &skeleton, 3);
        let (mut named, mut spoken) = (HashSet::new(), HashSet::new());
        let mut known = 0u32;
        for constant in &constants {
            named.insert(hash(constant));
            for part in parts(constant).map(hash) {
                named.insert(part);
                bag.put(PREMISE, &[part]);
            }
            bag.put(PREMISE + 1, &[hash(constant)]);
            if let Some(words) = statements.get(constant) {
                known += 1;
                words.iter().for_each(|&word| bag.put(ABOUT, &[word]));
                spoken.extend(words);
            }
        }
        let share = |of: usize, all: usize| if all == 0 { 0.0 } else { of as f32 / all as f32 };
        let fit = [
            share(named.intersection(&self.target).count(), named.len()),
            share(named.intersection(&self.context).count(), named.len()),
            share(spoken.intersection(&self.target).count(), spoken.len()),
            share(spoken.intersection(&self.context).count(), spoken.len()),
            share(used_in_target as usize, used as usize),
            used.min(6) as f32 / 6.0,
            constants.len().min(6) as f32 / 6.0,
            (levelled.len().min(40) as f32 / 40.0).sqrt(),
            (self.hypotheses.min(16) as f32 / 16.0).sqrt(),
            (self.target_words.min(120) as f32 / 120.0).sqrt(),
            known.min(6) as f32 / 6.0,
        ];
        CandidateView { features: bag.list, fit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Statements {
        Statements::default()
    }

    #[test]
    fn equal_moves_on_equal_things_look_equal_whatever_they_are_called() {
        let (a, b) = ("n m : Nat\nh : n < m\n⊢ n + 1 ≤ m", "x y : Nat\nlt : x < y\n⊢ x + 1 ≤ y");
        let (a, b) = (Goal::parse(a).unwrap(), Goal::parse(b).unwrap());
        let (a, b) = (GoalView::new(&a), GoalView::new(&b));
        assert_eq!(a.features, b.features);
        assert_eq!(a.candidate("omega", &none()), b.candidate("omega", &none()));
        assert_eq!(a.candidate("exact h", &none()), b.candidate("exact lt", &none()));
        assert_ne!(a.candidate("exact h", &none()).features, a.candidate("exact h.le", &none()).features);
        // `n` is a number and `h` a fact.
        assert_ne!(a.candidate("cases n", &none()).features, a.candidate("cases h", &none()).features);
    }

    #[test]
    fn naming_what_is_hidden_changes_nothing() {
        let hidden = Goal::parse("α : Type\nx✝ : Option α\nh✝ : p x✝\n⊢ f x✝ = y").unwrap();
        let named = Goal::parse("α : Type\nx : Option α\nh : p x\n⊢ f x = y").unwrap();
        let plain = GoalView::new(&named).candidate("cases x <;> simp_all", &none());
        assert_eq!(GoalView::new(&hidden).candidate("rename_i x _\ncases x <;> simp_all", &none()), plain);
        let alone = GoalView::new(&hidden).candidate("rename_i x h", &none());
        assert_ne!(alone.features, GoalView::new(&hidden).candidate("", &none()).features);
    }

    #[test]
    fn fit_says_what_a_premise_shares_with_the_goal() {
        let goal = Goal::parse("xs ys : List Nat\n⊢ (xs ++ ys).length = ys.length + xs.length").unwrap();
        let view = GoalView::new(&goal);
        let words = ["Eq", "List.length", "HAdd.hAdd"];
        let about: Statements = [("List.length_append", &words[..])].into_iter().collect();
        let near = view.candidate("rw [List.length_append]", &about);
        let far = view.candidate("rw [Nat.gcd_comm]", &about);
        assert!(near.fit[10] > 0.0 && far.fit[10] == 0.0, "{near:?} {far:?}");
        assert!(near.fit[0] > 0.0 && near.fit[2] > 0.5 && far.fit[0] == 0.0, "{near:?} {far:?}");
        assert!(near.features.len() > far.features.len());
    }

    #[test]
    fn features_have_room_and_stay_the_same() {
        let long = format!("{}⊢ p", (0..300).map(|n| format!("h{n} : f {n} = g (x{n} + {n}) k{n}\n")).collect::<String>());
        let goal = Goal::parse(&long).unwrap();
        let view = GoalView::new(&goal);
        assert_eq!(view.features.len(), GOAL_MOST);
        assert!(view.features.iter().all(|&f| f > 0 && f < GOAL_BUCKETS));
        // Networks hang on these numbers: another outcome wants a new VERSION.
        let goal = Goal::parse("n : Nat\n⊢ n + 0 = n").unwrap();
        let view = GoalView::new(&goal);
        let sum = |list: &[u32]| list.iter().fold(0u64, |sum, &f| sum.wrapping_mul(31).wrapping_add(u64::from(f)));
        let candidate = view.candidate("simp [Nat.add_zero]", &none());
        assert_eq!((sum(&view.features), sum(&candidate.features)), (11284964561744250042, 2971510918772783519));
    }
}
