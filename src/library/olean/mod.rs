//! `.olean` files: compacted object graphs of Lean's run time, of 32- and 64-bit machines.
//!
//! ```text
//! header   "olean" · version · flags · Lean's version (33 bytes) · git hash (40 bytes) · base address · root
//! object   reference count (4) · size (2) · number of fields (1) · tag (1) · fields, words of 4 or 8 bytes
//!          a field is an odd number (a small value) or an address: base + place in the file
//! ```
//! The layout follows `src/runtime/object.h` and `src/library/module.cpp` of Lean 4. Newer files name their root behind
//! the base address, older ones at their end.

mod region;
pub mod whole;

use std::collections::HashSet;

use anyhow::{Result, bail, ensure};

pub use region::{Field, Part, Region, canonical, parts};

/// Where the commit of the Lean that made the file stands, 40 characters.
const COMMIT: usize = 40;

/// What a constant is, as far as its module exports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Axiom,
    Definition,
    Theorem,
    Opaque,
    Quotient,
    Inductive,
    Constructor,
    Recursor,
}

impl Kind {
    /// The kind of a `ConstantInfo` by its tag.
    fn of_tag(tag: u8) -> Result<Kind> {
        Ok(match tag {
            0 => Kind::Axiom,
            1 => Kind::Definition,
            2 => Kind::Theorem,
            3 => Kind::Opaque,
            4 => Kind::Quotient,
            5 => Kind::Inductive,
            6 => Kind::Constructor,
            7 => Kind::Recursor,
            tag => bail!("a constant of an unknown kind ({tag})"),
        })
    }
}

/// A constant of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    pub name: String,
    pub kind: Kind,
    /// Constants that its type mentions, sorted.
    pub uses: Vec<String>,
    /// The constant that makes its type's conclusion, behind all premises.
    pub conclusion: Option<String>,
    /// Its type ends in `Prop`: applied, it is a proposition.
    pub makes_propositions: bool,
    /// Premises and arguments before the conclusion.
    pub arity: usize,
    /// A definition that takes a field of a structure or a class: `Prod.fst`, `Membership.mem`. There is nothing behind it.
    pub is_field: bool,
}

/// A compiled module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub name: String,
    pub imports: Vec<String>,
    /// In the order of the file, which is none that people gave.
    pub constants: Vec<Constant>,
}

impl Module {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// When they are no `.olean` file, or one that is broken.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Module> {
        let (mut region, root) = Region::open(&[bytes])?;
        let imports = region.imports(root)?;
        let constants = region.array(region.field(root, 2)?)?;
        let constants = constants.into_iter().map(|c| region.constant(c)).collect::<Result<_>>()?;
        Ok(Module { name: name.to_owned(), imports, constants })
    }
}

/// What a file says at its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Of the Lean that made it; empty when the file does not say.
    pub commit: String,
    pub imports: Vec<String>,
}

impl Head {
    /// Reads it without looking at what the module declares.
    ///
    /// # Errors
    /// As [`Module::parse`].
    pub fn read(bytes: &[u8]) -> Result<Head> {
        let (mut region, root) = Region::open(&[bytes])?;
        let imports = region.imports(root)?;
        let commit = String::from_utf8_lossy(&bytes[COMMIT..region::BASE]);
        Ok(Head { commit: commit.trim_end_matches(['\0', ' ']).to_owned(), imports })
    }
}

