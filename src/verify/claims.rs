//! Theorems of one header with their proofs in one file: each claim is elaborated as a definition before any of the proofs'
//! text, and the theorem that Lean made must be that claim.

use std::collections::HashMap;

use super::Rejection;
use super::judge::beside;
use super::meaning::{ALLOWED_AXIOMS, World, is_made};
use super::process::{Compiled, Message};
use super::show::{self, user_name};
use crate::lean::document::indent_into;
use crate::library::Kind;
use crate::library::olean::whole::Term;
use crate::problem::Problem;

/// A theorem's places in the file (lines from 1).
struct Block {
    claim: String,
    claim_lines: std::ops::Range<usize>,
    /// The name behind `theorem`.
    name: String,
    statement_line: usize,
    proof_line: usize,
    proof_end: usize,
    axioms_line: Option<usize>,
}

/// The file, and where in it everything stands.
pub struct Claims {
    pub text: String,
    blocks: Vec<Block>,
    /// Lines before this one are the header's.
    header_end: usize,
}

/// What is said of one theorem of a file.
pub enum Word {
    /// The axioms it rests on, and those of them that the header declares.
    Accepted(Vec<String>, Vec<String>),
    Rejected(Rejection),
    /// Its statement has no closed form as a term (default values, section variables, names that Lean binds itself): only a
    /// comparison of two files can tell.
    NoClaim,
    /// Something else of the file had a hand in it: to be judged alone.
    Alone,
}

impl Claims {
    /// Writes the file. With `axioms`, Lean is asked for each theorem's axioms as well.
    pub fn write(header: &str, items: &[(&Problem, &str)], axioms: bool) -> Claims {
        let mut text = header.trim_end().to_owned();
        text.push('\n');
        let line = |text: &str| text.matches('\n').count() + 1;
        let header_end = line(&text);
        let mut word = "QStarClaim".to_owned();
        let used = |word: &str| {
            header.contains(word) || items.iter().any(|(p, proof)| p.statement.text.contains(word) || proof.contains(word))
        };
        while used(&word) {
            word.push('\'');
        }
        let mut blocks = Vec::new();
        for (i, (problem, _)) in items.iter().enumerate() {
            let (claim, universes) = (format!("{word}{i}"), problem.statement.universe_command());
            text.push('\n');
            let first = line(&text);
            text.push_str(&format!("section\n{universes}def {claim} : Prop :=\n  {}\nend\n", problem.statement.closed_type()));
            let name = problem.statement.name.clone().unwrap_or_else(|| format!("QStarTheorem{i}"));
            let claim_lines = first..line(&text);
            blocks.push(Block { claim, claim_lines, name, statement_line: 0, proof_line: 0, proof_end: 0, axioms_line: None });
        }
        for (block, (problem, proof)) in blocks.iter_mut().zip(items) {
            text.push('\n');
            block.statement_line = line(&text);
            text.push_str(&problem.statement.as_theorem(&block.name));
            text.push_str(" := by\n");
            block.proof_line = line(&text);
            indent_into(&mut text, proof, 2);
            block.proof_end = line(&text) - 1;
        }
        for block in blocks.iter_mut().filter(|_| axioms) {
            block.axioms_line = Some(line(&text) + 1);
            text.push_str(&format!("\n#print axioms {}\n", block.name));
        }
        Claims { text, blocks, header_end }
    }

    /// Lines of a proof (from 1) in the file.
    pub fn proof_lines(&self, item: usize) -> std::ops::RangeInclusive<usize> {
        self.blocks[item].proof_line..=self.blocks[item].proof_end
    }

