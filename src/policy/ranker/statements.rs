//! What theorems of a library speak of, by their names: the ranker reads it with a tactic that names one.

use std::collections::HashMap;

use super::features::hash;

/// For each theorem the words of its statement, hashed: constants, and what their names are made of.
#[derive(Debug, Clone, Default)]
pub struct Statements(HashMap<String, Vec<u64>>);

impl Statements {
    pub fn get(&self, theorem: &str) -> Option<&[u64]> {
        self.0.get(theorem).map(Vec::as_slice)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, W: AsRef<str>, L: IntoIterator<Item = W>> FromIterator<(N, L)> for Statements {
    fn from_iter<I: IntoIterator<Item = (N, L)>>(all: I) -> Statements {
        let hashed = |words: L| words.into_iter().map(|w| hash(w.as_ref())).collect();
        Statements(all.into_iter().map(|(name, words)| (name.into(), hashed(words))).collect())
    }
}
