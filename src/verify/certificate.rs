//! What the verifier leaves behind: enough to check the proof again from nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::printable;
use crate::dataset::header::look;
use crate::files::read_text;
use crate::lean::syntax::imports;
use crate::problem::Problem;
use crate::source::hex;
use crate::toolchain::Toolchain;

const FORMAT: &str = "qstar-certificate-2";
/// An older format that is still read: it has no axioms of the header, and for the portable Lean none at all.
const OLDER: &str = "qstar-certificate-1";

/// What is known of a proof's axioms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axioms {
    /// Read from the proof terms.
    Listed(Vec<String>),
    /// Nobody looked: certificates of an older qstar with the portable Lean.
    Unavailable,
}

/// A verified proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub format: String,
    pub name: String,
    pub header: String,
    /// The original bytes up to, not including, `:=`.
    pub statement: String,
    /// SHA-256 of header, a zero byte, and statement.
    pub statement_sha256: String,
    /// The tactic block.
    pub proof: String,
    pub toolchain: String,
    pub axioms: Axioms,
    /// Those of the axioms that the header itself declares: the proof is worth what they are worth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axioms_of_header: Vec<String>,
    /// What header and statement do that can bend a proof, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Modules whose compiled form was taken as it is, proofs not looked into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<String>,
    /// Lean itself compared the theorem with the statement (else: its source bytes alone).
    pub statement_checked_by_lean: bool,
    /// SHA-256 of the file that Lean accepted.
    pub document_sha256: String,
    pub milliseconds: u64,
}

impl Certificate {
    pub(super) fn new(
        problem: &Problem,
        proof: &str,
        toolchain: &Toolchain,
        axioms: Vec<String>,
        axioms_of_header: Vec<String>,
        document: &str,
        time: Duration,
    ) -> Certificate {
        Certificate {
            format: FORMAT.to_owned(),
            // A row of a data set may have another name than its theorem.
            name: match &problem.statement.name {
                Some(name) => name.clone(),
                None if problem.name.starts_with("example") => problem.name.clone(),
                None => "example".to_owned(),
            },
            header: problem.header.clone(),
            statement: problem.statement.text.clone(),
            statement_sha256: statement_hash(&problem.header, &problem.statement.text),
            proof: proof.to_owned(),
            toolchain: toolchain.version.clone(),
            axioms: Axioms::Listed(axioms),
            axioms_of_header,
            notes: look(&problem.header, &problem.statement.text).into_iter().map(|f| f.text).collect(),
            trusted: imported(&problem.header),
            statement_checked_by_lean: true,
            document_sha256: hex(&Sha256::digest(document)),
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Reads a certificate; its statement must be the one it was made for.
    ///
    /// # Errors
    /// Naming the file and what is wrong.
    pub fn read(path: &Path) -> Result<Certificate> {
        let text = read_text(path)?;
        let read: Certificate =
            serde_json::from_str(&text).with_context(|| format!("{} is no certificate of qstar", path.display()))?;
        ensure!(
            [FORMAT, OLDER].contains(&read.format.as_str()),
            "{}: format `{}` is not known; this qstar reads `{FORMAT}`",
            path.display(),
            read.format
        );
        let named = Problem::from_statement(&read.header, &read.statement).map(|p| p.statement.name);
        // What a search of a file calls its nameless theorems.
        let fits = matches!(&named, Ok(Some(name)) if *name == read.name)
            || matches!(&named, Ok(None) if read.name.starts_with("example"));
        ensure!(
            fits,
            "{}: the name `{}` is not that of its statement; the certificate was changed after it was made",
            path.display(),
            printable(&read.name)
        );
        let hash = statement_hash(&read.header, &read.statement);
        ensure!(hash == read.statement_sha256, "{}: the statement was changed after the certificate was made", path.display());
        Ok(read)
    }

    /// The problem that it certifies.
    ///
    /// # Errors
    /// When its statement cannot be read.
    pub fn problem(&self) -> Result<Problem> {
        let mut problem = Problem::from_statement(&self.header, &self.statement)?;
        problem.name.clone_from(&self.name);
        Ok(problem)
    }

    /// The theorem as Lean source, ready to paste.
    pub fn source(&self) -> String {
        let mut text = format!("{} := by\n", self.statement);
        crate::lean::document::indent_into(&mut text, &self.proof, 2);
        text
    }
}

/// The modules that a header imports.
pub(super) fn imported(header: &str) -> Vec<String> {
    let all = imports(header);
    let named = all.lines().filter_map(|line| line.split_whitespace().last());
    let init = (!all.starts_with("prelude")).then_some("Init");
    init.into_iter().chain(named).map(str::to_owned).collect()
}

/// SHA-256 of a header, a zero byte and a statement, in hexadecimal digits.
pub fn statement_hash(header: &str, statement: &str) -> String {
    hex(&Sha256::new().chain_update(header).chain_update([0]).chain_update(statement).finalize())
}
