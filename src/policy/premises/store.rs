//! The file of an index of premises: written once, mapped into memory where it is used, so that opening it costs nothing and
//! processes share it.
//!
//! ```text
//! mark (8) · number of sections (8) · place and length of each (16) · the sections
//! texts: all strings behind each other, and where each ends (4)
//! postings: for each feature the theorems that have it, numbers of 4 bytes behind each other, and where each list ends (4)
//! ```
//! Numbers are little-endian. What is read is checked where it is used: a broken file gives nothing, never a crash.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};

/// Changes when an index is made otherwise.
const MARK: &[u8; 8] = b"qstarP06";

/// What a compiled module was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub file: PathBuf,
    pub bytes: u64,
    /// Nanoseconds of its last change.
    pub changed: u64,
}

impl Seen {
    /// As it is now; `None` when it is not there.
    pub fn now(file: &Path) -> Option<Seen> {
        let about = file.metadata().ok()?;
        let changed = about.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Seen { file: file.to_owned(), bytes: about.len(), changed: changed.as_nanos() as u64 })
    }
}

/// Strings behind each other.
#[derive(Debug, Default)]
pub struct Texts {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.text.extend(text.as_bytes());
        self.ends.push(self.text.len() as u32);
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        std::str::from_utf8(&self.text[start..self.ends[number] as usize]).unwrap_or("")
    }
}

/// An index before it is written.
#[derive(Debug, Default)]
pub struct Parts {
    pub names: Texts,
    pub rewrites: Vec<u8>,
    /// Sorted.
    pub features: Texts,
    pub posting_ends: Vec<u32>,
    pub postings: Vec<u32>,
    pub definitions: Texts,
    pub modules: Vec<Seen>,
}

/// The weight of a feature that so many of all theorems have: rare ones say more.
fn weight(all: usize, have: usize) -> f64 {
    (1.0 + all as f64 / have.max(1) as f64).ln()
}

impl Parts {
    fn norms(&self) -> Vec<f32> {
        let all = self.names.len();
        let mut squares = vec![0f64; all];
        let mut start = 0;
        for &end in &self.posting_ends {
            let list = &self.postings[start..end as usize];
            list.iter().for_each(|&n| squares[n as usize] += weight(all, list.len()).powi(2));
            start = end as usize;
        }
        squares.into_iter().map(|square| square.sqrt().max(1e-9) as f32).collect()
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let numbers = |all: &[u32]| all.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let norms: Vec<u8> = self.norms().into_iter().flat_map(f32::to_le_bytes).collect();
        // Paths and numbers: it cannot fail.
        let modules = serde_json::to_vec(&self.modules).unwrap_or_default();
        let (name_ends, feature_ends) = (numbers(&self.names.ends), numbers(&self.features.ends));
        let (lists, list_ends) = (numbers(&self.postings), numbers(&self.posting_ends));
        let definition_ends = numbers(&self.definitions.ends);
        let sections: [&[u8]; SECTIONS] = [
            &self.names.text,
            &name_ends,
            &self.rewrites,
            &norms,
            &self.features.text,
            &feature_ends,
            &lists,
            &list_ends,
            &self.definitions.text,
            &definition_ends,
            &modules,
        ];
        let mut bytes = MARK.to_vec();
        bytes.extend((SECTIONS as u64).to_le_bytes());
        let mut place = HEAD as u64;
        for section in sections {
            bytes.extend(place.to_le_bytes());
            bytes.extend((section.len() as u64).to_le_bytes());
            place += section.len() as u64;
        }
        sections.iter().for_each(|section| bytes.extend(*section));
        bytes
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, path: &Path) -> Result<()> {
        let cannot = || format!("cannot write {}", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(cannot)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
        file.write_all(&self.bytes()).with_context(cannot)?;
        file.persist(path).with_context(cannot)?;
        Ok(())
    }
}

const SECTIONS: usize = 11;
const HEAD: usize = 16 + 16 * SECTIONS;

/// An index on the disk, or in memory where it cannot be kept.
pub struct Index {
    bytes: Bytes,
    sections: [Range<usize>; SECTIONS],
}

enum Bytes {
    Mapped(Mmap),
    Own(Vec<u8>),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Own(bytes) => bytes,
        }
    }
}

impl Index {
    /// Opens a file; `None` when there is none, when it is broken, or when a module that it was made of has changed.
    pub fn open(path: &Path) -> Option<Index> {
        let file = File::open(path).ok()?;
        // SAFETY: the map is read only, and files are put in place whole: none is written to while it is mapped.
        let index = Index::read(Bytes::Mapped(unsafe { Mmap::map(&file) }.ok()?))?;
        let modules: Vec<Seen> = serde_json::from_slice(index.section(10)).ok()?;
        modules.iter().all(|seen| Seen::now(&seen.file).as_ref() == Some(seen)).then_some(index)
    }

    /// An index that is kept nowhere.
    pub fn of(parts: &Parts) -> Option<Index> {
        Index::read(Bytes::Own(parts.bytes()))
    }

