//! The file of proofs that `qstar prove --out` writes, and the certificates beside it: whole after each proof.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files::{check_writable, put};
use crate::problem::Problem;
use crate::verify::Certificate;

/// Proofs on their way to a file.
pub struct Proofs {
    out: PathBuf,
    /// One text for each header that does not go on where another one ends, or is a part of it.
    texts: Vec<Text>,
}

struct Text {
    file: PathBuf,
    /// Headers and proofs; each header goes on where the one before it ends.
    members: Vec<(String, String)>,
}

impl Text {
    fn new(file: PathBuf) -> Text {
        Text { file, members: Vec::new() }
    }

    /// Theorems of one file: of two headers one goes on where the other ends.
    fn fits(&self, header: &str) -> bool {
        self.members.iter().all(|(known, _)| header.starts_with(known.as_str()) || known.starts_with(header))
    }

    /// Takes a proof in, in the order of the file, whichever was known first.
    fn insert(&mut self, header: &str, proof: &str) {
        let at = self.members.partition_point(|(known, _)| known.len() <= header.len());
        self.members.insert(at, (header.to_owned(), proof.to_owned()));
    }

    fn compose(&self) -> String {
        let (mut text, mut written) = (String::new(), 0);
        for (header, proof) in &self.members {
            text.push_str(&format!("{}\n\n{proof}", header[written..].trim_end()));
            written = header.len();
        }
        text.trim_start().to_owned()
    }
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

    /// Writes the proofs so far with this one, and its certificate; `name` is its own among the files.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn add(&mut self, problem: &Problem, name: &str, proof: &str, certificate: &Certificate) -> Result<()> {
        put(&self.out.with_extension(format!("{name}.json")), &serde_json::to_string_pretty(certificate)?)?;
        let at = self.texts.iter().position(|t| t.fits(&problem.header)).unwrap_or_else(|| {
            let file = match self.texts.is_empty() {
                true => self.out.clone(),
                false => self.out.with_extension(format!("{name}.lean")),
            };
            self.texts.push(Text::new(file));
            self.texts.len() - 1
        });
        let text = &mut self.texts[at];
        text.insert(&problem.header, proof);
        put(&text.file, &text.compose())
    }

    /// Leaves a file in any case, for scripts; one with something in it stays when there is nothing to put in its place. What
    /// the user should know of the files, if anything.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> Result<Option<String>> {
        let out = self.out.display();
        match &self.texts[..] {
            [] if std::fs::metadata(&self.out).is_ok_and(|known| known.len() > 0) => {
                Ok(Some(format!("nothing was proved: {out} stays as it was")))
            }
            [] => put(&self.out, "").map(|()| None),
            [_] => Ok(None),
            [_, others @ ..] => {
                let others: Vec<String> = others.iter().map(|text| text.file.display().to_string()).collect();
                Ok(Some(format!("not all proofs can stand in {out}, for their headers differ; others: {}", others.join(", "))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_stand_in_the_order_of_their_file() {
        let mut text = Text::new("P.lean".into());
        text.insert("open Nat\n\ndef f := 1\n", "theorem d : f = 1 := rfl\n");
        assert!(text.fits("open Nat\n\n") && !text.fits("open List\n"));
        text.insert("open Nat\n\n", "theorem a : 1 = 1 := rfl\n");
        let wanted = "open Nat\n\ntheorem a : 1 = 1 := rfl\ndef f := 1\n\ntheorem d : f = 1 := rfl\n";
        assert_eq!(text.compose(), wanted);
    }
}
