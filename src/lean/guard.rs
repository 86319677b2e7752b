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

/// Words that are refused in every text that is not the user's own, also as a part of a dotted name: they admit
/// goals, bring axioms, change the language, or run code while Lean elaborates.
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
    "stop",
    "syntax",
    "unseal",
];

/// Parts of names that are never honest in a proof, whatever stands around them.
const BANNED_PARTS: &[&str] =
    &["sorry", "native_decide", "reduceBool", "reduceNat", "ofReduce", "trustCompiler", "skipKernel", "unsafe", "dbg", "admit"];

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
    check_tokens(&tokens, true)
}

/// Whether a character is invisible, or turns the direction of what stands around it.
pub(crate) fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Refuses characters that hide text from a reader or that Lean and we might see differently.
pub(crate) fn check_characters(text: &str) -> Result<(), Refusal> {
    let hidden = |c: char| (c.is_control() && c != '\n') || hides(c) || (c.is_whitespace() && c != ' ' && c != '\n');
    text.chars().find(|&c| hidden(c)).map_or(Ok(()), |c| Err(Refusal::Character(c as u32)))
}

/// The token rules; `commands` says whether words that begin commands are refused as well.
pub(crate) fn check_tokens(tokens: &[Token], commands: bool) -> Result<(), Refusal> {
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
            Kind::Name => check_name(token.text, commands)?,
            // `#exit`, `#eval`; quotations (`` ` ``) and `%`-terms reach into Lean's own machinery.
            Kind::Symbol if matches!(token.text, "#" | "`") => return Err(Refusal::Banned(token.text.to_owned())),
            Kind::Symbol
                if token.text == "%" && i > 0 && code[i - 1].kind == Kind::Name && code[i - 1].end() == token.start =>
            {
                let joined = code.get(i + 1).is_none_or(|next| next.start > token.end());
                if joined && code[i - 1].text.contains('_') {
                    return Err(Refusal::Banned(format!("{}%", code[i - 1].text)));
                }
            }
            // `s!"{…}"` holds code inside a string.
            Kind::Literal if token.text.starts_with('"') && i > 0 && code[i - 1].text.ends_with('!') => {
                return Err(Refusal::Banned("an interpolated string".into()));
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
    let hostile = name.contains('«')
        || name.starts_with("Lean.")
        || name.starts_with("declare_")
        || BANNED_PARTS.iter().any(|part| name.contains(part))
        || name.split('.').any(|part| NEVER.contains(&part))
        || (commands && (COMMANDS.contains(&name) || name == "prefix"));
    if hostile { Err(Refusal::Banned(name.to_owned())) } else { Ok(()) }
}

fn closes(open: &str, close: &str) -> bool {
    ["()", "[]", "{}", "⟨⟩", "⟪⟫", "⟦⟧", "‹›", "⌊⌋", "⌈⌉"].iter().any(|pair| pair.strip_prefix(open) == Some(close))
}
