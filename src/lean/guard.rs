//! The guard: decides, before Lean sees it, whether a text can be one tactic block and nothing else.
//!
//! Model output is hostile. What passes here cannot end its block, begin a command, bring an axiom, run code while
//! Lean elaborates, or reach past its own brackets and comments. Strict on purpose: a lost tactic costs little.

use super::syntax::{Kind, SyntaxError, Token, tokens};

/// Longest tactic block, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// Why a text was not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("it contains the character U+{0:04X}, which can hide text or end a line")]
    Character(u32),
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    #[error("brackets do not match at `{0}`")]
    Brackets(String),
    #[error("`{0}` is not allowed in a proof")]
    Banned(String),
    #[error("the option `{0}` may not be set in a proof")]
    Option(String),
    #[error("`{0}` may be read in more ways than one; put a space there")]
    Ambiguous(String),
    #[error("line {0} is indented less than the first one")]
    Indentation(usize),
}

/// Words that begin commands or end a proof's block. Keywords only when they stand alone (`h.end` is a name).
const COMMANDS: &[&str] = &[
    "abbrev",
    "alias",
    "class",
    "coinductive",
    "constant",
    "decreasing_by",
    "def",
    "definition",
    "deriving",
    "end",
    "example",
    "export",
    "in_universe",
    "include",
    "inductive",
    "irreducible_def",
    "lemma",
    "library_note",
    "local",
    "meta",
    "module",
    "mutual",
    "namespace",
    "noncomputable",
    "nonrec",
    "omit",
    "open",
    "partial",
    "prelude",
    "private",
    "proof_wanted",
    "protected",
    "public",
    "restate_axiom",
    "scoped",
    "seal",
    "section",
    "structure",
    "suppress_compilation",
    "termination_by",
    "theorem",
    "universe",
    "universes",
    "variable",
    "variables",
    "where",
];

/// Words that are refused in every text that is not the user's own: they bring axioms, change the language, or run code
/// while Lean elaborates. Keywords only when they stand alone; what a theorem rests on is seen in its proof term.
const NEVER: &[&str] = &[
    "add_decl_doc",
    "attribute",
    "axiom",
    "axioms",
    "builtin_initialize",
    "bv_check",
    "bv_decide",
    "by_elab",
    "compile_inductive",
    "declare_syntax_cat",
    "elab",
    "elab_rules",
    "extern",
    "implemented_by",
    "import",
    "include_str",
    "infix",
    "infixl",
    "infixr",
    "init_quot",
    "initialize",
    "instance",
    "macro",
    "macro_rules",
    "native",
    "notation",
    "notation3",
    "opaque",
    "postfix",
    "run_cmd",
    "run_elab",
    "run_meta",
    "run_tac",
    "simproc",
    "syntax",
    "unseal",
];

/// Parts of names that are never honest in a proof, whatever stands around them.
const BANNED_PARTS: &[&str] = &["sorry", "native_decide", "ofReduce", "trustCompiler", "skipKernel", "dbg_"];
/// Names that are never honest in a proof when they are the last part of a name.
const BANNED_ENDS: &[&str] = &["admit", "reduceBool", "reduceNat", "unsafe"];

/// Options a tactic may set, with `in`: they change how long Lean tries, not what it accepts.
const OPTIONS: &[&str] = &["maxRecDepth", "exponentiation.threshold", "synthInstance.maxHeartbeats", "maxHeartbeats"];

/// Lets `text` through as one tactic block.
///
/// ```
/// use qstar::lean::guard::check;
/// assert!(check("intro h\nexact h.symm").is_ok());
/// assert!(check("sorry").is_err());
/// assert!(check("rfl\nend X").is_err());
/// ```
///
/// # Errors
/// The first reason found.
pub fn check(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(Refusal::TooLong);
    }
    check_characters(text)?;
    let base = text.len() - text.trim_start_matches(' ').len();
    for (i, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent < base && !line.trim().is_empty() {
            return Err(Refusal::Indentation(i + 1));
        }
    }
    let tokens: Vec<Token> = tokens(text)?;
    check_comments(text, &tokens)?;
    check_tokens(&tokens, true, text)
}

