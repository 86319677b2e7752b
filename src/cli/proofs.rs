//! The file of proofs that `qstar prove --out` writes, and the certificates beside it: whole after each proof.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::dataset::file_name;
use crate::files::{check_writable, put};
use crate::problem::Problem;
use crate::verify::Certificate;

/// Proofs on their way to a file.
pub struct Proofs {
    out: PathBuf,
    /// One text for each header that does not go on where another one ends.
    texts: Vec<Text>,
}

struct Text {
    /// What stands before the proofs, as far as it is written already.
    header: String,
    file: PathBuf,
    text: String,
}

impl Proofs {
    /// Makes sure that the file can be written.
    ///
    /// # Errors
    /// When it cannot.
    pub fn begin(out: &Path) -> Result<Proofs> {
        check_writable(out)?;
        Ok(Proofs { out: out.to_owned(), texts: Vec::new() })
    }

    /// Writes the proofs so far with this one, and its certificate. The files written.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn add(&mut self, problem: &Problem, proof: &str, certificate: &Certificate) -> Result<()> {
        let name = file_name(&problem.name);
        put(&self.out.with_extension(format!("{name}.json")), &serde_json::to_string_pretty(certificate)?)?;
        // Theorems of one file: the later ones' header holds the earlier ones'.
        let at = self.texts.iter().position(|t| problem.header.starts_with(&t.header)).unwrap_or_else(|| {
            let file = match self.texts.is_empty() {
                true => self.out.clone(),
                false => self.out.with_extension(format!("{name}.lean")),
            };
            self.texts.push(Text { header: String::new(), file, text: String::new() });
            self.texts.len() - 1
        });
        let text = &mut self.texts[at];
        text.text.push_str(problem.header[text.header.len()..].trim_end());
        text.text.push_str(&format!("\n\n{proof}"));
        text.header.clone_from(&problem.header);
        put(&text.file, text.text.trim_start())
    }

    /// Leaves a file in any case, for scripts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> Result<()> {
        if self.texts.is_empty() { put(&self.out, "") } else { Ok(()) }
    }
}
