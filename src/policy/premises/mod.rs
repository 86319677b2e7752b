//! Premise selection: theorems of the library that a goal may need, by a plain lexical score; and the definitions that it
//! speaks of, looked into. `moves` makes tactics of what is found.
//!
//! A goal and a theorem are alike when they speak of the same constants, of the same types and of the same operations on
//! them; rare ones count more (the cosine of vectors weighted by inverse document frequency; for the task see Irving et al.
//! 2016, «DeepMath»). Depends on `library` and on the guard; knows nothing of servers.

mod definitions;
mod kept;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::lean::{Goal, guard};
use crate::library::{Constant, Library, Modules};
use crate::policy::ranker::statements::Statements;

use super::features::{of_constants, of_goal};
use definitions::Definitions;

/// Theorems whose names are near an unknown one.
const NEAREST: usize = 3;
/// A theorem that fits a goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrieved<'a> {
    pub name: &'a str,
    /// Its conclusion is an equation or an equivalence: it can rewrite.
    pub rewrites: bool,
    /// In (0, 1].
    pub score: f64,
}

struct Theorem {
    name: String,
    /// Its conclusion is an equation or an equivalence: it can rewrite.
    rewrites: bool,
    /// Length of its vector.
    norm: f64,
}

/// Which theorems have which features: what of an index is kept on the disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Postings {
    names: Vec<String>,
    rewrites: Vec<bool>,
    features: BTreeMap<String, Vec<u32>>,
    /// Constants that can be unfolded, sorted.
    definitions: Vec<String>,
}

/// An index over the theorems of a library.
pub struct Premises {
    theorems: Vec<Theorem>,
    /// For each feature: its weight and the theorems that have it. In order, so that sums are the same in every run.
    features: BTreeMap<String, (f64, Vec<u32>)>,
    definitions: Definitions,
    statements: OnceLock<Arc<Statements>>,
}

impl Premises {
    /// The index of the modules that are imported: out of the cache in `home`, or read and kept there.
    ///
    /// # Errors
    /// When a compiled module is broken.
    pub fn open(home: &Path, folders: &[PathBuf], imports: &[String], known: &mut Modules) -> Result<Premises> {
        let place = kept::place(home, folders, imports);
        if let Some(postings) = place.as_deref().and_then(kept::open) {
            return Ok(Premises::weighted(postings));
        }
        let library = Library::read_beside(folders, imports, known)?;
        let postings = postings(&library.theorems(), library.definitions());
        if let Some(Err(error)) = place.map(|place| kept::keep(&place, &postings)) {
            tracing::warn!("the index of premises is not kept: {error:#}");
        }
        Ok(Premises::weighted(postings))
    }

    fn weighted(postings: Postings) -> Premises {
        let all = postings.names.len() as f64;
        let weight = |list: &[u32]| (1.0 + all / list.len() as f64).ln();
        let mut squares = vec![0.0; postings.names.len()];
        for list in postings.features.values() {
            list.iter().for_each(|&n| squares[n as usize] += weight(list).powi(2));
        }
        let theorem =
            |((name, rewrites), square): ((String, bool), f64)| Theorem { name, rewrites, norm: square.sqrt().max(1e-9) };
        let features: BTreeMap<String, (f64, Vec<u32>)> =
            postings.features.into_iter().map(|(f, list)| (f, (weight(&list), list))).collect();
        let rarity = |name: &str| features.get(name).map_or(f64::INFINITY, |(weight, _)| *weight);
        let definitions = postings.definitions.into_iter().map(|name| (rarity(&name), name));
        Premises {
            definitions: Definitions::new(definitions),
            theorems: postings.names.into_iter().zip(postings.rewrites).zip(squares).map(theorem).collect(),
            features,
            statements: OnceLock::new(),
        }
    }

    /// What each theorem speaks of; made the first time it is asked for.
    pub fn statements(&self) -> Arc<Statements> {
        self.statements.get_or_init(|| Arc::new(self.spoken_of())).clone()
    }

    fn spoken_of(&self) -> Statements {
        let mut words: Vec<Vec<&str>> = vec![Vec::new(); self.theorems.len()];
        for (feature, (_, list)) in &self.features {
            list.iter().for_each(|&n| words[n as usize].push(feature));
        }
        self.theorems.iter().zip(words).map(|(theorem, words)| (theorem.name.as_str(), words)).collect()
    }

