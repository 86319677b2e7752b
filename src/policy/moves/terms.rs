//! Terms of printed goals: a reader of Lean's usual notation, good enough to find arguments, conditions and applications.
//!
//! What it does not know it leaves whole; a term that is read wrongly costs one failed tactic.

use crate::lean::syntax::{Kind as TokenKind, Token, tokens};

/// What a term is, by its outermost notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    Name,
    Number,
    /// A function and its arguments.
    Apply,
    Binary(&'a str),
    Prefix(&'a str),
    /// Condition, then, else.
    If,
    /// What a `match` looks at.
    Match,
    /// `∀`, `∃`, `fun`, `let`: what stands under it is not looked into.
    Binder,
    Other,
}

/// A term and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term<'a> {
    pub kind: Kind<'a>,
    /// Without brackets around it.
    pub text: &'a str,
    pub parts: Vec<Term<'a>>,
    start: usize,
    end: usize,
}

/// Reads a printed term; `None` when it is nothing that this reader knows.
pub fn parse(text: &str) -> Option<Term<'_>> {
    let all = tokens(text).ok()?;
    let mut reader = Reader { text, tokens: all, at: 0, depth: 0 };
    let term = reader.term(0)?;
    (reader.at == reader.tokens.len()).then_some(term)
}

impl<'a> Term<'a> {
    /// Itself and all its parts, the outer ones first.
    pub fn walk(&self, visit: &mut impl FnMut(&Term<'a>)) {
        visit(self);
        self.parts.iter().for_each(|part| part.walk(visit));
    }

    /// The function at its head, for an application; itself for a name.
    pub fn head(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Name => Some(self.text),
            Kind::Apply => self.parts.first().and_then(Term::head),
            _ => None,
        }
    }

    /// As an argument: in brackets where it needs them.
    pub fn as_argument(&self) -> String {
        match self.kind {
            Kind::Name | Kind::Number => self.text.to_owned(),
            _ => format!("({})", self.text),
        }
    }

    /// Whether its notation makes it a number's term.
    pub fn is_arithmetic(&self) -> bool {
        matches!(self.kind, Kind::Binary("+" | "-" | "*" | "/" | "%" | "^"))
    }

    /// Whether its notation makes it a proposition that compares or joins.
    pub fn is_proposition(&self) -> bool {
        matches!(
            self.kind,
            Kind::Binary("=" | "≠" | "<" | ">" | "≤" | "≥" | "∣" | "∈" | "∉" | "∧" | "∨" | "→" | "↔") | Kind::Prefix("¬")
        )
    }
}

/// Operators of two characters.
const LONG: &[&str] = &["++", "::", "&&", "||", "==", "!=", "<|", "|>", "<$", "$>", ">=", "<=", "∘ₗ", "->", "^^"];
/// Deepest nesting that is read.
const DEEPEST: usize = 60;

