//! Proofs put into their file, and the whole of it before a fresh Lean process: nothing in it may be worse than before.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::site::{Form, Site};
use super::{Filled, Note, Status};
use crate::source::Command;
use crate::toolchain::Toolchain;
use crate::verify::{Message, Rejection, process};

/// For the fresh process that elaborates the whole file.
const WHOLE_TIME: Duration = Duration::from_secs(600);

/// A proof on its way into the file.
pub struct Found {
    /// Place among the sites.
    pub site: usize,
    pub form: Form,
    pub proof: String,
    /// Written exactly as Lean was asked.
    pub plain: bool,
}

/// The file as it was, and what Lean says of it: asked for only when there is need.
pub struct Before<'a> {
    pub toolchain: &'a Toolchain,
    pub text: &'a str,
    pub messages: Option<Vec<Message>>,
}

impl Before<'_> {
    async fn messages(&mut self) -> Result<&[Message], Rejection> {
        if self.messages.is_none() {
            self.messages = Some(process::run(self.toolchain, self.text, WHOLE_TIME).await?);
        }
        Ok(self.messages.as_deref().unwrap_or_default())
    }

    /// Commands with an error in them, and the first: no proof may rest on those.
    pub async fn broken(&mut self, blocks: &[Command]) -> Result<BTreeMap<usize, Message>, Rejection> {
        let text = self.text;
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        let lines: Vec<Range<usize>> = blocks.iter().map(|b| line(b.range.start)..line(b.range.end)).collect();
        let mut broken = BTreeMap::new();
        for error in self.messages().await?.iter().filter(|m| m.is_error()) {
            if let Some(at) = lines.iter().position(|l| l.contains(&error.line)) {
                broken.entry(at).or_insert_with(|| error.clone());
            }
        }
        Ok(broken)
    }
}

/// What Lean still has to say of the new text: warnings of a `sorry` that stands at no open site, and errors.
pub fn left_over(
    text: &str,
    blocks: &[Command],
    sites: &[Site],
    edits: &[(Range<usize>, String)],
    messages: &[Message],
    sorrys: &[Filled],
) -> (Vec<Note>, Vec<Note>) {
    let (whole, _) = apply(text, edits);
    let note = |m: &Message| Note { line: m.line, message: m.text.lines().next().unwrap_or("").to_owned() };
    let known = |m: &&Message| {
        let open = sites.iter().zip(sorrys).filter(|(_, s)| !matches!(s.status, Status::Filled { .. }));
        open.map(|(site, _)| command_lines(&whole, text, edits, blocks, site.index))
            .any(|(first, last)| (first..=last).contains(&m.line))
    };
    let remaining = messages.iter().filter(|m| !m.is_error() && m.uses_sorry()).filter(|m| !known(m)).map(note).collect();
    (remaining, messages.iter().filter(|m| m.is_error()).map(note).collect())
}

