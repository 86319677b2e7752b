//! Exports of compiled theorems for kernels that read the format of lean4export, NDJSON 3.1.
//!
//! Statement, proof and all that they reach are written, each declaration behind those that it needs. What a module does not
//! tell (the portable Lean ships neither proofs nor the values of some definitions) becomes an axiom that is taken as given.

mod shelf;
mod text;

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::meaning::ALLOWED_AXIOMS;
use crate::library::Kind;
use crate::library::olean::whole::{Hints, Info, Level, Safety, Term, Whole};
use crate::library::olean::{Part, parts};
pub use shelf::Shelf;
use text::{Lines, Written};

/// Axioms that say that a compiled program, or nothing at all, is a proof: never taken as given.
pub const BLIND_AXIOMS: &[&str] = &["sorryAx", "Lean.trustCompiler", "Lean.ofReduceBool", "Lean.ofReduceNat"];
/// What kernels compute without a look at definitions. A file that declares one of these itself is not exported.
const COMPUTED: &[&str] = &[
    "Nat.add",
    "Nat.sub",
    "Nat.mul",
    "Nat.pow",
    "Nat.mod",
    "Nat.div",
    "Nat.beq",
    "Nat.ble",
    "Nat.gcd",
    "Nat.xor",
    "Nat.land",
    "Nat.lor",
    "Nat.shiftLeft",
    "Nat.shiftRight",
    "Nat.log2",
    "String.ofList",
    "String.mk",
    "Char.ofNat",
    "eagerReduce",
];

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    All,
    /// What stands in modules of the library: to see whether a kernel agrees with that alone.
    Library,
}

/// An export.
#[derive(Debug)]
pub struct Export {
    pub text: String,
    /// Names of the axioms that a kernel may find in it, parts joined by dots.
    pub permitted: Vec<String>,
    /// Theorems of the library whose proofs are not at hand.
    pub theorems: usize,
    /// Other constants of the library whose values are not at hand.
    pub values: usize,
    /// Where those come from: `Init`, `Std`, and so on.
    pub libraries: BTreeSet<String>,
}

/// Exports theorems of a compiled file.
///
/// # Errors
/// When a module is missing or broken, or something is reached that no kernel takes.
pub fn export(shelf: &Shelf<'_>, lean: &str, theorems: &[String], extent: Extent) -> Result<Export> {
    let meta = json!({"meta": {
        "exporter": {"name": "qstar", "version": env!("CARGO_PKG_VERSION")},
        "format": {"version": "3.1.0"},
        "lean": {"githash": "", "version": lean},
    }});
    let export = Export { text: String::new(), permitted: Vec::new(), theorems: 0, values: 0, libraries: BTreeSet::new() };
    let mut writing = Writing { shelf, extent, lines: Lines::new(&meta), open: HashMap::new(), export };
    writing.constants(theorems)?;
    Ok(Export { text: writing.lines.finish(), ..writing.export })
}

struct Writing<'s> {
    shelf: &'s Shelf<'s>,
    extent: Extent,
    lines: Lines,
    /// Modules that were needed, with the terms of them that are written.
    open: HashMap<usize, (Whole<'s>, Written)>,
    export: Export,
}

impl<'s> Writing<'s> {
    fn module(&mut self, number: usize) -> Result<&mut (Whole<'s>, Written)> {
        if !self.open.contains_key(&number) {
            self.open.insert(number, (self.shelf.open(number)?, Written::new()));
        }
        self.open.get_mut(&number).context("a module that was opened")
    }

    /// A constant, with the number of its module.
    fn info(&mut self, name: &str) -> Result<(usize, Info)> {
        let place = self.shelf.place(name).with_context(|| format!("`{name}` is declared in no module that is imported"))?;
        let info = self.module(place)?.0.constants().get(name).cloned();
        Ok((place, info.with_context(|| format!("`{name}` is not in its module"))?))
    }

    /// Writes constants and all that they reach.
    fn constants(&mut self, names: &[String]) -> Result<()> {
        let mut stack: Vec<(String, bool)> = names.iter().rev().map(|name| (name.clone(), false)).collect();
        let (mut begun, mut done) = (HashSet::new(), HashSet::new());
        while let Some((name, ready)) = stack.pop() {
            if done.contains(&name) {
                continue;
            }
            let members = self.block(&name)?;
            if ready {
                self.declare(&members).with_context(|| format!("`{name}`"))?;
                done.extend(members);
                continue;
            }
            ensure!(begun.insert(members[0].clone()), "`{name}` is defined by itself");
            stack.push((name, true));
            let needs = self.needs(&members)?;
            stack.extend(needs.into_iter().filter(|n| !members.contains(n) && !done.contains(n)).map(|n| (n, false)));
        }
        Ok(())
    }

