//! Tables on the disk: one file for each split and format, whole or not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::record::RecordWriter;
use serde::{Deserialize, Serialize};

use super::examples::Split;

/// Rows of a Parquet row group, which is what is held in memory.
const GROUP: usize = 8192;

/// The formats of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
}

/// A table on its way to the disk; dropped before [`Table::finish`], nothing stays.
pub struct Table<'a, Row> {
    folder: &'a Path,
    name: &'static str,
    formats: &'a [Format],
    splits: BTreeMap<Split, Part<Row>>,
}

struct Part<Row> {
    count: usize,
    json: Option<(PathBuf, BufWriter<tempfile::NamedTempFile>)>,
    parquet: Option<(PathBuf, tempfile::TempPath, SerializedFileWriter<File>)>,
    group: Vec<Row>,
}

impl<'a, Row: Serialize> Table<'a, Row>
where
    for<'r> &'r [Row]: RecordWriter<Row>,
{
    /// Begins the files `NAME.SPLIT.FORMAT` in a folder. All splits get a file, be it an empty one.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn begin(folder: &'a Path, name: &'static str, formats: &'a [Format]) -> Result<Table<'a, Row>> {
        let mut table = Table { folder, name, formats, splits: BTreeMap::new() };
        for split in [Split::Train, Split::Validation, Split::Test] {
            let part = table.part(split)?;
            table.splits.insert(split, part);
        }
        Ok(table)
    }

    fn part(&self, split: Split) -> Result<Part<Row>> {
        let path = |extension: &str| self.folder.join(format!("{}.{}.{extension}", self.name, split.name()));
        let temporary = || {
            let rights = std::os::unix::fs::PermissionsExt::from_mode(0o666);
            let file = tempfile::Builder::new().prefix(".export").permissions(rights).tempfile_in(self.folder);
            file.with_context(|| format!("cannot write in {}", self.folder.display()))
        };
        let mut part = Part { count: 0, json: None, parquet: None, group: Vec::new() };
        if self.formats.contains(&Format::Jsonl) {
            part.json = Some((path("jsonl"), BufWriter::new(temporary()?)));
        }
        if self.formats.contains(&Format::Parquet) {
            let (file, place) = temporary()?.into_parts();
            let schema = (&part.group[..]).schema()?;
            let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
            part.parquet = Some((path("parquet"), place, SerializedFileWriter::new(file, schema, Arc::new(properties))?));
        }
        Ok(part)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, split: Split, row: Row) -> Result<()> {
        let Some(part) = self.splits.get_mut(&split) else { return Ok(()) };
        part.count += 1;
        if let Some((path, out)) = &mut part.json {
            writeln!(out, "{}", serde_json::to_string(&row)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if part.parquet.is_some() {
            part.group.push(row);
            if part.group.len() >= GROUP {
                part.flush()?;
            }
        }
        Ok(())
    }

    /// Makes the files appear under their names; says how many rows each split has.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(self) -> Result<BTreeMap<Split, usize>> {
        let mut counts = BTreeMap::new();
        for (split, mut part) in self.splits {
            counts.insert(split, part.count);
            part.flush()?;
            if let Some((path, out)) = part.json {
                let cannot = || format!("cannot write {}", path.display());
                let file = out.into_inner().map_err(|e| e.into_error()).with_context(cannot)?;
                file.as_file().sync_all().with_context(cannot)?;
                file.persist(&path).with_context(cannot)?;
            }
            if let Some((path, place, writer)) = part.parquet {
                let cannot = || format!("cannot write {}", path.display());
                writer.into_inner().with_context(cannot)?.sync_all().with_context(cannot)?;
                place.persist(&path).with_context(cannot)?;
            }
        }
        Ok(counts)
    }
}

impl<Row> Part<Row>
where
    for<'r> &'r [Row]: RecordWriter<Row>,
{
    /// Writes the rows in memory as one row group.
    fn flush(&mut self) -> Result<()> {
        let Some((path, _, writer)) = &mut self.parquet else { return Ok(()) };
        if self.group.is_empty() {
            return Ok(());
        }
        let cannot = || format!("cannot write {}", path.display());
        let mut group = writer.next_row_group().with_context(cannot)?;
        (&self.group[..]).write_to_row_group(&mut group).with_context(cannot)?;
        group.close().with_context(cannot)?;
        self.group.clear();
        Ok(())
    }
}
