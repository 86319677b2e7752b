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

/// A table on its way to the disk; dropped before [`Table::finish`], nothing stays.
pub struct Table<R>(BTreeMap<Split, Part<R>>);

struct Part<R> {
    count: usize,
    json: Option<(PathBuf, BufWriter<tempfile::NamedTempFile>)>,
    parquet: Option<Columns<R>>,
}

impl<R: Row> Table<R> {
    /// Begins the files `NAME.SPLIT.FORMAT` in a folder. All splits get a file, be it an empty one.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn begin(folder: &Path, name: &str, formats: &[Format]) -> Result<Table<R>> {
        let mut splits = BTreeMap::new();
        for split in [Split::Train, Split::Validation, Split::Test] {
            let path = |extension: &str| folder.join(format!("{name}.{}.{extension}", split.name()));
            let json = |path: PathBuf| temporary(&path).map(|file| (path, BufWriter::new(file)));
            let json = formats.contains(&Format::Jsonl).then(|| json(path("jsonl"))).transpose()?;
            let parquet = formats.contains(&Format::Parquet).then(|| Columns::begin(&path("parquet"))).transpose()?;
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
        if let Some((path, out)) = &mut part.json {
            writeln!(out, "{}", serde_json::to_string(&row)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
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
            if let Some((path, out)) = part.json {
                let cannot = || format!("cannot write {}", path.display());
                let file = out.into_inner().map_err(|e| e.into_error()).with_context(cannot)?;
                file.as_file().sync_all().with_context(cannot)?;
                file.persist(&path).with_context(cannot)?;
            }
            part.parquet.map_or(Ok(()), Columns::finish)?;
        }
        Ok(counts)
    }
}