    /// Number of theorems.
    pub fn len(&self) -> usize {
        self.theorems.len()
    }

    pub fn is_empty(&self) -> bool {
        self.theorems.is_empty()
    }

    /// The names of theorems that have a text in them, the shortest first.
    pub fn named(&self, part: &str, most: usize) -> Vec<&str> {
        let mut found: Vec<&str> = self.theorems.iter().map(|t| t.name.as_str()).filter(|n| n.contains(part)).collect();
        found.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
        found.truncate(most);
        found
    }

    /// The theorems most like a goal, the best first.
    pub fn retrieve(&self, goal: &Goal, most: usize) -> Vec<Retrieved<'_>> {
        let wanted = of_goal(goal);
        let mut scores: HashMap<u32, f64> = HashMap::new();
        let mut norm = 0.0;
        // In the features' order, so that sums are the same in every run.
        for (feature, weight) in wanted {
            let Some((idf, list)) = self.features.get(&feature) else { continue };
            norm += (weight * idf).powi(2);
            list.iter().for_each(|&n| *scores.entry(n).or_default() += weight * idf * idf);
        }
        let mut ranked: Vec<(f64, u32)> =
            scores.into_iter().map(|(n, s)| (s / (self.theorems[n as usize].norm * norm.sqrt().max(1e-9)), n)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let of = |(score, n): (f64, u32)| {
            let Theorem { name, rewrites, .. } = &self.theorems[n as usize];
            Retrieved { name, rewrites: *rewrites, score }
        };
        ranked.into_iter().take(most).map(of).collect()
    }

    /// Tactics that look into the definitions that a goal speaks of, with their probabilities.
    pub fn definitions(&self, goal: &Goal) -> Vec<(String, f64)> {
        self.definitions.moves(goal)
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
        let scored = self.theorems.iter().map(|t| (near(&t.name), t.name.as_str()));
        let mut found: Vec<(f64, &str)> = scored.filter(|(score, name)| *score > 0.85 && *name != unknown).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        found.truncate(NEAREST);
        found
    }
}

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

fn postings(theorems: &[&Constant], definitions: Vec<String>) -> Postings {
    let mut found = Postings { definitions, ..Postings::default() };
    for (number, theorem) in theorems.iter().filter(|t| offered(&t.name)).enumerate() {
        found.names.push(theorem.name.clone());
        found.rewrites.push(matches!(theorem.conclusion.as_deref(), Some("Eq" | "Iff")));
        for feature in of_constants(&theorem.uses, theorem.conclusion.as_deref()) {
            let list = found.features.entry(feature).or_default();
            if list.last() != Some(&(number as u32)) {
                list.push(number as u32);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Kind;

    fn theorem(name: &str, uses: &[&str]) -> Constant {
        Constant {
            name: name.into(),
            kind: Kind::Axiom,
            uses: uses.iter().map(|s| (*s).to_owned()).collect(),
            conclusion: Some("Eq".into()),
            makes_propositions: false,
            arity: 1,
        }
    }

    #[test]
    fn theorems_about_the_same_constants_come_first() {
        let all = [
            theorem("Nat.add_comm", &["Eq", "HAdd.hAdd", "Nat"]),
            theorem("List.length_append", &["Eq", "HAdd.hAdd", "HAppend.hAppend", "List", "List.length", "Nat"]),
            theorem("Nat.gcd_comm", &["Eq", "Nat", "Nat.gcd"]),
        ];
        let premises = Premises::weighted(postings(&all.iter().collect::<Vec<_>>(), Vec::new()));
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
    fn types_tell_theorems_apart() {
        let all = [
            theorem("Array.size_map", &["Array", "Array.map", "Array.size", "Eq", "Nat"]),
            theorem("List.length_map", &["Eq", "List", "List.length", "List.map", "Nat"]),
            theorem("Int.add_comm", &["Eq", "HAdd.hAdd", "Int"]),
            theorem("Nat.add_comm", &["Eq", "HAdd.hAdd", "Nat"]),
        ];
        let premises = Premises::weighted(postings(&all.iter().collect::<Vec<_>>(), Vec::new()));
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
