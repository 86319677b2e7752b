//! Lines of an export: names, universe levels and terms, each numbered, written once and before its first use.
//!
//! Kinds of brackets and metadata are left out: no kernel looks at them.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};

use crate::library::olean::whole::{Level, MOST_NODES, Term, Whole};
use crate::library::olean::{Field, Part, parts};

/// Universe levels nest no deeper.
const DEEPEST_LEVEL: usize = 200;
/// A number literal of more bytes is not written: its digits would take too long.
const LONGEST_NUMBER: usize = 100_000;

/// What is written once: bodies of lines with their numbers.
struct Table {
    /// The key of the number in a line.
    key: &'static str,
    /// The number of the first.
    first: usize,
    known: HashMap<String, usize>,
}

impl Table {
    fn new(key: &'static str, first: usize) -> Table {
        Table { key, first, known: HashMap::new() }
    }

    /// The number of a body, which is written if it is new.
    fn number(&mut self, out: &mut String, body: String) -> usize {
        if let Some(number) = self.known.get(&body) {
            return *number;
        }
        let number = self.first + self.known.len();
        out.push_str(&format!("{{\"{}\":{number},{body}}}\n", self.key));
        self.known.insert(body, number);
        number
    }
}

/// The numbers of terms of one module, by their places.
pub type Written = HashMap<usize, usize>;

/// An export that is being written.
pub struct Lines {
    out: String,
    names: Table,
    levels: Table,
    terms: Table,
    /// Numbers of whole names.
    whole_names: HashMap<String, usize>,
}

impl Lines {
    /// With `meta` as the first line. The empty name and the level zero have the number 0 and no line.
    pub fn new(meta: &serde_json::Value) -> Lines {
        let (names, levels, terms) = (Table::new("in", 1), Table::new("il", 1), Table::new("ie", 0));
        Lines { out: format!("{meta}\n"), names, levels, terms, whole_names: HashMap::new() }
    }

    pub fn finish(self) -> String {
        self.out
    }

    /// A line without a number.
    pub fn line(&mut self, line: &serde_json::Value) {
        self.out.push_str(&format!("{line}\n"));
    }

