//! Tokens of Lean source, as far as safety needs them: comments, strings, names, numbers, brackets, the rest.
//!
//! Not a parser: Lean parses. This only finds what must not be there and where declarations begin.

use std::collections::HashMap;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name, dots and `«»` parts included, without leading `@`.
    Name,
    Number,
    /// A string or character literal.
    Literal,
    Comment,
    Open,
    Close,
    Symbol,
}

/// A token and where it stands (byte offsets).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
}

impl Token<'_> {
    /// The offset just past the token.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Why text could not be cut into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("a comment is not closed")]
    OpenComment,
    #[error("a string or character is not closed")]
    OpenString,
    #[error("a «name» is not closed")]
    OpenName,
}

/// The imports that a file begins with, in one line each: they decide what a Lean process holds.
///
/// ```
/// use qstar::lean::syntax::imports;
/// assert_eq!(imports("-- a note\nimport Std -- all\nimport Lean.Elab\nopen Nat\n"), "import Std\nimport Lean.Elab\n");
/// ```
pub fn imports(source: &str) -> String {
    let mut found = String::new();
    for token in tokens(source).unwrap_or_default().iter().filter(|t| t.kind != Kind::Comment) {
        match token.text {
            "prelude" | "module" | "public" | "meta" | "import" | "all" => found.push_str(&format!("{} ", token.text)),
            name if found.ends_with("import ") || found.ends_with("all ") => found.push_str(&format!("{name}\n")),
            _ => break,
        }
    }
    found
}

/// Items of the same imports together, in the order in which their imports come first: a worker that takes them in turn imports
/// each once.
///
/// ```
/// use qstar::lean::syntax::grouped;
/// let rows = vec![("import A", 1), ("import B", 2), ("import A\nopen Nat", 3)];
/// let order: Vec<i32> = grouped(rows, |row| row.0).into_iter().map(|row| row.1).collect();
/// assert_eq!(order, [1, 3, 2]);
/// ```
pub fn grouped<T>(mut items: Vec<T>, header: impl Fn(&T) -> &str) -> Vec<T> {
    let mut first: HashMap<String, usize> = HashMap::new();
    for item in &items {
        let place = first.len();
        first.entry(imports(header(item))).or_insert(place);
    }
    items.sort_by_key(|item| first[&imports(header(item))]);
    items
}

fn is_name_start(c: char) -> bool {
    c == '_' || c == '«' || c.is_ascii_alphabetic() || is_letter_like(c)
}

fn is_name_rest(c: char) -> bool {
    matches!(c, '_' | '\'' | '!' | '?' | '✝') || c.is_ascii_alphanumeric() || is_letter_like(c) || is_subscript(c)
}

/// Letters beyond ASCII that Lean has in names (`isLetterLike` in `Init/Meta/Defs.lean`): Greek without λ, Π and Σ, Coptic,
/// letters with accents, letter-like symbols, and the mathematical alphabets. Others, such as raised letters, end a name.
fn is_letter_like(c: char) -> bool {
    match c {
        'λ' | 'Π' | 'Σ' | '×' | '÷' => false,
        'α'..='ω' | 'Α'..='Ω' | '\u{3ca}'..='\u{3fb}' | '\u{1f00}'..='\u{1ffe}' => true,
        '\u{c0}'..='\u{17f}' | '\u{2100}'..='\u{214f}' | '\u{1d49c}'..='\u{1d59f}' => true,
        _ => false,
    }
}

fn is_subscript(c: char) -> bool {
    matches!(c, '\u{2080}'..='\u{2089}' | '\u{2090}'..='\u{209c}' | '\u{1d62}'..='\u{1d6a}' | '\u{2c7c}')
}

/// Cuts `source` into tokens, white space left out.
///
/// # Errors
/// When a comment, string or quoted name does not end.
pub fn tokens(source: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = if rest.starts_with("--") {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/-") {
            (Kind::Comment, block_comment(rest)?)
        } else if c == '"' {
            (Kind::Literal, string(rest)?)
        } else if source[..at].ends_with(']') && c == '\'' {
            // `xs[i]'proof`
            (Kind::Symbol, 1)
        } else if let Some(len) = character(rest) {
            (Kind::Literal, len)
        } else if let Some(len) = raw_string(rest)? {
            (Kind::Literal, len)
        } else if is_name_start(c) {
            (Kind::Name, name(rest)?)
        } else if c.is_ascii_digit() {
            (Kind::Number, number(rest))
        } else if "([{⟨⟪⟦‹⌊⌈".contains(c) {
            (Kind::Open, c.len_utf8())
        } else if ")]}⟩⟫⟧›⌋⌉".contains(c) {
            (Kind::Close, c.len_utf8())
        } else if rest.starts_with(":=") || rest.starts_with("<-") {
            (Kind::Symbol, 2)
        } else {
            (Kind::Symbol, c.len_utf8())
        };
        found.push(Token { kind, text: &rest[..len], start: at });
        at += len;
    }
    Ok(found)
}

