//! Premise selection: theorems of the library that a goal may need, by a plain lexical score; and the definitions that it
//! speaks of, looked into. `moves` makes tactics of what is found.
//!
//! A goal and a theorem are alike when they speak of the same constants, of the same types and of the same operations on
//! them; rare ones count more (the cosine of vectors weighted by inverse document frequency; for the task see Irving et al.
//! 2016, «DeepMath»). Depends on `library` and on the guard; knows nothing of servers.

mod builder;
mod definitions;
mod kept;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};

use crate::lean::{Goal, guard};
use crate::library::{Constant, Library, Modules};
use crate::policy::ranker::statements::Statements;

use super::features::{is_of_any_type, of_constants, of_goal};
use builder::Builder;
use definitions::Definitions;
use store::{Index, Parts, Seen};

/// Theorems whose names are near an unknown one.
const NEAREST: usize = 3;
/// Letters by which spellings may differ.
const LETTERS: u32 = 4;

/// A theorem that fits a goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrieved<'a> {
    pub name: &'a str,
    /// Its conclusion is an equation or an equivalence: it can rewrite.
    pub rewrites: bool,
    /// It speaks of something besides logic: `grind` finds no pattern in `p ∧ q ↔ q ∧ p`, and refuses all theorems given with it.
    pub speaks: bool,
    /// In (0, 1].
    pub score: f64,
}

/// An index over the theorems of a library.
pub struct Premises {
    index: Index,
    definitions: Definitions,
    /// Which letters each theorem's name has: most names are told from a misspelt one by them.
    letters: Vec<u32>,
    /// Which theorems speak of something besides logic.
    speaking: OnceLock<Vec<bool>>,
    statements: OnceLock<Arc<Statements>>,
}

impl Premises {
    /// The index of the modules that are imported, if it is kept in `home` and no module has changed.
    pub fn kept(home: &Path, folders: &[PathBuf], imports: &[String]) -> Option<Premises> {
        Index::open(&kept::place(home, folders, imports)?).map(Premises::new)
    }

    /// The index of the modules that are imported: out of the cache in `home`, or read and kept there.
    ///
    /// # Errors
    /// When a compiled module is broken.
    pub fn open(home: &Path, folders: &[PathBuf], imports: &[String], known: &mut Modules) -> Result<Premises> {
        if let Some(kept) = Premises::kept(home, folders, imports) {
            return Ok(kept);
        }
        let mut builder = Builder::default();
        Library::walk(folders, imports, known, |file, module| {
            if let Some(seen) = Seen::now(file) {
                builder.add(module, seen, features);
            }
        })?;
        let parts = builder.finish();
        if let Some(place) = kept::place(home, folders, imports) {
            match parts.write(&place) {
                Ok(()) => place.parent().map_or((), kept::prune),
                Err(error) => tracing::warn!("the index of premises is not kept: {error:#}"),
            }
            if let Some(index) = Index::open(&place) {
                return Ok(Premises::new(index));
            }
        }
        Premises::of(&parts)
    }

    fn of(parts: &Parts) -> Result<Premises> {
        Ok(Premises::new(Index::of(parts).context("the index of premises is broken")?))
    }

    fn new(index: Index) -> Premises {
        let rarity = |name: &str| index.feature(name).map_or(f64::INFINITY, |(weight, _)| weight);
        let definitions = Definitions::new(index.definitions().map(|name| (rarity(name), name.to_owned())));
        let letters = (0..index.len()).map(|theorem| letters(index.name(theorem))).collect();
        Premises { index, definitions, letters, speaking: OnceLock::new(), statements: OnceLock::new() }
    }

    /// What each theorem speaks of; made the first time it is asked for.
    pub fn statements(&self) -> Arc<Statements> {
        self.statements.get_or_init(|| Arc::new(self.spoken_of())).clone()
    }

    fn spoken_of(&self) -> Statements {
        let mut words: Vec<Vec<&str>> = vec![Vec::new(); self.len()];
        for (feature, list) in self.index.features() {
            list.for_each(|n| words[n].push(feature));
        }
        words.into_iter().enumerate().map(|(n, words)| (self.index.name(n), words)).collect()
    }

    fn speaking(&self) -> Vec<bool> {
        let mut speaking = vec![false; self.len()];
        for (feature, list) in self.index.features() {
            if !["⊢ ", "Eq "].iter().any(|head| feature.starts_with(head)) && !LOGIC.contains(&feature) {
                list.for_each(|n| speaking[n] = true);
            }
        }
        speaking
    }

    /// Number of theorems.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The names of theorems that have a text in them, the shortest first.
    pub fn named(&self, part: &str, most: usize) -> Vec<&str> {
        let mut found: Vec<&str> = (0..self.index.len()).map(|n| self.index.name(n)).filter(|n| n.contains(part)).collect();
        found.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
        found.truncate(most);
        found
    }

