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
    names: Names,
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
        steps.known.push_back(Step { features, names: Names::of(goal), key, tactic: tactic.to_owned(), weight });
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
        let mine = Names::of(goal);
        let key = goal.key();
        // For each tactic its likest neighbour, and the votes of all who took it.
        let mut taken: HashMap<String, (f64, f64)> = HashMap::new();
        let mut all = 0.0;
        for (step, likeness) in steps.nearest(goal) {
            let likeness = if step.key == key { 1.0 } else { likeness };
            let weight = f64::from(step.weight.clamp(0.0, 1.0));
            let vote = weight * likeness.powi(4);
            all += vote;
            if let Some(tactic) = translate(&step.tactic, &step.names, &mine) {
                let (best, votes) = taken.entry(tactic).or_insert((0.0, 0.0));
                *best = best.max(weight * likeness.powi(2));
                *votes += vote;
            }
        }
        let chances = taken.into_iter().map(|(tactic, (best, votes))| (tactic, SURE * best * votes / all.max(1e-9)));
        let mut found: Vec<(String, f64)> = chances.filter(|(_, p)| *p > 0.0).collect();
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

/// What a tactic at a goal may speak of.
struct Names {
    /// Accessible names of the context and the types they stand for.
    locals: Vec<(String, String)>,
    /// Last parts of other names and fields, in order of appearance, the target's first.
    constants: Vec<String>,
}

impl Names {
    fn of(goal: &Goal) -> Names {
        let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| (n.clone(), h.ty.clone())));
        let locals: Vec<(String, String)> = all.filter(|(name, _)| !is_inaccessible(name)).collect();
        let mut constants: Vec<String> = Vec::new();
        for text in std::iter::once(&goal.target).chain(goal.hypotheses.iter().map(|h| &h.ty)) {
            for word in tokens(text).unwrap_or_default().into_iter().filter(|t| t.kind == Kind::Name) {
                let first = root(word.text);
                let fields = || word.text.split('.').skip(1);
                let new: Vec<&str> = match locals.iter().any(|(name, _)| name == first) {
                    true => fields().collect(),
                    false => fields().last().into_iter().chain((first == word.text).then_some(first)).collect(),
                };
                for part in new {
                    if !constants.iter().any(|known| known == part) {
                        constants.push(part.to_owned());
                    }
                }
            }
        }
        Names { locals, constants }
    }

    /// Constants that another goal does not speak of.
    fn only_of(&self, other: &Names) -> Vec<&str> {
        self.constants.iter().filter(|c| !other.constants.contains(c)).map(String::as_str).collect()
    }
}

/// The name that a dotted one begins with.
fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// A tactic with the names of one context changed into those of another: a constant that only their goal speaks of into the one
/// that stands in its place in mine, a local name into one of its type; `None` where there is none.
fn translate(tactic: &str, theirs: &Names, mine: &Names) -> Option<String> {
    let (gone, new) = (theirs.only_of(mine), mine.only_of(theirs));
    let constants = |text: &str| -> Option<String> {
        replaced(text, |name| {
            let is_local = theirs.locals.iter().any(|(n, _)| n == root(name));
            let part = |(at, part)| match gone.iter().position(|c| *c == part) {
                Some(place) if !(at == 0 && is_local) => new.get(place).copied().unwrap_or(part),
                _ => part,
            };
            Some(name.split('.').enumerate().map(part).collect::<Vec<&str>>().join("."))
        })
    };
    let mut map: HashMap<String, String> = HashMap::new();
    replaced(&constants(tactic)?, |name| {
        let first = root(name);
        let Some((_, ty)) = theirs.locals.iter().find(|(n, _)| n == first) else { return Some(name.to_owned()) };
        if !map.contains_key(first) {
            let counterpart = counterpart(first, &constants(ty)?, &mine.locals, &map)?.to_owned();
            map.insert(first.to_owned(), counterpart);
        }
        Some(format!("{}{}", map[first], &name[first.len()..]))
    })
}

/// A text with its names changed; `None` where it cannot be read, or one of them cannot be changed.
fn replaced(text: &str, mut change: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let (mut changed, mut at) = (String::new(), 0);
    for token in tokens(text).ok()?.iter().filter(|t| t.kind == Kind::Name) {
        changed.push_str(&text[at..token.start]);
        changed.push_str(&change(token.text)?);
        at = token.end();
    }
    changed.push_str(&text[at..]);
    Some(changed)
}

/// The local name that stands for one of another context: of the same name and type, of the same type, or of a type like it.
fn counterpart<'m>(name: &str, ty: &str, mine: &'m [(String, String)], map: &HashMap<String, String>) -> Option<&'m str> {
    let free = || mine.iter().filter(|(n, _)| !map.values().any(|taken| taken == n));
    let same = free().find(|(n, t)| n == name && t == ty).or_else(|| free().find(|(_, t)| t == ty));
    let found = same.or_else(|| {
        let scored = free().map(|entry| (likeness(ty, &entry.1), entry)).filter(|(score, _)| *score > 0.5);
        // Of equals the first.
        scored.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, entry)| entry)
    });
    found.map(|(name, _)| name.as_str())
}

/// How alike two types are: signs and heads, variables left out.
fn likeness(a: &str, b: &str) -> f64 {
    let shape = |text: &str| -> Vec<String> {
        let sign = |c: char| !(c.is_alphanumeric() || c.is_whitespace() || "_'.()".contains(c));
        let mut found: Vec<String> = text.chars().filter(|c| sign(*c)).map(String::from).collect();
        found.extend(
            text.split(|c: char| !(c.is_alphanumeric() || "_'".contains(c))).filter(|w| w.len() > 2).map(str::to_owned),
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
    fn constants_that_stand_in_the_same_place_are_changed() {
        let memory = Memory::default();
        let known = "s : Shelf\nih : s.turn.count = s.count\n⊢ (s.fork n).turn.count = (s.fork n).count";
        memory.learn(&goal(known), "simp only [turn, Shelf.count, ih, List.length]", 1.0);
        let near = "t : Shelf\nh : t.turn.height = t.height\n⊢ (t.fork n).turn.height = (t.fork n).height";
        assert_eq!(memory.recall(&goal(near))[0].tactic, "simp only [turn, Shelf.height, h, List.length]");
    }

    #[test]
    fn neighbours_that_disagree_share_what_is_likely() {
        let memory = Memory::default();
        let tactics = ["simp", "omega", "simp", "rfl"];
        for (n, tactic) in tactics.iter().enumerate() {
            memory.learn(&goal(&format!("⊢ f {n} = g")), tactic, 1.0);
        }
        let found = memory.recall(&goal("⊢ f 7 = g"));
        let sum: f64 = found.iter().map(|c| c.log_prior.exp()).sum();
        assert!(found[0].tactic == "simp" && sum <= SURE + 1e-9, "{found:#?}");
        assert!((found[0].log_prior - found[1].log_prior - 2f64.ln()).abs() < 1e-9, "two of four");
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
