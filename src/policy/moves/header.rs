//! What a header declares: definitions to unfold, data types to split, theorems to use. Read once for each header.
//!
//! Guesses from source text, namespaces respected; Lean decides whether a name is what it looks like.

use std::ops::Range;

use super::signature::Signature;
use super::signs::Sign;
use crate::lean::syntax::{Kind, Token, tokens};
use crate::source::commands;

/// A function that the header defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// With its namespaces.
    pub name: String,
    /// It calls itself: there is an induction along it.
    pub recursive: bool,
    pub signature: Signature,
    /// Definitions of the header that it calls, with their namespaces.
    pub calls: Vec<String>,
}

/// A data type that the header declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataType {
    /// With its namespaces.
    pub name: String,
    /// It has values of its own type inside: there is an induction on it.
    pub recursive: bool,
    /// It makes propositions: what it is applied to is a hypothesis, and its constructors prove it.
    pub predicate: bool,
    /// In the order of the file.
    pub constructors: Vec<Constructor>,
}

/// A constructor of a data type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constructor {
    /// With its namespaces.
    pub name: String,
    pub signature: Signature,
}

/// A proposition that the header gives: a theorem, an axiom, a law of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub name: String,
    /// Binders and type as they are written.
    pub statement: String,
    /// It ends in an equation or an equivalence: it can rewrite.
    pub rewrites: bool,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    pub definitions: Vec<Definition>,
    pub types: Vec<DataType>,
    /// In the order of the file: the newest last.
    pub facts: Vec<Fact>,
    /// What instances give to functions and constructors of the header.
    pub signs: Vec<Sign>,
}

impl Header {
    /// Reads a header; what cannot be read is left out.
    pub fn read(source: &str) -> Header {
        let mut header = Header::default();
        let mut spaces: Vec<Option<String>> = Vec::new();
        for command in commands(source).unwrap_or_default() {
            let body = &source[command.range.clone()];
            let Ok(all) = tokens(body) else { continue };
            let code: Vec<Token> = all.into_iter().filter(|t| t.kind != Kind::Comment).collect();
            let Some(at) = code.iter().position(|t| t.text == command.keyword) else { continue };
            let name = code.get(at + 1).filter(|t| t.kind == Kind::Name).map(|t| t.text.to_owned());
            match command.keyword.as_str() {
                "namespace" => spaces.push(name),
                // Their `end` has no name.
                "section" | "mutual" => spaces.push(None),
                "end" => drop(spaces.pop()),
                "instance" => {
                    if let Some(sign) = Sign::read(&code[at + 1..]) {
                        header.name_sign(sign);
                    }
                }
                keyword => {
                    let Some(name) = name else { continue };
                    let before: Vec<&str> = spaces.iter().flatten().map(String::as_str).collect();
                    let whole = match name.strip_prefix("_root_.") {
                        Some(root) => root.to_owned(),
                        None => before.into_iter().chain([name.as_str()]).collect::<Vec<_>>().join("."),
                    };
                    header.declare(keyword, whole, &name, body, &code[at + 2..]);
                }
            }
        }
        header
    }

    /// The type of the header that a printed type is, by what it begins with; namespaces may be open.
    pub fn type_of(&self, ty: &str) -> Option<&DataType> {
        let head = ty.split_whitespace().next()?;
        let is = |name: &str| name.strip_suffix(head).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        self.types.iter().rev().find(|t| is(&t.name))
    }

    /// Adds a sign whose function the header has.
    fn name_sign(&mut self, sign: Sign) {
        let own = self.definitions.iter().map(|d| &d.name);
        let mut names = own.chain(self.types.iter().flat_map(|t| t.constructors.iter().map(|c| &c.name)));
        let is = |name: &str| name.strip_suffix(sign.function.as_str()).is_some_and(|b| b.is_empty() || b.ends_with('.'));
        if let Some(function) = names.find(|name| is(name)).cloned() {
            self.signs.push(Sign { function, ..sign });
        }
    }

