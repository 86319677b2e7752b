//! Compacted object graphs: words, fields, arrays, strings and names of a module's files.
//!
//! A module may lie in several files that refer to each other by address (`.olean`, `.olean.server`, `.olean.private`):
//! they are read together. Knows nothing of what the objects mean.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// What every file begins with.
pub(super) const MARK: &[u8] = b"olean";
/// Where the base address stands.
pub(super) const BASE: usize = 80;
pub(super) const TAG_ARRAY: u8 = 246;
/// An array of words of one size without addresses.
const TAG_SCALAR_ARRAY: u8 = 248;
pub(super) const TAG_STRING: u8 = 249;
/// A natural number that is too large for a word.
const TAG_BIG: u8 = 250;
/// Constructors have tags up to this one.
const LAST_CONSTRUCTOR: u8 = 244;
/// A place holds the number of its file above this bit.
const FILE_BIT: u32 = 48;

/// A field: a small value, or the place of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Small(u64),
    At(usize),
}

/// The files of one module.
pub struct Region<'a> {
    files: Vec<File<'a>>,
    /// Bytes of a word.
    pub(super) width: usize,
    names: HashMap<usize, String>,
}

struct File<'a> {
    bytes: &'a [u8],
    base: u64,
}

impl<'a> Region<'a> {
    /// Finds out how wide words are and where the root of the last file is: what that file says is the most that is known.
    ///
    /// # Errors
    /// When a file is no `.olean` file, is broken, or is of a Lean that is not known.
    pub fn open(files: &[&'a [u8]]) -> Result<(Region<'a>, usize)> {
        ensure!(
            files.iter().all(|f| f.starts_with(MARK)) && !files.is_empty(),
            "it is no .olean file: it does not begin with `olean`"
        );
        for width in [8, 4] {
            let mut region = Region { files: Vec::new(), width, names: HashMap::new() };
            region.files = files.iter().map(|bytes| File { bytes, base: 0 }).collect();
            let bases: Result<Vec<u64>> = (0..files.len()).map(|i| region.word(place(i, BASE))).collect();
            let Ok(bases) = bases else { continue };
            region.files.iter_mut().zip(bases).for_each(|(file, base)| file.base = base);
            if let Some(root) = region.root(files.len() - 1) {
                return Ok((region, root));
            }
        }
        bail!("its root was not found: the file is cut off, or of a Lean that this qstar does not know");
    }

    /// Behind the base address, or the last word.
    fn root(&self, file: usize) -> Option<usize> {
        let places = [BASE + self.width, self.files[file].bytes.len().saturating_sub(self.width)];
        places.into_iter().find_map(|at| match self.read_field(place(file, at)) {
            Ok(Field::At(root)) if self.is_module(root) => Some(root),
            _ => None,
        })
    }

    /// A constructor with four or five fields, of which the first three are arrays.
    fn is_module(&self, at: usize) -> bool {
        let array = |i| self.field(at, i).is_ok_and(|f| matches!(f, Field::At(o) if self.tag(o).ok() == Some(TAG_ARRAY)));
        self.tag(at).ok() == Some(0) && matches!(self.fields(at), Ok(4 | 5)) && (0..3).all(array)
    }

    fn bytes(&self, at: usize, count: usize) -> Result<&'a [u8]> {
        let file = self.files.get(at >> FILE_BIT).context("no such file")?;
        let offset = at & ((1 << FILE_BIT) - 1);
        offset.checked_add(count).and_then(|end| file.bytes.get(offset..end)).context("the file is cut off")
    }

    fn word(&self, at: usize) -> Result<u64> {
        let mut word = [0; 8];
        word[..self.width].copy_from_slice(self.bytes(at, self.width)?);
        Ok(u64::from_le_bytes(word))
    }

    /// The number of a constructor, or what else an object is.
    pub fn tag(&self, at: usize) -> Result<u8> {
        Ok(self.bytes(at + 7, 1)?[0])
    }

    /// How many fields a constructor has.
    pub fn fields(&self, at: usize) -> Result<u8> {
        Ok(self.bytes(at + 6, 1)?[0])
    }