/// How tightly an operator binds on both sides.
fn binding(operator: &str) -> Option<(u8, u8)> {
    let left = |n: u8| Some((n, n + 1));
    let right = |n: u8| Some((n + 1, n));
    match operator {
        "↔" => left(20),
        "→" => right(24),
        "∨" | "||" => right(30),
        "∧" | "&&" | "×" => right(34),
        "=" | "≠" | "<" | ">" | "≤" | "≥" | "∈" | "∉" | "∣" | "==" | "!=" | "⊆" | "⊂" | "≃" | "≈" | "~" | "<+" => {
            left(50)
        }
        "+" | "-" | "++" | "∪" => left(64),
        "::" => right(66),
        "*" | "/" | "%" | "∩" | "<<<" | ">>>" => left(70),
        "^" => right(75),
        "∘" => right(90),
        _ => None,
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn peek_text(&self) -> &'a str {
        self.peek().map_or("", |t| t.text)
    }

    /// The operator that stands here, of one or two tokens.
    fn operator(&self) -> Option<(&'a str, usize)> {
        let token = self.peek()?;
        let next = self.tokens.get(self.at + 1);
        if let Some(next) = next.filter(|n| n.start == token.end()) {
            let both = &self.text[token.start..next.end()];
            if LONG.contains(&both) {
                return Some((both, 2));
            }
        }
        (token.kind == TokenKind::Symbol).then_some((token.text, 1))
    }

    fn make(&self, kind: Kind<'a>, start: usize, end: usize, parts: Vec<Term<'a>>) -> Term<'a> {
        Term { kind, text: &self.text[start..end], parts, start, end }
    }

    fn term(&mut self, least: u8) -> Option<Term<'a>> {
        self.depth += 1;
        let found = if self.depth > DEEPEST { None } else { self.term_within(least) };
        self.depth -= 1;
        found
    }

    fn term_within(&mut self, least: u8) -> Option<Term<'a>> {
        let mut left = self.prefix()?;
        while let Some((operator, length)) = self.operator() {
            let Some((before, after)) = binding(operator).filter(|(before, _)| *before >= least) else { break };
            let _ = before;
            self.at += length;
            let right = self.term(after)?;
            let (start, end) = (left.start, right.end);
            left = self.make(Kind::Binary(operator), start, end, vec![left, right]);
        }
        Some(left)
    }

    fn prefix(&mut self) -> Option<Term<'a>> {
        let token = self.peek()?;
        match token.text {
            "¬" | "!" => {
                self.at += 1;
                let inner = self.term(40)?;
                let end = inner.end;
                Some(self.make(Kind::Prefix(token.text), token.start, end, vec![inner]))
            }
            "-" => {
                self.at += 1;
                let inner = self.term(75)?;
                let end = inner.end;
                Some(self.make(Kind::Prefix("-"), token.start, end, vec![inner]))
            }
            "if" | "bif" => self.conditional(token),
            "match" => {
                self.at += 1;
                let looked_at = self.term(0)?;
                let end = self.skip_to_end(token);
                Some(self.make(Kind::Match, token.start, end, vec![looked_at]))
            }
            "∀" | "∃" | "∃!" | "fun" | "λ" | "let" | "have" | "Σ" | "Π" => {
                let end = self.skip_to_end(token);
                Some(self.make(Kind::Binder, token.start, end, Vec::new()))
            }
            _ => self.application(),
        }
    }

    /// `if c then a else b`, with `if h : c` and `bif` too.
    fn conditional(&mut self, token: Token<'a>) -> Option<Term<'a>> {
        self.at += 1;
        if self.tokens.get(self.at + 1).is_some_and(|t| t.text == ":") {
            self.at += 2;
        }
        let condition = self.term(0)?;
        if self.peek_text() != "then" {
            return None;
        }
        self.at += 1;
        let yes = self.term(0)?;
        if self.peek_text() != "else" {
            return None;
        }
        self.at += 1;
        let no = self.term(0)?;
        let end = no.end;
        Some(self.make(Kind::If, token.start, end, vec![condition, yes, no]))
    }

    /// Goes on to the bracket that closes what is open here, or to the end.
    fn skip_to_end(&mut self, from: Token<'a>) -> usize {
        let mut depth = 0usize;
        let mut end = from.end();
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close if depth == 0 => break,
                TokenKind::Close => depth -= 1,
                _ if depth == 0 && matches!(token.text, "," | "then" | "else") && !matches!(from.text, "∀" | "∃" | "let") =>
                {
                    break;
                }
                _ => {}
            }
            end = token.end();
            self.at += 1;
        }
        end
    }

    fn application(&mut self) -> Option<Term<'a>> {
        let head = self.atom()?;
        let mut parts = vec![head];
        while self.begins_atom() {
            parts.push(self.atom()?);
        }
        if parts.len() == 1 {
            return parts.pop();
        }
        // `f fun x => …`: the function is the last argument.
        let (start, end) = (parts[0].start, parts.last()?.end);
        Some(self.make(Kind::Apply, start, end, parts))
    }

    fn begins_atom(&self) -> bool {
        let Some(token) = self.peek() else { return false };
        match token.kind {
            TokenKind::Name => !["then", "else", "with", "at", "in", "by", "from", "if", "bif", "match"].contains(&token.text),
            TokenKind::Number | TokenKind::Literal | TokenKind::Open => true,
            TokenKind::Symbol => matches!(token.text, "↑" | "⇑" | "?" | "@" | "#"),
            _ => false,
        }
    }

    fn atom(&mut self) -> Option<Term<'a>> {
        let token = self.peek()?;
        self.at += 1;
        let mut term = match token.kind {
            TokenKind::Name if matches!(token.text, "fun" | "λ") => {
                let end = self.skip_to_end(token);
                self.make(Kind::Binder, token.start, end, Vec::new())
            }
            TokenKind::Name => self.make(Kind::Name, token.start, token.end(), Vec::new()),
            TokenKind::Number => self.make(Kind::Number, token.start, token.end(), Vec::new()),
            TokenKind::Literal => self.make(Kind::Other, token.start, token.end(), Vec::new()),
            TokenKind::Open => self.bracket(token)?,
            TokenKind::Symbol if matches!(token.text, "↑" | "⇑" | "?" | "@") => {
                let inner = self.atom()?;
                let end = inner.end;
                self.make(Kind::Prefix(token.text), token.start, end, vec![inner])
            }
            _ => return None,
        };
        while let Some(next) = self.peek().filter(|n| n.start == term.end) {
            let start = term.start;
            match next.text {
                // `(xs ++ ys).length`
                "." => {
                    let field = self.tokens.get(self.at + 1).filter(|f| f.start == next.end())?;
                    let end = field.end();
                    self.at += 2;
                    let parts = vec![term];
                    term = self.make(Kind::Other, start, end, parts);
                }
                "[" => {
                    self.at += 1;
                    let index = self.term(0)?;
                    if self.peek_text() != "]" {
                        return None;
                    }
                    let mut end = self.peek()?.end();
                    self.at += 1;
                    while let Some(mark) = self.peek().filter(|m| m.start == end && matches!(m.text, "?" | "!" | "'")) {
                        end = mark.end();
                        self.at += 1;
                    }
                    term = self.make(Kind::Other, start, end, vec![term, index]);
                }
                "⁻" => {
                    let end = self.tokens.get(self.at + 1).map_or(next.end(), Token::end);
                    self.at += 2;
                    term = self.make(Kind::Other, start, end, vec![term]);
                }
                _ => break,
            }
        }
        Some(term)
    }

    /// A bracket's inside: the term itself for round ones, a list of parts for others.
    fn bracket(&mut self, open: Token<'a>) -> Option<Term<'a>> {
        let mut parts = Vec::new();
        let mut plain = open.text == "(";
        loop {
            match self.peek()? {
                close if close.kind == TokenKind::Close => {
                    self.at += 1;
                    let end = close.end();
                    if plain && parts.len() == 1 {
                        let inner: Term = parts.pop()?;
                        return Some(Term { start: open.start, end, ..inner });
                    }
                    return Some(self.make(Kind::Other, open.start, end, parts));
                }
                separator if matches!(separator.text, "," | ":" | ";" | "·") => {
                    plain = false;
                    self.at += 1;
                }
                _ => parts.push(self.term(0)?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, kind: impl Fn(&Term) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        parse(text).unwrap().walk(&mut |t| {
            if kind(t) {
                found.push(t.text.to_owned());
            }
        });
        found
    }

    #[test]
    fn operators_bind_as_lean_prints_them() {
        let term = parse("a + b * c = d ∧ p → q ∨ ¬r").unwrap();
        assert_eq!(term.kind, Kind::Binary("→"));
        assert_eq!(term.parts[0].parts[0].text, "a + b * c = d");
        assert_eq!(term.parts[1].parts[1].kind, Kind::Prefix("¬"));
        assert_eq!(parse("a - b - c").unwrap().parts[0].text, "a - b");
        assert_eq!(parse("2 ^ n ^ m").unwrap().parts[1].text, "n ^ m");
        assert_eq!(parse("x :: xs ++ ys = zs").unwrap().kind, Kind::Binary("="));
    }

    #[test]
    fn applications_conditions_and_places_are_found() {
        let goal = "(if x ≤ y then count x (y :: ys) else xs[i + 1]!).length = f (a + 1) (g b)";
        assert_eq!(texts(goal, |t| t.kind == Kind::Apply), ["count x (y :: ys)", "f (a + 1) (g b)", "g b"]);
        let mut conditions = Vec::new();
        parse(goal).unwrap().walk(&mut |t| {
            if t.kind == Kind::If {
                conditions.push(t.parts[0].text.to_owned());
            }
        });
        assert_eq!(conditions, ["x ≤ y"]);
        let test = parse("f (bif p x then a else b)").unwrap();
        assert!(test.parts[1].kind == Kind::If && test.parts[1].parts[0].text == "p x", "{test:?}");
        assert!(texts(goal, |t| t.is_arithmetic()).contains(&"i + 1".to_owned()));
        assert_eq!(parse("f (a + 1)").unwrap().parts[1].as_argument(), "(a + 1)");
    }

    #[test]
    fn what_is_not_known_is_no_term() {
        for text in ["", "a +", "(a", "if a then", "⟦a"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert_eq!(parse("∀ (x : Nat), f x = 0").unwrap().kind, Kind::Binder);
        assert!(parse("List.map (fun x => x + 1) xs = ys").is_some());
    }
}
