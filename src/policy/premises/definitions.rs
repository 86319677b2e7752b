//! Definitions that a goal speaks of. Depends on `lean::Goal` and on `features`.

use std::collections::{HashMap, HashSet};

use crate::lean::Goal;
use crate::policy::features::{spoken, words};

/// Definitions that are looked into at a goal.
const MOST: usize = 3;

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
    pub(super) fn of(&self, goal: &Goal) -> Vec<&str> {
        let types = goal.hypotheses.iter().map(|h| h.ty.as_str());
        let around: HashSet<&str> = types.chain([goal.target.as_str()]).flat_map(words).collect();
        let mut found: Vec<(f64, &str)> = Vec::new();
        for word in words(&goal.target) {
            for part in spoken(word) {
                let known = self.0.get(part).map_or(&[][..], Vec::as_slice);
                let hidden = |name: &str| around.contains(&name[..name.len() - part.len() - 1]);
                match known.iter().find(|(_, name)| name == word) {
                    Some((rarity, name)) => found.push((*rarity, name)),
                    None => found.extend(known.iter().filter(|(_, name)| hidden(name)).map(|(r, name)| (*r, name.as_str()))),
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        found.dedup();
        found.into_iter().map(|(_, name)| name).take(MOST).collect()
    }
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
        let goal = Goal::parse("xs : List Nat\n⊢ xs.length.succ = 1 + xs.length").unwrap();
        assert_eq!(definitions.of(&goal), ["List.length"], "a field of which a field is taken");
        let goal = Goal::parse("length : List Nat\n⊢ length.head = length.last").unwrap();
        assert!(definitions.of(&goal).is_empty(), "what a field is taken of is no function");
        assert!(definitions.of(&Goal::parse("a b : Nat\n⊢ a + b = b + a").unwrap()).is_empty());
    }
}
