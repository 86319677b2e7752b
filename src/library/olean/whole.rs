//! Everything that a compiled module says: constants with types, values and inductive blocks, and the entries that its
//! commands left for extensions of the environment (attributes, instances, notations).
//!
//! Terms stay where they are in the file; [`Whole::term`] opens one node at a time.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};

use super::{Field, Kind, Region};

/// Terms with more nodes than this are not looked through.
pub const MOST_NODES: usize = 50_000_000;

/// A module with all its parts.
pub struct Whole<'a> {
    region: Region<'a>,
    /// It begins with the word `module` (or its Lean takes every file for one).
    pub is_module: bool,
    /// Imported modules, in order.
    pub imports: Vec<String>,
    constants: HashMap<String, Info>,
    /// What each extension kept, in order.
    entries: Vec<(String, Vec<Field>)>,
}

/// A constant; terms by their places.
#[derive(Debug, Clone)]
pub struct Info {
    pub kind: Kind,
    /// Names of its universe parameters.
    pub universes: Vec<String>,
    pub ty: usize,
    /// Of definitions, theorems and opaque constants.
    pub value: Option<usize>,
    /// Of definitions: how eagerly the kernel unfolds them.
    pub hints: Option<Hints>,
    /// Not for the kernel: `unsafe`, or `partial`.
    pub safety: Safety,
    /// Of inductive types and recursors: the types of their block, in order; of a constructor its type.
    pub block: Vec<String>,
    /// Of inductive types: their constructors, in order.
    pub constructors: Vec<String>,
    /// Numbers that belong to an inductive type (parameters, indices, nested types, whether it is recursive, reflexive), a
    /// constructor (place, parameters, fields), a recursor (parameters, indices, motives, minor premises, whether it has the rule
    /// K) or to a part of the quotient (which one).
    pub numbers: Vec<u64>,
    /// Of recursors: constructor, number of fields and right side of each rule.
    pub rules: Vec<(String, u64, usize)>,
}

/// Whether the kernel may use a constant in proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    Safe,
    Unsafe,
    Partial,
}

/// How eagerly the kernel unfolds a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    Opaque,
    Abbreviation,
    /// The larger of two numbers first.
    Regular(u32),
}

/// One node of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    Bound(u64),
    Free(String),
    Sort(Field),
    Constant(String, Vec<Field>),
    Apply(usize, usize),
    /// Name, type, body.
    Lambda(String, usize, usize),
    Pi(String, usize, usize),
    /// Name, type, value, body.
    Let(String, usize, usize, usize),
    /// Little-endian bytes.
    Number(Vec<u8>),
    Text(String),
    Metadata(usize),
    /// Structure, field, value.
    Project(String, u64, usize),
}

impl Term {
    /// The terms right below it.
    pub fn below(&self) -> [Option<usize>; 3] {
        match *self {
            Term::Apply(a, b) | Term::Lambda(_, a, b) | Term::Pi(_, a, b) => [Some(a), Some(b), None],
            Term::Let(_, a, b, c) => [Some(a), Some(b), Some(c)],
            Term::Metadata(a) | Term::Project(_, _, a) => [Some(a), None, None],
            _ => [None; 3],
        }
    }
}

/// One node of a universe level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    Zero,
    Succ(Field),
    Max(Field, Field),
    Imax(Field, Field),
    Parameter(String),
}