    /// What Lean said is judged, one word for each theorem in order.
    ///
    /// # Errors
    /// When what Lean compiled cannot be read.
    pub fn judge(&self, compiled: &Compiled, beside: &[super::process::Artifacts]) -> anyhow::Result<Vec<Word>> {
        let header = compiled.errors().find(|m| m.line < self.header_end);
        if let Some(message) = header {
            let word = || Word::Rejected(Rejection::Lean { message: message.text.clone(), proof_line: None });
            return Ok(self.blocks.iter().map(|_| word()).collect());
        }
        let Some(files) = &compiled.artifacts else {
            return Ok(self.blocks.iter().map(|block| self.failed(block, &compiled.messages)).collect());
        };
        let mut world = World::new(files.open()?, super::modules::open(beside)?);
        let lines = world.lines()?;
        let foreign = self.foreign(&world, &lines);
        let single = self.blocks.len() == 1;
        let mut words = Vec::new();
        for block in &self.blocks {
            words.push(match &foreign {
                Some(name) if single => Word::Rejected(Rejection::Besides(user_name(name).to_owned())),
                Some(_) => Word::Alone,
                None => self.examine(block, &mut world, &lines, &compiled.messages)?,
            });
        }
        Ok(words)
    }

    /// A file with errors: nothing was compiled. Whose fault it is, and who has to be tried again.
    fn failed(&self, block: &Block, messages: &[Message]) -> Word {
        let errors = || messages.iter().filter(|m| m.is_error());
        if errors().any(|m| block.claim_lines.contains(&m.line)) {
            return Word::NoClaim;
        }
        if let Some(m) = errors().find(|m| (block.statement_line..=block.proof_end).contains(&m.line)) {
            let inside = (block.proof_line..=block.proof_end).contains(&m.line);
            let proof_line = inside.then(|| m.line - block.proof_line);
            return Word::Rejected(Rejection::Lean { message: m.text.clone(), proof_line });
        }
        match self.blocks.len() {
            1 => match errors().next() {
                Some(m) => Word::Rejected(Rejection::Lean { message: m.text.clone(), proof_line: None }),
                None => Word::Rejected(Rejection::Swallowed),
            },
            _ => Word::Alone,
        }
    }

    /// A constant that the text behind the claims declares and that is no part of one of the theorems.
    fn foreign(&self, world: &World<'_>, lines: &HashMap<String, u64>) -> Option<String> {
        let first = self.blocks.first().map_or(0, |b| b.statement_line) as u64;
        let own = |name: &str| {
            let name = user_name(name);
            self.blocks.iter().any(|b| {
                let full = crate::library::olean::canonical(&b.name);
                let full = full.strip_prefix("_root_.").unwrap_or(&full);
                // The namespace that the header left open stands before it.
                name.match_indices(full).any(|(at, _)| {
                    let end = at + full.len();
                    (at == 0 || name[..at].ends_with('.')) && (end == name.len() || name[end..].starts_with('.'))
                })
            })
        };
        let mut foreign: Vec<&String> = lines
            .iter()
            .filter(|(name, line)| **line >= first && world.own(name).is_some() && !is_made(name) && !own(name))
            .map(|(name, _)| name)
            .collect();
        foreign.sort();
        foreign.first().map(|name| (*name).clone())
    }

