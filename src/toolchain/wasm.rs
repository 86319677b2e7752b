//! Rewrites the published WebAssembly module of Lean so that a stock Node.js can run it.
//!
//! The module exports 201,110 names; V8 before version 13 refuses more than 100,000, and the JavaScript glue made an
//! object for each in each thread. Here every exported function gets a slot of the function table, only what the glue
//! itself names stays exported, and the rest is found in a table of symbols (see [`symbol_table`]).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{ConstExpr, ElementSection, Elements, ExportKind, ExportSection, ImportSection, Module, RawSection};
use wasmparser::{
    Dylink0Subsection, ElementItems, ElementKind, ExternalKind, FuncType, Import, KnownCustom, Operator, Parser, Payload,
    SymbolFlags, TypeRef,
};

use super::invoke;

/// Section ids of the binary format.
const IMPORT: u8 = 2;
const TABLE: u8 = 4;
const EXPORT: u8 = 7;
const ELEMENT: u8 = 9;
/// Free slots after the last function, for functions that the glue adds at run time.
const SPARE_SLOTS: usize = 64;

/// A slimmed module and, for every symbol it exported, its table slot (functions) or address (data).
pub struct Slim {
    pub module: Vec<u8>,
    pub symbols: BTreeMap<String, i32>,
    /// The imports `invoke_…`, and their types.
    pub invokes: Vec<(String, FuncType)>,
    /// The types of functions.
    pub types: Vec<FuncType>,
    /// The type of the function in each slot of the table, which is an import.
    pub slots: Vec<Option<u32>>,
}

/// What the rewrite needs to know of the module.
#[derive(Default)]
struct Facts<'a> {
    types: Vec<FuncType>,
    imports: Vec<Import<'a>>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    imported_globals: u32,
    /// Names imported from the global offset table.
    offsets: HashSet<&'a str>,
    /// Immutable i32 globals with a constant: addresses of data.
    globals: Vec<Option<i32>>,
    thread_local: HashSet<&'a str>,
    exports: Vec<(&'a str, ExternalKind, u32)>,
    table_base: i32,
    elements: Vec<u32>,
    sections: Vec<(u8, std::ops::Range<usize>)>,
}

/// Slims `data`; `words` are the identifiers of the glue.
///
/// # Errors
/// When the module is not of the known shape.
pub fn slim(data: &[u8], words: &HashSet<&str>) -> Result<Slim> {
    let facts = read(data)?;
    let kind = |function: u32| facts.functions.get(function as usize).copied();
    let mut slots: HashMap<u32, i32> = HashMap::new();
    let mut next = facts.table_base;
    for &function in &facts.elements {
        slots.entry(function).or_insert(next);
        next += 1;
    }
    let added_base = next;
    let (mut added, mut kept, mut symbols) = (Vec::new(), ExportSection::new(), BTreeMap::new());
    for &(name, kind, index) in &facts.exports {
        let encoded = match kind {
            ExternalKind::Func => {
                let slot = *slots.entry(index).or_insert_with(|| {
                    added.push(index);
                    next += 1;
                    next - 1
                });
                symbols.insert(name.to_owned(), slot);
                ExportKind::Func
            }
            ExternalKind::Global => {
                let global = index.checked_sub(facts.imported_globals).and_then(|i| facts.globals.get(i as usize));
                if let Some(Some(address)) = global {
                    symbols.insert(name.to_owned(), *address);
                }
                ExportKind::Global
            }
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Tag => ExportKind::Tag,
        };
        let compiled = ["l_", "_init_", "initialize_"].iter().any(|p| name.starts_with(p));
        let used = !compiled && (words.contains(name) || words.contains(format!("_{name}").as_str()));
        let data_or_code = matches!(kind, ExternalKind::Func | ExternalKind::Global);
        if !data_or_code || used || facts.offsets.contains(name) || facts.thread_local.contains(name) {
            kept.export(name, encoded, index);
        }
    }
    let mut kinds = vec![None; usize::try_from(facts.table_base)?];
    kinds.extend(facts.elements.iter().chain(&added).map(|&function| kind(function)));
    kinds.resize(kinds.len() + SPARE_SLOTS, None);
    let mut module = Module::new();
    for (id, range) in &facts.sections {
        match *id {
            EXPORT => drop(module.section(&kept)),
            IMPORT => {
                // The table, too, comes from without: other modules share it.
                let mut imports = ImportSection::new();
                for import in &facts.imports {
                    imports.import(import.module, import.name, RoundtripReencoder.entity_type(import.ty)?);
                }
                imports.import(invoke::TABLE.0, invoke::TABLE.1, invoke::table(kinds.len() as u64));
                module.section(&imports);
            }
            TABLE => {}
            ELEMENT => {
                let mut segments = ElementSection::new();
                for (base, functions) in [(facts.table_base, &facts.elements), (added_base, &added)] {
                    segments.active(None, &ConstExpr::i32_const(base), Elements::Functions(Cow::Borrowed(functions)));
                }
                module.section(&segments);
            }
            id => drop(module.section(&RawSection { id, data: &data[range.clone()] })),
        }
    }
    let invokes = facts.imports.iter().filter(|import| import.name.starts_with("invoke_")).map(|import| match import.ty {
        TypeRef::Func(index) => {
            let kind = facts.types.get(index as usize).with_context(|| format!("{} has no type", import.name))?;
            Ok((import.name.to_owned(), kind.clone()))
        }
        _ => bail!("{} is no function", import.name),
    });
    let invokes = invokes.collect::<Result<_>>()?;
    Ok(Slim { module: module.finish(), symbols, invokes, types: facts.types, slots: kinds })
}