    fn declare(&mut self, keyword: &str, whole: String, name: &str, body: &str, rest: &[Token]) {
        let last = name.rsplit('.').next().unwrap_or(name);
        let calls =
            |word: &str| rest.iter().any(|t| t.kind == Kind::Name && (t.text == word || t.text.ends_with(&format!(".{word}"))));
        match keyword {
            "def" | "abbrev" => {
                let others = self.definitions.iter().map(|d| &d.name);
                let mut called: Vec<String> =
                    others.filter(|name| calls(name.rsplit('.').next().unwrap_or(name))).cloned().collect();
                let by_sign = self.signs.iter().filter(|sign| rest.iter().any(|t| t.text == sign.symbol));
                called.extend(by_sign.map(|sign| sign.function.clone()).filter(|f| !f.eq(&whole)));
                for inner in inner_functions(rest) {
                    let (name, signature) = (format!("{whole}.{inner}"), Signature::default());
                    called.push(name.clone());
                    self.definitions.push(Definition { name, recursive: true, signature, calls: Vec::new() });
                }
                let (recursive, signature) = (calls(last), Signature::read(rest));
                self.definitions.push(Definition { name: whole, recursive, signature, calls: called });
            }
            "inductive" => {
                let makes = rest.iter().position(|t| matches!(t.text, "|" | "where")).unwrap_or(rest.len());
                let recursive = rest[makes..].iter().any(|t| t.kind == Kind::Name && t.text == name);
                let predicate = rest[..makes].last().is_some_and(|t| t.text == "Prop");
                let constructor = |(name, rest): (&str, &[Token])| Constructor {
                    name: format!("{whole}.{name}"),
                    signature: Signature::read(rest),
                };
                let constructors = constructors(&rest[makes..]).map(constructor).collect();
                self.types.push(DataType { name: whole, recursive, predicate, constructors });
            }
            "structure" | "class" => {
                for field in fields(body, rest) {
                    let statement = body[field.1].trim().to_owned();
                    if let Some(rewrites) = proposition(&statement) {
                        self.facts.push(Fact { name: format!("{whole}.{}", field.0), statement, rewrites });
                    }
                }
                if keyword == "structure" {
                    let predicate = false;
                    self.types.push(DataType { name: whole, recursive: false, predicate, constructors: Vec::new() });
                }
            }
            "theorem" | "lemma" | "axiom" => {
                let end = rest.iter().find(|t| t.text == ":=" || t.text == "|").map_or(body.len(), |t| t.start);
                let Some(start) = rest.first().map(|t| t.start).filter(|s| *s < end) else { return };
                let statement = body[start..end].trim().to_owned();
                let found = proposition(&statement);
                if keyword != "axiom" || found.is_some() {
                    self.facts.push(Fact { name: whole, statement, rewrites: found.unwrap_or(false) });
                }
            }
            _ => {}
        }
    }
}

/// The names that stand behind the bars of an inductive type, and what follows each.
fn constructors<'a, 't>(rest: &'t [Token<'a>]) -> impl Iterator<Item = (&'a str, &'t [Token<'a>])> {
    let mut depth = 0usize;
    rest.windows(2).enumerate().filter_map(move |(at, pair)| {
        match pair[0].text {
            "(" | "{" | "[" | "⟨" => depth += 1,
            ")" | "}" | "]" | "⟩" => depth = depth.saturating_sub(1),
            _ => {}
        }
        (pair[0].text == "|" && depth == 0 && pair[1].kind == Kind::Name).then_some((pair[1].text, &rest[at + 2..]))
    })
}

/// Functions inside a definition: `let rec go …` and those behind `where`.
fn inner_functions<'a>(rest: &[Token<'a>]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (i, token) in rest.iter().enumerate() {
        let starts = match token.text {
            "rec" => i > 0 && rest[i - 1].text == "let",
            "where" => true,
            _ => false,
        };
        if starts && let Some(name) = rest.get(i + 1).filter(|t| t.kind == Kind::Name) {
            found.push(name.text);
        }
    }
    found
}