impl<'a> Whole<'a> {
    /// Reads the files of one module: `.olean`, and `.olean.server` and `.olean.private` where the module has them, in this
    /// order.
    ///
    /// # Errors
    /// When they are broken.
    pub fn parse(files: &[&'a [u8]]) -> Result<Whole<'a>> {
        let (mut region, root) = Region::open(files)?;
        let imports = region.imports(root)?;
        let is_module = region.scalar(root, 0).is_ok_and(|s| s == 1);
        let mut constants = HashMap::new();
        for constant in region.array(region.field(root, 2)?)? {
            let (name, info) = info(&mut region, constant)?;
            constants.insert(name, info);
        }
        let mut entries = Vec::new();
        // Older files have no extra names between constants and entries.
        let place = usize::from(region.fields(root)?) - 1;
        for pair in region.array(region.field(root, place)?)? {
            let pair = region.place(pair)?;
            entries.push((region.name(region.field(pair, 0)?)?, region.array(region.field(pair, 1)?)?));
        }
        Ok(Whole { region, is_module, imports, constants, entries })
    }

    /// Names of the constants of a module, without a look at what they are; files as for [`Whole::parse`].
    ///
    /// # Errors
    /// When they are broken.
    pub fn names(files: &[&'a [u8]]) -> Result<Vec<String>> {
        let (mut region, root) = Region::open(files)?;
        let constants = region.array(region.field(root, 2)?)?;
        let name = |constant| {
            let common = region.object(region.object(region.place(constant)?, 0)?, 0)?;
            region.name(region.field(common, 0)?)
        };
        constants.into_iter().map(name).collect()
    }

    pub fn constants(&self) -> &HashMap<String, Info> {
        &self.constants
    }

    /// Names of the extensions that have entries.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, list)| !list.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The entries of one extension.
    pub fn entries(&self, extension: &str) -> &[Field] {
        self.entries.iter().find(|(name, _)| name == extension).map_or(&[], |(_, list)| list)
    }

    pub fn region(&self) -> &Region<'a> {
        &self.region
    }

    /// The name in a field.
    ///
    /// # Errors
    /// When there is none.
    pub fn name(&mut self, field: Field) -> Result<String> {
        self.region.name(field)
    }

    /// Opens the node at a place.
    ///
    /// # Errors
    /// When there is none.
    pub fn term(&mut self, at: usize) -> Result<Term> {
        let r = &mut self.region;
        Ok(match r.tag(at)? {
            0 => Term::Bound(small(r.field(at, 0)?)?),
            1 | 2 => Term::Free(r.name(r.field(at, 0)?).unwrap_or_default()),
            3 => Term::Sort(r.field(at, 0)?),
            4 => Term::Constant(r.name(r.field(at, 0)?)?, r.list(r.field(at, 1)?)?),
            5 => Term::Apply(r.object(at, 0)?, r.object(at, 1)?),
            6 => Term::Lambda(r.name(r.field(at, 0)?)?, r.object(at, 1)?, r.object(at, 2)?),
            7 => Term::Pi(r.name(r.field(at, 0)?)?, r.object(at, 1)?, r.object(at, 2)?),
            8 => Term::Let(r.name(r.field(at, 0)?)?, r.object(at, 1)?, r.object(at, 2)?, r.object(at, 3)?),
            9 => {
                let literal = r.object(at, 0)?;
                match r.tag(literal)? {
                    0 => Term::Number(r.natural(r.field(literal, 0)?)?),
                    1 => Term::Text(r.string(r.field(literal, 0)?)?),
                    tag => bail!("a literal of an unknown kind ({tag})"),
                }
            }
            10 => Term::Metadata(r.object(at, 1)?),
            11 => Term::Project(r.name(r.field(at, 0)?)?, small(r.field(at, 1)?)?, r.object(at, 2)?),
            tag => bail!("a term of an unknown kind ({tag})"),
        })
    }

    /// Goes through the nodes of a term; shared parts are visited once.
    ///
    /// # Errors
    /// When the file is broken, or the term is too large.
    pub fn each(&mut self, term: usize, mut see: impl FnMut(&Term)) -> Result<()> {
        let (mut seen, mut stack) = (HashSet::from([term]), vec![term]);
        while let Some(at) = stack.pop() {
            let node = self.term(at)?;
            see(&node);
            stack.extend(node.below().into_iter().flatten().filter(|&next| seen.insert(next)));
            if seen.len() > MOST_NODES {
                bail!("a term is too large");
            }
        }
        Ok(())
    }

    /// Opens a universe level.
    ///
    /// # Errors
    /// When it is none, or one that elaboration did not finish.
    pub fn level(&mut self, level: Field) -> Result<Level> {
        let r = &mut self.region;
        let Field::At(at) = level else { return Ok(Level::Zero) };
        Ok(match r.tag(at)? {
            0 => Level::Zero,
            1 => Level::Succ(r.field(at, 0)?),
            2 => Level::Max(r.field(at, 0)?, r.field(at, 1)?),
            3 => Level::Imax(r.field(at, 0)?, r.field(at, 1)?),
            4 => Level::Parameter(r.name(r.field(at, 0)?)?),
            tag => bail!("a universe of an unknown kind ({tag})"),
        })
    }
}

fn small(field: Field) -> Result<u64> {
    match field {
        Field::Small(value) => Ok(value),
        Field::At(_) => bail!("a small number is expected"),
    }
}

/// `ReducibilityHints`: two small values, or an object with a number of 32 bits.
fn hints(r: &Region<'_>, field: Field) -> Result<Hints> {
    Ok(match field {
        Field::Small(0) => Hints::Opaque,
        Field::Small(_) => Hints::Abbreviation,
        Field::At(at) => {
            let bytes = [r.scalar(at, 0)?, r.scalar(at, 1)?, r.scalar(at, 2)?, r.scalar(at, 3)?];
            Hints::Regular(u32::from_le_bytes(bytes))
        }
    })
}

/// `ConstantInfo`, with the values that its kind has (`Lean/Declaration.lean`).
fn info(r: &mut Region<'_>, constant: Field) -> Result<(String, Info)> {
    let at = r.place(constant)?;
    let kind = Kind::of_tag(r.tag(at)?)?;
    let own = r.object(at, 0)?;
    let common = r.object(own, 0)?;
    let name = r.name(r.field(common, 0)?)?;
    let universes = r.list(r.field(common, 1)?)?.into_iter().map(|u| r.name(u)).collect::<Result<_>>()?;
    let broken = || format!("the constant `{name}`");
    let mut info = Info {
        kind,
        universes,
        ty: r.object(common, 2).with_context(broken)?,
        value: None,
        hints: None,
        safety: Safety::Safe,
        block: Vec::new(),
        constructors: Vec::new(),
        numbers: Vec::new(),
        rules: Vec::new(),
    };
    let names =
        |r: &mut Region<'_>, field: Field| -> Result<Vec<String>> { r.list(field)?.into_iter().map(|n| r.name(n)).collect() };
    let numbers = |r: &Region<'_>, places: std::ops::Range<usize>| -> Result<Vec<u64>> {
        places.map(|i| small(r.field(own, i)?)).collect()
    };
    let unsafe_if = |flag: bool| if flag { Safety::Unsafe } else { Safety::Safe };
    match kind {
        Kind::Axiom => info.safety = unsafe_if(r.scalar(own, 0)? == 1),
        Kind::Definition => {
            info.value = Some(r.object(own, 1)?);
            info.hints = Some(hints(r, r.field(own, 2)?)?);
            info.safety = match r.scalar(own, 0)? {
                0 => Safety::Unsafe,
                1 => Safety::Safe,
                _ => Safety::Partial,
            };
        }
        Kind::Theorem => info.value = Some(r.object(own, 1)?),
        Kind::Opaque => {
            info.value = Some(r.object(own, 1)?);
            info.safety = unsafe_if(r.scalar(own, 0)? == 1);
        }
        Kind::Quotient => info.numbers = vec![r.scalar(own, 0)?.into()],
        // numParams, numIndices, all, ctors, numNested; isRec, isUnsafe, isReflexive. Old files have no numNested.
        Kind::Inductive => {
            info.numbers = numbers(r, 1..3)?;
            info.numbers.push(if r.fields(own)? > 5 { small(r.field(own, 5)?)? } else { 0 });
            info.numbers.extend([u64::from(r.scalar(own, 0)?), u64::from(r.scalar(own, 2)?)]);
            info.block = names(r, r.field(own, 3)?)?;
            info.constructors = names(r, r.field(own, 4)?)?;
            info.safety = unsafe_if(r.scalar(own, 1)? == 1);
        }
        // induct, cidx, numParams, numFields; isUnsafe.
        Kind::Constructor => {
            info.block = vec![r.name(r.field(own, 1)?)?];
            info.numbers = numbers(r, 2..5)?;
            info.safety = unsafe_if(r.scalar(own, 0)? == 1);
        }
        // all, numParams, numIndices, numMotives, numMinors, rules; k, isUnsafe.
        Kind::Recursor => {
            info.block = names(r, r.field(own, 1)?)?;
            info.numbers = numbers(r, 2..6)?;
            info.numbers.push(r.scalar(own, 0)?.into());
            info.safety = unsafe_if(r.scalar(own, 1)? == 1);
            for rule in r.list(r.field(own, 6)?)? {
                let rule = r.place(rule)?;
                info.rules.push((r.name(r.field(rule, 0)?)?, small(r.field(rule, 1)?)?, r.object(rule, 2)?));
            }
        }
    }
    Ok((name, info))
}