/// Comments of which Lean's tables might have another view: those that touch a symbol, those inside each other, and comments of
/// declarations (`/--`, `/-!`), which are tokens to Lean where no declaration stands.
fn check_comments(text: &str, tokens: &[Token]) -> Result<(), Refusal> {
    for token in tokens.iter().filter(|t| t.kind == Kind::Comment) {
        let before = text[..token.start].chars().next_back();
        let touches = before.is_some_and(|c| !c.is_whitespace() && !c.is_alphanumeric() && !")]}⟩\"".contains(c));
        let inner = token.text.get(2..).unwrap_or("");
        if touches || (token.text.starts_with("/-") && (inner.contains("/-") || inner.starts_with(['/', '-', '!']))) {
            return Err(Refusal::Ambiguous(token.text.chars().take(12).collect()));
        }
    }
    Ok(())
}

/// What stands in `{…}` of an interpolated string must be a term without commands.
fn check_interpolated(literal: &str, commands: bool) -> Result<(), Refusal> {
    for part in literal.split('{').skip(1) {
        let Some(code) = part.split('}').next().filter(|_| part.contains('}')) else {
            return Err(Refusal::Ambiguous("{".into()));
        };
        check_tokens(&tokens(code)?, commands && !code.trim().is_empty(), code)?;
    }
    Ok(())
}

/// Whether `open` is followed by names and `in`.
fn opens_for_one(rest: &[&Token]) -> bool {
    let names = rest.iter().take_while(|t| t.kind == Kind::Name && t.text != "in").count();
    (1..=8).contains(&names) && rest.get(names).is_some_and(|t| t.text == "in")
}

/// Whether a word stands where a tactic begins: first on its line, or behind what separates tactics.
fn begins_tactic(before: Option<&Token>, word: &Token, text: &str) -> bool {
    let line = text[..word.start].rsplit('\n').next().unwrap_or("");
    line.trim().is_empty()
        || before.is_none_or(|t| matches!(t.text, ";" | ">" | "by" | "·" | "." | "(" | "try" | "repeat" | "first" | "|" | "do"))
}

