//! Theorems of compiled libraries as goals: each statement as Lean prints it, posed where its own module stands.
//!
//! A theorem behind the imports of its module can use what came before it, and neither itself nor what rests on it. What
//! is printed is kept only when Lean reads it back as the theorem's own type (`example : printed := @name`), and when it
//! elaborates behind those imports. Depends on `library`, `source` and the fresh Lean process of `verify`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use futures::stream::{self, StreamExt, TryStreamExt};
use regex::Regex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::export::Split;
use crate::library::Library;
use crate::source::Statement;
use crate::toolchain::Toolchain;
use crate::verify::process::{self, Message};

/// Names asked of one process.
const CHUNK: usize = 1000;
/// For one process.
const PATIENCE: Duration = Duration::from_secs(300);
/// Longest statement kept, in characters: longer ones fill a network's context alone.
const LONGEST: usize = 600;

/// What to take.
#[derive(Debug, Clone)]
pub struct Options {
    /// Modules that are read with all that they import.
    pub roots: Vec<String>,
    /// Of these, the modules whose names begin so; empty: all.
    pub under: Vec<String>,
    /// At most so many theorems of a module, drawn by the seed.
    pub per_module: Option<usize>,
    /// At most so many modules, drawn by the seed.
    pub modules: Option<usize>,
    /// Modules of this split only.
    pub split: Option<Split>,
    pub seed: u64,
    /// Lean processes at a time.
    pub workers: usize,
}

/// A theorem, as a row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The library's name for it.
    pub name: String,
    /// The imports of its module.
    pub header: String,
    pub formal_statement: String,
    pub module: String,
    /// By a hash of the module: theorems of one module are never on two sides.
    pub split: Split,
}

/// What became of the theorems that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub modules: usize,
    pub found: usize,
    pub kept: usize,
    /// Theorems that were left out, by reason.
    pub lost: BTreeMap<&'static str, usize>,
}

/// A theorem on its way.
struct Found {
    name: String,
    module: usize,
    statement: Statement,
}

/// Gathers theorems; `tell` hears what is being done.
///
/// # Errors
/// When the library cannot be read, has no such module, or Lean does not run.
pub async fn gather(toolchain: &Toolchain, options: &Options, mut tell: impl FnMut(String)) -> Result<(Vec<Row>, Report)> {
    let library = Library::read(&toolchain.library_folders(), &options.roots)?;
    let known = || library.modules.iter().map(|m| m.name.as_str());
    for root in &options.roots {
        ensure!(known().any(|m| m == root), "the library of {} has no module `{root}`", toolchain.version);
    }
    let chosen = choose(&library, options);
    let mut report = Report { found: chosen.len(), ..Report::default() };
    report.modules = chosen.iter().map(|(_, m)| m).collect::<BTreeSet<_>>().len();
    ensure!(!chosen.is_empty(), "no theorem stands in {}", asked_for(options));
    let mut lose = |reason: &'static str| *report.lost.entry(reason).or_default() += 1;
    let imports: String = options.roots.iter().map(|m| format!("import {m}\n")).collect();

    let mut printed: Vec<Found> = Vec::new();
    for (at, chunk) in chosen.chunks(CHUNK).enumerate() {
        tell(format!("asking Lean for statements: {} of {}", at * CHUNK, chosen.len()));
        for (said, &(name, module)) in print(toolchain, &imports, chunk).await?.into_iter().zip(chunk) {
            match said.as_deref().and_then(|said| parse(name, said)) {
                Some(statement) if statement.text.chars().count() <= LONGEST => {
                    printed.push(Found { name: name.to_owned(), module, statement });
                }
                Some(_) => lose("too long"),
                None => lose("not printed as a statement"),
            }
        }
    }
    let mut read_back: Vec<Found> = Vec::new();
    for (at, chunk) in chunks(printed, CHUNK).into_iter().enumerate() {
        tell(format!("reading statements back: {}", at * CHUNK));
        let lines = chunk.iter().map(|f| format!("example : {} := @{}", f.statement.closed_type(), f.name));
        let good = accepted(toolchain, &imports, &chunk, lines.collect()).await?;
        for (found, good) in chunk.into_iter().zip(good) {
            if good { read_back.push(found) } else { lose("read back as something else") }
        }
    }
    let mut by_module: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    for found in read_back {
        by_module.entry(found.module).or_default().push(found);
    }
    let (modules, mut done) = (by_module.len(), 0);
    let posed = by_module.into_iter().map(|(module, found)| {
        let header = header(&library.modules[module].imports);
        async move {
            let lines = found.iter().map(|f| format!("{} := by skip; sorry", f.statement.as_example())).collect();
            let good = accepted(toolchain, &header, &found, lines).await?;
            anyhow::Ok((module, header, found, good))
        }
    });
    let mut posed = stream::iter(posed).buffered(options.workers.max(1));
    let mut rows = Vec::new();
    while let Some((module, header, found, good)) = posed.try_next().await? {
        done += 1;
        tell(format!("posing theorems where they stand: {done} of {modules} modules"));
        let module = &library.modules[module].name;
        let split = split_of(module);
        for (found, good) in found.into_iter().zip(good) {
            if good {
                let (header, module) = (header.clone(), module.clone());
                let formal_statement = format!("{} := by", found.statement.text);
                rows.push(Row { name: found.name, header, formal_statement, module, split });
            } else {
                lose("not understood behind its module's imports");
            }
        }
    }
    report.kept = rows.len();
    Ok((rows, report))
}