fn read(data: &[u8]) -> Result<Facts<'_>> {
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(data) {
        let payload = payload.context("the module is not valid WebAssembly")?;
        if let Some(section) = payload.as_section() {
            facts.sections.push(section);
        }
        match payload {
            Payload::TypeSection(types) => {
                facts.types = types.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    facts.imports.push(import);
                    if let TypeRef::Func(kind) = import.ty {
                        facts.functions.push(kind);
                    }
                    if let TypeRef::Global(_) = import.ty {
                        facts.imported_globals += 1;
                        if import.module.starts_with("GOT") {
                            facts.offsets.insert(import.name);
                        }
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for kind in functions {
                    facts.functions.push(kind?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    let value = match global.init_expr.get_operators_reader().read()? {
                        Operator::I32Const { value } if !global.ty.mutable => Some(value),
                        _ => None,
                    };
                    facts.globals.push(value);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    facts.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::ElementSection(segments) => {
                ensure!(segments.count() == 1, "expected one element segment, found {}", segments.count());
                for segment in segments {
                    let segment = segment?;
                    let ElementKind::Active { offset_expr, .. } = segment.kind else {
                        bail!("the element segment is not active")
                    };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                        bail!("the element segment has no constant base")
                    };
                    facts.table_base = value;
                    let ElementItems::Functions(functions) = segment.items else {
                        bail!("the element segment holds no functions")
                    };
                    facts.elements = functions.into_iter().collect::<Result<_, _>>()?;
                }
            }
            Payload::CustomSection(custom) => {
                if let KnownCustom::Dylink0(parts) = custom.as_known() {
                    for part in parts {
                        if let Dylink0Subsection::ExportInfo(infos) = part? {
                            facts
                                .thread_local
                                .extend(infos.iter().filter(|i| i.flags.contains(SymbolFlags::TLS)).map(|i| i.name));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    ensure!(!facts.elements.is_empty() && !facts.exports.is_empty(), "the module has no functions to call");
    Ok(facts)
}

/// The symbols as rows of three little-endian u32 (two hashes of the name, the value), sorted: what the glue's
/// binary search reads, shared between all threads.
///
/// # Errors
/// When two names have both hashes in common.
pub fn symbol_table(symbols: &BTreeMap<String, i32>) -> Result<Vec<u8>> {
    let mut rows: Vec<[u32; 3]> =
        symbols.iter().map(|(name, &value)| [fnv(name, 0x811C_9DC5), fnv(name, 0x0123_4567), value as u32]).collect();
    rows.sort_unstable();
    ensure!(rows.windows(2).all(|w| w[0][..2] != w[1][..2]), "two symbols have one hash");
    Ok(rows.iter().flatten().flat_map(|word| word.to_le_bytes()).collect())
}

/// FNV-1a with a start value of choice.
fn fnv(name: &str, start: u32) -> u32 {
    name.bytes().fold(start, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(slim(b"hello", &HashSet::new()).is_err());
        assert!(slim(b"\0asm\x01\0\0\0", &HashSet::new()).is_err());
    }

    #[test]
    fn symbols_are_sorted_rows() {
        let symbols = BTreeMap::from([("malloc".to_owned(), 7), ("free".to_owned(), -1)]);
        let table = symbol_table(&symbols).unwrap();
        assert_eq!(table.len(), 24);
        assert!(table[..4].iter().rev().lt(table[12..16].iter().rev()));
        assert_eq!(fnv("", 0x811C_9DC5), 0x811C_9DC5);
        assert_eq!(fnv("a", 0x811C_9DC5), 0xE40C_292C);
    }
}
