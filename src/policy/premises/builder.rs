//! Makes an index of premises module by module, so that a library of any size passes through little memory: of a module nothing
//! stays but numbers and new names.

use std::collections::{HashMap, HashSet};

use super::store::{Parts, Seen, Texts};
use crate::library::{Constant, Kind, Module, is_internal};

/// Names by number, in the order in which they came.
#[derive(Default)]
struct Names(HashMap<Box<str>, u32>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        match self.0.get(name) {
            Some(&known) => known,
            None => {
                let next = self.0.len() as u32;
                self.0.insert(name.into(), next);
                next
            }
        }
    }
}

/// See the module.
#[derive(Default)]
pub struct Builder {
    /// Constants whose type is a proposition, if what makes its conclusion makes propositions: known only at the end.
    names: Texts,
    rewrites: Vec<u8>,
    conclusions: Vec<u32>,
    features: Names,
    /// Features of each, behind each other, and where each ends.
    uses: Vec<u32>,
    ends: Vec<u32>,
    heads: Names,
    predicates: HashSet<u32>,
    definitions: Vec<String>,
    modules: Vec<Seen>,
}

impl Builder {
    /// Takes in a module; `features` says what a theorem is compared by, `None` that it is left out.
    pub fn add(&mut self, module: &Module, seen: Seen, features: impl Fn(&Constant) -> Option<Vec<String>>) {
        self.modules.push(seen);
        for constant in &module.constants {
            if constant.makes_propositions {
                let head = self.heads.number(&constant.name);
                self.predicates.insert(head);
            }
            if is_internal(&constant.name) {
                continue;
            }
            match (constant.kind, &constant.conclusion) {
                // Constructors of propositions prove as theorems do.
                (Kind::Axiom | Kind::Theorem | Kind::Constructor, Some(conclusion)) => {
                    let Some(features) = features(constant) else { continue };
                    self.names.push(&constant.name);
                    self.rewrites.push(u8::from(matches!(conclusion.as_str(), "Eq" | "Iff")));
                    self.conclusions.push(self.heads.number(conclusion));
                    let start = self.uses.len();
                    self.uses.extend(features.iter().map(|feature| self.features.number(feature)));
                    self.uses[start..].sort_unstable();
                    self.ends.push(self.uses.len() as u32);
                }
                (Kind::Definition, _) if !constant.is_field => self.definitions.push(constant.name.clone()),
                _ => {}
            }
        }
    }

    /// The index of all theorems.
    pub fn finish(mut self) -> Parts {
        let mut parts = Parts { modules: self.modules, ..Parts::default() };
        self.definitions.sort();
        self.definitions.iter().for_each(|name| parts.definitions.push(name));
        let mut sorted: Vec<(Box<str>, u32)> = self.features.0.into_iter().collect();
        sorted.sort_unstable();
        let mut place = vec![0u32; sorted.len()];
        sorted.iter().enumerate().for_each(|(at, (_, number))| place[*number as usize] = at as u32);
        let mut starts = vec![0u32; sorted.len() + 1];
        let kept: Vec<usize> =
            (0..self.conclusions.len()).filter(|&n| self.predicates.contains(&self.conclusions[n])).collect();
        let (all, ends, place) = (&self.uses, &self.ends, &place);
        let uses = |n: usize| {
            let start = n.checked_sub(1).map_or(0, |before| ends[before] as usize);
            let list = &all[start..ends[n] as usize];
            // A feature that occurs twice in a type counts once.
            list.iter().enumerate().filter(move |(i, f)| *i == 0 || list[i - 1] != **f).map(move |(_, f)| place[*f as usize])
        };
        for &n in &kept {
            parts.names.push(self.names.get(n));
            parts.rewrites.push(self.rewrites[n]);
            uses(n).for_each(|feature| starts[feature as usize + 1] += 1);
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        parts.postings = vec![0; starts[sorted.len()] as usize];
        let mut next = starts.clone();
        for (number, &n) in kept.iter().enumerate() {
            for feature in uses(n) {
                parts.postings[next[feature as usize] as usize] = number as u32;
                next[feature as usize] += 1;
            }
        }
        // Features of no theorem go.
        for (at, (feature, _)) in sorted.iter().enumerate() {
            if starts[at + 1] > starts[at] {
                parts.features.push(feature);
                parts.posting_ends.push(starts[at + 1]);
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theorems_are_told_from_other_constants_at_the_end() {
        let constant = |name: &str, kind, conclusion: Option<&str>, makes_propositions| Constant {
            name: name.into(),
            kind,
            uses: Vec::new(),
            conclusion: conclusion.map(str::to_owned),
            makes_propositions,
            arity: 1,
            is_field: false,
        };
        let module = |constants| Module { name: "M".into(), imports: Vec::new(), constants };
        let seen = || Seen { file: "M".into(), bytes: 1, changed: 1 };
        let features = |c: &Constant| Some(vec![format!("of {}", c.name), "all".to_owned(), "all".to_owned()]);
        let mut builder = Builder::default();
        // The predicate comes behind its theorems, as in a file whose constants have no order.
        builder.add(
            &module(vec![
                constant("a.t", Kind::Theorem, Some("P"), false),
                constant("a.data", Kind::Axiom, Some("Nat"), false),
                constant("a._inner", Kind::Theorem, Some("P"), false),
                constant("a.f", Kind::Definition, Some("Nat"), false),
                Constant { is_field: true, ..constant("a.field", Kind::Definition, Some("Nat"), false) },
                constant("P.intro", Kind::Constructor, Some("P"), false),
                constant("Nat.zero", Kind::Constructor, Some("Nat"), false),
            ]),
            seen(),
            features,
        );
        builder.add(
            &module(vec![constant("P", Kind::Inductive, None, true), constant("b.u", Kind::Axiom, Some("P"), false)]),
            seen(),
            features,
        );
        let parts = builder.finish();
        let names: Vec<&str> = (0..parts.names.len()).map(|n| parts.names.get(n)).collect();
        assert_eq!(names, ["a.t", "P.intro", "b.u"]);
        assert_eq!((parts.features.len(), parts.features.get(0)), (4, "all"));
        assert_eq!((parts.postings, parts.posting_ends), (vec![0, 1, 2, 1, 0, 2], vec![3, 4, 5, 6]));
        assert_eq!((parts.definitions.len(), parts.modules.len()), (1, 2));
    }
}
