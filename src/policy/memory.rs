//! Memory: goals that were proved before and the tactics that helped there, offered where a goal is like them.
//!
//! The k nearest neighbours (Gauthier et al. 2021, «TacticToe», and Blaauwbroek et al. 2020, «The Tactician», show how far that
//! goes): goals are compared by the features that premises are compared by, tactics are written with the names of the goal at
//! hand. Learns at once, without training. Depends on `lean::Goal`; knows nothing of searches or files.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::features::of_goal;
use super::moves::{Candidate, Family};
use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;
use crate::lean::syntax::{Kind, tokens};

/// Steps remembered; the oldest are forgotten.
const REMEMBERED: usize = 100_000;
/// Neighbours that are asked, and tactics that are offered.
const NEIGHBOURS: usize = 40;
const OFFERED: usize = 24;
/// Longest tactic that is remembered, in bytes.
const LONGEST: usize = 600;
/// Least likeness of a neighbour.
const ALIKE: f64 = 0.12;
/// How likely the tactic of an equal goal is the next step.
const SURE: f64 = 0.8;
/// A feature in more of the steps than this part of them, and in more than so many, calls no step to mind.
const COMMON: f64 = 0.1;
const FEW: usize = 200;

/// A step that helped: a goal, reduced to what is compared, and the tactic.
struct Step {
    features: Vec<(u32, f32)>,
    /// Accessible names and the types they stand for.
    names: Vec<(String, String)>,
    key: String,
    tactic: String,
    weight: f32,
}

#[derive(Default)]
struct Steps {
    known: VecDeque<Step>,
    /// Steps that were forgotten: number of the first one known.
    gone: usize,
    numbers: HashMap<String, u32>,
    /// For each feature the numbers of the steps that have it.
    postings: Vec<VecDeque<usize>>,
    seen: HashSet<(String, String)>,
}

/// See the module. Shared by the searches of a run.
///
/// ```
/// use qstar::lean::Goal;
/// use qstar::policy::memory::Memory;
/// let memory = Memory::default();
/// memory.learn(&Goal::parse("n k : Nat\nh : n < k\n⊢ n ≠ k").unwrap(), "exact Nat.ne_of_lt h", 1.0);
/// let goal = Goal::parse("a b : Nat\nlt : a < b\n⊢ a ≠ b").unwrap();
/// assert_eq!(memory.recall(&goal)[0].tactic, "exact Nat.ne_of_lt lt");
/// ```
#[derive(Default)]
pub struct Memory(Mutex<Steps>);

impl Memory {
    /// Remembers that a tactic helped at a goal; a heavier weight says that it helped more. Says whether that is news.
    pub fn learn(&self, goal: &Goal, tactic: &str, weight: f32) -> bool {
        if tactic.len() > LONGEST {
            return false;
        }
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = goal.key();
        if !steps.seen.insert((key.clone(), tactic.to_owned())) {
            return false;
        }
        let number = steps.gone + steps.known.len();
        let mut features = Vec::new();
        for (feature, weight) in of_goal(goal) {
            let next = steps.numbers.len() as u32;
            let id = *steps.numbers.entry(feature).or_insert(next);
            if id == next {
                steps.postings.push(VecDeque::new());
            }
            steps.postings[id as usize].push_back(number);
            features.push((id, weight as f32));
        }
        steps.known.push_back(Step { features, names: names(goal), key, tactic: tactic.to_owned(), weight });
        if steps.known.len() > REMEMBERED {
            steps.forget_oldest();
        }
        true
    }