    /// A byte behind the fields of a constructor.
    pub fn scalar(&self, at: usize, offset: usize) -> Result<u8> {
        let behind = at + 8 + usize::from(self.fields(at)?) * self.width;
        Ok(self.bytes(behind + offset, 1)?[0])
    }

    fn read_field(&self, at: usize) -> Result<Field> {
        let word = self.word(at)?;
        if word & 1 == 1 {
            return Ok(Field::Small(word >> 1));
        }
        let inside = |(i, file): (usize, &File)| {
            let offset = usize::try_from(word.checked_sub(file.base)?).ok()?;
            (offset > BASE && offset + 8 <= file.bytes.len()).then(|| place(i, offset))
        };
        // The later files of a module come behind each other in memory: the nearest base is the right one.
        let found = self.files.iter().enumerate().filter_map(inside).min_by_key(|at| at & ((1 << FILE_BIT) - 1));
        found.map(Field::At).context("an address leads out of the file")
    }

    /// # Errors
    /// When there is no such field, or it leads out of the files; as everywhere here.
    pub fn field(&self, object: usize, number: usize) -> Result<Field> {
        self.read_field(object + 8 + number * self.width)
    }

    pub fn first_field(&self, object: Field) -> Result<Field> {
        self.field(self.place(object)?, 0)
    }

    pub fn place(&self, field: Field) -> Result<usize> {
        match field {
            Field::At(place) => Ok(place),
            Field::Small(_) => bail!("a value stands where an object is expected"),
        }
    }

    /// The object in a field.
    pub fn object(&self, at: usize, number: usize) -> Result<usize> {
        self.place(self.field(at, number)?)
    }

    pub fn array(&self, field: Field) -> Result<Vec<Field>> {
        let at = self.place(field)?;
        ensure!(self.tag(at)? == TAG_ARRAY, "an array is expected");
        let count = usize::try_from(self.word(at + 8)?)?;
        ensure!(count <= self.longest() / self.width, "an array is longer than the file");
        (0..count).map(|i| self.read_field(at + 8 + (2 + i) * self.width)).collect()
    }

    /// A `List`: nil is a small value.
    pub fn list(&self, mut field: Field) -> Result<Vec<Field>> {
        let mut found = Vec::new();
        while let Field::At(at) = field {
            ensure!(found.len() < self.longest(), "a list has no end");
            found.push(self.field(at, 0)?);
            field = self.field(at, 1)?;
        }
        Ok(found)
    }

    fn longest(&self) -> usize {
        self.files.iter().map(|f| f.bytes.len()).max().unwrap_or(0)
    }

