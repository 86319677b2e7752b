//! Signs (`+`, `*`, `++`, `0`, …) that an instance of the header gives to a function or a value of its own.

use crate::lean::syntax::{Kind, Token};

/// Classes of the library, and the signs that their instances define.
const SIGNS: &[(&str, &str)] = &[
    ("Add", "+"),
    ("Mul", "*"),
    ("Sub", "-"),
    ("Append", "++"),
    ("Union", "∪"),
    ("Inter", "∩"),
    ("AndOp", "&&&"),
    ("OrOp", "|||"),
    ("Zero", "0"),
    ("One", "1"),
    ("OfNat", "0"),
];

/// What an instance says: the sign stands for the function, at this type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    pub symbol: &'static str,
    /// As it is written.
    pub ty: String,
    /// As it is written; with its namespaces once it is known.
    pub function: String,
}

impl Sign {
    /// Reads what stands behind `instance`, where the instance names a function and does nothing else: `: Add T := ⟨f⟩`,
    /// `: Add T where add := f`, `: Add T := { add := f }`.
    pub fn read(rest: &[Token]) -> Option<Sign> {
        let colon = rest.iter().position(|t| t.text == ":")?;
        let value = rest.iter().position(|t| t.text == ":=")?;
        let ends = rest.iter().position(|t| matches!(t.text, ":=" | "where"))?;
        let (class, arguments) = rest.get(colon + 1..ends)?.split_first()?;
        let symbol = SIGNS.iter().find(|(name, _)| *name == class.text)?.1;
        let ty = match arguments {
            [ty, number] if class.text == "OfNat" && number.text == symbol => ty,
            [ty] if class.text != "OfNat" => ty,
            _ => return None,
        };
        let names: Vec<&str> = rest[value..].iter().filter(|t| t.kind == Kind::Name).map(|t| t.text).collect();
        let field = rest[value..].iter().filter(|t| t.text == ":=").count() == 2;
        match names[..] {
            [function] if !field => Some(Sign { symbol, ty: ty.text.to_owned(), function: function.to_owned() }),
            [_, function] if field => Some(Sign { symbol, ty: ty.text.to_owned(), function: function.to_owned() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::syntax::tokens;

    #[test]
    fn instances_that_name_a_function_are_read() {
        let read = |source: &str| {
            Sign::read(&tokens(source).unwrap())
                .map(|s| format!("{} at {} is {}", s.symbol, s.ty, s.function))
                .unwrap_or_default()
        };
        assert_eq!(read(": Add Num := ⟨plus⟩"), "+ at Num is plus");
        assert_eq!(read("timesIt : Mul Num where\n  mul := Num.times"), "* at Num is Num.times");
        assert_eq!(read(": Append Word := { append := glue }"), "++ at Word is glue");
        assert_eq!(read(": OfNat Num 0 := ⟨Num.nought⟩"), "0 at Num is Num.nought");
        assert_eq!(read(": OfNat Num 3 := ⟨Num.three⟩"), "");
        assert_eq!(read(": Add Num := ⟨fun a b => plus b a⟩"), "");
        assert_eq!(read(": Ring Num := ⟨plus⟩"), "");
    }
}
