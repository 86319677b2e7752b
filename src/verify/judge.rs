//! The judgement on theorems of a compiled candidate, beside the compiled original whose `sorry`s it claims to fill.
//!
//! Only what Lean made counts, never what a text looks like: names, types, values, axioms and the entries of extensions.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::harmless::{self, REPLACING};
use super::meaning::{ALLOWED_AXIOMS, World, is_made};
use super::show;
use crate::library::Kind;
use crate::library::olean::whole::Safety;

/// Why a theorem that is not there is refused.
pub(super) const MISSING: &str = "the candidate has no theorem of this name";

/// What is said of a theorem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Accepted,
    Refused,
    /// Nothing is known: time, memory, the toolchain.
    Unchecked,
}

/// The verdict on one theorem of the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    pub name: String,
    pub proved: bool,
    pub verdict: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What an accepted theorem rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub axioms: Vec<String>,
    /// What the kernel's agreement rests on, where `--kernel` names one that tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
}

impl Judged {
    pub(super) fn accepted(name: &str, axioms: Vec<String>) -> Judged {
        Judged { name: name.to_owned(), proved: true, verdict: Standing::Accepted, reason: None, axioms, kernel: None }
    }

    pub(super) fn refused(name: &str, reason: impl Into<String>) -> Judged {
        let reason = Some(reason.into());
        Judged { name: name.to_owned(), proved: false, verdict: Standing::Refused, reason, axioms: Vec::new(), kernel: None }
    }

    pub(super) fn unchecked(name: &str, reason: impl Into<String>) -> Judged {
        Judged { verdict: Standing::Unchecked, ..Judged::refused(name, reason) }
    }
}

/// Two files with their sources, where those are known.
pub struct Pair<'w, 'a> {
    pub original: &'w mut World<'a>,
    pub candidate: &'w mut World<'a>,
    pub original_text: &'w str,
    pub candidate_text: &'w str,
    /// A kernel that did not see the elaboration has replayed the candidate.
    pub replayed: bool,
    /// Lean's insides are among the imports: words that run code are no mere text then.
    pub insides: bool,
}

impl Pair<'_, '_> {
    /// The theorems of the original that hold `sorry` themselves, in the order of the file.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn wanted(&mut self) -> Result<Vec<String>> {
        let constants = self.original.file().constants();
        let theorems = constants.iter().filter(|(name, info)| info.kind == Kind::Theorem && !is_made(name));
        let mut names: Vec<String> = theorems.map(|(name, _)| name.clone()).collect();
        let lines = self.original.lines()?;
        names.sort_by_key(|name| (lines.get(name).copied(), name.clone()));
        let mut wanted = Vec::new();
        for name in names {
            if self.original.is_open(&name)? {
                wanted.push(name);
            }
        }
        Ok(wanted)
    }

    /// What speaks against the candidate as a whole: imports, changed or missing parts of the original, code that could have
    /// gone behind the kernel's back.
    ///
    /// # Errors
    /// When a file is broken.
    pub fn whole(&mut self, wanted: &[String]) -> Result<Option<String>> {
        let theirs: HashSet<&String> = self.candidate.file().imports.iter().collect();
        if let Some(missing) = self.original.file().imports.iter().find(|i| !theirs.contains(i)) {
            return Ok(Some(format!("the original imports `{missing}` and the candidate does not")));
        }
        if self.original.file().is_module != self.candidate.file().is_module {
            return Ok(Some("one of the two files begins with `module` and the other does not".into()));
        }
        if !self.replayed {
            if let Some(why) = harmless::blinding(self.original_text, self.candidate_text, self.candidate, self.original)? {
                return Ok(Some(why));
            }
            let words = harmless::running_words(self.original_text, self.candidate_text).filter(|_| self.insides);
            let suspect = words.map_or_else(|| harmless::suspect(self.original, self.candidate), |why| Ok(Some(why)))?;
            if let Some(why) = suspect {
                return Ok(Some(format!("{why}; only a kernel that did not see this can judge the file (--kernel)")));
            }
        }
        let open: HashSet<&String> = wanted.iter().collect();
        let mut kept: Vec<String> = self.original.file().constants().keys().filter(|n| !open.contains(n)).cloned().collect();
        kept.sort();
        for name in kept {
            if !is_written(&name) {
                continue;
            }
            // A hole that is no theorem may be filled where no statement speaks of it; those that do are compared below.
            if self.original.is_open(&name)? {
                continue;
            }
            if self.candidate.own(&name).is_none() {
                return Ok(Some(format!("the candidate lacks `{name}`, which the original declares")));
            }
            if let Some(difference) = self.difference(&name)? {
                return Ok(Some(difference));
            }
        }
        Ok(None)
    }

    /// How a constant of both files differs.
    fn difference(&mut self, name: &str) -> Result<Option<String>> {
        if self.original.meaning(name)? == self.candidate.meaning(name)? {
            return Ok(None);
        }
        let parts = show::difference(self.original, self.candidate, name)?;
        Ok(Some(format!("`{name}` is not what it is in the original: {parts}")))
    }

    /// The verdict on one theorem, when nothing speaks against the file as a whole.
    ///
    /// # Errors
    /// When a file is broken.
    pub fn theorem(&mut self, name: &str) -> Result<Judged> {
        let Some(theirs) = self.candidate.own(name) else {
            return Ok(Judged::refused(name, MISSING));
        };
        if theirs.kind != Kind::Theorem {
            return Ok(Judged::refused(name, format!("in the candidate it is no theorem but {}", show::kind(theirs.kind))));
        }
        let universes = theirs.universes.len();
        let ours = self.original.own(name).map_or(0, |i| i.universes.len());
        let statement = self.original.type_basis(name)?;
        if statement.axioms.contains("sorryAx") {
            return Ok(Judged::refused(name, "its statement itself rests on `sorry`: there is nothing to prove yet"));
        }
        if universes != ours || self.original.type_meaning(name)? != self.candidate.type_meaning(name)? {
            let parts = show::difference(self.original, self.candidate, name)?;
            return Ok(Judged::refused(name, format!("it is not the statement of the original: {parts}")));
        }
        let basis = self.candidate.basis(name)?;
        let mut bad = Vec::new();
        for axiom in &basis.axioms {
            // An axiom of the original is the problem's own; that it is unchanged was seen already.
            let own = self.original.own(axiom).is_some_and(|i| i.kind == Kind::Axiom);
            if !own && !ALLOWED_AXIOMS.contains(&axiom.as_str()) {
                bad.push(axiom.clone());
            }
        }
        if bad.iter().any(|a| a == "sorryAx") {
            return Ok(Judged::refused(name, "it rests on `sorry`"));
        }
        if !bad.is_empty() {
            return Ok(Judged::refused(name, format!("it rests on axioms that are not allowed: {}", bad.join(", "))));
        }
        let added: Vec<&String> = basis.constants.iter().filter(|c| self.original.own(c).is_none()).collect();
        if let Some(odd) = added.iter().find(|c| self.candidate.own(c).is_some_and(|i| i.safety != Safety::Safe)) {
            return Ok(Judged::refused(name, format!("it rests on `{odd}`, which is `unsafe` or `partial`")));
        }
        let replaced = self.candidate.names_in_entries(REPLACING)?;
        if let Some(odd) = added.iter().find(|c| replaced.contains(**c)) {
            return Ok(Judged::refused(name, format!("it rests on `{odd}`, whose compiled code is not its definition")));
        }
        Ok(Judged::accepted(name, basis.axioms.into_iter().collect()))
    }
}

