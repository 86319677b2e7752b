//! Proofs that came from anywhere: a candidate file against the original whose `sorry`s it claims to fill.
//!
//! Both files are compiled, each by a fresh Lean, and what Lean made of them is compared ([`super::judge`]). Style is free:
//! helpers, attributes, instances, notations, other layout and order are judged by what they do.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::fatal::without_the_fatal;
use super::harmless::{INSIDES, running_words};
use super::judge::{Judged, MISSING, Pair};
use super::kernel::Kernel;
use super::meaning::World;
use super::originals::Originals;
use super::process::{Artifacts, Compiled, Message, compile};
use super::show::user_name;
use super::{Rejection, modules};
use crate::lean::syntax::{Kind, imports, tokens};
use crate::library::olean::canonical;
use crate::source::{Command, Statement, commands};
use crate::toolchain::Toolchain;

/// How often declarations that fail are taken out of a candidate, and the rest is compiled again.
const ROUNDS: usize = 6;
/// What stands for the name of a command such as `#eval`.
const HASH: &str = "#";
/// Names under which `example`s are judged, by their place.
const EXAMPLE: &str = "example";

/// Judges every theorem of `original` that holds `sorry`. `originals` keeps what it was compiled to, for other candidates.
///
/// # Errors
/// When `original` does not elaborate or has no such theorem, or Lean does not run.
pub async fn verify_file(
    toolchain: &Toolchain,
    originals: &Originals,
    original: &str,
    candidate: &str,
    timeout: Duration,
    kernel: Option<&Kernel>,
) -> Result<Vec<Judged>> {
    let examples = open_examples(original);
    let (ours, theirs) = (named_examples(original, &examples), named_examples(candidate, &examples));
    let (original_made, candidate_made) =
        futures::join!(originals.compiled(toolchain, &ours, timeout), compile_what_holds(toolchain, &theirs, timeout));
    let original_made = original_made?;
    let Some(original_files) = &original_made.artifacts else {
        let first = original_made.errors().next().map_or("no message", |m| m.text.as_str());
        bail!("the original does not elaborate: {first}");
    };
    let mut original_world = World::new(original_files.open().context("the original")?, Vec::new());
    let mut empty = World::new(original_files.open()?, Vec::new());
    let open = Pair {
        original: &mut original_world,
        candidate: &mut empty,
        original_text: "",
        candidate_text: "",
        replayed: false,
        insides: false,
    }
    .wanted()?;
    anyhow::ensure!(!open.is_empty(), "the original has no theorem whose proof holds `sorry`");
    let all = |judge: &dyn Fn(&str) -> Judged| -> Vec<Judged> { open.iter().map(|name| shown(judge(name))).collect() };
    if head(original) != head(candidate) {
        return Ok(all(&|name| {
            Judged::refused(name, "one of the two files begins with `module` or `prelude` and the other does not")
        }));
    }
    let Kept { compiled, text: kept, dropped, fatal } = match candidate_made {
        Ok(made) => made,
        Err(error @ (Rejection::TimedOut(_) | Rejection::Process(_))) => {
            return Ok(all(&|name| Judged::unchecked(name, error.to_string())));
        }
        Err(error) => return Ok(all(&|name| Judged::refused(name, error.to_string()))),
    };
    // A command that is no declaration and fails (`#eval` that may not write, say) is no honest file's.
    if let Some((_, said)) = dropped.iter().find(|(name, _)| name == HASH) {
        return Ok(all(&|name| Judged::refused(name, format!("a command of the candidate fails: {}", said.text))));
    }
    let Some(files) = &compiled.artifacts else {
        let first = compiled.errors().next().map_or("no message", |m| m.text.as_str());
        return Ok(all(&|name| Judged::refused(name, format!("Lean rejects the candidate: {first}"))));
    };
    let replayed = match kernel {
        Some(kernel) => match kernel.replay(toolchain, &kept, files, &open, timeout).await {
            Ok(told) => Some(told),
            Err(error) => return Ok(all(&|name| without_kernel(name, &error))),
        },
        None => None,
    };
    let beside = modules::of_project(toolchain, files)?;
    let mut candidate_world = World::new(files.open().context("the candidate")?, modules::open(&beside)?);
    // A native Lean's file system is not ours to watch: code that runs could put another file in the place of the compiled one.
    let insides = running_words(original, candidate).is_some()
        && (toolchain.lists_axioms() || modules::reach(toolchain, files.open()?.imports, INSIDES)?);
    let mut pair = Pair {
        original: &mut original_world,
        candidate: &mut candidate_world,
        original_text: original,
        candidate_text: candidate,
        replayed: replayed.is_some(),
        insides,
    };
    let judged = judge(&mut pair, &open, replayed.flatten().as_deref())?;
    Ok(judged.into_iter().map(|j| explained(j, &dropped, &fatal)).map(shown).collect())
}

