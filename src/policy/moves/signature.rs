//! What a function of the header takes and gives, by the types that are written.

use crate::lean::syntax::{Kind, Token};

/// Types of the explicit arguments, in order, and of the result; with single spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    pub arguments: Vec<String>,
    /// Empty where none is written.
    pub result: String,
}

impl Signature {
    /// Reads what stands behind a name in its declaration, up to its value. Names of arguments are left out: types that hang on them
    /// are taken as they are written.
    pub fn read(rest: &[Token]) -> Signature {
        let mut depth = 0usize;
        let ends =
            |(t, depth): (&Token, usize)| depth == 0 && matches!(t.text, ":=" | "|" | "where" | "termination_by" | "deriving");
        let mut levels = Vec::with_capacity(rest.len());
        for token in rest {
            if token.kind == Kind::Close {
                depth = depth.saturating_sub(1);
            }
            levels.push(depth);
            if token.kind == Kind::Open {
                depth += 1;
            }
        }
        let end = (0..rest.len()).find(|&i| ends((&rest[i], levels[i]))).unwrap_or(rest.len());
        let colon = (0..end).find(|&i| rest[i].text == ":" && levels[i] == 0);
        let mut arguments = Vec::new();
        let mut at = 0;
        while at < colon.unwrap_or(end) {
            let close = (at + 1..end).find(|&i| levels[i] == levels[at] && rest[i].kind == Kind::Close).unwrap_or(end);
            if rest[at].text == "("
                && let Some(colon) = (at + 1..close).find(|&i| rest[i].text == ":" && levels[i] == levels[at] + 1)
            {
                let ty = text(&rest[colon + 1..close]);
                arguments.extend(std::iter::repeat_n(ty, colon - at - 1));
            }
            at = if rest[at].kind == Kind::Open { close + 1 } else { at + 1 };
        }
        let Some(colon) = colon else { return Signature { arguments, result: String::new() } };
        let arrow = |&i: &usize| matches!(rest[i].text, "→" | "->") && levels[i] == 0;
        let mut start = colon + 1;
        for at in (colon + 1..end).filter(arrow) {
            arguments.push(text(&rest[start..at]));
            start = at + 1;
        }
        Signature { arguments, result: text(&rest[start..end]) }
    }
}

/// Tokens as a text: a space between them, none inside of brackets' ends.
fn text(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (i, token) in tokens.iter().enumerate() {
        let tight = token.kind == Kind::Close || i.checked_sub(1).is_some_and(|before| tokens[before].kind == Kind::Open);
        if i > 0 && !tight {
            out.push(' ');
        }
        out.push_str(token.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::syntax::tokens;

    #[test]
    fn types_are_read_as_they_are_written() {
        let read = |source: &str| {
            let found = Signature::read(&tokens(source).unwrap());
            format!("{} gives {}", found.arguments.join(", "), found.result)
        };
        assert_eq!(read(": Num → Num → Num\n  | a, .z => a"), "Num, Num gives Num");
        assert_eq!(read("{α : Type} [BEq α] (x y : α) (xs : List (Option α)) : Bool := f"), "α, α, List (Option α) gives Bool");
        assert_eq!(read("(f : Nat → Nat) : List Nat → List Nat\n| [] => []"), "Nat → Nat, List Nat gives List Nat");
        assert_eq!(read("(left : Tree) (load : Nat)"), "Tree, Nat gives ");
        assert_eq!(read("(n : Nat) := n"), "Nat gives ");
    }
}