    /// Steps that are remembered.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tactics that helped at goals like this one, with its names, the likeliest first.
    pub fn recall(&self, goal: &Goal) -> Vec<Candidate> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = names(goal);
        let key = goal.key();
        let mut chances: HashMap<String, f64> = HashMap::new();
        for (step, likeness) in steps.nearest(goal) {
            let Some(tactic) = translate(&step.tactic, &step.names, &mine) else { continue };
            let likeness = if step.key == key { 1.0 } else { likeness };
            let chance = SURE * likeness.powi(2) * f64::from(step.weight.clamp(0.0, 1.0));
            // What several neighbours agree on is likelier.
            let known = chances.entry(tactic).or_insert(0.0);
            *known = 1.0 - (1.0 - *known) * (1.0 - chance);
        }
        let mut found: Vec<(String, f64)> = chances.into_iter().filter(|(_, p)| *p > 0.0).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        found.truncate(OFFERED);
        let candidate = |(tactic, p): (String, f64)| Candidate {
            tactic,
            family: Family::Memory,
            premises: Vec::new(),
            log_prior: p.min(0.95).ln(),
        };
        found.into_iter().map(candidate).collect()
    }
}

impl Steps {
    fn forget_oldest(&mut self) {
        let Some(step) = self.known.pop_front() else { return };
        for (id, _) in &step.features {
            // Its number is the smallest there is.
            self.postings[*id as usize].pop_front();
        }
        self.seen.remove(&(step.key, step.tactic));
        self.gone += 1;
    }

    /// The steps most like a goal, with the cosine of their features, rare ones weighing more.
    fn nearest(&self, goal: &Goal) -> Vec<(&Step, f64)> {
        let all = self.known.len() as f64;
        let rarity = |id: u32| (1.0 + all / self.postings[id as usize].len().max(1) as f64).ln();
        let mut wanted: Vec<(u32, f64)> =
            of_goal(goal).into_iter().filter_map(|(f, w)| Some((*self.numbers.get(&f)?, w))).collect();
        // In a fixed order, so that sums are the same in every run.
        wanted.sort_unstable_by_key(|(id, _)| *id);
        let mut compared: HashSet<usize> = HashSet::new();
        let mut norm = 0.0;
        for &(id, weight) in &wanted {
            let value = weight * rarity(id);
            norm += value * value;
            let having = &self.postings[id as usize];
            if having.len() <= FEW || (having.len() as f64) < COMMON * all {
                compared.extend(having);
            }
        }
        let lookup: HashMap<u32, f64> = wanted.iter().map(|&(id, w)| (id, w * rarity(id))).collect();
        let mut ranked: Vec<(usize, f64)> = compared
            .into_iter()
            .map(|number| {
                let (mut product, mut theirs) = (0.0, 0.0);
                for &(id, weight) in &self.known[number - self.gone].features {
                    let value = f64::from(weight) * rarity(id);
                    theirs += value * value;
                    product += value * lookup.get(&id).copied().unwrap_or(0.0);
                }
                (number, product / (norm.sqrt() * theirs.sqrt()).max(1e-9))
            })
            .filter(|(_, likeness)| *likeness >= ALIKE)
            .collect();
        // Of equals the newest first: it comes from what is worked on now.
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        ranked.truncate(NEIGHBOURS);
        ranked.into_iter().map(|(number, likeness)| (&self.known[number - self.gone], likeness)).collect()
    }
}

/// Accessible names of a context with their types.
fn names(goal: &Goal) -> Vec<(String, String)> {
    let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| (n.clone(), h.ty.clone())));
    all.filter(|(name, _)| !is_inaccessible(name)).collect()
}

/// A tactic with the names of one context changed into those of another; `None` when one of them has no counterpart.
fn translate(tactic: &str, theirs: &[(String, String)], mine: &[(String, String)]) -> Option<String> {
    let all = tokens(tactic).ok()?;
    let root = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let mut map: HashMap<String, String> = HashMap::new();
    for token in all.iter().filter(|t| t.kind == Kind::Name) {
        let name = root(token.text);
        if map.contains_key(&name) {
            continue;
        }
        let Some((_, ty)) = theirs.iter().find(|(n, _)| *n == name) else { continue };
        let taken: Vec<&String> = map.values().collect();
        let free = || mine.iter().filter(|(n, _)| !taken.contains(&n));
        // The same name and type, the same type, a type like it.
        let same = free().find(|(n, t)| *n == name && t == ty);
        let counterpart = same.or_else(|| free().find(|(_, t)| t == ty)).or_else(|| {
            let mut scored: Vec<(f64, &(String, String))> = free().map(|e| (likeness(ty, &e.1), e)).collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            scored.first().filter(|(score, _)| *score > 0.5).map(|(_, e)| *e)
        })?;
        map.insert(name, counterpart.0.clone());
    }
    let mut text = String::new();
    let mut at = 0;
    for token in all.iter().filter(|t| t.kind == Kind::Name) {
        let name = root(token.text);
        if let Some(new) = map.get(&name) {
            text.push_str(&tactic[at..token.start]);
            text.push_str(new);
            at = token.start + name.len();
        }
    }
    text.push_str(&tactic[at..]);
    Some(text)
}