/// `#` directly before `[`, or before four or more hexadecimal digits.
fn is_anchor(hash: &Token, text: &str) -> bool {
    let behind = &text[hash.end()..];
    let digits = behind.chars().take_while(char::is_ascii_hexdigit).count();
    behind.starts_with('[') || (digits >= 4 && !behind[digits..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether a character is invisible, or turns the direction of what stands around it.
pub(crate) fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Refuses characters that hide text from a reader or that Lean and we might see differently.
fn check_characters(text: &str) -> Result<(), Refusal> {
    let hidden = |c: char| (c.is_control() && c != '\n') || hides(c) || (c.is_whitespace() && c != ' ' && c != '\n');
    text.chars().find(|&c| hidden(c)).map_or(Ok(()), |c| Err(Refusal::Character(c as u32)))
}

/// The token rules; `commands` says whether words that begin commands are refused as well.
fn check_tokens(tokens: &[Token], commands: bool, text: &str) -> Result<(), Refusal> {
    let mut open = Vec::new();
    let code: Vec<&Token> = tokens.iter().filter(|t| t.kind != Kind::Comment).collect();
    if commands && code.is_empty() {
        return Err(Refusal::Empty);
    }
    for (i, token) in code.iter().enumerate() {
        match token.kind {
            Kind::Open => open.push(token.text),
            Kind::Close if open.pop().is_some_and(|o| closes(o, token.text)) => {}
            Kind::Close => return Err(Refusal::Brackets(token.text.to_owned())),
            Kind::Name if token.text == "set_option" => {
                let option = code.get(i + 1).map_or("", |t| t.text);
                let bounded =
                    code.get(i + 2).is_some_and(|t| t.text.parse::<u64>().is_ok_and(|n| (1..=10_000_000).contains(&n)));
                if !OPTIONS.contains(&option) || !bounded || code.get(i + 3).is_none_or(|t| t.text != "in") {
                    return Err(Refusal::Option(option.to_owned()));
                }
            }
            // `open Nat in simp` names things for one tactic.
            Kind::Name if token.text == "open" && opens_for_one(&code[i + 1..]) => {}
            // Lets every goal go that is left; a variable may have the name.
            Kind::Name if token.text == "stop" && begins_tactic(code.get(i.wrapping_sub(1)).copied(), token, text) => {
                return Err(Refusal::Banned("stop".into()));
            }
            Kind::Name => check_name(token.text, commands)?,
            // `#[1, 2]`, and the anchors that `grind?` prints (`#1bba`); all else is a command (`#exit`, `#eval`).
            Kind::Symbol if token.text == "#" && is_anchor(token, text) => {}
            // Quotations (`` ` ``) and `%`-terms reach into Lean's own machinery.
            Kind::Symbol if matches!(token.text, "#" | "`") => return Err(Refusal::Banned(token.text.to_owned())),
            Kind::Symbol
                if token.text == "%" && i > 0 && code[i - 1].kind == Kind::Name && code[i - 1].end() == token.start =>
            {
                let joined = code.get(i + 1).is_none_or(|next| next.start > token.end());
                if joined && code[i - 1].text.contains('_') {
                    return Err(Refusal::Banned(format!("{}%", code[i - 1].text)));
                }
            }
            // `s!"{…}"` holds code inside a string, which is code like any other.
            Kind::Literal if token.text.starts_with('"') && i > 0 && code[i - 1].text.ends_with('!') => {
                check_interpolated(token.text, commands)?;
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(bracket) => Err(Refusal::Brackets(bracket.to_owned())),
        None => Ok(()),
    }
}

fn check_name(name: &str, commands: bool) -> Result<(), Refusal> {
    // `h.1` is a name and a number to Lean, and so is `def.1` a word and a number.
    let parts: Vec<&str> = name.split('.').collect();
    let mut words = parts.split(|part| part.starts_with(|c: char| c.is_ascii_digit())).filter(|word| !word.is_empty());
    words.try_for_each(|word| check_word(&word.join("."), commands))
}

fn check_word(name: &str, commands: bool) -> Result<(), Refusal> {
    let hostile = name.contains('«')
        || name.starts_with("Lean.")
        || name.starts_with("declare_")
        || BANNED_PARTS.iter().any(|part| name.contains(part))
        || name.rsplit('.').next().is_some_and(|last| BANNED_ENDS.contains(&last))
        || NEVER.contains(&name)
        || (commands && (COMMANDS.contains(&name) || name == "prefix"));
    if hostile { Err(Refusal::Banned(name.to_owned())) } else { Ok(()) }
}

fn closes(open: &str, close: &str) -> bool {
    ["()", "[]", "{}", "⟨⟩", "⟪⟫", "⟦⟧", "‹›", "⌊⌋", "⌈⌉"].iter().any(|pair| pair.strip_prefix(open) == Some(close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_honest_tactics_hold_is_let_through() {
        for text in [
            "exact ⟨#[4, 5, 6], rfl⟩",
            "grind => instantiate #1bba",
            "simp only [Fin.reduceNatAdd, Nat.reduceAdd]",
            "cases stop with\n| zero => omega\n| succ m => omega",
            "exact r.stop",
            "rw [show unsafe_count = 2 from h]",
            "have := s.instance\nexact this.end",
            "open Nat in simp",
            "exact congrArg (fun n => s!\"{n} apples\") h",
            "exact xs[0]'h",
            "exact absurd h (by decide) -- because",
            "intro c\ndecide +revert /- all of them -/",
            "exact '\\''.toNat_lt",
            "exact h.1.2.symm",
            "norm_num [show (1.5e3 : Float) = 1500 from h]",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_lean_reads_otherwise_is_refused() {
        for text in [
            "iterate 1native_decide",
            "trivial /-/- x -/ axiom drought : False -- -/",
            "first | rw [<--1] | trivial axiom drought : False /-\n] -- -/",
            "first\n  | exact xs[0]'\"' \"\n  | trivial\naxiom drought : False\n-- '\"'",
            "exact Natˣaxiom",
            "exact '\\'' axiom a : False --'",
            "skip; stop",
            "· stop",
            "exact s!\"{by native_decide}\"",
            "open Nat",
            "#eval 1",
            "exact 1.5e3axiom a : False",
            "exact h.1section",
            "exact h.1e3axiom a : False",
            "exact def.1",
            "rfl /--/",
            "rfl /-- for the next one -/",
            "rfl /-! for the module -/",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