/// Fields of a class or structure: name, and where binders and type stand.
fn fields<'a>(body: &str, rest: &[Token<'a>]) -> Vec<(&'a str, Range<usize>)> {
    let Some(start) = rest.iter().position(|t| t.text == "where") else { return Vec::new() };
    let rest = &rest[start + 1..];
    let Some(column) = rest.first().map(|t| column(body, t.start)) else { return Vec::new() };
    let begins = |t: &Token| t.kind == Kind::Name && column_if_first(body, t.start) == Some(column);
    let starts: Vec<usize> = (0..rest.len()).filter(|&i| i == 0 || begins(&rest[i])).collect();
    let mut found = Vec::new();
    for (n, &i) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(body.len(), |&next| rest[next].start);
        let begin = rest[i].end();
        if rest[i].kind == Kind::Name && begin < end {
            found.push((rest[i].text, begin..end));
        }
    }
    found
}

fn column(body: &str, at: usize) -> usize {
    at - body[..at].rfind('\n').map_or(0, |line| line + 1)
}

/// The column of what stands first in its line.
fn column_if_first(body: &str, at: usize) -> Option<usize> {
    let column = column(body, at);
    body[at - column..at].trim().is_empty().then_some(column)
}

/// Whether binders and a type make a proposition, and if so whether it can rewrite.
fn proposition(statement: &str) -> Option<bool> {
    let rewrites = statement.contains(['=', '↔']);
    (rewrites || statement.contains(['≤', '<', '∧', '∨', '¬', '→', '≠', '∣', '∃'])).then_some(rewrites)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
/-- doc -/
inductive Tree where
  | leaf
  | node (l : Tree) (x : Nat) (r : Tree)

inductive Colour | red | green

inductive Even : Nat → Prop where
  | zero : Even 0
  | step {n : Nat} (h : Even n ∧ {m | m = n} = s) : Even (n + 2)

namespace Tree

def size : Tree → Nat
  | leaf => 0
  | node l _ r => l.size + r.size + 1

def twice (n : Nat) : Nat := n + n

def isPrime (n : Nat) : Bool :=
  let rec check (i : Nat) : Bool := i > n || check (i + 1)
  check 2

theorem size_leaf : size leaf = 0 := rfl

end Tree

class Group (α) extends Mul α, One α where
  mul_assoc (a b c : α) : (a * b) * c = a * (b * c)
  one_mul   (a : α)     : 1 * a = a

noncomputable section
axiom choice_rule (p : Nat → Prop) : p 0 → ∃ n, p n
theorem last : 1 ≤ 2 := by decide
";

    #[test]
    fn declarations_are_read_with_their_namespaces() {
        let header = Header::read(SOURCE);
        let definitions: Vec<(&str, bool)> = header.definitions.iter().map(|d| (d.name.as_str(), d.recursive)).collect();
        assert_eq!(
            definitions,
            [("Tree.size", true), ("Tree.twice", false), ("Tree.isPrime.check", true), ("Tree.isPrime", false)]
        );
        let types: Vec<(&str, bool)> = header.types.iter().map(|t| (t.name.as_str(), t.recursive)).collect();
        assert_eq!(types, [("Tree", true), ("Colour", false), ("Even", true)]);
        let of = |printed: &str| {
            let names = |t: &DataType| t.constructors.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(" ");
            header.type_of(printed).map(|t| (t.predicate, names(t)))
        };
        assert_eq!(of("Even (n + 2)"), Some((true, "Even.zero Even.step".to_owned())));
        assert_eq!(header.types[0].constructors[1].signature.arguments, ["Tree", "Nat", "Tree"]);
        assert_eq!(header.definitions[3].calls, ["Tree.isPrime.check"]);
        assert_eq!(of("Colour"), Some((false, "Colour.red Colour.green".to_owned())));
        assert_eq!(of("Odd n"), None);
        let facts: Vec<(&str, bool)> = header.facts.iter().map(|f| (f.name.as_str(), f.rewrites)).collect();
        assert_eq!(
            facts,
            [
                ("Tree.size_leaf", true),
                ("Group.mul_assoc", true),
                ("Group.one_mul", true),
                ("choice_rule", false),
                ("last", false)
            ]
        );
        assert_eq!(header.facts[1].statement, "(a b c : α) : (a * b) * c = a * (b * c)");
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        assert_eq!(Header::read("def \"unclosed"), Header::default());
        assert_eq!(Header::read("import Std\nopen Nat\nvariable (n : Nat)"), Header::default());
    }
}