/// Theorems and the places of their modules, in the order of names.
fn choose<'a>(library: &'a Library, options: &Options) -> Vec<(&'a str, usize)> {
    let home: HashMap<&str, usize> = library
        .modules
        .iter()
        .enumerate()
        .flat_map(|(place, module)| module.constants.iter().map(move |c| (c.name.as_str(), place)))
        .collect();
    let mut by_module: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    let wanted = |module: &str| {
        (options.under.is_empty() || options.under.iter().any(|u| module.starts_with(u.as_str())))
            && options.split.is_none_or(|split| split == split_of(module))
    };
    for theorem in library.theorems() {
        let Some(&place) = home.get(theorem.name.as_str()) else { continue };
        let module = &library.modules[place];
        // A module that imports nothing is where tactics do not exist yet.
        if wanted(&module.name) && !module.imports.is_empty() {
            by_module.entry(&module.name).or_default().push((&theorem.name, place));
        }
    }
    let mut rng = Rng::with_seed(options.seed);
    let mut modules: Vec<Vec<(&str, usize)>> = by_module.into_values().collect();
    if let Some(most) = options.modules {
        rng.shuffle(&mut modules);
        modules.truncate(most);
        modules.sort();
    }
    for theorems in &mut modules {
        if let Some(most) = options.per_module {
            rng.shuffle(theorems);
            theorems.truncate(most);
        }
        theorems.sort_unstable();
    }
    modules.concat()
}

/// The modules that are wanted, in words.
fn asked_for(options: &Options) -> String {
    let split = options.split.map_or(String::new(), |split| format!(" of the split {}", split.name()));
    let names = if options.under.is_empty() {
        String::new()
    } else {
        format!(" whose names begin with {}", options.under.join(" or "))
    };
    format!("modules{split}{names}")
}

/// The split of all theorems of a module.
fn split_of(module: &str) -> Split {
    Split::of(&Sha256::digest(module.as_bytes()).into())
}

/// The imports of a module as a header. Without `prelude` Lean would import all of `Init`.
fn header(imports: &[String]) -> String {
    let prelude = if imports.iter().any(|i| i == "Init") { "" } else { "prelude\n" };
    format!("{prelude}{}", imports.iter().map(|m| format!("import {m}\n")).collect::<String>())
}

/// Lean's `#check` of each name; `None` where it said nothing.
async fn print(toolchain: &Toolchain, imports: &str, names: &[(&str, usize)]) -> Result<Vec<Option<String>>> {
    let options = "set_option pp.deepTerms true\nset_option pp.maxSteps 50000\nset_option pp.funBinderTypes true\n\
                   set_option pp.piBinderTypes true\nset_option pp.numericTypes true\nset_option pp.mvars false\n";
    let text = format!("{imports}{options}");
    let first = text.lines().count();
    let asked: String = names.iter().map(|(name, _)| format!("#check {name}\n")).collect();
    let mut said = vec![None; names.len()];
    for message in process::run(toolchain, &(text + &asked), PATIENCE).await.context("Lean does not print theorems")? {
        if message.severity == "information"
            && let Some(place) = (message.line - 1).checked_sub(first)
            && let Some(slot) = said.get_mut(place)
        {
            *slot = Some(message.text);
        }
    }
    Ok(said)
}