/// Judges two compiled files.
///
/// # Errors
/// When they cannot be read, or the original has nothing to prove.
pub async fn verify_compiled(
    toolchain: &Toolchain,
    original: &Path,
    candidate: &Path,
    timeout: Duration,
    kernel: Option<&Kernel>,
) -> Result<Vec<Judged>> {
    let read = |path: &Path| Artifacts::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (ours, theirs) = (read(original)?, read(candidate)?);
    let open = |files| -> Result<World<'_>> { Ok(World::new(Artifacts::open(files)?, Vec::new())) };
    let mut original_world = open(&ours).with_context(|| format!("{} cannot be read", original.display()))?;
    let beside = modules::of_project(toolchain, &theirs)?;
    let mut candidate_world =
        World::new(theirs.open().with_context(|| format!("{} cannot be read", candidate.display()))?, modules::open(&beside)?);
    let insides = modules::reach(toolchain, theirs.open()?.imports, INSIDES)?;
    let mut pair = Pair {
        original: &mut original_world,
        candidate: &mut candidate_world,
        original_text: "",
        candidate_text: "",
        replayed: false,
        insides,
    };
    let wanted = pair.wanted()?;
    anyhow::ensure!(!wanted.is_empty(), "the original has no theorem whose proof holds `sorry`");
    let told = match kernel {
        Some(kernel) => match kernel.replay(toolchain, "", &theirs, &wanted, timeout).await {
            Ok(told) => told,
            Err(error) => return Ok(wanted.iter().map(|name| shown(without_kernel(name, &error))).collect()),
        },
        None => None,
    };
    pair.replayed = kernel.is_some();
    // Code that left no constant cannot be ruled out without the source.
    if insides && !pair.replayed {
        let why = "it imports Lean's insides, and without its source only a kernel can judge it (--kernel)";
        return Ok(wanted.iter().map(|name| shown(Judged::unchecked(name, why))).collect());
    }
    Ok(judge(&mut pair, &wanted, told.as_deref())?.into_iter().map(shown).collect())
}

/// What follows for a theorem when the kernel that must agree does not.
fn without_kernel(name: &str, error: &Rejection) -> Judged {
    match error.is_unchecked() {
        true => Judged::unchecked(name, error.to_string()),
        false => Judged::refused(name, error.to_string()),
    }
}

/// The verdicts; `told` is what the agreement of a kernel rests on.
fn judge(pair: &mut Pair<'_, '_>, wanted: &[String], told: Option<&str>) -> Result<Vec<Judged>> {
    if let Some(why) = pair.whole(wanted)? {
        return Ok(wanted.iter().map(|name| Judged::refused(name, why.clone())).collect());
    }
    let mut judged: Vec<Judged> = wanted.iter().map(|name| pair.theorem(name)).collect::<Result<_>>()?;
    judged.iter_mut().filter(|j| j.proved).for_each(|j| j.kernel = told.map(str::to_owned));
    Ok(judged)
}

/// A verdict under the name that the file has.
fn shown(mut judged: Judged) -> Judged {
    judged.name = match judged.name.rsplit_once(NAMED) {
        Some((_, number)) => format!("{EXAMPLE} {number}"),
        None => user_name(&judged.name).to_owned(),
    };
    judged
}