    pub fn name(&mut self, name: &str) -> usize {
        if let Some(number) = self.whole_names.get(name) {
            return *number;
        }
        let mut number = 0;
        for part in parts(name) {
            let body = match part {
                Part::Number(digits) if digits.parse::<u32>().is_ok() => {
                    format!(r#""num":{{"pre":{number},"i":{digits}}}"#)
                }
                // Kernels take numbers of 32 bits. Two names that become one would be declared twice, which none takes.
                Part::Text(text) | Part::Number(text) => format!(r#""str":{{"pre":{number},"str":{}}}"#, quoted(&text)),
            };
            number = self.names.number(&mut self.out, body);
        }
        self.whole_names.insert(name.to_owned(), number);
        number
    }

    pub fn names(&mut self, names: &[String]) -> Vec<usize> {
        names.iter().map(|name| self.name(name)).collect()
    }

    /// Universe parameters: their names, each a level as well.
    pub fn parameters(&mut self, names: &[String]) -> Vec<usize> {
        let numbers = self.names(names);
        for number in &numbers {
            self.levels.number(&mut self.out, format!(r#""param":{number}"#));
        }
        numbers
    }

    fn level(&mut self, module: &mut Whole<'_>, level: Field, depth: usize) -> Result<usize> {
        ensure!(depth < DEEPEST_LEVEL, "a universe level is too deep");
        let body = match module.level(level)? {
            Level::Zero => return Ok(0),
            Level::Succ(inner) => format!(r#""succ":{}"#, self.level(module, inner, depth + 1)?),
            Level::Max(a, b) => format!(r#""max":{:?}"#, self.two_levels(module, a, b, depth)?),
            Level::Imax(a, b) => format!(r#""imax":{:?}"#, self.two_levels(module, a, b, depth)?),
            Level::Parameter(name) => format!(r#""param":{}"#, self.name(&name)),
        };
        Ok(self.levels.number(&mut self.out, body))
    }

    fn two_levels(&mut self, module: &mut Whole<'_>, a: Field, b: Field, depth: usize) -> Result<[usize; 2]> {
        Ok([self.level(module, a, depth + 1)?, self.level(module, b, depth + 1)?])
    }

    /// The number of a term of a module.
    ///
    /// # Errors
    /// When the file is broken, or the term is too large or holds what no kernel takes.
    pub fn term(&mut self, module: &mut Whole<'_>, written: &mut Written, root: usize) -> Result<usize> {
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            if written.contains_key(&at) {
                stack.pop();
                continue;
            }
            let node = module.term(at)?;
            let before = stack.len();
            stack.extend(node.below().into_iter().flatten().filter(|next| !written.contains_key(next)));
            ensure!(stack.len() < MOST_NODES, "a term is too large");
            if stack.len() == before {
                stack.pop();
                let number = self.node(module, written, node)?;
                written.insert(at, number);
            }
        }
        Ok(written[&root])
    }

    /// One node whose parts are written.
    fn node(&mut self, module: &mut Whole<'_>, written: &Written, node: Term) -> Result<usize> {
        let body = match node {
            Term::Metadata(inner) => return Ok(written[&inner]),
            Term::Free(name) => bail!("a term holds the free variable `{name}`"),
            Term::Bound(index) => format!(r#""bvar":{index}"#),
            Term::Sort(level) => format!(r#""sort":{}"#, self.level(module, level, 0)?),
            Term::Constant(name, levels) => {
                let name = self.name(&name);
                let levels: Vec<usize> = levels.into_iter().map(|l| self.level(module, l, 0)).collect::<Result<_>>()?;
                format!(r#""const":{{"name":{name},"us":{levels:?}}}"#)
            }
            Term::Apply(function, argument) => {
                format!(r#""app":{{"fn":{},"arg":{}}}"#, written[&function], written[&argument])
            }
            Term::Lambda(name, ty, body) => self.binder("lam", &name, written[&ty], written[&body]),
            Term::Pi(name, ty, body) => self.binder("forallE", &name, written[&ty], written[&body]),
            Term::Let(name, ty, value, body) => {
                let (ty, value, body) = (written[&ty], written[&value], written[&body]);
                let name = self.name(&name);
                format!(r#""letE":{{"name":{name},"type":{ty},"value":{value},"body":{body},"nondep":false}}"#)
            }
            Term::Number(bytes) => format!(r#""natVal":"{}""#, decimal(&bytes)?),
            Term::Text(text) => format!(r#""strVal":{}"#, quoted(&text)),
            Term::Project(name, field, value) => {
                format!(r#""proj":{{"typeName":{},"idx":{field},"struct":{}}}"#, self.name(&name), written[&value])
            }
        };
        Ok(self.terms.number(&mut self.out, body))
    }

    fn binder(&mut self, kind: &str, name: &str, ty: usize, body: usize) -> String {
        let name = self.name(name);
        format!(r#""{kind}":{{"name":{name},"type":{ty},"body":{body},"binderInfo":"default"}}"#)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The digits of a number of little-endian bytes.
fn decimal(bytes: &[u8]) -> Result<String> {
    const BASE: u64 = 1_000_000_000;
    ensure!(bytes.len() <= LONGEST_NUMBER, "a number has more than {LONGEST_NUMBER} bytes");
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let mut words: Vec<u64> = bytes.chunks(4).map(word).collect();
    let mut groups = Vec::new();
    while !words.is_empty() {
        let mut rest = 0;
        for word in words.iter_mut().rev() {
            let whole = rest << 32 | *word;
            (*word, rest) = (whole / BASE, whole % BASE);
        }
        groups.push(rest);
        while words.last() == Some(&0) {
            words.pop();
        }
    }
    let first = groups.pop().unwrap_or(0).to_string();
    Ok(groups.iter().rev().fold(first, |digits, group| format!("{digits}{group:09}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_digits() {
        let digits = |n: u128| {
            let bytes = n.to_le_bytes();
            let length = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            decimal(&bytes[..length]).unwrap()
        };
        for n in [0, 7, 255, 999_999_999, 1_000_000_000, 1 << 64, 10_u128.pow(30), u128::MAX] {
            assert_eq!(digits(n), n.to_string());
        }
        assert!(decimal(&[1; LONGEST_NUMBER + 1]).is_err());
    }

    #[test]
    fn names_are_written_part_by_part_and_once() {
        let mut lines = Lines::new(&serde_json::json!({}));
        let first = lines.name("a.«b.\"c».7");
        assert_eq!((first, lines.name("a.«b.\"c»"), lines.name(""), lines.name("a.99999999999")), (3, 2, 0, 4));
        let text = lines.finish();
        let expected = [
            "{}",
            r#"{"in":1,"str":{"pre":0,"str":"a"}}"#,
            r#"{"in":2,"str":{"pre":1,"str":"b.\"c"}}"#,
            r#"{"in":3,"num":{"pre":2,"i":7}}"#,
            r#"{"in":4,"str":{"pre":1,"str":"99999999999"}}"#,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
