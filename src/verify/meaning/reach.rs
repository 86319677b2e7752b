//! What the constants of a compiled file reach: axioms, other constants, texts; where they stand, and what extensions say of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result};

use super::World;
use crate::library::Kind;
use crate::library::olean::Field;
use crate::library::olean::whole::Term;

/// Axioms of Lean's own library that a proof may rest on.
pub const ALLOWED_AXIOMS: &[&str] = &["propext", "Classical.choice", "Quot.sound"];

/// What a theorem rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    pub axioms: BTreeSet<String>,
    /// Constants of the file and the project's modules, the theorem itself left out.
    pub constants: HashSet<String>,
    /// Constants of modules whose insides are not at hand.
    pub trusted: BTreeSet<String>,
}

impl World<'_> {
    /// What a constant rests on: its type, its value, and all that they reach.
    ///
    /// # Errors
    /// When a file is broken or too large.
    pub fn basis(&mut self, name: &str) -> Result<Basis> {
        self.reach(name, vec![name.to_owned()])
    }

    /// What the statement of a constant of the file rests on, without its proof.
    ///
    /// # Errors
    /// As [`World::basis`].
    pub fn type_basis(&mut self, name: &str) -> Result<Basis> {
        let ty = self.own(name).map(|i| i.ty).context("no such constant")?;
        let reached = self.constants_of(0, ty)?;
        self.reach("", reached)
    }

    fn reach(&mut self, name: &str, mut stack: Vec<String>) -> Result<Basis> {
        let mut basis = Basis::default();
        let mut seen: HashSet<String> = stack.iter().cloned().collect();
        while let Some(next) = stack.pop() {
            let known = self.info(&next).map(|(_, info)| info.kind);
            match known {
                Some(Kind::Axiom) => drop(basis.axioms.insert(next.clone())),
                None if is_axiom(&next) => drop(basis.axioms.insert(next.clone())),
                None => drop(basis.trusted.insert(next.clone())),
                Some(_) if next != name => drop(basis.constants.insert(next.clone())),
                Some(_) => {}
            }
            let mut reached: Vec<String> = self.parts(&next, true)?.into_iter().flat_map(|part| part.1).collect();
            if let Some((_, info)) = self.info(&next) {
                reached.extend(info.block.iter().chain(&info.constructors).cloned());
            }
            stack.extend(reached.into_iter().filter(|n| seen.insert(n.clone())));
        }
        Ok(basis)
    }

    /// The string literals in a constant of the file and in all that it reaches there.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn texts(&mut self, name: &str) -> Result<HashSet<String>> {
        let mut constants = self.basis(name)?.constants;
        constants.insert(name.to_owned());
        let mut found = HashSet::new();
        for constant in &constants {
            let Some(value) = self.own(constant).and_then(|i| i.value) else { continue };
            self.modules[0].each(value, |node| {
                if let Term::Text(text) = node {
                    found.insert(text.clone());
                }
            })?;
        }
        Ok(found)
    }

    /// The constants that type and value of a constant of the file mention.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn mentioned(&mut self, name: &str) -> Result<HashSet<String>> {
        Ok(self.parts(name, true)?.into_iter().flat_map(|part| part.1).collect())
    }

    /// The lines (from 1) in which constants of the file were declared, as far as Lean keeps them.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn lines(&mut self) -> Result<HashMap<String, u64>> {
        let file = &mut self.modules[0];
        let mut lines = HashMap::new();
        for entry in file.entries("Lean.declRangeExt").to_vec() {
            let region = file.region();
            let pair = region.place(entry)?;
            // Name × (range × selection); a range begins with its position (line, column).
            let range = region.object(region.object(pair, 1)?, 0)?;
            let Field::Small(line) = region.first_field(region.field(range, 0)?)? else { continue };
            let name = region.field(pair, 0)?;
            lines.insert(file.name(name)?, line);
        }
        Ok(lines)
    }

    /// Names that stand in the entries of extensions whose names end so.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn names_in_entries(&mut self, ends: &[&str]) -> Result<HashSet<String>> {
        let file = &mut self.modules[0];
        let extensions: Vec<String> =
            file.extensions().filter(|e| ends.iter().any(|end| e.ends_with(end))).map(str::to_owned).collect();
        let mut found = HashSet::new();
        for extension in extensions {
            for entry in file.entries(&extension).to_vec() {
                let Field::At(at) = entry else { continue };
                found.extend(file.name(entry).ok());
                for i in 0..file.region().fields(at)? {
                    let field = file.region().field(at, i.into())?;
                    found.extend(file.name(field).ok());
                }
            }
        }
        Ok(found)
    }

    /// Whether the proof of a theorem of the file, or what elaboration cut out of it, holds `sorry` itself.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn is_open(&mut self, name: &str) -> Result<bool> {
        let Some(value) = self.own(name).and_then(|i| i.value) else { return Ok(false) };
        let (mut seen, mut stack) = (HashSet::new(), self.constants_of(0, value)?);
        while let Some(next) = stack.pop() {
            if next == "sorryAx" {
                return Ok(true);
            }
            if is_made(&next) && self.is_own(&next) && seen.insert(next.clone()) {
                stack.extend(self.parts(&next, true)?.into_iter().flat_map(|part| part.1));
            }
        }
        Ok(false)
    }
}

/// Axioms of Lean's library, whose exported parts show theorems as axioms: these are all that there are.
fn is_axiom(name: &str) -> bool {
    ALLOWED_AXIOMS.contains(&name)
        || ["sorryAx", "Lean.trustCompiler", "Lean.ofReduceBool", "Lean.ofReduceNat"].contains(&name)
        || name.contains("native_decide")
}

/// Names that elaboration gives to parts that it cuts out of a declaration: matchers, proofs, equations.
pub fn is_made(name: &str) -> bool {
    let numbered = |part: &str, word: &str| {
        part.strip_prefix(word).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '_'))
    };
    name.rsplit('.').next().is_some_and(|part| {
        ["match_", "_proof_", "proof_", "_aux_", "_simp_", "_nested_", "eq_"].iter().any(|word| numbered(part, word))
            || ["_unary", "_mutual", "_sizeOf_1", "_override", "_eq_def", "_sunfold", "_sparseCasesOn"]
                .iter()
                .any(|w| part.starts_with(w))
    })
}
