//! What the constants of compiled files mean: a fingerprint of each, equal when types, values and everything that they
//! reach are equal; and what a constant rests on ([`reach`]).
//!
//! Binder names, kinds of brackets and metadata do not count; universe parameters count by their place. A constant of an
//! imported module counts by its name: both files import the same modules. Depends on `library::olean` only.

mod reach;

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::library::Kind;
use crate::library::olean::Field;
use crate::library::olean::whole::{Info, Level, MOST_NODES, Term, Whole};

pub use reach::{ALLOWED_AXIOMS, is_made};

/// A hash of what a constant or a term means.
pub type Fingerprint = [u8; 16];

/// A compiled file with the project's modules that it imports.
pub struct World<'a> {
    modules: Vec<Whole<'a>>,
    /// Where each constant is: the file itself has number 0.
    places: HashMap<String, usize>,
    known: HashMap<String, Fingerprint>,
}

impl<'a> World<'a> {
    /// A file and the modules beside it whose insides are known.
    pub fn new(file: Whole<'a>, modules: Vec<Whole<'a>>) -> World<'a> {
        let modules: Vec<Whole<'a>> = std::iter::once(file).chain(modules).collect();
        let mut places = HashMap::new();
        for (number, module) in modules.iter().enumerate().rev() {
            places.extend(module.constants().keys().map(|name| (name.clone(), number)));
        }
        World { modules, places, known: HashMap::new() }
    }

    /// The file itself.
    pub fn file(&self) -> &Whole<'a> {
        &self.modules[0]
    }

    pub fn file_mut(&mut self) -> &mut Whole<'a> {
        &mut self.modules[0]
    }

    /// A constant of the file itself.
    pub fn own(&self, name: &str) -> Option<&Info> {
        self.file().constants().get(name)
    }

    fn info(&self, name: &str) -> Option<(usize, &Info)> {
        let place = *self.places.get(name)?;
        Some((place, self.modules[place].constants().get(name)?))
    }

    /// What a constant of the file means. For a theorem that is its statement: proofs are equal.
    ///
    /// # Errors
    /// When the file is broken or too large.
    pub fn meaning(&mut self, name: &str) -> Result<Fingerprint> {
        let mut stack = vec![(name.to_owned(), false)];
        while let Some((name, ready)) = stack.pop() {
            if self.known.contains_key(&name) || !self.is_own(&name) {
                continue;
            }
            let members = self.block_of(&name);
            if ready {
                self.define(&name, &members)?;
                continue;
            }
            stack.push((name.clone(), true));
            let mut needs = Vec::new();
            for member in &members {
                needs.extend(self.parts(member, false)?.into_iter().flat_map(|part| part.1));
            }
            let needs = needs.into_iter().filter(|n| !members.contains(n) && !self.known.contains_key(n) && self.is_own(n));
            let before = stack.len();
            stack.extend(needs.map(|n| (n, false)));
            if stack.len() > before + 1_000_000 {
                bail!("`{name}` reaches too many constants");
            }
        }
        self.fingerprint_of(name)
    }

    /// The fingerprint of the type of a constant of the file.
    ///
    /// # Errors
    /// As [`World::meaning`].
    pub fn type_meaning(&mut self, name: &str) -> Result<Fingerprint> {
        let (ty, universes) = self.own(name).map(|i| (i.ty, i.universes.clone())).context("no such constant")?;
        self.term_meaning(ty, &universes)
    }

    /// The fingerprint of the value of a definition of the file.
    ///
    /// # Errors
    /// As [`World::meaning`]; when it has none.
    pub fn value_meaning(&mut self, name: &str) -> Result<Fingerprint> {
        let info = self.own(name).context("no such constant")?;
        let (value, universes) = (info.value.context("it has no value")?, info.universes.clone());
        self.term_meaning(value, &universes)
    }

    /// The fingerprint of a part of a term, by the names of universe parameters: to find where two terms differ.
    ///
    /// # Errors
    /// As [`World::meaning`].
    pub fn loose_meaning(&mut self, term: usize) -> Result<Fingerprint> {
        self.term_meaning(term, &[])
    }

    fn term_meaning(&mut self, term: usize, universes: &[String]) -> Result<Fingerprint> {
        for name in self.constants_of(0, term)? {
            self.meaning(&name)?;
        }
        self.hash_term(term, universes, &[])
    }

    fn is_own(&self, name: &str) -> bool {
        self.places.get(name) == Some(&0)
    }

    fn fingerprint_of(&self, name: &str) -> Result<Fingerprint> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        if self.is_own(name) {
            bail!("`{name}` is defined by itself");
        }
        Ok(short(Sha256::new().chain_update(b"imported\0").chain_update(name)))
    }

    /// The constants that are defined together with one: an inductive block with its constructors and recursors.
    fn block_of(&self, name: &str) -> Vec<String> {
        let Some(info) = self.own(name) else { return Vec::new() };
        let first = match info.kind {
            Kind::Inductive | Kind::Recursor => info.block.first(),
            Kind::Constructor => info.block.first().and_then(|ty| self.own(ty)).and_then(|i| i.block.first()),
            _ => return vec![name.to_owned()],
        };
        let Some(types) = first.and_then(|f| self.own(f)).map(|i| i.block.clone()) else { return vec![name.to_owned()] };
        let constants = self.file().constants();
        let mut members: Vec<String> =
            types.iter().filter_map(|t| constants.get(t)).flat_map(|i| i.constructors.clone()).collect();
        members.extend(types.iter().flat_map(|t| {
            let rec = format!("{t}.rec");
            std::iter::once(rec.clone())
                .chain((1..).map(move |i| format!("{rec}_{i}")))
                .take_while(|r| constants.contains_key(r))
        }));
        members.extend(types);
        members.sort();
        members.dedup();
        if !members.iter().any(|m| m == name) {
            members.push(name.to_owned());
        }
        members
    }

    /// Type, value and right sides of a constant of the file, each with the constants in it. With `proofs`, of theorems too.
    fn parts(&mut self, name: &str, proofs: bool) -> Result<Vec<(usize, Vec<String>)>> {
        let Some((place, info)) = self.info(name) else { return Ok(Vec::new()) };
        let value = info.value.filter(|_| proofs || info.kind != Kind::Theorem);
        let terms: Vec<usize> =
            std::iter::once(info.ty).chain(value).chain(info.rules.iter().map(|(_, _, side)| *side)).collect();
        terms.into_iter().map(|t| Ok((t, self.constants_of(place, t)?))).collect()
    }

    /// Fingerprints of a block's members, in which they refer to each other by name.
    fn define(&mut self, name: &str, members: &[String]) -> Result<()> {
        let mut block = Sha256::new();
        for member in members {
            let Some(info) = self.own(member).cloned() else { continue };
            let own_name = if is_made(member) && matches!(info.kind, Kind::Definition | Kind::Theorem) { "" } else { member };
            let value = info.value.filter(|_| info.kind != Kind::Theorem);
            // A theorem that stands in a statement counts by what it says.
            let own_name = if info.kind == Kind::Theorem { "" } else { own_name };
            put(&mut block, own_name);
            block.update([info.kind as u8, info.safety as u8]);
            block.update((info.universes.len() as u64).to_le_bytes());
            block.update(self.hash_term(info.ty, &info.universes, members)?);
            if let Some(value) = value {
                block.update(self.hash_term(value, &info.universes, members)?);
            }
            for text in info.block.iter().chain(&info.constructors) {
                put(&mut block, text);
            }
            info.numbers.iter().for_each(|n| block.update(n.to_le_bytes()));
            for (constructor, fields, side) in &info.rules {
                put(&mut block, constructor);
                block.update(fields.to_le_bytes());
                block.update(self.hash_term(*side, &info.universes, members)?);
            }
        }
        let whole = short(block);
        if let [_] = members {
            self.known.insert(name.to_owned(), whole);
            return Ok(());
        }
        for member in members {
            let own = Sha256::new().chain_update(whole).chain_update(member);
            self.known.insert(member.clone(), short(own));
        }
        Ok(())
    }

    /// The constants that a term of a module mentions; shared parts are visited once.
    fn constants_of(&mut self, module: usize, term: usize) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.modules[module].each(term, |node| {
            if let Term::Constant(name, _) | Term::Project(name, ..) = node {
                found.push(name.clone());
            }
        })?;
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Constants in it must be known, or be members of the block that is being defined.
    fn hash_term(&mut self, root: usize, universes: &[String], members: &[String]) -> Result<Fingerprint> {
        let mut known: HashMap<usize, Fingerprint> = HashMap::new();
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            if known.contains_key(&at) {
                stack.pop();
                continue;
            }
            let node = self.modules[0].term(at)?;
            let below = node.below();
            let before = stack.len();
            stack.extend(below.into_iter().flatten().filter(|next| !known.contains_key(next)));
            if stack.len() > before {
                if stack.len() > MOST_NODES {
                    bail!("a term is too large");
                }
                continue;
            }
            stack.pop();
            let sub: Vec<Fingerprint> = below.into_iter().flatten().map(|next| known[&next]).collect();
            let hash = match node {
                Term::Metadata(_) => sub[0],
                node => self.hash_node(&node, &sub, universes, members)?,
            };
            known.insert(at, hash);
        }
        Ok(known[&root])
    }

    fn hash_node(&mut self, node: &Term, sub: &[Fingerprint], universes: &[String], members: &[String]) -> Result<Fingerprint> {
        let mut hash = Sha256::new();
        let named = |world: &World, name: &str| -> Result<Fingerprint> {
            match members.iter().any(|m| m == name) {
                true => Ok(short(Sha256::new().chain_update(b"member\0").chain_update(name))),
                false => world.fingerprint_of(name),
            }
        };
        match node {
            Term::Bound(index) => hash.update([&[0u8][..], &index.to_le_bytes()].concat()),
            Term::Free(name) => hash.update([&[1u8][..], name.as_bytes()].concat()),
            Term::Sort(level) => {
                hash.update([3]);
                self.hash_level(*level, universes, &mut hash)?;
            }
            Term::Constant(name, levels) => {
                hash.update([4]);
                hash.update(named(self, name)?);
                for level in levels {
                    hash.update([1]);
                    self.hash_level(*level, universes, &mut hash)?;
                }
            }
            Term::Apply(..) => hash.update([5]),
            Term::Lambda(..) => hash.update([6]),
            Term::Pi(..) => hash.update([7]),
            Term::Let(..) => hash.update([8]),
            Term::Number(bytes) => hash.update([&[9u8, 0][..], bytes].concat()),
            Term::Text(text) => hash.update([&[9u8, 1][..], text.as_bytes()].concat()),
            Term::Metadata(_) => {}
            Term::Project(name, field, _) => {
                hash.update([11]);
                hash.update(named(self, name)?);
                hash.update(field.to_le_bytes());
            }
        }
        sub.iter().for_each(|s| hash.update(s));
        Ok(short(hash))
    }

    fn hash_level(&mut self, level: Field, universes: &[String], hash: &mut Sha256) -> Result<()> {
        let mut stack = vec![level];
        let mut left = 100_000;
        while let Some(level) = stack.pop() {
            left -= 1;
            if left == 0 {
                bail!("a universe is too large");
            }
            match self.modules[0].level(level)? {
                Level::Zero => hash.update([0]),
                Level::Succ(next) => {
                    hash.update([1]);
                    stack.push(next);
                }
                Level::Max(a, b) => {
                    hash.update([2]);
                    stack.extend([b, a]);
                }
                Level::Imax(a, b) => {
                    hash.update([3]);
                    stack.extend([b, a]);
                }
                Level::Parameter(name) => match universes.iter().position(|u| *u == name) {
                    Some(place) => hash.update([&[4u8][..], &(place as u64).to_le_bytes()].concat()),
                    None => hash.update([&[5u8][..], name.as_bytes(), &[0]].concat()),
                },
            }
        }
        Ok(())
    }
}

/// A text with its length, so that what follows cannot be taken for a part of it.
fn put(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn short(hash: Sha256) -> Fingerprint {
    let digest = hash.finalize();
    std::array::from_fn(|i| digest[i])
}
