//! The verifier: dumb, separate and strict. «Proved» is its word alone.
//!
//! It sees a statement and a proof text, writes a fresh file and starts a fresh Lean process. Knows nothing of search.

pub mod bulk;
pub mod candidate;
pub mod certificate;
pub(crate) mod process;
pub mod queue;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::lean::document::indent_into;
use crate::lean::guard::{self, Refusal};
use crate::lean::syntax::tokens;
use crate::problem::Problem;
use crate::toolchain::Toolchain;
pub use certificate::{Axioms, Certificate, statement_hash};
pub use process::Message;

/// Axioms that a proof may rest on: those of Lean's own library.
const ALLOWED_AXIOMS: &[&str] = &["propext", "Classical.choice", "Quot.sound"];

/// Why a proof was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the proof is refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the header is refused: {0}")]
    Header(String),
    /// Lean's first error, and its line within the proof (from 0) where it lies there.
    #[error("Lean rejects it: {message}")]
    Lean { message: String, proof_line: Option<usize> },
    #[error("it rests on `sorry`")]
    Sorry,
    #[error("it rests on axioms that are not allowed: {}", .0.join(", "))]
    Axioms(Vec<String>),
    #[error("the theorem that stands in the end is not the one that was asked for: {0}")]
    OtherStatement(String),
    #[error("the file does not end as it was written: something in the proof swallowed what follows it")]
    Swallowed,
    #[error("Lean did not finish within {0:?}")]
    TimedOut(Duration),
    #[error("Lean did not run: {0}")]
    Process(String),
}

/// One theorem with its proof and its tests in the file that is given to Lean (lines from 1).
#[derive(Debug, Clone)]
struct Block {
    first_line: usize,
    claim_line: Option<usize>,
    statement_line: usize,
    proof_line: usize,
    proof_end: usize,
    check_line: Option<usize>,
    axioms_line: Option<usize>,
    canary_line: usize,
}

/// Accepts `proof` (a tactic block) for the problem's statement, or says why not.
///
/// # Errors
/// [`Rejection`]; `Process` and `TimedOut` say nothing of the proof.
pub async fn verify(
    toolchain: &Toolchain,
    problem: &Problem,
    proof: &str,
    timeout: Duration,
) -> Result<Certificate, Rejection> {
    guard::check(proof)?;
    check_header(&problem.header)?;
    let start = Instant::now();
    let (mut text, mut block) = compile(problem, proof, Some("QStarClaim"));
    let mut messages = process::run(toolchain, &text, timeout).await?;
    // Some statements have no closed form as a term (default values in binders, section variables): then the bytes
    // of the statement alone speak for it.
    if block.has_bad_claim(&messages) {
        (text, block) = compile(problem, proof, None);
        messages = process::run(toolchain, &text, timeout).await?;
    }
    let axioms = judge(&block, &messages)?;
    Ok(Certificate::new(problem, proof, toolchain, axioms, block.claim_line.is_some(), &text, start.elapsed()))
}

/// What Lean suggests («Try this») for a proof that asks for it, and the line of the proof (from 0) it belongs to.
///
/// # Errors
/// As [`verify`].
pub async fn suggestions(
    toolchain: &Toolchain,
    problem: &Problem,
    proof: &str,
    timeout: Duration,
) -> Result<Vec<(usize, String)>, Rejection> {
    guard::check(proof)?;
    let (text, block) = compile(problem, proof, None);
    let messages = process::run(toolchain, &text, timeout).await?;
    let inside = messages.into_iter().filter(|m| (block.proof_line..=block.proof_end).contains(&m.line));
    Ok(inside.filter(|m| m.text.contains("Try this")).map(|m| (m.line - block.proof_line, m.text)).collect())
}

/// What the user's own text may not contain, because it would blind the verifier.
fn check_header(header: &str) -> Result<(), Rejection> {
    let tokens = tokens(header).map_err(|e| Rejection::Header(e.to_string()))?;
    match tokens.iter().find(|t| ["warn.sorry", "debug.skipKernelTC"].contains(&t.text)) {
        Some(token) => Err(Rejection::Header(format!("it sets the option `{}`; remove that line", token.text))),
        None => Ok(()),
    }
}

/// The file for one theorem.
fn compile(problem: &Problem, proof: &str, claim: Option<&str>) -> (String, Block) {
    let mut text = problem.header.trim_end().to_owned();
    text.push('\n');
    let block = Block::write(&mut text, problem, proof, claim);
    (text, block)
}

impl Block {
    /// Writes a theorem, its proof and the tests of it behind `text`, which ends with a line break. With `claim`, Lean
    /// compares the theorem with a definition of that name, elaborated before any of the proof's text.
    fn write(text: &mut String, problem: &Problem, proof: &str, claim: Option<&str>) -> Block {
        let statement = &problem.statement;
        let line = |text: &str| text.matches('\n').count() + 1;
        text.push('\n');
        let first_line = line(text);
        let name = statement.name.as_deref();
        let claim = claim.filter(|_| name.is_some());
        let claim_line = claim.map(|_| first_line);
        if let Some(claim) = claim {
            let universes = statement.universe_command();
            text.push_str(&format!("section\n{universes}def {claim} : Prop :=\n  {}\nend\n", statement.closed_type()));
        }
        let statement_line = line(text);
        text.push_str(&format!("{} := by\n", statement.text));
        let proof_line = line(text);
        indent_into(text, proof, 2);
        let proof_end = line(text) - 1;
        let (mut check_line, mut axioms_line) = (None, None);
        if let Some(name) = name {
            if let Some(claim) = claim {
                check_line = Some(line(text) + 1);
                text.push_str(&format!("\nexample : {claim} := @{name}\n"));
            }
            axioms_line = Some(line(text) + 1);
            text.push_str(&format!("\n#print axioms {name}\n"));
        }
        let canary_line = line(text) + 1;
        text.push_str("\n#check (True.intro : True)\n");
        Block { first_line, claim_line, statement_line, proof_line, proof_end, check_line, axioms_line, canary_line }
    }