/// What `#check` prints, as a statement of its own: `name.{u} binders : type`.
fn parse(name: &str, said: &str) -> Option<Statement> {
    static HIDDEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"([\p{L}_][\p{L}\p{N}_']*)✝([⁰¹²³⁴-⁹]*)").expect("fixed"));
    let rest = said.trim().strip_prefix(name)?;
    let rest = HIDDEN.replace_all(rest, |found: &regex::Captures| {
        let number: String =
            found[2].chars().filter_map(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|d| d == c)).map(|d| d.to_string()).collect();
        format!("{}_{}", &found[1], if number.is_empty() { "0" } else { &number })
    });
    // A flat name: `theorem List.map_map` would open `List` for its own statement.
    Statement::parse(&format!("theorem {}{rest}", name.replace(['.', '!', '?', '\''], "_"))).ok()
}

/// Whether Lean takes each declaration without an error.
async fn accepted(toolchain: &Toolchain, header: &str, found: &[Found], declarations: Vec<String>) -> Result<Vec<bool>> {
    let universes: BTreeSet<String> = found
        .iter()
        .flat_map(|f| f.statement.universe_command().split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut text = header.to_owned();
    if !universes.is_empty() {
        text.push_str(&format!("universe {}\n", universes.into_iter().collect::<Vec<_>>().join(" ")));
    }
    let mut starts = Vec::new();
    let mut line = text.lines().count() + 1;
    for declaration in declarations {
        starts.push(line);
        line += declaration.lines().count();
        text.push_str(&declaration);
        text.push('\n');
    }
    let mut good = vec![true; starts.len()];
    for message in
        process::run(toolchain, &text, PATIENCE).await.context("Lean does not read theorems")?.iter().filter(|m| m.is_error())
    {
        spoil(&mut good, &starts, message);
    }
    Ok(good)
}

/// An error belongs to the declaration in whose lines it stands; one before all of them to all.
fn spoil(good: &mut [bool], starts: &[usize], error: &Message) {
    match starts.partition_point(|&start| start <= error.line) {
        0 => good.fill(false),
        place => good[place - 1] = false,
    }
}

fn chunks<T>(mut all: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while all.len() > size {
        let rest = all.split_off(size);
        chunks.push(std::mem::replace(&mut all, rest));
    }
    chunks.push(all);
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lean_prints_becomes_a_statement() {
        let said = "List.map_map.{u_1, u_2} {x✝ : BEq α} {x✝¹ : Type u_1} (f : α → β) :\n  List.map g l = l";
        let statement = parse("List.map_map", said).unwrap();
        let text = "theorem List_map_map.{u_1, u_2} {x_0 : BEq α} {x_1 : Type u_1} (f : α → β) :\n  List.map g l = l";
        assert_eq!(statement.text, text);
        assert_eq!(statement.universe_command(), "universe u_1  u_2\n");
        assert!(parse("List.map_map", "Unknown constant `List.map_map`").is_none());
    }

    #[test]
    fn errors_belong_to_the_declaration_they_stand_in() {
        let error = |line| Message { line, severity: "error".into(), text: String::new() };
        let mut good = vec![true; 3];
        spoil(&mut good, &[3, 4, 7], &error(6));
        assert_eq!(good, [true, false, true]);
        spoil(&mut good, &[3, 4, 7], &error(1));
        assert_eq!(good, [false, false, false]);
    }

    #[test]
    fn a_header_of_early_modules_has_no_init() {
        assert_eq!(header(&["Init.Core".to_owned()]), "prelude\nimport Init.Core\n");
        assert_eq!(header(&["Init".to_owned(), "Std.X".to_owned()]), "import Init\nimport Std.X\n");
    }
}