    fn examine(
        &self,
        block: &Block,
        world: &mut World<'_>,
        lines: &HashMap<String, u64>,
        messages: &[Message],
    ) -> anyhow::Result<Word> {
        let Ok((claim, theorem)) = beside(world, &block.claim, &block.name) else {
            return Ok(Word::Rejected(Rejection::Swallowed));
        };
        let Some(info) = world.own(&theorem) else { return Ok(Word::Rejected(Rejection::Swallowed)) };
        if info.kind != Kind::Theorem {
            return Ok(Word::Rejected(Rejection::OtherStatement(format!("it is {}", show::kind(info.kind)))));
        }
        if world.value_meaning(&claim)? != world.type_meaning(&theorem)? {
            return Ok(Word::NoClaim);
        }
        let basis = world.basis(&theorem)?;
        let behind = |name: &String| lines.get(name).is_some_and(|&line| line as usize >= self.header_end);
        let (mut allowed, mut headers, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for axiom in basis.axioms {
            if ALLOWED_AXIOMS.contains(&axiom.as_str()) {
                allowed.push(axiom);
            } else if world.own(&axiom).is_some() && !behind(&axiom) && lines.contains_key(&axiom) {
                let says = world.own(&axiom).map(|info| info.ty);
                if let Some(ty) = says
                    && world.file_mut().term(ty)? == Term::Constant("False".into(), Vec::new())
                {
                    let why = format!("its axiom `{}` says `False`, from which everything follows", user_name(&axiom));
                    return Ok(Word::Rejected(Rejection::Header(why)));
                }
                headers.push(user_name(&axiom).to_owned());
            } else {
                bad.push(user_name(&axiom).to_owned());
            }
        }
        if bad.iter().any(|a| a == "sorryAx") {
            return Ok(Word::Rejected(Rejection::Sorry));
        }
        if !bad.is_empty() {
            return Ok(Word::Rejected(Rejection::Axioms(bad)));
        }
        // Another theorem of the file: alone the proof would not have it.
        let borrowed = basis.constants.iter().any(|c| {
            lines.get(c).is_some_and(|&l| {
                let l = l as usize;
                l >= self.blocks[0].statement_line && !(block.statement_line..=block.proof_end).contains(&l)
            })
        });
        if borrowed {
            return Ok(Word::Alone);
        }
        if let Some(line) = block.axioms_line {
            // Lean's own list is asked as well; what it names beyond ours would be a module that was not looked into.
            let Some(listed) = messages.iter().find(|m| m.line == line).and_then(|m| read_axioms(&m.text)) else {
                return Ok(Word::Rejected(Rejection::Swallowed));
            };
            let known = |a: &String| ALLOWED_AXIOMS.contains(&a.as_str()) || headers.iter().any(|h| h == user_name(a));
            let odd: Vec<String> = listed.into_iter().filter(|a| !known(a)).collect();
            if !odd.is_empty() {
                return Ok(Word::Rejected(Rejection::Axioms(odd)));
            }
        }
        allowed.extend(headers.iter().cloned());
        Ok(Word::Accepted(allowed, headers))
    }
}

/// The axioms in the answer to `#print axioms`; `None` when it is another answer.
pub fn read_axioms(text: &str) -> Option<Vec<String>> {
    if text.contains("does not depend on any axioms") {
        return Some(Vec::new());
    }
    let list = text.split_once("depends on axioms: [")?.1.split_once(']')?.0;
    Some(list.split(',').map(|a| a.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axioms_are_read() {
        assert_eq!(read_axioms("'t' does not depend on any axioms"), Some(vec![]));
        let listed = read_axioms("'t' depends on axioms: [propext,\n Quot.sound]");
        assert_eq!(listed, Some(vec!["propext".into(), "Quot.sound".into()]));
        assert_eq!(read_axioms("unknown constant"), None);
    }

    #[test]
    fn claims_stand_before_all_proofs() {
        let (a, b) = (
            Problem::from_statement("open Nat", "theorem t (n : Nat) :\n  n = n := by").unwrap(),
            Problem::from_statement("open Nat", "example : QStarClaim = 1 := by").unwrap(),
        );
        let claims = Claims::write("open Nat", &[(&a, "intro\nrfl"), (&b, "rfl")], false);
        insta::assert_snapshot!(claims.text, @r"
        open Nat

        section
        def QStarClaim'0 : Prop :=
          ∀ (n : Nat),
          n = n
        end

        section
        def QStarClaim'1 : Prop :=
           QStarClaim = 1
        end

        theorem t (n : Nat) :
          n = n := by
          intro
          rfl

        theorem QStarTheorem1 : QStarClaim = 1 := by
          rfl
        ");
        assert_eq!(claims.proof_lines(0), 16..=17);
    }
}
