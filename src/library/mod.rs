//! The library that a theorem may use: what compiled modules hold, read from their `.olean` files.
//!
//! Knows files and their format only; nothing of servers, goals or search.

pub mod built;
pub mod olean;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

pub use olean::{Constant, Kind, Module};

/// Modules read together: those named and all they import.
#[derive(Debug, Default)]
pub struct Library {
    pub modules: Vec<Arc<Module>>,
}

/// Modules that were read already.
pub type Modules = HashMap<PathBuf, Arc<Module>>;

impl Library {
    /// Reads modules and what they import, from folders such as `lib/lean` of a toolchain. What is in none of the
    /// folders is left out.
    ///
    /// # Errors
    /// When a file is no `.olean` file.
    pub fn read(folders: &[PathBuf], modules: &[String]) -> Result<Library> {
        Library::read_beside(folders, modules, &mut Modules::default())
    }

    /// The same, for several headers: each module is read once.
    ///
    /// # Errors
    /// As [`Library::read`].
    pub fn read_beside(folders: &[PathBuf], modules: &[String], known: &mut Modules) -> Result<Library> {
        let mut library = Library::default();
        let mut seen: HashSet<String> = HashSet::new();
        let mut queue: VecDeque<String> = modules.iter().cloned().collect();
        while let Some(name) = queue.pop_front() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let Some(file) = folders.iter().map(|f| file_of(f, &name)).find(|f| f.is_file()) else { continue };
            let module = match known.get(&file) {
                Some(module) => module.clone(),
                None => {
                    let cannot = || format!("cannot read {}", file.display());
                    let bytes = std::fs::read(&file).with_context(cannot)?;
                    let module = Arc::new(Module::parse(&name, &bytes).with_context(cannot)?);
                    known.insert(file, module.clone());
                    module
                }
            };
            queue.extend(module.imports.iter().cloned());
            library.modules.push(module);
        }
        Ok(library)
    }

    /// Theorems (constants whose type is a proposition, proofs or not) that are no one's inner parts.
    ///
    /// Exported parts of modules hold no proofs, and theorems look like axioms there; so the type decides: its
    /// conclusion must be made by a constant whose own type ends in `Prop`.
    pub fn theorems(&self) -> Vec<&Constant> {
        let all = || self.modules.iter().flat_map(|m| &m.constants);
        let predicates: HashSet<&str> = all().filter(|c| c.makes_propositions).map(|c| c.name.as_str()).collect();
        let is_theorem = |c: &&Constant| {
            matches!(c.kind, Kind::Axiom | Kind::Theorem)
                && c.conclusion.as_deref().is_some_and(|head| predicates.contains(head))
                && !is_internal(&c.name)
        };
        all().filter(is_theorem).collect()
    }

    /// Names of the constants that can be unfolded and are no one's inner parts, sorted. (Of a module's own definitions the
    /// exported part shows only those that others may look into.)
    pub fn definitions(&self) -> Vec<String> {
        let all = self.modules.iter().flat_map(|m| &m.constants);
        let mut names: Vec<String> =
            all.filter(|c| c.kind == Kind::Definition && !is_internal(&c.name)).map(|c| c.name.clone()).collect();
        names.sort();
        names
    }

    /// How many theorems each constant occurs in: the rarer, the more it says.
    pub fn frequencies<'a>(theorems: &[&'a Constant]) -> HashMap<&'a str, usize> {
        let mut count = HashMap::new();
        for name in theorems.iter().flat_map(|t| &t.uses) {
            *count.entry(name.as_str()).or_default() += 1;
        }
        count
    }
}

/// The modules that a file with these imports (one a line, as `lean::syntax::imports` gives them) begins with. What begins with
/// `prelude` imports what it says and no more.
pub fn modules_of(imports: &str) -> Vec<String> {
    let init = (!imports.starts_with("prelude")).then(|| "Init".to_owned());
    imports.lines().filter_map(|l| l.split_whitespace().last()).map(str::to_owned).chain(init).collect()
}

/// The file of a module in a folder such as `lib/lean`.
pub fn file_of(folder: &Path, module: &str) -> PathBuf {
    let mut path = folder.to_owned();
    path.extend(module.split('.'));
    path.with_extension("olean")
}

/// Names that elaboration makes: private ones, parts of matchers, equations, instances of `simp`.
fn is_internal(name: &str) -> bool {
    let made = ["match_", "eq_", "proof_", "_", "inst"];
    name.starts_with("_private")
        || name.split('.').any(|part| {
            made.iter().any(|m| {
                part.strip_prefix(m)
                    .is_some_and(|rest| *m == "_" || *m == "inst" || rest.starts_with(|c: char| c.is_ascii_digit()))
            })
        })
        || ["rec", "recOn", "casesOn", "noConfusion", "sizeOf_spec", "injEq", "inj", "brecOn", "below"]
            .iter()
            .any(|s| name.rsplit('.').next() == Some(s))
}
