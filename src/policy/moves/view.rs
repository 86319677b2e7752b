//! A goal as the families see it: its entries by what they are, and the terms that stand in it. Read once for each goal.

use std::collections::HashSet;

use super::header::Header;
use super::shape::{Entry, Shape, entries, is_proposition, number_type, shape};
use super::terms::{self, Kind, Term};
use crate::lean::Goal;
use crate::lean::goal::mentions;

/// Longest term that is used as an argument, in bytes.
const LONGEST: usize = 60;

/// A goal, read.
pub struct View<'a> {
    pub goal: &'a Goal,
    /// Hypotheses, the oldest first.
    pub facts: Vec<Entry<'a>>,
    /// Data: neither hypotheses nor types nor propositions nor instances.
    pub data: Vec<Entry<'a>>,
    /// Variables for propositions.
    pub propositions: Vec<&'a str>,
    /// The target as a term, where it can be read.
    pub target: Option<Term<'a>>,
    /// Terms of target and hypotheses that can stand outside of their binders, without repetition, the target's first.
    pub terms: Vec<Term<'a>>,
}

impl<'a> View<'a> {
    #[cfg(test)]
    pub fn new(goal: &'a Goal) -> View<'a> {
        View::behind(&Header::default(), goal)
    }

    /// A goal behind a header, which says what is a proposition of what it declares.
    pub fn behind(header: &Header, goal: &'a Goal) -> View<'a> {
        let all = entries(goal);
        let sorts: HashSet<&str> = all.iter().filter(|e| ends_in_prop(e.ty)).map(|e| e.name).collect();
        let mut view = View {
            goal,
            facts: Vec::new(),
            data: Vec::new(),
            propositions: Vec::new(),
            target: terms::parse(goal.target.trim()),
            terms: Vec::new(),
        };
        for entry in all {
            let head = entry.ty.split_whitespace().next().unwrap_or("");
            if entry.ty == "Prop" {
                view.propositions.push(entry.name);
            } else if is_proposition(entry.ty)
                || sorts.contains(head)
                || is_implication(entry.ty, &sorts)
                || header.type_of(entry.ty).map_or_else(|| is_called_so(&entry), |own| own.predicate)
            {
                view.facts.push(entry);
            } else if !["Type", "Sort"].contains(&head) && !entry.name.starts_with("inst") {
                view.data.push(entry);
            }
        }
        view.gather();
        view
    }

    fn gather(&mut self) {
        let bound = self.bound();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut found: Vec<Term<'a>> = Vec::new();
        let mut visit = |term: &Term<'a>| {
            let closed = term.text.len() <= LONGEST
                && !matches!(term.kind, Kind::Binder | Kind::Match)
                && !term.text.contains(['?', '✝', '\n'])
                && !bound.iter().any(|name| mentions(term.text, name));
            if closed && seen.insert(term.text) {
                found.push(term.clone());
            }
        };
        if let Some(target) = &self.target {
            target.walk(&mut visit);
        }
        for entry in &self.facts {
            if let Some(term) = terms::parse(entry.ty) {
                term.walk(&mut visit);
            }
        }
        self.terms = found;
    }

    /// Names that binders of the goal bind: terms that mention them cannot stand outside.
    fn bound(&self) -> Vec<&'a str> {
        let texts = self.goal.hypotheses.iter().map(|h| h.ty.as_str()).chain([self.goal.target.as_str()]);
        let mut found: Vec<&str> = Vec::new();
        for text in texts {
            let mut open = false;
            for word in text.split(|c: char| c.is_whitespace() || "(){}[],:⟨⟩".contains(c)).filter(|w| !w.is_empty()) {
                match word {
                    "∀" | "∃" | "fun" | "λ" | "let" | "have" | "∃!" | "|" => open = true,
                    "=>" | ":=" | "→" | "↦" | "≥" | "≤" | "<" | ">" | "∈" => open = false,
                    name if open => {
                        if self.goal.names().any(|n| n == name)
                            || !name.chars().next().is_some_and(|c| c.is_lowercase() || c == '_')
                        {
                            open = false;
                        } else {
                            found.push(name);
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether a hypothesis is one of an induction, by the names that Lean and our own steps give: `ih`, `ih1`, `tail_ih`.
    pub fn is_in_induction(&self) -> bool {
        let named = |name: &str| {
            let last = name.rsplit('_').next().unwrap_or(name);
            last.strip_prefix("ih").is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
        };
        self.facts.iter().any(|f| named(f.name))
    }

    /// Data that is no function: what can be taken apart.
    pub fn objects(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.data.iter().filter(|e| !matches!(shape(e.ty), Shape::Forall | Shape::Implies))
    }

    /// Entries that are numbers, and which.
    pub fn numbers(&self) -> impl Iterator<Item = (&'a str, &'static str)> {
        self.data.iter().filter_map(|e| Some((e.name, number_type(e.ty)?)))
    }

    /// Whether the target speaks of a name.
    pub fn in_target(&self, name: &str) -> bool {
        mentions(&self.goal.target, name)
    }

    /// Whether a list stands in the target only behind `++`: what is defined along lists looks at what stands before it.
    pub fn is_appended(&self, name: &str) -> bool {
        let odd = |c: char| !(c.is_alphanumeric() || "_'".contains(c));
        let target = &self.goal.target;
        let behind = |(at, sign): (usize, &str)| target[at + sign.len()..].split(odd).next() == Some(name);
        let appended = target.match_indices("++ ").filter(|place| behind(*place)).count();
        appended > 0 && target.split(odd).filter(|word| *word == name).count() == appended
    }

    /// The hypotheses, the newest first.
    pub fn newest_facts(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.facts.iter().rev()
    }
}

/// `α → β → Prop`: what it is applied to is a proposition.
fn ends_in_prop(ty: &str) -> bool {
    ty == "Prop" || ty.trim_end().ends_with("→ Prop")
}

/// `p → q` over variables for propositions.
fn is_implication(ty: &str, sorts: &HashSet<&str>) -> bool {
    ty.contains('→') && ty.rsplit('→').next().and_then(|end| end.split_whitespace().next()).is_some_and(|w| sorts.contains(w))
}

/// Whether an entry is called as hypotheses are, and its type can be that of one: `h₁ : l.Nodup`, `h : List.Pairwise R l`. What a
/// constant is of, printed text does not say.
fn is_called_so(entry: &Entry) -> bool {
    const DATA: &[&str] = &[
        "Nat", "Int", "Rat", "Bool", "Char", "String", "Unit", "List", "Array", "Vector", "Option", "Fin", "BitVec", "Prod",
        "Sum", "Except", "Subtype", "Ordering", "Type", "Sort",
    ];
    let rest = entry.name.strip_prefix('i').unwrap_or(entry.name).strip_prefix('h');
    let named = rest.is_some_and(|rest| rest.chars().count() <= 2 && !rest.contains(char::is_uppercase));
    let head = entry.ty.split_whitespace().next().unwrap_or("");
    named && entry.ty.contains([' ', '.']) && !entry.ty.contains(['→', '×', '{', '⊕']) && !DATA.contains(&head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart() {
        let goal = Goal::parse(
            "α : Type u\ninst : DecidableEq α\np q : Prop\nr : α → Prop\nf : Nat → Nat\nn : Nat\nhp : p\nhq : p → q\nhr : r a\nh : n = 1\n⊢ q",
        )
        .unwrap();
        let view = View::new(&goal);
        let names = |list: &[Entry]| list.iter().map(|e| e.name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&view.facts), ["hp", "hq", "hr", "h"]);
        assert_eq!(names(&view.data), ["r", "f", "n"]);
        assert_eq!(view.propositions, ["p", "q"]);
        assert_eq!(view.numbers().collect::<Vec<_>>(), [("n", "Nat")]);
        let goal =
            Goal::parse("α : Type u\nxs : List α\nhd : α\nhs : List α\nh₁ : xs.Nodup\nih : xs.Sublist hs\nhead : F α\n⊢ p")
                .unwrap();
        let view = View::new(&goal);
        assert_eq!(names(&view.facts), ["h₁", "ih"], "by their names");
        assert_eq!(names(&view.data), ["xs", "hd", "hs", "head"]);
        let header = Header::read("inductive Way : Nat → Prop where\n  | here : Way 0\ninductive Bag (α) where\n  | empty\n");
        let goal = Goal::parse("g : Way n\nh : Bag α\nf : Nat → Way n\n⊢ p").unwrap();
        let view = View::behind(&header, &goal);
        assert_eq!((names(&view.facts), names(&view.data)), (vec!["g".into()], vec!["h".into(), "f".into()]), "by the header");
    }

    #[test]
    fn terms_under_binders_stay_there() {
        let goal =
            Goal::parse("f : Nat → Nat\nn : Nat\nh : ∀ (k : Nat), f (k + 1) = f k\n⊢ f (n + 2) = f n ∧ ∃ m, f m = n").unwrap();
        let texts: Vec<&str> = View::new(&goal).terms.iter().map(|t| t.text).collect();
        assert!(texts.contains(&"n + 2") && texts.contains(&"f n"), "{texts:?}");
        assert!(!texts.iter().any(|t| t.contains("f k") || t.contains("f m")), "{texts:?}");
    }
}