    /// The constants that are declared together with one: types, constructors and recursors of an inductive block, in this
    /// order, or the parts of the quotient.
    fn block(&mut self, name: &str) -> Result<Vec<String>> {
        let (place, info) = self.info(name)?;
        let types = match info.kind {
            Kind::Inductive | Kind::Recursor => info.block,
            Kind::Constructor => {
                let ty = info.block.first().context("a constructor of no type")?;
                self.info(ty)?.1.block
            }
            Kind::Quotient => return Ok(["Quot", "Quot.mk", "Quot.lift", "Quot.ind"].map(str::to_owned).to_vec()),
            _ => return Ok(vec![name.to_owned()]),
        };
        let constants = self.module(place)?.0.constants();
        let constructors = types.iter().filter_map(|t| constants.get(t)).flat_map(|info| info.constructors.clone());
        let recursors = types.iter().flat_map(|t| {
            let numbered = (1..).map(move |i| format!("{t}.rec_{i}"));
            std::iter::once(format!("{t}.rec")).chain(numbered).take_while(|rec| constants.contains_key(rec))
        });
        let members: Vec<String> = types.iter().cloned().chain(constructors).chain(recursors).collect();
        ensure!(members.iter().any(|m| m == name), "`{name}` is not among what its block declares");
        Ok(members)
    }

    /// The constants that some mention, and those that kernels make of literals.
    fn needs(&mut self, names: &[String]) -> Result<BTreeSet<String>> {
        const OF_TEXTS: &[&str] = &["Nat", "String", "String.ofList", "Char.ofNat", "List"];
        let mut needs = BTreeSet::new();
        let mut literals: BTreeSet<&str> = BTreeSet::new();
        for name in names {
            let (place, info) = self.info(name)?;
            if info.kind == Kind::Quotient {
                needs.insert("Eq".to_owned());
            }
            let sides = info.rules.iter().map(|(_, _, side)| *side);
            for term in std::iter::once(info.ty).chain(info.value).chain(sides) {
                self.module(place)?.0.each(term, |node| match node {
                    Term::Constant(name, _) | Term::Project(name, ..) => drop(needs.insert(name.clone())),
                    Term::Number(_) => drop(literals.insert("Nat")),
                    Term::Text(_) => literals.extend(OF_TEXTS),
                    _ => {}
                })?;
            }
        }
        // Some of them are newer than others.
        needs.extend(literals.into_iter().filter(|l| self.shelf.place(l).is_some()).map(str::to_owned));
        Ok(needs)
    }

    /// Writes the declaration of constants that belong together.
    fn declare(&mut self, members: &[String]) -> Result<()> {
        let mut infos = Vec::new();
        for name in members {
            let (place, info) = self.info(name)?;
            ensure!(info.safety == Safety::Safe, "it is `unsafe` or `partial`: no kernel checks it");
            if place == 0 {
                ensure!(!COMPUTED.contains(&name.as_str()), "kernels compute it by themselves, and the file declares it");
                let other = self.shelf.is_twice(name) && info.kind != Kind::Theorem;
                ensure!(!other, "an imported module declares it as well");
            }
            infos.push((name.clone(), place, info));
        }
        if self.extent == Extent::Library && !infos.iter().all(|(_, place, _)| self.shelf.is_library(*place)) {
            return Ok(());
        }
        if let [(name, place, info)] = &infos[..]
            && info.kind != Kind::Inductive
        {
            let line = self.lone(name, *place, info)?;
            self.lines.line(&line);
            return Ok(());
        }
        let mut block: HashMap<&str, Vec<Value>> = ["types", "ctors", "recs"].map(|kind| (kind, Vec::new())).into();
        for (name, place, info) in &infos {
            let mut told = self.common(name, *place, info)?;
            let kind = match info.kind {
                Kind::Quotient => {
                    let kind =
                        info.numbers.first().and_then(|n| ["type", "ctor", "lift", "ind"].get(usize::try_from(*n).ok()?));
                    told["kind"] = json!(kind.context("an unknown part of the quotient")?);
                    self.lines.line(&json!({ "quot": told }));
                    continue;
                }
                Kind::Inductive => "types",
                Kind::Constructor => "ctors",
                _ => "recs",
            };
            self.of_block(&mut told, *place, info)?;
            block.entry(kind).or_default().push(told);
        }
        if !block["types"].is_empty() {
            self.lines.line(&json!({ "inductive": block }));
        }
        Ok(())
    }

    /// What every declaration says.
    fn common(&mut self, name: &str, place: usize, info: &Info) -> Result<Value> {
        let (number, parameters) = (self.lines.name(name), self.lines.parameters(&info.universes));
        Ok(json!({"name": number, "levelParams": parameters, "type": self.term(place, info.ty)?}))
    }

    fn term(&mut self, place: usize, term: usize) -> Result<usize> {
        self.module(place)?;
        let (module, written) = self.open.get_mut(&place).context("a module that was opened")?;
        self.lines.term(module, written, term)
    }

