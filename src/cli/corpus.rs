//! `qstar corpus`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Exit, put};
use crate::corpus::synthetic::{Family, generate};

#[derive(Args)]
pub struct CorpusArgs {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// Make theorems up, true by construction, from a seed: a dataset for `qstar bench --records`.
    Synthetic(SyntheticArgs),
}

#[derive(Args)]
struct SyntheticArgs {
    /// How many theorems; fewer when the families have no more.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// The same seed gives the same theorems.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Families to draw from, in turn.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Family::ALL)]
    family: Vec<Family>,
    /// The dataset.
    #[arg(long, value_name = "DATA.jsonl")]
    out: PathBuf,
}

pub fn run(args: &CorpusArgs) -> Result<Exit> {
    let Kind::Synthetic(args) = &args.kind;
    let rows = generate(&args.family, args.count, args.seed)?;
    let lines = rows.iter().map(serde_json::to_string).collect::<Result<Vec<String>, _>>()?;
    put(&args.out, &(lines.join("\n") + "\n"))?;
    println!("{} theorems in {}", rows.len(), args.out.display());
    Ok(Exit::Success)
}