    /// The theorems most like a goal, the best first.
    pub fn retrieve(&self, goal: &Goal, most: usize) -> Vec<Retrieved<'_>> {
        let (scores, norm) = self.scores(of_goal(goal));
        self.best(scores, norm, most)
    }

    /// Theorems that say of other types what a goal says of its own, the best first: `List.count_eq_zero` for a goal about
    /// `Array.count`. They are compared by notations and by the last parts of names; what speaks of the goal's own constants is none.
    pub fn siblings(&self, goal: &Goal, most: usize) -> Vec<Retrieved<'_>> {
        let (any, own): (BTreeMap<_, _>, BTreeMap<_, _>) = of_goal(goal).into_iter().partition(|(f, _)| is_of_any_type(f));
        let (mut scores, norm) = self.scores(any);
        let own = own.keys().filter(|f| f.contains('.') && !f.contains(' '));
        for (_, list) in own.filter_map(|feature| self.index.feature(feature)) {
            list.for_each(|n| scores[n] = 0.0);
        }
        self.best(scores, norm, most)
    }

    /// For each theorem the sum over what it shares with these features; and the length of their vector.
    fn scores(&self, features: BTreeMap<String, f64>) -> (Vec<f64>, f64) {
        let mut scores = vec![0f64; self.len()];
        let mut norm = 0.0;
        // In the features' order, so that sums are the same in every run.
        for (feature, weight) in features {
            let Some((idf, list)) = self.index.feature(&feature) else { continue };
            norm += (weight * idf).powi(2);
            let part = weight * idf * idf;
            list.for_each(|n| scores[n] += part);
        }
        (scores, norm.sqrt().max(1e-9))
    }

    fn best(&self, scores: Vec<f64>, norm: f64, most: usize) -> Vec<Retrieved<'_>> {
        let mut best: Vec<(f64, usize)> = Vec::with_capacity(most + 1);
        for (n, sum) in scores.into_iter().enumerate().filter(|(_, sum)| *sum > 0.0) {
            let score = sum / (self.index.norm(n) * norm);
            if best.len() < most || best.last().is_some_and(|(worst, _)| score > *worst) {
                let place = best.partition_point(|(better, _)| *better >= score);
                best.insert(place, (score, n));
                best.truncate(most);
            }
        }
        let speaking = self.speaking.get_or_init(|| self.speaking());
        let of =
            |(score, n)| Retrieved { name: self.index.name(n), rewrites: self.index.rewrites(n), speaks: speaking[n], score };
        best.into_iter().map(of).collect()
    }

    /// Definitions that the target speaks of, the rarest first: to be looked into.
    pub fn definitions(&self, goal: &Goal) -> Vec<&str> {
        self.definitions.of(goal)
    }

    /// Theorems whose names are near one that Lean does not know, the nearest first, with how near they are, in (0, 1]: those of
    /// the same name in other namespaces, and those spelt nearly so.
    pub fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
        let last = |name: &str| name.rsplit_once('.').map_or(0, |(before, _)| before.len() + 1);
        let wanted = &unknown[last(unknown)..];
        let near = |name: &str| match name[last(name)..] == *wanted {
            true => 1.0,
            false if name.len().abs_diff(unknown.len()) > 4 => 0.0,
            false => strsim::jaro_winkler(name, unknown),
        };
        // Of one spelt otherwise few letters differ; one in another namespace has all of the last part's.
        let (whole, part) = (letters(unknown), letters(wanted));
        let like = |mask: u32| (mask ^ whole).count_ones() <= LETTERS || mask & part == part;
        let names = self.letters.iter().enumerate().filter(|(_, mask)| like(**mask)).map(|(n, _)| self.index.name(n));
        let scored = names.map(|name| (near(name), name));
        let mut found: Vec<(f64, &str)> = scored.filter(|(score, name)| *score > 0.85 && *name != unknown).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        found.truncate(NEAREST);
        found
    }
}

/// Features of theorems that are of logic.
const LOGIC: &[&str] = &[
    "And",
    "Or",
    "Not",
    "Iff",
    "Eq",
    "HEq",
    "Ne",
    "Exists",
    "True",
    "False",
    "Decidable",
    "Nonempty",
    "ite",
    "dite",
    "Bool",
    "Classical",
    "Function",
    "Unit",
    "PUnit",
    "Inhabited",
];

/// Parts of names that belong to a tactic's inside, or that elaboration made: theorems that no person would name.
const INSIDE: &[&str] =
    &["Lean", "Lake", "Grind", "Linear", "Omega", "Internal", "Simproc", "SOM", "Tactic", "Meta", "Elab", "Poly"];
/// Last parts of such names.
const MADE: &[&str] =
    &["eq_def", "congr_simp", "hinj", "hcongr", "ctorIdx", "toCtorIdx", "sizeOf_eq", "fun_cases", "induct", "induct_unfolding"];

/// Whether a theorem may be offered: the guard lets its name through, and it is no tactic's inner lemma.
fn offered(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let last = parts.last().copied().unwrap_or("");
    let made =
        MADE.contains(&last) || last.starts_with("ofNat_eq_") || parts.iter().any(|p| p.starts_with('_') || p.contains("✝"));
    !made && !parts.iter().any(|p| INSIDE.contains(p)) && guard::check(&format!("exact {name}")).is_ok()
}