impl Region<'_> {
    fn imports(&mut self, root: usize) -> Result<Vec<String>> {
        let imports = self.array(self.field(root, 0)?)?;
        imports.into_iter().map(|i| self.name(self.first_field(i)?)).collect()
    }

    /// `ConstantInfo`: its tag is the kind; the first field of its value holds name, universe names and type.
    fn constant(&mut self, field: Field) -> Result<Constant> {
        let at = self.place(field)?;
        let kind = Kind::of_tag(self.tag(at)?)?;
        let own = self.place(self.field(at, 0)?)?;
        let common = self.place(self.field(own, 0)?)?;
        let name = self.name(self.field(common, 0)?)?;
        let ty = self.place(self.field(common, 2)?)?;
        let (conclusion, makes_propositions, arity) = self.conclusion(ty)?;
        let is_field = kind == Kind::Definition && self.takes_field(self.place(self.field(own, 1)?)?)?;
        Ok(Constant { name, kind, uses: self.uses(ty)?, conclusion, makes_propositions, arity, is_field })
    }

    /// Whether a definition's value is a field of its last argument.
    fn takes_field(&self, value: usize) -> Result<bool> {
        let mut at = value;
        loop {
            // `Expr`: bound variable 0, lambda 6, metadata 10, field 11.
            let next = match self.tag(at)? {
                6 => self.field(at, 2)?,
                10 => self.field(at, 1)?,
                11 => return Ok(self.tag(self.place(self.field(at, 2)?)?)? == 0),
                _ => return Ok(false),
            };
            // A term's parts stand before it.
            let part = self.place(next)?;
            ensure!(part < at, "a definition's value has no end");
            at = part;
        }
    }

    /// What stands behind all `∀`s of a type: the constant that heads it, and whether it is `Prop`.
    fn conclusion(&mut self, ty: usize) -> Result<(Option<String>, bool, usize)> {
        let (mut at, mut arity) = (ty, 0);
        for _ in 0..10_000 {
            // `Expr`: sort 3, const 4, app 5, forall 7, let 8, metadata 10.
            let next = match self.tag(at)? {
                7 => {
                    arity += 1;
                    self.field(at, 2)?
                }
                5 => self.field(at, 0)?,
                8 => self.field(at, 3)?,
                10 => self.field(at, 1)?,
                4 => return Ok((Some(self.name(self.field(at, 0)?)?), false, arity)),
                // `Sort 0`: the level zero is a small value.
                3 => return Ok((None, matches!(self.field(at, 0)?, Field::Small(0)), arity)),
                _ => return Ok((None, false, arity)),
            };
            at = self.place(next)?;
        }
        bail!("a type has no end")
    }

    /// Names of the constants in a term. Shared parts are visited once.
    fn uses(&mut self, term: usize) -> Result<Vec<String>> {
        let (mut seen, mut stack, mut found) = (HashSet::new(), vec![term], Vec::new());
        while let Some(at) = stack.pop() {
            if !seen.insert(at) {
                continue;
            }
            let parts: &[usize] = match self.tag(at)? {
                4 => {
                    found.push(self.name(self.field(at, 0)?)?);
                    &[]
                }
                5 => &[0, 1],
                6 | 7 => &[1, 2],
                8 => &[1, 2, 3],
                10 => &[1],
                11 => &[2],
                _ => &[],
            };
            for &part in parts {
                if let Field::At(next) = self.field(at, part)? {
                    stack.push(next);
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::region::{BASE, MARK, TAG_ARRAY, TAG_STRING};
    use super::*;

    /// Writes the little that a module needs, with words of either width.
    struct Writer {
        bytes: Vec<u8>,
        width: usize,
        base: u64,
    }

    impl Writer {
        fn new(width: usize) -> Writer {
            let base: u64 = if width == 8 { 0x7f00_0000_0000 } else { 0xc927_0000 };
            let mut bytes = MARK.to_vec();
            bytes.resize(BASE, 0);
            let mut writer = Writer { bytes, width, base };
            writer.word(base);
            writer.word(0);
            writer
        }
        fn word(&mut self, word: u64) {
            self.bytes.extend(&word.to_le_bytes()[..self.width]);
        }
        fn head(&mut self, fields: u8, tag: u8) -> u64 {
            while !self.bytes.len().is_multiple_of(8) {
                self.bytes.push(0);
            }
            let at = self.base + self.bytes.len() as u64;
            self.bytes.extend([0, 0, 0, 0, 0, 0, fields, tag]);
            at
        }
        fn object(&mut self, tag: u8, fields: &[u64]) -> u64 {
            let at = self.head(fields.len() as u8, tag);
            fields.iter().for_each(|f| self.word(*f));
            at
        }
        fn array(&mut self, items: &[u64]) -> u64 {
            let at = self.head(0, TAG_ARRAY);
            [items.len() as u64, items.len() as u64].iter().chain(items).for_each(|w| self.word(*w));
            at
        }
        fn name(&mut self, text: &str) -> u64 {
            let string = self.head(0, TAG_STRING);
            [text.len() as u64 + 1, text.len() as u64 + 1, text.len() as u64].iter().for_each(|w| self.word(*w));
            self.bytes.extend(text.as_bytes());
            self.bytes.push(0);
            self.object(1, &[1, string, 0])
        }
        /// A module that imports `Base` and holds `p : Prop`, `t : q → p`, and `f` of that type, which takes a field of its argument.
        fn module(mut self) -> Vec<u8> {
            let [p, q, t, f, base] = ["p", "q", "t", "f", "Base"].map(|name| self.name(name));
            let import = self.object(0, &[base]);
            let imports = self.array(&[import]);
            let prop = self.object(3, &[1]);
            let (const_p, const_q) = (self.object(4, &[p, 1]), self.object(4, &[q, 1]));
            let implies = self.object(7, &[1, const_q, const_p]);
            let argument = self.object(0, &[1]);
            let field = self.object(11, &[q, 1, argument]);
            let takes = self.object(6, &[1, const_q, field]);
            let mut infos = Vec::new();
            for (name, ty, value, kind) in [(p, prop, 1, 0), (t, implies, 1, 2), (f, implies, takes, 1)] {
                let common = self.object(0, &[name, 1, ty]);
                let own = self.object(0, &[common, value]);
                infos.push(self.object(kind, &[own]));
            }
            let names = self.array(&[p, t, f]);
            let constants = self.array(&infos);
            let none = self.array(&[]);
            let root = self.object(0, &[imports, names, constants, none, none]);
            let place = BASE + self.width;
            self.bytes[place..place + self.width].copy_from_slice(&root.to_le_bytes()[..self.width]);
            self.bytes
        }
    }

    #[test]
    fn files_of_both_widths_are_read() {
        for width in [4, 8] {
            let module = Module::parse("M", &Writer::new(width).module()).unwrap();
            assert_eq!(module.imports, ["Base"]);
            let [p, t, f] = &module.constants[..] else { panic!("{module:?}") };
            assert!(f.is_field && f.kind == Kind::Definition && !p.is_field && !t.is_field);
            assert!(p.makes_propositions && p.name == "p" && p.kind == Kind::Axiom);
            assert_eq!(
                (t.conclusion.as_deref(), t.arity, t.uses.clone()),
                (Some("p"), 1, vec!["p".to_owned(), "q".to_owned()])
            );
        }
    }

    #[test]
    fn broken_files_are_errors() {
        let whole = Writer::new(8).module();
        assert!(Module::parse("M", b"ELF").is_err());
        // The last object is the root; of its five fields the first three are read.
        for length in (0..whole.len() - 20).step_by(7) {
            assert!(Module::parse("M", &whole[..length]).is_err(), "{length}");
        }
        // Any byte may be wrong; nothing panics.
        for at in BASE..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 0x55;
            let _ = Module::parse("M", &wrong);
        }
    }
}