fn block_comment(text: &str) -> Result<usize, SyntaxError> {
    let bytes = text.as_bytes();
    let (mut depth, mut i) = (0, 0);
    while i + 1 < bytes.len() {
        match &bytes[i..i + 2] {
            b"/-" => {
                depth += 1;
                i += 2;
            }
            b"-/" => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return Ok(i);
                }
            }
            _ => i += 1,
        }
    }
    Err(SyntaxError::OpenComment)
}

fn string(text: &str) -> Result<usize, SyntaxError> {
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => return Ok(i + 1),
            _ => {}
        }
    }
    Err(SyntaxError::OpenString)
}

/// Digits, with the letters of their base, a fraction and an exponent: what follows them without a space is the next token
/// (`7axiom` is two, and so is `1.5e3axiom`).
fn number(text: &str) -> usize {
    let base = |digit: fn(&char) -> bool| 2 + text[2..].chars().take_while(|c| digit(c) || *c == '_').count();
    match text.get(..2) {
        Some("0x" | "0X") => base(char::is_ascii_hexdigit),
        Some("0b" | "0B") => base(|c| matches!(c, '0' | '1')),
        Some("0o" | "0O") => base(|c| matches!(c, '0'..='7')),
        _ => {
            let digits = |from: usize| text[from..].chars().take_while(|c| c.is_ascii_digit() || *c == '_').count();
            let begins = |from: usize| text[from..].starts_with(|c: char| c.is_ascii_digit());
            let mut end = digits(0);
            if text[end..].starts_with('.') && begins(end + 1) {
                end += 1 + digits(end + 1);
            }
            if text[end..].starts_with(['e', 'E']) {
                let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
                if begins(end + 1 + sign) {
                    end += 1 + sign + digits(end + 1 + sign);
                }
            }
            end
        }
    }
}

/// A character literal; a lone `'` is left to be a symbol.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let len = match inner.strip_prefix('\\') {
        Some(escape) => match escape.chars().next()? {
            '\\' | '\'' | '"' | 'n' | 't' | 'r' => 2,
            'x' => 4,
            'u' => 6,
            _ => return None,
        },
        None => inner.chars().next().filter(|&c| c != '\'')?.len_utf8(),
    };
    inner.get(len..)?.starts_with('\'').then_some(len + 2)
}

/// `r"…"` and `r#"…"#`.
fn raw_string(text: &str) -> Result<Option<usize>, SyntaxError> {
    let Some(rest) = text.strip_prefix('r') else { return Ok(None) };
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if !rest[hashes..].starts_with('"') {
        return Ok(None);
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 1 + hashes + 1;
    text[body..].find(&end).map(|n| Some(body + n + end.len())).ok_or(SyntaxError::OpenString)
}

fn name(text: &str) -> Result<usize, SyntaxError> {
    let mut at = 0;
    loop {
        if text[at..].starts_with('«') {
            at += text[at..].find('»').ok_or(SyntaxError::OpenName)? + '»'.len_utf8();
        } else {
            at += text[at..].find(|c| !is_name_rest(c)).unwrap_or(text.len() - at);
        }
        // Numbers of fields: a name does not go on right behind one.
        while text[at..].strip_prefix('.').is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit())) {
            at += 1 + number(&text[at + 1..]);
        }
        match text[at..].strip_prefix('.').and_then(|t| t.chars().next()) {
            Some(c) if is_name_start(c) => at += 1,
            _ => return Ok(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).unwrap().into_iter().map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn tokens_are_told_apart() {
        use Kind::*;
        assert_eq!(
            kinds("exact h'.1 ⟨'a', \"x -- y\"⟩ -- tail /- no\n/- a /- b -/ c -/ «end x».y 12"),
            [
                (Name, "exact"),
                (Name, "h'.1"),
                (Open, "⟨"),
                (Literal, "'a'"),
                (Symbol, ","),
                (Literal, "\"x -- y\""),
                (Close, "⟩"),
                (Comment, "-- tail /- no"),
                (Comment, "/- a /- b -/ c -/"),
                (Name, "«end x».y"),
                (Number, "12"),
            ]
        );
        assert_eq!(kinds("r#\"a\"b\"# rfl"), [(Literal, "r#\"a\"b\"#"), (Name, "rfl")]);
    }

    #[test]
    fn open_ends_are_errors() {
        assert_eq!(tokens("/- /- -/"), Err(SyntaxError::OpenComment));
        assert_eq!(tokens("\"abc\\\""), Err(SyntaxError::OpenString));
        assert_eq!(tokens("«abc"), Err(SyntaxError::OpenName));
    }

    proptest! {
        #[test]
        fn tokens_cover_all_but_white_space(text in "\\PC{0,80}") {
            if let Ok(found) = tokens(&text) {
                let mut at = 0;
                for t in found {
                    prop_assert!(text[at..t.start].chars().all(char::is_whitespace));
                    at = t.end();
                }
                prop_assert!(text[at..].chars().all(char::is_whitespace));
            }
        }
    }
}