/// What a theorem is compared by; nothing for those that are not offered.
fn features(theorem: &Constant) -> Option<Vec<String>> {
    offered(&theorem.name).then(|| of_constants(&theorem.uses, theorem.conclusion.as_deref()))
}

/// The letters and digits of a name, as bits.
fn letters(name: &str) -> u32 {
    name.bytes().filter(u8::is_ascii_alphanumeric).fold(0, |mask, byte| mask | 1 << (byte & 31))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{Kind, Module};

    fn theorem(name: &str, uses: &[&str]) -> Constant {
        Constant {
            name: name.into(),
            kind: Kind::Axiom,
            uses: uses.iter().map(|s| (*s).to_owned()).collect(),
            conclusion: Some("Eq".into()),
            makes_propositions: false,
            is_field: false,
            arity: 1,
        }
    }

    fn premises(all: &[Constant]) -> Premises {
        let predicate = Constant { makes_propositions: true, conclusion: None, ..theorem("Eq", &[]) };
        let constants = all.iter().cloned().chain([predicate]).collect();
        let mut builder = Builder::default();
        let seen = Seen { file: "M.olean".into(), bytes: 0, changed: 0 };
        builder.add(&Module { name: "M".into(), imports: Vec::new(), constants }, seen, features);
        Premises::of(&builder.finish()).unwrap()
    }

    #[test]
    fn theorems_about_the_same_constants_come_first() {
        let all = [
            theorem("Nat.add_comm", &["Eq", "HAdd.hAdd", "Nat"]),
            theorem("List.length_append", &["Eq", "HAdd.hAdd", "HAppend.hAppend", "List", "List.length", "Nat"]),
            theorem("Nat.gcd_comm", &["Eq", "Nat", "Nat.gcd"]),
        ];
        let premises = premises(&all);
        let first = |goal: &str| premises.retrieve(&Goal::parse(goal).unwrap(), 3)[0].name.to_owned();
        assert_eq!(first("xs ys : List Nat\n⊢ (xs ++ ys).length = ys.length + xs.length"), "List.length_append");
        assert_eq!(first("a b : Nat\n⊢ gcd a b = gcd b a"), "Nat.gcd_comm");
        assert_eq!(first("a b : Nat\n⊢ a + b = b + a"), "Nat.add_comm");
        let nearest = |unknown: &str| premises.nearest(unknown).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(nearest("add_comm"), ["Nat.add_comm"]);
        assert_eq!(nearest("List.lenght_append"), ["List.length_append"]);
        assert!(nearest("Finset.sum_range").is_empty());
    }

    #[test]
    fn what_is_said_of_other_types_is_found() {
        let all = [
            theorem("Array.count_push", &["Array", "Array.count", "Array.push", "Eq"]),
            theorem("List.count_eq_zero", &["Eq", "Iff", "List", "List.count", "Membership.mem", "Nat", "Not"]),
            theorem("List.map_map", &["Eq", "List", "List.map"]),
        ];
        let premises = premises(&all);
        let goal = Goal::parse("xs : Array Nat\n⊢ Array.count a xs = 0 ↔ ¬a ∈ xs").unwrap();
        let found: Vec<&str> = premises.siblings(&goal, 2).into_iter().map(|r| r.name).collect();
        assert_eq!(found, ["List.count_eq_zero", "List.map_map"]);
    }

    #[test]
    fn types_tell_theorems_apart() {
        let all = [
            theorem("Array.size_map", &["Array", "Array.map", "Array.size", "Eq", "Nat"]),
            theorem("List.length_map", &["Eq", "List", "List.length", "List.map", "Nat"]),
            theorem("Int.add_comm", &["Eq", "HAdd.hAdd", "Int"]),
            theorem("Nat.add_comm", &["Eq", "HAdd.hAdd", "Nat"]),
        ];
        let premises = premises(&all);
        let first = |goal: &str| premises.retrieve(&Goal::parse(goal).unwrap(), 1)[0].name.to_owned();
        assert_eq!(first("a : List Nat\n⊢ (a.map f).length = a.length"), "List.length_map");
        assert_eq!(first("a : Array Nat\n⊢ (a.map f).size = a.size"), "Array.size_map");
        assert_eq!(first("x y : Int\nn : Nat\n⊢ x + y = y + x"), "Int.add_comm");
    }

    #[test]
    fn what_no_person_would_name_is_not_offered() {
        for name in ["Nat.add_comm", "List.map_id", "Nat.le.dest", "funext", "Option.some.injEq"] {
            assert!(offered(name), "{name}");
        }
        for name in [
            "Lean.Grind.CommRing.mul_comm",
            "Lean.Omega.Int.emod_pos",
            "Nat.Linear.Poly.denote",
            "List.map.eq_def",
            "Nat.sorryAx",
            "Std.Internal.List.x",
            "f._proof_1",
        ] {
            assert!(!offered(name), "{name}");
        }
    }
}
