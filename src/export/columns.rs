//! Parquet files, column by column (feature `parquet`).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::RecordWriter;
use parquet::schema::types::TypePtr;
use serde::Serialize;

use super::examples::{PolicyExample, Preference, ValueExample};
use super::verdicts::VerdictExample;
use crate::files::temporary;

/// Rows of a row group, which is what is held in memory.
const GROUP: usize = 8192;

/// What can stand in a table.
pub trait Row: Serialize + Sized {
    fn schema() -> Result<TypePtr>;
    fn write(rows: &[Self], group: &mut SerializedRowGroupWriter<'_, File>) -> Result<()>;
}

macro_rules! rows {
    ($($row:ty),*) => {$(
        impl Row for $row {
            fn schema() -> Result<TypePtr> {
                Ok((&[] as &[$row]).schema()?)
            }
            fn write(rows: &[$row], group: &mut SerializedRowGroupWriter<'_, File>) -> Result<()> {
                Ok(rows.write_to_row_group(group)?)
            }
        }
    )*};
}
rows!(PolicyExample, ValueExample, Preference, VerdictExample);

/// A file on its way to the disk.
pub struct Columns<R> {
    path: PathBuf,
    place: tempfile::TempPath,
    writer: SerializedFileWriter<File>,
    group: Vec<R>,
}

impl<R: Row> Columns<R> {
    /// Begins a file that will be `path`.
    ///
    /// # Errors
    /// When its folder cannot be written to.
    pub fn begin(path: &Path) -> Result<Columns<R>> {
        let (file, place) = temporary(path)?.into_parts();
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, R::schema()?, Arc::new(properties))?;
        Ok(Columns { path: path.to_owned(), place, writer, group: Vec::new() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When a row group cannot be written.
    pub fn put(&mut self, row: R) -> Result<()> {
        self.group.push(row);
        if self.group.len() >= GROUP { self.flush() } else { Ok(()) }
    }

    /// Makes the file appear under its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        let cannot = || format!("cannot write {}", self.path.display());
        self.writer.into_inner().with_context(cannot)?.sync_all().with_context(cannot)?;
        self.place.persist(&self.path).with_context(cannot)
    }

    fn flush(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let cannot = || format!("cannot write {}", self.path.display());
        let mut group = self.writer.next_row_group().with_context(cannot)?;
        R::write(&self.group, &mut group).with_context(cannot)?;
        group.close().with_context(cannot)?;
        self.group.clear();
        Ok(())
    }
}
