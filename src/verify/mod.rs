//! The verifier: dumb, separate and strict. «Proved» is its word alone.
//!
//! It sees a statement and a proof text, writes a fresh file and starts a fresh Lean process. Knows nothing of search.

pub mod bulk;
pub mod candidate;
pub mod certificate;
mod claims;
mod fatal;
mod harmless;
mod judge;
pub mod kernel;
mod meaning;
mod modules;
mod nanoda;
pub mod ndjson;
mod originals;
pub(crate) mod process;
pub mod queue;
mod show;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::lean::guard::{self, Refusal};
use crate::lean::syntax::tokens;
use crate::problem::Problem;
use crate::toolchain::Toolchain;
pub use certificate::{Axioms, Certificate, statement_hash};
pub use claims::read_axioms;
use claims::{Claims, Word};
pub use judge::{Judged, Standing};
pub use kernel::Kernel;
pub use meaning::ALLOWED_AXIOMS;
pub use originals::Originals;
pub use process::{Artifacts, Message};
pub use show::printable;

/// Why a proof was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the proof is refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the proof is refused: {0}")]
    Blinding(String),
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
    #[error("its text declares `{0}` besides the theorem")]
    Besides(String),
    #[error("the theorem was not made: something in the text swallowed it")]
    Swallowed,
    #[error("the independent kernel does not agree: {0}")]
    Kernel(String),
    #[error("the independent kernel could not check it: {0}")]
    NoKernel(String),
    #[error("Lean did not finish within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("Lean ended before it was done: {0}")]
    Process(String),
    #[error("it was stopped before it was judged")]
    Stopped,
}

impl Rejection {
    /// Nothing is known of the proof: time, memory or the toolchain stood in the way.
    pub fn is_unchecked(&self) -> bool {
        matches!(self, Rejection::NoKernel(_) | Rejection::TimedOut(_) | Rejection::Process(_) | Rejection::Stopped)
    }
}

/// Accepts `proof` (a tactic block) for the problem's statement, or says why not.
///
/// # Errors
/// [`Rejection`]; of some of them ([`Rejection::is_unchecked`]) nothing follows for the proof.
pub async fn verify(
    toolchain: &Toolchain,
    problem: &Problem,
    proof: &str,
    timeout: Duration,
) -> Result<Certificate, Rejection> {
    admit(toolchain, problem, proof)?;
    let start = Instant::now();
    let items = [(problem, proof)];
    let claims = Claims::write(&problem.header, &items, toolchain.lists_axioms());
    let compiled = process::compile(toolchain, &claims.text, timeout).await?;
    let word = words(toolchain, &claims, &compiled)?.pop().unwrap_or(Word::NoClaim);
    let (axioms, of_header) = match word {
        Word::Accepted(axioms, of_header) => (axioms, of_header),
        Word::Rejected(rejection) => return Err(rejection),
        Word::NoClaim | Word::Alone => two_files(toolchain, problem, proof, timeout).await?,
    };
    Ok(Certificate::new(problem, proof, toolchain, axioms, of_header, &claims.text, start.elapsed()))
}

/// The cheap filters before anything is given to Lean.
pub(crate) fn admit(toolchain: &Toolchain, problem: &Problem, proof: &str) -> Result<(), Rejection> {
    guard::check(proof)?;
    check_header(&problem.header)?;
    if let Some(why) = harmless::blinding_words("", proof) {
        return Err(Rejection::Blinding(why));
    }
    if let Some(why) = harmless::running_words("", proof) {
        let imported = certificate::imported(&problem.header);
        let insides = modules::reach(toolchain, imported, harmless::INSIDES);
        if insides.map_err(|e| Rejection::Process(format!("{e:#}")))? {
            return Err(Rejection::Blinding(why));
        }
    }
    Ok(())
}

/// The words on a file's theorems.
fn words(toolchain: &Toolchain, claims: &Claims, compiled: &process::Compiled) -> Result<Vec<Word>, Rejection> {
    let broken = |e: anyhow::Error| Rejection::Process(format!("what Lean compiled cannot be read: {e:#}"));
    let beside = match &compiled.artifacts {
        Some(files) => modules::of_project(toolchain, files).map_err(broken)?,
        None => Vec::new(),
    };
    claims.judge(compiled, &beside).map_err(broken)
}

/// A statement that has no closed form is compared as two files: the statement with `sorry`, and with the proof. Returns the
/// axioms, and those of them that the header declares.
async fn two_files(
    toolchain: &Toolchain,
    problem: &Problem,
    proof: &str,
    timeout: Duration,
) -> Result<(Vec<String>, Vec<String>), Rejection> {
    let name = "QStarTheorem";
    let file = |proof: &str| {
        let mut text = format!("{}\n\n{} := by\n", problem.header.trim_end(), problem.statement.as_theorem(name));
        crate::lean::document::indent_into(&mut text, proof, 2);
        text
    };
    let judged = candidate::verify_file(toolchain, &Originals::default(), &file("sorry"), &file(proof), timeout, None).await;
    let judged = judged.map_err(|e| match e.downcast::<Rejection>() {
        Ok(rejection) => rejection,
        Err(e) => Rejection::Lean { message: format!("{e:#}"), proof_line: None },
    })?;
    let wanted = crate::library::olean::canonical(problem.statement.name.as_deref().unwrap_or(name));
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let Some(own) = judged.into_iter().find(|j| last(&j.name) == last(&wanted)) else { return Err(Rejection::Swallowed) };
    let reason = own.reason.unwrap_or_default();
    match own.verdict {
        Standing::Accepted => {
            let of_header = own.axioms.iter().filter(|a| !meaning::ALLOWED_AXIOMS.contains(&a.as_str())).cloned().collect();
            Ok((own.axioms, of_header))
        }
        Standing::Refused if reason.starts_with("Lean rejects it") => {
            Err(Rejection::Lean { message: reason, proof_line: None })
        }
        Standing::Refused if reason.contains("`sorry`") => Err(Rejection::Sorry),
        Standing::Refused => Err(Rejection::OtherStatement(reason)),
        Standing::Unchecked => Err(Rejection::Process(reason)),
    }
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
    let claims = Claims::write(&problem.header, &[(problem, proof)], false);
    let messages = process::run(toolchain, &claims.text, timeout).await?;
    let lines = claims.proof_lines(0);
    let inside = messages.into_iter().filter(|m| lines.contains(&m.line));
    Ok(inside.filter(|m| m.text.contains("Try this")).map(|m| (m.line - lines.start(), m.text)).collect())
}

/// What the user's own text may not contain, because it would blind the verifier.
fn check_header(header: &str) -> Result<(), Rejection> {
    let tokens = tokens(header).map_err(|e| Rejection::Header(e.to_string()))?;
    let plain = |text: &str| text.replace(['«', '»'], "");
    match tokens.iter().find(|t| t.text.contains("skipKernelTC") || plain(t.text).starts_with("debug.")) {
        Some(token) => Err(Rejection::Header(format!("it sets the option `{}`; remove that line", token.text))),
        None => Ok(()),
    }
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