    pub fn string(&self, field: Field) -> Result<String> {
        let at = self.place(field)?;
        ensure!(self.tag(at)? == TAG_STRING, "a string is expected");
        let size = usize::try_from(self.word(at + 8)?)?;
        let text = self.bytes(at + 8 + 3 * self.width, size.saturating_sub(1))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// A natural number, in little-endian bytes without leading zeros.
    pub fn natural(&self, field: Field) -> Result<Vec<u8>> {
        let at = match field {
            Field::Small(value) => return Ok(trimmed(value.to_le_bytes().to_vec())),
            Field::At(at) => at,
        };
        ensure!(self.tag(at)? == TAG_BIG, "a number is expected");
        // GMP: two 32-bit numbers (allocated, used limbs) and the limbs' address; without it: a sign, a count of 32-bit
        // digits, and their address. The limbs stand behind.
        let native = self.width == 8;
        let (count, address, digit) = if native { (4, 8, 8) } else { (4, 8, 4) };
        let used = self.bytes(at + 8 + count, 4)?;
        let used = u32::from_le_bytes(used.try_into()?) as usize;
        ensure!(used <= self.longest() / 4, "a number is longer than the file");
        let limbs = match self.read_field(at + 8 + address)? {
            Field::At(limbs) => limbs,
            Field::Small(_) => bail!("a number has no digits"),
        };
        Ok(trimmed(self.bytes(limbs, used * digit)?.to_vec()))
    }

    /// `Name`: anonymous (a small value), a string or a number behind a prefix. Different names give different texts.
    pub fn name(&mut self, field: Field) -> Result<String> {
        let mut parts = Vec::new();
        let mut next = field;
        while let Field::At(at) = next {
            if let Some(known) = self.names.get(&at) {
                parts.push(known.clone());
                break;
            }
            ensure!(parts.len() < 200, "a name has no end");
            let part = self.field(at, 1)?;
            parts.push(match (self.tag(at)?, part) {
                (1, text) => written(self.string(text)?),
                (2, Field::Small(number)) => number.to_string(),
                (2, big) => self.natural(big)?.iter().rev().map(|b| format!("{b:03}")).collect(),
                _ => bail!("a name is expected"),
            });
            next = self.field(at, 0)?;
        }
        parts.reverse();
        let name = parts.join(".");
        if let Field::At(at) = field {
            self.names.insert(at, name.clone());
        }
        Ok(name)
    }

    /// Feeds all that hangs on a field to `take`: kinds of objects, scalars, strings and numbers, in order. For data whose
    /// meaning is not known here: equal data give equal calls.
    ///
    /// # Errors
    /// When the object graph is broken or larger than `most` objects.
    pub fn walk(&self, field: Field, most: &mut usize, take: &mut impl FnMut(&[u8])) -> Result<()> {
        let mut stack = vec![field];
        while let Some(field) = stack.pop() {
            *most = most.checked_sub(1).context("an entry is too large")?;
            let at = match field {
                Field::Small(value) => {
                    take(&[0]);
                    take(&value.to_le_bytes());
                    continue;
                }
                Field::At(at) => at,
            };
            let tag = self.tag(at)?;
            take(&[1, tag]);
            match tag {
                TAG_ARRAY => stack.extend(self.array(field)?.into_iter().rev()),
                TAG_STRING => take(self.string(field)?.as_bytes()),
                TAG_BIG => take(&self.natural(field)?),
                TAG_SCALAR_ARRAY => {}
                0..=LAST_CONSTRUCTOR => {
                    for i in (0..self.fields(at)?).rev() {
                        stack.push(self.field(at, i.into())?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn place(file: usize, offset: usize) -> usize {
    (file << FILE_BIT) | offset
}

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// A part of a name as Lean would have to write it: in `«»` when it is no plain word, so that no dot or digit in it can be
/// taken for another part.
fn written(part: String) -> String {
    let odd = |c: char| c == '.' || c == '«' || c == '»' || c.is_whitespace() || c.is_control();
    match part.is_empty() || part.starts_with(|c: char| c.is_ascii_digit()) || part.contains(odd) {
        true => format!("«{}»", part.replace('»', "»»")),
        false => part,
    }
}

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// As digits.
    Number(String),
}

/// The parts of a name that [`Region::name`] gave.
///
/// ```
/// use qstar::library::olean::{Part, parts};
/// let text = |part: &str| Part::Text(part.to_owned());
/// assert_eq!(parts("a.«b.c».1.«2»"), [text("a"), text("b.c"), Part::Number("1".into()), text("2")]);
/// assert_eq!(parts("«a»»»"), [text("a»")]);
/// ```
pub fn parts(name: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = name.chars().peekable();
    while let Some(&first) = rest.peek() {
        let mut part = String::new();
        if first == '«' {
            rest.next();
            while let Some(c) = rest.next() {
                if c == '»' && rest.next_if_eq(&'»').is_none() {
                    break;
                }
                part.push(c);
            }
            found.push(Part::Text(part));
        } else {
            while let Some(c) = rest.next_if(|&c| c != '.') {
                part.push(c);
            }
            let number = !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
            found.push(if number { Part::Number(part) } else { Part::Text(part) });
        }
        rest.next_if_eq(&'.');
    }
    found
}

/// A name as people write it, in the form that [`Region::name`] gives: `«»` only where it must be.
///
/// ```
/// use qstar::library::olean::canonical;
/// assert_eq!(canonical("a.«b».«c d».1"), "a.b.«c d».1");
/// ```
pub fn canonical(name: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = name;
    loop {
        let (part, behind) = match rest.strip_prefix('«') {
            Some(quoted) => {
                let end = quoted.find('»').unwrap_or(quoted.len());
                (written(quoted[..end].to_owned()), quoted[end..].strip_prefix('»').unwrap_or(""))
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        parts.push(part);
        match behind.strip_prefix('.') {
            Some(next) => rest = next,
            None => return parts.join("."),
        }
    }
}
