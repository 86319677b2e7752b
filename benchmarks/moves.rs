//! The first moves for every statement of a dataset, without Lean: does each get one of Mathlib's moves that was made for it?
//!
//! `cargo bench --bench moves -- DATA.jsonl [--full]`
//!
//! A move counts as made for a statement when it is one of Mathlib's and is not offered for every goal (as `norm_num` is). Goals are
//! cut out of the statements' text; Lean prints some notations otherwise.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};
use qstar::dataset;
use qstar::lean::{Goal, Hypothesis};
use qstar::policy::Moves;
use qstar::policy::moves::Family;

/// So many moves are the first ones.
const FIRST: usize = 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let full = arguments.iter().any(|a| a == "--full");
    // Run without a dataset, as `cargo bench` does, it has nothing to say.
    let Some(data) = arguments.iter().find(|a| !a.starts_with("--")) else { return Ok(()) };
    let (mut rows, mut made, mut kinds) = (0, 0, BTreeMap::<String, (usize, String)>::new());
    for entry in dataset::load(Path::new(data))? {
        let problem = entry.problem.map_err(anyhow::Error::msg)?;
        let goal = goal(&problem.statement.text).with_context(|| format!("{} is no statement", entry.name))?;
        let moves = Moves::for_header(&problem.header);
        let anyones: HashSet<String> = moves
            .candidates(&Goal { case: None, hypotheses: Vec::new(), target: "p".to_owned() })
            .into_iter()
            .map(|c| c.tactic)
            .collect();
        let first = moves.candidates(&goal).into_iter().take(FIRST).collect::<Vec<_>>();
        let own: Vec<String> = first
            .iter()
            .filter(|c| c.family == Family::Mathlib && !anyones.contains(&c.tactic))
            .map(|c| c.tactic.replace('\n', "; "))
            .collect();
        rows += 1;
        made += usize::from(!own.is_empty());
        if full {
            println!("| {} | {} |", entry.name, own.iter().take(3).map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", "));
        }
        for tactic in &own {
            let word = tactic.split([' ', ';']).next().unwrap_or("").to_owned();
            kinds.entry(word).or_insert_with(|| (0, tactic.clone())).0 += 1;
        }
    }
    println!("{made} of {rows} statements have a move that was made for them among the first {FIRST}\n");
    println!("| begins with | times among the first {FIRST} | for example |\n| --- | --- | --- |");
    let mut kinds: Vec<(String, (usize, String))> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    kinds.iter().for_each(|(word, (count, example))| println!("| `{word}` | {count} | `{example}` |"));
    Ok(())
}

/// The goal of a statement as its text has it: binders before the colon, the target behind it.
fn goal(statement: &str) -> Option<Goal> {
    let mut rest = statement.split_once(char::is_whitespace)?.1.trim_start();
    rest = rest[rest.find(|c: char| c.is_whitespace() || "({[:".contains(c))?..].trim_start();
    let mut hypotheses = Vec::new();
    while rest.starts_with(['(', '{', '[']) {
        let mut depth = 0i32;
        let end = rest.char_indices().find(|(_, c)| {
            depth += i32::from("({[⟨".contains(*c)) - i32::from(")}]⟩".contains(*c));
            depth == 0
        })?;
        let (names, ty) = rest[1..end.0].split_once(" :").unwrap_or(("inst", &rest[1..end.0]));
        let names = names.split_whitespace().map(str::to_owned).collect();
        hypotheses.push(Hypothesis { names, ty: level(ty), value: None });
        rest = rest[end.0 + 1..].trim_start();
    }
    let target = rest.strip_prefix(':')?;
    Some(Goal { case: None, hypotheses, target: level(target.rsplit_once(":=").map_or(target, |(t, _)| t)) })
}

fn level(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
