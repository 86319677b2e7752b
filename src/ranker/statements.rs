//! What theorems of a library speak of, by their names: the ranker reads it with a tactic that names one.

use std::collections::HashMap;

/// For each theorem the words of its statement: constants, and what their names are made of.
#[derive(Debug, Clone, Default)]
pub struct Statements(HashMap<String, Vec<String>>);

impl Statements {
    pub fn get(&self, theorem: &str) -> Option<&[String]> {
        self.0.get(theorem).map(Vec::as_slice)
    }
}

impl FromIterator<(String, Vec<String>)> for Statements {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(all: I) -> Statements {
        Statements(all.into_iter().collect())
    }
}