/// A theorem that is missing because Lean rejected it, or ended on it, is told with that.
fn explained(judged: Judged, dropped: &[(String, Message)], fatal: &[(String, String)]) -> Judged {
    if judged.reason.as_deref() != Some(MISSING) {
        return judged;
    }
    let own = user_name(&judged.name).to_owned();
    if let Some((_, why)) = fatal.iter().find(|(name, _)| canonical(name) == own) {
        return Judged::unchecked(&judged.name, format!("Lean ended on it: {why}"));
    }
    let Some((_, said)) = dropped.iter().find(|(name, _)| canonical(name) == own) else { return judged };
    match fatal {
        [] => Judged::refused(&judged.name, format!("Lean rejects it: {}", said.text)),
        // It may rest on what nothing is known of.
        [(name, _), ..] => {
            Judged::unchecked(&judged.name, format!("without `{name}`, on which Lean ended, Lean rejects it: {}", said.text))
        }
    }
}

/// Words that make a file another kind of file.
fn head(text: &str) -> Vec<&'static str> {
    let all = imports(text);
    ["module", "prelude"].into_iter().filter(|word| all.split_whitespace().any(|w| w == *word)).collect()
}

/// What is left of a candidate.
struct Kept {
    compiled: Compiled,
    text: String,
    /// Names of what Lean rejects, with its first error there.
    dropped: Vec<(String, Message)>,
    /// Names of theorems on which Lean ends, with the reason.
    fatal: Vec<(String, String)>,
}

/// Compiles a candidate; declarations that Lean rejects are taken out, and theorems on which it ends, so that the others can
/// be judged. What is judged is the text that is left, which is told with what was taken out.
async fn compile_what_holds(toolchain: &Toolchain, text: &str, timeout: Duration) -> Result<Kept, Rejection> {
    let (mut text, mut dropped, mut fatal) = (text.replace("\r\n", "\n"), Vec::new(), Vec::new());
    let mut round = 0;
    loop {
        let compiled = match compile(toolchain, &text, timeout).await {
            Ok(compiled) => compiled,
            Err(Rejection::Process(why)) if fatal.len() < ROUNDS => {
                let found = without_the_fatal(toolchain, &text, timeout).await;
                let Some((left, name)) = found else { return Err(Rejection::Process(why)) };
                text = left;
                fatal.push((name, why));
                continue;
            }
            Err(error) => return Err(error),
        };
        let left = match compiled.artifacts.is_some() || round == ROUNDS {
            true => None,
            false => without_errors(&text, &compiled.messages),
        };
        let Some((left, gone)) = left else { return Ok(Kept { compiled, text, dropped, fatal }) };
        text = left;
        dropped.extend(gone);
        round += 1;
    }
}

/// The text without the commands in which Lean found errors, and their names with the first error of each.
fn without_errors(text: &str, messages: &[Message]) -> Option<(String, Vec<(String, Message)>)> {
    let commands = whole_blocks(commands(text).ok()?);
    let spaces = namespaces(text, &commands);
    let mut cut: Vec<(Range<usize>, String, Message)> = Vec::new();
    for message in messages.iter().filter(|m| m.is_error()) {
        let at = text.split_inclusive('\n').take(message.line.saturating_sub(1)).map(str::len).sum::<usize>();
        let (place, command) = commands.iter().enumerate().rev().find(|(_, c)| c.range.start <= at)?;
        if !cut.iter().any(|(range, ..)| *range == command.range) {
            let body = &text[command.range.clone()];
            let name = match body.starts_with('#') {
                true => HASH.to_owned(),
                false => format!("{}{}", spaces[place], declared(body).unwrap_or_default()),
            };
            cut.push((command.range.clone(), name, message.clone()));
        }
    }
    cut.sort_by_key(|(range, ..)| range.start);
    let left = cut_out(text, cut.iter().map(|(range, ..)| range));
    Some((left, cut.into_iter().map(|(_, name, message)| (name, message)).collect()))
}

/// The text without these places, in order; line numbers stay what they are.
pub(super) fn cut_out<'a>(text: &str, places: impl IntoIterator<Item = &'a Range<usize>>) -> String {
    let (mut left, mut at) = (String::new(), 0);
    for range in places {
        left.push_str(&text[at..range.start]);
        left.extend(std::iter::repeat_n('\n', text[range.clone()].matches('\n').count()));
        at = range.end;
    }
    left.push_str(&text[at..]);
    left
}