/// Puts the proofs into the file and lets a fresh Lean process judge the whole, until nothing in it is worse than
/// before. A proof that does not fit is written plainer, then given up. Returns the edits (bytes of the old text, new
/// text) in the order of the file, and what Lean says of the text with them: nothing where it need not be asked, for
/// some `sorry` stays open in any case.
///
/// # Errors
/// When Lean cannot judge the file; `found` then holds the proofs.
pub async fn accepted(
    before: &mut Before<'_>,
    blocks: &[Command],
    sites: &[Site],
    found: &mut Vec<Found>,
    sorrys: &mut [Filled],
) -> Result<(Vec<(Range<usize>, String)>, Vec<Message>), Rejection> {
    let text = before.text;
    loop {
        let edits: Vec<(Range<usize>, String)> = found
            .iter()
            .map(|f| {
                let site = &sites[f.site];
                if f.plain { site.plain_edit(text, f.form, &f.proof) } else { site.edit(text, f.form, &f.proof) }
            })
            .collect();
        if edits.is_empty() {
            let messages = if sites.is_empty() { before.messages().await?.to_vec() } else { Vec::new() };
            return Ok((edits, messages));
        }
        let (whole, lines) = apply(text, &edits);
        let messages = process::run(before.toolchain, &whole, WHOLE_TIME).await?;
        let mut bad: BTreeSet<usize> = BTreeSet::new();
        let mut why = String::new();
        let mut blame = |m: &Message, all: &mut BTreeSet<usize>| {
            why.clone_from(&m.text);
            let here: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].contains(&m.line)).collect();
            // An error elsewhere may come from any proof in the same command, or from any at all.
            let command = |i: usize| {
                let (first, last) = command_lines(&whole, text, &edits, blocks, sites[found[i].site].index);
                (first..=last).contains(&m.line)
            };
            let near: Vec<usize> = (0..lines.len()).filter(|&i| command(i)).collect();
            all.extend(if !here.is_empty() {
                here
            } else if !near.is_empty() {
                near
            } else {
                (0..lines.len()).collect()
            });
        };
        let errors: Vec<&Message> = messages.iter().filter(|m| m.is_error()).collect();
        let mut known: Vec<String> = match errors.is_empty() {
            true => Vec::new(),
            false => before.messages().await?.iter().filter(|m| m.is_error()).map(|m| m.text.clone()).collect(),
        };
        for m in errors {
            match known.iter().position(|k| *k == m.text) {
                Some(at) => drop(known.swap_remove(at)),
                None => blame(m, &mut bad),
            }
        }
        // A command all of whose `sorry`s are filled must say no more that it has one.
        for m in messages.iter().filter(|m| m.uses_sorry()) {
            let full = |i: usize| {
                let index = sites[found[i].site].index;
                let (first, last) = command_lines(&whole, text, &edits, blocks, index);
                let open = (0..sites.len()).any(|s| sites[s].index == index && !found.iter().any(|f| f.site == s));
                !open && (first..=last).contains(&m.line)
            };
            let full: Vec<usize> = (0..found.len()).filter(|&i| full(i)).collect();
            if !full.is_empty() {
                why.clone_from(&m.text);
                bad.extend(full);
            }
        }
        if bad.is_empty() {
            return Ok((edits, messages));
        }
        let mut number = 0;
        found.retain_mut(|f| {
            let at = number;
            number += 1;
            if !bad.contains(&at) {
                return true;
            }
            if !f.plain {
                f.plain = true;
                return true;
            }
            let message = format!("the whole file does not take the proof: {why}");
            sorrys[f.site].status = Status::Error { message };
            false
        });
    }
}

/// The text with its edits, and the lines (from 1) that each of them takes.
fn apply(text: &str, edits: &[(Range<usize>, String)]) -> (String, Vec<RangeInclusive<usize>>) {
    let (mut whole, mut lines, mut at) = (String::new(), Vec::new(), 0);
    for (range, put) in edits {
        whole.push_str(&text[at..range.start]);
        let first = whole.matches('\n').count() + 1;
        whole.push_str(put);
        lines.push(first..=whole.matches('\n').count() + 1);
        at = range.end;
    }
    whole.push_str(&text[at..]);
    (whole, lines)
}

/// First and last line (from 1) of a command in the edited text.
fn command_lines(
    whole: &str,
    text: &str,
    edits: &[(Range<usize>, String)],
    blocks: &[Command],
    index: usize,
) -> (usize, usize) {
    let moved = |at: usize| {
        let shift: isize = edits
            .iter()
            .filter(|(range, _)| range.end <= at)
            .map(|(range, put)| put.len() as isize - range.len() as isize)
            .sum();
        (at as isize + shift) as usize
    };
    let range = &blocks[index].range;
    let line = |at: usize| whole[..at].matches('\n').count() + 1;
    let end = range.start + text[range.clone()].trim_end().len();
    (line(moved(range.start)), line(moved(end)))
}

#[cfg(test)]
mod tests {
    use super::super::site::{blocks, sites};
    use super::*;

    #[test]
    fn edits_know_their_lines() {
        let text = "theorem a : P := by\n  sorry\n\ntheorem b : P := sorry\n";
        let blocks = blocks(text).unwrap();
        let sites = sites(text, &blocks);
        let edits = [sites[0].edit(text, Form::Tactic, "x\ny\n"), sites[1].edit(text, Form::Term, "z\n")];
        let (whole, lines) = apply(text, &edits);
        assert_eq!(whole, "theorem a : P := by\n  x\n  y\n\ntheorem b : P := by z\n");
        assert_eq!(lines, [2..=3, 5..=5]);
        assert_eq!(command_lines(&whole, text, &edits, &blocks, 1), (5, 5));
        assert_eq!(command_lines(&whole, text, &edits, &blocks, 0), (1, 3));
    }
}
