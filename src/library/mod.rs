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
        let mut library = Library::default();
        Library::walk(folders, modules, &mut Modules::default(), |_, module| library.modules.push(module.clone()))?;
        Ok(library)
    }

    /// Goes through modules and what they import, each read and handed over in turn: a library of any size passes through the
    /// memory of one module. What is in none of the folders is left out. Modules of `known` are not read again; those of Lean's
    /// own libraries, which many headers share, are kept there.
    ///
    /// # Errors
    /// When a file cannot be read or is no `.olean` file.
    pub fn walk(
        folders: &[PathBuf],
        modules: &[String],
        known: &mut Modules,
        mut see: impl FnMut(&Path, &Arc<Module>),
    ) -> Result<()> {
        let mut seen: HashSet<String> = modules.iter().cloned().collect();
        let mut queue: VecDeque<String> = modules.iter().cloned().collect();
        while let Some(name) = queue.pop_front() {
            let Some(file) = folders.iter().map(|f| file_of(f, &name)).find(|f| f.is_file()) else { continue };
            let module = match known.get(&file) {
                Some(module) => module.clone(),
                None => {
                    let cannot = || format!("cannot read {}", file.display());
                    let open = std::fs::File::open(&file).with_context(cannot)?;
                    // SAFETY: the map is read only; a file that is cut off while it is read ends this process, as it would Lean.
                    let bytes = unsafe { memmap2::Mmap::map(&open) }.with_context(cannot)?;
                    let module = Arc::new(Module::parse(&name, &bytes).with_context(cannot)?);
                    if ["Init", "Std"].contains(&name.split('.').next().unwrap_or("")) {
                        known.insert(file.clone(), module.clone());
                    }
                    module
                }
            };
            queue.extend(module.imports.iter().filter(|m| seen.insert((*m).clone())).cloned());
            see(&file, &module);
        }
        Ok(())
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
pub(crate) fn is_internal(name: &str) -> bool {
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
