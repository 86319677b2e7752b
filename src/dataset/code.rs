//! What the tokens of a header say: which command, attribute, instance or syntax stands at a place.

use std::collections::HashSet;

use crate::lean::syntax::{Kind as Sort, Token};

/// Commands that bring syntax, with what it looks like in a string.
pub(super) const SYNTAX: &[&str] =
    &["infix", "infixl", "infixr", "macro", "notation", "notation3", "postfix", "prefix", "syntax"];

/// A text and its tokens.
pub(super) struct Source<'a> {
    pub text: &'a str,
    pub code: &'a [Token<'a>],
}

impl<'a> Source<'a> {
    fn word(&self, i: usize) -> &'a str {
        self.code.get(i).map_or("", |t| t.text)
    }

    /// `eval` of `#eval`.
    pub fn hash_command(&self, i: usize) -> Option<&'a str> {
        let token = &self.code[i];
        match token.text.strip_prefix('#')? {
            "" => self.code.get(i + 1).filter(|next| next.start == token.end()).map(|next| next.text),
            joined => Some(joined),
        }
    }

    /// Whether the token stands in the brackets of `@[…]` or `attribute […]`.
    pub fn in_attribute(&self, i: usize) -> bool {
        let open = self.code[..i].iter().rposition(|t| t.text == "[");
        let opens = open.is_some_and(|o| o > 0 && matches!(self.word(o - 1), "@" | "attribute"));
        opens && open.is_some_and(|o| self.code[o..i].iter().all(|t| t.text != "]"))
    }

    /// What an instance, or the attribute, is for; `None` when it is for the header's own types or classes.
    pub fn instance(&self, i: usize, what: &str) -> Option<String> {
        if self.in_attribute(i) {
            return Some(format!("the {what} marks definitions as instances (`{}`)", self.word(i)));
        }
        let rest = &self.code[i + 1..];
        let (mut depth, mut colon, mut end) = (0usize, None, rest.len());
        for (j, token) in rest.iter().enumerate() {
            match token.kind {
                Sort::Open => depth += 1,
                Sort::Close => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                _ if token.text == ":" && colon.is_none() => colon = Some(j),
                _ if matches!(token.text, ":=" | "where" | "|") || token.text == "for" && colon.is_none() => {
                    end = j;
                    break;
                }
                _ => {}
            }
        }
        let Some(colon) = colon else {
            // `deriving instance C for T`.
            return Some(format!("the {what} has an instance over a type of the library (`{}`)", self.word(i)));
        };
        let ty = &rest[colon + 1..end];
        let own = self.own_names();
        let last = |name: &str| unquoted(name.rsplit('.').next().unwrap_or(name));
        if ty.iter().any(|t| t.kind == Sort::Name && own.contains(&last(t.text))) {
            return None;
        }
        let written = match (ty.first(), ty.last()) {
            (Some(first), Some(last)) => self.text[first.start..last.end()].split_whitespace().collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        Some(match ty.first().map(|t| last(t.text)).as_deref() {
            Some("OfNat") => format!("the {what} has an instance that changes a numeral (`{written}`)"),
            _ => format!("the {what} has an instance over a type of the library (`{written}`)"),
        })
    }

    /// Types and classes that the text declares. An `abbrev` is its library type under another name.
    fn own_names(&self) -> HashSet<String> {
        let opaque = self.code.iter().all(|t| t.text != "reducible");
        let declares =
            |word: &str| ["structure", "class", "inductive", "axiom", "opaque"].contains(&word) || (opaque && word == "def");
        let pairs = self.code.windows(2).filter(|p| declares(p[0].text) && p[1].kind == Sort::Name);
        pairs.map(|p| unquoted(p[1].text.rsplit('.').next().unwrap_or(p[1].text))).collect()
    }

    /// The first string of a command that brings syntax: what it begins with.
    pub fn atom(&self, i: usize) -> Option<&'a str> {
        let rest = self.code[i + 1..].iter().take_while(|t| t.text != ":=");
        let literal = rest.take(40).find(|t| t.kind == Sort::Literal && t.text.starts_with('"'))?;
        Some(literal.text.trim_matches('"').trim())
    }

    /// What the patterns of `macro_rules` begin with, but for syntax that the text brings itself.
    pub fn macro_words(&self, i: usize) -> Vec<&'a str> {
        let own: HashSet<&str> =
            (0..self.code.len()).filter(|&j| SYNTAX.contains(&self.word(j))).filter_map(|j| self.atom(j)).collect();
        let mut words = Vec::new();
        let mut at = i + 1;
        // Each alternative is `| `(pattern) => …`; the quotation behind `=>` is what it becomes.
        while at < self.code.len() {
            if self.word(at) == "|" && self.word(at + 1) == "`" && self.word(at + 2) == "(" {
                let word = self.pattern_word(at + 3);
                if !own.contains(word) {
                    words.push(word);
                }
            } else if SYNTAX.contains(&self.word(at)) && !self.word(at - 1).ends_with('|') {
                break;
            }
            at += 1;
        }
        words
    }

    /// The first fixed word of a pattern that begins at `at`.
    fn pattern_word(&self, mut at: usize) -> &'a str {
        if self.word(at + 1) == "|" {
            at += 2;
        }
        while self.word(at) == "$" {
            at += 2;
            if self.word(at) == ":" {
                at += 2;
            }
        }
        match self.word(at) {
            "" => "?",
            word => word,
        }
    }
}

pub(super) fn unquoted(name: &str) -> String {
    name.replace(['«', '»'], "")
}

/// The option behind `set_option`, whatever its quotes and blanks.
pub(super) fn option_name(code: &[Token]) -> String {
    let mut name = String::new();
    for token in code {
        let joins = name.is_empty() || name.ends_with('.');
        if token.text == "." && !name.is_empty() || token.kind == Sort::Name && joins {
            name.push_str(&unquoted(token.text));
        } else {
            break;
        }
    }
    name
}