    /// The line of a declaration that stands alone.
    fn lone(&mut self, name: &str, place: usize, info: &Info) -> Result<Value> {
        let mut told = self.common(name, place, info)?;
        if let Some(value) = info.value {
            told["value"] = json!(self.term(place, value)?);
            told["all"] = json!([told["name"]]);
        }
        Ok(match info.kind {
            Kind::Theorem => json!({ "thm": told }),
            Kind::Definition => {
                told["safety"] = json!("safe");
                told["hints"] = match info.hints {
                    None | Some(Hints::Opaque) => json!("opaque"),
                    Some(Hints::Abbreviation) => json!("abbrev"),
                    // Sixteen bits are what kernels take; it is a matter of speed alone.
                    Some(Hints::Regular(height)) => json!({"regular": height.min(u16::MAX.into())}),
                };
                json!({ "def": told })
            }
            Kind::Opaque => {
                told["isUnsafe"] = json!(false);
                json!({ "opaque": told })
            }
            Kind::Axiom => {
                told["isUnsafe"] = json!(false);
                self.given(name, place, info)?;
                json!({ "axiom": told })
            }
            kind => bail!("a declaration of an unexpected kind ({kind:?})"),
        })
    }

    /// What only types, constructors and recursors say.
    fn of_block(&mut self, told: &mut Value, place: usize, info: &Info) -> Result<()> {
        told["isUnsafe"] = json!(false);
        match (info.kind, &info.numbers[..]) {
            (Kind::Inductive, [parameters, indices, nested, recursive, reflexive]) => {
                told["all"] = json!(self.lines.names(&info.block));
                told["ctors"] = json!(self.lines.names(&info.constructors));
                told["numParams"] = json!(parameters);
                told["numIndices"] = json!(indices);
                told["numNested"] = json!(nested);
                told["isRec"] = json!(*recursive == 1);
                told["isReflexive"] = json!(*reflexive == 1);
            }
            (Kind::Constructor, [at, parameters, fields]) => {
                told["induct"] = json!(self.lines.names(&info.block).first());
                told["cidx"] = json!(at);
                told["numParams"] = json!(parameters);
                told["numFields"] = json!(fields);
            }
            (Kind::Recursor, [parameters, indices, motives, minors, k]) => {
                told["all"] = json!(self.lines.names(&info.block));
                told["numParams"] = json!(parameters);
                told["numIndices"] = json!(indices);
                told["numMotives"] = json!(motives);
                told["numMinors"] = json!(minors);
                told["k"] = json!(*k == 1);
                let mut rules = Vec::new();
                for (constructor, fields, side) in &info.rules {
                    let (constructor, side) = (self.lines.name(constructor), self.term(place, *side)?);
                    rules.push(json!({"ctor": constructor, "nfields": fields, "rhs": side}));
                }
                told["rules"] = json!(rules);
            }
            (kind, _) => bail!("a declaration of an unexpected kind ({kind:?})"),
        }
        Ok(())
    }

    /// Notes an axiom: one that a kernel may find, and what the library did not tell.
    fn given(&mut self, name: &str, place: usize, info: &Info) -> Result<()> {
        if BLIND_AXIOMS.contains(&name) {
            return Ok(());
        }
        let words = parts(name).into_iter().map(|part| match part {
            Part::Text(text) | Part::Number(text) => text,
        });
        self.export.permitted.push(words.collect::<Vec<_>>().join("."));
        if self.shelf.is_library(place) && !ALLOWED_AXIOMS.contains(&name) {
            match self.is_proposition(place, info.ty)? {
                true => self.export.theorems += 1,
                false => self.export.values += 1,
            }
            let library = self.shelf.name(place).split('.').next().unwrap_or_default();
            self.export.libraries.insert(library.to_owned());
        }
        Ok(())
    }

    /// Whether a type is a proposition, by what heads its conclusion: enough to count.
    fn is_proposition(&mut self, place: usize, ty: usize) -> Result<bool> {
        let (binders, mut at) = self.conclusion(place, ty)?;
        loop {
            let module = &mut self.module(place)?.0;
            let maker = match module.term(at)? {
                Term::Apply(function, _) | Term::Metadata(function) => {
                    at = function;
                    continue;
                }
                Term::Constant(name, _) => self.info(&name).map(|(place, info)| (place, info.ty))?,
                Term::Bound(index) => {
                    let binder = usize::try_from(index)?.checked_add(1).and_then(|back| binders.len().checked_sub(back));
                    (place, binders[binder.context("a variable without a binder")?])
                }
                _ => return Ok(false),
            };
            let end = self.conclusion(maker.0, maker.1)?.1;
            let module = &mut self.module(maker.0)?.0;
            return Ok(match module.term(end)? {
                Term::Sort(level) => module.level(level)? == Level::Zero,
                _ => false,
            });
        }
    }

    /// The types of a type's binders, and what stands behind them.
    fn conclusion(&mut self, place: usize, ty: usize) -> Result<(Vec<usize>, usize)> {
        let module = &mut self.module(place)?.0;
        let (mut binders, mut at) = (Vec::new(), ty);
        loop {
            at = match module.term(at)? {
                Term::Pi(_, ty, body) | Term::Let(_, ty, _, body) => {
                    binders.push(ty);
                    body
                }
                Term::Metadata(inner) => inner,
                _ => return Ok((binders, at)),
            };
        }
    }
}
