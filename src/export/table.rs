//! Tables on the disk: one file for each split and format, whole or not there.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::columns::{Columns, Row};
use super::examples::Split;
use crate::files::temporary;

/// The formats of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Apache Parquet, compressed with Snappy (a build with `--features parquet`).
    Parquet,
}

impl Format {
    /// All that this build can write.
    pub const HERE: &[Format] = if cfg!(feature = "parquet") { &[Format::Jsonl, Format::Parquet] } else { &[Format::Jsonl] };
}

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// A file of JSON lines on its way to the disk.
struct JsonLines {
    path: PathBuf,
    out: BufWriter<tempfile::NamedTempFile>,
}

impl JsonLines {
    fn begin(folder: &Path, name: &str, split: Split) -> Result<JsonLines> {
        let path = folder.join(format!("{name}.{}.jsonl", split.name()));
        temporary(&path).map(|file| JsonLines { path, out: BufWriter::new(file) })
    }

    fn put(&mut self, row: &impl Serialize) -> Result<()> {
        let cannot = || format!("cannot write {}", self.path.display());
        writeln!(self.out, "{}", serde_json::to_string(row)?).with_context(cannot)
    }

    fn finish(self) -> Result<()> {
        let cannot = || format!("cannot write {}", self.path.display());
        let file = self.out.into_inner().map_err(|e| e.into_error()).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(&self.path).with_context(cannot)?;
        Ok(())
    }
}

/// A table of rows that hold lists, which is written as JSON lines only.
pub struct Lines(BTreeMap<Split, (usize, JsonLines)>);

impl Lines {
    /// As [`Table::begin`].
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn begin(folder: &Path, name: &str) -> Result<Lines> {
        SPLITS.into_iter().map(|s| Ok((s, (0, JsonLines::begin(folder, name, s)?)))).collect::<Result<_>>().map(Lines)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, split: Split, row: &impl Serialize) -> Result<()> {
        let Some((count, lines)) = self.0.get_mut(&split) else { return Ok(()) };
        *count += 1;
        lines.put(row)
    }

    /// As [`Table::finish`].
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn finish(self) -> Result<BTreeMap<Split, usize>> {
        self.0.into_iter().map(|(split, (count, lines))| lines.finish().map(|()| (split, count))).collect()
    }
}

/// A table on its way to the disk; dropped before [`Table::finish`], nothing stays.
pub struct Table<R>(BTreeMap<Split, Part<R>>);

struct Part<R> {
    count: usize,
    json: Option<JsonLines>,
    parquet: Option<Columns<R>>,
}

impl<R: Row> Table<R> {
    /// Begins the files `NAME.SPLIT.FORMAT` in a folder. All splits get a file, be it an empty one.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn begin(folder: &Path, name: &str, formats: &[Format]) -> Result<Table<R>> {
        let mut splits = BTreeMap::new();
        for split in SPLITS {
            let json = formats.contains(&Format::Jsonl).then(|| JsonLines::begin(folder, name, split)).transpose()?;
            let parquet = folder.join(format!("{name}.{}.parquet", split.name()));
            let parquet = formats.contains(&Format::Parquet).then(|| Columns::begin(&parquet)).transpose()?;
            splits.insert(split, Part { count: 0, json, parquet });
        }
        Ok(Table(splits))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, split: Split, row: R) -> Result<()> {
        let Some(part) = self.0.get_mut(&split) else { return Ok(()) };
        part.count += 1;
        part.json.as_mut().map_or(Ok(()), |lines| lines.put(&row))?;
        part.parquet.as_mut().map_or(Ok(()), |columns| columns.put(row))
    }

    /// Makes the files appear under their names; says how many rows each split has.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(self) -> Result<BTreeMap<Split, usize>> {
        let mut counts = BTreeMap::new();
        for (split, part) in self.0 {
            counts.insert(split, part.count);
            part.json.map_or(Ok(()), JsonLines::finish)?;
            part.parquet.map_or(Ok(()), Columns::finish)?;
        }
        Ok(counts)
    }
}
