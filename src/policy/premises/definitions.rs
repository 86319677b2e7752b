//! Definitions that a goal speaks of, looked into: many theorems of a library follow by unfolding what they are about, or by
//! induction along it. Depends on `lean::Goal` and on `features`.

use std::collections::{HashMap, HashSet};

use crate::lean::Goal;
use crate::lean::goal::{is_inaccessible, mentions};
use crate::policy::features::words;

/// Definitions that are looked into at a goal.
const MOST: usize = 3;
/// Data of one kind that is split at a goal.
const SPLIT: usize = 2;

/// Constants that can be unfolded, each with how much it says (rare ones more), by the last parts of their names.
pub(super) struct Definitions(HashMap<String, Vec<(f64, String)>>);

impl Definitions {
    /// Those in a namespace: what stands in none (`id`, `ite`) has its place in Lean's own tactics.
    pub(super) fn new(all: impl Iterator<Item = (f64, String)>) -> Definitions {
        let mut found: HashMap<String, Vec<(f64, String)>> = HashMap::new();
        for (rarity, name) in all {
            if let Some((_, last)) = name.rsplit_once('.') {
                found.entry(last.to_owned()).or_default().push((rarity, name));
            }
        }
        Definitions(found)
    }

    /// Those that the target speaks of, the rarest first. Field notation (`xs.length`) and `open` hide the namespace: it must
    /// stand somewhere in the goal.
    fn of(&self, goal: &Goal) -> Vec<&str> {
        let types = goal.hypotheses.iter().map(|h| h.ty.as_str());
        let around: HashSet<&str> = types.chain([goal.target.as_str()]).flat_map(words).collect();
        let mut found: Vec<(f64, &str)> = Vec::new();
        for word in words(&goal.target) {
            let last = word.rsplit('.').next().unwrap_or(word);
            let known = self.0.get(last).map_or(&[][..], Vec::as_slice);
            let hidden = |name: &str| around.contains(&name[..name.len() - last.len() - 1]);
            match known.iter().find(|(_, name)| name == word) {
                Some((rarity, name)) => found.push((*rarity, name)),
                None => found.extend(known.iter().filter(|(_, name)| hidden(name)).map(|(r, name)| (*r, name.as_str()))),
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        found.dedup();
        found.into_iter().map(|(_, name)| name).take(MOST).collect()
    }

    /// Tactics that look into them, with their shares.
    pub(super) fn moves(&self, goal: &Goal) -> Vec<(String, f64)> {
        let definitions = self.of(goal);
        if definitions.is_empty() {
            return Vec::new();
        }
        let all = definitions.join(", ");
        let mut moves =
            vec![(format!("simp [{all}]"), 0.35), (format!("grind [{all}]"), 0.35), (format!("simp_all [{all}]"), 0.15)];
        for (rank, name) in definitions.iter().enumerate() {
            let p = 1.0 / (1.0 + rank as f64);
            moves.push((format!("fun_induction {name} <;> simp_all"), 0.25 * p));
            moves.push((format!("fun_induction {name} <;> grind"), 0.20 * p));
            moves.push((format!("unfold {name}"), 0.08 * p));
        }
        for (rank, (split, inductive)) in splits(goal).into_iter().enumerate() {
            let p = if inductive { 1.0 } else { 0.7 } / (1.0 + rank as f64);
            moves.push((format!("{split} <;> simp_all [{all}]"), 0.20 * p));
            moves.push((format!("{split} <;> grind [{all}]"), 0.20 * p));
        }
        moves
    }
}

/// Inductions and cases on data that the target speaks of, and whether they are inductions: these first. Numbers vary along an
/// induction on a list: they are places in it more often than not.
fn splits(goal: &Goal) -> Vec<(String, bool)> {
    let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|name| (name.as_str(), h.ty.as_str())));
    let data: Vec<(&str, &str)> = all.filter(|(name, _)| !is_inaccessible(name) && mentions(&goal.target, name)).collect();
    let is_number = |ty: &str| ["Nat", "ℕ"].contains(&ty);
    let numbers: Vec<&str> = data.iter().filter(|(_, ty)| is_number(ty)).map(|(name, _)| *name).collect();
    let along = if numbers.is_empty() { String::new() } else { format!(" generalizing {}", numbers.join(" ")) };
    let lists =
        data.iter().filter(|(_, ty)| ty.starts_with("List ")).map(|(name, _)| (format!("induction {name}{along}"), true));
    let steps = numbers.iter().map(|name| (format!("induction {name}"), true));
    let boxed = |ty: &str| ["Option ", "Array ", "Except "].iter().any(|head| ty.starts_with(head)) || ty.contains(['⊕', '×']);
    let cases = data.iter().filter(|(_, ty)| boxed(ty)).map(|(name, _)| (format!("cases {name}"), false));
    lists.take(SPLIT).chain(cases.take(SPLIT)).chain(steps.take(SPLIT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_goal_speaks_of_is_looked_into() {
        let all = ["HAppend.hAppend", "List.length", "Array.length", "Nat.gcd", "id"];
        let definitions = Definitions::new(all.iter().map(|name| (1.0, (*name).to_owned())));
        let goal = Goal::parse("α : Type\nxs ys : List α\n⊢ (xs ++ ys).length = ys.length + xs.length").unwrap();
        assert_eq!(definitions.of(&goal), ["List.length"], "no array stands in it, `++` is a notation");
        assert!(definitions.moves(&goal).iter().any(|(tactic, _)| tactic == "unfold List.length"));
        assert!(definitions.moves(&goal).iter().any(|(tactic, _)| tactic == "induction xs <;> grind [List.length]"));
        let goal = Goal::parse("xs : List Nat\no : Option Nat\ni : Nat\n⊢ (xs.drop i).length = o.size").unwrap();
        let splits: Vec<String> = splits(&goal).into_iter().map(|(split, _)| split).collect();
        assert_eq!(splits, ["induction xs generalizing i", "cases o", "induction i"]);
        assert!(definitions.moves(&Goal::parse("a b : Nat\n⊢ a + b = b + a").unwrap()).is_empty());
    }
}
