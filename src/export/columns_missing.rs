//! What stands for Parquet in a build without the feature `parquet`: an error that says so.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

/// What can stand in a table.
pub trait Row: Serialize + Sized {}
impl<R: Serialize> Row for R {}

/// There is none.
pub struct Columns<R>(Infallible, PhantomData<R>);

impl<R: Row> Columns<R> {
    pub fn begin(_: &Path) -> Result<Columns<R>> {
        bail!("this qstar was built without Parquet; build it with `--features parquet`, or export with `--format jsonl`")
    }

    pub fn put(&mut self, _: R) -> Result<()> {
        match self.0 {}
    }

    pub fn finish(self) -> Result<()> {
        match self.0 {}
    }
}
