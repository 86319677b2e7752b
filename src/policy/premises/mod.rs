//! Premise selection: theorems of the library that a goal may need, by a plain lexical score, as tactics; and the definitions
//! that it speaks of, looked into.
//!
//! A goal and a theorem are alike when they speak of the same constants; rare ones count more (the cosine of vectors
//! weighted by inverse document frequency; for the task see Irving et al. 2016, «DeepMath»). Depends on `library` and on
//! the `Policy` trait; knows nothing of servers.

mod definitions;
mod features;
mod kept;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::lean::Goal;
use crate::library::{Constant, Library, Modules};
use crate::policy::{Answer, Policy, Proposal, Source};

use definitions::Definitions;
use features::{of_constant, of_text};

/// Theorems offered for a goal.
const OFFERED: usize = 8;
/// Theorems whose names are near an unknown one.
const NEAREST: usize = 3;
/// How much the hypotheses say of what is needed, beside the target.
const HYPOTHESIS_WEIGHT: f64 = 0.35;

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
        }
    }

    /// Number of theorems.
    pub fn len(&self) -> usize {
        self.theorems.len()
    }

    pub fn is_empty(&self) -> bool {
        self.theorems.is_empty()
    }

    /// The names of the theorems most like a goal, the best first, with scores in (0, 1].
    pub fn fitting(&self, goal: &Goal, most: usize) -> Vec<(&str, f64)> {
        self.select(goal, most).into_iter().map(|(theorem, score)| (theorem.name.as_str(), score)).collect()
    }

    /// The names of theorems that have a text in them, the shortest first.
    pub fn named(&self, part: &str, most: usize) -> Vec<&str> {
        let mut found: Vec<&str> = self.theorems.iter().map(|t| t.name.as_str()).filter(|n| n.contains(part)).collect();
        found.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
        found.truncate(most);
        found
    }

    /// The theorems most like a goal, the best first, with scores in (0, 1].
    fn select(&self, goal: &Goal, most: usize) -> Vec<(&Theorem, f64)> {
        let mut wanted: HashMap<String, f64> = HashMap::new();
        let target = of_text(&goal.target).into_iter().map(|f| (f, 1.0));
        let context = goal.hypotheses.iter().flat_map(|h| of_text(&h.ty)).map(|f| (f, HYPOTHESIS_WEIGHT));
        for (feature, weight) in target.chain(context) {
            let known = wanted.entry(feature).or_default();
            *known = weight.max(*known);
        }
        let mut scores: HashMap<u32, f64> = HashMap::new();
        let mut norm = 0.0;
        // In order, so that sums are the same in every run.
        let mut wanted: Vec<(String, f64)> = wanted.into_iter().collect();
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        for (feature, weight) in wanted {
            let Some((idf, list)) = self.features.get(&feature) else { continue };
            norm += (weight * idf).powi(2);
            list.iter().for_each(|&n| *scores.entry(n).or_default() += weight * idf * idf);
        }
        let mut ranked: Vec<(f64, u32)> =
            scores.into_iter().map(|(n, s)| (s / (self.theorems[n as usize].norm * norm.sqrt().max(1e-9)), n)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(most).map(|(score, n)| (&self.theorems[n as usize], score)).collect()
    }
}

impl Policy for Premises {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        let proposals = states.iter().map(|state| state.first().map_or_else(Vec::new, |goal| self.propose_for(goal)));
        Box::pin(std::future::ready(proposals.collect()))
    }

    /// Theorems: those of the same name in other namespaces, and those spelt nearly so.
    fn nearest(&self, unknown: &str) -> Vec<(f64, &str)> {
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

impl Premises {
    fn propose_for(&self, goal: &Goal) -> Vec<Proposal> {
        let chosen = self.select(goal, OFFERED);
        let mut list: Vec<(String, f64)> = Vec::new();
        let names: Vec<&str> = chosen.iter().map(|(theorem, _)| theorem.name.as_str()).collect();
        if names.len() > 1 {
            list.push((format!("grind [{}]", names[..names.len().min(5)].join(", ")), 0.20));
            list.push((format!("simp_all [{}]", names[..names.len().min(5)].join(", ")), 0.12));
        }
        list.extend(self.definitions.moves(goal));
        for (rank, (Theorem { name, rewrites, .. }, score)) in chosen.iter().enumerate() {
            let p = score / (2.0 + rank as f64);
            list.push((format!("apply {name}"), 0.25 * p));
            list.push((format!("exact {name} .."), 0.20 * p));
            if *rewrites {
                list.push((format!("rw [{name}]"), 0.30 * p));
                list.push((format!("simp [{name}]"), 0.15 * p));
            }
        }
        list.sort_by(|a, b| b.1.total_cmp(&a.1));
        list.into_iter().map(|(tactic, p)| Proposal { tactic, log_prior: p.ln(), by: Source::Premises }).collect()
    }
}

fn postings(theorems: &[&Constant], definitions: Vec<String>) -> Postings {
    let mut found = Postings { definitions, ..Postings::default() };
    for (number, theorem) in theorems.iter().enumerate() {
        found.names.push(theorem.name.clone());
        found.rewrites.push(matches!(theorem.conclusion.as_deref(), Some("Eq" | "Iff")));
        for feature in theorem.uses.iter().flat_map(|name| of_constant(name)) {
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
        let first = |goal: &str| premises.select(&Goal::parse(goal).unwrap(), 3)[0].0.name.clone();
        assert_eq!(first("xs ys : List Nat\n⊢ (xs ++ ys).length = ys.length + xs.length"), "List.length_append");
        assert_eq!(first("a b : Nat\n⊢ gcd a b = gcd b a"), "Nat.gcd_comm");
        let goal = Goal::parse("a b : Nat\n⊢ a + b = b + a").unwrap();
        let proposals = premises.propose_for(&goal);
        assert!(proposals.iter().any(|p| p.tactic == "rw [Nat.add_comm]"));
        let nearest = |unknown: &str| premises.nearest(unknown).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(nearest("add_comm"), ["Nat.add_comm"]);
        assert_eq!(nearest("List.lenght_append"), ["List.length_append"]);
        assert!(nearest("Finset.sum_range").is_empty());
        assert!(proposals.windows(2).all(|w| w[0].log_prior >= w[1].log_prior) && proposals[0].log_prior < 0.0);
    }
}
