//! What the verifier leaves behind: enough to check the proof again from nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::source::hex;
use crate::toolchain::Toolchain;

const FORMAT: &str = "qstar-certificate-1";

/// What is known of a proof's axioms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axioms {
    /// As `#print axioms` lists them.
    Listed(Vec<String>),
    /// The toolchain cannot list them; the ban on tokens that could bring one in stands alone.
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
        axioms: Axioms,
        by_lean: bool,
        document: &str,
        time: Duration,
    ) -> Certificate {
        Certificate {
            format: FORMAT.to_owned(),
            name: problem.name.clone(),
            header: problem.header.clone(),
            statement: problem.statement.text.clone(),
            statement_sha256: statement_hash(&problem.header, &problem.statement.text),
            proof: proof.to_owned(),
            toolchain: toolchain.version.clone(),
            axioms,
            statement_checked_by_lean: by_lean,
            document_sha256: hex(&Sha256::digest(document)),
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Reads a certificate; its statement must be the one it was made for.
    ///
    /// # Errors
    /// Naming the file and what is wrong.
    pub fn read(path: &Path) -> Result<Certificate> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let read: Certificate =
            serde_json::from_str(&text).with_context(|| format!("{} is no certificate of qstar", path.display()))?;
        ensure!(
            read.format == FORMAT,
            "{}: format `{}` is not known; this qstar reads `{FORMAT}`",
            path.display(),
            read.format
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

/// SHA-256 of a header, a zero byte and a statement, in hexadecimal digits.
pub fn statement_hash(header: &str, statement: &str) -> String {
    hex(&Sha256::new().chain_update(header).chain_update([0]).chain_update(statement).finalize())
}
