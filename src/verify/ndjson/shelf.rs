//! The modules at hand for an export: the file itself, and all that it imports, wherever it lies.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use memmap2::Mmap;

use crate::library::file_of;
use crate::library::olean::Head;
use crate::library::olean::whole::Whole;
use crate::toolchain::Toolchain;
use crate::verify::process::{Artifacts, PARTS};

/// A file and the modules that it imports, directly or not; the file has number 0.
pub struct Shelf<'a> {
    modules: Vec<Module<'a>>,
    /// Where each constant is; the file's own come first.
    places: HashMap<String, usize>,
    /// Constants of the file that a module declares as well.
    twice: HashSet<String>,
}

struct Module<'a> {
    name: String,
    /// It is of the toolchain or of a package, not the project's own.
    library: bool,
    parts: Parts<'a>,
}

enum Parts<'a> {
    Here(Vec<&'a [u8]>),
    Mapped(Vec<Mmap>),
}

impl Parts<'_> {
    fn slices(&self) -> Vec<&[u8]> {
        match self {
            Parts::Here(slices) => slices.clone(),
            Parts::Mapped(maps) => maps.iter().map(|m| &m[..]).collect(),
        }
    }
}

impl<'a> Shelf<'a> {
    /// Finds the modules of a compiled file.
    ///
    /// # Errors
    /// When one of them is missing or broken.
    pub fn of(toolchain: &Toolchain, file: &'a Artifacts) -> Result<Shelf<'a>> {
        let (folders, own) = (toolchain.library_folders(), toolchain.own_folders());
        let here = Parts::Here(file.slices());
        let mut modules = vec![Module { name: String::new(), library: false, parts: here }];
        let mut queue: VecDeque<String> = file.open()?.imports.into();
        let mut seen: HashSet<String> = queue.iter().cloned().collect();
        while let Some(name) = queue.pop_front() {
            let found = folders.iter().map(|f| (f, file_of(f, &name))).find(|(_, path)| path.is_file());
            let (folder, path) = found.with_context(|| format!("the module {name} is not compiled"))?;
            let cannot = || format!("cannot read {}", path.display());
            let parts = mapped(&path).with_context(cannot)?;
            let imports = Head::read(&parts[0]).with_context(cannot)?.imports;
            queue.extend(imports.into_iter().filter(|i| seen.insert(i.clone())));
            modules.push(Module { name, library: !own.contains(folder), parts: Parts::Mapped(parts) });
        }
        let (mut places, mut twice) = (HashMap::new(), HashSet::new());
        for (number, module) in modules.iter().enumerate() {
            let names = Whole::names(&module.parts.slices()).with_context(|| format!("the module {}", module.name))?;
            for name in names {
                match places.get(&name) {
                    Some(0) => drop(twice.insert(name)),
                    Some(_) => {}
                    None => drop(places.insert(name, number)),
                }
            }
        }
        Ok(Shelf { modules, places, twice })
    }

    /// The module that declares a constant.
    pub fn place(&self, constant: &str) -> Option<usize> {
        self.places.get(constant).copied()
    }

    pub fn is_twice(&self, constant: &str) -> bool {
        self.twice.contains(constant)
    }

    pub fn is_library(&self, module: usize) -> bool {
        self.modules[module].library
    }

    pub fn name(&self, module: usize) -> &str {
        &self.modules[module].name
    }

    /// Reads a module.
    ///
    /// # Errors
    /// When it is broken.
    pub fn open(&self, module: usize) -> Result<Whole<'_>> {
        let module = &self.modules[module];
        Whole::parse(&module.parts.slices()).with_context(|| format!("the module {}", module.name))
    }
}

/// The parts of a module that are there.
fn mapped(olean: &Path) -> std::io::Result<Vec<Mmap>> {
    let paths = PARTS.iter().map(|part| olean.with_extension(part));
    let there = paths.enumerate().filter(|(i, path)| *i == 0 || path.is_file());
    // SAFETY: maps are read only; a file that another process cuts off while it is read ends this one, as it would Lean.
    there.map(|(_, path)| unsafe { Mmap::map(&File::open(path)?) }).collect()
}