/// How alike two types are: signs and heads, variables left out.
fn likeness(a: &str, b: &str) -> f64 {
    let shape = |text: &str| -> Vec<String> {
        let sign = |c: char| !(c.is_alphanumeric() || c.is_whitespace() || "_'.()".contains(c));
        let mut found: Vec<String> = text.chars().filter(|c| sign(*c)).map(String::from).collect();
        found.extend(
            text.split(|c: char| !(c.is_alphanumeric() || "_.'".contains(c))).filter(|w| w.len() > 2).map(str::to_owned),
        );
        found.sort();
        found
    };
    let (a, b) = (shape(a), shape(b));
    let common = a.iter().filter(|w| b.contains(w)).count() as f64;
    if a.is_empty() && b.is_empty() { 0.6 } else { 2.0 * common / (a.len() + b.len()) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(text: &str) -> Goal {
        Goal::parse(text).unwrap()
    }

    #[test]
    fn tactics_of_near_goals_come_with_the_names_at_hand() {
        let memory = Memory::default();
        memory.learn(&goal("xs ys : List Nat\nh : xs = ys\n⊢ xs.length = ys.length"), "rw [h]", 1.0);
        memory.learn(&goal("a b : Int\n⊢ a + b = b + a"), "exact Int.add_comm a b", 1.0);
        memory.learn(&goal("p q : Prop\nhp : p\n⊢ p ∨ q"), "exact Or.inl hp", 1.0);
        let recalled = |text: &str| memory.recall(&goal(text)).into_iter().map(|c| c.tactic).collect::<Vec<_>>();
        assert_eq!(recalled("as bs : List Nat\ne : as = bs\n⊢ as.length = bs.length")[0], "rw [e]");
        assert_eq!(recalled("x y : Int\n⊢ x + y = y + x")[0], "exact Int.add_comm x y");
        assert!(!recalled("x y : Int\n⊢ x + y = y + x").contains(&"exact Or.inl hp".to_owned()), "no hypothesis is like it");
    }

    #[test]
    fn an_equal_goal_is_nearly_sure_and_nothing_is_kept_twice() {
        let memory = Memory::default();
        let known = goal("n : Nat\n⊢ f n = 0");
        memory.learn(&known, "simp [f]", 1.0);
        memory.learn(&known, "simp [f]", 1.0);
        memory.learn(&known, &"x".repeat(LONGEST + 1), 1.0);
        assert_eq!(memory.len(), 1);
        let found = memory.recall(&known);
        assert!(found[0].log_prior > 0.7f64.ln() && found[0].family == Family::Memory);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut steps = Steps::default();
        let memory = Memory::default();
        for n in 0..5 {
            memory.learn(&goal(&format!("⊢ f{n} = g")), "rfl", 1.0);
        }
        std::mem::swap(&mut steps, &mut memory.0.lock().unwrap());
        steps.forget_oldest();
        assert_eq!((steps.known.len(), steps.gone), (4, 1));
        assert_eq!(steps.nearest(&goal("⊢ f4 = g"))[0].0.key, goal("⊢ f4 = g").key());
        assert!(steps.nearest(&goal("⊢ f0 = g")).iter().all(|(s, _)| s.key != goal("⊢ f0 = g").key()));
    }
}