/// `mutual` … `end` as one command: a part of it alone is none.
pub(super) fn whole_blocks(commands: Vec<Command>) -> Vec<Command> {
    let (mut found, mut open): (Vec<Command>, bool) = (Vec::new(), false);
    for command in commands {
        match found.last_mut().filter(|_| open) {
            Some(block) => {
                block.range.end = command.range.end;
                open = command.keyword != "end";
            }
            None => {
                open = command.keyword == "mutual";
                found.push(command);
            }
        }
    }
    found
}

/// The namespace in which each command stands, with a dot behind it.
pub(super) fn namespaces(text: &str, commands: &[Command]) -> Vec<String> {
    let (mut open, mut found): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for command in commands {
        found.push(open.concat());
        let words: Vec<&str> = text[command.range.clone()].split_whitespace().take(2).collect();
        match words[..] {
            ["namespace", name] => open.push(format!("{name}.")),
            ["section", ..] => open.push(String::new()),
            ["end", ..] => drop(open.pop()),
            _ => {}
        }
    }
    found
}

/// The name that a command declares.
pub(super) fn declared(command: &str) -> Option<String> {
    let all: Vec<_> = tokens(command).ok()?.into_iter().filter(|t| t.kind != Kind::Comment).collect();
    let words = ["theorem", "lemma", "def", "abbrev", "instance", "structure", "inductive"];
    let at = all.iter().position(|t| words.contains(&t.text))?;
    all.get(at + 1).filter(|t| t.kind == Kind::Name).map(|t| t.text.to_owned())
}

/// Part of the names that `example`s get.
const NAMED: &str = "qstarExample_";

/// The statements of `example`s that hold `sorry`, in order.
fn open_examples(text: &str) -> Vec<[u8; 32]> {
    let found = commands(text).unwrap_or_default();
    let open = found.iter().map(|c| (&c.keyword, &text[c.range.clone()])).filter(|(keyword, body)| {
        *keyword == "example" && tokens(body).unwrap_or_default().iter().any(|t| t.kind == Kind::Name && t.text == "sorry")
    });
    open.filter_map(|(_, body)| Some(Statement::split(body.trim()).ok()?.0.key())).collect()
}

/// `example`s with these statements as theorems with names by their place, so that Lean keeps what they prove.
fn named_examples(text: &str, wanted: &[[u8; 32]]) -> String {
    let found = commands(text).unwrap_or_default();
    let (mut named, mut at, mut used) = (String::new(), 0, vec![false; wanted.len()]);
    for command in found.iter().filter(|c| c.keyword == "example" && !wanted.is_empty()) {
        let body = &text[command.range.clone()];
        let Some(key) = Statement::split(body.trim()).ok().map(|(s, _)| s.key()) else { continue };
        let Some(place) = (0..wanted.len()).find(|&i| wanted[i] == key && !used[i]) else { continue };
        let code = tokens(body).unwrap_or_default();
        let Some(word) = code.iter().find(|t| t.kind == Kind::Name && t.text == "example") else { continue };
        used[place] = true;
        let start = command.range.start + word.start;
        named.push_str(&text[at..start]);
        named.push_str(&format!("theorem {NAMED}{}", place + 1));
        at = start + "example".len();
    }
    named.push_str(&text[at..]);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_taken_out_and_the_lines_stay() {
        let text = "def a := 1\n\ntheorem t : 1 = 2 := by\n  rfl\n\ntheorem u : 1 = 1 := rfl\n";
        let error = Message { line: 4, severity: "error".into(), text: "no".into() };
        let (left, dropped) = without_errors(text, std::slice::from_ref(&error)).unwrap();
        assert_eq!(left, "def a := 1\n\n\n\n\ntheorem u : 1 = 1 := rfl\n");
        assert_eq!(dropped, [("t".to_owned(), error)]);
    }

    #[test]
    fn open_examples_get_names() {
        let text = "example : 1 = 1 := by\n  sorry\n-- example\nexample := 3\nexample : 2 = 2 := by rfl\n";
        let open = open_examples(text);
        assert_eq!(open.len(), 1);
        assert_eq!(named_examples(text, &open), text.replacen("example", "theorem qstarExample_1", 1));
        let proved = "example : 2 = 2 := rfl\nexample :\n    1 = 1 := rfl\n";
        assert_eq!(named_examples(proved, &open), "example : 2 = 2 := rfl\ntheorem qstarExample_1 :\n    1 = 1 := rfl\n");
    }
}