    fn read(bytes: Bytes) -> Option<Index> {
        let map = bytes.all();
        let word = |at: usize| Some(u64::from_le_bytes(map.get(at..at + 8)?.try_into().ok()?));
        if map.get(..8)? != MARK || word(8)? != SECTIONS as u64 {
            return None;
        }
        let mut sections: [Range<usize>; SECTIONS] = std::array::from_fn(|_| 0..0);
        for (number, section) in sections.iter_mut().enumerate() {
            let (place, length) = (word(16 + 16 * number)?, word(24 + 16 * number)?);
            let end = place.checked_add(length).filter(|end| *end <= map.len() as u64)?;
            *section = place as usize..end as usize;
        }
        let index = Index { bytes, sections };
        let whole = index.section(1).len() == 4 * index.len()
            && index.section(3).len() == 4 * index.len()
            && index.section(5).len() == index.section(7).len();
        whole.then_some(index)
    }

    fn section(&self, number: usize) -> &[u8] {
        &self.bytes.all()[self.sections[number].clone()]
    }

    fn number(&self, section: usize, at: usize) -> Option<u32> {
        let bytes = self.section(section).get(4 * at..4 * at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn range(&self, ends: usize, at: usize) -> Option<Range<usize>> {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.number(ends, before))?;
        Some(start as usize..self.number(ends, at)? as usize)
    }

    fn text(&self, section: usize, at: usize) -> &str {
        let bytes = self.range(section + 1, at).and_then(|range| self.section(section).get(range));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// Number of theorems.
    pub fn len(&self) -> usize {
        self.section(2).len()
    }

    /// A theorem's name.
    pub fn name(&self, theorem: usize) -> &str {
        self.text(0, theorem)
    }

    /// Whether a theorem's conclusion is an equation or an equivalence.
    pub fn rewrites(&self, theorem: usize) -> bool {
        self.section(2).get(theorem) == Some(&1)
    }

    /// The length of a theorem's vector.
    pub fn norm(&self, theorem: usize) -> f64 {
        self.number(3, theorem).map_or(f64::INFINITY, |bits| f64::from(f32::from_bits(bits)))
    }

    /// The weight of a feature and the theorems that have it.
    pub fn feature<'a>(&'a self, wanted: &str) -> Option<(f64, impl Iterator<Item = usize> + use<'a>)> {
        let (mut low, mut high) = (0, self.section(5).len() / 4);
        while low < high {
            let middle = low.midpoint(high);
            match self.text(4, middle).cmp(wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let list = self.list(middle)?;
                    return Some((weight(self.len(), list.len() / 4), self.theorems(list)));
                }
            }
        }
        None
    }

    /// All features with the theorems that have them.
    pub fn features(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = usize>)> {
        let all = 0..self.section(5).len() / 4;
        all.map(|at| (self.text(4, at), self.theorems(self.list(at).unwrap_or_default())))
    }

    fn list(&self, feature: usize) -> Option<&[u8]> {
        let range = self.range(7, feature)?;
        self.section(6).get(4 * range.start..4 * range.end)
    }

    fn theorems<'a>(&self, list: &'a [u8]) -> impl Iterator<Item = usize> + use<'a> {
        let all = self.len();
        list.chunks_exact(4).map(|n| u32::from_le_bytes([n[0], n[1], n[2], n[3]]) as usize).filter(move |n| *n < all)
    }

    /// Names of the constants that can be unfolded.
    pub fn definitions(&self) -> impl Iterator<Item = &str> {
        (0..self.section(9).len() / 4).map(|at| self.text(8, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(module: &Path) -> Parts {
        let mut parts = Parts { rewrites: vec![1, 0], posting_ends: vec![2, 3], postings: vec![0, 1, 1], ..Parts::default() };
        ["A.t", "A.ü"].iter().for_each(|name| parts.names.push(name));
        ["Eq", "Nat"].iter().for_each(|name| parts.features.push(name));
        parts.definitions.push("A.f");
        parts.modules = vec![Seen::now(module).unwrap()];
        parts
    }

    #[test]
    fn what_is_written_is_read_until_a_module_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, module) = (folder.path().join("x.premises"), folder.path().join("M.olean"));
        std::fs::write(&module, "one").unwrap();
        parts(&module).write(&file).unwrap();
        let index = Index::open(&file).unwrap();
        assert_eq!((index.len(), index.name(0), index.name(1)), (2, "A.t", "A.ü"));
        assert!(index.rewrites(0) && !index.rewrites(1) && index.norm(1) > index.norm(0));
        let list = |feature: &str| index.feature(feature).map(|(_, list)| list.collect::<Vec<_>>());
        assert_eq!((list("Eq"), list("Nat"), list("Mul")), (Some(vec![0, 1]), Some(vec![1]), None));
        assert_eq!(index.definitions().collect::<Vec<_>>(), ["A.f"]);
        std::fs::write(&module, "built anew").unwrap();
        assert!(Index::open(&file).is_none(), "a module has changed");
    }

    #[test]
    fn broken_files_give_nothing_and_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let (file, module) = (folder.path().join("x.premises"), folder.path().join("M.olean"));
        std::fs::write(&module, "one").unwrap();
        parts(&module).write(&file).unwrap();
        let whole = std::fs::read(&file).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&file, &whole[..cut]).unwrap();
            assert!(Index::open(&file).is_none(), "{cut}");
        }
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 0xFF;
            std::fs::write(&file, &wrong).unwrap();
            if let Some(index) = Index::open(&file) {
                for theorem in 0..index.len() + 1 {
                    let _ = (index.name(theorem), index.norm(theorem), index.rewrites(theorem));
                }
                let _ = (index.feature("Eq").map(|(_, list)| list.count()), index.definitions().count());
            }
        }
    }
}