    /// Whether Lean could not make a closed term of the statement.
    fn has_bad_claim(&self, messages: &[Message]) -> bool {
        let claim = self.claim_line.map(|line| line..self.statement_line);
        claim.is_some_and(|lines| messages.iter().any(|m| m.is_error() && lines.contains(&m.line)))
    }
}

/// Reads Lean's messages; the only way to be accepted leads through every line of this function.
fn judge(block: &Block, messages: &[Message]) -> Result<Axioms, Rejection> {
    let mut axioms = Axioms::Unavailable;
    for m in messages {
        if block.axioms_line == Some(m.line) {
            match read_axioms(&m.text) {
                Some(found) => axioms = Axioms::Listed(found),
                // The portable Lean holds exported parts of modules only, and refuses.
                None if m.text.contains("cannot use `#print axioms`") => {}
                None => return Err(Rejection::Lean { message: m.text.clone(), proof_line: None }),
            }
            continue;
        }
        if m.is_error() && block.check_line == Some(m.line) {
            return Err(Rejection::OtherStatement(m.text.clone()));
        }
        if m.is_error() {
            let inside = (block.proof_line..=block.proof_end).contains(&m.line);
            return Err(Rejection::Lean { message: m.text.clone(), proof_line: inside.then(|| m.line - block.proof_line) });
        }
        if m.uses_sorry() {
            return Err(Rejection::Sorry);
        }
    }
    if let Axioms::Listed(found) = &axioms {
        let bad: Vec<String> = found.iter().filter(|a| !ALLOWED_AXIOMS.contains(&a.as_str())).cloned().collect();
        if !bad.is_empty() {
            return Err(Rejection::Axioms(bad));
        }
    }
    let canary = messages.iter().any(|m| m.line == block.canary_line && m.text.contains("True"));
    if canary { Ok(axioms) } else { Err(Rejection::Swallowed) }
}

/// The axioms in the answer to `#print axioms`.
fn read_axioms(text: &str) -> Option<Vec<String>> {
    if text.contains("does not depend on any axioms") {
        return Some(Vec::new());
    }
    let list = text.split_once("depends on axioms: [")?.1.split_once(']')?.0;
    Some(list.split(',').map(|a| a.trim().to_owned()).collect())
}

/// Checks a certificate again from nothing.
///
/// # Errors
/// The rejection, or that the file is no certificate.
pub async fn recheck(toolchain: &Toolchain, path: &Path, timeout: Duration) -> anyhow::Result<Result<Certificate, Rejection>> {
    let certificate = Certificate::read(path)?;
    let problem = certificate.problem()?;
    Ok(verify(toolchain, &problem, &certificate.proof, timeout).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axioms_are_read() {
        assert_eq!(read_axioms("'t' does not depend on any axioms"), Some(vec![]));
        assert_eq!(
            read_axioms("'t' depends on axioms: [propext,\n Quot.sound]"),
            Some(vec!["propext".into(), "Quot.sound".into()])
        );
        assert_eq!(read_axioms("unknown constant"), None);
    }

    #[test]
    fn only_a_clean_run_with_its_canary_is_accepted() {
        let problem = Problem::from_statement("open Nat", "theorem t (n : Nat) :\n  n = n := by").unwrap();
        let (_, document) = compile(&problem, "intro\nrfl", Some("Claim"));
        let say = |line: usize, severity: &str, text: &str| Message { line, severity: severity.into(), text: text.into() };
        let canary = say(document.canary_line, "information", "True.intro : True");
        let judge = |more: Vec<Message>| judge(&document, &[more, vec![canary.clone()]].concat());
        assert_eq!(judge(vec![]), Ok(Axioms::Unavailable));
        assert_eq!(super::judge(&document, &[]), Err(Rejection::Swallowed));
        assert!(matches!(
            judge(vec![say(document.proof_line + 1, "error", "x")]),
            Err(Rejection::Lean { proof_line: Some(1), .. })
        ));
        assert!(matches!(judge(vec![say(document.check_line.unwrap(), "error", "x")]), Err(Rejection::OtherStatement(_))));
        assert_eq!(judge(vec![say(document.statement_line, "warning", "declaration uses 'sorry'")]), Err(Rejection::Sorry));
        let axioms = say(document.axioms_line.unwrap(), "information", "'t' depends on axioms: [propext, sorryAx]");
        assert_eq!(judge(vec![axioms]), Err(Rejection::Axioms(vec!["sorryAx".into()])));
        let (_, nameless) = compile(&Problem::from_statement("", "example : 1 = 1").unwrap(), "rfl", Some("Claim"));
        assert_eq!(
            super::judge(&nameless, &[say(nameless.canary_line, "information", "True.intro : True")]),
            Ok(Axioms::Unavailable)
        );
    }
}
