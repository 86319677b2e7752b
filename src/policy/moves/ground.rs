//! Small closed values of the header's types and of the library's plain ones: a conjecture that fails on some of them is no law.
//!
//! Testing before proving, as in QuickSpec (Claessen, Smallbone and Hughes 2010, «QuickSpec: Guessing Formal Specifications Using
//! Testing»). Lean computes; here are only terms.

use super::header::{Constructor, Header};
use super::shape::unbracketed;

/// How deep values go: each variable of a law takes all depths from 1 to this one in turn.
pub const DEEPEST: usize = 3;

/// A value of a type, `depth` constructors deep; deeper ones are larger. None: no value of this type is known.
pub fn value(header: &Header, ty: &str, depth: usize) -> Option<String> {
    let ty = unbracketed(ty);
    if let Some((taken, given)) = ty.split_once(" → ") {
        let one = !given.contains('→') && is_number(header, unbracketed(taken));
        return match given {
            "Bool" if one => Some(format!("(fun x => x == {depth})")),
            given if one && is_number(header, given) => Some(format!("(fun x => x + {depth})")),
            _ => None,
        };
    }
    if let Some((left, right)) = ty.split_once(" × ") {
        return Some(format!("({}, {})", value(header, left, depth)?, value(header, right, depth)?));
    }
    if let Some(own) = header.type_of(ty) {
        let arguments = |c: &Constructor| c.signature.arguments.clone();
        let inside = |c: &&Constructor| arguments(c).iter().any(|a| header.type_of(a) == Some(own));
        let (deep, plain): (Vec<&Constructor>, Vec<&Constructor>) = own.constructors.iter().partition(|c| inside(c));
        let chosen = if depth == 0 || deep.is_empty() { &plain } else { &deep };
        let constructor = chosen.get(depth % chosen.len().max(1))?;
        let mut at = depth;
        let given: Option<Vec<String>> = arguments(constructor)
            .iter()
            .map(|argument| {
                // Parts of the type itself become smaller from left to right: what turns them round can be seen.
                let is_part = header.type_of(argument) == Some(own);
                at = if is_part { at.saturating_sub(1) } else { at };
                value(header, argument, if is_part { at } else { depth })
            })
            .collect();
        let given = given?;
        return Some(if given.is_empty() {
            constructor.name.clone()
        } else {
            format!("({} {})", constructor.name, given.join(" "))
        });
    }
    if let Some(element) = ty.strip_prefix("List ") {
        let order = (depth > 0).then_some(depth).into_iter().chain(1..depth);
        let elements: Option<Vec<String>> = order.map(|at| value(header, element, at)).collect();
        return Some(format!("[{}]", elements?.join(", ")));
    }
    match (ty, ty.strip_prefix("Option ")) {
        (_, Some(_)) if depth == 0 => Some("none".to_owned()),
        (_, Some(inner)) => Some(format!("(some {})", value(header, inner, depth)?)),
        ("Bool", _) => Some((depth % 2 == 1).to_string()),
        ("Int" | "ℤ", _) if depth.is_multiple_of(2) => Some(format!("(-{depth})")),
        ("Int" | "ℤ", _) => Some(depth.to_string()),
        _ => is_number(header, ty).then(|| depth.to_string()),
    }
}

/// A term in which values stand for variables.
pub fn at(term: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(term.len());
    let is_word = |c: char| c.is_alphanumeric() || "_'.".contains(c);
    let mut rest = term;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        out.push_str(values.iter().find(|(name, _)| *name == part).map_or(part, |(_, value)| value));
        rest = behind;
    }
    out
}

/// Numbers stand for its values: the natural numbers, and a variable that is a type.
fn is_number(header: &Header, ty: &str) -> bool {
    let variable = |c: char| c.is_lowercase() || c.is_ascii_uppercase() && ty.len() == 1;
    ["Nat", "ℕ"].contains(&ty) || !ty.contains(' ') && ty.starts_with(variable) && header.type_of(ty).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_grow_with_their_depth() {
        let header = Header::read(
            "inductive Num where\n  | nought\n  | next (n : Num)\ninductive Tree (α : Type) where\n  | leaf\n  | node (l : Tree α) (x : α) (r : Tree α)\ninductive Way where\n  | up | down",
        );
        let of = |ty: &str, depth: usize| value(&header, ty, depth).unwrap_or_default();
        assert_eq!((of("Num", 0), of("Num", 2)), ("Num.nought".to_owned(), "(Num.next (Num.next Num.nought))".to_owned()));
        assert_eq!(of("Tree α", 2), "(Tree.node (Tree.node Tree.leaf 1 Tree.leaf) 2 Tree.leaf)");
        assert_eq!((of("Way", 1), of("Way", 2)), ("Way.down".to_owned(), "Way.up".to_owned()));
        assert_eq!((of("List Nat", 3), of("List (Option α)", 1)), ("[3, 1, 2]".to_owned(), "[(some 1)]".to_owned()));
        assert_eq!((of("α → Bool", 2), of("Int", 2)), ("(fun x => x == 2)".to_owned(), "(-2)".to_owned()));
        assert_eq!(value(&header, "Std.HashMap Nat Nat", 1), None);
    }

    #[test]
    fn values_stand_for_whole_words_only() {
        let values = [("a", "1".to_owned()), ("b", "(a b)".to_owned())];
        assert_eq!(at("(glue a (N.a b)) = a'", &values), "(glue 1 (N.a (a b))) = a'");
    }
}