/// Whether somebody wrote a constant: it is no inner part that elaboration makes when it is needed.
fn is_written(name: &str) -> bool {
    const MADE: &[&str] = &[
        "rec",
        "recOn",
        "casesOn",
        "brecOn",
        "below",
        "binductionOn",
        "ibelow",
        "noConfusion",
        "noConfusionType",
        "injEq",
        "inj",
        "sizeOf_spec",
        "ctorIdx",
        "ctorElim",
        "ctorElimType",
        "toCtorIdx",
        "elim",
        "eq_def",
        "induct",
        "induct_unfolding",
        "fun_cases",
        "fun_cases_unfolding",
        "splitter",
        "congr_simp",
        "hcongr",
        "go",
        "mutual_induct",
        "ofNat",
        "congr_eq_1",
    ];
    let parts: Vec<&str> = name.split('.').collect();
    !is_made(name)
        && !parts.iter().any(|p| p.starts_with('_') && *p != "_private")
        && !MADE.contains(parts.last().unwrap_or(&""))
        && !parts.iter().any(|p| p.starts_with("match_") || p.starts_with("inst_"))
}

/// The theorem that a name without its namespace means in a file: next to the claim that was declared beside it.
pub(super) fn beside(world: &World<'_>, claim: &str, name: &str) -> Result<(String, String)> {
    let ends = |full: &str, last: &str| full == last || full.strip_suffix(last).is_some_and(|rest| rest.ends_with('.'));
    let found = world.file().constants().keys().find(|full| ends(full, claim));
    let Some(full) = found.cloned() else { anyhow::bail!("the claim was not compiled") };
    let space = full.strip_suffix(claim).unwrap_or("");
    let wanted = crate::library::olean::canonical(name);
    let wanted = wanted.strip_prefix("_root_.").map_or_else(|| format!("{space}{wanted}"), str::to_owned);
    let private = |full: &&String| {
        full.strip_prefix("_private.").and_then(|rest| rest.split_once(".0.")).is_some_and(|(_, rest)| rest == wanted)
    };
    let constants = world.file().constants();
    let theorem = match constants.contains_key(&wanted) {
        true => Some(wanted.clone()),
        false => constants.keys().find(private).cloned(),
    };
    ensure!(theorem.is_some(), "no theorem `{wanted}` was compiled");
    Ok((full, theorem.unwrap_or_default()))
}
